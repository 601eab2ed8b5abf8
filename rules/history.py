"""A ticket's past, as clocks need it: which status stood when, who spoke when, and the stretches in which a clock ran."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.calendar import Calendar
from rules.events import is_reply
from rules.observation import Observation
from rules.ticket import SETTLED, Comment, Role, Status, Value


@dataclass(frozen=True, slots=True)
class Stood:
    """A field had this value from `since` on, until the next one."""

    since: datetime
    value: Value


def stood(observation: Observation, name: str) -> tuple[Stood, ...]:
    """What the field was over the ticket's life up to now, each value with its beginning; the first one began with the ticket.

    Rows that do not lead up to the present value are completed by one at the ticket's last update.
    """
    ticket, now = observation.ticket, observation.now
    present = getattr(ticket, name)
    rows = sorted((c for c in observation.changes if c.field == name and c.at <= now), key=lambda c: c.at)
    values = [Stood(ticket.created_at, rows[0].before if rows else _at_first(name, present))]
    values += [Stood(max(row.at, ticket.created_at), row.after) for row in rows]
    if values[-1].value != present:
        values.append(Stood(max(values[-1].since, min(ticket.updated_at, now)), present))
    return tuple(values)


def replies(observation: Observation) -> tuple[Comment, ...]:
    """Public words of people, oldest first; robots and ticketgate are nobody."""
    said = (c for c in observation.comments if c.at <= observation.now and (is_reply(c, Role.AGENT) or is_reply(c, Role.CUSTOMER)))
    return tuple(sorted(said, key=lambda c: c.at))


@dataclass(frozen=True, slots=True)
class Run:
    """One climb of a clock: its start, the stretches in which it ran (an open end: it runs now), and its stop."""

    started_at: datetime
    stretches: tuple[tuple[datetime, datetime | None], ...]
    stopped_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.stopped_at is None and bool(self.stretches) and self.stretches[-1][1] is None

    def pauses(self) -> Iterator[tuple[datetime, datetime | None]]:
        """The stretches between its start and its stop in which it did not run; an open end: it is paused now."""
        last: datetime | None = self.started_at
        for start, end in self.stretches:
            if last is not None and last < start:
                yield last, start
            last = end
        if last is not None and last != self.stopped_at:
            yield last, self.stopped_at

    def elapsed(self, calendar: Calendar, now: datetime) -> timedelta:
        """Open time in which it ran, up to `now`."""
        pieces = (calendar.elapsed(start, now if end is None else min(end, now)) for start, end in self.stretches)
        return sum(pieces, timedelta(0))

    def reached(self, calendar: Calendar, amount: timedelta) -> datetime | None:
        """The earliest moment at which it has had `amount` of open time while running; None when it was held or stopped before.

        What happens at that very moment comes first: a pause or stop then means that it was not reached.
        """
        for start, end in self.stretches:
            at = calendar.add(start, amount)
            if end is None or at < end:
                return at
            amount -= calendar.elapsed(start, end)
        return None


def ran(life: tuple[Stood, ...], started_at: datetime, stopped_at: datetime | None, counts: Callable[[Value], bool]) -> Run:
    """The run from `started_at`, in the stretches whose status `counts`."""
    stretches: list[tuple[datetime, datetime | None]] = []
    for n, stay in enumerate(life):
        start, end = max(stay.since, started_at), life[n + 1].since if n + 1 < len(life) else None
        end = stopped_at if end is None or (stopped_at is not None and stopped_at < end) else end
        if not counts(stay.value) or (end is not None and end <= start):
            continue
        if stretches and stretches[-1][1] == start:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((start, end))
    return Run(started_at, tuple(stretches), stopped_at)


def settled_since(life: tuple[Stood, ...]) -> datetime | None:
    """When the present stay among resolved and closed began; None when the ticket is in work."""
    since = None
    for stay in life:
        since = (since or stay.since) if stay.value in SETTLED else None
    return since


def stay_since(life: tuple[Stood, ...], statuses: frozenset[str]) -> datetime | None:
    """When the present stay among `statuses` began; moving between two of them is not leaving."""
    since = None
    for stay in life:
        since = (since or stay.since) if stay.value in statuses else None
    return since


def _at_first(name: str, present: Value) -> Value:
    """What a field without history was at the beginning: a settled ticket was once new, the rest is taken as it is."""
    return Status.NEW if name == "status" and present in SETTLED else present
