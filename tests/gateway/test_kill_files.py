"""kill -9 at each moment of a file's way to a partner that knows no mark of ours, then a new start: it is there exactly once, and whole."""

import hashlib
import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed, Sample
from gateway import clock
from gateway.assemble import Gateway, put_together
from gateway.config import Config
from gateway.failpoint import FILE_NAMES
from gateway.retrying import Patience
from gateway.store import inbox
from rules.bundle import Desk
from rules.reader import check
from tests.gateway.forked import Forked
from tests.gateway.memory_desk import no_holidays
from tests.gateway.test_kill_wire import sooner_or_later

pytestmark = pytest.mark.slow
RULES = """
version: 1
rules:
  - id: in-step
    when: [created, updated]
    if: { connection: [desk, core] }
    then: [{ sync: { with: core, if_missing: create, attachments: { direction: { owner: desk }, only: all } } }]
"""
NAMES = ("desk", "core")
POINTS = ("before-send", *FILE_NAMES)
"""Before the file's own intent, before it is sent, and before what became of it is known."""


def system_in(folder: Path, name: str, running: str) -> MemorySystem:
    return MemorySystem(folder / f"{name}.json", clock=clock.from_text(running))


def a_gateway(folder: Path, running: str) -> Gateway:
    there = {name: MemoryConnector(name, system_in(folder, name, running), MemorySettings()) for name in NAMES}
    known: dict[str, Any] = {key: {n: getattr(c.abilities, key) for n, c in there.items()} for key in ("reads", "writes", "attaches")}
    both, systems = frozenset(NAMES), dict.fromkeys(NAMES, "memory")
    bundle, _ = check({"rules/10.yaml": RULES}, Desk(connections=systems, replies=both, notes=both, creates=both, **known), no_holidays)
    assert bundle is not None
    connections = {name: {"system": "memory"} for name in NAMES}
    config = Config.model_validate({"version": "1", "database": "sqlite:///desk.db", "connections": connections})
    tells = clock.from_text(running)
    return put_together(config, bundle, there, folder, tells, None, Patience(first=0.01), tells)


def once(folder: Path, running: str, failpoint: str) -> None:
    """What a process does: until nothing waits."""
    os.environ["TICKETGATE_FAILPOINT"] = failpoint
    gateway = a_gateway(folder, running)
    try:
        depth = {"": 1}
        while depth:
            gateway.daemon().once()
            with gateway.store.reading() as db:
                depth = inbox.depth(db)
    finally:
        gateway.close()


@dataclass
class Pair:
    """A ticket of the desk, with its partner."""

    folder: Path
    running: str

    def system(self, name: str) -> MemorySystem:
        return system_in(self.folder, name, self.running)

    def run(self, failpoint: str = "") -> int:
        return Forked(once, self.folder, self.running, failpoint).wait()

    def files(self) -> list[tuple[str, str]]:
        core = self.system("core")
        return [(file["name"], file["sha256"]) for key in sorted(core.keys()) for file in core.shown(key)["files"]]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = Pair(tmp_path, clock.written(datetime(2026, 3, 2, 8, tzinfo=UTC), 120, time.time()))
    assert made.run() == 0, "the first read"
    return made


def test_killed_at_each_point_of_its_way_a_file_is_there_once_and_whole(pair: Pair) -> None:
    desk, now = pair.system("desk"), clock.from_text(pair.running)()
    key = desk.people(Deed(kind="create", by="customer", sample=Sample(subject="Logs", body="", created_at=now)))
    assert sooner_or_later(lambda: pair.run() == 0 and len(pair.system("core").keys()) == 1)
    expected: list[tuple[str, str]] = []
    for point in POINTS:
        content = f"killed at {point}"
        desk.people(Deed(kind="attach", key=key, by="customer", text=f"{point}.log", fields={"content": content}))
        expected.append((f"{point}.log", hashlib.sha256(content.encode()).hexdigest()))

        assert sooner_or_later(partial(killed, pair, point)), f"it never came to {point}"
        assert sooner_or_later(partial(finished, pair, expected)), f"{point}: {pair.files()}"
    assert pair.files() == expected
    assert [e.kind for e in pair.system("core").effects].count("attach") == len(POINTS)


def killed(pair: Pair, point: str) -> bool:
    return pair.run(point) == -signal.SIGKILL


def finished(pair: Pair, expected: list[tuple[str, str]]) -> bool:
    return pair.run() == 0 and len(pair.files()) >= len(expected)
