"""The demo: its story happens, and a story that does not happen is not called told."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox import Deed
from gateway.demo.play import LONGEST, LOOKS, PATIENCE, _too_long
from gateway.demo.story import Story
from gateway.sandbox.main import SYSTEMS, sandbox_for

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


def test_a_machine_that_keeps_up_gets_the_short_wait_and_a_busy_one_as_many_looks() -> None:
    assert not _too_long(LONGEST - 1, LOOKS * 2)
    assert _too_long(LONGEST + 1, LOOKS)
    assert not _too_long(LONGEST + 1, LOOKS - 1)
    assert _too_long(PATIENCE + 1, 1)


@pytest.mark.slow
def test_the_demo_tells_its_story_and_ends_by_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--once"], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "✗" not in done.stdout
    assert "became one Jira issue" in done.stdout
    why = next(line for line in done.stdout.splitlines() if " why zendesk-eu:" in line)
    ref = why.split()[-1]
    told = subprocess.run(
        [sys.executable, "-m", "gateway", "-C", ".ticketgate/demo", "why", ref], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "sync-bugs-with-jira" in told.stdout
    late = next(line.split() for line in done.stdout.splitlines() if " sla zendesk-eu:" in line)
    sums = subprocess.run(
        [sys.executable, "-m", "gateway", "-C", ".ticketgate/demo", "sla", late[late.index("sla") + 1]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "breached" in sums.stdout, sums.stderr
    assert "used up" in sums.stdout
    assert "written" in told.stdout
