"""Working time: when a calendar is open, how much open time lies between two moments, and where an amount of it ends."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

Hours: TypeAlias = tuple[int, int]
"""Opening and closing in minutes after local midnight, 0 to 1440. A closing at or before the opening is on the next day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_HORIZON = 80  # years looked ahead or back for open time before a calendar counts as closed for good


class NeverOpen(ValueError):
    """The calendar has no open time where some was needed."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the clock of an SLA runs. Every moment taken and given is aware; those given are in UTC.

    `weekly` has the hours of a weekday (0 is Monday), `overrides` replace those of a date, `holidays` and `recurring` (month, day)
    close a date, `closures` (local, without zone) close a stretch: closure before holiday before override before weekly. Spans are
    half open and real time: a 24-hour span has 23 hours on the day the clocks go forward. A boundary that the clocks skip is the
    first instant that exists; one that comes twice is the first. `always` is open around the clock, the rest is then ignored.
    Raises `NeverOpen` (a `ValueError`) when nothing is ever open, `ZoneInfoNotFoundError` when there is no such zone.
    """

    timezone: str = "UTC"
    weekly: Mapping[int, tuple[Hours, ...]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    recurring: frozenset[tuple[int, int]] = frozenset()
    overrides: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)
    closures: tuple[tuple[datetime, datetime], ...] = ()
    always: bool = False
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _years: dict[int, "_Spans"] = field(init=False, repr=False, compare=False, default_factory=dict)
    _index: dict[str, "_Index"] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.timezone))
        if not (self.always or any(self.weekly.values()) or any(self.overrides.values())):
            raise NeverOpen("this calendar is never open; give it hours under 'open', or write 'always: true'")

    # --- questions about one moment ------------------------------------------------------------------------------------

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in a span; the opening instant does, the closing instant does not."""
        if self.always:
            return True
        t = _micros(at)
        index = self._covering(t, t)
        i = bisect_right(index.starts, t) - 1
        return i >= 0 and t < index.ends[i]

    def is_holiday(self, at: datetime) -> bool:
        """Whether the local date of `at` is a holiday, all day long."""
        return not self.always and self._is_holiday(at.astimezone(self._zone).date())

    def next_open(self, at: datetime) -> datetime:
        """`at` itself when open, else the next opening."""
        if self.always:
            return at.astimezone(UTC)
        t = _micros(at)
        for index in self._ahead(t):
            i = bisect_right(index.ends, t)
            if i < len(index.starts):
                return _moment(max(t, index.starts[i]))
        raise self._closed_for_good(at)

    def next_close(self, at: datetime) -> datetime | None:
        """The end of the span that is open at `at`, or of the next one; None when it never closes."""
        if self.always:
            return None
        t = _micros(at)
        for index in self._ahead(t):
            i = bisect_right(index.ends, t)
            if i < len(index.ends) - 1:  # the last span may go on after what was worked out so far
                return _moment(index.ends[i])
        return self._last_close(t)

    def prev_open(self, at: datetime) -> datetime:
        """The latest moment not after `at` that is open, or the end of an open span."""
        if self.always:
            return at.astimezone(UTC)
        t = _micros(at)
        for index in self._behind(t):
            i = bisect_left(index.starts, t) - 1
            if self.is_open(at):
                return at.astimezone(UTC)
            if i >= 0:
                return _moment(min(t, index.ends[i]))
        raise self._closed_for_good(at)

    # --- amounts of open time ------------------------------------------------------------------------------------------

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time in `[start, end)`; nothing when `end` is not after `start`."""
        if end <= start:
            return timedelta(0)
        if self.always:
            return end.astimezone(UTC) - start.astimezone(UTC)
        a, b = _micros(start), _micros(end)
        index = self._covering(a, b)
        return (index.position(b) - index.position(a)) * _MICROSECOND

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest moment at which `amount` of open time has passed since `start`; a closing instant when that uses up a span.

        Zero gives the next open moment, a negative amount walks back (the latest moment from which it leads to `start`).
        """
        if self.always:
            return start.astimezone(UTC) + amount
        if amount > timedelta(0):
            return self._forward(start, amount // _MICROSECOND)
        return self._back(start, -(amount // _MICROSECOND)) if amount else self.next_open(start)

    def subtract(self, start: datetime, amount: timedelta) -> datetime:
        """`add` walking back; zero gives the latest moment not after `start` that is open or a closing instant."""
        return self.add(start, -amount) if amount else self.prev_open(start)

    def add_days(self, start: datetime, n: int) -> datetime:
        """`n` business days on (back when negative): dates with any open time, the local time of day kept."""
        local = start.astimezone(self._zone)
        day, step = local.date(), _DAY if n > 0 else -_DAY
        left, searched = abs(n), 0
        while left:
            day, searched = day + step, searched + 1
            if self.has_open_time(day):
                left, searched = left - 1, 0
            if searched > _HORIZON * 366:
                raise self._closed_for_good(start)
        minutes = local.replace(tzinfo=None) - datetime(local.year, local.month, local.day)  # noqa: DTZ001 - wall time
        return start.astimezone(UTC) if not n else _moment(self._instant(datetime(day.year, day.month, day.day) + minutes))  # noqa: DTZ001

    def has_open_time(self, day: date) -> bool:
        """Whether the local date `day` is open at all."""
        if self.always:
            return True
        a, b = self._instant(_midnight(day)), self._instant(_midnight(day + _DAY))
        index = self._covering(a, b)
        return index.position(b) > index.position(a)

    # --- inside --------------------------------------------------------------------------------------------------------

    def _forward(self, start: datetime, amount: int) -> datetime:
        t = _micros(start)
        for index in self._ahead(t):
            wanted = index.position(t) + amount
            i = bisect_left(index.sums, wanted) - 1
            end = index.starts[i] + wanted - index.sums[i] if i >= 0 else 0
            if i >= 0 and end <= index.ends[i]:
                return _moment(end)
        raise self._closed_for_good(start)

    def _back(self, start: datetime, amount: int) -> datetime:
        t = _micros(start)
        for index in self._behind(t):
            wanted = index.position(t) - amount
            i = bisect_right(index.sums, wanted) - 1
            if wanted >= 0 and i >= 0:
                return _moment(index.starts[i] + wanted - index.sums[i])
        raise self._closed_for_good(start)

    def _last_close(self, t: int) -> datetime | None:
        index = self._covering(t, t)
        i = bisect_right(index.ends, t)
        runs_on = not index.ends or i >= len(index.ends) or index.ends[i] >= index.hi
        return None if runs_on else _moment(index.ends[i])

    def _closed_for_good(self, at: datetime) -> NeverOpen:
        return NeverOpen(f"this calendar has too little open time within {_HORIZON} years of {at:%Y-%m-%d}")

    def _is_holiday(self, day: date) -> bool:
        return day in self.holidays or (day.month, day.day) in self.recurring

    def _covering(self, a: int, b: int) -> "_Index":
        index = self._index.get("now")
        if index is None or not (index.lo <= a and b <= index.hi):
            index = self._grown(index, _moment(a).year - 1, _moment(b).year + 1)
        return index

    def _grown(self, index: "_Index | None", first: int, last: int) -> "_Index":
        if index is not None:
            first, last = min(first, index.first), max(last, index.last)
        grown = _Index.over(first, last, self._year, self._instant)
        self._index["now"] = grown  # a cache: the same calendar gives the same index for ever
        return grown

    def _ahead(self, t: int) -> Iterator["_Index"]:
        index = self._covering(t, t)
        yield index
        year = _moment(t).year
        for years in (5, 20, _HORIZON):
            if index.last < min(year + years, 9998):
                index = self._grown(index, index.first, min(year + years, 9998))
                yield index

    def _behind(self, t: int) -> Iterator["_Index"]:
        index = self._covering(t, t)
        yield index
        year = _moment(t).year
        for years in (5, 20, _HORIZON):
            if index.first > max(year - years, 2):
                index = self._grown(index, max(year - years, 2), index.last)
                yield index

    def _year(self, year: int) -> "_Spans":
        if year not in self._years:
            days = (date(year, 1, 1) + timedelta(n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days))
            spans = _merged(span for day in days for span in self._spans(day))
            self._years[year] = _without(spans, self._closed_between(year))
        return self._years[year]

    def _closed_between(self, year: int) -> "_Spans":
        inside = [(a, b) for a, b in self.closures if a.year <= year <= b.year]
        return _merged(sorted((self._instant(a), self._instant(b)) for a, b in inside))

    def _spans(self, day: date) -> "_Spans":
        """The open spans that lie on the local date `day`: its own hours until midnight, and what is left of yesterday's shift."""
        if self._is_holiday(day):
            return []
        today = [(a, b if b > a else 1440) for a, b in self._hours(day)]
        tail = [(0, b) for a, b in self._hours(day - _DAY) if b <= a and b > 0]
        base = _midnight(day)
        return [(self._instant(base + timedelta(minutes=a)), self._instant(base + timedelta(minutes=b))) for a, b in sorted(today + tail)]

    def _hours(self, day: date) -> tuple[Hours, ...]:
        if self._is_holiday(day):
            return ()
        return self.overrides[day] if day in self.overrides else self.weekly.get(day.weekday(), ())

    def _instant(self, local: datetime) -> int:
        """Microseconds since 1970 of a wall time: the first of two, and the first existing one where the clocks skip it."""
        early = _micros(local.replace(tzinfo=self._zone))
        late = _micros(local.replace(tzinfo=self._zone, fold=1))
        if late >= early:
            return early
        return self._first_after_skip(late, early)

    def _first_after_skip(self, before: int, after: int) -> int:
        offset = _moment(before).astimezone(self._zone).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if _moment(middle).astimezone(self._zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after


_Spans: TypeAlias = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Index:
    """Open spans of the years `first` to `last` with the open time before each, in microseconds since 1970."""

    first: int
    last: int
    lo: int
    hi: int
    starts: list[int]
    ends: list[int]
    sums: list[int]

    @classmethod
    def over(cls, first: int, last: int, year: Callable[[int], "_Spans"], instant: Callable[[datetime], int]) -> "_Index":
        spans = _merged(span for y in range(first, last + 1) for span in year(y))
        sums, total = [], 0
        for start, end in spans:
            sums.append(total)
            total += end - start
        lo, hi = instant(datetime(first, 1, 1)), instant(datetime(last + 1, 1, 1))  # noqa: DTZ001 - wall time
        return cls(first, last, lo, hi, [s for s, _ in spans], [e for _, e in spans], sums)

    def position(self, t: int) -> int:
        """Open time before `t`, counted from the start of the index."""
        i = bisect_right(self.starts, t) - 1
        return self.sums[i] + min(t, self.ends[i]) - self.starts[i] if i >= 0 else 0


def _merged(spans: Iterable[tuple[int, int]]) -> _Spans:
    merged: _Spans = []
    for start, end in spans:
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without(spans: _Spans, closed: _Spans) -> _Spans:
    for a, b in closed:
        spans = [piece for s, e in spans for piece in ((s, min(e, a)), (max(s, b), e)) if piece[0] < piece[1]]
    return spans


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time of the calendar's zone
