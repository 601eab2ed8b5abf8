"""When a calendar is open on one local date: its week, with holidays, exceptions and closures; wall time becomes instants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

Hours: TypeAlias = tuple[int, int]
"""Opening and closing in minutes after local midnight, 0 to 1440. A closing at or before the opening is on the next day."""
Spans: TypeAlias = list[tuple[int, int]]
"""Opening and closing instants in microseconds since 1970, rising, without touching each other."""
LeapFallback: TypeAlias = Literal["none", "feb28", "mar01"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
_WALL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time
_NONE = timedelta(0)
_LEAP_DAY = (2, 29)
_FALLBACK: Mapping[str, tuple[int, int]] = {"feb28": (2, 28), "mar01": (3, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The opening hours of one version of a calendar: closure before holiday before override before weekly.

    A holiday closes its own date; `holiday_cuts_overnight` says whether also the tail of the shift that began the day before. A
    recurring 29 February falls on `leap_fallback` in other years.
    """

    weekly: Mapping[int, tuple[Hours, ...]] = field(default_factory=dict)  # 0 is Monday
    holidays: frozenset[date] = frozenset()
    recurring: frozenset[tuple[int, int]] = frozenset()  # month, day
    overrides: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)
    closures: tuple[tuple[datetime, datetime], ...] = ()  # local, without zone
    holiday_cuts_overnight: bool = True
    leap_fallback: LeapFallback = "none"

    @property
    def opens(self) -> bool:
        """Whether any date could be open."""
        return any(self.weekly.values()) or any(self.overrides.values())

    def is_holiday(self, day: date) -> bool:
        if day in self.holidays or (day.month, day.day) in self.recurring:
            return True
        leaps = _LEAP_DAY in self.recurring and self.leap_fallback != "none" and not _is_leap(day.year)
        return leaps and (day.month, day.day) == _FALLBACK[self.leap_fallback]

    def hours(self, day: date) -> tuple[Hours, ...]:
        """The hours that belong to this date; a shift that passes midnight belongs to the date on which it starts."""
        if self.is_holiday(day):
            return ()
        return self.overrides[day] if day in self.overrides else self.weekly.get(day.weekday(), ())

    def cuts(self, day: date) -> bool:
        """Whether nothing may be open on this date, whatever began the day before."""
        return self.holiday_cuts_overnight and self.is_holiday(day)


def instant(local: datetime, zone: ZoneInfo) -> int:
    """Microseconds since 1970 of a wall time: the first of two, and the first existing one where the clocks skip it."""
    first, second = zone.utcoffset(local) or _NONE, zone.utcoffset(local.replace(fold=1)) or _NONE
    early = (local - _WALL_EPOCH - first) // MICROSECOND
    if first >= second:  # the same but at a clock change: then the first of two
        return early
    return _first_after_skip((local - _WALL_EPOCH - second) // MICROSECOND, early, zone)


def _first_after_skip(before: int, after: int, zone: ZoneInfo) -> int:
    offset = moment(before).astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if moment(middle).astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def merged(spans: Iterable[tuple[int, int]]) -> Spans:
    """Spans in the order of their starts, those that touch or overlap made one, empty ones left out."""
    found: Spans = []
    for start, end in spans:
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(spans: Spans, closed: Spans) -> Spans:
    """The spans without what is closed."""
    for a, b in closed:
        spans = [piece for s, e in spans for piece in ((s, min(e, a)), (max(s, b), e)) if piece[0] < piece[1]]
    return spans


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def moment(micros: int) -> datetime:
    """The moment in UTC."""
    return EPOCH + micros * MICROSECOND


def midnight(day: date) -> datetime:
    """Wall time of the calendar's zone."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall time


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
