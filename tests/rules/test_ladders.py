"""Ladders: stages that follow an SLA clock or a stay in a status, once on each climb."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.bundle import Bundle
from rules.engine import evaluate
from rules.observation import Kind, Observation
from rules.plan import AddComment, Notify, Plan, Update
from rules.ticket import Change, Comment, Level, Role, Status, Ticket, replace
from tests.builders import a_change, a_comment, a_ticket, an_event, an_observation
from tests.rules.desks import a_bundle, a_desk

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
SLA = """
calendars: { around: { always: true }, office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } } }
sla_policies:
  standard:
    applies_to: { type: incident }
    calendar: around
    pause_in: [on_hold]
    targets: { normal: { first_response: 100m }, high: { first_response: 60m }, urgent: { first_response: 20m } }
rules:
  - id: climb
    when: { sla: first_response }
    if: { status: { not_one_of: [resolved] } }
    catch_up: CATCH
    stages:
      - { at: 50%, then: [{ notify: { to: chat, text: "{{ sla.remaining | duration }}" } }] }
      - { at: breach, then: [{ raise_priority: { by: 1, up_to: urgent } }, { note: { text: late } }] }
      - { at: breach + 30m, repeat: { every: 10m, times: 2 }, then: [{ notify: { to: bosses, text: x } }] }
"""


class Life:
    """A ticket that is looked at again and again, as the gateway would."""

    def __init__(self, bundle: Bundle, ticket: Ticket) -> None:
        self.bundle, self.ticket, self.done = bundle, ticket, frozenset[str]()
        self.changes: list[Change] = []
        self.comments: list[Comment] = []

    def look(self, minute: float, **fields: Any) -> Plan:
        seen = Observation(
            ticket=self.ticket,
            now=START + minute * MINUTES,
            changes=tuple(self.changes),
            comments=tuple(self.comments),
            done=self.done,
            **fields,
        )
        plan = evaluate(seen, self.bundle)
        self.done |= {stage.key for stage in plan.stages} | {a.key for a in plan.actions if not isinstance(a, Update)}
        for update in plan.actions:
            if isinstance(update, Update):
                self.changes += [a_change(c.field, c.before, c.after, at=seen.now, ours=True) for c in update.changes]
        self.ticket = plan.leaves(self.ticket)
        return plan

    def becomes(self, minute: float, name: str, value: Any) -> None:
        self.changes.append(a_change(name, getattr(self.ticket, name), value, at=START + minute * MINUTES))
        self.ticket = replace(self.ticket, **{name: value})


def sla(catch_up: str = "latest", **ticket: Any) -> Life:
    return Life(a_bundle(SLA.replace("CATCH", catch_up)), a_ticket(created_at=START, **ticket))


def ran(plan: Plan) -> list[str]:
    return [stage.name for stage in plan.stages if stage.ran]


def passed_over(plan: Plan) -> list[str]:
    return [stage.name for stage in plan.stages if not stage.ran]


def test_each_stage_runs_once_at_its_moment_and_the_plan_says_when_to_look_again():
    life = sla()
    first = life.look(0)
    assert (ran(first), first.look_again_at) == ([], START + 50 * MINUTES)
    assert ran(life.look(49.99)) == []
    half = life.look(50)
    assert (ran(half), half.look_again_at) == (["at 50%"], START + 100 * MINUTES)
    assert [a.text for a in half.actions if isinstance(a, Notify)] == ["50m"]
    assert ran(life.look(50)) == []
    assert ran(life.look(100)) == ["at breach"]


def test_the_ladder_falls_silent_after_an_answer():
    life = sla()
    life.comments.append(a_comment(role=Role.AGENT, at=START + 30 * MINUTES))
    plan = life.look(500)
    assert (plan.stages, plan.look_again_at) == ((), None)


def test_a_step_of_a_ladder_cannot_set_off_the_next_one():
    life = sla()
    life.look(50)
    assert [c.after for c in life.look(100).actions[0].changes] == ["high"]
    assert ran(life.look(129)) == []
    assert ran(life.look(130)) == ["at breach + 30m"]


def test_a_person_who_raises_the_priority_moves_the_remaining_stages():
    life = sla()
    life.look(50)
    life.becomes(55, "priority", Level.HIGH)
    assert life.look(55).look_again_at == START + 60 * MINUTES
    assert ran(life.look(60)) == ["at breach"]


@pytest.mark.parametrize(
    ("catch_up", "expected", "skipped"),
    [("latest", ["at breach + 30m"], 2), ("all", ["at 50%", "at breach", "at breach + 30m"], 0), ("skip", ["at breach + 30m"], 2)],
)
def test_after_an_outage_catch_up_decides(catch_up: str, expected: list[str], skipped: int):
    plan = sla(catch_up).look(135)
    assert (ran(plan), len(passed_over(plan))) == (expected, skipped)
    assert all("catch_up" in stage.why for stage in plan.stages if not stage.ran)


def test_skip_runs_none_that_is_more_than_fifteen_minutes_late():
    assert ran(sla("skip").look(116)) == []
    assert ran(sla("skip").look(115)) == ["at breach"]


def test_a_stage_is_repeated_as_often_as_it_says():
    life = sla("all")
    runs = [len(ran(life.look(minute))) for minute in (130, 139, 140, 150, 160, 170)]
    assert runs == [3, 0, 1, 1, 0, 0]


def test_a_stage_whose_condition_does_not_hold_is_passed_over_for_this_climb():
    life = sla(status=Status.RESOLVED)
    assert passed_over(life.look(60)) == ["at 50%"]
    life.becomes(61, "status", Status.OPEN)
    assert ran(life.look(62)) == []


def test_an_adopted_ticket_passes_over_the_stages_behind_it():
    life = sla()
    plan = life.look(110, adopted=True)
    assert (ran(plan), passed_over(plan), plan.actions) == ([], ["at 50%", "at breach"], ())
    assert ran(life.look(130)) == ["at breach + 30m"]


def test_a_stage_that_fell_due_before_the_event_that_ends_its_clock_still_runs():
    life = sla()
    life.comments.append(a_comment(role=Role.AGENT, at=START + 60 * MINUTES))
    answered = an_event(Kind.AGENT_REPLIED, comment=life.comments[0])
    assert ran(life.look(70, events=(answered,))) == ["at 50%"]


def test_an_answer_in_the_very_second_of_a_stage_comes_first():
    life = sla()
    life.comments.append(a_comment(role=Role.AGENT, at=START + 100 * MINUTES))
    answered = an_event(Kind.AGENT_REPLIED, comment=life.comments[0])
    assert "at breach" not in ran(life.look(101, events=(answered,)))


def test_a_paused_clock_stops_the_ladder():
    life = sla()
    life.becomes(10, "status", Status.ON_HOLD)
    assert (life.look(90).stages, life.look(90).look_again_at) == ((), None)
    life.becomes(110, "status", Status.OPEN)
    assert life.look(110).look_again_at == START + 150 * MINUTES


def test_a_closed_ticket_climbs_no_more():
    assert sla(status=Status.CLOSED).look(500).stages == ()


def test_named_by_a_person_a_ladder_runs_the_stage_that_is_due_now():
    life = sla()
    seen = Observation(ticket=life.ticket, now=START + 60 * MINUTES, adopted=True, events=(an_event(),))
    plan = evaluate(seen, life.bundle, only="climb")
    assert ran(plan) == ["at 50%"]
    assert ran(evaluate(seen, life.bundle)) == []


# --- delivery ------------------------------------------------------------------------------------------------------

NIGHT = """
calendars: { office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } }, always: { always: true } }
sla_policies: { standard: { applies_to: { type: incident }, calendar: COUNTS, targets: { normal: { first_response: 10h } } } }
rules:
  - id: tell
    when: { sla: first_response }
    stages:
      - { at: breach, deliver: business_hours, then: [{ notify: { to: chat, text: late } }, { note: { text: late } }] }
"""


def at_night(counts: str) -> Notify:
    life = Life(a_bundle(NIGHT.replace("COUNTS", counts), desk=a_desk(default_calendar="office")), a_ticket(created_at=START))
    plan = life.look(60 * 27)
    assert (ran(plan), [type(a) for a in plan.actions]) == (["at breach"], [Notify, AddComment])
    (message,) = (a for a in plan.actions if isinstance(a, Notify))
    return message


def test_a_message_of_a_stage_that_minds_the_hours_waits_for_the_next_opening_and_nothing_else_does():
    life = Life(a_bundle(NIGHT.replace("COUNTS", "always"), desk=a_desk(default_calendar="office")), a_ticket(created_at=START))
    assert life.look(599).stages == ()
    plan = life.look(600)
    assert [a.not_before for a in plan.actions if isinstance(a, Notify)] == [datetime(2026, 3, 3, 9, tzinfo=UTC)]
    assert [type(a) for a in plan.actions] == [Notify, AddComment]


@pytest.mark.parametrize("counts", ["office", "always"])
def test_within_business_hours_it_waits_for_nothing(counts: str):
    assert at_night(counts).not_before is None


# --- waiting ---------------------------------------------------------------------------------------------------------

WAITING = """
calendars: { office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } } }
rules:
  - id: remind
    when: { waiting: { status: [pending, on_hold], since: SINCE MORE } }
    stages:
      - { after: AFTER, then: [{ note: { text: still there } }] }
      - { after: 7d, then: [{ set: { status: resolved } }] }
"""
DAYS = 24 * 60


def waiting(since: str = "status_change", after: str = "3d", more: str = "", **ticket: Any) -> Life:
    text = WAITING.replace("SINCE", since).replace("MORE", more).replace("AFTER", after)
    return Life(a_bundle(text, desk=a_desk(default_calendar="office")), a_ticket(created_at=START, **ticket))


def test_a_stay_begins_with_its_status_and_ends_with_it():
    life = waiting()
    assert life.look(0).look_again_at is None
    life.becomes(60, "status", Status.PENDING)
    assert life.look(60).look_again_at == START + (60 + 3 * DAYS) * MINUTES
    assert ran(life.look(60 + 3 * DAYS)) == ["after 3d"]
    life.becomes(60 + 4 * DAYS, "status", Status.OPEN)
    assert life.look(60 + 7 * DAYS).stages == ()


def test_moving_between_statuses_of_the_list_is_not_leaving_and_a_new_stay_is_a_new_climb():
    life = waiting()
    life.becomes(0, "status", Status.PENDING)
    life.becomes(DAYS, "status", Status.ON_HOLD)
    assert ran(life.look(3 * DAYS)) == ["after 3d"]
    life.becomes(4 * DAYS, "status", Status.OPEN)
    life.becomes(5 * DAYS, "status", Status.PENDING)
    assert ran(life.look(7 * DAYS)) == []
    assert ran(life.look(8 * DAYS)) == ["after 3d"]


def test_a_customers_reply_ends_the_silence_that_an_agents_reply_began():
    life = waiting("last_agent_reply", status=Status.PENDING)
    life.comments.append(a_comment(role=Role.AGENT, at=START + 60 * MINUTES))
    assert life.look(60).look_again_at == START + (60 + 3 * DAYS) * MINUTES
    life.comments.append(a_comment(role=Role.CUSTOMER, at=START + DAYS * MINUTES))
    assert life.look(5 * DAYS).stages == ()


def test_what_the_ladder_itself_writes_does_not_start_it_anew():
    life = waiting("last_update", status=Status.PENDING)
    life.changes.append(a_change("product", None, "x", at=START))
    assert ran(life.look(3 * DAYS)) == ["after 3d"]
    life.comments.append(a_comment(ours=True, at=START + 3 * DAYS * MINUTES))
    life.ticket = replace(life.ticket, updated_at=START + 3 * DAYS * MINUTES)
    assert ran(life.look(7 * DAYS)) == ["after 7d"]


@pytest.mark.parametrize(
    ("after", "more", "expected"),
    [
        ("8h", "", datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("9h", ", calendar: office", datetime(2026, 3, 3, 10, tzinfo=UTC)),
        ("5 business days", "", datetime(2026, 3, 9, 9, tzinfo=UTC)),
        ("16 business hours", "", datetime(2026, 3, 3, 17, tzinfo=UTC)),
    ],
)
def test_business_time_is_counted_in_a_calendar_and_plain_time_only_where_one_is_named(after: str, more: str, expected: datetime):
    life = waiting(after=after, more=more, status=Status.PENDING)
    assert life.look(0).look_again_at == expected


def test_our_own_change_of_status_sets_the_alarm_for_the_stay_it_begins():
    both = WAITING.replace("SINCE", "status_change").replace("MORE", "").replace("AFTER", "3d")
    both += "  - { id: park, when: created, then: [{ set: { status: pending } }] }\n"
    plan = evaluate(an_observation(Kind.CREATED, ticket=a_ticket(created_at=START), now=START), a_bundle(both, desk=a_desk()))
    assert plan.look_again_at == START + timedelta(days=3)


def test_after_its_stages_ran_the_same_moment_asks_for_nothing():
    life = sla("all")
    assert life.look(170).actions
    assert not life.look(170)
