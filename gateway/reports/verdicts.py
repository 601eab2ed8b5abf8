"""What our clocks say of the promises to a ticket, out of what the store knows of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.gathering import untold
from gateway.store.lives import Known
from rules.lives import Verdict
from rules.observation import Observation
from rules.past import as_of
from rules.sla import SlaClock, Standing

WE = "we"
LEFT_OUT = frozenset({"cancelled", "merged", "not_applicable", "superseded"})
"""Clocks that ended without being kept or missed: they are in no share."""


def observed(known: Known, at: datetime) -> Observation:
    """What was known of a ticket, as it stood at `at`; our own writes among its changes."""
    changes = (*known.changes, *untold(known.wrote, known.changes))
    now = max(at, known.ticket.updated_at)
    whole = Observation(ticket=known.ticket, now=now, comments=known.comments, changes=tuple(sorted(changes, key=lambda change: change.at)))
    return as_of(whole, at) if at < now else whole


def ours(standing: Standing) -> Iterator[Verdict]:
    """One for each instance of each clock that was kept, missed, or still runs."""
    for clock in standing.clocks:
        if clock.state not in LEFT_OUT:
            yield Verdict(
                says=WE, metric=clock.metric, policy=clock.policy, ended=clock.over, missed=clock.has_breached, margin=_margin(clock)
            )


def _margin(clock: SlaClock) -> timedelta | None:
    return clock.stopped_at - clock.due_at if clock.stopped_at is not None and clock.due_at is not None else None
