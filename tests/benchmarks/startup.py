"""How long `ticketgate check` takes from start to end, against a bare import of the libraries that it cannot do without.

Three ways: the desk as it was at the last check; after an edit, when only what other files and libraries say is known; and as on a fresh
clone, when nothing is. Ours and the floor in turn, the best of each, so that a busy moment of the machine meets both. What is held to the
limit is CPU time: one thread that waits for nothing takes as long on an idle machine, and on a busy one the clock on the wall measures the
others. The remark says what that showed. The limit is for all three.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.figures import PYTHON, ROOT, Cost, Figure, run

FLOOR = "import typer, yaml, jinja2, pydantic, re2"
ROUNDS = 9
LIMIT = 0.6


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(shutil.copytree(ROOT / "config", Path(folder) / "desk", ignore=shutil.ignore_patterns(".ticketgate")))
        check = (PYTHON, "-m", "gateway", "-C", str(desk), "check")
        run(*check)  # bytecode is written by the first run
        ways: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
            "check of the sample desk, start to end": (_same, check),
            "check of it after an edit": (_edited, check),
            "check of it for the first time": (_forgotten, check),
            "--help, start to end": (_same, (PYTHON, "-m", "gateway", "--help")),
            "floor": (_same, (PYTHON, "-c", FLOOR)),
        }
        best = _best(desk, ways)
    for name in list(ways)[:-1]:
        limit = LIMIT if name.startswith("check") else None
        yield Figure(name, best[name].cpu, "s", best["floor"].cpu, limit=limit, remark=f"{best[name].wall:.3f} s by the clock on the wall")


def _best(desk: Path, ways: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]]) -> dict[str, Cost]:
    """The quickest of several runs of each, in turn: noise only ever adds."""
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (before, command) in ways.items():
            before(desk)
            found[name].append(run(*command))
    return {name: min(costs, key=lambda c: c.cpu) for name, costs in found.items()}


def _same(desk: Path) -> None:
    """Nothing is changed."""


def _edited(desk: Path) -> None:
    with (desk / "rules" / "30-routing.yaml").open("a", encoding="utf-8") as file:
        file.write("# one more line\n")


def _forgotten(desk: Path) -> None:
    shutil.rmtree(desk / ".ticketgate")
