"""The sweep that finds what is due: the same few alarms ring, over a thousand and over a million clocks that sleep."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.store import delayed, tickets
from gateway.store.opening import Store, opened
from tests.benchmarks.figures import Figure

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DUE = 50
ROUNDS = 200


def figures() -> Iterator[Figure]:
    few, many = _cost(1_000), _cost(1_000_000)
    yield Figure("sweep over 1,000,000 sleeping clocks (floor: over 1,000)", many, "ms", floor=few, goal=2.0)


def _cost(sleeping: int) -> float:
    """Milliseconds of CPU of one sweep that finds `DUE` tickets; the best of three runs of many."""
    with tempfile.TemporaryDirectory() as folder:
        store = opened(f"sqlite:///{Path(folder)}/desk.db")
        try:
            _sleep(store, sleeping)
            return min(_swept(store) for _ in range(3))
        finally:
            store.close()


def _sleep(store: Store, count: int) -> None:
    late = (("desk", f"due-{n}", NOW - timedelta(seconds=n)) for n in range(DUE))
    later = (("desk", f"T-{n}", NOW + timedelta(seconds=1 + n % 500_000)) for n in range(count))
    with store.writing() as db:
        rows = [(connection, key, f"{at:%Y-%m-%d %H:%M:%S.%f}") for some in (late, later) for connection, key, at in some]
        db.exec_driver_sql("insert into alarm (connection, key, at) values (?, ?, ?)", rows)


def _swept(store: Store) -> float:
    began = time.process_time()
    for _ in range(ROUNDS):
        with store.reading() as db:
            found, following = tickets.ringing(db, NOW), tickets.next_alarm(db, NOW)
            delayed.following(db)
        assert len(found) == DUE
        assert following == NOW + timedelta(seconds=1)
    return (time.process_time() - began) / ROUNDS * 1000
