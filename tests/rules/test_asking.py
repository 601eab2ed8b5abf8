"""`page` and `approval` as rules decide them: once, to whom, until when, and what an answer sets off."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.bundle import Bundle, Desk
from rules.engine import evaluate, needs
from rules.observation import Answer, Event, Kind, Observation
from rules.plan import AddComment, Ask, Notify, Page, Plan, Update
from rules.problems import errors
from rules.reader import check
from rules.ticket import Person, Ticket, TicketRef, replace
from rules.trial import read_trials, run

NOW = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)  # a Friday, 15:00 in Berlin
DESK = Desk(
    connections={"desk": "memory"},
    channels=frozenset({"trust-leads", "people"}),
    on_call=frozenset({"support-oncall", "duty-manager"}),
    default_calendar="office",
    writes={"desk": frozenset({"group", "priority", "status"})},
    replies=frozenset({"desk"}),
    notes=frozenset({"desk"}),
)
CALENDAR = """
calendars:
  office: { timezone: Europe/Berlin, open: { mon-fri: "08:00-16:00" } }
"""
ASKS = """
  - id: contain
    when: created
    then:
      - approval:
          ask: trust-leads
          within: 4 business hours
          question: May {{ ticket.ref }} go on?
          approved:
            - assign: { group: billing }
            - note: { text: "Approved by {{ approval.by }}: {{ approval.comment }}" }
          denied: [{ note: { text: "Kept by {{ approval.by }}" } }]
          no_answer: [{ notify: { to: trust-leads, text: "Nobody answered {{ approval.question }}" } }]
      - note: { text: "Asked." }
"""


def a_bundle(rules: str) -> Bundle:
    bundle, problems = check({"rules/10.yaml": f"version: 1\n{CALENDAR}\nrules:\n{rules}"}, DESK, lambda *_: frozenset())
    assert bundle is not None, errors(problems)
    return bundle


def mistakes(rules: str) -> list[str]:
    _, problems = check({"rules/10.yaml": f"version: 1\n{CALENDAR}\nrules:\n{rules}"}, DESK, lambda *_: frozenset())
    return [f"{p.code} {p.message}" for p in errors(problems)]


def seen(*events: Event, **more: object) -> Observation:
    ticket = Ticket(ref=TicketRef("desk", "1"), subject="Stolen card", status=None, created_at=NOW, updated_at=NOW, version="1")
    ticket = replace(ticket, assignee=Person(email="lena@example.com"))
    return Observation(ticket=ticket, now=NOW, events=events or (Event(kind=Kind.CREATED, at=NOW),), **more)  # type: ignore[arg-type]


def asked(plan: Plan) -> Ask:
    (found,) = (action for action in plan.actions if isinstance(action, Ask))
    return found


def answer(plan: Plan, outcome: str, by: str | None = "ana@example.com", comment: str | None = None) -> Event:
    question = asked(plan)
    said = Answer(
        id=question.id, rule=question.rule, step=question.step, outcome=outcome, question=question.question, by=by, comment=comment
    )  # type: ignore[arg-type]
    return Event(kind=Kind.APPROVAL_ANSWERED, at=NOW, answer=said)


PAGES = """
  - id: outage
    when: [created, commented]
    then:
      - page: { to: support-oncall, text: "{{ ticket.ref }} is down" }
      - page: { to: duty-manager, urgency: low, text: "Look" }
"""


def test_a_page_names_whom_it_calls_and_why() -> None:
    plan = evaluate(seen(), a_bundle(PAGES))
    assert [(a.to, a.urgency, a.text) for a in plan.actions if isinstance(a, Page)] == [
        ("support-oncall", "high", "desk:1 is down"),
        ("duty-manager", "low", "Look"),
    ]


def test_while_a_page_is_open_the_same_rule_calls_nobody_twice_but_may_call_others() -> None:
    plan = evaluate(seen(paging=frozenset({"outage>support-oncall"})), a_bundle(PAGES))
    assert [a.to for a in plan.actions if isinstance(a, Page)] == ["duty-manager"]
    assert any("not paged again" in note for note in plan.notes)


def test_another_rule_may_call_the_same_people() -> None:
    plan = evaluate(seen(paging=frozenset({"another>support-oncall"})), a_bundle(PAGES))
    assert len([a for a in plan.actions if isinstance(a, Page)]) == 2


def test_a_page_that_the_ledger_knows_is_not_asked_for_again() -> None:
    bundle = a_bundle(PAGES)
    keys = frozenset(action.key for action in evaluate(seen(), bundle).actions)
    assert not evaluate(seen(done=keys), bundle).actions


def test_where_messages_are_switched_off_nobody_is_paged_asked_or_told() -> None:
    rules = PAGES + ASKS + "  - { id: tell, when: created, then: [{ notify: { to: trust-leads, text: Hello } }] }\n"
    plan = evaluate(seen(), a_bundle(rules), replies=False)
    assert [type(a) for a in plan.actions] == [AddComment], "the note alone"
    assert len([note for note in plan.notes if "switched off" in note]) == 3


def test_a_question_is_opened_and_said_and_the_steps_behind_it_do_not_wait() -> None:
    plan = evaluate(seen(), a_bundle(ASKS))
    question = asked(plan)
    said = next(a for a in plan.actions if isinstance(a, Notify))
    assert (question.ask, question.to, question.question) == ("trust-leads", "trust-leads", "May desk:1 go on?")
    assert said.asks == question.id
    assert question.id in said.text
    assert [a.body for a in plan.actions if isinstance(a, AddComment)] == ["Asked."]


def test_within_counts_business_time_over_the_weekend() -> None:
    question = asked(evaluate(seen(), a_bundle(ASKS)))
    assert question.due_at == datetime(2026, 3, 9, 10, 0, tzinfo=UTC), "one hour on Friday until 16:00, three on Monday from 08:00"


def test_within_in_plain_time_is_plain_time() -> None:
    question = asked(evaluate(seen(), a_bundle(ASKS.replace("4 business hours", "4h"))))
    assert question.due_at == NOW + timedelta(hours=4)


def test_the_steps_under_the_answer_are_done_when_it_comes() -> None:
    bundle = a_bundle(ASKS)
    plan = evaluate(seen(answer(evaluate(seen(), bundle), "approved", comment="fine")), bundle)
    assert [c.after for a in plan.actions if isinstance(a, Update) for c in a.changes] == ["billing"]
    assert [a.body for a in plan.actions if isinstance(a, AddComment)] == ["Approved by ana@example.com: fine"]
    assert [(f.rule, f.stage) for f in plan.fired] == [("contain", "approved")]


@pytest.mark.parametrize(("outcome", "kind"), [("denied", AddComment), ("no_answer", Notify)])
def test_each_outcome_has_its_own_steps(outcome: str, kind: type) -> None:
    bundle = a_bundle(ASKS)
    plan = evaluate(seen(answer(evaluate(seen(), bundle), outcome)), bundle)
    assert [type(a) for a in plan.actions] == [kind]


def test_an_answer_uses_up_no_limit_and_is_not_stopped_by_one() -> None:
    bundle = a_bundle(ASKS + "    limits: { per_ticket: 1 }\n")
    first = evaluate(seen(), bundle)
    used = {key: (NOW - timedelta(hours=1),) for fired in first.fired for key in fired.used}
    assert used
    plan = evaluate(seen(answer(first, "denied"), limits=used), bundle)
    assert [(f.how, f.used) for f in plan.fired] == [("live", ())]


def test_an_answer_whose_question_the_rules_no_longer_ask_comes_to_nothing_and_says_so() -> None:
    event = answer(evaluate(seen(), a_bundle(ASKS)), "approved")
    plan = evaluate(seen(event), a_bundle(PAGES))
    assert not plan.actions
    assert "no longer asks" in plan.notes[0]


def test_an_answer_finds_its_question_though_steps_were_put_before_it() -> None:
    event = answer(evaluate(seen(), a_bundle(ASKS)), "denied")
    more = ASKS.replace("    then:\n", '    then:\n      - note: { text: "New" }\n')
    plan = evaluate(seen(event), a_bundle(more))
    assert [a.body for a in plan.actions if isinstance(a, AddComment)] == ["Kept by ana@example.com"]


def test_a_rule_in_shadow_does_nothing_with_an_answer_but_record_it() -> None:
    event = answer(evaluate(seen(), a_bundle(ASKS)), "approved")
    plan = evaluate(seen(event), a_bundle(ASKS + "    mode: shadow\n"))
    assert not plan.actions
    assert [f.how for f in plan.fired] == ["shadow"]


def test_other_rules_may_follow_an_answer() -> None:
    rules = ASKS + "  - { id: after, when: approval_answered, then: [{ note: { text: 'Answer: {{ approval.outcome }}' } }] }\n"
    bundle = a_bundle(rules)
    plan = evaluate(seen(answer(evaluate(seen(), bundle), "denied")), bundle)
    assert [a.body for a in plan.actions if isinstance(a, AddComment)] == ["Kept by ana@example.com", "Answer: denied"]


def test_a_question_may_wait_for_another_answer() -> None:
    nested = """
  - id: two-eyes
    when: created
    then:
      - approval:
          ask: assignee
          within: 1h
          question: First?
          approved:
            - approval: { ask: boss@example.com, within: 2h, question: Second?, approved: [{ assign: { group: vault } }] }
"""
    bundle = a_bundle(nested)
    first = evaluate(seen(), bundle)
    second = evaluate(seen(answer(first, "approved")), bundle)
    third = evaluate(seen(answer(second, "approved")), bundle)
    assert (asked(first).to, asked(second).to) == ("lena@example.com", "boss@example.com")
    assert asked(first).key != asked(second).key
    assert [c.after for a in third.actions if isinstance(a, Update) for c in a.changes] == ["vault"]


def test_stop_ticket_under_an_answer_ends_the_pass() -> None:
    rules = ASKS.replace("denied: [{ note", "denied: [{ stop: ticket }, { note") + (
        "  - { id: after, when: approval_answered, then: [{ note: { text: Never } }] }\n"
    )
    bundle, _ = check({"rules/10.yaml": f"version: 1\n{CALENDAR}\nrules:\n{rules}"}, DESK, lambda *_: frozenset())
    assert bundle is not None
    plan = evaluate(seen(answer(evaluate(seen(), bundle), "denied")), bundle)
    assert not plan.actions


def test_nobody_to_ask_is_said_and_opens_nothing() -> None:
    bundle = a_bundle(ASKS.replace("ask: trust-leads", "ask: team-lead"))
    plan = evaluate(seen(), bundle)
    assert not [a for a in plan.actions if isinstance(a, Ask)]
    assert any("nobody was asked" in note for note in plan.notes)


def test_what_waits_for_an_answer_is_read_for_its_needs() -> None:
    rules = ASKS.replace('{ note: { text: "Kept by {{ approval.by }}" } }', "{ note: { text: '{{ ticket.last_agent_reply_at }}' } }")
    assert needs(a_bundle(rules), "desk").comments
    assert not needs(a_bundle(ASKS), "desk").comments


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("page: { to: nobody, text: x }", "TG302 there is no on-call name called 'nobody'"),
        ("page: { to: trust-leads, text: x }", "TG302 'trust-leads' is a channel, nobody who is on call"),
        ("page: { text: x }", "TG206 'page' wants 'to'"),
        ("page: { to: support-oncall }", "TG206 'page' wants 'text'"),
        ("page: { to: support-oncall, text: x, urgency: loud }", "TG211 'loud' is not among the choices of 'urgency'"),
        ("approval: { ask: nobody, within: 1h, question: x, approved: [{ stop: ticket }] }", "TG302 there is no channel called 'nobody'"),
        ("approval: { ask: trust-leads, question: x, approved: [{ stop: ticket }] }", "TG206 'approval' wants 'within'"),
        ("approval: { ask: trust-leads, within: 1h, question: x }", "TG206 'approval' does nothing with the answer"),
        ("approval: { ask: a@b.de, within: soon, question: x, denied: [{ stop: ticket }] }", "TG209 'soon' is not an amount of time here"),
        ("approval: { ask: trust-leads, within: 1h, question: x, denied: [{ asign: {} }] }", "TG203 there is no verb called 'asign'"),
        ("page: { to: support-oncall, text: '{{ approval.whom }}' }", "TG303 there is no placeholder called 'approval.whom'"),
        ("notify: { to: support-oncall, text: x }", "TG302 'support-oncall' is on call, not a channel"),
    ],
)  # fmt: skip
def test_mistakes_are_named(step: str, said: str) -> None:
    assert mistakes(f"  - {{ id: r, when: created, then: [{{ {step} }}] }}\n") == [said]


def test_business_time_without_any_calendar_is_a_mistake() -> None:
    text = f"version: 1\nrules:\n{ASKS}"
    _, problems = check({"rules/10.yaml": text}, replace(DESK, default_calendar=None), lambda *_: frozenset())
    assert [p.message for p in errors(problems)] == ["business time wants a calendar"]


def test_what_waits_for_an_answer_is_no_second_write_in_the_same_pass() -> None:
    rules = ASKS + "  - { id: other, when: created, then: [{ assign: { group: tier-1 } }] }\n"
    _, problems = check({"rules/10.yaml": f"version: 1\n{CALENDAR}\nrules:\n{rules}"}, DESK, lambda *_: frozenset())
    assert "TG405" not in [p.code for p in problems]


def test_a_rule_test_pages_asks_answers_and_lets_time_run_out() -> None:
    cases = """
version: 1
defaults: { now: 2026-03-06T15:00:00+01:00, ticket: { connection: desk } }
tests:
  - name: one page while it is open, another when somebody was at work
    steps:
      - { at: 0m, event: created, expect: { paged: [support-oncall, duty-manager], exactly: true } }
      - { at: 5m, event: commented, expect: { paged: none } }
      - { at: 6m, event: agent_replied, expect: { paged: none } }
      - { at: 9m, event: commented, expect: { paged: [support-oncall] } }
  - name: a no
    steps:
      - { at: 0m, event: created, expect: { approvals: [trust-leads], notified: none } }
      - { at: 1h, event: { approval_answered: denied, by: Ana }, expect: { fired: [contain denied], notes: [Kept by Ana] } }
      - { at: 80h, expect: { fired: none } }
  - name: four business hours from Friday afternoon end on Monday
    steps:
      - { at: 0m, event: created }
      - { at: 67h, expect: { fired: none } }
      - { at: 68h, expect: { fired: [contain no_answer], notified: [trust-leads] } }
  - name: an answer to nothing
    steps: [{ at: 0m, event: { approval_answered: approved }, expect: { fired: none } }]
"""
    bundle = a_bundle(PAGES + ASKS)
    trials, problems = read_trials({"tests/a.test.yaml": cases}, bundle)
    assert not problems
    outcomes = [run(trial, bundle) for trial in trials]
    assert [(o.passed, o.message) for o in outcomes] == [
        (True, ""),
        (True, ""),
        (True, ""),
        (False, "it could not be run: no approval is open that could be answered"),
    ]


@pytest.mark.parametrize("event", ["approval_answered", "{ approval_answered: maybe }", "{ approval_answered: no_answer, by: Ana }"])
def test_a_test_says_which_answer_came(event: str) -> None:
    cases = f"version: 1\ntests: [{{ name: x, now: 2026-03-06, event: {event}, expect: {{ fired: none }} }}]"
    trials, problems = read_trials({"tests/a.test.yaml": cases}, a_bundle(ASKS))
    assert not trials
    assert len(problems) == 1
