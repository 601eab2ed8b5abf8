"""`every`: its moments against a walk over each minute, in zones whose clocks jump, and on the days that a calendar opens."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import Every, On
from rules.calendar import Calendar
from rules.engine import evaluate
from rules.ladders import LATE
from rules.moments import following, latest
from rules.observation import Kind
from rules.ticket import Status
from tests.builders import a_ticket, an_observation
from tests.rules.desks import a_bundle, a_desk
from tests.rules.rule_files import codes, in_desk, rule_file  # noqa: F401

OFFICE = Calendar(timezone="Europe/Berlin", weekly={day: ((540, 1020),) for day in range(5)}, holidays=frozenset({date(2026, 3, 30)}))
CALENDARS = {"office": OFFICE, "lisbon": Calendar(timezone="America/New_York", always=True)}
SPRING = datetime(2026, 3, 27, tzinfo=UTC)  # Berlin's clocks go forward on the 29th


def walked(every: Every, zone: Calendar, start: datetime, minutes: int) -> list[datetime]:
    """Each minute asked: is it that time of day, there, for the first time on that date, on a day that counts?"""
    found: dict[date, datetime] = {}
    for n in range(minutes):
        at = start + timedelta(minutes=n)
        local = at.astimezone(ZoneInfo(zone.timezone))
        past = local.hour * 60 + local.minute >= every.minutes
        counts = (not every.days or local.weekday() in every.days) and (every.calendar is None or zone.has_open_time(local.date()))
        if past and counts and local.date() not in found:
            found[local.date()] = at
    return sorted(found.values())


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 1439),
    st.frozensets(st.integers(0, 6), max_size=3),
    st.sampled_from([None, "office"]),
    st.sampled_from(["office", "lisbon", None]),
    st.integers(0, 9 * 1440),
)
def test_moments_are_those_of_a_walk_over_every_minute(minutes, days, calendar, default, ask):
    every, now = Every(minutes, days, calendar), SPRING + timedelta(minutes=ask)
    zone = CALENDARS.get(calendar or default or "", Calendar(always=True))
    walk = walked(every, zone, SPRING - timedelta(days=1), 12 * 1440)
    inside = [at for at in walk if at > SPRING - timedelta(hours=1)]
    before, after = [at for at in inside if at <= now], [at for at in inside if at > now]
    if before:
        assert latest(every, CALENDARS, default, now) == before[-1]
    if after:
        assert following(every, CALENDARS, default, now) == after[0]


def test_a_time_that_the_clocks_skip_is_the_first_instant_after_it():
    every = Every(150, calendar=None)  # 02:30, which Berlin does not have on the 29th
    assert following(every, CALENDARS, "office", datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_calendar_that_never_opens_on_those_days_brings_no_moment():
    assert following(Every(420, frozenset({6}), "office"), CALENDARS, None, SPRING) is None


# --- in a pass -------------------------------------------------------------------------------------------------------

RULE = """
    rules:
      - { id: digest, when: { every: { at: "07:00" } }, then: [{ notify: { to: chat, text: good morning } }] }
"""
SEVEN = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def pass_at(now, **observed):
    ticket = observed.pop("ticket", a_ticket(created_at=SEVEN - timedelta(days=3)))
    return evaluate(an_observation(ticket=ticket, now=now, **observed), a_bundle(RULE))


def test_a_moment_comes_once():
    first = pass_at(SEVEN + timedelta(seconds=3), looked_at=SEVEN - timedelta(hours=2))
    assert [f.rule for f in first.fired] == ["digest"]
    assert first.look_again_at == SEVEN + timedelta(days=1)
    assert first.events == (f"every@{SEVEN.isoformat()}",)
    (stage,) = first.stages
    assert (stage.ran, stage.name) == (True, "every 07:00")
    again = pass_at(SEVEN + timedelta(minutes=5), looked_at=first.at, done=frozenset({stage.key}))
    assert (again.fired, again.stages) == ((), ())


def test_after_an_outage_only_the_last_one_comes():
    plan = pass_at(SEVEN + timedelta(days=2, hours=5), looked_at=SEVEN - timedelta(days=1))
    assert len(plan.fired) == 1
    assert plan.events == (f"every@{(SEVEN + timedelta(days=2)).isoformat()}",)


@pytest.mark.parametrize(
    "why",
    [
        {"ticket": a_ticket(created_at=SEVEN - timedelta(days=3), status=Status.CLOSED)},
        {"ticket": a_ticket(created_at=SEVEN + timedelta(minutes=1))},
        {"looked_at": SEVEN + LATE},
        {"adopted": True},
        {"now": SEVEN - timedelta(seconds=1), "ticket": a_ticket(created_at=SEVEN - timedelta(hours=3))},
    ],
    ids=["closed", "younger", "behind it", "adopted", "not yet"],
)
def test_it_does_not_come_for(why):
    plan = pass_at(why.pop("now", SEVEN + timedelta(hours=1)), **why)
    assert plan.fired == ()


def test_a_closed_ticket_waits_for_nothing():
    assert pass_at(SEVEN, ticket=a_ticket(created_at=SEVEN - timedelta(days=3), status=Status.CLOSED)).look_again_at is None


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ('{ every: { at: "07:00" } }', []),
        ('[created, { every: { at: "7:30", days: mon-fri } }]', []),
        ('{ every: { at: "07:00", days: [mon, thu-sat] } }', []),
        ("every", ["TG206"]),
        ("{ every: { days: mon } }", ["TG206"]),
        ('{ every: { at: "25:00" } }', ["TG205"]),
        ('{ every: { at: "07:00", days: monday } }', ["TG205"]),
        ('{ every: { at: "07:00", calendar: nowhere } }', ["TG302"]),
        ('{ every: { at: "07:00", week: 3 } }', ["TG201"]),
    ],
)
def test_a_moment_is_read_or_refused_with_its_code(when, expected):
    assert codes(rule_file(when=when)) == expected


def test_days_are_read_as_a_span_or_a_list():
    bundle = a_bundle(RULE.replace('at: "07:00"', 'at: "07:00", days: [mon, thu-sat]'), desk=a_desk())
    (on,) = bundle.rulesets[0].rules[0].triggers
    assert isinstance(on, On)
    assert (on.kind, on.every.days) == (Kind.EVERY, frozenset({0, 3, 4, 5}))
