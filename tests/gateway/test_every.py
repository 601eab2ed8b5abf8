"""`every`: once at each of its moments for each ticket that is not closed, across restarts and outages."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.failpoint import NAMES
from tests.gateway.memory_desk import START, Hands, Office, an_office
from tests.gateway.test_interrupted import Died, Points, die

RULES = """
version: 1
rules:
  - id: digest
    when: { every: { at: "12:00" } }
    then: [{ notify: { to: leads, text: "{{ ticket.ref }}" } }]
"""
NOON = START.replace(hour=12)


def told(office: Office) -> Counter[str]:
    return Counter(message["about"] for message in office.notified())


def test_each_open_ticket_once_at_each_moment(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        one, two, closed = (office.customer_writes() for _ in range(3))
        office.edit(closed, status="closed")
        office.round()
        assert told(office) == {}
        for hours in (0, 1, 5, 23, 24, 25, 48):
            office.hands.now = NOON + timedelta(hours=hours, minutes=1)
            office.round()
        assert told(office) == {str(one): 3, str(two): 3}


def test_an_outage_brings_at_most_the_last_one(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, RULES, hands=hands) as office:
        office.round()
        ref = office.customer_writes()
        office.round()
        systems = office.systems
    hands.now = NOON + timedelta(days=4, hours=2)
    with an_office(tmp_path, RULES, hands=hands, systems=systems) as office:
        office.round()
        office.round()
        assert told(office) == {str(ref): 1}


def test_a_rule_that_is_new_waits_for_its_next_moment_and_finds_the_tickets_that_are_there(tmp_path: Path) -> None:
    hands = Hands(now=NOON - timedelta(hours=5))
    with an_office(tmp_path, RULES.replace("12:00", "23:59"), hands=hands) as office:
        office.round()
        ref = office.customer_writes()
        old = office.customer_writes()
        office.edit(old, status="resolved")
        office.round()
        systems = office.systems
    hands.now = NOON + timedelta(hours=2)
    with an_office(tmp_path, RULES.replace("12:00", "15:00"), hands=hands, systems=systems) as office:
        office.round()
        assert told(office) == {}
        hands.now = NOON + timedelta(hours=3, minutes=1)
        office.round()
        assert told(office) == {str(ref): 1, str(old): 1}, "resolved is not closed"


@pytest.mark.parametrize("point", [name for name in NAMES if "page" not in name and "poll" not in name])
def test_a_process_that_dies_at_its_moment_tells_once(tmp_path: Path, point: str) -> None:
    hands, points = Hands(), Points(point, die)
    with an_office(tmp_path, RULES.replace("notify: { to: leads,", "note: {"), hands=hands, points=points) as office:
        office.round()
        ref = office.customer_writes()
        office.round()
        hands.now, points.armed = NOON + timedelta(seconds=1), True
        with suppress(Died):
            office.round()
        systems = office.systems
    with an_office(tmp_path, RULES.replace("notify: { to: leads,", "note: {"), hands=hands, systems=systems) as office:
        office.round()
        office.round()
        assert Counter(effect.key for effect in office.effects(kind="note")) == {ref.key: 1}
