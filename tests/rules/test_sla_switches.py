"""Every switch of a clock, and the complete form of a policy: what happens to its instances, deadlines and outcomes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.bundle import Bundle
from rules.engine import Engine
from rules.observation import MergedIn, Observation
from rules.sla import SlaClock, Standing
from rules.ticket import Change, Comment, Level, Person, Role, Status, Type, replace
from tests.builders import a_change, a_comment, a_ticket
from tests.rules.desks import a_bundle

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
H = timedelta(hours=1)
M = timedelta(minutes=1)
CALENDARS = """
calendars:
  office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } }
  early: { timezone: UTC, open: { mon-fri: "05:00-13:00" } }
  around: { always: true }
fields: { calendar: { type: text }, location: { type: text }, opened: { type: time }, stopped: { type: boolean } }
"""


def policies(body: str, more: str = "") -> Bundle:
    """`body` is what stands under `sla_policies`, indented by two."""
    return a_bundle(f"{CALENDARS}{more}\nsla_policies:\n{body}")


def one(clocks: str, more: str = "", defaults: str = "") -> Bundle:
    return policies(f"  p: {{ applies_to: {{ type: incident }}, calendar: office, {more} clocks: {{ {clocks} }} }}", defaults)


def stand(
    bundle: Bundle,
    at: timedelta,
    changes: Sequence[Change] = (),
    comments: Sequence[Comment] = (),
    merged_in: tuple[MergedIn, ...] = (),
    **fields: Any,
) -> Standing:
    present = {c.field: c.after for c in changes if "." not in c.field}
    custom = {c.field.removeprefix("custom."): c.after for c in changes if c.field.startswith("custom.")}
    known = {"created_at": MONDAY, "updated_at": MONDAY, "status": Status.OPEN, "priority": Level.NORMAL, "type": Type.INCIDENT}
    ticket = a_ticket(**{**known, **present, "custom": custom, **fields})
    seen = Observation(ticket=ticket, now=MONDAY + at, changes=tuple(changes), comments=tuple(comments), merged_in=merged_in)
    return Engine(bundle).sla(seen)


def became(field: str, before: Any, after: Any, at: timedelta, **more: Any) -> Change:
    return a_change(field, before, after, at=MONDAY + at, **more)


def status(*rows: tuple[timedelta, Status]) -> list[Change]:
    found, before = [], Status.OPEN
    for at, after in rows:
        found.append(became("status", before, after, at))
        before = after
    return found


def said(role: Role, at: timedelta, **fields: Any) -> Comment:
    return a_comment(id=f"{role}-{at}", role=role, at=MONDAY + at, public=True, **fields)


def only(found: Standing, metric: str = "resolution") -> SlaClock:
    (clock,) = [c for c in found.clocks if c.metric == metric]
    return clock


RAISE = became("priority", Level.NORMAL, Level.URGENT, 2 * H)
TWO = "targets: [{ if: { priority: urgent }, within: 1h }, { within: 4h }]"
PAUSED = status((30 * M, Status.PENDING), (90 * M, Status.OPEN))

# --- another target --------------------------------------------------------------------------------------------------


def test_another_target_keeps_start_and_pauses_and_the_old_one_is_superseded_not_met():
    clock = only(stand(one(f"resolution: {{ pause: {{ status: pending }}, {TWO} }}"), 3 * H, [*PAUSED, RAISE]))
    assert (clock.started_at, clock.due_at, clock.state) == (MONDAY, MONDAY + 2 * H, "breached")
    assert [(s.target.written, s.breached) for s in clock.superseded] == [("4h", False)]


def test_pauses_may_be_lost_when_the_desk_wants_it_so():
    kept = only(stand(one(f"resolution: {{ carry_pauses: false, pause: {{ status: pending }}, {TWO} }}"), 150 * M, [*PAUSED, RAISE]))
    assert (kept.due_at, kept.elapsed) == (MONDAY + H, 150 * M)


def test_another_target_may_start_the_clock_again():
    clock = only(stand(one(f"resolution: {{ on_target_change: restart, {TWO} }}"), 150 * M, [RAISE]))
    assert (clock.started_at, clock.due_at, clock.instance) == (MONDAY + 2 * H, MONDAY + 3 * H, 1)


def test_another_target_may_make_a_new_instance():
    old, new = stand(one(f"resolution: {{ on_target_change: new_instance, {TWO} }}"), 150 * M, [RAISE]).clocks
    assert (old.state, old.stopped_at, new.instance, new.due_at) == ("superseded", MONDAY + 2 * H, 2, MONDAY + 3 * H)


def test_our_own_note_is_nothing_to_a_target_that_depends_on_the_age():
    aged = one("resolution: { targets: [{ if: { created_at: { older_than: 2h } }, within: 1h }, { within: 4h }] }")
    assert only(stand(aged, 3 * H, (), [said(Role.AGENT, H, ours=True)])).due_at == MONDAY + 4 * H


def test_another_policy_of_the_same_metric_is_another_target_of_the_same_clock():
    body = """
  urgent: { applies_to: { priority: urgent }, calendar: around, clocks: { resolution: { targets: [{ within: 6h }] } } }
  rest:
    applies_to: { type: incident }
    calendar: office
    clocks: { resolution: { pause: { status: pending }, targets: [{ within: 4h }] } }
"""
    clock = only(stand(policies(body), 3 * H, [*PAUSED, RAISE]))
    assert (clock.policy, clock.started_at, clock.due_at) == ("urgent", MONDAY, MONDAY + 7 * H)  # its hour in pending stays out
    assert clock.climb == f"resolution@{MONDAY.isoformat()}"


def test_a_breach_stays_a_fact_when_the_target_is_relaxed_unless_the_desk_forgets_it():
    relaxed = became("priority", Level.URGENT, Level.NORMAL, 2 * H)
    kept = only(stand(one(f"resolution: {{ {TWO} }}"), 150 * M, [relaxed]))
    assert (kept.state, kept.has_breached, [b.due_at for b in kept.breaches]) == ("running", True, [MONDAY + H])
    assert kept.breaches[0].target.written == "1h"
    assert not only(stand(one(f"resolution: {{ breach_memory: recompute, {TWO} }}"), 150 * M, [relaxed])).has_breached


def test_ticketgates_own_change_moves_no_target_and_a_persons_change_after_it_does():
    ours = replace(RAISE, ours=True)
    bundle = one(f"resolution: {{ {TWO} }}")
    assert only(stand(bundle, 3 * H, [ours])).due_at == MONDAY + 4 * H
    person = became("priority", Level.URGENT, Level.LOW, 150 * M)
    again = became("priority", Level.LOW, Level.URGENT, 170 * M)
    assert only(stand(bundle, 3 * H, [ours, person, again])).due_at == MONDAY + H


# --- reopened --------------------------------------------------------------------------------------------------------

REOPENED = status((H, Status.RESOLVED), (3 * H, Status.OPEN))
FOUR = "targets: [{ within: 4h }]"


def test_a_resumed_clock_keeps_the_outcome_of_its_first_end():
    clock = only(stand(one(f"resolution: {{ {FOUR} }}"), 4 * H, REOPENED))
    assert (clock.state, clock.elapsed) == ("running", 2 * H)
    assert [(e.at, e.outcome, e.elapsed) for e in clock.ended] == [(MONDAY + H, "met", H)]


@pytest.mark.parametrize(
    ("switch", "states"),
    [
        ("restart", [("running", MONDAY + 3 * H, 1)]),
        ("new_instance", [("met", MONDAY, 1), ("running", MONDAY + 3 * H, 2)]),
        ("ignore", [("met", MONDAY, 1)]),
        ("resume, reopen_window: 1h", [("met", MONDAY, 1), ("running", MONDAY + 3 * H, 2)]),
        ("resume, reopen_window: 2h", [("running", MONDAY, 1)]),
    ],
)
def test_a_reopening_does_what_the_desk_says(switch: str, states: list[tuple[str, datetime, int]]):
    found = stand(one(f"resolution: {{ on_reopen: {switch}, {FOUR} }}"), 4 * H, REOPENED).clocks
    assert [(c.state, c.started_at, c.instance) for c in found] == states


def test_ownership_is_measured_anew_after_a_reopening_and_a_return():
    moves = [became("group", "a", "b", H), became("group", "b", "a", 2 * H)]
    found = stand(one(f"ownership: {{ {FOUR} }}"), 6 * H, [*moves, *status((3 * H, Status.RESOLVED), (5 * H, Status.OPEN))]).clocks
    assert [(c.started_at, c.stopped_at) for c in found] == [
        (MONDAY, MONDAY + H),
        (MONDAY + H, MONDAY + 2 * H),
        (MONDAY + 2 * H, MONDAY + 3 * H),
        (MONDAY + 5 * H, None),
    ]


# --- ends that are no success ----------------------------------------------------------------------------------------


def test_a_merged_ticket_escalates_no_more_and_counts_as_merged():
    closed = [became("resolution", None, "merged", 2 * H), *status((2 * H, Status.CLOSED))]
    assert only(stand(one(f"resolution: {{ {FOUR} }}"), 9 * H, closed)).state == "merged"
    tagged = stand(one(f"resolution: {{ {FOUR} }}"), 9 * H, status((2 * H, Status.CLOSED)), tags=frozenset({"closed_by_merge"}))
    assert only(tagged).state == "merged"


def test_a_cancel_is_no_success_also_where_only_the_final_word_is_known():
    bundle = one(f"resolution: {{ cancel: {{ if: {{ resolution: [duplicate] }} }}, {FOUR} }}")
    assert only(stand(bundle, 3 * H, status((2 * H, Status.RESOLVED)), resolution="duplicate")).state == "cancelled"
    assert only(stand(bundle, 3 * H, status((2 * H, Status.RESOLVED)), resolution="fixed")).state == "met"


def test_a_policy_that_stops_matching_cancels_or_is_kept():
    asked = [became("type", Type.INCIDENT, Type.QUESTION, H)]
    gone = stand(one(f"resolution: {{ {FOUR} }}"), 2 * H, asked)
    assert (only(gone).state, gone.policies, gone.uncovered) == ("not_applicable", (), False)
    kept = only(stand(one(f"resolution: {{ on_unmatch: keep, {FOUR} }}"), 2 * H, asked))
    assert (kept.state, kept.due_at) == ("running", MONDAY + 4 * H)


def test_a_policy_that_matches_again_starts_a_new_instance():
    changes = [became("type", Type.INCIDENT, Type.QUESTION, H), became("type", Type.QUESTION, Type.INCIDENT, 3 * H)]
    found = stand(one(f"resolution: {{ {FOUR} }}"), 4 * H, changes).clocks
    assert [(c.state, c.started_at) for c in found] == [("not_applicable", MONDAY), ("running", MONDAY + 3 * H)]


def test_a_policy_that_comes_late_counts_from_the_creation():
    late = [became("type", Type.QUESTION, Type.INCIDENT, H)]
    assert only(stand(one(f"resolution: {{ {FOUR} }}"), 2 * H, late)).due_at == MONDAY + 4 * H


def test_a_ticket_to_which_nothing_is_promised_is_uncovered():
    found = stand(one(f"resolution: {{ {FOUR} }}"), H, type=Type.QUESTION)
    assert (found.clocks, found.uncovered) == ((), True)


def test_a_target_of_none_is_no_promise():
    assert stand(one("resolution: { targets: [{ if: { priority: normal }, within: null }, { within: 4h }] }"), H).clocks == ()


# --- marks and conditions --------------------------------------------------------------------------------------------


def test_a_reset_ends_the_clock_and_starts_it_anew():
    moved = [became("custom.location", "Rome", "Oslo", 2 * H)]
    old, new = stand(one(f"resolution: {{ reset: {{ when: {{ changed: custom.location }} }}, {FOUR} }}"), 3 * H, moved).clocks
    assert (old.state, old.stopped_at, new.started_at, new.instance) == ("met", MONDAY + 2 * H, MONDAY + 2 * H, 2)


def test_a_start_by_condition_begins_when_it_comes_to_hold():
    bundle = one(f"ownership: {{ kind: ola, start: {{ if: {{ group: tier2 }} }}, {FOUR} }}")
    moves = [became("group", "tier1", "tier2", H), became("group", "tier2", "tier1", 2 * H), became("group", "tier1", "tier2", 3 * H)]
    found = stand(bundle, 4 * H, moves).clocks
    assert [(c.kind, c.started_at, c.stopped_at) for c in found] == [
        ("ola", MONDAY + H, MONDAY + 2 * H),
        ("ola", MONDAY + 3 * H, None),
    ]


OWN = "with_vendor: { start: { if: { status: on_hold } }, stop: { when: { changed: { field: status, from: on_hold } } }, "
HOLDS = status((H, Status.ON_HOLD), (2 * H, Status.OPEN), (3 * H, Status.ON_HOLD))


@pytest.mark.parametrize(
    ("repeat", "starts"),
    [("none", [MONDAY + H]), ("independent", [MONDAY + H, MONDAY + 3 * H]), ("sequential", [MONDAY + H, MONDAY + 5 * H])],
)
def test_a_clock_of_ones_own_repeats_as_the_desk_says(repeat: str, starts: list[datetime]):
    found = stand(one(f"{OWN} repeat: {repeat}, {FOUR} }}"), 4 * H, HOLDS).clocks
    assert [c.started_at for c in found] == starts


def test_a_pause_lasts_until_its_resume_condition_holds():
    bundle = one(f"resolution: {{ pause: {{ status: pending }}, resume: {{ status: new }}, {FOUR} }}")
    rows = status((H, Status.PENDING), (2 * H, Status.OPEN), (3 * H, Status.NEW))
    assert only(stand(bundle, 150 * M, rows[:2])).state == "paused"
    assert only(stand(bundle, 4 * H, rows)).due_at == MONDAY + 6 * H


def test_a_retroactive_start_keeps_the_pauses_before_it_was_found_and_reaches_back_no_further_than_said():
    opened = {"custom": {"opened": MONDAY - 3 * 24 * H}}
    bundle = one("resolution: { start: { when: created, retroactive: custom.opened }, targets: [{ within: 32h }] }")
    assert only(stand(bundle, H, **opened)).started_at == MONDAY - 3 * 24 * H
    assert only(stand(bundle, H, **opened)).elapsed == 9 * H  # a whole Friday, and an hour of Monday
    short = one("resolution: { max_backdate: 1d, start: { when: created, retroactive: custom.opened }, targets: [{ within: 32h }] }")
    assert only(stand(short, H, **opened)).started_at == MONDAY - 24 * H
    attached = (
        "ownership: { start: { if: { group: tier2 }, retroactive: created_at }, pause: { status: pending }, targets: [{ within: 4h }] }"
    )
    moved = [*PAUSED, became("group", "tier1", "tier2", 2 * H)]
    assert only(stand(one(attached), 3 * H, moved), "ownership").elapsed == 2 * H
    assert only(stand(one(attached, "carry_pauses: false,"), 3 * H, moved), "ownership").elapsed == 3 * H


def test_a_ticket_that_took_others_in_starts_with_the_first_of_them_where_the_desk_wants_it():
    first, second = MergedIn(created_at=MONDAY - 3 * 24 * H, at=MONDAY + H), MergedIn(created_at=MONDAY - 24 * H, at=MONDAY + 2 * H)
    younger = MergedIn(created_at=MONDAY + 30 * M, at=MONDAY + H)
    taken = one("resolution: { on_merge: earliest_start, targets: [{ within: 32h }] }")

    def clock(bundle: Bundle, at: timedelta, *merged: MergedIn, changes: Sequence[Change] = ()) -> SlaClock:
        return only(stand(bundle, at, changes, merged_in=merged))

    found = clock(taken, 3 * H, second, first, younger)
    assert (found.started_at, found.elapsed, found.due_at) == (first.created_at, 11 * H, MONDAY + 56 * H)
    assert clock(taken, 30 * M, first).started_at == MONDAY  # before the merge it was not so
    assert clock(taken, 3 * H, younger).started_at == MONDAY
    assert clock(one("resolution: { targets: [{ within: 32h }] }"), 3 * H, first).started_at == MONDAY
    most = one("resolution: { on_merge: earliest_start, max_backdate: 1d, targets: [{ within: 32h }] }")
    assert clock(most, 3 * H, first).started_at == MONDAY - 24 * H


def test_a_clock_that_does_not_start_with_its_ticket_is_not_moved_by_a_merge():
    first = MergedIn(created_at=MONDAY - 24 * H, at=MONDAY + H)
    bundle = one("ownership: { on_merge: earliest_start, start: { if: { group: tier2 } }, targets: [{ within: 4h }] }")
    moved = [became("group", "tier1", "tier2", 2 * H)]
    assert only(stand(bundle, 3 * H, moved, merged_in=(first,)), "ownership").started_at == MONDAY + 2 * H


def test_a_start_in_the_future_is_named_and_not_taken():
    bundle = one(f"resolution: {{ start: {{ when: created, retroactive: custom.opened }}, {FOUR} }}")
    found = stand(bundle, H, custom={"opened": MONDAY + 24 * H})
    assert only(found).started_at == MONDAY
    assert [d.kind for d in found.doubts] == ["start_unusable"]


# --- who answered ----------------------------------------------------------------------------------------------------


def test_what_counts_as_a_reply_is_the_desks_to_say():
    note = replace(said(Role.AGENT, H), public=False)
    assert only(stand(one(f"first_response: {{ {FOUR} }}"), 2 * H, (), [note]), "first_response").state == "running"
    counts = one(f"first_response: {{ counts_as_reply: {{ comment.role: agent }}, {FOUR} }}")
    assert only(stand(counts, 2 * H, (), [note]), "first_response").state == "met"
    robot = replace(said(Role.AGENT, H), author=Person(name="bot", automated=True))
    assert only(stand(counts, 2 * H, (), [robot]), "first_response").state == "running"


def test_a_ticket_that_an_agent_opened_may_count_as_answered():
    opened = [said(Role.AGENT, timedelta(0))]
    normal = one(f"first_response: {{ agent_initiated: normal, {FOUR} }}")
    assert only(stand(normal, H, (), opened), "first_response").state == "met"
    assert stand(one(f"first_response: {{ {FOUR} }}"), H, (), opened).clocks == ()


def test_an_answered_question_leaves_its_deadline_and_outcome_for_reports():
    talk = [said(Role.CUSTOMER, H), said(Role.AGENT, 2 * H), said(Role.CUSTOMER, 3 * H)]
    found = stand(one(f"next_response: {{ {FOUR} }}"), 4 * H, (), talk).clocks
    assert [(c.state, c.instance, c.started_at) for c in found] == [("met", 1, MONDAY + H), ("running", 2, MONDAY + 3 * H)]


# --- hours and calendars ---------------------------------------------------------------------------------------------


def test_both_kinds_of_time_are_kept_whichever_the_target_counts():
    office = only(stand(one("resolution: { targets: [{ within: 16h }] }"), 24 * H))
    assert (office.elapsed, office.business, office.real) == (8 * H, 8 * H, 24 * H)
    wall = only(stand(one("resolution: { targets: [{ within: 16h, hours: calendar }] }"), 24 * H))
    assert (wall.elapsed, wall.business, wall.due_at) == (24 * H, 8 * H, MONDAY + 16 * H)


def test_a_deadline_at_closing_time_may_move_to_the_next_opening():
    close, opening = (f"resolution: {{ deadline_boundary: {word}, targets: [{{ within: 8h }}] }}" for word in ("close", "next_open"))
    assert only(stand(one(close), H)).due_at == MONDAY + 8 * H
    moved = only(stand(one(opening), 10 * H))
    assert (moved.due_at, moved.state) == (MONDAY + 24 * H, "running")


def test_business_days_end_at_an_hour_or_with_the_day():
    by = only(stand(one('resolution: { targets: [{ within: 1 business days, by: "16:00" }] }'), H))
    assert by.due_at == MONDAY + 31 * H
    end = only(stand(one("resolution: { targets: [{ within: 2 business days, end_of_day: true }] }"), H))
    assert end.due_at == MONDAY + 56 * H
    today = only(stand(one("resolution: { targets: [{ end_of_day: true }] }"), H))
    assert today.due_at == MONDAY + 8 * H


def test_the_calendar_is_the_first_that_is_named_and_a_change_counts_from_then_on():
    clock = "clocks: { resolution: { SWITCH targets: [{ within: 8h }] } }"
    body = f"  p: {{ applies_to: {{ type: incident }}, calendar_from: [custom.calendar, office], {clock} }}"
    moved, six = [became("custom.calendar", None, "early", 2 * H)], MONDAY - 3 * H
    from_change = only(stand(policies(body.replace("SWITCH", "")), 3 * H, moved, created_at=six))
    assert from_change.due_at == MONDAY + 24 * H  # 9 to 11 in the office, 11 to 13 and 5 to 9 early
    retroactive = only(stand(policies(body.replace("SWITCH", "calendar_change: retroactive,")), 3 * H, moved, created_at=six))
    assert retroactive.due_at == MONDAY + 21 * H  # 6 to 13 and 5 to 6, all early


def test_created_outside_hours_it_waits_for_the_opening_and_keeps_its_creation():
    saturday = MONDAY - 24 * H
    shown = one(f"resolution: {{ clock_start: next_open, {FOUR} }}")
    clock = only(stand(shown, H, created_at=saturday))
    assert (clock.started_at, clock.shown_start, clock.due_at) == (saturday, MONDAY, MONDAY + 4 * H)
    assert only(stand(one(f"resolution: {{ {FOUR} }}"), H, created_at=saturday)).shown_start == saturday


VERSIONS = """
calendars:
  office:
    timezone: UTC
    versions:
      - { valid_from: 2025-01-01, open: { mon-fri: "09:00-17:00" } }
      - { valid_from: 2026-03-03, open: { mon-fri: "09:00-13:00" } }
"""


def test_each_stretch_counts_by_the_hours_in_force_then_or_all_by_the_present_ones():
    body = "sla_policies: { p: { applies_to: { type: incident }, calendar: office, SWITCH targets: { normal: { resolution: 10h } } } }"
    then = a_bundle(VERSIONS + body.replace("SWITCH", ""))
    assert only(stand(then, 30 * H)).due_at == MONDAY + 26 * H
    now = a_bundle(VERSIONS + body.replace("SWITCH", "calendar_change: retroactive,"))
    assert only(stand(now, 2 * H)).changes_at == datetime(2026, 3, 3, tzinfo=UTC)
    assert only(stand(now, 30 * H)).due_at == MONDAY + 50 * H


# --- several policies ------------------------------------------------------------------------------------------------

BOTH = """
  customer: { applies_to: { type: incident }, calendar: around, clocks: { resolution: { targets: [{ within: 4h }] } } }
  never: { applies_to: { type: incident }, calendar: around, clocks: { first_response: { targets: [{ within: 1h }] } } }
  team:
    match: all
    applies_to: { priority: { at_least: normal } }
    calendar: around
    clocks: { resolution: { kind: ola, targets: [{ within: 2h }] } }
  vendor:
    match: all
    applies_to: { type: incident }
    calendar: around
    clocks: { resolution: { kind: underpinning, targets: [{ within: 1h }] } }
"""


def test_of_policies_that_match_first_one_is_taken_and_all_others_run_beside_it():
    found = stand(policies(BOTH), 90 * M)
    assert [(c.policy, c.kind, c.state) for c in found.clocks] == [
        ("customer", "sla", "running"),
        ("team", "ola", "running"),
        ("vendor", "underpinning", "breached"),
    ]
    assert found.policies == ("customer", "team", "vendor")
    assert len({c.climb for c in found.clocks}) == 3
    assert found.clock("resolution", "team").due_at == MONDAY + 2 * H


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_past_that_cannot_be_is_named_and_counted_and_stops_nothing():
    early = became("status", Status.OPEN, Status.RESOLVED, -H)
    reopened = became("status", Status.RESOLVED, Status.OPEN, H)
    strange = became("status", Status.OPEN, None, 2 * H)
    known = became("status", None, Status.OPEN, 3 * H)
    found = stand(one(f"resolution: {{ {FOUR} }}"), 4 * H, [known, strange, reopened, early], status=Status.OPEN)
    assert {d.kind for d in found.doubts} == {"out_of_order", "before_creation", "unmapped_status"}
    assert only(found).state == "running"
    assert only(found).elapsed == 3 * H  # resolved from its creation to the reopening


def test_a_ticket_that_stands_in_a_status_without_a_word_is_named_and_its_clocks_run():
    found = stand(one(f"resolution: {{ {FOUR} }}"), 2 * H, status=None, unread={"status": "Triage 2"})
    assert [(d.kind, "'Triage 2'" in d.text) for d in found.doubts] == [("unmapped_status", True)]
    assert (only(found).state, only(found).elapsed) == ("running", 2 * H)


def test_two_changes_at_one_moment_are_taken_in_the_order_that_joins_up():
    a, b = became("status", Status.OPEN, Status.PENDING, H), became("status", Status.PENDING, Status.ON_HOLD, H)
    bundle = one(f"resolution: {{ pause: {{ status: pending }}, {FOUR} }}")
    for order in ([a, b], [b, a]):
        found = stand(bundle, 2 * H, order, status=Status.ON_HOLD)
        assert only(found).elapsed == 2 * H
        assert [d.kind for d in found.doubts] == ["same_moment"]


def test_a_calendar_that_runs_out_of_open_time_fails_alone():
    closes = 'calendars: { ends: { timezone: UTC, open: {}, overrides: { 2026-03-02: ["09:00-10:00"] } }, around: { always: true } }'
    body = """
sla_policies:
  p: { match: all, applies_to: { type: incident }, calendar: ends, clocks: { resolution: { targets: [{ within: 4h }] } } }
  q: { match: all, applies_to: { type: incident }, calendar: around, clocks: { first_response: { targets: [{ within: 4h }] } } }
"""
    found = stand(a_bundle(closes + body), 2 * H)
    assert [c.metric for c in found.clocks] == ["first_response"]
    assert [d.kind for d in found.doubts] == ["never_open"]
