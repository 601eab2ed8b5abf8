"""A thousand rule tests of the sample desk, from start to end: reading, checking, playing, telling."""

import shutil
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import yaml

from tests.benchmarks.figures import PYTHON, ROOT, Figure, best

MANY = 1_000


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder) / "desk"
        shutil.copytree(ROOT / "config", desk, ignore=shutil.ignore_patterns(".ticketgate"))
        floor = best(3, PYTHON, "-m", "gateway", "-C", str(desk), "check")
        count = _multiplied(desk)
        yield _figure(desk, count, floor.cpu)
        yield _figure(desk, count, floor.cpu, "--coverage")


def _figure(desk: Path, count: int, floor: float, *more: str) -> Figure:
    found = best(3, PYTHON, "-m", "gateway", "-C", str(desk), "-q", "test", *more)
    name = " ".join(("test", *more, f"of {count:,} rule tests, CPU"))
    return Figure(name, found.cpu, "s", floor, limit=5.0, remark=f"floor: check of what it knows; {found.cpu / count * 1000:.2f} ms a test")


def _multiplied(desk: Path) -> int:
    """Every test of the desk as often as makes a thousand, under names of their own; how many there are."""
    files = {path: yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader) for path in sorted((desk / "tests").glob("*.test.yaml"))}
    times = -(-MANY // sum(len(file["tests"]) for file in files.values()))
    for path, file in files.items():
        file["tests"] = [{**deepcopy(test), "name": f"{test['name']}, {n}"} for n in range(times) for test in file["tests"]]
        path.write_text(yaml.dump(file, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return sum(len(file["tests"]) for file in files.values())
