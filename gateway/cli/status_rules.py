"""The part of `status` that is about rules: which are in force, how the files on disk stand to them, and which are paused."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

    from gateway.desk import Loaded

BY_ITSELF = "ticketgate"
"""Who paused a rule whose limit was reached."""
FILES = {
    "in force": "",
    "other": " The files on disk say something else: a running daemon takes them over, the next start does.",
    "broken": " The files on disk have mistakes, which `check` shows; until then the last good rules stay.",
}


def gathered(db: "sa.Connection", loaded: "Loaded") -> dict[str, Any]:
    """As it stands in the JSON of `status`."""
    from gateway.clock import now
    from gateway.store import bundles, pausing, reloading

    running, standing = bundles.running(db), reloading.standing(db)
    return {
        "rules": running.hash if running else None,
        "since": running.at if running else None,
        "how": running.how if running else None,
        "files": _files(loaded, running.hash if running else None),
        "reload": {"state": standing.state, "reason": standing.reason, "candidate": standing.candidate},
        "pinned": {"hash": standing.pinned, "by": standing.pinned_by, "at": standing.pinned_at} if standing.pinned else None,
        "daemon": standing.alive(now()),
        "paused_rules": [{"rule": p.rule, "reason": p.reason, "by": p.who, "at": p.at} for p in pausing.all_of(db)],
    }


def healthy(found: dict[str, Any]) -> bool:
    """A pin, and a rule that somebody paused, are decisions; files that are not fit or wait, and a rule that its limit paused, want one."""
    by_itself = any(one["by"] == BY_ITSELF for one in found["paused_rules"])
    return bool(found["files"] != "broken" and found["reload"]["state"] == "ok" and not by_itself)


def _files(loaded: "Loaded", rules: str | None) -> str:
    """How the files on disk stand to the rules in force."""
    if loaded.bundle is None:
        return "broken"
    return "in force" if rules == loaded.bundle.hash else "other"


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """For people: each line with its style."""
    since = f" since {found['since']:%Y-%m-%d %H:%M:%S}Z ({found['how']})" if found["since"] else ""
    style = "red" if found["files"] == "broken" else ""
    yield f"Rules in force: {(found['rules'] or 'none')[:7]}{since}.{FILES[found['files']]}", style
    if pin := found["pinned"]:
        yield f"PINNED to {pin['hash'][:7]} since {pin['at']:%Y-%m-%d %H:%M}Z by {pin['by']}; `rollback --unpin` draws the pin", "yellow"
    if found["reload"]["state"] != "ok":
        yield _not_taken(**found["reload"]), "red"
    for one in found["paused_rules"]:
        yield f"PAUSED rule {one['rule']} since {one['at']:%Y-%m-%d %H:%M}Z by {one['by']}: {one['reason']}", "yellow"


def _not_taken(state: str, reason: str, candidate: str | None) -> str:
    """The first line says what is wrong; where there are more, who shows them."""
    first, *more = reason.splitlines() or [""]
    rest = f" (and {len(more)} more lines: `check` and `test` show all)" if more else ""
    which = f" {candidate[:7]}" if candidate else ""
    return f"NEW RULES{which} {state.upper()}: {first}{rest}"
