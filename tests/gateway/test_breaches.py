"""A broken promise is a fact: written down once, with its target, and not taken back when the policy is made milder afterwards."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.memory_system import MemorySystem
from gateway.config import FiguresConfig
from gateway.reports.asking import Desk, reported
from gateway.store import breaches
from rules.ticket import TicketRef
from tests.gateway.memory_desk import START, Hands, Office, a_bundle, an_office

RULES = """
version: 1
sla_policies:
  standard:
    applies_to: { type: incident }
    clocks: { first_response: { targets: [{ within: AMOUNT }], breach_memory: MEMORY } }
rules:
  - id: late
    when: { sla: first_response }
    stages:
      - { at: breach, then: [{ note: { text: Late. } }] }
"""


def rules(amount: str, memory: str = "sticky") -> str:
    return RULES.replace("AMOUNT", amount).replace("MEMORY", memory)


def broken(office: Office, ref: TicketRef) -> list[Any]:
    with office.gateway.store.reading() as db:
        return breaches.of_ticket(db, ref)


def compliance(office: Office) -> dict[str, Any]:
    desk, now = Desk(office.gateway.cycle.book.bundle, FiguresConfig()), office.hands.now
    with office.gateway.store.reading() as db:
        found = reported("sla", desk, desk.asked(START - timedelta(days=9), now, now, None), db)
    (row,) = found.rows
    return dict(zip([c.name for c in found.columns], row, strict=True))


def a_late_answer(folder: Path, hands: Hands, systems: dict[str, MemorySystem]) -> TicketRef:
    with an_office(folder, rules("1h"), hands=hands, systems=systems) as office:
        office.round()
        ref = office.customer_writes()
        office.round()
        hands.move(hours=1)
        office.round()
        office.reply(ref, "Sorry for the wait.", by="agent")
        office.round()
        assert [(b.metric, b.target, b.policy) for b in broken(office, ref)] == [("first_response", "1h", "standard")]
        return ref


def test_a_milder_policy_does_not_take_a_breach_back(tmp_path: Path) -> None:
    hands = Hands()
    systems = {"desk": MemorySystem(clock=hands)}
    ref = a_late_answer(tmp_path, hands, systems)
    with an_office(tmp_path, rules("8h"), hands=hands, systems=systems) as office:
        office.round()
        assert [b.target for b in broken(office, ref)] == ["1h"], "with the target it was judged against"
        assert (compliance(office)["met"], compliance(office)["breached"]) == (0, 1)


def test_a_desk_may_say_that_breaches_are_worked_out_anew(tmp_path: Path) -> None:
    hands = Hands()
    systems = {"desk": MemorySystem(clock=hands)}
    a_late_answer(tmp_path, hands, systems)
    with an_office(tmp_path, rules("8h", "recompute"), hands=hands, systems=systems) as office:
        assert (compliance(office)["met"], compliance(office)["breached"]) == (1, 0)


def test_looking_again_and_again_writes_a_breach_down_once(tmp_path: Path) -> None:
    hands = Hands()
    systems = {"desk": MemorySystem(clock=hands)}
    ref = a_late_answer(tmp_path, hands, systems)
    with an_office(tmp_path, rules("1h"), hands=hands, systems=systems) as office:
        for priority in ("high", "normal", "high"):
            office.edit(ref, priority=priority)
            office.round()
        assert len(broken(office, ref)) == 1
        assert a_bundle(rules("1h")).hash == office.gateway.cycle.book.bundle.hash
