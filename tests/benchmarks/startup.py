"""How long `ticketgate check` takes from start to end, against a bare import of the libraries that it cannot do without."""

from collections.abc import Iterator

from tests.benchmarks.figures import PYTHON, Figure, best

FLOOR = "import typer, yaml, jinja2, pydantic, re2"


def figures() -> Iterator[Figure]:
    best(1, PYTHON, "-m", "gateway", "-C", "config", "check")  # bytecode is written by the first run
    floor = best(7, PYTHON, "-c", FLOOR)
    yield Figure(
        "check of the sample desk, start to end",
        best(7, PYTHON, "-m", "gateway", "-C", "config", "check").wall,
        "s",
        floor.wall,
        limit=0.6,
    )
    yield Figure("--help, start to end", best(7, PYTHON, "-m", "gateway", "--help").wall, "s", floor.wall)
