"""A past with those writes of ours that no history tells, or not yet."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from gateway.store.lives import Known
from rules.observation import Origin
from rules.plan import Receipt, Update
from rules.ticket import Change
from rules.working import alike

ECHO = timedelta(days=1)
"""After which a write of ours is no longer looked for in a history."""
CLOCKED = frozenset({"status", "priority", "group"})
"""The fields whose past the clocks of ladders are worked out from."""


def whole_past(known: Known) -> tuple[Change, ...]:
    """Every change of a ticket by time, our own writes that no history tells among them."""
    changes = (*known.changes, *untold(known.wrote, known.changes))
    return tuple(sorted(changes, key=lambda change: change.at))


def origin(known: Known) -> Origin:
    """A ticket that another was split from, as the clocks of that one see it."""
    return Origin(ticket=known.ticket, changes=whole_past(known), comments=known.comments, merged_in=known.merged_in)


def untold(wrote: Iterable[tuple[Update, Receipt, datetime]], told: Sequence[Change]) -> tuple[Change, ...]:
    """Our writes as changes of ours, but for those that a change of ours tells already; each is told once.

    A clock that finds a priority which no change explains takes it for a person's, and a ladder that raises would move its own target.
    """
    rows, found = [change for change in told if change.ours], []
    for update, receipt, at in wrote:
        for wanted in (change for change in update.changes if change.field in CLOCKED):
            after = receipt.echo.get(wanted.field, wanted.after)
            same = (r for r in rows if r.field == wanted.field and alike(r.field, r.after, after) and abs(r.at - at) <= ECHO)
            if (known := next(same, None)) is not None:
                rows.remove(known)
            elif not alike(wanted.field, wanted.before, after):
                found.append(Change(field=wanted.field, before=wanted.before, after=after, at=at, ours=True))
    return tuple(found)
