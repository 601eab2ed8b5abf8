"""The system in a dictionary: what tests lean on beyond the contract."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import Custom
from connectors.errors import InDoubt, Transient
from connectors.memory import Failure, MemoryConnector, MemorySettings
from connectors.memory_system import START, MemorySystem
from connectors.sandbox import Deed
from rules.plan import Draft
from rules.ticket import Level, Status
from tests.rigs import a_sample

ROOT = Path(__file__).parent.parent.parent
MARK = "0123456789abcdef0123456789abcdef"


def test_a_write_that_changes_nothing_leaves_no_trace() -> None:
    memory = MemoryConnector("here")
    key = memory.system.load([a_sample(priority="high")])[0]
    before = memory.fetch(key)

    receipt = memory.update(key, {"priority": Level.HIGH}, version=before.version)

    assert memory.fetch(key) == before
    assert receipt.version == before.version
    assert memory.history(key) == ()


def test_without_a_clock_each_write_is_a_second_later() -> None:
    system = MemorySystem()
    key = system.load([a_sample()])[0]

    system.people(Deed(kind="set", key=key, fields={"status": "open"}))
    system.advance(timedelta(minutes=5))
    system.people(Deed(kind="set", key=key, fields={"status": "pending"}))

    assert [c.at - START for c in MemoryConnector("here", system).history(key)] == [timedelta(seconds=1), timedelta(minutes=5, seconds=2)]


def test_a_failure_strikes_once_before_or_after() -> None:
    memory = MemoryConnector("here")
    key = memory.system.load([a_sample()])[0]
    memory.failures += [Failure(Transient("here", "down"), "comment"), Failure(InDoubt("here", "lost"), "comment", after=True)]

    for error in (Transient, InDoubt):
        with pytest.raises(error):
            memory.comment(key, "Hello", public=True, mark=MARK)
        memory.fetch(key)

    assert [e.kind for e in memory.system.effects] == ["reply"]
    assert memory.failures == []


def test_our_own_fields_are_kept_under_their_remote_names() -> None:
    own = (Custom("product", "u_product"), Custom("seats", "u_seats", "number"), Custom("areas", "u_areas", "set"))
    memory = MemoryConnector("here", custom=own)
    values = {"product": "api", "custom.seats": 5.0, "custom.areas": frozenset({"b", "a"})}

    key = memory.create(Draft(fields={"subject": "x", **values}), mark=MARK).key

    made = memory.fetch(str(key))
    assert made.product == "api"
    assert made.custom == {"seats": 5.0, "areas": frozenset({"a", "b"})}
    assert memory.system.record(str(key))["u_areas"] == ["a", "b"]


def test_the_deleted_are_named_once() -> None:
    memory = MemoryConnector("here")
    keys = memory.system.load([a_sample("One"), a_sample("Two")])
    cursor = list(memory.changed(START - timedelta(days=1)))[-1].cursor
    memory.system.people(Deed(kind="delete", key=keys[0]))

    page = list(memory.changed(cursor))[-1]

    assert page.gone == (keys[0],)


def test_several_processes_share_a_system_in_a_file(tmp_path: Path) -> None:
    url = f"memory://{tmp_path}/desk.json"
    here, there = (MemoryConnector.opened(name, MemorySettings(url=url)) for name in ("here", "there"))
    key = here.system.load([a_sample()])[0]

    there.update(key, {"status": Status.OPEN}, version=there.fetch(key).version)

    assert here.fetch(key).status == Status.OPEN
    assert [e.kind for e in here.system.effects] == ["update"]


WRITER = """
import sys
from connectors.memory import MemoryConnector, MemorySettings
memory = MemoryConnector.opened("here", MemorySettings(url=sys.argv[1]))
for n in range(100000):
    memory.comment("M-1", f"Comment {n}", public=True, mark=f"{n:032x}")
    print(n, flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_it_was_told_was_done(tmp_path: Path) -> None:
    url = f"memory://{tmp_path}/desk.json"
    memory = MemoryConnector.opened("here", MemorySettings(url=url))
    memory.system.load([a_sample()])
    with subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(40)]
        process.kill()
        told += process.stdout.readlines()

    whole = [line for line in told if line.endswith("\n")]
    assert len(memory.comments("M-1")) in (len(whole), len(whole) + 1)
