"""Random calendars and random pasts, and the plain minute-by-minute walk that says what is right about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from rules.bundle import Bundle, Span
from rules.calendar import Calendar
from rules.metrics import short_form
from rules.observation import Observation
from rules.promises import Promises
from rules.sla import METRICS, Standing, measure
from rules.ticket import Change, Comment, Level, Role, Status, replace
from tests.builders import a_comment, a_ticket

MINUTE = timedelta(minutes=1)
ZONES = sorted(zone for zone in available_timezones() if zone != "localtime" and not zone.startswith(("posix/", "right/")))
HOURS = st.tuples(st.integers(0, 95), st.integers(0, 96)).map(lambda ab: (ab[0] * 15, ab[1] * 15))
WEEKS = st.dictionaries(st.integers(0, 6), st.lists(HOURS, min_size=1, max_size=3).map(tuple), min_size=2)
STATUSES = st.sampled_from([Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.CLOSED])
STARTS = st.datetimes(datetime(1975, 1, 1), datetime(2174, 12, 31), timezones=st.just(UTC)).map(
    lambda at: at.replace(second=0, microsecond=0)
)


@st.composite
def calendars(draw: Any, near: datetime) -> Calendar:
    """Any zone, any hours of a quarter, with holidays and closures around `near`."""
    days = st.dates((near - timedelta(days=3)).date(), (near + timedelta(days=10)).date())
    first = draw(st.datetimes(near.replace(tzinfo=None), near.replace(tzinfo=None) + timedelta(days=6))).replace(second=0, microsecond=0)
    return Calendar(
        timezone=draw(st.sampled_from(ZONES)),
        weekly=draw(WEEKS),
        holidays=frozenset(draw(st.lists(days, max_size=2))),
        overrides=draw(st.dictionaries(days, st.lists(HOURS, max_size=2).map(tuple), max_size=1)),
        closures=draw(st.sampled_from([(), ((first, first + timedelta(hours=5)),)])),
        holiday_cuts_overnight=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Past:
    """What happened to a ticket, by minutes after its creation."""

    created_at: datetime
    statuses: tuple[tuple[int, Status], ...] = ()
    words: tuple[tuple[int, Role], ...] = ()
    priorities: tuple[tuple[int, Level, bool], ...] = ()

    def at(self, minute: float) -> datetime:
        return self.created_at + minute * MINUTE

    def status_at(self, minute: float) -> Status:
        return ([Status.NEW] + [status for since, status in self.statuses if since <= minute])[-1]

    def seen(self, minute: float) -> Observation:
        """As it is known so many minutes after the creation."""
        statuses = [(0, Status.NEW), *(row for row in self.statuses if row[0] <= minute)]
        levels = [(0, Level.NORMAL, False), *(row for row in self.priorities if row[0] <= minute)]
        changes = [Change(field="status", before=a, after=b, at=self.at(since)) for (_, a), (since, b) in pairwise(statuses) if a != b]
        changes += [
            Change(field="priority", before=a, after=b, at=self.at(since), ours=ours)
            for (_, a, _), (since, b, ours) in pairwise(levels)
            if a != b
        ]
        comments = tuple(self._word(n, since, role) for n, (since, role) in enumerate(self.words) if since <= minute)
        ticket = a_ticket(
            created_at=self.created_at, updated_at=self.at(minute), status=statuses[-1][1], priority=levels[-1][1], group="billing"
        )
        return Observation(ticket=ticket, now=self.at(minute), changes=tuple(changes), comments=comments)

    def _word(self, n: int, since: int, role: Role) -> Comment:
        return a_comment(id=str(n), role=role, at=self.at(since), public=True)


@st.composite
def pasts(draw: Any) -> Past:
    minutes = st.integers(0, 60 * 24 * 4)
    statuses = draw(st.lists(st.tuples(minutes, STATUSES), max_size=5, unique_by=lambda row: row[0]))
    words = draw(st.lists(st.tuples(minutes, st.sampled_from([Role.AGENT, Role.CUSTOMER])), max_size=4))
    levels = st.sampled_from([Level.LOW, Level.NORMAL, Level.URGENT])
    priorities = draw(st.lists(st.tuples(minutes, levels, st.booleans()), max_size=2, unique_by=lambda row: row[0]))
    return Past(draw(STARTS), tuple(sorted(statuses)), tuple(sorted(words)), tuple(sorted(priorities)))


def promises(calendar: Calendar, minutes: Mapping[str, int], switches: Mapping[str, Any] | None = None) -> Promises:
    """One policy with every built-in clock, held in pending; a target in minutes for each priority."""
    targets = {priority: dict.fromkeys(METRICS, Span(time=n * MINUTE, written=f"{n}m")) for priority, n in minutes.items()}
    policy = short_form("p", targets, calendar="c", pause_in=frozenset({"pending"}), defaults=switches)
    return Promises.of(Bundle(hash="", policies=(policy,), calendars={"c": calendar}))


def standing(found: Promises, past: Past, minute: float) -> Standing:
    return measure(found, past.seen(minute))


def disordered(seen: Observation) -> Observation:
    return replace(seen, changes=tuple(reversed(seen.changes)), comments=tuple(reversed(seen.comments)))


# --- the specification -----------------------------------------------------------------------------------------------


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Straight from the words: what the hours of today and yesterday say, less holidays and closures."""
    zone = calendar.zone
    today = at.astimezone(zone).date()
    if any(_first(zone, a) <= at < _first(zone, b) for a, b in calendar.closures):
        return False
    if calendar.holiday_cuts_overnight and today in calendar.holidays:
        return False
    return any(_in(calendar, day, at) for day in (today - timedelta(days=1), today))


def _in(calendar: Calendar, day: date, at: datetime) -> bool:
    if day in calendar.holidays:
        return False
    base = datetime(day.year, day.month, day.day)
    spans = calendar.overrides.get(day, calendar.weekly.get(day.weekday(), ()))
    for a, b in spans:
        start, end = base + a * MINUTE, base + (b if b > a else b + 1440) * MINUTE
        if _first(calendar.zone, start) <= at < _first(calendar.zone, end):
            return True
    return False


@lru_cache(maxsize=4096)
def _first(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first minute at which the clocks on the wall show this time or, where they skip it, a later one."""
    at = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    for _ in range(60 * 30):
        if at.astimezone(zone).replace(tzinfo=None) >= wall:
            return at
        at += MINUTE
    raise AssertionError(f"{wall} never comes in {zone}")


def walked(calendar: Calendar, past: Past, until: int) -> int:
    """Counted minutes of the resolution clock, found by asking every minute."""
    rests = {Status.PENDING, Status.RESOLVED, Status.CLOSED}
    return sum(past.status_at(m) not in rests and is_open(calendar, past.at(m)) for m in range(until))
