"""What comes between: a pass that is interrupted, a ticket that is older than what we wrote, a signal or pause in the midst of work."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import NO_TAGS, Page
from connectors.errors import InDoubt, Stale, Transient, Unauthorized
from connectors.memory import Failure, MemoryConnector
from connectors.sandbox import Deed
from gateway.store import connections, parked, passes
from rules.bundle import Rate
from rules.plan import Receipt, TagChange
from rules.ticket import TicketRef, Value, replace
from tests.gateway.memory_desk import START, Hands, Office, an_office

CHANGED = """
version: 1
rules:
  - id: tell-the-customer
    when: { changed: priority }
    then:
      - reply: { text: "We changed the priority." }
      - note: { text: "Told." }
"""

RAISES = """
version: 1
rules:
  - id: climb
    when: { waiting: { status: pending, since: status_change } }
    limits: { total: 3 per 1d }
    stages:
      - after: 2h
        then:
          - raise_priority: { by: 1, up_to: urgent }
          - note: { text: "Raised." }
"""

ONE_WAY = """
version: 1
rules:
  - id: in-step
    when: [created, updated]
    if: { connection: desk, tags: { contains: engineering } }
    then:
      - sync: { with: core, if_missing: create, status: both_ways, conflict: newest_wins }
"""

ANSWERS = (
    ONE_WAY
    + """
  - id: acknowledge
    when: created
    if: { connection: desk }
    then: [{ reply: { text: "We have it." } }]
  - id: passed-on
    when: customer_replied
    then: [{ note: { text: "They wrote again." } }]
"""
)

EITHER_WAY = (
    ONE_WAY.replace("connection: desk", "connection: [desk, core]")
    + """
  - id: woken
    when: reopened
    then: [{ notify: { to: leads, text: "It is open again." } }]
"""
)


SOLVED = """
version: 1
rules:
  - id: told-when-solved
    when: resolved
    then: [{ notify: { to: leads, text: "Solved." } }]
"""

PROMISED = """
version: 1
sla_policies:
  standard:
    applies_to: { type: incident }
    targets: { normal: { first_response: 4h } }
rules:
  - id: late
    when: { sla: first_response }
    stages: [{ at: breach, then: [{ notify: { to: leads, text: "Late." } }] }]
"""

ROUTED = """
version: 1
rules:
  - id: route
    when: created
    then: [{ assign: { group: tier-1 } }]
  - id: moved
    when: { changed: group }
    then: [{ notify: { to: leads, text: "It has another group." } }]
"""


class Died(BaseException):
    """The process ended here."""


class Points:
    """Once it is `armed`, does something when the path comes to a point for the nth time."""

    def __init__(self, name: str, what: Callable[[], None], nth: int = 1) -> None:
        self._name, self._left, self._what, self.armed = name, nth, what, False

    def __call__(self, name: str) -> None:
        if self.armed and name == self._name:
            self._left -= 1
            if self._left == 0:
                self._what()


def die() -> None:
    raise Died


def waiting_for_the_customer(office: Office) -> TicketRef:
    office.round()
    ref = office.customer_writes(priority="low")
    office.edit(ref, status="pending")
    office.round()
    return ref


def rest(office: Office) -> None:
    office.connectors["desk"].failures.append(Failure(Transient("desk", "503", retry_after=900.0), "comment"))


def written(office: Office) -> list[str]:
    return [effect.kind for effect in office.effects()]


def test_a_reply_is_not_said_again_when_the_step_after_it_has_to_wait(tmp_path: Path) -> None:
    points = Points("before-send", lambda: rest(office), nth=2)
    with an_office(tmp_path, CHANGED, points=points) as office:
        office.round()
        ref = office.customer_writes(priority="normal")
        office.round()
        office.edit(ref, priority="high")
        points.armed = True
        office.round()
        assert written(office) == ["reply"]

        office.round(1000)
        office.round()

        assert written(office) == ["reply", "note"]


def test_a_priority_is_raised_once_when_the_step_after_it_has_to_wait(tmp_path: Path) -> None:
    with an_office(tmp_path, RAISES) as office:
        ref = waiting_for_the_customer(office)
        rest(office)
        office.round(2 * 3600)
        assert (office.shown(ref)["priority"], written(office)) == ("normal", ["update"])

        office.round(1000)
        office.round()

        assert (office.shown(ref)["priority"], written(office)) == ("normal", ["update", "note"])
        assert uses(office) == 1, "one run of the rule is one use of its limit"


@pytest.mark.parametrize("point", ["after-commit", "before-saw"])
def test_a_process_that_dies_before_the_look_is_recorded_decides_nothing_anew(tmp_path: Path, point: str) -> None:
    hands, points = Hands(), Points(point, die)
    with an_office(tmp_path, RAISES, hands=hands, points=points) as office:
        ref, systems = waiting_for_the_customer(office), office.systems
        points.armed = True
        with pytest.raises(Died):
            office.round(2 * 3600)
    with an_office(tmp_path, RAISES, hands=hands, systems=systems) as office:
        office.round()
        office.round()
        assert (office.shown(ref)["priority"], written(office)) == ("normal", ["update", "note"])
        assert uses(office) == 1


def test_a_change_that_was_answered_is_not_answered_again_by_the_next_process(tmp_path: Path) -> None:
    hands, points = Hands(), Points("before-saw", die)
    with an_office(tmp_path, CHANGED, hands=hands, points=points) as office:
        office.round()
        ref, systems = office.customer_writes(priority="normal"), office.systems
        office.round()
        office.edit(ref, priority="high")
        points.armed = True
        with pytest.raises(Died):
            office.round()
        office.edit(ref, group="tier-2")
    with an_office(tmp_path, CHANGED, hands=hands, systems=systems) as office:
        office.round()
        office.round()
        assert written(office) == ["reply", "note"]
        with office.gateway.store.reading() as db:
            last = passes.last(db, ref)
        assert last is not None
        assert "group" in str(last.observation.events), "what happened meanwhile is news"


def uses(office: Office) -> int:
    with office.gateway.store.reading() as db:
        return len(passes.uses(db, {"limit:climb:total": Rate(1)}, START).get("limit:climb:total", ()))


# --- tickets in hand that are older than what we wrote -------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, EITHER_WAY, ("desk", "core")) as office:
        office.round()
        yield office


def a_pair(office: Office) -> tuple[TicketRef, TicketRef]:
    ref = office.customer_writes(tags=("engineering",))
    for _ in range(2):
        office.round()
    return ref, TicketRef("core", office.systems["core"].keys()[0])


def test_a_ticket_that_was_read_before_its_partner_s_pass_wrote_to_it_is_read_again(pair: Office) -> None:
    ref, partner = a_pair(pair)
    pair.hands.move(seconds=60)
    pair.reply(ref, "Any news?")
    pair.gateway.signals.poll("desk", pair.gateway.cycle.book)  # read, and not looked at yet
    pair.edit(partner, status="resolved")
    pair.gateway.signals.poll("core", pair.gateway.cycle.book)
    pair.worker("core").drain()
    assert pair.shown(ref)["status"] == "resolved"

    pair.worker("desk").drain()
    pair.round()

    assert pair.shown(ref)["status"] == pair.shown(partner)["status"] == "resolved"
    assert pair.notified() == [], "nobody opened it again"


def test_a_ticket_that_was_read_before_our_own_look_wrote_to_it_is_read_again(tmp_path: Path) -> None:
    with an_office(tmp_path, ROUTED) as office:
        office.round()
        ref = office.customer_writes()
        read_before = office.connectors["desk"].fetch(ref.key)
        office.round()
        assert office.shown(ref)["group"] == "tier-1"

        office.gateway.cycle.handle(read_before)  # of a poll that began before

        assert office.notified() == [], "nobody took the group away"


class Unguarded(MemoryConnector):
    """Of a system that takes a write whatever came between."""

    abilities = replace(MemoryConnector.abilities, guards=False)

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        return super().update(key, fields, version=self.fetch(key).version, tags=tags)


@pytest.mark.parametrize("stored", ["before the write", "after it"])
def test_an_edit_that_came_between_our_look_and_our_write_does_not_make_our_write_news(tmp_path: Path, stored: str) -> None:
    """Without the one mechanism that works by when a page was asked for, the group would seem to be somebody's."""

    def somebody_edits() -> None:
        office.hands.move(seconds=1)
        office.edit(ref, subject="Printer still on fire")
        office.hands.move(seconds=1)
        if stored == "before the write":
            poll()
        else:
            read.append(next(office.connectors["desk"].changed(office.hands.now - timedelta(minutes=5))))

    def poll() -> None:
        office.gateway.signals.poll("desk", office.gateway.cycle.book)

    read: list[Page] = []
    points = Points("before-send", somebody_edits)
    with an_office(tmp_path, ROUTED, points=points, connector=Unguarded) as office:
        office.round()
        ref = office.customer_writes()
        poll()
        points.armed = True
        office.worker().drain()
        assert office.shown(ref)["group"] == "tier-1"
        if read:
            office.connectors["desk"].changed = lambda since: iter(read)  # type: ignore[method-assign]
            poll()
            del office.connectors["desk"].changed
        office.worker().drain()
        office.round()
        assert office.notified() == []


# --- signals ---------------------------------------------------------------------------------------------------------


def test_a_partner_that_moves_on_elsewhere_is_still_brought_into_step(tmp_path: Path) -> None:
    with an_office(tmp_path, ONE_WAY, ("desk", "core")) as office:
        office.round()
        ref, partner = a_pair(office)
        office.connectors["core"].failures += [Failure(Stale("core", "409"), "update")] * 2
        office.edit(ref, status="pending")
        for _ in range(4):
            office.round()
        assert office.shown(partner)["status"] == "pending"


def test_an_alarm_of_a_ticket_with_an_undeclared_status_does_not_ring_for_ever(tmp_path: Path) -> None:
    with an_office(tmp_path, RAISES) as office:
        ref = waiting_for_the_customer(office)
        office.systems["desk"].spoil(ref.key, status="-100")
        office.round()
        office.hands.move(hours=3)
        office.gateway.signals.ring()
        office.worker().drain()

        assert office.gateway.signals.ring() == 0
        office.systems["desk"].people(Deed(kind="set", key=ref.key, by="agent", fields={"status": "pending"}))
        office.round()
        assert written(office) == ["update", "note"], "with a word that means something its ladder goes on"


def test_a_poll_that_began_before_a_pause_does_not_end_it(tmp_path: Path) -> None:
    def asks_for_a_rest() -> None:
        office.worker().rest(Transient("desk", "429", retry_after=900.0))

    points = Points("after-poll", asks_for_a_rest)
    with an_office(tmp_path, RAISES, points=points) as office:
        office.round()
        points.armed = True
        office.gateway.signals.poll("desk", office.gateway.cycle.book)
        with office.gateway.store.reading() as db:
            assert connections.standing(db, "desk").rests(office.hands.now)


def test_nothing_is_asked_of_a_partner_whose_system_wants_a_rest(tmp_path: Path) -> None:
    with an_office(tmp_path, ONE_WAY, ("desk", "core")) as office:
        office.round()
        ref, partner = a_pair(office)
        office.worker("core").rest(Transient("core", "429", retry_after=900.0))
        office.edit(ref, status="pending")
        office.connectors["core"].failures += [Failure(AssertionError("it was asked"))]
        office.round()
        assert office.connectors["core"].failures.pop()
        office.round(1000)
        assert office.shown(partner)["status"] == "pending"


def test_a_ticket_that_cannot_be_judged_does_not_hold_up_a_batch_at_the_brake(tmp_path: Path) -> None:
    with an_office(tmp_path, brake=2) as office:
        office.round()
        for n in range(3):
            office.customer_writes(f"Ticket {n}")
        office.connectors["desk"].failures += [Failure(ValueError("broken"), "comments")]
        office.round()
        with office.gateway.store.reading() as db:
            assert [item.kind for item in parked.all_of(db)] == ["batch"], "held for a person, not stuck without a word"


def test_comments_from_before_rules_asked_for_them_are_known_once_they_do(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, SOLVED, hands=hands) as office:  # the history is asked for, the comments are not
        office.round()
        ref, systems = office.customer_writes(type="incident", priority="normal"), office.systems
        office.round()
        office.reply(ref, "We are on it.", by="agent")
        office.round(3600)
        office.edit(ref, group="tier-1")
        office.round()
    with an_office(tmp_path, PROMISED, hands=hands, systems=systems) as office:
        office.round(3600)
        office.edit(ref, group="tier-2")
        office.round(8 * 3600)
        assert office.notified() == [], "it was answered in time"


def test_a_connection_that_does_not_answer_at_the_brake_is_given_a_rest(tmp_path: Path) -> None:
    with an_office(tmp_path, brake=2) as office:
        office.round()
        for n in range(3):
            office.customer_writes(f"Ticket {n}")
        office.connectors["desk"].failures += [Failure(Transient("desk", "503", retry_after=900.0), "comments")]
        office.gateway.signals.poll("desk", office.gateway.cycle.book)
        office.worker().drain()
        with office.gateway.store.reading() as db:
            assert connections.standing(db, "desk").state == "paused"


def test_having_waited_for_a_system_that_was_down_is_no_failed_try(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        office.round()
        office.customer_writes()
        for _ in range(3):
            rest(office)
            office.round(1000)
        office.connectors["desk"].failures.append(Failure(InDoubt("desk", "the answer was lost"), "comment"))
        office.round(1000)
        assert written(office) == ["update", "reply"]


# --- partners' systems ---------------------------------------------------------------------------------------------------


def test_a_customer_is_answered_though_the_partner_s_system_is_down(tmp_path: Path) -> None:
    with an_office(tmp_path, ANSWERS, ("desk", "core")) as office:
        office.round()
        office.connectors["core"].failures.append(Failure(Transient("core", "503", retry_after=900.0), "create"))
        office.customer_writes(tags=("engineering",))
        office.round()
        assert (written(office), office.effects("core")) == (["reply"], [])
        office.round(1000)
        office.round()
        assert (written(office), [e.kind for e in office.effects("core")]) == (["reply"], ["create"])


def test_a_ticket_goes_on_while_its_partner_s_system_waits_for_a_person(tmp_path: Path) -> None:
    with an_office(tmp_path, ANSWERS, ("desk", "core")) as office:
        office.round()
        ref, partner = a_pair(office)
        office.connectors["core"].failures.append(Failure(Unauthorized("core", "401"), "update"))
        office.edit(ref, status="pending")
        office.round()
        office.reply(ref, "Hello?")
        office.round(60)
        office.round(60)
        assert written(office) == ["reply", "note"]

        with office.gateway.store.writing() as db:
            connections.started(db, "core")  # a person had it mended: a new start
        office.round()
        assert office.shown(partner)["status"] == "pending", "what was decided then is done now"
        assert written(office) == ["reply", "note"]
