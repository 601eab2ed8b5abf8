"""What we wrote is known as ours, whatever the system makes of it and however little its history says."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryConnector
from connectors.memory_system import Json, MemorySystem
from rules.ticket import TicketRef, replace
from tests.gateway.memory_desk import Hands, Office, an_office

CLIMBS = """
version: 1
sla_policies:
  standard:
    applies_to: { type: incident }
    targets: { normal: { first_response: 8h }, urgent: { first_response: 5h } }
rules:
  - id: climb
    when: { sla: first_response }
    stages:
      - { at: 50%, then: [{ raise_priority: urgent }] }
      - { at: breach, then: [{ notify: { to: leads, text: "Too late." } }] }
"""

SYNC = """
version: 1
rules:
  - id: in-step
    when: [created, updated]
    if: { connection: [desk, core], tags: { contains: engineering } }
    then:
      - sync: { with: core, if_missing: create, status: both_ways, conflict: newest_wins }
"""


class Workflow(MemorySystem):
    """A system that makes another status of one that is written to it."""

    def __init__(self, hands: Hands, **makes: str) -> None:
        super().__init__(clock=hands)
        self._makes = makes

    def change(self, key: str, fields: Mapping[str, Any], *, by: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Json:
        status = fields.get("status")
        own = {"status": self._makes.get(status, status)} if status and by == "api" else {}
        return super().change(key, {**fields, **own}, by=by, add=add, remove=remove)


@pytest.mark.parametrize("history", [True, False])
def test_a_ladder_that_raises_the_priority_does_not_move_its_own_target(tmp_path: Path, history: bool) -> None:
    with an_office(tmp_path, CLIMBS) as office:
        office.connectors["desk"].abilities = replace(MemoryConnector.abilities, history=history)  # type: ignore[misc]
        office.round()
        ref = office.customer_writes(type="incident", priority="normal")
        office.round()
        office.round(4 * 3600)
        assert office.shown(ref)["priority"] == "urgent"
        office.edit(ref, group="tier-2")  # somebody touches it, so that it is looked at
        office.round(2 * 3600)
        assert office.notified() == [], "the five hours of an urgent ticket are over, its own eight are not"
        office.round(2 * 3600)
        assert len(office.notified()) == 1


def test_what_a_system_makes_of_a_status_is_not_written_back_and_forth(tmp_path: Path) -> None:
    hands = Hands()
    systems = {"desk": Workflow(hands, on_hold="pending"), "core": Workflow(hands, pending="on_hold")}
    with an_office(tmp_path, SYNC, ("desk", "core"), hands=hands, systems=systems) as office:
        ref, partner = a_pair(office)
        office.edit(ref, status="pending")
        office.round()
        assert office.shown(partner)["status"] == "on_hold"
        before = len(office.effects("desk")) + len(office.effects("core"))
        for priority in ("high", "urgent"):
            office.edit(partner, priority=priority)
            office.round()
            office.edit(ref, priority=priority)
            office.round()
        assert len(office.effects("desk")) + len(office.effects("core")) == before

        office.edit(partner, status="resolved")  # a person's change is one all the same
        office.round()
        assert office.shown(ref)["status"] == "resolved"
        office.edit(partner, status="on_hold")
        office.round()
        assert office.shown(ref)["status"] == "pending"


def a_pair(office: Office) -> tuple[TicketRef, TicketRef]:
    office.round()
    ref = office.customer_writes(tags=("engineering",))
    for _ in range(2):
        office.round()
    return ref, TicketRef("core", office.systems["core"].keys()[0])
