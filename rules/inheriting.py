"""`on_split: inherit`: the clocks of a ticket that was split from another go on where those of its origin stood.

What is inherited is the start of the origin's clock and every stretch in which it ran up to the split, the moment at which the new
ticket was created: so its pauses do not count here either, and each stretch stays counted by the calendar that counted it. From the split
on the new ticket's own past, policy, target and calendar rule; a target in business days counts them from the inherited start.

Inherited is what still had something to run: a clock that ran or was paused at the split, and one that had stopped because its origin
was settled, as a reopening would have resumed it (`on_reopen: resume`, within `reopen_window`); the time between that stop and the split
does not count. What was kept, cancelled or judged otherwise by then is the origin's own, and such a clock begins fresh with the new
ticket. So does one that does not start with the ticket, and every clock where the origin was never seen (a doubt says so). The origin's
breaches and stages stay with the origin: a deadline that it had passed is a breach of the new ticket from the split on.
"""

from datetime import datetime, timedelta

from rules.climb import Climb, Inherited
from rules.observation import Observation
from rules.past import Doubt, as_of
from rules.promises import Ruling
from rules.run import Stretch
from rules.ticket import TicketRef


def origin_of(seen: Observation) -> Observation | None:
    """The origin as it stood at the split, with its own origins; None where nothing is known of it from before."""
    if not seen.origins or seen.origins[0].ticket.created_at > seen.ticket.created_at:
        return None
    first, *others = seen.origins
    past = Observation(
        ticket=first.ticket,
        now=seen.now,
        changes=first.changes,
        comments=first.comments,
        merged_in=first.merged_in,
        origins=tuple(others),
    )
    return as_of(past, seen.ticket.created_at)


def unknown(seen: Observation) -> Doubt:
    """Of a ticket whose origin is not known."""
    what = f"it was split from {seen.ticket.split_from}, of which nothing is known from before; its clocks began with it"
    return Doubt("origin_unknown", what, seen.ticket.created_at)


def gone_on(origin: TicketRef, went: Climb, ruling: Ruling, at: datetime) -> Climb | None:
    """The new ticket's climb, at rest until its own past says that it runs; None where the origin's has nothing left to run."""
    if not (went.active or _resumes(went, ruling, at)):
        return None
    went.turn(at, False)
    most = ruling.plan.spec.switches.max_backdate
    floor = went.started_at if most is None else max(went.started_at, at - most)
    stretches = [Stretch(max(s.since, floor), s.until, s.calendar) for s in went.stretches if s.until is not None and s.until > floor]
    return Climb(1, floor, ruling, at, stretches, inherited=Inherited(origin, at, went.ended_at))


def _resumes(went: Climb, ruling: Ruling, at: datetime) -> bool:
    switches = ruling.plan.spec.switches
    if not went.by_settling or went.ended_at is None or switches.on_reopen != "resume":
        return False
    return at - went.ended_at <= (switches.reopen_window or timedelta.max)
