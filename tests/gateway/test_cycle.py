"""The one path: what is news, what is not, what is remembered, and what a crash or a faster hand leaves behind."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import NotFound, Transient, Unauthorized
from connectors.memory import Failure
from connectors.sandbox import Deed, Sample
from gateway.clock import steady
from gateway.holding import Busy
from gateway.reloading import Taken
from gateway.store import actions, connections, inbox, leases, parked, passes, tickets
from rules.ticket import TicketRef
from tests.gateway.memory_desk import RULES, START, Hands, Office, a_bundle, an_office, settled

LADDER = """
version: 1
rules:
  - id: nudge
    when: { waiting: { status: pending, since: status_change } }
    stages:
      - after: 2h
        then: [{ note: { text: "Two hours." } }]
      - after: 1d
        then: [{ set: { status: resolved } }]
  - id: told-when-solved
    when: resolved
    then: [{ notify: { to: leads, text: "Solved." } }]
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path) as office:
        office.round()
        yield office


def test_after_handling_nothing_is_left_to_do(office: Office) -> None:
    office.customer_writes()
    office.round()
    settled(office)


def test_planning_changes_nothing(office: Office) -> None:
    ref = office.customer_writes()
    ticket = office.connectors["desk"].fetch(ref.key)
    with office.gateway.store.reading() as db:
        before = {t: db.exec_driver_sql(f'select count(*) from "{t}"').scalar() for t in ("ticket", "action", "inbox", "pass", "happening")}

    first, second = office.gateway.cycle.plan(ticket), office.gateway.cycle.plan(ticket)

    assert len(first.actions) == 2
    assert first == second
    with office.gateway.store.reading() as db:
        assert before == {t: db.exec_driver_sql(f'select count(*) from "{t}"').scalar() for t in before}
    assert office.effects() == []


def test_our_own_edits_and_replies_are_no_news(office: Office) -> None:
    office.customer_writes()
    for _ in range(4):
        office.round()
    assert len(office.effects()) == 2
    with office.gateway.store.reading() as db:
        last = passes.last(db, TicketRef("desk", "M-1"))
    assert last is not None
    assert [e.kind for e in last.observation.events] == ["created"], "no later pass saw anything"


def test_old_tickets_are_adopted_without_a_word(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        office.customer_writes("From before")
        office.round()
        assert office.effects() == []
        office.reply(TicketRef("desk", "M-1"), "Now it is urgent")
        office.round()
        assert [e.kind for e in office.effects()] == ["update", "note"], "what happens from now on is news"


def test_an_old_ticket_that_waits_for_long_has_its_stages_passed_over(tmp_path: Path) -> None:
    with an_office(tmp_path, LADDER) as office:
        ref = office.customer_writes(status="new")
        office.edit(ref, status="pending")
        office.hands.move(hours=5)
        office.round()
        assert office.effects() == []
        office.round(20 * 3600)
        assert [e.detail["fields"] for e in office.effects()] == [{"status": "resolved"}], "the stage that was still to come"


def test_a_ladder_wakes_up_by_itself_and_each_stage_runs_once(tmp_path: Path) -> None:
    with an_office(tmp_path, LADDER) as office:
        office.round()
        ref = office.customer_writes()
        office.edit(ref, status="pending")
        office.round()
        office.round(2 * 3600)
        office.round(60)
        assert [e.kind for e in office.effects()] == ["note"]
        office.round(24 * 3600)
        office.round(60)
        assert office.shown(ref)["status"] == "resolved"
        assert office.notified() == [], "what ticketgate itself wrote gives no event"


def test_the_history_tells_our_change_of_status_from_a_person_s(tmp_path: Path) -> None:
    with an_office(tmp_path, LADDER) as office:
        office.round()
        ref = office.customer_writes()
        office.edit(ref, status="resolved")
        office.edit(ref, status="open")
        office.round()
        assert len(office.notified()) == 1, "entered and left between two looks, and the history says so"


def test_a_status_that_nobody_declared_waits_for_its_word(office: Office) -> None:
    """Fault row F23."""
    ref = office.customer_writes()
    office.systems["desk"].spoil(ref.key, status="-100")

    office.round()
    office.round()

    assert office.effects() == []
    with office.gateway.store.reading() as db:
        (item,) = parked.all_of(db)
    assert item.kind == "word"
    assert "'-100'" in item.reason
    office.edit(ref, status="open")
    office.round()
    assert len(office.effects()) == 2, "once it is readable it is a new ticket like any other"
    with office.gateway.store.reading() as db:
        assert parked.all_of(db) == []


def test_a_poison_ticket_is_parked_and_the_others_go_on(office: Office) -> None:
    """Fault row F40."""
    bad = office.customer_writes("Poison")
    office.connectors["desk"].failures += [Failure(ValueError("broken"), "comments")] * 3
    office.round()
    for _ in range(3):
        office.hands.move(minutes=1)
        office.worker().drain()
    office.customer_writes("Fine")
    office.gateway.signals.poll("desk", office.gateway.cycle.book)
    office.worker().drain()
    with office.gateway.store.reading() as db:
        assert [(i.kind, i.key, i.reason) for i in parked.all_of(db)] == [("poison", bad.key, "ValueError")]
        assert inbox.depth(db) == {}
    assert {e.key for e in office.effects()} == {"M-2"}

    office.round()
    assert {e.key for e in office.effects()} == {"M-1", "M-2"}


def test_an_unreadable_record_is_parked_and_its_page_goes_on(office: Office) -> None:
    bad, good = office.customer_writes("Damaged"), office.customer_writes("Fine")
    office.systems["desk"].spoil(bad.key, created_at="yesterday")

    office.round()

    with office.gateway.store.reading() as db:
        assert [(i.kind, i.key) for i in parked.all_of(db)] == [("unreadable", bad.key)]
    assert {e.key for e in office.effects()} == {good.key}


def test_a_deleted_ticket_becomes_a_tombstone(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    office.systems["desk"].people(Deed(kind="delete", key=ref.key))
    office.round()
    with office.gateway.store.reading() as db:
        assert tickets.is_gone(db, ref)
        assert inbox.depth(db) == {}


def test_a_ticket_that_is_not_shown_yet_is_waited_for(office: Office) -> None:
    ref = office.customer_writes()
    with office.gateway.store.writing() as db:
        inbox.put_refs(db, [ref], office.hands.now, "look")
    office.connectors["desk"].failures.append(Failure(NotFound("desk", "404"), "fetch"))

    office.worker().drain()
    assert office.effects() == []
    office.hands.move(minutes=1)
    office.worker().drain()
    assert len(office.effects()) == 2


def test_one_connection_s_refused_credentials_are_its_own(tmp_path: Path) -> None:
    with an_office(tmp_path, connections=("desk", "other")) as office:
        office.round()
        office.customer_writes(connection="desk")
        office.customer_writes(connection="other")
        office.connectors["desk"].failures.append(Failure(Unauthorized("desk", "401"), "changed"))

        summary = office.round()

        assert list(summary.errors) == ["desk"]
        assert len(office.effects("other")) == 2
        with office.gateway.store.reading() as db:
            assert {s.connection: s.state for s in connections.all_of(db)} == {"desk": "stopped", "other": "ok"}
        with office.gateway.store.writing() as db:
            connections.started(db, "desk")  # a new start
        office.round()
        assert len(office.effects("desk")) == 2, "nothing was lost meanwhile"


def test_a_poll_that_breaks_off_keeps_its_pages_and_goes_on(tmp_path: Path) -> None:
    with an_office(tmp_path, page_size=2) as office:
        office.round()
        for n in range(5):
            office.customer_writes(f"Ticket {n}")
        office.connectors["desk"].failures += [Failure(Transient("desk", "503"), "changed")] * 5
        office.round()
        office.round(60)
        assert len(office.effects(kind="reply")) == 5


def test_a_ticket_in_other_hands_is_left_alone(office: Office) -> None:
    ref = office.customer_writes()
    other = leases.holder("another")
    with office.gateway.store.writing() as db:
        hold = leases.take(db, [ref], other, steady())
    assert hold
    with pytest.raises(Busy):
        office.gateway.cycle.look(ref)
    with office.gateway.store.writing() as db:
        leases.give_back(db, hold)
    assert office.gateway.cycle.look(ref)


def test_a_lease_of_a_dead_process_is_nobody_s(office: Office) -> None:
    ref, now = TicketRef("desk", "M-1"), steady()
    machine, _, born, worker = leases.holder("w").split("/", 3)
    dead = f"{machine}/{2**22 + 12345}/{born}/{worker}"
    with office.gateway.store.writing() as db:
        assert leases.take(db, [ref], dead, now)
        assert leases.take(db, [ref], leases.holder("w"), now)
        elsewhere = f"elsewhere+1234abcd/1/{born}/w"
        assert leases.take(db, [TicketRef("desk", "M-2")], elsewhere, now)
        assert not leases.take(db, [TicketRef("desk", "M-2")], leases.holder("w"), now)
        assert leases.take(db, [TicketRef("desk", "M-2")], leases.holder("w"), now + leases.LASTS + 1)


def test_a_lease_from_before_this_machine_was_started_is_nobody_s(office: Office) -> None:
    name = leases.MACHINE.partition("+")[0]
    with office.gateway.store.writing() as db:
        assert leases.take(db, [TicketRef("desk", "M-1")], f"{name}+00000000/1/2/w", steady() + 9_000_000)
        assert leases.take(db, [TicketRef("desk", "M-1")], leases.holder("w"), steady())


def a_held_batch(office: Office) -> None:
    office.round()
    for n in range(5):
        office.customer_writes(f"Ticket {n}")
    office.round()
    assert office.effects() == []
    assert waiting_for_a_person(office) == ["batch"]


def waiting_for_a_person(office: Office) -> list[str]:
    with office.gateway.store.reading() as db:
        return [item.kind for item in parked.all_of(db)]


def test_a_batch_beyond_the_brake_is_held_and_what_comes_later_is_not(tmp_path: Path) -> None:
    with an_office(tmp_path, brake=3) as office:
        a_held_batch(office)
        with office.gateway.store.reading() as db:
            (reason,) = [item.reason for item in parked.all_of(db)]
        for remedy in ("`ticketgate plan`", "mend the rule and save it", "raise brake: in ticketgate.yaml and start ticketgate again"):
            assert remedy in reason
        office.customer_writes("Meanwhile")
        office.gateway.signals.poll("desk", office.gateway.cycle.book)
        office.worker().drain()
        assert {e.key for e in office.effects()} == {"M-6"}


def test_a_held_batch_comes_before_the_brake_again_at_every_start(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, hands=hands, brake=3) as office:
        a_held_batch(office)
        systems = office.systems
    with an_office(tmp_path, hands=hands, systems=systems, brake=4) as office:
        office.round()
        assert (office.effects(), waiting_for_a_person(office)) == ([], ["batch"]), "it is still too much"
    with an_office(tmp_path, hands=hands, systems=systems, brake=5) as office:
        office.round()
        assert len(office.effects(kind="reply")) == 5
        assert waiting_for_a_person(office) == []


def test_a_held_batch_comes_before_the_brake_again_when_the_rules_are_mended(tmp_path: Path) -> None:
    with an_office(tmp_path, brake=3) as office:
        a_held_batch(office)
        mended = RULES.replace("when: created", "when: created\n    if: { subject: { contains: '4' } }", 2)
        mended = mended.replace("    if: { type: incident, group: { empty: true } }\n", "")
        assert office.gateway.daemon(lambda _: Taken(a_bundle(mended), "files", "daemon")).renew()
        office.worker().drain()
        assert {e.key for e in office.effects()} == {"M-5"}
        assert waiting_for_a_person(office) == []


def test_a_new_start_finds_everything_as_it_was(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, hands=hands) as office:
        office.round()
        office.customer_writes()
        office.round()
        systems = office.systems
    with an_office(tmp_path, hands=hands, systems=systems) as office:
        office.round()
        assert len(office.effects()) == 2


def test_new_rules_come_into_force_between_two_passes(office: Office) -> None:
    offered = [None, Taken(a_bundle(RULES.replace("tier-1", "tier-2")), "files", "daemon")]
    daemon = office.gateway.daemon(lambda _: offered.pop(0))
    assert not daemon.renew(), "files that are not fit leave the last good set in force"
    assert daemon.renew()
    ref = office.customer_writes()
    office.round()
    assert office.shown(ref)["group"] == "tier-2"


def test_one_look_drains_all_signals_of_a_ticket(office: Office) -> None:
    ref = office.customer_writes()
    with office.gateway.store.writing() as db:
        for signal in ("look", "alarm", "stale"):
            inbox.put_refs(db, [ref], office.hands.now, signal)
        inbox.put_refs(db, [ref], office.hands.now, "look")
    drained = office.worker().drain()
    assert drained.looked == 1
    with office.gateway.store.reading() as db:
        assert inbox.depth(db) == {}


def test_a_pass_can_be_judged_again(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    with office.gateway.store.reading() as db:
        kept = passes.last(db, ref)
    assert kept is not None
    assert office.gateway.cycle.book.evaluate(kept.observation) == kept.plan


def test_samples_from_before_the_first_read_stay_silent_in_number(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        samples = [Sample(subject=f"Old {n}", body="", created_at=START - timedelta(days=3), status="open") for n in range(250)]
        office.systems["desk"].load(samples)
        office.round()
        with office.gateway.store.reading() as db:
            assert tickets.counts(db) == {"desk": 250}
            assert actions.counts(db) == {}
