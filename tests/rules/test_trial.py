"""Rule tests: what an administrator writes, played through with a simulated clock."""

from textwrap import dedent
from typing import Any

import pytest

from rules.bundle import Bundle
from rules.lint_trials import fired
from rules.trial import Outcome, read_trials, run
from tests.rules.desks import a_bundle, a_desk

RULES = """
calendars: { office: { timezone: Europe/Berlin, open: { mon-fri: "09:00-17:00" } } }
sla_policies:
  standard:
    applies_to: { type: incident }
    calendar: office
    targets: { high: { first_response: 60m }, urgent: { first_response: 30m } }
rules:
  - id: route
    when: [created, { changed: product }]
    if: { group: { empty: true }, product: billing }
    then: [{ assign: { group: billing } }, { tag: { add: [routed] } }]
  - id: greet
    when: created
    then: [{ reply: { template: ack } }]
  - id: reopened-again
    when: reopened
    then: [{ note: { text: "It is back" } }]
  - id: solved
    when: resolved
    then: [{ tag: { add: [solved] } }]
  - id: climb
    when: { sla: first_response }
    stages:
      - { at: 75%, then: [{ notify: { to: chat, text: hurry } }] }
      - { at: breach, then: [{ raise_priority: urgent }] }
  - id: by-hand
    when: manual
    then: [{ tag: { add: [by-hand] } }]
  - id: tell
    when: manual
    then: [{ notify: { to: assignee, text: look } }]
  - id: watch
    when: commented
    if: { comment.text: { contains: refund }, comment.public: false }
    then: [{ tag: { add: [refund] } }]
  - id: tidy
    when: { waiting: { status: pending } }
    stages: [{ after: 3d, then: [{ set: { status: resolved } }] }]
"""
DEFAULTS = """
version: 1
defaults:
  now: 2026-03-02T10:00:00+01:00
  ticket: { connection: zendesk-eu, type: incident, status: new, priority: high, requester: { name: Ana Lima, language: de } }
tests:
"""


def bundle() -> Bundle:
    return a_bundle(RULES, desk=a_desk(default_calendar="office"), templates={"ack/en": "Hello", "ack/de": "Hallo"})


def outcome(case: str) -> Outcome:
    text = DEFAULTS + "".join(f"  {line}\n" for line in dedent(case).strip().splitlines())
    trials, problems = read_trials({"tests/a.test.yaml": text}, bundle())
    assert problems == []
    (trial,) = trials
    return run(trial, bundle())


@pytest.mark.parametrize(
    "case",
    [
        """
        - name: routed and greeted in the requester's language
          ticket: { product: billing }
          event: created
          expect:
            fired: [route, greet]
            not_fired: [climb]
            ticket: { group: billing, tags: { contains: routed }, requester.name: ana lima }
            replies: ["ack (de)"]
            notes: none
            exactly: true
        """,
        """
        - name: the ladder warns, escalates, and falls silent after an answer
          steps:
            - { at: 0m, event: created }
            - { at: 45m, expect: { fired: ["climb at 75%"], notified: [chat], exactly: true } }
            - { at: 60m, expect: { fired: [climb], ticket: { priority: urgent, sla.first_response: breached } } }
            - { at: 70m, event: agent_replied }
            - { at: 2h, expect: { fired: none } }
        """,
        """
        - name: a message to an assignee that there is not counts by the name it was for
          event: { manual: tell }
          expect: { fired: [tell], notified: [assignee], exactly: true }
        """,
        """
        - name: one with an assignee counts by that name and by the address
          ticket: { assignee: lena@example.com }
          event: { manual: tell }
          expect: { notified: [assignee, lena@example.com] }
        """,
        """
        - name: one stride that passes a stage and ends in an event
          steps:
            - { at: 0m, event: created }
            - { at: 50m, event: agent_replied, expect: { fired: ["climb at 75%"] } }
        """,
        """
        - name: an answer in the very second of the deadline is in time
          steps:
            - { at: 0m, event: created }
            - { at: 60m, event: agent_replied, expect: { not_fired: ["climb at breach"], ticket: { sla.first_response: met } } }
        """,
        """
        - name: several stages in one stride are an outage
          steps:
            - { at: 0m, event: created }
            - { at: 3h, expect: { fired: ["climb at breach"], exactly: true } }
        """,
        """
        - name: a changed event without from was empty before
          ticket: { product: billing }
          event: { changed: product }
          expect: { fired: [route], exactly: true }
        """,
        """
        - name: an event brings the least that makes it true
          event: reopened
          expect: { fired: [reopened-again], notes: ["It is back"], ticket: { status: { not_one_of: [resolved, closed] } } }
        """,
        """
        - name: straight to closed is resolved too
          event: closed
          expect: { fired: [solved], ticket: { status: closed } }
        """,
        """
        - name: a step may change the ticket without naming an event
          steps:
            - { at: 0m, event: created, expect: { not_fired: [route] } }
            - { at: 5m, ticket: { product: billing }, expect: { fired: [route] } }
        """,
        """
        - name: the ticket's own words come with the event
          ticket: { comment.text: please refund it }
          event: commented
          expect: { fired: [watch], ticket: { tags: refund } }
        """,
        """
        - name: a person names a rule
          event: { manual: by-hand }
          expect: { fired: [by-hand], ticket: { tags: by-hand }, replies: none }
        """,
        """
        - name: the history says since when it waits
          ticket: { status: pending, type: question }
          history:
            - { at: 5d, status: open }
            - { at: 71h, status: pending }
          steps:
            - { at: 0m, event: updated, expect: { fired: none } }
            - { at: 1h, expect: { fired: ["tidy after 3d"], ticket: { status: resolved } } }
        """,
        """
        - name: a null unsets what the defaults say and rules restricts
          ticket: { priority: null, product: billing }
          rules: [route]
          event: created
          expect: { fired: [route], replies: none, ticket: { priority: { empty: true } }, exactly: true }
        """,
    ],
)
def test_what_holds_passes(case: str):
    found = outcome(case)
    assert found.passed, found.message


@pytest.mark.parametrize(
    ("event", "expect", "said"),
    [
        ("created", "{ fired: [solved] }", "fired: expected 'solved'; there was 'greet'"),
        ("created", "{ fired: none }", "'greet' was not expected"),
        ("created", "{ not_fired: [greet] }", "not_fired: greet fired"),
        ("created", '{ replies: ["ack (en)"] }', "replies: expected 'ack (en)'; there was 'ack (de)'"),
        ("created", "{ ticket: { group: billing } }", "group is billing does not hold; it is (empty)"),
        ("created", "{ notified: [chat] }", "notified: expected 'chat'; there were none"),
        ("created", "{ fired: [], exactly: true }", "'greet' was not expected"),
    ],
)
def test_what_does_not_hold_fails_and_says_what_happened_instead(event: str, expect: str, said: str):
    found = outcome(f"- name: wrong\n  event: {event}\n  expect: {expect}")
    assert not found.passed
    assert said in found.message
    assert (found.file, found.line) == ("tests/a.test.yaml", 7)


@pytest.mark.parametrize(
    ("case", "code", "at"),
    [
        ("- { name: a, event: created, expect: { fired: [rout] } }", "TG302", "'rout'"),
        ("- { name: a, event: created, expect: { fired: ['climb at 80%'] } }", "TG302", "at 80%"),
        ("- { name: a, event: created, expect: { fird: none } }", "TG201", "fird"),
        ("- { name: a, event: creatd, expect: { fired: none } }", "TG203", "creatd"),
        ("- { name: a, event: created, ticket: { prioritty: high }, expect: { fired: none } }", "TG202", "prioritty"),
        ("- { name: a, event: created, ticket: { priority: hihg }, expect: { fired: none } }", "TG211", "hihg"),
        ("- { name: a, event: created, ticket: { sla.policy: x }, expect: { fired: none } }", "TG205", "sla.policy"),
        ("- { name: a, event: created }", "TG206", "expect"),
        ("- { name: a, steps: [{ at: 2h }, { at: 1h }] }", "TG408", "step"),
        ("- { name: a, event: { sla: resolution }, expect: { fired: none } }", "TG203", "event"),
        ("- { name: a, event: created, expect: { ticket: { group: { at_least: x } } } }", "TG204", "at_least"),
    ],
)
def test_a_mistake_in_a_test_is_reported_like_one_in_a_rule(case: str, code: str, at: str):
    trials, problems = read_trials(
        {"tests/a.test.yaml": DEFAULTS + f"  {case}\n  - {{ name: good, event: created, expect: {{ fired: [greet] }} }}\n"}, bundle()
    )
    assert [trial.name for trial in trials] == ["good"]
    assert (problems[0].code, problems[0].place.line) == (code, 7)
    assert at in problems[0].message


def test_only_files_that_hold_tests_are_read():
    text: Any = "version: 1\ntests:\n  - { name: a, now: 2026-03-02, event: created, expect: { fired: none } }\n"
    names = ("tests/a.test.yaml", "rules/b.test.yml", "rules/c.yaml", "tests/_d.test.yaml", "elsewhere/e.test.yaml")
    trials, problems = read_trials(dict.fromkeys(names, text), bundle())
    assert ([trial.place.file for trial in trials], problems) == (["rules/b.test.yml", "tests/a.test.yaml"], [])


def test_a_rule_that_cannot_be_judged_fails_the_test_that_meets_it():
    broken = a_bundle("rules:\n  - { id: r, when: created, then: [{ note: { text: '{% if ticket.subject > 3 %}x{% endif %}' } }] }\n")
    case = "version: 1\ntests:\n  - { name: a, now: 2026-03-02, event: created, expect: { fired: none } }\n"
    (trial,), _ = read_trials({"tests/a.test.yaml": case}, broken)
    assert "rule 'r'" in run(trial, broken).message


@pytest.mark.parametrize(
    "cases",
    [
        [
            "expect: { fired: [route] }",
            "expect: { fired: [greet] }",
        ],  # the second shows what is known already: both rules fire in the first
        ["expect: { replies: none }"],  # fires two, and names neither
        ["expect: { fired: [solved] }", "expect: { not_fired: [route] }"],  # which fails, and fires all the same
        ["rules: [greet]\n    expect: { fired: [route] }"],
    ],
)
def test_what_the_tests_fire_is_the_same_when_no_more_of_them_are_run_than_it_takes(cases: list[str]) -> None:
    text = DEFAULTS + "".join(
        f"  - name: t{n}\n    ticket: {{ product: billing }}\n    event: created\n    {c}\n" for n, c in enumerate(cases)
    )
    trials, problems = read_trials({"tests/a.test.yaml": text}, bundle())

    assert problems == []
    assert fired(bundle(), trials) == frozenset[str]().union(*(run(trial, bundle()).fired for trial in trials)) != frozenset()


def test_a_rule_that_only_an_unexpecting_test_fires_is_found_though_all_that_was_expected_is_known() -> None:
    text = DEFAULTS + (
        "  - { name: first, event: created, expect: { fired: [greet] } }\n"
        "  - { name: second, ticket: { product: billing }, event: created, expect: { fired: [greet] } }\n"
    )
    trials, _ = read_trials({"tests/a.test.yaml": text}, bundle())

    assert fired(bundle(), trials) == {"greet", "route"}
