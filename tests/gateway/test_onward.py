"""Three and more systems: what is written to a ticket goes on to its further partners, and comes to rest whatever the rules say."""

from pathlib import Path
from typing import Any

from connectors.sandbox import Deed
from gateway.rulebook import Rulebook
from gateway.store import audits, inbox, parked
from rules.ticket import TicketRef
from tests.gateway.memory_desk import Office, a_bundle, an_office

REACTS = "react_to_own_changes: true"


def a_sync(here: str, there: str, how: str = "both_ways", more: str = "") -> str:
    return f"""
  - id: {here}-{there}
    when: [created, updated, commented]
    {more}
    if: {{ connection: [{here}, {there}], tags: {{ contains: engineering }} }}
    then:
      - sync:
          with: {there}
          if_missing: create
          fields: {{ priority: {how} }}
          status: both_ways
          comments: both_ways
          attachments: both_ways
"""


def a_desk(folder: Path, *syncs: str, systems: str = "abc") -> Any:
    return an_office(folder, "version: 1\nrules:" + "".join(syncs), tuple(systems))


def goes_on(office: Office) -> None:
    """Time passes, every connection is polled once, and what waits is looked at until nothing does."""
    office.hands.move(seconds=30)
    for name in office.systems:
        office.gateway.signals.poll(name, office.gateway.cycle.book)
    for _ in range(12):
        office.hands.move(seconds=2)
        with office.gateway.store.reading() as db:
            waiting = inbox.depth(db)
        if not waiting:
            return
        for name in waiting:
            office.worker(name).drain()
    raise AssertionError("it does not come to rest")


def a_matter(office: Office) -> TicketRef:
    goes_on(office)
    ref = office.customer_writes(connection="a", tags=("engineering",))
    goes_on(office)
    return ref


def how_many(office: Office) -> list[int]:
    return [len(system.keys()) for system in office.systems.values()]


def shown(office: Office) -> list[tuple[Any, ...]]:
    """Of each system its first ticket: status, priority, comments, files."""
    there = [system.shown(system.keys()[0]) for system in office.systems.values() if system.keys()]
    return [(one["status"], one["priority"], [c["text"] for c in one["comments"]]) for one in there]


def at_rest(office: Office) -> int:
    """How much was written in all, once nothing more is."""
    written = sum(len(office.effects(name)) for name in office.systems)
    goes_on(office)
    assert sum(len(office.effects(name)) for name in office.systems) == written, "it does not come to rest"
    return written


RING = (a_sync("a", "b", more=REACTS), a_sync("b", "c", more=REACTS), a_sync("c", "a", more=REACTS))


def test_a_chain_of_systems_is_kept_in_step_and_one_that_closes_to_a_ring_ends(tmp_path: Path) -> None:
    """Fault row F42: a rule that reacts to our own changes takes on what another made, once for each system."""
    with a_desk(tmp_path, *RING) as office:
        ref = a_matter(office)
        assert how_many(office) == [1, 1, 1]
        office.edit(ref, status="pending", priority="urgent")
        office.reply(ref, "Any news?")
        office.systems["a"].people(Deed(kind="attach", key=ref.key, by="customer", text="log.txt", fields={"content": "lines"}))
        goes_on(office)
        copy = "Ana Lima (a:M-1):\n\nAny news?"
        assert shown(office) == [("pending", "urgent", ["Any news?"]), ("pending", "urgent", [copy]), ("pending", "urgent", [copy])]
        assert [len(office.connectors[name].attachments("M-1")) for name in ("a", "b", "c")] == [1, 1, 1]

        office.reply(TicketRef("c", "M-1"), "Soon.", by="agent")
        goes_on(office)
        assert [[c for c in one[2] if c.endswith("Soon.")] for one in shown(office)][::2] == [["Lena Vogt (c:M-1):\n\nSoon."], ["Soon."]]
        assert at_rest(office) == 2 + 2 * 3 + 2, "two tickets, three times an update, a comment and a file, and the answer"
        assert how_many(office) == [1, 1, 1]


def test_without_the_word_a_made_ticket_goes_no_further_and_people_who_edit_it_close_no_ring(tmp_path: Path) -> None:
    """Fault row F42."""
    syncs = (a_sync("a", "b"), a_sync("b", "c"), a_sync("c", "a"), a_sync("b", "d", more=REACTS))
    with a_desk(tmp_path, *syncs, systems="abcd") as office:
        a_matter(office)
        assert how_many(office) == [1, 1, 0, 1], "the rule that says the word takes it on, its neighbour does not"
        for name in ("b", "c", "a", "b", "c"):
            office.edit(TicketRef(name, "M-1"), priority="high" if name == "b" else "low")
            goes_on(office)
        assert how_many(office) == [1, 1, 1, 1]
        at_rest(office)
        assert {one[1] for one in shown(office)} == {"low"}


def test_what_comes_from_one_partner_goes_to_the_other(tmp_path: Path) -> None:
    with a_desk(tmp_path, a_sync("a", "b"), a_sync("a", "c")) as office:
        a_matter(office)
        office.edit(TicketRef("b", "M-1"), priority="urgent")
        office.reply(TicketRef("b", "M-1"), "Soon.", by="agent")
        goes_on(office)
        copy = "Lena Vogt (b:M-1):\n\nSoon."
        assert [one[1:] for one in shown(office)] == [("urgent", [copy]), ("urgent", ["Soon."]), ("urgent", [copy])]
        at_rest(office)
        assert office.gateway.house.connectors["c"].comments("M-1")[0].public


def test_owners_at_two_ends_who_overrule_each_other_are_stopped_and_a_person_is_told(tmp_path: Path) -> None:
    """Fault row F42: three hops, an alert, and nothing more until somebody changes something."""
    ends = (a_sync("a", "b", "{ owner: a }", REACTS), a_sync("b", "c", more=REACTS), a_sync("c", "d", "{ owner: d }", REACTS))
    with a_desk(tmp_path, *ends, systems="abcd") as office:
        a_matter(office)
        assert how_many(office) == [1, 1, 1, 1]
        before = at_rest(office)
        office.edit(TicketRef("d", "M-1"), priority="low")
        goes_on(office)
        assert at_rest(office) - before <= 6
        with office.gateway.store.reading() as db:
            (stopped,), told = parked.all_of(db), [what for _, _, what, _ in audits.newest(db)]
        assert (stopped.kind, "let one connection own it" in stopped.reason, "change stopped" in told) == ("link", True, True)

        mended = a_bundle("version: 1\nrules:" + "".join(end.replace("owner: a", "owner: b") for end in ends), tuple("abcd"))
        office.gateway.cycle.book = Rulebook(mended)
        office.edit(TicketRef(stopped.connection, stopped.key), priority="high")
        goes_on(office)
        with office.gateway.store.reading() as db:
            assert parked.all_of(db) == [], "somebody's news of it is handled, so nobody needs to see to it"
