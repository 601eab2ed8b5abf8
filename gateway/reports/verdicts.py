"""What our clocks say of the promises to a ticket, out of what the store knows of it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from connectors.base import NativeSla
from rules.lives import Verdict
from rules.sla import SlaClock, Standing

WE = "we"
THE_SYSTEM = "its system"
LEFT_OUT = frozenset({"cancelled", "merged", "not_applicable", "superseded"})
"""Clocks that ended without being kept or missed: they are in no share."""


def ours(standing: Standing, broken: frozenset[str] = frozenset()) -> Iterator[Verdict]:
    """One for each instance of each clock that was kept, missed, or still runs.

    `broken` names the climbs of which a breach was written down: it stays one, whatever the policy promises now, unless the clock
    says `breach_memory: recompute`.
    """
    for clock in standing.clocks:
        if clock.state not in LEFT_OUT:
            missed = clock.has_breached or _once(clock, broken)
            yield Verdict(says=WE, metric=clock.metric, policy=clock.policy, ended=clock.over, missed=missed, margin=_margin(clock))


def theirs(slas: Iterable[NativeSla]) -> Iterator[Verdict]:
    """What the system itself says; under our metric where the name of its SLA says which one it is about."""
    for sla in slas:
        if sla.state != "cancelled":
            margin = sla.stopped_at - sla.due_at if sla.stopped_at is not None and sla.due_at is not None else None
            metric = sla.metric or sla.name
            yield Verdict(says=THE_SYSTEM, metric=metric, policy=sla.name, ended=sla.state == "ended", missed=sla.breached, margin=margin)


def differing(verdicts: Iterable[Verdict]) -> frozenset[str]:
    """The metrics of a ticket of which we and its system both speak, and one calls broken what the other does not."""
    told: dict[str, dict[str, bool]] = {}
    for verdict in verdicts:
        both = told.setdefault(verdict.metric, {})
        both[verdict.says] = both.get(verdict.says, False) or verdict.missed
    return frozenset(metric for metric, both in told.items() if len(both) == 2 and both[WE] != both[THE_SYSTEM])


def _once(clock: SlaClock, broken: frozenset[str]) -> bool:
    return clock.climb in broken and clock.spec.switches.breach_memory == "sticky"


def _margin(clock: SlaClock) -> timedelta | None:
    return clock.stopped_at - clock.due_at if clock.stopped_at is not None and clock.due_at is not None else None
