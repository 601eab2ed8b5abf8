"""kill -9 at each moment of a file's way to Salesforce, then a new start: it is there exactly once, whole, and the intent is settled."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors import load
from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox import Deed, Sample
from gateway import clock
from gateway.assemble import Gateway, put_together
from gateway.config import Config
from gateway.failpoint import FILE_NAMES
from gateway.retrying import Patience
from gateway.sandbox.host import in_thread
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
    if: { connection: [desk, crm] }
    then: [{ sync: { with: crm, if_missing: create, attachments: { direction: { owner: desk }, only: all } } }]
"""
SYSTEMS = {"desk": "memory", "crm": "salesforce"}
POINTS = ("before-send", *FILE_NAMES)
"""Before the file's own intent, before it is sent, and before what became of it is known."""


def a_gateway(folder: Path, address: str, running: str) -> Gateway:
    tells, cls = clock.from_text(running), load("salesforce")
    sign_in: Any = SalesforceSandbox.sign_in()
    settings = cls.Settings(url=SalesforceSandbox.url(), via=address, sign_in=sign_in)  # type: ignore[call-arg]
    desk = MemoryConnector("desk", MemorySystem(folder / "system.json", clock=tells), MemorySettings())
    there = {"desk": desk, "crm": cls.opened("crm", settings)}
    known: dict[str, Any] = {key: {n: getattr(c.abilities, key) for n, c in there.items()} for key in ("reads", "writes", "attaches")}
    both = frozenset(there)
    bundle, _ = check({"rules/10.yaml": RULES}, Desk(connections=SYSTEMS, replies=both, notes=both, creates=both, **known), no_holidays)
    assert bundle is not None
    connections = {name: {"system": system} for name, system in SYSTEMS.items()}
    config = Config.model_validate({"version": "1", "database": "sqlite:///desk.db", "connections": connections})
    return put_together(config, bundle, there, folder, tells, None, Patience(first=0.01), tells)


def once(folder: Path, address: str, running: str, failpoint: str) -> None:
    """What a process does: until nothing waits."""
    os.environ["TICKETGATE_FAILPOINT"] = failpoint
    gateway = a_gateway(folder, address, running)
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
    """A ticket of the desk, with its case."""

    folder: Path
    address: str
    running: str
    system: MemorySystem
    sandbox: SalesforceSandbox

    def run(self, failpoint: str = "") -> int:
        return Forked(once, self.folder, self.address, self.running, failpoint).wait()

    def files(self) -> list[tuple[str, str]]:
        return [(file["name"], file["sha256"]) for key in sorted(self.sandbox.keys()) for file in self.sandbox.shown(key)["files"]]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    running = clock.written(datetime(2026, 3, 2, 8, tzinfo=UTC), 120, time.time())
    tells = clock.from_text(running)
    sandbox = SalesforceSandbox(tells)
    with in_thread(sandbox) as served:
        made = Pair(tmp_path, served["salesforce"].address, running, MemorySystem(tmp_path / "system.json", clock=tells), sandbox)
        assert made.run() == 0, "the first read"
        yield made


def test_killed_at_each_point_of_its_way_a_file_is_there_once_and_whole(pair: Pair) -> None:
    key = pair.system.people(Deed(kind="create", by="customer", sample=Sample(subject="Logs", body="", created_at=pair.sandbox.clock())))
    assert sooner_or_later(lambda: pair.run() == 0 and len(pair.sandbox.keys()) == 1)
    expected: list[tuple[str, str]] = []
    for point in POINTS:
        content = f"killed at {point}"
        pair.system.people(Deed(kind="attach", key=key, by="customer", text=f"{point}.log", fields={"content": content}))
        expected.append((f"{point}.log", hashlib.sha256(content.encode()).hexdigest()))

        assert sooner_or_later(partial(killed, pair, point)), f"it never came to {point}"
        assert sooner_or_later(partial(finished, pair, expected)), f"{point}: {pair.files()}"
    assert pair.run() == 0
    assert pair.files() == expected
    assert [e.kind for e in pair.sandbox.effects].count("attach") == len(POINTS)
    assert len(pair.sandbox.org.all("ContentVersion")) == len(POINTS), "nothing was stored twice, either"


def killed(pair: Pair, point: str) -> bool:
    return pair.run(point) == -signal.SIGKILL


def finished(pair: Pair, expected: list[tuple[str, str]]) -> bool:
    return pair.run() == 0 and pair.files() == expected
