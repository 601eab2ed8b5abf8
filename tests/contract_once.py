"""Every action takes effect once, whatever becomes of its answer: sent as the gateway sends it, asked after before it is repeated."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import pytest

from connectors.base import Connector
from connectors.errors import InDoubt, Stale, Transient
from gateway.sending import Sender
from rules.plan import Action, AddComment, CreateTicket, Draft, FieldChange, Receipt, Update, key_of
from rules.ticket import Level, Status, Ticket, replace
from tests.contract import one
from tests.contract_faults import lose_the_answer, never_send
from tests.rigs import LONG_ENOUGH, OWN, Rig

AT = {"rule": "a", "place": "rules/a.yaml:1"}
Asked: TypeAlias = Callable[[Rig, Ticket], Action]


def an_update(rig: Rig, ticket: Ticket) -> Action:
    wanted = {"priority": Level.URGENT, "status": Status.OPEN, "tags": ticket.tags | {"x"}}
    changes = tuple(FieldChange(field=name, before=getattr(ticket, name), after=after, **AT) for name, after in wanted.items())
    return Update(key=key_of("update"), target=ticket.ref, version=ticket.version, changes=changes)


def decided_anew(what: Action, now: Ticket) -> Update:
    """As the rules do when the ticket has moved on: what it has already is not asked for again."""
    assert isinstance(what, Update), "only an update is held to a version"
    return replace(what, version=now.version, changes=tuple(c for c in what.changes if getattr(now, c.field) != c.after))


def a_comment(rig: Rig, ticket: Ticket, *, public: bool) -> Action:
    return AddComment(key=key_of("said"), target=ticket.ref, version=ticket.version, body="We are on it.", public=public, **AT)


def a_creation(rig: Rig, ticket: Ticket) -> Action:
    draft = Draft(fields={"subject": "Made once", "body": "Here."}, own=OWN.get(rig.system, {}))
    return CreateTicket(key=key_of("made"), connection="here", draft=draft, partner_of=ticket.ref, version=ticket.version, **AT)


ACTIONS: Mapping[str, tuple[str, Asked, tuple[str, ...]]] = {
    "update": ("update", an_update, ("update",)),
    "reply": ("comment", lambda rig, ticket: a_comment(rig, ticket, public=True), ("reply",)),
    "note": ("comment", lambda rig, ticket: a_comment(rig, ticket, public=False), ("note",)),
    "create": ("create", a_creation, ("create",)),
}
"""Each with the connector's method, how it is asked for, and the effects that it should have."""


class Gate:
    """The gateway as far as one action needs it."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.connector = rig, rig.connector()
        self.ticket = one(rig, self.connector, status="new", tags=("mine",))
        self.connector.comments(self.ticket.ref.key)
        self._sender = Sender({"here": self.connector}, cast("Any", None), cast("Any", None))

    def done(self, what: Action) -> Receipt:
        """Sends it; where the answer is lost, asks until that is known before it sends again. A stale update is decided anew."""
        for _ in range(4):
            try:
                return self._sender.send(what)
            except InDoubt:
                found = self.found(what)
            except Stale:
                what, found = decided_anew(what, self.connector.fetch(self.ticket.ref.key)), None
            if found is not None:
                return found
        raise AssertionError("it is never done")

    def found(self, what: Action) -> Receipt | None:
        for _ in range(3):
            try:
                return self._sender.found(what)
            except (InDoubt, Transient):
                self.rig.later(LONG_ENOUGH)
        raise AssertionError("it is never known")

    def took_effect(self, kinds: tuple[str, ...]) -> None:
        effects = [effect.kind for effect in self.rig.effects()]
        several = self.rig.system == "jira" and kinds == ("update",)  # fields by an edit, a status by a transition
        assert effects == (["update", "update"] if several else [*kinds])
        if kinds == ("update",):
            now = self.connector.fetch(self.ticket.ref.key)
            assert (now.priority, now.status, now.tags) == (Level.URGENT, Status.OPEN, {"mine", "x"})


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_whose_answer_was_lost_is_not_done_again(rig: Rig, name: str) -> None:
    method, ask, kinds = ACTIONS[name]
    gate = Gate(rig)
    lose_the_answer(rig, gate.connector, method)

    gate.done(ask(rig, gate.ticket))

    gate.took_effect(kinds)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_that_never_arrived_is_done(rig: Rig, name: str) -> None:
    method, ask, kinds = ACTIONS[name]
    gate = Gate(rig)
    never_send(rig, gate.connector, method)

    gate.done(ask(rig, gate.ticket))

    gate.took_effect(kinds)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_that_was_done_by_another_process_is_found_and_not_repeated(rig: Rig, name: str) -> None:
    _, ask, kinds = ACTIONS[name]
    gate = Gate(rig)
    what = ask(rig, gate.ticket)
    gate.done(what)
    rig.later(LONG_ENOUGH)

    assert Gate.found(_as_another(gate), what) is not None
    gate.took_effect(kinds)


def _as_another(gate: Gate) -> Gate:
    """The same connection in a process that remembers nothing."""
    other = object.__new__(Gate)
    other.rig, other.connector, other.ticket = gate.rig, gate.rig.connector(), gate.ticket
    other._sender = Sender({"here": other.connector}, cast("Any", None), cast("Any", None))
    return other


def test_the_same_update_sent_twice_is_refused_the_second_time(rig: Rig, connector: Connector) -> None:
    ticket = one(rig, connector, status="new")
    rig.later()
    connector.update(ticket.ref.key, {"priority": Level.URGENT}, version=ticket.version)
    rig.later()

    with pytest.raises(Stale):
        connector.update(ticket.ref.key, {"priority": Level.URGENT}, version=ticket.version)
    assert len(rig.effects()) == 1


@pytest.mark.parametrize("system", ["zendesk", "salesforce"], indirect=True)
def test_the_same_creation_sent_twice_makes_one_ticket_where_the_system_can_tell(rig: Rig, connector: Connector) -> None:
    one(rig, connector)
    draft = Draft(fields={"subject": "Made once", "body": "Here."}, own=OWN.get(rig.system, {}))

    first, second = (connector.create(draft, mark=key_of("made")[:32]) for _ in range(2))

    assert first.key == second.key
    assert len(rig.sandbox.keys()) == 2
