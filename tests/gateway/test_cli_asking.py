"""`pages` and `approvals` on the command line: what waits for a person, and what a person answers."""

import pytest

from tests.gateway.program import Desk, Done, Program

RULES = """version: 1
rules:
  - id: outage
    when: created
    then:
      - page: { to: pager, text: "{{ ticket.subject }}" }
      - approval:
          ask: leads
          within: 4h
          question: May {{ ticket.ref }} go on?
          approved: [{ assign: { group: vault } }]
          denied: [{ note: { text: "Denied by {{ approval.by }}: {{ approval.comment }}" } }]
"""
TESTS = """version: 1
tests:
  - name: a yes opens the vault
    now: 2026-03-02T10:00:00+01:00
    ticket: { connection: desk }
    steps:
      - { at: 0m, event: created, expect: { paged: [pager], approvals: [leads], notified: none } }
      - { at: 1h, event: { approval_answered: approved, by: Ana }, expect: { fired: [outage approved], ticket: { group: vault } } }
"""


@pytest.fixture
def waiting(program: Program, desk: Desk) -> Desk:
    """A ticket that calls somebody out and asks the leads."""
    desk.write("rules/10-all.yaml", RULES)
    desk.write("tests/all.test.yaml", TESTS)
    desk.swap(
        "ticketgate.yaml",
        'leads: { url: "file:.ticketgate/leads.jsonl" }',
        'leads: { url: "file:.ticketgate/leads.jsonl", members: [ana@example.com] }\n'
        'on_call: { pager: { url: "file:.ticketgate/paged.jsonl" } }',
    )
    program("-C", desk, "run", "--once")
    desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    return desk


def id_of(program: Program, desk: Desk, what: str) -> str:
    (one,) = program("-C", desk, "--format", "json", what, "list").lines
    return str(one["id"])


def approve(program: Program, desk: Desk, *more: str) -> Done:
    return program("-C", desk, "approvals", "approve", id_of(program, desk, "approvals"), *more)


def test_the_desk_and_its_tests_are_good(program: Program, waiting: Desk) -> None:
    assert program("-C", waiting, "check").code == 0
    assert program("-C", waiting, "test").code == 0


def test_a_page_is_listed_and_acknowledged_once(program: Program, waiting: Desk) -> None:
    assert "desk:M-1  pager, high urgency   outage" in program("-C", waiting, "pages", "list").out
    id = id_of(program, waiting, "pages")
    done = program("-C", waiting, "pages", "ack", id[:6], "--by", "Ana")
    assert (done.code, "acknowledged by Ana" in done.out) == (0, True)
    again = program("-C", waiting, "pages", "ack", id)
    assert (again.code, "is acknowledged already, by Ana" in again.err) == (7, True)
    assert "Nobody is being called out" in program("-C", waiting, "pages", "list").out
    assert "acknowledged by Ana" in program("-C", waiting, "pages", "list", "--all").out


def test_a_question_is_listed_answered_once_and_done(program: Program, waiting: Desk) -> None:
    assert "May desk:M-1 go on?" in program("-C", waiting, "approvals", "list").out
    id = id_of(program, waiting, "approvals")
    done = approve(program, waiting, "--by", "Ana@example.com", "--comment", "fine")
    assert (done.code, "approved by Ana@example.com" in done.out) == (0, True)
    program("-C", waiting, "run", "--once")
    assert waiting.system().shown("M-1")["group"] == "vault"
    again = program("-C", waiting, "approvals", "deny", id, "--by", "ana@example.com")
    assert (again.code, "was approved already, by Ana@example.com" in again.err) == (7, True)


def test_only_a_member_may_answer(program: Program, waiting: Desk) -> None:
    done = approve(program, waiting, "--by", "eve")
    assert (done.code, "'eve' was not asked; ana@example.com may answer" in done.err) == (7, True)
    assert len(program("-C", waiting, "--format", "json", "approvals", "list").lines) == 1


@pytest.mark.parametrize("words", [("approvals", "approve", "ffff"), ("pages", "ack", "ffff")])
def test_what_is_not_there_ends_with_8(program: Program, waiting: Desk, words: tuple[str, ...]) -> None:
    assert program("-C", waiting, *words).code == 8


def test_why_and_plan_show_whom_a_rule_calls_and_asks(program: Program, waiting: Desk) -> None:
    told = program("-C", waiting, "why", "desk:M-1").out
    assert "page       pager (high urgency)" in told
    assert "asks leads until" in told
    waiting.customer_writes("Again")
    planned = program("-C", waiting, "plan", "--ticket", "desk:M-2").out
    assert "! page       pager (high urgency)" in planned
    assert "! approval   asks leads until" in planned
    assert "1 page, 1 approval" in planned


def test_a_backfill_calls_and_asks_nobody(program: Program, desk: Desk) -> None:
    desk.write("rules/10-all.yaml", RULES)
    desk.write("tests/all.test.yaml", "")
    desk.swap("ticketgate.yaml", "channels:", 'on_call: { pager: { url: "file:.ticketgate/paged.jsonl" } }\nchannels:')
    desk.tickets(2)
    assert program("-C", desk, "backfill", "--yes").code == 0
    assert program("-C", desk, "pages", "list").out.startswith("Nobody")
    assert program("-C", desk, "approvals", "list").out.startswith("No question")
    assert not (desk.folder / ".ticketgate/paged.jsonl").exists()


def test_an_applied_plan_makes_its_first_calls_at_once(program: Program, waiting: Desk) -> None:
    waiting.customer_writes("Again")
    file = waiting.folder / "some.plan"
    program("-C", waiting, "plan", "--ticket", "desk:M-2", "-o", file)
    assert program("-C", waiting, "apply", file, "--yes").code == 0
    assert "Again" in (waiting.folder / ".ticketgate/paged.jsonl").read_text()


def test_a_chain_that_leads_nowhere_is_named_with_its_place(program: Program, waiting: Desk) -> None:
    waiting.swap("ticketgate.yaml", "on_call: {", "on_call: { duty: { chain: [{ to: nobody, wait: 5m }] },")
    done = program("-C", waiting, "check")
    assert done.code == 1
    assert "there is no on-call name 'nobody'" in done.out
    assert "ticketgate.yaml:7:" in done.out
