"""The daemon as a process sees it: several connections at once, an orderly end, an end for one connection alone."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Unauthorized, Unreadable
from connectors.memory import Failure
from gateway.clock import now
from gateway.daemon import Daemon
from gateway.store import connections
from tests.gateway.memory_desk import Office, an_office

ROOT = Path(__file__).parents[2]


class WallClock:
    """The real clock, in the shape of the tests' hands."""

    def __call__(self) -> Any:
        return now()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    @property
    def now(self) -> Any:
        return now()


def until(what: Callable[[], bool], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def running(office: Office) -> Iterator[Daemon]:
    polls = dict.fromkeys(office.systems, timedelta(seconds=0.2))
    gateway = office.gateway
    daemon = Daemon(gateway.house, gateway.cycle, gateway.signals, gateway.brake, polls, pager=gateway.pager, outbound=gateway.outbound)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        yield daemon
    finally:
        daemon.stop()
        thread.join(10)
        assert not thread.is_alive(), "it ends when it is told to"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, connections=("desk", "other"), hands=WallClock()) as office:  # type: ignore[arg-type]
        yield office


def read(office: Office, name: str) -> bool:
    with office.gateway.store.reading() as db:
        return connections.standing(db, name).polled_at is not None


def test_new_tickets_of_all_connections_are_answered_while_it_runs(office: Office) -> None:
    with running(office):
        until(lambda: read(office, "desk") and read(office, "other"))
        for _ in range(5):
            office.customer_writes(connection="desk")
            office.customer_writes(connection="other")
        until(lambda: len(office.effects("desk", "reply")) == len(office.effects("other", "reply")) == 5)
    assert len(office.effects("desk")) == len(office.effects("other")) == 10


def test_a_connection_that_fails_is_its_own_affair(office: Office) -> None:
    office.connectors["desk"].failures.append(Failure(Unauthorized("desk", "401"), "changed"))
    office.connectors["other"].failures.append(Failure(Unreadable("other", "half a body"), "changed"))
    with running(office):
        until(lambda: read(office, "other"))
        office.customer_writes(connection="other")
        until(lambda: len(office.effects("other", "reply")) == 1)
    with office.gateway.store.reading() as db:
        assert {s.connection: s.state for s in connections.all_of(db)} == {"desk": "stopped", "other": "ok"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_ends_in_good_order_when_it_is_asked_to(tmp_path: Path, number: signal.Signals, code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "tests.gateway.driver", "run", str(tmp_path)], env=environment, cwd=ROOT)
    try:
        until(lambda: (tmp_path / "polls").exists(), 60)  # it reads, so it listens
        process.send_signal(number)
        assert process.wait(timeout=60) == code
    finally:
        process.kill()
        process.wait()


def daemon_of(office: Office, reload: Callable[[Any], Any] | None = None) -> Daemon:
    house, polls = office.gateway, dict.fromkeys(office.systems, timedelta(seconds=0.2))
    return Daemon(house.house, house.cycle, house.signals, house.brake, polls, reload, pager=house.pager, outbound=house.outbound)


def test_a_stop_waits_for_what_is_in_hand_no_longer_than_told(office: Office) -> None:
    """The process is then ended as a kill would end it; the next start carries on."""
    at_work, silent, left = threading.Event(), threading.Event(), threading.Event()

    def never_ending(_: Any) -> None:
        at_work.set()
        silent.wait(60)

    daemon = daemon_of(office, never_ending)
    thread = threading.Thread(target=daemon.run, args=(0.2, lambda code: left.set()))
    thread.start()
    assert at_work.wait(60)
    daemon.stop()
    assert left.wait(60)
    silent.set()
    thread.join(60)
    assert not thread.is_alive()


def test_a_stop_that_ends_in_time_ends_by_itself(office: Office) -> None:
    left, daemon = threading.Event(), daemon_of(office)
    thread = threading.Thread(target=daemon.run, args=(3600.0, lambda code: left.set()))
    thread.start()
    until(lambda: read(office, "desk"), 60)
    daemon.stop()
    thread.join(60)
    assert (thread.is_alive(), left.is_set()) == (False, False)
