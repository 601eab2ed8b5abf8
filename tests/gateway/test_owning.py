"""Whom a rule names is found by name, address or table; where nobody is, the fallback has the ticket and `why` says so."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import ConnectorSettings
from connectors.sandbox import Deed
from gateway.sandbox.faults import Fault
from gateway.sandbox.host import Served
from gateway.store.actions import State
from rules.ticket import replace
from tests.gateway.program import Desk, Program
from tests.over import Over, a_gateway
from tests.rigs import OVER_HTTP, Rig, a_sample, rigged, served

RULES = """
version: 1
rules:
  - id: give-to
    when: [created, updated]
    then:
      - assign: { user: gone@example.com }
"""
KENJI = "kenji@example.com"


@pytest.fixture(params=OVER_HTTP)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with served(request.param) as port, rigged(request.param, port) as rig:
        yield rig


def people(**more: object) -> ConnectorSettings:
    return ConnectorSettings.model_validate({"url": "https://acme.example.com", **more})


def a_new_ticket(over: Over) -> str:
    over.round()
    key = _made(over.rig)
    over.round()
    over.round()
    return key


def _made(rig: Rig) -> str:
    there = rig.served or rig.sandbox
    rig.later()
    return str(there.people(Deed(kind="create", by="customer", sample=replace(a_sample(), created_at=rig.clock()))))


def assigned(rig: Rig, key: str) -> str | None:
    found: str | None = rig.sandbox.shown(key)["assignee"]
    return found


def test_the_fallback_has_the_ticket_and_its_row_says_for_whom(rig: Rig, tmp_path: Path) -> None:
    with a_gateway(rig, tmp_path, RULES, people=people(fallback_assignee=KENJI)) as over:
        key = a_new_ticket(over)
        (row,) = over.actions(key)
        assert (row.state, assigned(rig, key)) == (State.DONE, KENJI)
        assert row.receipt is not None
        assert row.receipt.notes == (f"here has no active user 'gone@example.com'; its fallback_assignee '{KENJI}' has the ticket",)
        seen = over.seen(key)
        assert seen is not None
        assert seen.ticket is not None
        assert seen.ticket.assignee is not None
        assert KENJI in (seen.ticket.assignee.email, seen.ticket.assignee.known_as)


def test_a_ticket_that_the_fallback_has_is_not_written_again(rig: Rig, tmp_path: Path) -> None:
    with a_gateway(rig, tmp_path, RULES, people=people(fallback_assignee=KENJI)) as over:
        key = a_new_ticket(over)
        before = len(rig.effects())
        rig.people("set", key, priority="high")
        over.round()
        over.round()
        rows = over.actions(key)
        assert {row.state for row in rows} == {State.DONE}
        assert (len(rows) > 1, len(rig.effects()), assigned(rig, key)) == (True, before, KENJI)


def test_without_a_fallback_it_is_refused_with_the_name_looked_for(rig: Rig, tmp_path: Path) -> None:
    with a_gateway(rig, tmp_path, RULES, people=people()) as over:
        key = a_new_ticket(over)
        (row,) = over.actions(key)
        assert (row.state, assigned(rig, key)) == (State.FAILED, None)
        assert "gone@example.com" in str(row.reason)
        assert "fallback_assignee:" in str(row.reason)


def test_the_table_says_who_somebody_is_there(rig: Rig, tmp_path: Path) -> None:
    with a_gateway(rig, tmp_path, RULES, people=people(people={"Gone@example.com": "Max Berger"}, fallback_assignee=KENJI)) as over:
        key = a_new_ticket(over)
        (row,) = over.actions(key)
        assert (row.state, assigned(rig, key)) == (State.DONE, "max@example.com")
        assert row.receipt is not None
        assert row.receipt.notes == ()


def test_a_lost_answer_to_what_the_fallback_got_is_settled_by_looking(rig: Rig, tmp_path: Path) -> None:
    with a_gateway(rig, tmp_path, RULES, people=people(fallback_assignee=KENJI)) as over:
        over.round()
        key = _made(rig)
        assert rig.served is not None
        rig.served.faults.append(Fault(kind="apply_then_drop", method="PUT|PATCH"))
        over.round()
        over.round()
        row = over.actions(key)[0]
        assert (row.state, row.attempts, len(rig.effects()), assigned(rig, key)) == (State.DONE, 1, 1, KENJI)
        assert row.receipt is not None
        assert row.receipt.echo == {"assignee": KENJI}


SYNC = """version: 1
rules:
  - id: in-step
    when: created
    if: { connection: desk }
    then:
      - sync:
          with: jira-core
          if_missing: create
          create: { project: CORE, issue_type: Bug }
          fields: { assignee: { owner: desk } }
"""

# --- as an administrator sees it -------------------------------------------------------------------------------------

WITH = {
    "zendesk-eu": "system: zendesk\n    fallback_assignee: ",
    "jira-core": "system: jira\n    fallback_assignee: ",
}


def test_check_says_who_gets_the_tickets_and_refuses_a_fallback_who_is_not_there(program: Program, four: Desk) -> None:
    four.write("rules/35-a.yaml", RULES.replace("when: [created, updated]", "when: created\n    if: { connection: zendesk-eu }"))
    four.swap("ticketgate.yaml", "system: zendesk", WITH["zendesk-eu"] + KENJI)
    done = program("-C", four, "check", "--online", "--select", "TG411")
    assert done.code == 0
    assert f"there is no active user 'gone@example.com' in zendesk-eu; there {KENJI} has the ticket (fallback_assignee)" in done.out
    four.swap("ticketgate.yaml", KENJI, "nobody@example.com")
    done = program("-C", four, "check", "--online", "--select", "TG411")
    assert done.code == 1
    assert "there is no active user 'nobody@example.com' in zendesk-eu (fallback_assignee)" in done.out
    doctor = program("-C", four, "doctor", "--connection", "zendesk-eu")
    assert (doctor.code, "fallback_assignee: there is no active user 'nobody@example.com'" in doctor.out) == (1, True)


def test_the_assignee_of_a_partner_who_is_nobody_there_goes_to_its_fallback(
    program: Program, four: Desk, hosted: dict[str, Served]
) -> None:
    for rules in ("20-protect", "30-routing", "40-escalation", "50-replies", "60-sync", "70-problems", "90-tidy"):
        (four.folder / f"rules/{rules}.yaml").unlink()
    shutil.rmtree(four.folder / "tests")
    four.write("rules/60-sync.yaml", SYNC)
    four.swap("ticketgate.yaml", "system: jira", WITH["jira-core"] + KENJI)
    four.swap("ticketgate.yaml", "connections:\n", f"connections:\n  desk: {{ system: memory, url: 'memory://{four.folder}/desk.json' }}\n")
    four.system().load([])
    program("-C", four, "run", "--once")
    jira = hosted["jira"].sandbox
    before = {*jira.keys()}
    key = four.customer_writes("Nobody knows her", assignee="nora@example.com")
    program("-C", four, "run", "--once")
    made = {*jira.keys()} - before
    assert [jira.shown(one)["assignee"] for one in made] == [KENJI]
    said = program("-C", four, "why", f"desk:{key}").out
    assert f"jira-core has no active user 'nora@example.com'; its fallback_assignee '{KENJI}' has the ticket" in said
