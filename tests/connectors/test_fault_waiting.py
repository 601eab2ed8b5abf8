"""Rows of the fault matrix that are survived by waiting: what is not there yet, what got lost, and systems that refuse or are down."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import Transient
from connectors.sandbox import Deed
from connectors.shared import Shared
from gateway.budget import StoredMeter
from gateway.sandbox.switches import RateLimit
from gateway.store import aliases
from rules.ticket import replace
from tests.connectors.faulty import SECRET, hears, hide, noted, standing, there, urgent
from tests.over import NAME, RULES, Over, a_gateway
from tests.rigs import ROWS_OVER_HTTP, Rig, a_sample, some_samples

WELCOME = """
version: 1
rules:
  - id: welcome
    when: created
    then:
      - note: { text: "We have it." }
"""
WAITS = [("7", 7.0), ("1.5", 1.5), ("-5", 0.0), ("soon", None), (None, None), ("1000000000", 3600.0)]
DATES = [
    ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
    ("Mon, 02 Mar 2026 11:59:30 GMT", 0.0),
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ("Fri, 31 Dec 2060 00:00:00 GMT", 3600.0),
]
"""By the system's clock, which stands at noon."""


@pytest.fixture(scope="module", params=ROWS_OVER_HTTP)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Iterator[Over]:
    rules = f"{WELCOME}{RULES.partition('rules:')[2]}"
    with a_gateway(rig, tmp_path, rules, pushes={"secret": SECRET}) as one:
        yield one


def looks(desk: Over, *later: int) -> list[int]:
    """How many tickets the worker looked at after each of these seconds."""
    found = []
    for seconds in later:
        desk.rig.later(timedelta(seconds=seconds))
        found.append(desk.worker().drain().looked)
    return found


def another_process(desk: Over, folder: Path) -> StoredMeter:
    """Who counts the same connection's requests there."""
    clock = desk.rig.clock
    return StoredMeter(f"sqlite:///{folder / 'desk.db'}", NAME, wall=clock, steady=lambda: clock().timestamp())


def made(rig: Rig) -> str:
    """A customer writes."""
    return there(rig).people(Deed(kind="create", by="customer", sample=replace(a_sample(), created_at=rig.clock())))


def test_a_ticket_that_was_announced_and_is_not_shown_yet_is_asked_for_later_and_not_lost(desk: Over) -> None:
    """Fault row F15."""
    rig = desk.rig
    rig.load(a_sample())
    desk.round()
    webhooks = hears(desk)
    soon = made(rig)
    webhooks.flush()
    hide(rig, soon)
    assert looks(desk, 0, 4) == [1, 0]
    there(rig).faults.clear()
    assert looks(desk, 2) == [1]
    assert noted(rig) == [soon]

    late = made(rig)
    webhooks.flush()
    hide(rig, late)
    assert looks(desk, 0, 4, 2, 25, 6, 110, 20, 600) == [1, 0, 1, 0, 1, 0, 1, 0]
    with desk.gateway.store.reading() as db:
        assert [a.how for a in aliases.led_to(db, desk.ref(late))] == ["missing"]
    there(rig).faults.clear()
    desk.round()
    assert noted(rig) == [soon, late]


def test_what_lost_webhooks_told_of_is_found_by_the_next_poll(desk: Over) -> None:
    """Fault row F16."""
    keys = desk.rig.load(*some_samples(12))
    desk.round()
    webhooks = hears(desk, drop=0.3)
    for key in keys:
        desk.rig.people("set", key, priority="urgent")
    webhooks.flush()
    desk.worker().drain()
    heard = urgent(desk, *keys)
    assert (len(heard), webhooks.dropped > 0) == (12 - webhooks.dropped, True)

    desk.round()

    assert urgent(desk, *keys) == keys


def test_nothing_is_asked_while_the_system_says_wait(desk: Over, tmp_path: Path) -> None:
    """Fault row F17: no request of a poll, a worker or another process falls into the time that the vendor asked for."""
    rig = desk.rig
    keys = rig.load(*some_samples(2, status="open"))
    desk.round()
    for key in keys:
        rig.people("set", key, status="resolved")
    other, told = rig.connector(shared=Shared(meter=another_process(desk, tmp_path))), 0
    limit = there(rig).switches.limit = RateLimit(most=6, per=60, wait=40)
    ends = rig.clock() + timedelta(minutes=5)
    while len(noted(rig)) < len(keys) and rig.clock() < ends:
        rig.later(timedelta(seconds=20))
        desk.gateway.daemon().once()
        try:
            other.fetch(keys[0])
        except Transient:
            told += 1

    assert there(rig).switches.breaches == []
    assert (limit.until is not None, told > 0) == (True, True)
    assert sorted(noted(rig)) == sorted(keys)


def test_however_the_waiting_time_is_said_it_is_between_none_and_an_hour(rig: Rig) -> None:
    """Fault row F18."""
    connector = rig.connector()
    key = rig.load(a_sample())[0]
    connector.check_sign_in()
    for said, wait in [*WAITS, *DATES]:
        rig.fault("retry_after", retry_after=said)
        with pytest.raises(Transient) as told:
            connector.fetch(key)
        assert told.value.retry_after == wait, said


def test_a_storm_of_refusals_costs_no_more_than_the_refused_requests(desk: Over) -> None:
    """Fault row F19: every second request is refused, and of the others there are no more than on a calm day, but for one in ten."""
    rig = desk.rig
    keys = rig.load(*some_samples(6))
    desk.round()
    calm = asked(desk, keys, "high")
    rig.fault("retry_after", retry_after="1", times=200, every=2)
    stormy, refused = asked(desk, keys, "urgent"), 200 - there(rig).faults[0].times

    assert urgent(desk, *keys) == keys
    assert 0 < stormy - refused <= 1.1 * calm
    assert refused > 0


def asked(desk: Over, keys: list[str], priority: str) -> int:
    """Requests of a round after somebody set all of them to that priority, and a customer asked about one."""
    for key in keys:
        desk.rig.people("set", key, priority=priority)
    desk.rig.people("reply", keys[0], "Any news?", by="customer")
    before = there(desk.rig).requests
    desk.round()
    return there(desk.rig).requests - before


@pytest.mark.parametrize("system", ["zendesk"], indirect=True)
def test_a_system_that_is_down_for_ten_minutes_is_probed_now_and_then_and_what_waits_is_done_in_order(desk: Over) -> None:
    """Fault row F20: after the patience of one call the rests begin, at the end of each a single request is tried."""
    rig, port = desk.rig, there(desk.rig)
    keys = rig.load(*some_samples(4))
    desk.round()
    webhooks = hears(desk)
    for key in reversed(keys):
        rig.people("set", key, priority="urgent")
    webhooks.flush()
    rig.fault("status", status=503, times=10_000)
    began, probes = rig.clock(), []
    while rig.clock() - began < timedelta(minutes=10):
        before = port.requests
        desk.gateway.daemon().once()
        probes.append(port.requests - before)
        rig.later(timedelta(seconds=25))
    state = standing(desk).state
    port.faults.clear()
    port.exchanges.clear()
    rig.later(timedelta(seconds=30))
    desk.gateway.daemon().once()

    assert state == "paused"
    assert (probes[0], max(probes[1:])) == (desk.gateway.house.patience.tries, 1)
    assert 10 <= sum(probes[1:]) <= 15
    assert [re.findall(r"/tickets/(\d+)", e.request.path) for e in port.exchanges] == [[], *([key] for key in reversed(keys))]
    assert urgent(desk, *keys) == keys
    assert standing(desk).state == "ok"
