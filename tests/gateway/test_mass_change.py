"""What an administrator of a system touched all at once, on a machine that has other work as well."""

import tracemalloc
from datetime import timedelta
from pathlib import Path

from connectors.sandbox import Deed, Sample
from gateway.store import inbox, parked
from tests.gateway.memory_desk import START, Office, an_office

RULES = """
version: 1
rules:
  - { id: over, when: { changed: { field: status, to: resolved } }, then: [{ note: { text: "It is over." } }] }
  - { id: new, when: created, then: [{ note: { text: "It is new." } }] }
"""


def resolved(office: Office, keys: list[str]) -> int:
    """They are, and polled; the most bytes that were held meanwhile."""
    for key in keys:
        office.systems["big"].people(Deed(kind="set", key=key, by="agent", fields={"status": "resolved"}))
    office.hands.move(seconds=30)
    tracemalloc.start()
    try:
        office.gateway.signals.poll("big", office.gateway.cycle.book)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_mass_change_is_taken_in_page_by_page_and_held_as_a_whole_and_stops_nobody_else(tmp_path: Path) -> None:
    """Fault row F45. Its fifty thousand are shown by a law: four times as many tickets are in nobody's memory at any moment."""
    with an_office(tmp_path, RULES, ("big", "small"), brake=20, page_size=25) as office:
        old = START - timedelta(days=1)
        keys = office.systems["big"].load([Sample(subject=f"Ticket {n}", body="b", created_at=old) for n in range(550)])
        for name in office.systems:
            office.gateway.signals.poll(name, office.gateway.cycle.book)
        resolved(office, keys[:50])
        few, many = resolved(office, keys[50:150]), resolved(office, keys[150:])
        assert many < 2 * few, "it grows with what changed"

        asked = office.customer_writes(connection="small")
        office.gateway.signals.poll("small", office.gateway.cycle.book)
        office.hands.move(seconds=5)
        held = office.worker("big").drain().held
        office.worker("small").drain()

        with office.gateway.store.reading() as db:
            assert (held, inbox.depth(db)["big"], [item.kind for item in parked.all_of(db)]) == (550, 550, ["batch"])
        assert office.effects("big") == [], "nothing is done about any of them"
        assert [effect.key for effect in office.effects("small")] == [asked.key]
