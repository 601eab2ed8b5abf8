"""Anybody's tickets from a file: what is known is read, what is not is named, and nothing is guessed."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.sandbox.files import is_incident_log, read_tickets
from tests.builders import NOW


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_columns_go_by_their_usual_names(tmp_path: Path, name: str) -> None:
    head = "Ticket Subject,Ticket Description,Customer Email,Ticket Priority,Ticket Status,Ticket Type,Created At,Labels"
    row = (
        "Screen is black,It is dark.,tom@example.com,Critical,Pending Customer Response,Technical issue,2026-03-01T10:00:00+01:00,tv; dark"
    )

    tickets, problems = read_tickets(written(tmp_path, name, f"{head}\n{row}\n"), NOW)

    one = tickets[0]
    assert problems == []
    assert (one.subject, one.email, one.priority, one.status, one.type) == (
        "Screen is black",
        "tom@example.com",
        "urgent",
        "pending",
        "incident",
    )
    assert one.created_at == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    assert one.tags == ("tv", "dark")


def test_an_unknown_column_and_an_unknown_word_are_named_and_left_out(tmp_path: Path) -> None:
    text = "subject,priority,shoe size\nOne,P1,44\nTwo,P1,45\nThree,high,46\n"

    tickets, problems = read_tickets(written(tmp_path, "t.csv", text), NOW)

    assert [t.priority for t in tickets] == [None, None, "high"]
    assert problems == [
        "t.csv: column 'shoe size' is not known; it is left out",
        "t.csv: priority 'P1' is not known (2 rows, first in line 2); it is left out",
    ]


def test_a_row_without_a_subject_is_refused_with_the_line_on_which_it_begins(tmp_path: Path) -> None:
    text = 'subject,body\nOne,"two\nlines"\n,nothing\nThree,here\n'

    tickets, problems = read_tickets(written(tmp_path, "t.csv", text), NOW)

    assert [t.subject for t in tickets] == ["One", "Three"]
    assert problems == ["t.csv:4: there is no subject; the row is left out"]


def test_rows_without_a_moment_are_a_minute_apart_and_end_now(tmp_path: Path) -> None:
    tickets, _ = read_tickets(written(tmp_path, "t.csv", "subject\nOne\nTwo\n"), NOW)

    assert [t.created_at for t in tickets] == [NOW - timedelta(minutes=1), NOW]


def test_jsonl_is_read_and_a_broken_line_costs_only_itself(tmp_path: Path) -> None:
    text = '{"subject": "One", "tags": ["a", "b"]}\n{"subject": \n[1]\n\n{"subject": "Two"}\n'

    tickets, problems = read_tickets(written(tmp_path, "t.jsonl.gz", text), NOW)

    assert [(t.subject, t.tags) for t in tickets] == [("One", ("a", "b")), ("Two", ())]
    assert [p.split(";")[0] for p in problems] == ["t.jsonl.gz:2: this line is not JSON", "t.jsonl.gz:3: this line is not an object"]


def test_another_kind_of_file_is_refused_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"t\.xlsx: give a \.csv"):
        read_tickets(written(tmp_path, "t.xlsx", "?"), NOW)


def test_the_log_of_incidents_is_known_by_its_header(tmp_path: Path) -> None:
    head = "number,ident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,sys_updated_at\n"

    assert is_incident_log(written(tmp_path, "log.csv.gz", head))
    assert not is_incident_log(written(tmp_path, "t.csv", "number,subject\n"))
