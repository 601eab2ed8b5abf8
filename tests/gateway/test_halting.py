"""Writing that a person stopped: nothing leaves, nothing is lost, and what is wanted afterwards is decided afresh."""

from pathlib import Path

import pytest

from gateway.store import connections, halts, pages
from tests.gateway.memory_desk import Office, an_office
from tests.gateway.program import Desk, Program


def stop(office: Office, connection: str = "") -> None:
    with office.gateway.store.writing() as db:
        halts.stop(db, connection, "a test", "ana", office.hands.now)


def go_on(office: Office, connection: str = "") -> None:
    with office.gateway.store.writing() as db:
        assert halts.go_on(db, connection)


@pytest.mark.parametrize("where", ["", "desk"])
def test_nothing_is_written_until_it_goes_on_and_nothing_is_lost(tmp_path: Path, where: str) -> None:
    with an_office(tmp_path) as office:
        office.round()
        stop(office, where)
        ref = office.customer_writes()
        office.round()
        office.round()
        assert office.effects() == []
        with office.gateway.store.reading() as db:
            assert connections.standing(db, "desk").state == "ok", "reading goes on"
        go_on(office, where)
        office.round()
        assert [e.kind for e in office.effects()] == ["update", "reply"]
        assert office.shown(ref)["group"] == "tier-1"


def test_what_somebody_did_meanwhile_counts(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        office.round()
        stop(office)
        ref = office.customer_writes()
        office.round()
        office.edit(ref, group="second-line")
        go_on(office)
        office.round()
        assert office.shown(ref)["group"] == "second-line"


def test_another_connection_goes_on(tmp_path: Path) -> None:
    with an_office(tmp_path, connections=("desk", "core")) as office:
        office.round()
        stop(office, "core")
        office.customer_writes()
        office.customer_writes(connection="core")
        office.round()
        assert len(office.effects("desk")) == 2
        assert office.effects("core") == []


def test_no_turn_of_a_page_is_used_up(tmp_path: Path) -> None:
    rules = "version: 1\nrules: [{ id: a, when: created, then: [{ page: { to: duty, text: x } }] }]\n"
    with an_office(tmp_path, rules) as office:
        office.round()
        office.customer_writes()
        office.round()
        stop(office)
        office.hands.move(hours=2)
        office.gateway.pager.ring()
        with office.gateway.store.reading() as db:
            assert [one.made for one in pages.all_of(db)] == [1]


def test_the_commands_stop_it_and_let_it_go_on(program: Program, desk: Desk) -> None:
    program("-C", desk, "run", "--once")
    assert program("-C", desk, "pause").code == 2, "a reason is wanted"
    assert program("-C", desk, "pause", "nowhere", "--reason", "x").code != 0
    assert program("-C", desk, "pause", "desk", "--reason", "the vendor moves house").code == 0
    shown = program("-C", desk, "status").out
    assert "PAUSED: writing is stopped at desk" in shown
    assert "the vendor moves house" in shown
    desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    assert desk.effects() == []
    refused = program("-C", desk, "backfill", "--yes")
    assert (refused.code, "writing is stopped at desk" in refused.err) == (7, True)
    assert "Writing goes on at desk" in program("-C", desk, "resume", "desk").out
    assert "was not stopped" in program("-C", desk, "resume", "desk").out


def test_a_variable_that_sets_nothing_is_named_with_the_one_that_was_meant(
    program: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETGATE_DATABSE", "sqlite:///x.db")
    done = program("-C", desk, "plan")
    assert done.code == 3
    assert "TICKETGATE_DATABSE sets nothing; did you mean TICKETGATE_DATABASE?" in done.all
