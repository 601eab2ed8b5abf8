"""Two systems kept in step: a partner is made once, both sides are news to each other and never to themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import Transient, Unauthorized
from connectors.memory import Failure
from connectors.sandbox import Deed
from gateway.counting import Counts
from gateway.cycle import Busy
from gateway.judging import Asked
from gateway.store import actions, connections, links
from rules.ticket import TicketRef
from tests.gateway.memory_desk import Office, an_office, settled

SYNC = """
version: 1
rules:
  - id: in-step
    when: [created, updated, commented]
    if: { connection: [desk, core], tags: { contains: engineering } }
    then:
      - sync:
          with: core
          if_missing: create
          status: both_ways
          fields: { tags: both_ways }
          comments: { direction: both_ways, only: public }
          conflict: newest_wins
  - id: greet
    when: created
    if: { connection: core }
    then: [{ reply: { text: "Hello." } }]
"""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, SYNC, ("desk", "core")) as office:
        office.round()
        yield office


def test_a_partner_is_made_once_and_both_are_kept_in_step(pair: Office) -> None:
    ref = pair.customer_writes(tags=("engineering",))
    pair.round()
    pair.round()
    (made,) = pair.systems["core"].keys()
    partner = TicketRef("core", made)
    with pair.gateway.store.reading() as db:
        (link,) = links.of_ticket(db, ref)
    assert {link.left, link.right} == {ref, partner}
    assert pair.effects("core", "reply") == [], "a ticket that we made is no news"

    pair.edit(partner, status="resolved")
    pair.reply(partner, "Fixed in the next release", by="agent")
    pair.round()
    pair.round()
    shown = pair.shown(ref)
    assert shown["status"] == "resolved"
    assert [c["text"].splitlines()[-1] for c in shown["comments"]] == ["Fixed in the next release"]

    pair.reply(ref, "Thank you")
    for _ in range(4):
        pair.round()
    assert len(pair.effects("core", "reply")) == 1
    assert len(pair.effects("desk", "reply")) == 1
    settled(pair)


def test_what_was_said_and_done_before_there_was_a_partner_reaches_it_without_further_news(pair: Office) -> None:
    ref = pair.customer_writes()
    pair.round()
    for text, by in (("It burns.", "customer"), ("Which one?", "agent")):
        pair.hands.move(seconds=60)
        pair.reply(ref, text, by)
    pair.systems["desk"].people(Deed(kind="note", key=ref.key, by="agent", text="Not a word of this."))
    pair.edit(ref, status="pending")
    pair.round()
    pair.edit(ref, tags=("engineering",))  # only now it is one of theirs
    pair.round()
    (made,) = pair.systems["core"].keys()
    shown = pair.shown(TicketRef("core", made))
    assert [c["text"].splitlines()[-1] for c in shown["comments"]] == ["It burns.", "Which one?"]
    assert shown["status"] == "pending"
    pair.round()
    assert len(pair.effects("core")) == 4, "made, brought into step, and left alone"
    settled(pair)


def test_an_edit_of_the_new_partner_before_it_was_first_seen_is_news(pair: Office) -> None:
    ref = pair.customer_writes(tags=("engineering",))
    pair.hands.move(seconds=30)
    pair.gateway.signals.poll("desk", pair.gateway.cycle.book)
    pair.worker("desk").drain()
    (made,) = pair.systems["core"].keys()
    pair.edit(TicketRef("core", made), status="open")
    pair.round()
    pair.round()
    assert pair.shown(ref)["status"] == "open"


def test_both_sides_changed_the_newer_wins_and_nobody_pushes_back(pair: Office) -> None:
    ref = pair.customer_writes(tags=("engineering",))
    pair.round()
    partner = TicketRef("core", pair.systems["core"].keys()[0])
    pair.edit(ref, status="pending")
    pair.hands.move(seconds=60)
    pair.edit(partner, status="open")
    for _ in range(4):
        pair.round()
    assert pair.shown(ref)["status"] == pair.shown(partner)["status"] == "open"
    before = len(pair.effects("desk")) + len(pair.effects("core"))
    for _ in range(3):
        pair.round()
    assert len(pair.effects("desk")) + len(pair.effects("core")) == before


def test_a_new_ticket_is_left_alone_while_we_are_making_one_there(pair: Office) -> None:
    ref = pair.customer_writes(tags=("engineering",))
    pair.round()
    with pair.gateway.store.writing() as db:
        (row,) = [row for row in actions.of_ticket(db, ref) if row.state == "done"]
        db.exec_driver_sql("update action set state = 'sending' where action_key = ?", (row.key,))
        db.exec_driver_sql("delete from link")
        db.exec_driver_sql("delete from ticket where connection = 'core'")
    with pytest.raises(Busy):
        pair.gateway.cycle.look(TicketRef("core", "M-1"))
    pair.round()  # the answer is found, the pair is known
    pair.round()
    assert pair.effects("core", "reply") == []


def test_a_ticket_whose_partner_does_not_answer_waits_and_loses_nothing(pair: Office) -> None:
    ref = pair.customer_writes(tags=("engineering",))
    pair.round()
    pair.connectors["core"].failures += [Failure(Transient("core", "503", retry_after=600.0), "comments")]
    pair.reply(ref, "Any news?")
    pair.hands.move(seconds=30)
    pair.gateway.signals.poll("desk", pair.gateway.cycle.book)
    pair.worker("desk").drain()
    with pair.gateway.store.reading() as db:
        assert {s.connection: s.state for s in connections.all_of(db)} == {"desk": "ok", "core": "paused"}
    pair.customer_writes("Nothing to do with it")
    pair.round(30)
    assert pair.effects("core", "reply") == []
    pair.round(900)
    assert len(pair.effects("core", "reply")) == 1


def test_a_dead_partner_keeps_a_batch_from_its_linked_tickets_only(pair: Office) -> None:
    linked = pair.customer_writes(tags=("engineering",))
    pair.round()
    pair.round()
    alone = pair.customer_writes("Nothing to do with it", tags=("engineering",))
    dead = Unauthorized("core", "401")
    pair.connectors["core"].failures += [Failure(dead, "fetch"), Failure(dead, "comments")]
    counts = Counts()
    plans = list(pair.gateway.backfill.plans(Asked(connections=("desk",)), counts))
    assert [plan.ref for _, plan in plans] == [alone]
    assert (counts.seen, counts.changed, counts.failed) == (2, 1, 1)
    assert linked != alone


def test_a_stopped_partner_stays_stopped(pair: Office) -> None:
    with pair.gateway.store.writing() as db:
        connections.stopped(db, "core", "401", pair.hands.now)
    pair.customer_writes(tags=("engineering",))
    pair.round()
    pair.round(60)
    with pair.gateway.store.reading() as db:
        assert connections.standing(db, "core").state == "stopped"
    assert pair.effects("core") == []


def test_what_we_write_to_a_partner_is_no_news_when_it_is_looked_at(tmp_path: Path) -> None:
    listening = SYNC + "  - id: hear\n    when: { changed: status }\n    if: { connection: core }\n    then: [{ note: { text: Heard. } }]\n"
    with an_office(tmp_path, listening, ("desk", "core")) as pair:
        pair.round()
        ref = pair.customer_writes(tags=("engineering",))
        pair.round()
        pair.edit(ref, status="pending")
        for _ in range(3):
            pair.round()
        partner = TicketRef("core", pair.systems["core"].keys()[0])
        assert pair.shown(partner)["status"] == "pending"
        assert pair.effects("core", "note") == []
        pair.edit(partner, status="open")
        pair.round()
        assert len(pair.effects("core", "note")) == 1, "a person's change is"
