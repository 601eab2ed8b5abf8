"""SLA clocks, worked out from history: what runs, what pauses, what a priority change does; and the law of `changes_at`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import Bundle, Moment, Span
from rules.calendar import Calendar
from rules.metrics import short_form
from rules.observation import Observation
from rules.policy import Policy
from rules.promises import Promises
from rules.sla import METRICS, SlaClock, measure
from rules.ticket import Change, Comment, Level, Role, Status, replace
from tests.builders import a_change, a_comment, a_ticket

OFFICE = Calendar(weekly={day: ((9 * 60, 17 * 60),) for day in range(5)})
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOURS = timedelta(hours=1)
TARGETS = {"normal": dict.fromkeys(METRICS, Span(time=4 * HOURS)), "urgent": dict.fromkeys(METRICS, Span(time=HOURS))}


def a_policy(**fields: Any) -> Policy:
    return short_form("standard", **{"calendar": "office", "targets": TARGETS, **fields})


def clock(
    metric: str,
    at: timedelta,
    changes: Sequence[Change] = (),
    comments: Sequence[Comment] = (),
    policy: Policy | None = None,
    **fields: Any,
) -> SlaClock | None:
    status = next((c.after for c in reversed(changes) if c.field == "status"), fields.pop("status", Status.OPEN))
    priority = next((c.after for c in reversed(changes) if c.field == "priority"), Level.NORMAL)
    ticket = a_ticket(**{"created_at": MONDAY, "status": status, "priority": priority, **fields})
    seen = Observation(ticket=ticket, now=MONDAY + at, changes=tuple(changes), comments=tuple(comments))
    bundle = Bundle(hash="", policies=(policy or a_policy(),), calendars={"office": OFFICE})
    return measure(Promises.of(bundle), seen).clock(metric)


def became(before: Status, after: Status, at: timedelta) -> Change:
    return a_change("status", before, after, at=MONDAY + at)


def said(role: Role, at: timedelta, **fields: Any) -> Comment:
    return a_comment(id=f"{role}-{at}", role=role, at=MONDAY + at, public=True, **fields)


def test_a_first_response_runs_from_creation_to_the_first_public_word_of_an_agent():
    running = clock("first_response", HOURS)
    assert running.state == "running"
    assert running.due_at == running.changes_at == MONDAY + 4 * HOURS
    assert running.remaining == 3 * HOURS
    answered = clock("first_response", 5 * HOURS, comments=[said(Role.AGENT, 2 * HOURS)])
    assert (answered.state, answered.elapsed, answered.changes_at) == ("met", 2 * HOURS, None)


@pytest.mark.parametrize("nobody", [{"ours": True}, {"public": False}, {"role": Role.BOT}])
def test_a_robots_word_a_note_and_our_own_words_are_no_response(nobody: dict[str, Any]):
    comment = replace(said(Role.AGENT, HOURS), **nobody)
    assert clock("first_response", 2 * HOURS, comments=[comment]).state == "running"


def test_an_answer_in_the_very_second_of_the_deadline_is_in_time():
    assert clock("first_response", 5 * HOURS, comments=[said(Role.AGENT, 4 * HOURS)]).state == "met"
    late = said(Role.AGENT, 4 * HOURS + timedelta(seconds=1))
    assert clock("first_response", 5 * HOURS, comments=[late]).state == "breached"
    assert clock("first_response", 4 * HOURS).state == "breached"
    assert clock("first_response", 4 * HOURS - timedelta(seconds=1)).state == "running"


def test_a_deadline_that_uses_up_the_day_is_the_closing_instant():
    policy = a_policy(targets={"normal": {"resolution": Span(time=8 * HOURS)}})
    assert clock("resolution", HOURS, policy=policy).due_at == MONDAY.replace(hour=17)


def test_a_pause_takes_away_only_its_overlap_with_open_time():
    changes = [became(Status.OPEN, Status.PENDING, 7 * HOURS), became(Status.PENDING, Status.OPEN, 25 * HOURS)]
    policy = a_policy(pause_in=frozenset({"pending"}), targets={"normal": {"resolution": Span(time=8 * HOURS)}})
    found = clock("resolution", 26 * HOURS, changes, policy=policy)
    assert found.due_at == datetime(2026, 3, 3, 11, tzinfo=UTC)  # an hour before closing, and one after opening
    assert [*found.paused] == [(MONDAY + 7 * HOURS, MONDAY + 25 * HOURS)]


def test_while_it_is_paused_there_is_no_deadline_and_nothing_changes_by_time():
    found = clock(
        "resolution",
        90 * HOURS,
        [became(Status.OPEN, Status.PENDING, HOURS)],
        policy=a_policy(pause_in=frozenset({"pending"})),
    )
    assert (found.state, found.due_at, found.changes_at, found.remaining) == ("paused", None, None, 3 * HOURS)


def test_a_pause_at_the_very_moment_of_the_deadline_comes_before_it():
    policy = a_policy(pause_in=frozenset({"pending"}))
    paused = [became(Status.OPEN, Status.PENDING, 4 * HOURS)]
    assert (clock("resolution", 5 * HOURS, paused, policy=policy).state) == "paused"
    resumed = [*paused, became(Status.PENDING, Status.OPEN, 6 * HOURS)]
    assert clock("resolution", 6 * HOURS, resumed, policy=policy).due_at == MONDAY + 6 * HOURS


def test_a_resolution_resumes_when_the_ticket_is_reopened_without_the_time_between():
    changes = [became(Status.OPEN, Status.RESOLVED, HOURS), became(Status.RESOLVED, Status.OPEN, 3 * HOURS)]
    assert clock("resolution", 2 * HOURS, changes[:1]).state == "met"
    resumed = clock("resolution", 4 * HOURS, changes)
    assert (resumed.state, resumed.elapsed, resumed.due_at) == ("running", 2 * HOURS, MONDAY + 6 * HOURS)
    assert resumed.climb == clock("resolution", 2 * HOURS, changes[:1]).climb


def test_a_change_of_priority_by_a_person_swaps_the_target_and_keeps_start_and_pauses():
    raised = [a_change("priority", Level.NORMAL, Level.URGENT, at=MONDAY + timedelta(minutes=30))]
    assert clock("resolution", timedelta(minutes=40), raised).due_at == MONDAY + HOURS


def test_a_change_of_priority_by_ticketgate_leaves_the_target_of_the_running_climb():
    raised = [a_change("priority", Level.NORMAL, Level.URGENT, at=MONDAY + timedelta(minutes=30), ours=True)]
    assert clock("resolution", timedelta(minutes=40), raised).due_at == MONDAY + 4 * HOURS


def test_a_clock_that_starts_after_our_change_takes_the_new_target():
    raised = [a_change("priority", Level.NORMAL, Level.URGENT, at=MONDAY, ours=True)]
    asked = [said(Role.CUSTOMER, HOURS)]
    assert clock("next_response", 90 * timedelta(minutes=1), raised, asked).due_at == MONDAY + 2 * HOURS


def test_a_next_response_counts_from_the_oldest_unanswered_question():
    talk = [said(Role.CUSTOMER, HOURS), said(Role.CUSTOMER, 2 * HOURS)]
    assert clock("next_response", 3 * HOURS, comments=talk).started_at == MONDAY + HOURS
    talk += [said(Role.AGENT, 3 * HOURS), said(Role.CUSTOMER, 4 * HOURS)]
    assert clock("next_response", 4 * HOURS, comments=talk[:3]).state == "met"
    assert clock("next_response", 5 * HOURS, comments=talk).started_at == MONDAY + 4 * HOURS
    assert clock("next_response", HOURS) is None


def test_a_periodic_update_starts_anew_with_each_word_of_an_agent():
    talk = [said(Role.AGENT, HOURS), said(Role.AGENT, 2 * HOURS)]
    assert clock("periodic_update", 3 * HOURS, comments=talk).due_at == MONDAY + 6 * HOURS
    assert clock("periodic_update", HOURS).started_at == MONDAY


def test_waiting_for_the_requester_and_agent_work_run_in_their_statuses_only():
    held = [became(Status.OPEN, Status.ON_HOLD, HOURS)]
    assert clock("requester_wait", 2 * HOURS, held).state == "running"
    assert clock("agent_work", 2 * HOURS, held).state == "paused"
    assert clock("requester_wait", 2 * HOURS, [became(Status.OPEN, Status.PENDING, HOURS)]).state == "paused"


def test_ownership_runs_from_the_assignment_to_the_present_group():
    moved = [a_change("group", "tier-1", "tier-2", at=MONDAY + HOURS)]
    found = clock("ownership", 2 * HOURS, moved, group="tier-2")
    assert (found.started_at, found.state) == (MONDAY + HOURS, "running")
    assert clock("ownership", HOURS) is None


def test_a_ticket_that_an_agent_opened_by_writing_owes_no_answer_until_the_customer_writes():
    opened = [said(Role.AGENT, timedelta(0))]
    assert clock("first_response", HOURS, comments=opened) is None
    assert clock("first_response", 3 * HOURS, comments=[*opened, said(Role.CUSTOMER, 2 * HOURS)]).started_at == MONDAY + 2 * HOURS


def test_a_priority_without_target_has_no_clock():
    assert clock("resolution", HOURS, policy=a_policy(targets={"urgent": {"resolution": Span(time=HOURS)}})) is None


def test_business_days_keep_the_time_of_day_and_pauses_come_after_the_count():
    policy = a_policy(pause_in=frozenset({"pending"}), targets={"normal": {"resolution": Span(days=3, business=True)}})
    assert clock("resolution", HOURS, policy=policy).due_at == datetime(2026, 3, 5, 9, tzinfo=UTC)
    changes = [became(Status.OPEN, Status.PENDING, HOURS), became(Status.PENDING, Status.OPEN, 3 * HOURS)]
    assert clock("resolution", 4 * HOURS, changes, policy=policy).due_at == datetime(2026, 3, 5, 11, tzinfo=UTC)


def test_stages_walk_the_same_time_as_the_target():
    found = clock("resolution", HOURS, policy=a_policy(targets={"normal": {"resolution": Span(time=16 * HOURS)}}))
    assert found.falls(Moment(percent=75)) == datetime(2026, 3, 3, 13, tzinfo=UTC)
    assert found.falls(Moment()) == datetime(2026, 3, 3, 17, tzinfo=UTC)
    assert found.falls(Moment(offset=HOURS)) == datetime(2026, 3, 4, 10, tzinfo=UTC)
    assert found.falls(Moment(offset=-HOURS)) == datetime(2026, 3, 3, 16, tzinfo=UTC)


statuses = st.sampled_from([Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED])
minutes = st.integers(0, 60 * 24 * 4)
pasts = st.tuples(
    st.lists(st.tuples(minutes, statuses), max_size=5, unique_by=lambda row: row[0]),
    st.lists(st.tuples(minutes, st.sampled_from([Role.AGENT, Role.CUSTOMER])), max_size=4),
)


@settings(max_examples=200, deadline=None)
@given(pasts, st.sampled_from(METRICS), st.timedeltas(timedelta(0), timedelta(days=5)), st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_changes_at_and_something_does_at_it(past: Any, metric: str, at: timedelta, share: float):
    def seen(moment: timedelta) -> SlaClock | None:
        rows = [(timedelta(minutes=m), status) for m, status in sorted(past[0]) if timedelta(minutes=m) <= at]
        changes, before = [], Status.NEW
        for since, status in rows:
            if status != before:
                changes.append(became(before, status, since))
                before = status
        talk = [said(role, timedelta(minutes=m)) for m, role in sorted(past[1]) if timedelta(minutes=m) <= at]
        return clock(metric, moment, changes, talk, a_policy(pause_in=frozenset({"on_hold"})), group="billing")

    now = seen(at)
    if now is None:
        return
    assert now.elapsed + now.remaining == now.amount
    if now.changes_at is None:
        later = seen(at + timedelta(days=30))
        assert later.state == now.state
        return
    wait = now.changes_at - (MONDAY + at)
    assert wait > timedelta(0)
    before = min(wait * share, wait - timedelta(microseconds=1))
    assert seen(at + before).state == now.state
    assert seen(at + wait).state != now.state
