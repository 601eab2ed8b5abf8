"""The breakdown of a deadline: every stretch of time that adds up to it, so that a person can follow the sum by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from rules.calendar import Calendar
from rules.climb import Inherited, Superseded
from rules.run import NO_TIME
from rules.sla import SlaClock
from rules.ticket import Change, replace

What: TypeAlias = Literal[
    "counted", "closed", "paused", "clock_change", "target", "calendar", "resumed", "split", "deadline", "now", "stopped"
]
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the sum. `until` None: it is a moment. `counts` is what it adds, `total` the sum up to and with it."""

    what: What
    since: datetime
    until: datetime | None = None
    counts: timedelta = NO_TIME
    total: timedelta = NO_TIME
    to_come: bool = False
    text: str = ""


def breakdown(clock: SlaClock, calendars: Mapping[str, Calendar], changes: tuple[Change, ...] = ()) -> tuple[Row, ...]:
    """From the start to the deadline, and on to now or to the stop where that is later.

    The `counted` rows up to the deadline add up to the target, those up to now to what has elapsed. `changes` say why it paused.
    """
    names = {id(calendar): name for name, calendar in calendars.items()}
    looks = (clock.due_at, clock.now, clock.stopped_at, clock.inherited.at if clock.inherited is not None else None)
    ends = [at for at in (clock.due_at, clock.stopped_at or clock.now) if at is not None]
    horizon = clock.stopped_at if clock.state in _CUT and clock.stopped_at is not None else max(ends)
    cuts = sorted({at for at in looks if at is not None and clock.started_at < at < horizon})
    rows = [*_spans(clock, horizon, cuts, names, changes), *_split(clock.inherited), *_moments(clock, horizon, names)]
    rows.sort(key=lambda row: (row.since, _ORDER[row.what]))
    return tuple(_added(rows, clock.now))


_CUT = frozenset({"cancelled", "merged", "not_applicable", "superseded"})
_ORDER: Mapping[What, int] = {
    "deadline": 0,
    "stopped": 1,
    "now": 2,
    "target": 3,
    "resumed": 4,
    "split": 5,
    "calendar": 6,
    "clock_change": 7,
    "paused": 8,
    "closed": 9,
    "counted": 10,
}


def _added(rows: list[Row], now: datetime) -> Iterator[Row]:
    total = NO_TIME
    for row in rows:
        total += row.counts
        yield replace(row, total=total, to_come=row.since >= now and row.what != "now")


# --- stretches of time -----------------------------------------------------------------------------------------------


def _spans(
    clock: SlaClock, horizon: datetime, cuts: list[datetime], names: Mapping[int, str], changes: tuple[Change, ...]
) -> Iterator[Row]:
    for stretch in clock.run.stretches:
        until = horizon if stretch.until is None else min(stretch.until, horizon)
        yield from _running(stretch.since, until, stretch.calendar, cuts, names)
    for start, end in clock.run.pauses():
        if start < horizon:
            until = min(end or horizon, horizon)
            yield Row(what="paused", since=start, until=until, text=_why(clock, start, until, changes))


def _running(since: datetime, until: datetime, calendar: Calendar, cuts: list[datetime], names: Mapping[int, str]) -> Iterator[Row]:
    """Open spans count, the time between them is closed; both are cut where the sum is looked at."""
    at = since
    for start, end in calendar.spans(since, until):
        if at < start:
            yield Row(what="closed", since=at, until=start, text=names.get(id(calendar), ""))
        for a, b in _cut(start, end, cuts):
            yield Row(what="counted", since=a, until=b, counts=b - a)
        at = end
    if at < until:
        yield Row(what="closed", since=at, until=until, text=names.get(id(calendar), ""))


def _cut(start: datetime, end: datetime, cuts: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    for cut in cuts:
        if start < cut < end:
            yield start, cut
            start = cut
    yield start, end


def _why(clock: SlaClock, start: datetime, end: datetime, changes: tuple[Change, ...]) -> str:
    """What began the pause, and how much open time it takes out of the sum."""
    cause = next((f"{c.field} became {c.after}" for c in changes if c.at == start and c.field != "group"), "")
    lost = clock.ruling.calendar.elapsed(start, end)
    return f"{cause}{'; ' if cause else ''}{_amount(lost)} of open time does not count"


def _amount(amount: timedelta) -> str:
    minutes, seconds = divmod(int(amount.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n]
    return " ".join(parts) or "0s"


# --- moments ---------------------------------------------------------------------------------------------------------


def _moments(clock: SlaClock, horizon: datetime, names: Mapping[int, str]) -> Iterator[Row]:
    for earlier in clock.superseded:
        yield Row(what="target", since=earlier.until, text=_replaced(clock, earlier))
    for ended in clock.ended:
        yield Row(what="resumed", since=ended.at, text=f"{ended.outcome}, and resumed when the ticket was reopened")
    for before, after in zip(clock.run.stretches, clock.run.stretches[1:], strict=False):
        if before.calendar is not after.calendar:
            yield Row(
                what="calendar", since=after.since, text=f"counted in {names.get(id(after.calendar), 'another calendar')} from here on"
            )
    yield from _clock_changes(clock, horizon)
    if clock.due_at is not None and clock.due_at <= horizon:
        yield Row(what="deadline", since=clock.due_at, text=f"{clock.ruling.target.written} used up")
    if clock.stopped_at is not None:
        yield Row(what="stopped", since=clock.stopped_at, text=clock.state)
    elif clock.now <= horizon:
        yield Row(what="now", since=clock.now, text=clock.state)


def _split(inherited: Inherited | None) -> Iterator[Row]:
    if inherited is None:
        return
    if inherited.ended_at is not None:
        yield Row(what="resumed", since=inherited.ended_at, text=f"stopped when {inherited.origin} was settled, and resumed at the split")
    yield Row(what="split", since=inherited.at, text=f"split from {inherited.origin}, whose time stands above; from here on it is its own")


def _replaced(clock: SlaClock, earlier: Superseded) -> str:
    later = [s.target for s in clock.superseded if s.since >= earlier.until]
    new = (later[0] if later else clock.ruling.target).written
    was = " after its deadline" if earlier.breached else ""
    return f"target {earlier.target.written} replaced{was} by {new}"


def _clock_changes(clock: SlaClock, horizon: datetime) -> Iterator[Row]:
    """Where the clocks go forward or back in the zone of the calendar, while the clock ran or rested."""
    zone = clock.ruling.open_hours.zone
    at = clock.started_at
    while at < horizon:
        after = min(at + _HALF_DAY, horizon)
        before, then = _offset(at, zone), _offset(after, zone)
        if before != then:
            moment = _first_with(then, at, after, zone)
            way = "forward" if then > before else "back"
            yield Row(what="clock_change", since=moment, text=f"the clocks go {way} by {_amount(abs(then - before))} in {zone.key}")
        at = after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or NO_TIME


def _first_with(offset: timedelta, before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if _offset(middle, zone) == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0).astimezone(UTC)
