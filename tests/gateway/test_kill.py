"""kill -9 at any moment of `run` or `backfill`, then a new start: nothing is lost, and no reply is sent twice.

A real process is killed at each named point and at random moments; what the system received is then compared with what a few
lines of plain Python say should have happened. (A killed process cannot tell a durable commit from one that is not: that
`synchronous=FULL` is in force is a test of the store.)
"""

import random
import signal
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed, Sample
from gateway.clock import now
from gateway.failpoint import NAMES
from gateway.store import actions, inbox, runs
from gateway.store.opening import opened
from tests.gateway.forked import driven

pytestmark = pytest.mark.slow
PAGES = ("before-page", "after-page")
ACTIONS = ("before-send", "after-send", "before-commit", "after-commit")
PAGER = ("after-turn:1", "before-send:10", "after-send:10", "before-commit:10", "after-commit:10")
PER_TICKET = ("before-intend", "after-intend", "before-saw", "after-saw")
POINTS = ["after-poll", *(f"{p}:{n}" for p in PER_TICKET for n in (1, 3)), *(f"{p}:{n}" for p in ACTIONS for n in (1, 2, 7, 8, 9)), *PAGER]
"""Two tickets are routed and answered (1 to 4), then the one with the urgent reply: update, reply, note, notification, page (5 to 9).
The call of the page comes last (10)."""
MOMENTS = 20
"""Kills that must land while the process is at work; one that had come to its end by then does not count."""
TRIES = 100


def finished(folder: Path, command: str) -> None:
    """To its end, without being killed."""
    assert driven(command, folder).wait() == 0


def killed_at(folder: Path, command: str, failpoint: str) -> bool:
    """Whether it came to that point."""
    code = driven(command, folder, failpoint).wait()
    assert code in (0, -signal.SIGKILL), code
    return code == -signal.SIGKILL


def killed_after(folder: Path, command: str, seconds: float) -> bool:
    """Killed so long after it began to work; whether it was still at it."""
    (folder / "started").unlink(missing_ok=True)
    process = driven(command, folder)
    while not (folder / "started").exists() and process.runs():
        time.sleep(0.002)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def system_in(folder: Path) -> MemorySystem:
    return MemorySystem(folder / "system.json", clock=now)


def wrote(system: MemorySystem, subject: str) -> str:
    return system.people(Deed(kind="create", by="customer", sample=Sample(subject=subject, body="", created_at=now())))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A connection that was read once, and three new tickets since, one of them with an urgent answer."""
    finished(tmp_path, "once")
    system = system_in(tmp_path)
    keys = [wrote(system, f"Ticket {n}") for n in range(3)]
    system.people(Deed(kind="reply", by="customer", key=keys[0], text="This is urgent"))
    return tmp_path


def expect_all_done(folder: Path, replies: int = 1) -> None:
    """The three accounts agree: what was received, what the store says, and what the rules mean."""
    system = system_in(folder)
    received = Counter((e.kind, e.key) for e in system.effects)
    keys = system.keys()
    for key in keys:
        shown = system.shown(key)
        urgent = any("urgent" in c["text"] for c in shown["comments"])
        assert shown["group"] == "tier-1", f"{key} was not routed"
        assert received["reply", key] == replies, f"{key} had {received['reply', key]} replies"
        assert received["note", key] == int(urgent), f"{key}: what an urgent answer calls for"
        assert (shown["priority"] == "urgent") == urgent
    store = opened(f"sqlite:///{folder}/desk.db")
    with store.reading() as db:
        assert inbox.depth(db) == {}
        in_doubt = actions.for_person(db)
        assert {actions.KINDS[type(row.action)] for row in in_doubt} <= {"notify", "call"}, "only what goes to people may stay in doubt"
        assert {row.state for row in actions._rows(db)} <= {"done", "in_doubt"}
    store.close()
    urgent_ones = sum(n for (kind, _), n in received.items() if kind == "note")
    for kind, file in (("notify", "notified.jsonl"), ("call", "paged.jsonl")):
        told = folder / file
        sent = [orjson.loads(line)["key"] for line in told.read_bytes().splitlines()] if told.exists() else []
        assert len(sent) == len(set(sent)), f"no {kind} is sent twice"
        doubts = (row.key for row in in_doubt if actions.KINDS[type(row.action)] == kind)
        assert len({*sent, *doubts}) == urgent_ones, "each is sent, or reported as in doubt"


@pytest.mark.parametrize("point", POINTS)
def test_run_killed_at_a_named_point_loses_and_repeats_nothing(folder: Path, point: str) -> None:
    assert killed_at(folder, "once", point), "the run never came there, so this shows nothing"
    finished(folder, "once")
    expect_all_done(folder)


def test_every_named_point_is_among_those_that_are_tried() -> None:
    assert {point.partition(":")[0] for point in POINTS} | set(PAGES) == set(NAMES)


def test_run_killed_again_and_again_at_each_point_comes_to_its_end(folder: Path) -> None:
    for point in (name for name in NAMES if name not in PAGES):
        killed_at(folder, "once", point)
    finished(folder, "once")
    expect_all_done(folder)


@pytest.mark.parametrize("point", [*(n for n in NAMES if n not in ("after-poll", "before-saw", "after-saw", "after-turn"))])
def test_backfill_killed_at_a_named_point_goes_on_where_it_was(tmp_path: Path, point: str) -> None:
    system = system_in(tmp_path)
    keys = [wrote(system, f"Old {n}") for n in range(10)]
    assert killed_at(tmp_path, "backfill", f"{point}:2")
    finished(tmp_path, "backfill")
    expect_backfilled(tmp_path, keys)


def expect_backfilled(folder: Path, keys: list[str]) -> None:
    received = Counter((e.kind, e.key) for e in system_in(folder).effects)
    assert received == Counter({(kind, key): 1 for kind in ("update", "reply") for key in keys})
    store = opened(f"sqlite:///{folder}/desk.db")
    with store.reading() as db:
        (run,) = runs.newest(db)
    store.close()
    counts = run.counts
    assert run.state == "done"
    assert counts["seen"] == len(keys) == counts["changed"], "each ticket is counted once, as what became of it"


def test_run_killed_at_random_moments_loses_and_repeats_nothing(folder: Path) -> None:
    dice = random.Random(4711)
    system = system_in(folder)
    deaths = tries = 0
    while deaths < MOMENTS and tries < TRIES:
        key, tries = wrote(system, f"Random {tries}"), tries + 1
        if dice.random() < 0.5:
            system.people(Deed(kind="reply", by="customer", key=key, text="This is urgent"))
        deaths += killed_after(folder, "once", dice.uniform(0.0, 0.12))
    finished(folder, "once")
    assert deaths == MOMENTS, "it must have been at work when it was killed"
    expect_all_done(folder)


def test_backfill_killed_at_random_moments_counts_every_ticket_once(tmp_path: Path) -> None:
    dice = random.Random(815)
    system = system_in(tmp_path)
    keys = [wrote(system, f"Old {n}") for n in range(40)]
    deaths = tries = 0
    while deaths < MOMENTS and tries < TRIES:
        deaths, tries = deaths + killed_after(tmp_path, "backfill", dice.uniform(0.0, 0.12)), tries + 1
    finished(tmp_path, "backfill")
    assert deaths == MOMENTS, "it must have been at work when it was killed"
    store = opened(f"sqlite:///{tmp_path}/desk.db")
    with store.reading() as db:
        begun = len(runs.newest(db))
    store.close()
    if begun == 1:
        expect_backfilled(tmp_path, keys)
    else:  # the first run came to its end before a kill; another found nothing to do
        received = Counter((e.kind, e.key) for e in system_in(tmp_path).effects)
        assert received == Counter({(kind, key): 1 for kind in ("update", "reply") for key in keys})
