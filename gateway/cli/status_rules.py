"""The part of `status` that is about rules: which are in force, how the files on disk stand to them, and which are paused."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

    from gateway.desk import Loaded

FILES = {
    "in force": "",
    "other": " The files on disk say something else: a running daemon takes them over, the next start does.",
    "broken": " The files on disk have mistakes, which `check` shows; until then the last good rules stay.",
}


def gathered(db: "sa.Connection", loaded: "Loaded") -> dict[str, Any]:
    """As it stands in the JSON of `status`."""
    from gateway.store import bundles, pausing

    running = bundles.running(db)
    return {
        "rules": running.hash if running else None,
        "since": running.at if running else None,
        "how": running.how if running else None,
        "files": _files(loaded, running.hash if running else None),
        "paused_rules": [{"rule": p.rule, "reason": p.reason, "by": p.who, "at": p.at} for p in pausing.all_of(db)],
    }


def healthy(found: dict[str, Any]) -> bool:
    return bool(found["files"] != "broken")


def _files(loaded: "Loaded", rules: str | None) -> str:
    """How the files on disk stand to the rules in force."""
    if loaded.bundle is None:
        return "broken"
    return "in force" if rules == loaded.bundle.hash else "other"


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """For people: each line with its style."""
    since = f" since {found['since']:%Y-%m-%d %H:%M:%S}Z ({found['how']})" if found["since"] else ""
    yield f"Rules in force: {(found['rules'] or 'none')[:7]}{since}.{FILES[found['files']]}", "" if healthy(found) else "red"
    for one in found["paused_rules"]:
        yield f"PAUSED rule {one['rule']} since {one['at']:%Y-%m-%d %H:%M}Z by {one['by']}: {one['reason']}", "yellow"
