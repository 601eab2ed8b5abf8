"""A rule whose limit was reached and that says `pause_rule` acts no more until a person resumes it."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.store import audits, passes, pausing
from tests.gateway.memory_desk import START, an_office

RULES = """
version: 1
rules:
  - id: shout
    when: created
    then: [{ notify: { to: leads, text: "New: {{ ticket.ref }}" } }]
    limits: { total: 2 per 1h, when_reached: pause_rule }
  - id: mark
    when: created
    then: [{ tag: { add: [seen] } }]
"""


def test_a_mass_of_tickets_trips_the_rule_that_has_a_limit_and_nothing_else(tmp_path: Path) -> None:
    """Fault row F45: the fuse on what a rule does in an hour."""
    with an_office(tmp_path, RULES) as office:
        office.round()
        refs = [office.customer_writes() for _ in range(5)]
        office.round()
        assert len(office.notified()) == 2
        assert all("seen" in office.shown(ref)["tags"] for ref in refs), "the other rules go on"
        with office.gateway.store.reading() as db:
            (paused,) = pausing.all_of(db)
            assert (paused.rule, paused.who) == ("shout", "ticketgate")
            assert any(what == "rule paused" for _, _, what, _ in audits.newest(db))


def test_it_stays_paused_beyond_its_window_and_until_a_person_resumes_it(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        for _ in range(3):
            office.customer_writes()
        office.round()
        office.hands.now += timedelta(hours=3)
        late = office.customer_writes()
        office.round()
        assert len(office.notified()) == 2
        told = office.gateway.cycle.book.engine.explain(last(office, late).observation)
        assert [c.what for s in told.sets for c in s.rules] == ["paused", "fired"]
        with office.gateway.store.writing() as db:
            assert pausing.resume(db, "shout")
        office.customer_writes()
        office.round()
        assert len(office.notified()) == 3


def last(office, ref):
    with office.gateway.store.reading() as db:
        found = passes.last(db, ref)
    assert found is not None
    return found


@pytest.mark.parametrize(("per", "times"), [("1h", 1), ("2h", 3), ("24h", 5)])
def test_the_store_brings_back_all_that_a_window_can_hold(tmp_path: Path, per: str, times: int) -> None:
    rules = RULES.replace("2 per 1h, when_reached: pause_rule", f"{times} per {per}")
    with an_office(tmp_path, rules) as office:
        said = []
        office.round()
        for n in range(1, 31):
            office.hands.now = START + timedelta(minutes=20 * n)
            office.customer_writes()
            office.round()
            said.append(len(office.notified()))
        window = int(per[:-1]) * 3  # tickets in a window, one every 20 minutes
        acted = [n for n in range(30) if said[n] > (said[n - 1] if n else 0)]
        for n in range(30):
            earlier = sum(n - window < m < n for m in acted)
            assert (n in acted) == (earlier < times), "half open, and sliding"
