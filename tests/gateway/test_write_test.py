"""`doctor --write-test`: that writing works is proved on a ticket of our own, which no customer and no rule has to do with."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.errors import InDoubt, Rejected, Transient
from connectors.memory import Failure, MemoryConnector
from gateway.cli.ending import Code
from gateway.sandbox.faults import Fault
from gateway.sandbox.host import Served
from gateway.store import actions
from gateway.store.schema import action
from gateway.write_test import CHANGED, Step, WriteTest
from rules.ticket import Comment, TicketRef, replace
from tests.gateway.four import SAMPLE_DESK
from tests.gateway.memory_desk import Office, an_office
from tests.gateway.program import Desk, Program


def test_a_write_test_writes_to_a_ticket_of_its_own_reads_it_back_and_settles_it(program: Program, desk: Desk) -> None:
    done = program("-C", desk, "doctor", "--write-test", "--yes", "--connection", "desk")

    assert done.code == 0, done.all
    for step in ("made desk:M-1", "wrote an internal note", "changed the subject", "read both back", "settled desk:M-1"):
        assert f"write test: {step}" in done.out
    assert [e.kind for e in desk.effects()] == ["create", "note", "update", "update"]
    ticket = desk.system().shown("M-1")
    assert (ticket["subject"], ticket["status"]) == (CHANGED, "resolved")
    assert desk.effects("other") == [], "only the connection that was named"


def test_all_four_systems_take_a_write_test_without_a_reply(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    done = program("-C", four, "--format", "json", "doctor", "--write-test", "--yes")

    said = [one for one in done.lines if one["said"].startswith("write test: ")]
    assert done.code == 0, done.all
    assert {(one["what"], one["ok"]) for one in said} == {(name, True) for name, _ in SAMPLE_DESK.values()}
    assert len(said) == 4 * 5
    for served in hosted.values():
        kinds = [effect.kind for effect in served.sandbox.effects]
        assert kinds[:2] == ["create", "note"], kinds
        assert "reply" not in kinds


def test_a_dry_run_passes_over_the_ticket_of_a_write_test(program: Program, desk: Desk) -> None:
    program("-C", desk, "doctor", "--write-test", "--yes", "--connection", "desk")
    desk.customer_writes("One of a customer's", type="incident")

    planned = program("-C", desk, "--format", "json", "plan", "--connection", "desk")

    assert planned.lines[-1]["skipped"] == {"made by a write test": 1}
    assert [one["ref"] for one in planned.lines if one["type"] == "plan"] == ["desk:M-2"]


def test_nothing_is_written_where_nobody_agrees(program: Program, desk: Desk) -> None:
    done = program("-C", desk, "--no-input", "doctor", "--write-test")
    assert done.code == Code.UNSAFE
    assert "Make a test ticket in desk, other?" in done.err
    assert program("-C", desk, "doctor", "--write-test", "--offline", "--yes").code == Code.USAGE
    assert program("-C", desk, "doctor").code == 0
    assert desk.effects() == []


def test_nothing_is_written_where_a_person_has_stopped_writing(program: Program, desk: Desk) -> None:
    program("-C", desk, "run", "--once")
    assert program("-C", desk, "pause", "desk", "--reason", "an audit").code == 0

    done = program("-C", desk, "doctor", "--write-test", "--yes")
    program("-C", desk, "resume", "desk")
    program("-C", desk, "run", "--once")

    assert done.code == Code.FINDINGS
    assert "an audit" in done.out
    assert desk.effects() == [], "nor is it done later"
    assert len(desk.effects("other")) == 4


def test_a_system_that_refuses_a_step_is_told_with_a_remedy_and_its_ticket_is_settled(
    program: Program, four: Desk, hosted: dict[str, Served]
) -> None:
    hosted["zendesk"].faults.append(Fault(kind="status", method="PUT", path="/tickets/", status=403, times=1))

    done = program("-C", four, "doctor", "--write-test", "--yes", "--connection", "zendesk-eu")

    assert done.code == Code.FINDINGS
    failed = [text for text in done.out.splitlines() if text.startswith("✗")]
    assert failed
    assert "not done: wrote an internal note" in failed[0], done.out
    assert "sign_in" in done.out or "Give the user" in done.out
    assert "settled zendesk-eu:" in done.out


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path) as office:
        office.round()
        yield office


def steps(office: Office) -> list[Step]:
    return list(WriteTest(office.gateway.house, "desk", "memory", "hash", "me", "0a1b").steps())


def test_no_rule_acts_on_the_ticket_of_a_write_test_whatever_becomes_of_it(office: Office) -> None:
    assert all(step.ok for step in steps(office))
    office.round()
    office.reply(TicketRef("desk", "M-1"), "This is urgent!")
    office.customer_writes()
    office.round()

    assert {e.key for e in office.effects()[4:]} == {"M-2"}, "the rules act on the customer's ticket alone"


def test_a_lost_answer_is_asked_after_and_no_second_ticket_is_made(office: Office) -> None:
    office.connectors["desk"].failures.append(Failure(InDoubt("desk", "lost"), "create", after=True))

    assert all(step.ok for step in steps(office))
    assert len(office.effects(kind="create")) == 1
    office.round()
    assert len(office.effects()) == 4


def test_what_could_not_be_sent_is_not_sent_later(office: Office) -> None:
    office.connectors["desk"].failures += [Failure(Transient("desk", "503", retry_after=600.0), "create")]

    done = steps(office)
    office.round(1000)

    assert [step.ok for step in done] == [False]
    assert office.effects() == []


def test_every_write_is_an_intent_in_the_ledger_and_what_was_refused_is_nobodys_task(office: Office) -> None:
    office.connectors["desk"].failures.append(Failure(Rejected("desk", "notes are closed"), "comment"))

    done = steps(office)

    assert [step.ok for step in done] == [True, False, True, False, True]
    assert "the note is not among its comments" in done[3].said
    with office.gateway.store.reading() as db:
        rows = db.execute(sa.select(action.c.kind, action.c.state, action.c.run).order_by(action.c.planned_at, action.c.kind))
        found = sorted(tuple(row) for row in rows)
        assert actions.for_person(db) == []
    run = actions.WRITE_TEST
    assert found == [("comment", "failed", run), ("create", "done", run), ("update", "done", run), ("update", "done", run)]


def test_a_note_that_customers_can_see_is_found(office: Office) -> None:
    system, shown = office.connectors["desk"], MemoryConnector.comments

    class Open(MemoryConnector):
        def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
            return tuple(replace(one, public=True) for one in shown(self, key, since))

    system.__class__ = Open
    assert "customers can see the note" in steps(office)[3].said
