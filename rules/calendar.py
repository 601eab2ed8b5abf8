"""Working time: when a calendar is open, how much open time lies between two moments, and where an amount of it ends."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.calendar_index import Index
from rules.opening import DAY, LeapFallback, Spans, Week, instant, merged, midnight, moment, without
from rules.opening import Hours as Hours

_NOTHING = timedelta(0)
_HORIZON = 80  # years looked ahead or back for open time before a calendar counts as closed for good
_FIRST_YEAR, _LAST_YEAR = 2, 9998


class NeverOpen(ValueError):
    """The calendar has no open time where some was needed."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When the clock of an SLA runs. Every moment taken and given is aware; those given are in UTC.

    `weekly` has the hours of a weekday (0 is Monday), `overrides` replace those of a date, `holidays` and `recurring` (month, day)
    close a date, `closures` (local, without zone) close a stretch: closure before holiday before override before weekly. Spans are
    half open and real time: a 24-hour span has 23 hours on the day the clocks go forward. A boundary that the clocks skip is the
    first instant that exists; one that comes twice is the first. `always` is open around the clock, the rest is then ignored.
    `later` are versions that replace all of this from a local date on, in rising order.
    Raises `NeverOpen` (a `ValueError`) when nothing is ever open, `ZoneInfoNotFoundError` when there is no such zone.
    """

    timezone: str = "UTC"
    weekly: Mapping[int, tuple[Hours, ...]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    recurring: frozenset[tuple[int, int]] = frozenset()
    overrides: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)
    closures: tuple[tuple[datetime, datetime], ...] = ()
    always: bool = False
    holiday_cuts_overnight: bool = True
    leap_fallback: LeapFallback = "none"
    later: tuple[tuple[date, Week], ...] = ()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _versions: tuple[tuple[date, Week], ...] = field(init=False, repr=False, compare=False)
    _years: dict[int, tuple[Spans, list[date]]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _index: dict[str, Index] = field(init=False, repr=False, compare=False, default_factory=dict)
    _alone: dict[int, "Calendar"] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.timezone))
        first = Week(
            weekly=self.weekly,
            holidays=self.holidays,
            recurring=self.recurring,
            overrides=self.overrides,
            closures=self.closures,
            holiday_cuts_overnight=self.holiday_cuts_overnight,
            leap_fallback=self.leap_fallback,
        )
        object.__setattr__(self, "_versions", ((date.min, first), *self.later))
        if not (self.always or any(week.opens for _, week in self._versions)):
            raise NeverOpen("this calendar is never open; give it hours under 'open', or write 'always: true'")

    @classmethod
    def of(cls, timezone: str, versions: tuple[tuple[date, Week], ...]) -> "Calendar":
        """A calendar of several versions; the first one holds before its own date as well."""
        first = versions[0][1]
        return cls(
            timezone,
            first.weekly,
            first.holidays,
            first.recurring,
            first.overrides,
            first.closures,
            holiday_cuts_overnight=first.holiday_cuts_overnight,
            leap_fallback=first.leap_fallback,
            later=versions[1:],
        )

    @property
    def zone(self) -> ZoneInfo:
        return self._zone

    # --- versions ------------------------------------------------------------------------------------------------------

    def as_of(self, at: datetime) -> "Calendar":
        """The version in force at `at`, as if it had always been and would always be."""
        if not self.later:
            return self
        week = self._week(at.astimezone(self._zone).date())
        if id(week) not in self._alone:
            self._alone[id(week)] = Calendar.of(self.timezone, ((date.min, week),))
        return self._alone[id(week)]

    def changes_after(self, at: datetime) -> datetime | None:
        """When the next version begins to hold; None when there is none."""
        starts = (moment(self._instant(midnight(day))) for day, _ in self.later)
        return next((start for start in starts if start > at), None)

    # --- questions about one moment ------------------------------------------------------------------------------------

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in a span; the opening instant does, the closing instant does not."""
        if self.always:
            return True
        t = _utc(at)
        index = self._covering(t, t)
        i = bisect_right(index.starts, t) - 1
        return i >= 0 and t < index.ends[i]

    def is_holiday(self, at: datetime) -> bool:
        """Whether the local date of `at` is a holiday, all day long."""
        day = at.astimezone(self._zone).date()
        return not self.always and self._week(day).is_holiday(day)

    def next_open(self, at: datetime) -> datetime:
        """`at` itself when open, else the next opening."""
        t = _utc(at)
        if self.always:
            return t
        for index in self._ahead(t):
            i = bisect_right(index.ends, t)
            if i < len(index.starts):
                return max(t, index.starts[i])
        raise self._closed_for_good(at)

    def next_close(self, at: datetime) -> datetime | None:
        """The end of the span that is open at `at`, or of the next one; None when it never closes."""
        if self.always:
            return None
        t = _utc(at)
        for index in self._ahead(t):
            i = bisect_right(index.ends, t)
            if i < len(index.ends) - 1:  # the last span may go on after what was worked out so far
                return index.ends[i]
        return self._last_close(t)

    def prev_open(self, at: datetime) -> datetime:
        """The latest moment not after `at` that is open, or the end of an open span."""
        t = _utc(at)
        if self.always:
            return t
        for index in self._behind(t):
            i = bisect_left(index.starts, t) - 1
            if self.is_open(t):
                return t
            if i >= 0:
                return min(t, index.ends[i])
        raise self._closed_for_good(at)

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open spans that overlap `[start, end)`, cut to it, in order."""
        a, b = _utc(start), _utc(end)
        if a >= b:
            return
        if self.always:
            yield a, b
            return
        index = self._covering(a, b)
        for i in range(bisect_right(index.ends, a), bisect_left(index.starts, b)):
            yield max(a, index.starts[i]), min(b, index.ends[i])

    # --- amounts of open time ------------------------------------------------------------------------------------------

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time in `[start, end)`; nothing when `end` is not after `start`."""
        a = start if start.tzinfo is UTC else start.astimezone(UTC)
        b = end if end.tzinfo is UTC else end.astimezone(UTC)
        if b <= a:
            return _NOTHING
        if self.always:
            return b - a
        index = self._index.get("now")
        if index is None or a < index.lo or index.hi < b:
            index = self._covering(a, b)
        return index.between(a, b)

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest moment at which `amount` of open time has passed since `start`; a closing instant when that uses up a span.

        Zero gives the next open moment, a negative amount walks back (the latest moment from which it leads to `start`).
        """
        t = _utc(start)
        if self.always:
            return t + amount
        if amount > _NOTHING:
            index = self._index.get("now")
            if index is None or t < index.lo or index.hi < t:
                index = self._covering(t, t)
            return index.reached(t, amount) or self._far_forward(t, amount)
        return self._back(t, -amount) if amount else self.next_open(t)

    def subtract(self, start: datetime, amount: timedelta) -> datetime:
        """`add` walking back; zero gives the latest moment not after `start` that is open or a closing instant."""
        return self.add(start, -amount) if amount else self.prev_open(start)

    # --- business days -------------------------------------------------------------------------------------------------

    def add_days(self, start: datetime, n: int) -> datetime:
        """`n` business days on (back when negative): dates with any open time, the local time of day kept."""
        if not n:
            return start.astimezone(UTC)
        local = start.astimezone(self._zone).replace(tzinfo=None)
        if self.always:
            return moment(self._instant(local + n * DAY))
        day = local.date()
        there = self._days_later(day, n) if n > 0 else self._days_earlier(day, -n)
        if there is None:
            raise self._closed_for_good(start)
        wanted, on = local + (there - day), _utc(start) + (there - day)
        back = on.astimezone(self._zone)
        if not back.fold and back.replace(tzinfo=None) == wanted:  # no change of clocks in between: as many hours as days say
            return on
        return moment(self._instant(wanted))

    def has_open_time(self, day: date) -> bool:
        """Whether the local date `day` is open at all."""
        if self.always:
            return True
        days = self._worked_out(day.year)[1]
        i = bisect_left(days, day)
        return i < len(days) and days[i] == day

    def opens_from(self, day: date) -> bool:
        """Whether any local date from `day` on is open at all; walks from date to date, which is cheap where that is soon."""
        ahead = min(_HORIZON * 366, (date(_LAST_YEAR, 12, 31) - day).days)
        return self.always or any(a < b for n in range(ahead) for a, b in self._on(day + timedelta(n)))

    def local_date(self, at: datetime) -> date:
        """The date that the calendar's zone has at `at`."""
        return at.astimezone(self._zone).date()

    def at_time(self, day: date, minutes: int) -> datetime:
        """The wall time so many minutes after the midnight of a local date."""
        return moment(self._instant(midnight(day) + timedelta(minutes=minutes)))

    def end_of_day(self, day: date) -> datetime:
        """The last closing instant of the hours that belong to a local date; of a day without hours, or always open, its midnight."""
        ends = () if self.always else self._week(day).hours(day)
        last = max((b if b > a else b + 1440 for a, b in ends), default=1440)
        end = self.at_time(day, last)
        return self.prev_open(end) if ends else end

    # --- inside --------------------------------------------------------------------------------------------------------

    def _far_forward(self, start: datetime, amount: timedelta) -> datetime:
        for index in self._ahead(start):
            end = index.reached(start, amount)
            if end is not None:
                return end
        raise self._closed_for_good(start)

    def _back(self, start: datetime, amount: timedelta) -> datetime:
        for index in self._behind(start):
            wanted = index.position(start) - amount
            i = bisect_right(index.sums, wanted) - 1
            if wanted >= _NOTHING and i >= 0:
                return index.bases[i] + wanted
        raise self._closed_for_good(start)

    def _last_close(self, t: datetime) -> datetime | None:
        index = self._covering(t, t)
        i = bisect_right(index.ends, t)
        runs_on = not index.ends or i >= len(index.ends) or index.ends[i] >= index.hi
        return None if runs_on else index.ends[i]

    def _closed_for_good(self, at: datetime) -> NeverOpen:
        return NeverOpen(f"this calendar has too little open time within {_HORIZON} years of {at:%Y-%m-%d}")

    def _covering(self, a: datetime, b: datetime) -> Index:
        index = self._index.get("now")
        if index is not None and index.lo <= a and b < index.hi:
            return index
        return self._grown(index, self.local_date(a).year, self.local_date(b).year)

    def _grown(self, index: Index | None, first: int, last: int) -> Index:
        if index is not None:
            first, last = min(first, index.first), max(last, index.last)
        grown = Index.over(first, last, self._year, self._instant)
        self._index["now"] = grown  # a cache: the same calendar gives the same index for ever
        return grown

    def _ahead(self, t: datetime) -> Iterator[Index]:
        index = self._covering(t, t)
        yield index
        for years in (1, 5, 20, _HORIZON):
            if index.last < min(t.year + years, 9998):
                index = self._grown(index, index.first, min(t.year + years, 9998))
                yield index

    def _behind(self, t: datetime) -> Iterator[Index]:
        index = self._covering(t, t)
        yield index
        for years in (1, 5, 20, _HORIZON):
            if index.first > max(t.year - years, 2):
                index = self._grown(index, max(t.year - years, 2), index.last)
                yield index

    def _days_later(self, day: date, n: int) -> date | None:
        """The n-th open date after `day`; None when none is near."""
        year, days, empty = day.year, self._worked_out(day.year)[1], 0
        i = bisect_right(days, day) + n - 1
        while i >= len(days):
            i, empty, year = i - len(days), 0 if days else empty + 1, year + 1
            if empty > _HORIZON or year > _LAST_YEAR:
                return None
            days = self._worked_out(year)[1]
        return days[i]

    def _days_earlier(self, day: date, n: int) -> date | None:
        year, days, empty = day.year, self._worked_out(day.year)[1], 0
        i = bisect_left(days, day) - n
        while i < 0:
            empty, year = 0 if days else empty + 1, year - 1
            if empty > _HORIZON or year < _FIRST_YEAR:
                return None
            days = self._worked_out(year)[1]
            i += len(days)
        return days[i]

    def _worked_out(self, year: int) -> tuple[Spans, list[date]]:
        """The open spans of a local year, and its dates with any open time."""
        known = self._years.get(year)
        if known is None:
            first = date(year, 1, 1)
            days = [first + timedelta(n) for n in range((date(year + 1, 1, 1) - first).days)]
            spans = [(day, self._on(day)) for day in days]
            open_days = [day for day, some in spans if any(a < b for a, b in some)]
            known = self._years[year] = merged(span for _, some in spans for span in some), open_days
        return known

    def _year(self, year: int) -> Spans:
        return self._worked_out(year)[0]

    def _week(self, day: date) -> Week:
        """The version that holds on a local date."""
        if not self.later:
            return self._versions[0][1]
        return next(week for since, week in reversed(self._versions) if since <= day)

    def _on(self, day: date) -> Spans:
        """The open spans that lie on the local date `day`: its own hours until midnight, and what is left of yesterday's shift."""
        week, before = self._week(day), self._week(day - DAY)
        today = [(a, b if b > a else 1440) for a, b in week.hours(day)]
        tail = [] if week.cuts(day) else [(0, b) for a, b in before.hours(day - DAY) if b <= a and b > 0]
        base = midnight(day)
        spans = [(self._instant(base + timedelta(minutes=a)), self._instant(base + timedelta(minutes=b))) for a, b in sorted(today + tail)]
        closed = [c for c in week.closures if c[0] < base + DAY and base < c[1]]
        if not closed:
            return spans
        return without(merged(spans), merged(sorted((self._instant(a), self._instant(b)) for a, b in closed)))

    def _instant(self, local: datetime) -> int:
        return instant(local, self._zone)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)
