"""Reading and normalizing alone: against the same pages by httpx and orjson, and against the SDK's own objects.

The floor asks exactly the requests that we asked. The SDK reads the same tickets in its own way, over the same session. zenpy and jira
make objects of them; pysnow and simple-salesforce hand out the decoded JSON as it is, so there is nothing to be three times faster than,
and their ratio is printed without a goal.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.backfill import SYSTEMS, TICKETS, Sandbox, a_desk, served
from tests.benchmarks.figures import PYTHON, Figure, run

ROUNDS = 3
TIMES = 4
"""How often one process reads all: 200,000 tickets, over which its memory must stay flat."""
SOCKETS = 16
WITH_OBJECTS = ("zendesk", "jira")


def figures() -> Iterator[Figure]:
    for system in SYSTEMS:
        with served(system) as sandbox, tempfile.TemporaryDirectory() as folder:
            yield from _of(system, sandbox, a_desk(Path(folder) / "desk", system, sandbox.address))


def _of(system: str, sandbox: Sandbox, desk: Path) -> Iterator[Figure]:
    """The best of a few rounds of each, in turn."""
    ours, floors, theirs = [], [], []
    for _ in range(ROUNDS):
        sandbox.asks("forget")
        ours.append(_read(desk, "ours", 1))
        pages = desk / "pages.json"
        pages.write_bytes(sandbox.asks("requests"))
        floors.append(float(run(PYTHON, "-m", "tests.benchmarks.floor", sandbox.address, str(pages)).out))
        theirs.append(_read(desk, "sdk", 1))
    best, sdk = min(one["cpu"] for one in ours), min(one["cpu"] for one in theirs)
    name = f"{system}: {TICKETS:,} tickets read"
    yield Figure(f"{name}: CPU", best, "s", min(floors), goal=1.6, remark=f"{best / TICKETS * 1e6:.1f} µs a ticket")
    yield Figure(f"{name}: CPU against the SDK's own objects", best, "s", sdk, goal=1 / 3 if system in WITH_OBJECTS else None)
    long = _read(desk, "ours", TIMES)
    early = next(m for seen, m in long["memory"].items() if int(seen) >= min(10_000, TICKETS))
    yield Figure(f"{system}: memory after {TICKETS * TIMES:,} against 10,000", list(long["memory"].values())[-1], "MB", early, goal=1.1)
    yield Figure(f"{system}: most open sockets", long["sockets"], "", limit=SOCKETS)


def _read(desk: Path, how: str, times: int) -> dict[str, Any]:
    found = orjson.loads(run(PYTHON, "-m", "tests.benchmarks.reads", str(desk), how, str(times)).out)
    if found["seen"] != TICKETS * times:
        raise RuntimeError(f"{how}: {found['seen']} tickets were read, not {TICKETS * times}")
    return dict(found)
