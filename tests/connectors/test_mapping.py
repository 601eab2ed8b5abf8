"""The table read quickly and the table read row by row say the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mapping import Field, Kept, Reading, Record, Several, Table, Words, moment, moment_or_day, moments, reader
from rules.ticket import Level

WORDS = Words({"High": "high", "low": "low", "7": "urgent"})
TABLE: Table = (
    Field(name="subject", reads="title"),
    Field(name="status", reads="state", words=WORDS),
    Field(name="priority", reads="severity.name", words=WORDS, convert=Level),
    Field(name="group", reads="team.name"),
    Field(name="tags", reads="labels", convert=frozenset),
    Field(name="resolution", reads=lambda record: record.get("end")),
    Field(name="written", writes="only"),
)


def read_plainly(table: Table, record: Record) -> Reading:
    """What `reader` promises, row by row."""
    found = Reading()
    for row in table:
        value = _value(row, record)
        if value is None or value == "":
            continue
        if row.words is not None:
            word = row.words.read(str(value))
            if word is None:
                found.unread[row.name] = str(value)
                continue
            value = word
        found.values[row.name] = row.convert(value) if row.convert else value
    return found


def _value(row: Field, record: Any) -> Any:
    if row.reads is None or callable(row.reads):
        return row.reads(record) if row.reads else None
    for part in row.reads.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


words = st.sampled_from([None, "", "High", "HIGH", "low", "LOW", "strange", 7, 8, True])
texts = st.sampled_from([None, "", "a", 0, False, 3])
records = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "state": words,
        "severity": st.none() | st.fixed_dictionaries({}, optional={"name": words}) | st.just("text"),
        "team": st.none() | st.fixed_dictionaries({}, optional={"name": texts}) | st.just("text"),
        "labels": st.none() | st.lists(st.sampled_from("abc")),
        "end": texts,
    },
)
QUICK = reader(TABLE)


@given(records)
def test_the_quick_reader_says_what_the_table_says(record: dict[str, Any]) -> None:
    assert QUICK(record) == read_plainly(TABLE, record)


def test_what_is_kept_is_bounded() -> None:
    made: list[int] = []
    kept = Kept(lambda n: made.append(n) or n, most=3)
    assert [kept[n] for n in (1, 2, 1, 3, 4, 1)] == [1, 2, 1, 3, 4, 1]
    assert made == [1, 2, 3, 4, 1]
    assert len(kept) <= 3


ZONES = ("2026-03-02T08:00:00Z", "2026-03-02 08:00:00+00:00", "2026-03-02T09:00:00.000+0100")


def test_a_moment_is_utc_however_it_is_written() -> None:
    assert {moment(text).isoformat() for text in ZONES} == {"2026-03-02T08:00:00+00:00"}


def test_a_moment_without_a_zone_is_nobodys_guess_and_a_day_begins_at_midnight() -> None:
    for said in (moment, moment_or_day):
        with pytest.raises(ValueError, match="without a zone"):
            said("2026-03-02 08:00:00")
    assert moment_or_day("2026-03-02").isoformat() == "2026-03-02T00:00:00+00:00"


@given(st.lists(st.sampled_from(ZONES), max_size=4))
def test_the_moments_of_a_page_are_those_of_each(texts: list[str]) -> None:
    assert [at.isoformat() for at in moments(texts)] == [moment(text).isoformat() for text in texts]


@given(st.lists(st.fixed_dictionaries({}, optional={key: st.sampled_from((None, "", "x")) for key in ("a", "b")})))
def test_what_several_keys_tell_together_is_told_of_a_page_as_of_each_record(some: list[dict[str, Any]]) -> None:
    told = Several(("a", "b"), lambda said: f"{said[0]}/{said[1]}")
    columns = [[one.get(key) for one in some] for key in told.keys]
    assert told.each(columns) == [f"{one.get('a')}/{one.get('b')}" for one in some] == list(map(told, some))
