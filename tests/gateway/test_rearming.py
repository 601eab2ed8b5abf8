"""Clocks in flight go on under new rules, at the new moments; what fell due while a rule was paused is asked for at its resuming."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.reloading import Taken
from gateway.store import pausing, tickets
from rules.ticket import TicketRef
from tests.gateway.memory_desk import Hands, Office, a_bundle, an_office

LADDER = """
version: 1
rules:
  - id: tidy
    when: { waiting: { status: pending } }
    stages:
      - { after: 3d, then: [{ note: { text: "Three days." } }] }
      - { after: 7d, then: [{ set: { status: resolved } }] }
"""


def alarm(office: Office, ref: TicketRef) -> timedelta | None:
    with office.gateway.store.reading() as db:
        at = tickets.next_alarm(db)
    return at - office.hands.now if at else None


def waiting(office: Office) -> TicketRef:
    """A ticket that waits for its customer since a moment ago."""
    office.round()
    ref = office.customer_writes()
    office.round()
    office.edit(ref, status="pending")
    office.round()
    return ref


def under(office: Office, rules: str) -> None:
    """The daemon takes new rules over."""
    bundle = a_bundle(rules)
    assert office.gateway.daemon(lambda before: Taken(bundle, "files", "daemon")).renew()


def notes(office: Office, ref: TicketRef) -> list[str]:
    return [comment["text"] for comment in office.shown(ref)["comments"] if not comment["public"]]


@pytest.mark.parametrize(("after", "days"), [("2d", 2), ("3d", 3)])
def test_a_clock_goes_on_from_where_it_began_at_the_new_moment(tmp_path: Path, after: str, days: int) -> None:
    with an_office(tmp_path, LADDER) as office:
        ref = waiting(office)
        office.hands.move(days=1)
        under(office, LADDER.replace("after: 3d", f"after: {after}").replace("Three days.", "By new rules."))
        office.hands.move(days=days - 1, minutes=-5)
        office.round()
        assert notes(office, ref) == []
        office.hands.move(minutes=10)
        office.round()
        assert notes(office, ref) == ["By new rules."]


def test_a_stage_that_ran_does_not_run_again_under_new_rules(tmp_path: Path) -> None:
    with an_office(tmp_path, LADDER) as office:
        ref = waiting(office)
        office.hands.move(days=3, minutes=5)
        office.round()
        under(office, LADDER.replace("Three days.", "By new rules."))
        office.hands.move(days=1)
        office.round()
        assert notes(office, ref) == ["Three days."]


def test_a_new_ladder_finds_the_tickets_that_wait_already(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        ref = waiting(office)
        office.hands.move(days=1)
        assert alarm(office, ref) is None
        under(office, LADDER)
        office.round()
        office.hands.move(days=2, minutes=5)
        office.round()
        assert notes(office, ref) == ["Three days."]


def test_a_rule_just_written_does_not_act_on_all_that_lies_about(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        ref = waiting(office)
        office.hands.move(days=4)
        under(office, LADDER)
        office.round()
        assert notes(office, ref) == []
        left = alarm(office, ref)
        assert left is not None
        assert timedelta(days=2) < left < timedelta(days=3), "the next stage still to come is the seventh day"


def test_what_fell_due_while_a_rule_was_paused_is_asked_for_when_it_is_resumed(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, LADDER, hands=hands) as office:
        from gateway.rearming import rearmed

        ref = waiting(office)
        with office.gateway.store.writing() as db:
            pausing.pause(db, "tidy", "a test", "ana", hands.now)
        office.hands.move(days=3, minutes=5)
        office.round()
        assert notes(office, ref) == []
        with office.gateway.store.writing() as db:
            pausing.resume(db, "tidy")
        office.round()
        assert notes(office, ref) == [], "its alarm has rung"
        house = office.gateway.house
        assert rearmed(house.store, house.gatherer, office.gateway.cycle.book, hands, overdue=True) == 1
        office.round()
        assert notes(office, ref) == ["Three days."]
