"""Two real processes on one store: each action once, each connection read by one of them, and a sleeper that wakes up touches nothing."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.sandbox import Deed
from gateway.store import inbox
from gateway.store.opening import opened
from gateway.store.schema import action, pass_, stage
from tests.gateway.forked import Forked, driven
from tests.gateway.test_kill import expect_all_done, finished, system_in, wrote

pytestmark = pytest.mark.slow
LEASE = 2.0
WORKING = ("before-intend", "after-intend", "before-send", "after-send", "after-commit", "before-saw", "after-saw")


@contextmanager
def started(folder: Path, command: str, failpoint: str = "") -> Iterator[Forked]:
    process = driven(command, folder, failpoint, LEASE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(what: Any, seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def stands_still(process: Forked) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def records(folder: Path) -> list[Any]:
    """What the store says of actions, passes and stages; not of tickets, which whoever works next looks at again."""
    store = opened(f"sqlite:///{folder}/desk.db")
    with store.reading() as db:
        found = [db.execute(sa.select(table)).all() for table in (action, pass_, stage)]
    store.close()
    return found


def polls(folder: Path) -> list[tuple[float, str]]:
    return [(float(at), who) for at, who in (line.split() for line in (folder / "polls").read_text().splitlines())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A connection that was read once, and three new tickets since, one of them with an urgent answer."""
    finished(tmp_path, "once")
    system = system_in(tmp_path)
    keys = [wrote(system, f"Ticket {n}") for n in range(3)]
    system.people(Deed(kind="reply", by="customer", key=keys[0], text="This is urgent"))
    return tmp_path


@pytest.mark.parametrize("point", WORKING)
def test_a_process_that_stood_still_beyond_its_lease_writes_and_sends_nothing_more(folder: Path, point: str) -> None:
    with started(folder, "once", f"{point}:1:stop") as sleeper:
        until(lambda: stands_still(sleeper))
        time.sleep(LEASE)

        with started(folder, "once") as other:
            assert other.wait() == 0
        expect_all_done(folder)
        before = records(folder)
        effects = system_in(folder).effects
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait() == 0

    assert system_in(folder).effects == effects, "it did not send again"
    assert records(folder) == before, "its late writes touched no row"
    expect_all_done(folder)


def test_a_reader_that_stood_still_stores_no_page_over_the_other_s(folder: Path) -> None:
    with started(folder, "once", "after-poll:1:stop") as sleeper:
        until(lambda: stands_still(sleeper))
        time.sleep(LEASE)
        finished(folder, "once")
        before = records(folder)
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait() == 0
    assert records(folder) == before
    expect_all_done(folder)


def test_two_daemons_do_each_thing_once_and_one_of_them_reads(folder: Path) -> None:
    system = system_in(folder)
    (folder / "polls").unlink()
    begun = time.monotonic()
    with started(folder, "run") as one, started(folder, "run") as two:
        until(lambda: (folder / "polls").exists())
        keys = [wrote(system, f"Busy {n}") for n in range(40)]
        for n in range(3):
            for key in keys:
                system.people(Deed(kind="reply", by="customer", key=key, text="This is urgent" if n == 2 else "And another thing"))
        until(lambda: _quiet(folder) and all(_replied(system, key) for key in keys) and _all_done(folder), 60)
        for process in (one, two):
            process.send_signal(signal.SIGTERM)
        assert {one.wait(), two.wait()} == {143}
    expect_all_done(folder)
    read = polls(folder)
    assert len({who for _, who in read}) == 1, "the other one left the reading to it"
    assert len(read) <= read[-1][0] - begun + 2, "once in an interval of a second"


def test_when_the_reader_dies_the_other_daemon_reads_on(folder: Path) -> None:
    (folder / "polls").unlink()
    with started(folder, "run") as one, started(folder, "run") as two:
        until(lambda: (folder / "polls").exists())
        reader = next(p for p in (one, two) if str(p.pid) == polls(folder)[0][1])
        reader.send_signal(signal.SIGKILL)
        reader.wait()
        key = wrote(system_in(folder), "After the death")
        until(lambda: _replied(system_in(folder), key) and _quiet(folder) and _all_done(folder), 40)
        heir = two if reader is one else one
        heir.send_signal(signal.SIGTERM)
        assert heir.wait() == 143
    expect_all_done(folder)


def _quiet(folder: Path) -> bool:
    store = opened(f"sqlite:///{folder}/desk.db")
    with store.reading() as db:
        depth = inbox.depth(db)
    store.close()
    return not depth


def _all_done(folder: Path) -> bool:
    """A daemon calls people out beside its work on tickets, so that comes a moment later."""
    try:
        expect_all_done(folder)
    except AssertionError:
        return False
    return True


def _replied(system: Any, key: str) -> bool:
    comments = system.shown(key)["comments"]
    urgent = any("urgent" in c["text"] for c in comments)
    return {"We have it.", *({"The customer is in a hurry."} if urgent else ())} <= {c["text"] for c in comments if c["by"] == "api"}
