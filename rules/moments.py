"""The moments of `every`: a time of day, on days of the week, in the zone of a calendar and on the days on which that one opens."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from rules.bundle import Every
from rules.calendar import Calendar

FAR = 400
"""Days looked back and ahead: a calendar that opens on none of them brings no moment."""
_IN_UTC = Calendar(always=True)
_DAY = timedelta(days=1)


def latest(every: Every, calendars: Mapping[str, Calendar], default: str | None, until: datetime) -> datetime | None:
    """The last moment at or before `until`."""
    zone = _calendar(every, calendars, default)
    today = zone.local_date(until)
    return next((at for at in _on(every, zone, (today - n * _DAY for n in range(-1, FAR))) if at <= until), None)


def following(every: Every, calendars: Mapping[str, Calendar], default: str | None, after: datetime) -> datetime | None:
    """The first moment after that."""
    zone = _calendar(every, calendars, default)
    today = zone.local_date(after)
    return next((at for at in _on(every, zone, (today + n * _DAY for n in range(-1, FAR))) if at > after), None)


def _calendar(every: Every, calendars: Mapping[str, Calendar], default: str | None) -> Calendar:
    return calendars.get(every.calendar or default or "", _IN_UTC)


def _on(every: Every, zone: Calendar, days: Iterable[date]) -> Iterator[datetime]:
    """One for each day that counts. A time that the clocks skip is the first instant after it, one that comes twice is the first."""
    for day in days:
        if (not every.days or day.weekday() in every.days) and (every.calendar is None or zone.has_open_time(day)):
            yield zone.at_time(day, every.minutes)
