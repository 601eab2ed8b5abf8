"""The rows of the fault matrix that concern connectors are tests: each is named by the docstring of at least one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = (*(f"F{n}" for n in range(15, 46)), "F65", "F66")
NAMES = re.compile(r"Fault rows? ((?:F\d\d(?:, | and )?)+)")


def named() -> Iterator[str]:
    """Every row that a test says it shows. Only what pytest or a suite runs counts: a function whose name begins with `test_`."""
    for file in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for said in NAMES.findall(ast.get_docstring(node) or ""):
                    yield from re.findall(r"F\d\d", said)


@pytest.fixture(scope="module")
def shown() -> frozenset[str]:
    return frozenset(named())


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_shown_by_a_test_that_names_it(shown: frozenset[str], row: str) -> None:
    assert row in shown
