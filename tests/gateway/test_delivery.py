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


CALLS = """
version: 1
calendars:
  office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } }
rules:
  - id: silence
    when: { waiting: { status: new, calendar: office } }
    stages:
      - after: 8h
        deliver: business_hours
        then:
          - page: { to: pager, text: "Nobody looked." }
          - approval: { ask: leads, within: 2h, question: "Close it?", approved: [{ set: { status: resolved } }] }
"""


class Died(BaseException):
    """As kill -9: nothing behind it is done."""


def by_night(folder: Path, hands: Hands, systems: Any, points: Any = None) -> Any:
    """Past the eighth open hour, and closed."""
    return an_office(folder, CALLS, hands=hands, systems=systems, points=points)


def gone_home(folder: Path) -> tuple[Hands, dict[str, MemorySystem]]:
    hands = Hands(START - timedelta(hours=1))
    systems = {"desk": MemorySystem(clock=hands)}
    with by_night(folder, hands, systems) as office:
        office.round()
        hands.now = START
        office.customer_writes()
        office.round()
        hands.now = START + timedelta(hours=8, minutes=1)
        office.round()
        office.gateway.pager.ring()
        assert (office.notified(), office.notified("paged.jsonl")) == ([], []), "nobody is woken"
    return hands, systems


def morning(office: Any) -> None:
    for _ in range(3):
        office.round()
        office.gateway.pager.ring()


def test_a_page_and_a_question_wait_for_the_morning_as_well(tmp_path: Path) -> None:
    hands, systems = gone_home(tmp_path)
    with by_night(tmp_path, hands, systems) as office:
        hands.now = MORNING
        morning(office)
        (asked,), (called,) = office.notified(), office.notified("paged.jsonl")
    assert asked["text"].startswith("Close it?")
    assert called["text"].startswith("Nobody looked.")
    assert {told["at"][:13] for told in (asked, called)} == {"2026-03-03T09"}


@pytest.mark.parametrize("point", ["before-send", "after-send", "after-turn"])
def test_a_process_killed_over_what_waited_for_the_morning_repeats_and_loses_nothing(tmp_path: Path, point: str) -> None:
    hands, systems = gone_home(tmp_path)
    hands.now = MORNING
    left = [point]

    def points(name: str) -> None:
        if name in left:
            left.clear()
            raise Died

    with by_night(tmp_path, hands, systems, points) as office, pytest.raises(Died):
        morning(office)
    with by_night(tmp_path, hands, systems) as office:
        morning(office)
        with office.gateway.store.reading() as db:
            doubts = [row for row in actions._rows(db) if row.state is State.IN_DOUBT]
            assert {row.state for row in actions._rows(db)} <= {State.DONE, State.IN_DOUBT}
        told = [len({one["key"] for one in office.notified(file)}) for file in ("notified.jsonl", "paged.jsonl")]
        assert sum(told) == sum(len(office.notified(file)) for file in ("notified.jsonl", "paged.jsonl")), "nothing twice"
        assert sum(told) + len(doubts) >= 2, "each was sent, or is said to be in doubt"
        assert len(doubts) <= 1


LADDER = """
version: 1
calendars:
  office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } }
sla_policies:
  all: { applies_to: { type: incident }, calendar: office, clocks: { resolution: { targets: [{ within: 4h, hours: calendar }] } } }
rules:
  - id: climb
    when: { sla: { metric: resolution, policy: all } }
    stages:
      - { at: 50%, then: [{ note: { text: "Half of it." } }] }
      - { at: breach, then: [{ page: { to: duty, text: "Broken." } }] }
      - { at: breach + 1h, repeat: { every: 1h, times: 3 }, then: [{ notify: { to: leads, text: "Still broken." } }] }
      - { at: breach + 5h, deliver: business_hours, then: [{ notify: { to: people, text: "Since yesterday." } }] }
"""


def test_two_daemons_climb_one_ladder_once_whatever_the_clock_does_with_its_repeats_calls_and_late_messages(tmp_path: Path) -> None:
    with an_office(tmp_path, LADDER) as one, an_office(tmp_path, LADDER, hands=one.hands, systems=one.systems) as two:
        one.round()
        one.customer_writes(type="incident", priority="normal")
        for step in range(36):
            for office in (one, two) if step % 2 else (two, one):
                office.gateway.signals.ring()
                office.gateway.pager.ring()
            (one if step % 3 else two).round()
            one.hands.move(minutes=-50 if step % 6 == 5 else 60)
        assert [e.kind for e in one.effects()] == ["note"]
        assert [told["text"] for told in one.notified()] == ["Still broken."] * 4, "once, and three times again"
        assert [told["text"].splitlines()[0] for told in one.notified("paged.jsonl")] == ["Broken."] * 2, "the chain is gone through twice"
        late = [told["text"] for told in one.notified("mailed.jsonl")]
        assert late.count("Since yesterday.") == 1
        assert len(late) == 1 + 2, "the other one of the chain is called by mail"


HANDED_ON = """
version: 1
rules:
  - id: nobody-answers
    when: { waiting: { status: new } }
    stages:
      - { after: 1h, then: [{ notify: { to: leads, text: "Nobody has answered for an hour." } }] }
      - { after: 2h, then: [{ assign: { group: tier-2 } }] }
"""


def test_a_ticket_that_nobody_answers_is_told_of_and_then_changes_hands_and_one_that_was_taken_up_does_not(tmp_path: Path) -> None:
    with an_office(tmp_path, HANDED_ON) as office:
        office.round()
        left, taken = office.customer_writes("Left alone"), office.customer_writes("Taken up")
        office.round()
        office.edit(taken, status="open")
        for _ in range(5):
            office.hands.move(minutes=30)
            office.round()
        assert [told["about"] for told in office.notified()] == [str(left)]
        assert [office.shown(ref)["group"] for ref in (left, taken)] == ["tier-2", None]


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
