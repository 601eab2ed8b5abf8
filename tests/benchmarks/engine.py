"""The rule engine against a naive judge, timed in the same run: the workload of `TICKETGATE_RULE_BENCH`, and our own.

The folder holds plain rules and tickets and a reference that walks each rule's tree (`reference.py`, `workload.py`); without it only our
own workload is measured, of which no goal is known but that the matches are the same and the cost grows as it should.

What runs asks for all matches of one ticket (`Index.candidates`, also where a set picks the first: a rule that acts may change what the
next one sees), and of a page whether anything matches at all (`could_match_any`), which costs what its first matches do.
"""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.figures import PYTHON, ROOT, Figure, run

SIZES = (100, 1_000, 5_000)
TIMES_FASTER = {("page", 1_000): 55, ("page", 5_000): 100, ("first_page", 1_000): 10, ("first", 1_000): 10}
LOAD = {1_000: (0.5, 30.0), 5_000: (2.0, 100.0)}  # seconds, MB
GROWTH = {"page": 0.7, "first_page": 0.4, "first": 0.4}
BESIDE = ROOT.parent / "shared" / "bench" / "rules"
CALLED = {
    "page": "all matches, a page of 100 at a time",
    "all": "all matches, one by one",
    "first_page": "first match, a page of 100 at a time",
    "first": "first match, one by one",
}


def figures() -> Iterator[Figure]:
    folder = os.environ.get("TICKETGATE_RULE_BENCH") or (str(BESIDE) if (BESIDE / "reference.py").exists() else None)
    if folder is None:
        print("  (TICKETGATE_RULE_BENCH names no folder with the rule benchmark: measured by our own workload alone)", flush=True)
    else:
        yield from _of("reference's workload", str(Path(folder).resolve()))
    yield from _of("our own workload", None)
    said = orjson.loads(run(PYTHON, "-m", "tests.benchmarks.replaying").out)
    name = f"{said['judged']:,} stored tickets, one of 100 rules changed"
    yield Figure(f"{name}: diff --replay", said["replay"], "s", limit=2.0, remark=f"{said['changed']:,} would end differently")
    yield Figure(f"{name}: what plan --rule holds against it", said["sieve"], "s", limit=2.0)


def _of(name: str, folder: str | None) -> Iterator[Figure]:
    found = {
        size: orjson.loads(run(PYTHON, "-m", "tests.benchmarks.matching", str(size), *([folder] if folder else [])).out) for size in SIZES
    }
    for size, said in found.items():
        yield from _of_size(f"{name}, {size:,} rules", size, said, held=folder is not None)
    for what, limit in GROWTH.items():
        exponent = math.log(found[SIZES[-1]][what] / found[SIZES[0]][what]) / math.log(SIZES[-1] / SIZES[0])
        yield Figure(f"{name}: growth, {CALLED[what]}", exponent, "exp", limit=limit)


def _of_size(name: str, size: int, said: Mapping[str, Any], *, held: bool) -> Iterator[Figure]:
    for what, called in CALLED.items():
        naive = said["naive_first" if what.startswith("first") else "naive_all"]
        times = TIMES_FASTER.get((what, size)) if held else None
        yield Figure(
            f"{name}: {called}", said[what], "µs", naive, goal=1 / times if times else None, remark=f"{naive / said[what]:.0f} times faster"
        )
    yield Figure(f"{name}: tickets judged differently", said["wrong"] + (not said.get("same", True)), "", limit=0)
    if size in LOAD:
        seconds, megabytes = LOAD[size]
        yield Figure(f"{name}: loading", said["load"], "s", limit=seconds)
        yield Figure(f"{name}: loading", said["memory"], "MB", limit=megabytes)
    if size == 1_000:
        yield Figure(f"{name}: one rule changed", said["reload"] * 1000, "ms", limit=50)
        yield Figure(f"{name}: a full trace of one ticket", said["trace"] * 1000, "ms", limit=10)
