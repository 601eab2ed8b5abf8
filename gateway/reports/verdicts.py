"""What our clocks say of the promises to a ticket, out of what the store knows of it."""

from collections.abc import Iterator
from datetime import timedelta

from rules.lives import Verdict
from rules.sla import SlaClock, Standing

WE = "we"
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


def _once(clock: SlaClock, broken: frozenset[str]) -> bool:
    return clock.climb in broken and clock.spec.switches.breach_memory == "sticky"


def _margin(clock: SlaClock) -> timedelta | None:
    return clock.stopped_at - clock.due_at if clock.stopped_at is not None and clock.due_at is not None else None
