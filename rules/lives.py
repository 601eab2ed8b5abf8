"""What happened to a ticket in its life, as figures count it: its moments and how often, worked out from what is known of it.

Nothing is guessed: a moment that neither the history nor the system tells is None, and whoever counts says how many such there were.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from rules.events import answers
from rules.ticket import SETTLED, Change, Comment, Status, Ticket


class Verdict(Struct, frozen=True, kw_only=True):
    """What somebody says of one promise about a ticket: we by our clocks, or its own system.

    `ended`: the clock has stopped; `missed`: its deadline passed with the clock running, at whatever time. `margin` is how long after
    the deadline it stopped, less than nothing when in time.
    """

    says: str
    metric: str
    policy: str = ""
    ended: bool = True
    missed: bool = False
    margin: timedelta | None = None


class Life(Struct, frozen=True, kw_only=True):
    """One ticket's moments. `told`: its history is known from its beginning; `heard`: its comments are.

    `acknowledged_at` is the first of: it left `new`, it got an assignee, an agent replied, somebody who was called out said so. `paged`
    has of each page when it was opened, and when somebody acknowledged it (None: nobody did). `solved` and `reopened` are all moments
    at which it was settled, and was taken up again.
    """

    ticket: Ticket
    opened_at: datetime
    solved: tuple[datetime, ...]
    reopened: tuple[datetime, ...]
    acknowledged_at: datetime | None
    replied_at: datetime | None
    replies: int
    told: bool
    heard: bool
    by_agent: bool  # an agent opened it by a public word of his own
    paged: tuple[tuple[datetime, datetime | None], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    uncovered: bool = False  # no policy applies to it

    @property
    def resolved_at(self) -> datetime | None:
        """When it was settled for good; None while it is not, and where nobody can tell."""
        return self.solved[-1] if self.ticket.settled and self.solved else None

    @property
    def first_solved_at(self) -> datetime | None:
        return self.solved[0] if self.solved else None


def life_of(
    ticket: Ticket,
    comments: Sequence[Comment] = (),
    changes: Sequence[Change] = (),
    *,
    told: bool,
    heard: bool,
    opened_at: datetime | None = None,
    resolved_at: datetime | None = None,
    paged: tuple[tuple[datetime, datetime | None], ...] = (),
    verdicts: tuple[Verdict, ...] = (),
    uncovered: bool = False,
) -> Life:
    """From what is known, by time. `resolved_at` is the system's own stamp, for where the history is not known."""
    rows = sorted((c for c in changes if c.field == "status"), key=lambda c: c.at)
    solved = tuple(c.at for c in rows if c.after in SETTLED and c.before not in SETTLED)
    if not solved and resolved_at is not None and ticket.settled:
        solved = (resolved_at,)
    replies = [c.at for c in comments if answers(c)]
    opened = opened_at or ticket.created_at
    return Life(
        ticket=ticket,
        opened_at=opened,
        solved=solved,
        reopened=tuple(c.at for c in rows if c.before in SETTLED and c.after not in SETTLED),
        acknowledged_at=_first((*_left_new(rows), *_given(changes), *replies, *(at for _, at in paged if at is not None))),
        replied_at=_first(replies),
        replies=len(replies),
        told=told,
        heard=heard,
        by_agent=any(at <= ticket.created_at for at in replies),
        paged=paged,
        verdicts=verdicts,
        uncovered=uncovered,
    )


def _left_new(rows: Iterable[Change]) -> list[datetime]:
    return [c.at for c in rows if c.before == Status.NEW][:1]


def _given(changes: Iterable[Change]) -> list[datetime]:
    return [c.at for c in changes if c.field == "assignee" and c.after][:1]


def _first(moments: Iterable[datetime]) -> datetime | None:
    return min(moments, default=None)
