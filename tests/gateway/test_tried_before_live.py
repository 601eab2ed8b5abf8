"""A rule that was tried behaves so when it is live, whichever way it was tried; a mistyped one is not tried at all."""

from time import sleep
from typing import Any

import pytest

from connectors.sandbox import Deed
from tests.gateway.program import Desk, Program

RULES = """version: 1
calendars:
  office:
    timezone: Europe/Berlin
    versions:
      - { valid_from: 2020-01-01, open: { mon-fri: "09:00-17:00" } }
      - { valid_from: 2031-01-01, open: { mon-thu: "09:00-17:00" } }
rules:
  - id: urgent-now
    when: updated
    if: { priority: urgent }
    then: [{ tag: { add: [is-urgent] } }]
  - id: became-urgent
    when: { changed: { field: priority, to: urgent } }
    then: [{ note: { text: "It became urgent." } }]
  - id: friday
    when: created
    if: { calendar: { office: closed }, type: incident }
    then: [{ tag: { add: [closed] } }]
  - id: route
    when: created
    if: { type: incident }
    then:
      - assign: { group: tier-1 }
      - reply: { text: "Dear {{ ticket.requester.name | default('customer') }}, we have it." }
  - id: tidy
    when: { waiting: { status: pending } }
    stages: [{ after: 1s, then: [{ tag: { add: [waits] } }] }]
"""
TESTS = """version: 1
defaults: { now: 2026-03-02T10:00:00+01:00, ticket: { connection: desk, type: incident, requester: { name: Ana Lima } } }
tests:
"""


@pytest.fixture
def tried(desk: Desk) -> Desk:
    desk.write("rules/10-all.yaml", RULES)
    desk.folder.joinpath("tests/all.test.yaml").unlink()
    return desk


def holds(program: Program, desk: Desk, case: str) -> bool:
    desk.write("tests/one.test.yaml", TESTS + f"  - {case}\n")
    done = program("-C", desk, "test")
    assert done.code in (0, 1), done.err
    return done.code == 0


def test_what_a_test_a_dry_run_and_the_daemon_say_is_the_same(program: Program, tried: Desk) -> None:
    expect = '{ fired: [route], ticket: { group: tier-1 }, replies: ["Dear Ana Lima, we have it."] }'
    assert holds(program, tried, f"{{ name: a, event: created, rules: [route], expect: {expect} }}")
    program("-C", tried, "run", "--once")
    key = tried.customer_writes("Fire", type="incident")
    planned = program("-C", tried, "--format", "json", "plan", "--ticket", f"desk:{key}", "--rule", "route").lines[0]
    program("-C", tried, "run", "--once")
    (lived,) = program("-C", tried, "--format", "json", "why", f"desk:{key}", "--rule", "route").lines
    done = tried.system().shown(key)
    assert [fired["rule"] for fired in planned["fired"]] == ["route"]
    assert [one["what"] for s in lived["sets"] for one in s["rules"]] == ["fired"]
    assert (done["group"], [c["text"] for c in done["comments"]]) == ("tier-1", ["Dear Ana Lima, we have it."])


def test_is_and_became_are_two_ways_to_write_and_mean_two_things(program: Program, tried: Desk) -> None:
    both = "{ fired: [urgent-now, became-urgent] }"
    already = "{ fired: [urgent-now], not_fired: [became-urgent] }"
    assert holds(program, tried, f"{{ name: a, event: {{ changed: {{ field: priority, to: urgent }} }}, expect: {both} }}")
    assert holds(
        program, tried, f"{{ name: a, ticket: {{ priority: urgent, product: billing }}, event: {{ changed: product }}, expect: {already} }}"
    )


@pytest.mark.parametrize(("now", "closed"), [("2026-03-06T10:00:00+01:00", False), ("2031-03-07T10:00:00+01:00", True)])
def test_a_test_may_play_years_from_now_by_the_calendar_of_then(program: Program, tried: Desk, now: str, closed: bool) -> None:
    expect = "{ fired: [friday] }" if closed else "{ not_fired: [friday] }"
    assert holds(program, tried, f"{{ name: a Friday, now: {now}, event: created, expect: {expect} }}")


def test_what_a_clock_set_off_has_its_record_like_anything_else(program: Program, tried: Desk) -> None:
    program("-C", tried, "run", "--once")
    key = tried.customer_writes("Fire", type="question")
    program("-C", tried, "run", "--once")
    tried.system().people(Deed(kind="set", key=key, by="agent", fields={"status": "pending"}))
    program("-C", tried, "run", "--once")
    sleep(1.2)
    program("-C", tried, "run", "--once")
    program("-C", tried, "run", "--once")
    (said,) = program("-C", tried, "--format", "json", "why", f"desk:{key}", "--rule", "tidy").lines
    passes = [(one["events"], one["fired"]) for one in said["passes"]]
    staged = [(one["what"], one["stage"]) for s in said["sets"] for one in s["rules"]]
    assert ("fired", "after 1s") in staged or any("tidy after 1s" in fired for _, fired in passes)


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("rules/10-all.yaml", "when: updated", "wehn: updated", "wehn"),
        ("rules/10-all.yaml", "field: priority, to:", "field: priority, too:", "too"),
        ("rules/10-all.yaml", "timezone:", "timezon:", "timezon"),
        ("rules/10-all.yaml", "assign: { group:", "assign: { gruop:", "gruop"),
        ("rules/10-all.yaml", "if: { type: incident }", "if: { tpye: incident }", "tpye"),
        ("ticketgate.yaml", "poll: 1s", "pol: 1s", "pol"),
        ("ticketgate.yaml", "channels:", "chanels:", "chanels"),
        ("tests/one.test.yaml", "event:", "evnet:", "evnet"),
        ("tests/one.test.yaml", "expect: { fired:", "expect: { fird:", "fird"),
    ],
)
def test_a_misspelt_key_is_never_ignored(program: Program, tried: Desk, file: str, old: str, new: str, word: Any) -> None:
    tried.write("tests/one.test.yaml", TESTS + "  - { name: a, event: created, expect: { fired: [route] } }\n")
    text = (tried.folder / file).read_text(encoding="utf-8")
    tried.write(file, text.replace(old, new, 1))
    done = program("-C", tried, "check")
    assert (done.code, f"'{word}'" in done.out, f"{file}:" in done.out) == (1, True, True), done.out
    assert program("-C", tried, "run", "--once").code == 3
