"""Which tickets a batch is about: the options that `plan` and `backfill` share, turned into what is asked for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.judging import Asked
    from rules.bundle import Bundle
    from rules.ticket import Ticket


def moment(option: str, text: str | None, now: datetime) -> datetime | None:
    """`24h` ago, or a moment like 2026-03-02 or 2026-03-02T08:00Z (UTC where it names no zone). Ends with 2 for anything else."""
    from gateway.config import duration

    if text is None:
        return None
    try:
        return now - duration(text)
    except ValueError:
        pass
    try:
        said = datetime.fromisoformat(text)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # a moment that UTC has no year for
        raise Ended(Code.USAGE, f"{option} {text}: write a duration like 24h, or a moment like 2026-03-02T08:00Z.") from None


def lasting(option: str, text: str) -> float:
    """A duration in seconds. Ends with 2 for anything else."""
    from gateway.config import duration

    try:
        return duration(text).total_seconds()
    except ValueError as error:
        raise Ended(Code.USAGE, f"{option} {text}: {error}") from None


def asked_for(
    found: "Gateway",
    *,
    connections: Sequence[str],
    since: str | None,
    until: str | None,
    rule: str | None,
    where: str | None = None,
    limit: int | None = None,
    replies: bool = False,
    max_changes: int | None = None,
    batch: int | None = None,
) -> "Asked":
    """What the options ask for. Ends with 8 for a rule or connection that does not exist, with 2 for a moment that is none."""
    from gateway.judging import BEGINNING, Asked

    now, bundle = found.house.clock(), found.cycle.book.bundle
    for name in connections:
        there(name, found.connectors)
    if rule is not None:
        rule_there(rule, bundle)
    return Asked(
        connections=tuple(connections) or tuple(found.connectors),
        since=moment("--since", since, now) or BEGINNING,
        until=moment("--until", until, now),
        rule=rule,
        replies=replies,
        max_changes=max_changes,
        limit=limit,
        batch=batch,
        where=_test(where, bundle, now) if where is not None else None,
    )


def there(name: str, connections: Collection[str]) -> None:
    """Ends with 8 for a connection that the desk does not have."""
    if name not in connections:
        raise Ended(Code.NO_SUCH, f"There is no connection called '{name}'; there are {', '.join(connections) or 'none'}.")


def rule_there(name: str, bundle: "Bundle") -> None:
    """Ends with 8 for a rule that the desk does not have, and names the nearest."""
    from difflib import get_close_matches

    if bundle.rule(name) is None:
        near = get_close_matches(name, [rule.id for ruleset in bundle.rulesets for rule in ruleset.rules], 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise Ended(Code.NO_SUCH, f"There is no rule called '{name}'.{hint}")


def _test(where: str, bundle: "Bundle", now: datetime) -> "Callable[[Ticket], bool]":
    """`--where 'priority: { at_least: high }'` as a test; the same grammar as `if`. Ends with 2 and shows what is wrong."""
    from rules.conditions import compiled
    from rules.look import Look
    from rules.nodes import read
    from rules.observation import Observation
    from rules.problems import Problem, errors, rendered
    from rules.reader import reading_for
    from rules.reader_conditions import condition

    if not where.strip():
        raise Ended(Code.USAGE, "--where is empty; write a condition as under if:, like 'priority: { at_least: high }'.")
    problems: list[Problem] = []
    node = read("--where", where, problems)
    found = condition(reading_for(bundle, problems), node) if node is not None else None
    if errors(problems) or found is None:
        raise Ended(Code.USAGE, rendered(problems, {"--where": where}))
    holds, systems, calendars = compiled(found), bundle.desk.connections, bundle.calendars

    def test(ticket: "Ticket") -> bool:
        return holds(Look(Observation(ticket=ticket, now=now), systems=systems, calendars=calendars))

    return test


def _one(many: str) -> str:
    """The word for one of them; `status` is one already."""
    return many if many.endswith("us") else many.removesuffix("ies") + "y" if many.endswith("ies") else many.removesuffix("s")


def counted(said: Mapping[str, int]) -> str:
    """`212 fields, 190 tags, 40 replies`"""
    return ", ".join(f"{n:,} {what if n != 1 else _one(what)}" for what, n in said.items() if n) or "nothing"
