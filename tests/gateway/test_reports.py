"""Figures by plain sums over lives that are written down here, and every way to show them."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reports.asking import REPORTS
from gateway.reports.report import Asked, Column, Report
from gateway.reports.showing import as_csv, as_json, as_text, as_workbook, harmless
from rules.figures import ages, spread
from rules.lives import Life, Verdict, life_of
from rules.ticket import Level, Role, Status
from tests.builders import a_change, a_comment, a_ticket

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
Hours: TypeAlias = tuple[float, ...]


def asked(**more: Any) -> Asked:
    return Asked(since=START - 30 * 24 * HOUR, until=START + 30 * 24 * HOUR, now=START + 30 * 24 * HOUR, **more)


def a_life(
    key: str, *, solved: tuple[float, ...] = (), reopened: tuple[float, ...] = (), replies: tuple[float, ...] = (), **more: Any
) -> Life:
    """Opened at nine; the rest in hours after that."""
    rows = [(at, Status.OPEN, Status.RESOLVED) for at in solved] + [(at, Status.RESOLVED, Status.OPEN) for at in reopened]
    changes = [a_change("status", before, after, at=START + at * HOUR) for at, before, after in sorted(rows)]
    said = [a_comment(id=str(at), role=Role.AGENT, at=START + at * HOUR) for at in replies]
    status = changes[-1].after if changes else Status.OPEN
    ticket = a_ticket(f"desk:{key}", created_at=START, status=status, **{k: v for k, v in more.items() if k == "priority"})
    known = {"told": more.get("told", True), "heard": more.get("heard", True), "verdicts": more.get("verdicts", ())}
    paged = tuple((START + a * HOUR, None if b is None else START + b * HOUR) for a, b in more.get("paged", ()))
    return life_of(ticket, said, changes, paged=paged, **known)


def rows(name: str, lives: list[Life], **more: Any) -> list[dict[str, Any]]:
    found = REPORTS[name](lives, asked(**more))
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]


def test_a_spread_has_its_median_and_nearest_ranks_beside_the_mean() -> None:
    found = spread(n * HOUR for n in (1, 2, 3, 4, 100))
    assert (found.mean, found.median, found.p90, found.p95) == (22 * HOUR, 3 * HOUR, 100 * HOUR, 100 * HOUR)
    assert spread([]).median is None


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60))
def test_the_percentiles_are_those_of_the_definition(seconds: list[int]) -> None:
    found = spread(timedelta(seconds=n) for n in seconds)
    assert found.p90 is not None
    assert sum(timedelta(seconds=n) <= found.p90 for n in seconds) * 100 >= 90 * len(seconds)
    assert sum(timedelta(seconds=n) < found.p90 for n in seconds) * 100 < 90 * len(seconds)


def test_ages_count_a_border_with_the_older_ones() -> None:
    day = timedelta(days=1)
    assert ages([0 * day, day, 3 * day, 29 * day, 30 * day]) == (1, 1, 1, 0, 1, 1)


def test_first_replies_are_counted_where_comments_were_read_and_the_rest_is_named() -> None:
    lives = [a_life("1", replies=(2, 5)), a_life("2", replies=(4,)), a_life("3"), a_life("4", heard=False), a_life("5", replies=(0,))]
    found = rows("response", lives)
    assert (found[0]["count"], found[0]["mean"]) == (2, 3 * HOUR)
    answered = next(row for row in found if row["figure"] == "answered")
    assert (answered["share"], answered["of"]) == (pytest.approx(2 / 3), 3)
    left_out = dict(REPORTS["response"](lives, asked()).excluded)
    assert sorted(left_out.values()) == [1, 1]


def test_whoever_acknowledges_a_page_has_acknowledged_the_ticket_and_pages_have_figures_of_their_own() -> None:
    lives = [a_life("1", replies=(9,), paged=((1, 3), (4, None))), a_life("2", paged=((2, 3),)), a_life("3", replies=(1,), paged=((2, 5),))]
    found = {row["figure"].partition(":")[0]: row for row in rows("response", lives) if row["clock"].startswith("calendar") or row["of"]}
    assert (found["page"]["count"], found["page"]["mean"]) == (3, 2 * HOUR)
    assert (found["pages acknowledged"]["share"], found["pages acknowledged"]["of"]) == (pytest.approx(3 / 4), 4)
    assert [life.acknowledged_at for life in lives] == [START + n * HOUR for n in (3, 3, 1)]
    assert not [row for row in rows("response", [a_life("4")]) if "page" in row["figure"].partition(":")[0]]


def test_resolution_ends_with_the_last_one_and_a_reopened_ticket_is_counted_as_such() -> None:
    lives = [a_life("1", solved=(1, 9), reopened=(5,), replies=(1,)), a_life("2", solved=(3,), replies=(2,)), a_life("3")]
    found = rows("resolution", lives)
    assert [row["mean"] for row in found[:2]] == [6 * HOUR, 2 * HOUR], "for good, and for the first time"
    assert [row["share"] for row in found[2:]] == [0.5, 0.5], "one reopened; one done in one touch"


def test_a_settled_ticket_whose_end_nobody_knows_is_left_out_and_named() -> None:
    dark = life_of(a_ticket(status=Status.CLOSED, created_at=START), told=False, heard=False)
    found = REPORTS["resolution"]([dark], asked())
    assert (found.rows[0][3], found.excluded[0][1]) == (0, 1)
    told = life_of(a_ticket(status=Status.CLOSED, created_at=START), told=False, heard=False, resolved_at=START + HOUR)
    assert told.resolved_at == START + HOUR, "unless the system says it"


def test_the_backlog_is_that_of_the_moment_asked_about() -> None:
    lives = [a_life("1", solved=(50,)), a_life("2", solved=(10,)), a_life("3", solved=(1,), reopened=(40,)), a_life("4")]
    found = REPORTS["backlog"](lives, Asked(since=START, until=START + 45 * HOUR, now=START + 99 * HOUR))
    assert found.rows[0][3] == 3, "the first, the reopened, and the one that is open still"


def test_the_same_thing_again_within_the_days_is_a_repeat() -> None:
    def key(life: Life) -> tuple[str, ...] | None:
        return None if life.ticket.ref.key == "3" else ("printer",)

    (row,) = rows("repeat", [a_life(str(n)) for n in (1, 2, 3)], repeat_key=key, repeat_named="product")
    assert (row["repeated"], row["tickets"], row["share"]) == (1, 2, 0.5)


def test_compliance_is_met_of_ended_and_running_clocks_stand_apart() -> None:
    def says(**verdict: Any) -> tuple[Verdict, ...]:
        return (Verdict(says="we", metric="resolution", policy="gold", **verdict),)

    lives = [
        a_life("1", verdicts=says(margin=-HOUR)),
        a_life("2", verdicts=says(missed=True, margin=2 * HOUR)),
        a_life("3", verdicts=says(ended=False, missed=True)),
        a_life("4", verdicts=says(ended=False)),
    ]
    (row,) = rows("sla", lives)
    assert (row["met"], row["breached"], row["compliance"]) == (1, 1, 0.5)
    assert (row["still running"], row["of them late"], row["margin mean"]) == (2, 1, HOUR / 2)


def test_groups_follow_the_whole() -> None:
    lives = [a_life("1", replies=(1,), priority=Level.HIGH), a_life("2", replies=(3,), priority=Level.LOW)]
    found = rows("response", lives, by="priority", group=lambda life: str(life.ticket.priority))
    assert [row["priority"] for row in found if row["figure"].startswith("first reply")] == ["all", "high", "low"]


# --- showing ---------------------------------------------------------------------------------------------------------

EVIL = Report(
    name="volume",
    title="Odd groups",
    clock="c",
    period="p",
    population="all",
    columns=(Column("group"), Column("n", "count"), Column("mean", "amount"), Column("share", "share")),
    rows=(
        ('=HYPERLINK("http://evil.example")', 1, timedelta(hours=-2), 0.5),
        ("@sum", 2, None, None),
        ("-2+3", 3, HOUR, 1.0),
        ("+1", 4, HOUR, None),
    ),
    drawn=("n",),
)


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers() -> None:
    head, *found = csv.reader(io.StringIO(as_csv(EVIL)))
    assert head == ["group", "n", "mean (h)", "share"]
    assert all(row[0].startswith("'") for row in found)
    assert found[0][1:] == ["1", "-2.0", "0.5"]


@given(st.text())
def test_harmless_text_begins_with_nothing_that_a_spreadsheet_works_out(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_workbook_has_a_chart_and_no_formula(tmp_path: Path) -> None:
    as_workbook(EVIL, tmp_path / "odd.xlsx")
    with zipfile.ZipFile(tmp_path / "odd.xlsx") as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert any(name.startswith("xl/charts/") for name in book.namelist())
    assert len(sheets) == 2
    assert not any("<f>" in sheet or "hyperlink" in sheet for sheet in sheets)


def test_json_says_the_units_and_what_was_counted() -> None:
    said = as_json(EVIL)
    assert said["units"]["mean"] == "seconds"
    assert said["rows"][0]["mean"] == -7200.0
    assert {"period", "clock", "population", "excluded"} <= said.keys()


def test_a_table_is_read_by_people() -> None:
    assert "-2.0 h" in as_text(EVIL)
    assert "Nothing to count." in as_text(REPORTS["volume"]([], asked()))
