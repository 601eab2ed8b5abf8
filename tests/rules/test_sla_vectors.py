"""Worked cases of working time and SLA clocks, ours and those that other projects settled: ours must agree to the second."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rules.sla_vectors import FORMAT, UnknownShape, assert_vector

OWN = Path(__file__).with_name("sla_vectors_own.json")
GIVEN = tuple(Path(name) for name in os.environ.get("TICKETGATE_SLA_VECTORS", "").split(":") if name)


def vectors() -> Iterator[Any]:
    """One case for every vector of our own file and of every file that TICKETGATE_SLA_VECTORS names, separated by colons."""
    for path in (OWN, *GIVEN):
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT or content.get("count", len(content["vectors"])) != len(content["vectors"]):
            raise UnknownShape(f"{path} is no file of vectors that is understood here")
        for vector in content["vectors"]:
            yield pytest.param(vector, id=f"{path.stem}:{vector['id']}")


@pytest.mark.parametrize("vector", [*vectors()])
def test_the_case_comes_out_as_it_was_settled(vector: dict[str, Any]):
    if "divergent" in vector:
        pytest.skip(f"documents a difference, not an answer: {vector['divergent']}")
    assert_vector(vector)


@pytest.mark.parametrize(
    "change",
    [
        {"op": "guess"},
        {"surprise": 1},
        {"policy": {"boundary": "somewhere"}},
        {"policy": {"rounding": "up"}},
        {"calendar": {"tz": "UTC", "hours": {"monday": []}}},
        {"input": {"start": "2026-03-02T09:00:00Z", "hours": 1}},
        {"expect": {"at": "2026-03-02T10:00:00Z", "more": 1}},
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused(change: dict[str, Any]):
    known = {
        "id": "x",
        "op": "add",
        "calendar": {"tz": "UTC", "hours": {"mon": [["09:00", "17:00"]]}},
        "input": {"start": "2026-03-02T09:00:00Z", "seconds": 3600},
        "expect": {"at": "2026-03-02T10:00:00Z"},
    }
    assert_vector(known)
    with pytest.raises(UnknownShape):
        assert_vector({**known, **change})


def test_what_a_vector_says_of_itself_in_words_changes_nothing():
    known: dict[str, Any] = {
        "id": "x",
        "op": "add",
        "calendar": {"tz": "UTC", "hours": {"mon": [["09:00", "17:00"]]}, "holidays": None, "overrides": None},
        "input": {"start": "2026-03-02T09:00:00Z", "seconds": 3600},
        "expect": {"at": "2026-03-02T10:00:00Z"},
    }
    assert_vector({**known, "title": "an hour of Monday", "aliases": ["mon-1h"]})
    with pytest.raises(AssertionError):
        assert_vector({**known, "title": "an hour of Monday", "expect": {"at": "2026-03-02T10:00:01Z"}})
