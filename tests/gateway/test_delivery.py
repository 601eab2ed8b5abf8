"""Messages that wait for business hours: sent once, in the morning, whatever happened in the night."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.memory_system import MemorySystem
from gateway.store import actions, delayed
from gateway.store.actions import State
from tests.gateway.memory_desk import START, Hands, an_office

RULES = """
version: 1
calendars:
  around: { always: true }
  office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } }
rules:
  - id: silence
    when: { waiting: { status: new, calendar: office } }
    stages:
      - { after: 8h, deliver: business_hours, then: [{ notify: { to: leads, text: "Nobody looked." } }, { note: { text: "Silent." } }] }
"""
MORNING = datetime(2026, 3, 3, 9, tzinfo=UTC)


class Night:
    """A desk that is closed and opened again; its system and its clock live on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hands = folder, Hands(START - timedelta(hours=1))
        self.systems = {"desk": MemorySystem(clock=self.hands)}

    def office(self) -> Any:
        return an_office(self.folder, RULES, hands=self.hands, systems=self.systems)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A ticket made at nine whose eighth open hour ended with the day."""
    night = Night(tmp_path)
    with night.office() as office:
        office.round()
        night.hands.now = START
        office.customer_writes()
        office.round()
        night.hands.now = START + timedelta(hours=8, minutes=1)
        office.round()
        assert [e.kind for e in office.effects()] == ["note"], "the note waits for nobody"
        assert office.notified() == []
    return night


def test_a_message_goes_out_at_the_next_opening_and_not_again(night: Night) -> None:
    with night.office() as office:
        night.hands.now = MORNING - timedelta(minutes=5)
        office.round()
        assert office.notified() == []
        assert office.gateway.signals.following() == MORNING, "the daemon sleeps until then"
        night.hands.now = MORNING
        for _ in range(3):
            office.round()
        (told,) = office.notified()
        assert (told["text"], told["at"][:16]) == ("Nobody looked.", "2026-03-03T09:00")


def test_what_waits_survives_a_new_start_and_two_sweeps_at_once(night: Night) -> None:
    night.hands.now = MORNING + timedelta(hours=5)
    with night.office() as one, night.office() as two:
        for office in (one, two, one, two):
            office.gateway.signals.ring()
        one.round()
        two.round()
        assert len(one.notified()) == 1


def test_a_clock_that_is_put_back_sends_nothing_twice(night: Night) -> None:
    with night.office() as office:
        for hour in (9, 8, 9, 10):
            night.hands.now = MORNING.replace(hour=hour, minute=30)
            office.round()
        assert len(office.notified()) == 1


def test_a_process_that_dies_between_the_release_and_the_sending_sends_it_after_a_new_start(night: Night) -> None:
    night.hands.now = MORNING
    with night.office() as office:
        office.gateway.signals.ring()
    with night.office() as office:
        office.round()
        assert len(office.notified()) == 1
        with office.gateway.store.reading() as db:
            assert delayed.following(db) is None
            assert {row.state for row in actions._rows(db)} == {State.DONE}


HOURLY = """
version: 1
rules:
  - id: hourly
    when: { waiting: { status: new } }
    stages:
      - { after: 1h, repeat: { every: 1h, times: 20 }, then: [{ notify: { to: leads, text: "Still waiting." } }] }
"""


def test_a_machine_that_slept_for_eight_hours_catches_up_once(tmp_path: Path) -> None:
    with an_office(tmp_path, HOURLY) as office:
        office.round()
        office.customer_writes()
        office.round()
        office.hands.move(hours=8)
        for _ in range(3):
            office.round()
        assert len(office.notified()) == 1, "the last stage due, not eight of them"
        office.hands.move(hours=1)
        office.round()
        assert len(office.notified()) == 2
