"""The action rows: every error of a connector leads to the state that the house promises, and nothing is done twice."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import InDoubt, NotFound, Rejected, Stale, Transient, Unauthorized, Unreadable, Unsupported
from connectors.memory import Failure
from gateway.store import actions, connections, inbox, parked
from gateway.store.actions import State
from tests.gateway.memory_desk import Office, an_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path) as office:
        office.round()
        yield office


def states(office: Office) -> list[tuple[str, str]]:
    with office.gateway.store.reading() as db:
        rows = [row for ref in sorted({r.ref for r in _all(db)}) for row in actions.of_ticket(db, ref)]
    return [(actions.KINDS[type(row.action)], row.state) for row in rows]


def _all(db: Any) -> list[actions.Row]:
    return actions._rows(db)


def fails(office: Office, method: str, error: Exception, *, after: bool = False, times: int = 1) -> None:
    office.connectors["desk"].failures += [Failure(error, method, after)] * times


def replies(office: Office) -> int:
    return len(office.effects(kind="reply"))


def test_a_lost_answer_is_asked_after_and_not_repeated(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", InDoubt("desk", "the answer was lost"), after=True)

    office.round()

    assert replies(office) == 1
    assert states(office) == [("update", "done"), ("comment", "done")]


def test_a_request_that_never_arrived_is_sent_again(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", InDoubt("desk", "the answer was lost"))

    office.round()

    assert replies(office) == 1
    assert states(office)[1] == ("comment", "done")


def test_an_update_in_doubt_is_settled_by_looking(office: Office) -> None:
    ref = office.customer_writes()
    fails(office, "update", InDoubt("desk", "the answer was lost"), after=True)

    office.round()

    assert office.shown(ref)["group"] == "tier-1"
    assert len(office.effects(kind="update")) == 1
    assert states(office)[0] == ("update", "done")


def test_a_doubt_that_nobody_can_answer_is_left_to_a_person(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", InDoubt("desk", "the answer was lost"), after=True)
    fails(office, "applied_comment", Unsupported("desk", "applied_comment"))

    office.round()
    office.round()

    assert replies(office) == 1, "it is never repeated blindly"
    assert states(office)[1] == ("comment", "in_doubt")
    with office.gateway.store.reading() as db:
        assert [row.state for row in actions.for_person(db)] == [State.IN_DOUBT]


def test_a_doubt_while_the_system_is_down_is_asked_again_later(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", InDoubt("desk", "the answer was lost"), after=True)
    fails(office, "applied_comment", Transient("desk", "503"), times=5)

    office.hands.move(seconds=30)
    office.daemon().once()
    assert states(office)[1] == ("comment", "sending")

    office.round(60)
    office.round(60)
    assert states(office)[1] == ("comment", "done")
    assert replies(office) == 1


def test_a_defect_in_the_middle_of_a_call_is_a_doubt(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", ValueError("out of the ordinary"), after=True)

    office.round()

    assert replies(office) == 1
    assert states(office)[1] == ("comment", "done")


def test_an_answer_that_makes_no_sense_is_a_doubt(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", Unreadable("desk", "half a body"), after=True)

    office.round()

    assert (replies(office), states(office)[1]) == (1, ("comment", "done"))


def test_what_did_not_happen_is_waited_for_and_tried_again(office: Office) -> None:
    office.customer_writes()
    fails(office, "comment", Transient("desk", "429", retry_after=3.0), times=2)

    office.round()

    assert replies(office) == 1
    assert sum(1 for slept in office.hands.slept if 3.0 <= slept <= 3.3) == 2, "as long as the system asked for"


def test_a_wait_beyond_patience_pauses_the_connection_and_keeps_the_order(office: Office) -> None:
    ref = office.customer_writes()
    fails(office, "update", Transient("desk", "429", retry_after=900.0))

    office.hands.move(seconds=30)
    office.daemon().once()

    with office.gateway.store.reading() as db:
        standing = connections.standing(db, "desk")
    assert standing.state == "paused"
    assert standing.paused_until is not None
    assert standing.paused_until - office.hands.now >= timedelta(seconds=880)
    assert replies(office) == 0, "what was decided later does not go first"

    office.round(30)
    assert replies(office) == 0, "nothing is asked of a paused connection"
    office.round(1000)
    assert (replies(office), office.shown(ref)["group"]) == (1, "tier-1")


@pytest.mark.parametrize(
    "error", [Rejected("desk", "422"), NotFound("desk", "404"), Unsupported("desk", "update")], ids=lambda e: type(e).__name__
)
def test_a_refusal_is_remembered_and_not_repeated(office: Office, error: Exception) -> None:
    office.customer_writes()
    fails(office, "update", error)

    office.round()
    office.round()

    assert states(office) == [("update", "failed"), ("comment", "done")], "the rest of the ticket goes on"
    assert office.effects(kind="update") == []


def test_refused_credentials_stop_the_connection_and_keep_what_was_decided(office: Office) -> None:
    office.customer_writes()
    fails(office, "update", Unauthorized("desk", "401"))

    office.round()

    with office.gateway.store.reading() as db:
        assert connections.standing(db, "desk").state == "stopped"
        assert inbox.depth(db) == {"desk": 1}
    assert states(office) == [("update", "planned"), ("comment", "planned")]


def test_a_stale_ticket_is_looked_at_afresh_and_nothing_of_the_old_plan_is_sent(office: Office) -> None:
    ref = office.customer_writes()
    fails(office, "update", Stale("desk", "409"))

    office.hands.move(seconds=30)
    office.daemon().once()
    assert states(office) == [], "withdrawn, key and all"
    assert office.effects() == []

    office.edit(ref, group="second-line")
    office.round()
    assert office.shown(ref)["group"] == "second-line", "nobody's edit is overwritten"
    assert replies(office) == 1


def test_a_notification_in_doubt_is_reported_and_not_repeated(office: Office, tmp_path: Path) -> None:
    ref = office.customer_writes()
    office.round()
    office.reply(ref, "This is urgent")
    (tmp_path / "notified.jsonl").mkdir()  # whatever goes wrong in there, nobody knows how far it got

    office.round()

    with office.gateway.store.reading() as db:
        assert [row.state for row in actions.for_person(db)] == [State.IN_DOUBT]
        assert parked.all_of(db) == []


def test_a_second_process_does_not_send_what_the_first_is_sending(office: Office) -> None:
    office.customer_writes()
    office.round()
    with office.gateway.store.writing() as db:
        row = _all(db)[0]
        assert not actions.sending(db, row.key, office.hands.now), "only a planned row may be sent"
