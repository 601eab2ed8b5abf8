"""`report` as a person uses it: over a desk that ran, in every form, and with every mistake explained."""

import csv
import io
from pathlib import Path

import orjson
import pytest

from connectors.sandbox import Deed
from tests.gateway.program import Desk, Program

POLICY = """
sla_policies:
  standard:
    applies_to: { type: incident }
    targets: { normal: { first_response: 1h, resolution: 8h } }
"""
LADDER = """
  - id: late
    when: { sla: first_response }
    stages: [{ at: breach, then: [{ tag: { add: [late] } }] }]
"""


@pytest.fixture
def ran(program: Program, desk: Desk) -> Desk:
    """Two tickets that came while it ran; an agent answered and resolved one of them."""
    rules = desk.folder / "rules" / "10-all.yaml"
    rules.write_text(rules.read_text() + LADDER + POLICY)
    program("-C", desk, "run", "--once")
    first, _ = desk.customer_writes("Printer on fire"), desk.customer_writes("Nothing prints")
    program("-C", desk, "run", "--once")
    system = desk.system()
    system.people(Deed(kind="reply", by="agent", key=first, text="Use the other one."))
    system.people(Deed(kind="set", by="agent", key=first, fields={"status": "resolved"}))
    assert program("-C", desk, "run", "--once").code == 0
    return desk


def test_promises_kept_are_told_by_our_clocks(program: Program, ran: Desk) -> None:
    (said,) = program("-C", ran, "report", "sla", "--format", "json").lines
    rows = {row["metric"]: row for row in said["rows"]}
    assert (rows["first_response"]["met"], rows["first_response"]["still running"]) == (1, 1)
    assert (rows["resolution"]["says"], rows["resolution"]["compliance"]) == ("we", 1.0)


def test_each_report_has_its_figures_in_every_form(program: Program, ran: Desk, tmp_path: Path) -> None:
    for name in ("sla", "response", "resolution", "backlog", "repeat", "volume"):
        table = program("-C", ran, "report", name)
        assert (table.code, table.err) == (0, "")
        assert "clock:" in table.out
        assert "Nothing to count" not in table.out
        done = program("-C", ran, "report", name, "--format", "csv", "--by", "priority")
        head, *rows = csv.reader(io.StringIO(done.out))
        assert head[0] == "priority"
        assert {row[0] for row in rows} == {"all", "normal"}
        assert program("-C", ran, "report", name, "--format", "xlsx", "-o", tmp_path / f"{name}.xlsx").code == 0
        assert (tmp_path / f"{name}.xlsx").read_bytes()[:2] == b"PK"


def test_a_file_is_written_where_one_is_named(program: Program, ran: Desk, tmp_path: Path) -> None:
    assert program("-C", ran, "report", "volume", "--format", "json", "-o", tmp_path / "v.json").out == ""
    assert orjson.loads((tmp_path / "v.json").read_bytes())["name"] == "volume"
    assert program("-C", ran, "report", "volume", "-o", tmp_path / "no" / "v.txt").code == 5


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("sla", "--by", "colour"), 2, "no field 'colour'"),
        (("sla", "--since", "yesterday"), 2, "--since yesterday"),
        (("sla", "--since", "1d", "--until", "2d"), 2, "not before"),
        (("sla", "--format", "xlsx"), 2, "-o FILE.xlsx"),
        (("weather",), 2, "weather"),
    ],
)
def test_what_cannot_be_counted_is_said(program: Program, ran: Desk, args: tuple[str, ...], code: int, said: str) -> None:
    done = program("-C", ran, "report", *args)
    assert (done.code, said in done.err) == (code, True), done.all


def test_fields_of_figures_that_do_not_exist_are_named(program: Program, ran: Desk) -> None:
    config = ran.folder / "ticketgate.yaml"
    config.write_text(config.read_text() + "\nfigures: { resolved_at: custom.nowhere }\n")
    done = program("-C", ran, "report", "resolution")
    assert (done.code, "custom.nowhere" in done.err) == (3, True)


def test_before_anything_was_stored_it_says_what_begins_it(program: Program, desk: Desk) -> None:
    done = program("-C", desk, "report", "sla")
    assert (done.code, "backfill" in done.err) == (5, True)


def test_tickets_to_which_nothing_is_promised_are_counted(program: Program, ran: Desk) -> None:
    rules = ran.folder / "rules" / "10-all.yaml"
    rules.write_text(rules.read_text().replace("applies_to: { type: incident }", "applies_to: { type: problem }"))
    assert program("-C", ran, "run", "--once").code == 0
    (said,) = program("-C", ran, "report", "sla", "--format", "json").lines
    left_out = {one["why"].partition(":")[0]: one["count"] for one in said["excluded"]}
    assert (left_out["uncovered"], said["rows"]) == (2, [])
