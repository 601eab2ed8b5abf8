"""Working time: spans, clock changes, holidays, and the law that what was added has elapsed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.calendar import Calendar, NeverOpen

OFFICE = ((9 * 60, 17 * 60),)
WEEK = {day: OFFICE for day in range(5)}
BERLIN = Calendar(timezone="Europe/Berlin", weekly=WEEK)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def test_the_opening_instant_is_open_and_the_closing_instant_is_closed():
    assert BERLIN.is_open(berlin("2026-03-02T09:00"))
    assert not BERLIN.is_open(berlin("2026-03-02T17:00"))
    assert BERLIN.is_open(berlin("2026-03-02T16:59:59"))


def test_a_target_used_up_at_closing_time_falls_due_at_that_closing_instant():
    assert BERLIN.add(berlin("2026-03-02T09:00"), timedelta(hours=8)) == berlin("2026-03-02T17:00")
    assert BERLIN.add(berlin("2026-03-02T09:00"), timedelta(hours=8, seconds=1)) == berlin("2026-03-03T09:00:01")


def test_open_time_begun_at_night_starts_at_the_next_opening():
    assert BERLIN.add(berlin("2026-03-06T20:00"), timedelta(hours=1)) == berlin("2026-03-09T10:00")
    assert BERLIN.add(berlin("2026-03-06T20:00"), timedelta(0)) == berlin("2026-03-09T09:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-07", 24)])
def test_a_day_that_is_open_around_the_clock_has_as_many_hours_as_really_pass(day: str, hours: int):
    around = Calendar(timezone="Europe/Berlin", weekly={d: ((0, 1440),) for d in range(7)})
    start = berlin(f"{day}T00:00")
    end = berlin((date.fromisoformat(day) + timedelta(days=1)).isoformat() + "T00:00")
    assert around.elapsed(start, end) == timedelta(hours=hours)


def test_a_boundary_in_the_skipped_hour_is_the_first_instant_that_exists():
    night = Calendar(timezone="Europe/Berlin", weekly={6: ((2 * 60 + 30, 5 * 60),)})
    assert night.next_open(utc("2026-03-29T00:00")) == utc("2026-03-29T01:00")  # 03:00 in summer time
    assert night.elapsed(utc("2026-03-29T00:00"), utc("2026-03-29T12:00")) == timedelta(hours=2)


def test_a_boundary_in_the_repeated_hour_is_the_first_of_the_two():
    night = Calendar(timezone="Europe/Berlin", weekly={6: ((2 * 60 + 30, 5 * 60),)})
    assert night.next_open(utc("2026-10-25T00:00")) == utc("2026-10-25T00:30")
    assert night.elapsed(utc("2026-10-25T00:00"), utc("2026-10-25T12:00")) == timedelta(hours=3, minutes=30)


def test_a_day_without_midnight_begins_at_its_first_instant():
    sao_paulo = Calendar(timezone="America/Sao_Paulo", weekly={6: ((0, 1440),)})
    assert sao_paulo.next_open(utc("2018-11-03T12:00")) == utc("2018-11-04T03:00")  # the clocks went from 00:00 to 01:00
    assert sao_paulo.elapsed(utc("2018-11-03T12:00"), utc("2018-11-05T12:00")) == timedelta(hours=23)


def test_an_overnight_shift_belongs_to_the_day_on_which_it_starts():
    shift = Calendar(timezone="UTC", weekly={4: ((22 * 60, 6 * 60),)})
    assert shift.is_open(utc("2026-03-07T05:59"))  # Saturday morning
    assert not shift.is_open(utc("2026-03-06T05:00"))
    assert shift.next_close(utc("2026-03-06T23:00")) == utc("2026-03-07T06:00")


def test_a_holiday_closes_its_own_date_and_the_tail_of_yesterdays_shift():
    shift = Calendar(timezone="UTC", weekly={d: ((22 * 60, 6 * 60),) for d in range(7)}, holidays=frozenset({date(2026, 3, 7)}))
    assert shift.elapsed(utc("2026-03-06T12:00"), utc("2026-03-08T12:00")) == timedelta(hours=2)  # Friday 22 to midnight
    assert shift.is_holiday(utc("2026-03-07T12:00"))


def test_closure_goes_before_holiday_before_override_before_the_week():
    monday = date(2026, 3, 2)
    override = Calendar(weekly=WEEK, overrides={monday: ((600, 660),)})
    assert override.elapsed(utc("2026-03-02T00:00"), utc("2026-03-03T00:00")) == timedelta(hours=1)
    holiday = Calendar(weekly=WEEK, overrides={monday: ((600, 660),)}, recurring=frozenset({(3, 2)}))
    assert not holiday.has_open_time(monday)
    closed = Calendar(weekly=WEEK, closures=((datetime(2026, 3, 2, 10), datetime(2026, 3, 2, 12)),))
    assert closed.elapsed(utc("2026-03-02T00:00"), utc("2026-03-03T00:00")) == timedelta(hours=6)


def test_business_days_keep_the_time_of_day_across_weekends_and_clock_changes():
    assert BERLIN.add_days(berlin("2026-03-27T20:15"), 1) == berlin("2026-03-30T20:15")
    assert BERLIN.add_days(berlin("2026-03-30T10:00"), -1) == berlin("2026-03-27T10:00")
    assert BERLIN.add_days(berlin("2026-03-28T10:00"), 0) == berlin("2026-03-28T10:00")


def test_overlapping_spans_count_once_and_a_calendar_that_is_always_open_never_closes():
    assert Calendar(weekly={0: ((540, 720), (660, 1020))}).elapsed(utc("2026-03-02T00:00"), utc("2026-03-03T00:00")) == timedelta(hours=8)
    always = Calendar(always=True)
    assert always.next_close(utc("2026-03-02T00:00")) is None
    assert always.add(utc("2026-03-02T00:00"), timedelta(days=3)) == utc("2026-03-05T00:00")
    assert Calendar(weekly={d: ((0, 1440),) for d in range(7)}).next_close(utc("2026-03-02T00:00")) is None


def test_a_calendar_that_never_opens_is_refused():
    with pytest.raises(ValueError, match="never open"):
        Calendar(weekly={0: ()})


def test_a_calendar_that_is_closed_for_good_says_so():
    once = Calendar(overrides={date(2026, 3, 2): ((540, 600),)})
    assert once.add(utc("2026-03-01T00:00"), timedelta(minutes=60)) == utc("2026-03-02T10:00")
    with pytest.raises(NeverOpen):
        once.add(utc("2026-03-01T00:00"), timedelta(minutes=61))


def test_the_first_instant_of_a_year_is_open_whatever_was_asked_before():
    around = Calendar(weekly={day: ((0, 1440),) for day in range(7)})
    for year in range(2026, 2032):
        assert around.is_open(utc(f"{year}-06-01T12:00"))
        assert around.is_open(utc(f"{year + 1}-01-01T00:00"))
        assert around.is_open(utc(f"{year + 2}-01-01T00:00"))


def test_where_the_year_is_another_than_in_utc_its_open_time_is_all_there():
    auckland = Calendar(timezone="Pacific/Auckland", weekly={day: ((0, 60),) for day in range(7)})
    assert auckland.elapsed(utc("2026-12-31T10:00"), utc("2026-12-31T12:00")) == timedelta(hours=1)
    assert auckland.next_open(utc("2026-12-31T12:30")) == utc("2027-01-01T11:00")
    assert auckland.prev_open(utc("2026-12-31T10:30")) == utc("2026-12-30T12:00")


@pytest.mark.parametrize(("day", "opens"), [(date(2026, 1, 1), True), (date(2026, 3, 2), True), (date(2026, 3, 3), False)])
def test_whether_it_ever_opens_from_a_date_on(day: date, opens: bool):
    assert Calendar(overrides={date(2026, 3, 2): OFFICE}).opens_from(day) is opens
    assert not Calendar(timezone="Europe/Berlin", overrides={date(2026, 3, 29): ((120, 180),)}).opens_from(
        day
    )  # an hour that the clocks skip


def test_walking_back_finds_where_the_amount_began():
    assert BERLIN.subtract(berlin("2026-03-09T10:00"), timedelta(hours=2)) == berlin("2026-03-06T16:00")
    assert BERLIN.prev_open(berlin("2026-03-07T10:00")) == berlin("2026-03-06T17:00")


hours = st.tuples(st.integers(0, 1439), st.integers(0, 1440))
calendars = st.builds(
    Calendar,
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe"]),
    weekly=st.dictionaries(st.integers(0, 6), st.lists(hours, min_size=1, max_size=3).map(tuple), min_size=1),
    holidays=st.frozensets(st.dates(date(2018, 1, 1), date(2018, 12, 31)), max_size=3),
    recurring=st.just(frozenset({(12, 25)})),
)
moments = st.datetimes(datetime(2018, 1, 1), datetime(2019, 12, 31), timezones=st.just(UTC))
amounts = st.timedeltas(timedelta(microseconds=1), timedelta(days=20))


def within_reach(calendar: Calendar, amount: timedelta) -> bool:
    """Whether there is so much open time in the decades that a calendar looks ahead."""
    week = calendar.elapsed(utc("2020-01-06T00:00"), utc("2020-01-13T00:00"))
    return amount <= 3000 * week


@settings(max_examples=150, deadline=None)
@given(calendars, moments, amounts)
def test_what_was_added_has_elapsed_and_not_a_moment_earlier(calendar: Calendar, start: datetime, amount: timedelta):
    assume(within_reach(calendar, amount))
    end = calendar.add(start, amount)
    assert calendar.elapsed(start, end) == amount
    assert calendar.elapsed(start, end - timedelta(microseconds=1)) < amount


@settings(max_examples=100, deadline=None)
@given(calendars, moments, moments, moments)
def test_elapsed_time_adds_up(calendar: Calendar, a: datetime, b: datetime, c: datetime):
    a, b, c = sorted((a, b, c))
    assert calendar.elapsed(a, b) + calendar.elapsed(b, c) == calendar.elapsed(a, c) <= c - a


@settings(max_examples=100, deadline=None)
@given(calendars, moments, amounts)
def test_walking_back_and_forward_again_costs_the_same(calendar: Calendar, start: datetime, amount: timedelta):
    assume(within_reach(calendar, amount))
    assert calendar.elapsed(calendar.subtract(start, amount), start) == amount


@settings(max_examples=60, deadline=None)
@given(calendars, moments)
def test_open_time_by_the_minute_agrees_with_asking_every_minute(calendar: Calendar, start: datetime):
    start = start.replace(second=0, microsecond=0)
    minutes = sum(calendar.is_open(start + timedelta(minutes=n)) for n in range(600))
    assert calendar.elapsed(start, start + timedelta(minutes=600)) == timedelta(minutes=minutes)


@settings(max_examples=60, deadline=None)
@given(calendars, moments)
def test_between_a_moment_and_the_next_opening_nothing_is_open(calendar: Calendar, at: datetime):
    opening = calendar.next_open(at)
    assert calendar.is_open(opening)
    assert calendar.elapsed(at, opening) == timedelta(0)
