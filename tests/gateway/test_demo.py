"""The demo: its story happens, and a story that does not happen is not called told."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox import Deed
from gateway.clock import Skipping
from gateway.demo.hours import LONGEST, SHORTEST, Hours
from gateway.demo.story import Story
from gateway.sandbox.main import SYSTEMS, sandbox_for
from gateway.store import connections, inbox, tickets
from gateway.store.opening import opened
from tests.builders import a_ref

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Untouched:
    """Four sandboxes in which people act and no gateway ever does."""

    def __init__(self) -> None:
        self.sandboxes = {system: sandbox_for(system, lambda: NOON) for system in SYSTEMS}

    def effects(self, system: str) -> list[dict[str, Any]]:
        return self.sandboxes[system].effects_as_json()

    def shown(self, system: str, key: str) -> dict[str, Any]:
        return self.sandboxes[system].shown(key)

    def act(self, system: str, deed: Deed) -> str:
        return self.sandboxes[system].people(deed)


def test_where_no_gateway_acts_no_part_of_the_story_counts_as_told() -> None:
    story = Story(Untouched(), lambda: NOON)
    while story.tell():
        pass
    assert {"export", "silence", "case", "incident", "japanese", "vip"} <= story.told
    assert not any(story.promises().values())


@pytest.fixture
def hours(tmp_path: Path) -> Iterator[Hours]:
    """A store whose one connection was just read, and from which nothing waits."""
    store = opened(f"sqlite:///{tmp_path}/desk.db")
    skipped: list[timedelta] = []
    hours = Hours(store, Skipping(lambda: NOON), skipped.append)
    read(hours)
    yield hours
    assert sum(skipped, NOON - NOON) == hours.clock.ahead, "the sandboxes go by the same clock"
    store.close()


def read(hours: Hours) -> None:
    with hours.store.writing() as db:
        connections.connected(db, "desk", hours.clock())
        connections.moved(db, "desk", "here", None, hours.clock())


def test_time_passes_when_every_system_was_read_and_nothing_waits(hours: Hours) -> None:
    assert hours.go_on()
    assert hours.clock() == NOON + LONGEST


def test_time_stands_until_what_happened_in_the_skipped_minute_was_read(hours: Hours) -> None:
    hours.go_on()
    assert not hours.go_on()
    read(hours)
    assert hours.go_on()


def test_time_stands_while_a_ticket_waits_to_be_looked_at(hours: Hours) -> None:
    with hours.store.writing() as db:
        inbox.put_refs(db, [a_ref("desk:1")], NOON, "look")
    assert not hours.go_on()
    with hours.store.writing() as db:
        inbox.settle_ticket(db, a_ref("desk:1"))
    assert hours.go_on()


def test_time_stops_at_the_next_alarm_until_it_was_answered(hours: Hours) -> None:
    soon = NOON + SHORTEST * 1.5
    with hours.store.writing() as db:
        tickets.look_again(db, a_ref("desk:1"), soon)
    assert hours.go_on()
    assert hours.clock() == soon
    read(hours)
    assert not hours.go_on()


@pytest.mark.slow
def test_the_demo_tells_its_story_and_ends_by_itself(tmp_path: Path) -> None:
    told = ticketgate(tmp_path, "demo", "--once")
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert "✗" not in told.stdout
    assert "became one Jira issue" in told.stdout
    why = named(told.stdout, "why")
    explained = ticketgate(tmp_path, *why)
    assert explained.returncode == 0, explained.stderr
    first_pass = explained.stdout.splitlines()[-1].split()[0]
    made = ticketgate(tmp_path, *why, "--pass", first_pass).stdout.partition(" written\n")[2]
    assert re.search(r"done +create +a ticket in jira-core", made), explained.stdout
    sums = ticketgate(tmp_path, *named(told.stdout, "sla"))
    assert "breached" in sums.stdout, sums.stderr
    assert "used up" in sums.stdout


def ticketgate(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def named(said: str, verb: str) -> list[str]:
    """The command of that verb which the demo says is worth typing, as it stands there."""
    line = next(line for line in said.splitlines() if f" {verb} zendesk-eu:" in line)
    return shlex.split(line, comments=True)[line.split().index("-C") :]
