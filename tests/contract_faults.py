"""What a connector makes of a wire that breaks and of a vendor that refuses: each failure becomes the error that says what to do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.base import Connector
from connectors.errors import ConnectorError, InDoubt, Rejected, Transient, Unauthorized, Unreadable
from connectors.memory import Failure, MemoryConnector
from rules.plan import Draft, Receipt
from rules.ticket import Level, Status
from tests.contract import LONG_AGO, MARK, one
from tests.rigs import LONG_ENOUGH, OWN, Rig, a_sample, keys_of, read, revealed

WRITES = "POST|PUT|PATCH|DELETE"
PATIENT_FOR = 0.4  # seconds that a connector of these tests waits for an answer


@pytest.fixture
def wired(rig: Rig) -> Rig:
    """A system with a wire that can break."""
    if rig.served is None:
        pytest.skip("memory has no wire that could break")
    return rig


class Broken:
    """A connector that is signed in and knows its ticket, before anything breaks."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.it: Connector = rig.connector(read_timeout=PATIENT_FOR, connect_timeout=PATIENT_FOR)
        self.ticket = one(rig, self.it)
        self.it.comments(self.ticket.ref.key)

    def reads(self) -> Iterator[Callable[[], Any]]:
        key = self.ticket.ref.key
        yield lambda: self.it.fetch(key)
        yield lambda: read(self.it, LONG_AGO)
        yield lambda: self.it.comments(key)

    def writes(self) -> Iterator[Callable[[], Any]]:
        key, version = self.ticket.ref.key, self.ticket.version
        yield lambda: self.it.update(key, {"priority": Level.HIGH}, version=version)
        yield lambda: self.it.comment(key, "Hello", public=True, mark=MARK)
        yield lambda: self.it.create(Draft(fields={"subject": "New"}, own=OWN.get(self.rig.system, {})), mark=MARK)

    def raises(self, error: type[ConnectorError], ask: Callable[[], Any], kind: str, **fault: Any) -> ConnectorError:
        """It fails so, and whoever renews no token has asked once: waiting and asking again is the gateway's."""
        self.rig.served.faults.clear()  # type: ignore[union-attr]
        self.rig.fault(kind, times=99, **fault)
        with pytest.raises(ConnectorError) as raised:
            ask()
        asked = 99 - self.rig.served.faults.pop().times  # type: ignore[union-attr]
        assert asked == 1 or error is Unauthorized, f"{asked} requests"
        assert type(raised.value) is error, f"{raised.value!r} is not {error.__name__}"
        assert not revealed(self.rig.secrets(), raised.value)
        assert raised.value.connection == "here"
        return raised.value


@pytest.fixture
def broken(wired: Rig) -> Broken:
    return Broken(wired)


def test_refused_credentials_are_unauthorized(broken: Broken) -> None:
    for ask in [*broken.reads(), *broken.writes()]:
        broken.raises(Unauthorized, ask, "status", status=401, body={"error": "no"})


def test_wrong_credentials_are_unauthorized_and_never_told(wired: Rig) -> None:
    sign_in = wired.sandbox.sign_in()
    wrong = {name: f"{value}-is-wrong" if value in wired.secrets() else value for name, value in sign_in.items()}
    stranger = wired.connector(sign_in=wrong)

    with pytest.raises(Unauthorized) as refused:
        stranger.check_sign_in()

    secrets = [wrong[name] for name in wrong if wrong[name] != sign_in[name]]
    assert secrets
    assert not revealed(secrets, refused.value, stranger)


def test_a_limit_is_transient_with_the_vendors_own_waiting_time(broken: Broken) -> None:
    for ask in [*broken.reads(), *broken.writes()]:
        error = broken.raises(Transient, ask, "status", status=429, headers={"Retry-After": "7"}, body={"error": "slow down"})
        assert isinstance(error, Transient)
        assert error.retry_after == 7.0
    assert broken.rig.effects() == []


def test_a_limit_without_a_waiting_time_is_transient_all_the_same(broken: Broken) -> None:
    broken.raises(Transient, next(broken.reads()), "status", status=429)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_servers_failure_is_transient_for_a_read_and_in_doubt_for_a_write(broken: Broken, status: int) -> None:
    for ask in broken.reads():
        broken.raises(Transient, ask, "status", status=status, body=b"<html>oops</html>", headers={"content-type": "text/html"})
    for ask in broken.writes():
        broken.raises(InDoubt, ask, "status", method=WRITES, status=status, body={"error": "oops"})


@pytest.mark.parametrize("kind", ["apply_then_drop", "apply_then_reset", "apply_then_hang", "truncate"])
def test_a_lost_answer_is_transient_for_a_read_and_in_doubt_for_a_write(broken: Broken, kind: str) -> None:
    """Fault rows F22 and F24."""
    for ask in broken.reads():
        broken.raises(Transient, ask, kind, seconds=20)
    for ask in broken.writes():
        broken.raises(InDoubt, ask, kind, method=WRITES, seconds=20)
    assert broken.it.fetch(broken.ticket.ref.key).ref == broken.ticket.ref, "over a connection of its own"


@pytest.mark.parametrize("head", [False, True], ids=["body", "head"])
def test_an_answer_that_dribbles_ends_with_the_total_deadline(wired: Rig, head: bool) -> None:
    """Fault row F25."""
    hurried = wired.connector(total_timeout=0.3, read_timeout=5)
    key = one(wired, hurried).ref.key
    wired.fault("dribble", method="GET", seconds=0.02, head=head, times=9)

    with pytest.raises(Transient):
        hurried.fetch(key)


def test_a_system_that_is_not_there_is_transient_for_a_write_too(wired: Rig) -> None:
    """Fault row F26."""
    lonely, key = wired.connector(via="http://127.0.0.1:9", connect_timeout=0.5), wired.load(a_sample())[0]

    for ask in (lambda: lonely.fetch(key), lambda: lonely.comment(key, "Hello", public=True, mark=MARK), lambda: read(lonely, LONG_AGO)):
        with pytest.raises(Transient, match="could not connect"):
            ask()


def test_a_page_for_people_is_a_lost_sign_in_and_no_empty_answer(broken: Broken) -> None:
    for ask in [*broken.reads(), *broken.writes()]:
        broken.raises(Unauthorized, ask, "html_login")


def test_what_the_vendor_refuses_is_rejected_with_its_words(broken: Broken) -> None:
    for ask in broken.writes():
        error = broken.raises(Rejected, ask, "status", method=WRITES, status=422, body={"error": "the field is frozen"})
        assert "the field is frozen" in str(error)


@pytest.mark.parametrize("body", [{}, [], {"result": None}, {"tickets": 7}, "text", None], ids=str)
def test_an_answer_of_another_shape_is_unreadable_and_moves_no_cursor(broken: Broken, body: Any) -> None:
    """Fault row F23."""
    for ask in broken.reads():
        broken.rig.served.faults.clear()  # type: ignore[union-attr]
        broken.rig.fault("status", status=200, body=body, times=99)
        with pytest.raises((Unreadable, Transient, Unauthorized)) as raised:
            ask()
        assert type(raised.value) is Unreadable or body in ("text", None), f"{raised.value!r}"


def test_a_redirect_is_not_followed(broken: Broken) -> None:
    broken.rig.fault("status", status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"}, times=9)

    with pytest.raises(ConnectorError) as raised:
        broken.it.fetch(broken.ticket.ref.key)

    assert not revealed(broken.rig.secrets(), raised.value)


# What was written although its answer was lost is found, and only that.


def lose_the_answer(rig: Rig, connector: Connector, method: str) -> None:
    if isinstance(connector, MemoryConnector):
        connector.failures.append(Failure(InDoubt("here", "the answer was lost"), method, after=True))
    else:
        rig.fault("apply_then_drop", method=WRITES)


def never_send(rig: Rig, connector: Connector, method: str) -> None:
    if isinstance(connector, MemoryConnector):
        connector.failures.append(Failure(InDoubt("here", "the answer was lost"), method))
    else:
        rig.fault("drop_before_apply", method=WRITES)


@pytest.mark.parametrize("public", [True, False], ids=["reply", "note"])
def test_a_comment_whose_answer_was_lost_is_found(rig: Rig, connector: Connector, public: bool) -> None:
    key = one(rig, connector).ref.key
    connector.comments(key)
    lose_the_answer(rig, connector, "comment")

    with pytest.raises(InDoubt):
        connector.comment(key, "We are on it.", public=public, mark=MARK)

    found = connector.applied_comment(key, "We are on it.", public=public, mark=MARK)
    assert found is not None
    assert found.id in [c.id for c in connector.comments(key) if c.ours]
    assert len(rig.effects()) == 1


def test_a_comment_that_never_arrived_is_not_found(rig: Rig, connector: Connector) -> None:
    key = one(rig, connector).ref.key
    connector.comments(key)
    never_send(rig, connector, "comment")

    with pytest.raises(InDoubt):
        connector.comment(key, "We are on it.", public=True, mark=MARK)

    assert connector.applied_comment(key, "We are on it.", public=True, mark=MARK) is None


def test_a_ticket_whose_answer_was_lost_is_found(rig: Rig, connector: Connector) -> None:
    one(rig, connector)
    draft = Draft(fields={"subject": "Made once", "body": "Here."}, own=OWN.get(rig.system, {}))
    lose_the_answer(rig, connector, "create")
    with pytest.raises(InDoubt):
        connector.create(draft, mark=MARK)

    found = _asked_at_once(connector)
    if found is None:  # not yet sure is an answer, `surely not there` would be a lie
        rig.later(LONG_ENOUGH)
        found = connector.applied_create(MARK)

    assert found is not None
    assert [found.key] == [e.key for e in rig.effects()]


def _asked_at_once(connector: Connector) -> Receipt | None:
    try:
        found = connector.applied_create(MARK)
    except (Transient, InDoubt):
        return None
    assert found is not None, "it was made, and a None allows a second one"
    return found


def test_a_ticket_that_was_never_made_is_not_found(rig: Rig, connector: Connector) -> None:
    one(rig, connector)
    never_send(rig, connector, "create")
    with pytest.raises(InDoubt):
        connector.create(Draft(fields={"subject": "Never"}, own=OWN.get(rig.system, {})), mark=MARK)
    rig.later(LONG_ENOUGH)

    assert connector.applied_create(MARK) is None


def test_an_update_whose_answer_was_lost_shows_in_the_ticket(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="new")
    lose_the_answer(rig, connector, "update")

    with pytest.raises(InDoubt):
        connector.update(ticket.ref.key, {"status": Status.OPEN}, version=ticket.version)

    now = connector.fetch(ticket.ref.key)
    assert now.status == Status.OPEN
    assert now.version != ticket.version


def test_a_connection_that_failed_works_again_afterwards(rig: Rig, connector: Connector) -> None:
    key = rig.load(a_sample())[0]
    if isinstance(connector, MemoryConnector):
        connector.failures.append(Failure(Transient("here", "down"), "fetch"))
    else:
        connector.check_sign_in()
        rig.fault("apply_then_drop")
    with pytest.raises(Transient):
        connector.fetch(key)

    assert connector.fetch(key).ref.key == key
    assert key in keys_of(read(connector, LONG_AGO))
