"""The laws of clocks and their sums, over random calendars of every zone and two hundred years, against a walk minute by minute."""

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rules.breakdown import breakdown
from rules.calendar import Calendar, NeverOpen
from rules.past import as_of
from rules.sla import METRICS, Standing
from tests.rules.pasts import MINUTE, STARTS, Past, calendars, disordered, is_open, pasts, promises, standing, walked

NO_TIME = timedelta(0)
BLINK = timedelta(microseconds=1)
AMOUNTS = {"low": 900, "normal": 240, "urgent": 45}
modest = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def lives(draw: Any) -> tuple[Calendar, Past, int]:
    past = draw(pasts())
    return draw(calendars(past.created_at)), past, draw(st.integers(0, 60 * 24 * 5))


def told(found: Standing) -> list[tuple[object, ...]]:
    return [(c.metric, c.instance, c.started_at, c.state, c.due_at, c.stopped_at, c.elapsed, c.breaches) for c in found.clocks]


@modest
@given(STARTS, st.data())
def test_open_time_is_what_a_walk_minute_by_minute_finds(start: Any, data: Any):
    calendar = data.draw(calendars(start))
    minutes = data.draw(st.integers(1, 60 * 40))
    assert calendar.elapsed(start, start + minutes * MINUTE) == MINUTE * sum(is_open(calendar, start + n * MINUTE) for n in range(minutes))


@modest
@given(STARTS, st.timedeltas(BLINK, timedelta(days=3)), st.data())
def test_what_was_added_has_elapsed_everywhere_and_always(start: Any, amount: timedelta, data: Any):
    calendar = data.draw(calendars(start))
    try:
        end = calendar.add(start, amount)
    except NeverOpen:
        assume(False)
    assert calendar.elapsed(start, end) == amount
    assert calendar.elapsed(start, end - BLINK) < amount
    middle = start + (end - start) / 2
    assert calendar.elapsed(start, middle) + calendar.elapsed(middle, end) == amount
    assert calendar.elapsed(middle, end) <= amount


@modest
@given(lives())
def test_a_resolution_has_counted_what_a_walk_minute_by_minute_finds(life: tuple[Calendar, Past, int]):
    calendar, past, minute = life
    minute = min(minute, 60 * 24 * 2)
    try:
        clock = standing(promises(calendar, {"normal": 240, "low": 240, "urgent": 240}), past, minute).clock("resolution")
    except NeverOpen:
        assume(False)
    assume(clock is not None)
    assert clock.elapsed == walked(calendar, past, minute) * MINUTE
    if clock.due_at is not None and clock.due_at <= clock.now and not clock.over:
        due = int((clock.due_at - past.created_at) / MINUTE)
        assert walked(calendar, past, due) == 240


@modest
@given(lives(), st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_changes_at_and_something_does_at_it(life: tuple[Calendar, Past, int], share: float):
    calendar, past, minute = life
    found = promises(calendar, AMOUNTS)
    seen = past.seen(minute)
    for clock in standing(found, past, minute).present:
        if clock.changes_at is None:
            continue
        wait = clock.changes_at - seen.now
        assert wait > NO_TIME
        before = min(wait * share, wait - BLINK)
        assert later(found, past, minute, before).clock(clock.metric).state == clock.state
        assert later(found, past, minute, wait).clock(clock.metric).state != clock.state


def later(found: Any, past: Past, minute: int, wait: timedelta) -> Standing:
    """The same past, looked at later: nothing happened in between."""
    known = Past(
        past.created_at,
        tuple(row for row in past.statuses if row[0] <= minute),
        tuple(row for row in past.words if row[0] <= minute),
        tuple(row for row in past.priorities if row[0] <= minute),
    )
    return standing(found, known, minute + wait / MINUTE)


@modest
@given(lives())
def test_the_lines_of_a_breakdown_add_up(life: tuple[Calendar, Past, int]):
    calendar, past, minute = life
    seen = past.seen(minute)
    for clock in standing(promises(calendar, AMOUNTS), past, minute).clocks:
        rows = breakdown(clock, {"c": calendar}, seen.changes)
        if clock.due_at is not None and not (clock.over and clock.stopped_at < clock.due_at):
            assert sum((row.counts for row in rows if row.since < clock.due_at), NO_TIME) == clock.amount
        assert sum((row.counts for row in rows if row.since < clock.now), NO_TIME) == clock.elapsed
        assert all(one.total <= other.total for one, other in itertools.pairwise(rows))
        lasting = [row for row in rows if row.until is not None]
        assert all(one.until == other.since for one, other in itertools.pairwise(lasting))  # no gap, no overlap
        assert not lasting or lasting[0].since == clock.started_at


@modest
@given(lives())
def test_the_order_in_which_a_past_arrives_changes_nothing(life: tuple[Calendar, Past, int]):
    from rules.sla import measure

    calendar, past, minute = life
    found, seen = promises(calendar, AMOUNTS), past.seen(minute)
    assert told(measure(found, disordered(seen))) == told(measure(found, seen))


@modest
@given(lives(), st.floats(0, 1))
def test_an_earlier_moment_is_judged_as_it_was_judged_then(life: tuple[Calendar, Past, int], share: float):
    from rules.sla import measure

    calendar, past, minute = life
    earlier = int(minute * share)
    found = promises(calendar, AMOUNTS)
    assert told(measure(found, as_of(past.seen(minute), past.at(earlier)))) == told(standing(found, past, earlier))


@modest
@given(lives())
def test_a_breach_is_never_taken_back(life: tuple[Calendar, Past, int]):
    calendar, past, minute = life
    found = promises(calendar, AMOUNTS)
    facts: dict[tuple[object, ...], set[object]] = {}
    for at in sorted({0, minute // 2, minute, *(m for m, *_ in (*past.statuses, *past.priorities, *past.words) if m <= minute)}):
        instances: Counter[str] = Counter()
        for clock in standing(found, past, at).clocks:
            instances[clock.metric] += 1  # several may start at one moment: an answer at the very creation ends one and begins the next
            key = (clock.metric, instances[clock.metric])
            now = {(b.at, b.due_at) for b in clock.breaches}
            assert facts.get(key, set()) <= now, (key, at)
            facts[key] = now


def test_every_built_in_clock_is_among_them():
    assert set(METRICS) == {c for c in promises(Calendar(always=True), AMOUNTS).bundle.clocks}
