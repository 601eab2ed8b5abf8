"""`sla REF` as a person uses it: the sum of a deadline over a desk that ran, at this or another moment, and every mistake explained."""

import re

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
def ran(program: Program, desk: Desk) -> tuple[Desk, str]:
    """A ticket that came while it ran, was answered, and waited for its customer."""
    rules = desk.folder / "rules" / "10-all.yaml"
    rules.write_text(rules.read_text() + LADDER + POLICY)
    program("-C", desk, "run", "--once")
    key = desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    desk.system().people(Deed(kind="reply", by="agent", key=key, text="Use the other one."))
    assert program("-C", desk, "run", "--once").code == 0
    return desk, f"desk:{key}"


def test_the_sum_of_each_deadline_can_be_followed_by_hand(program: Program, ran: tuple[Desk, str]) -> None:
    desk, ref = ran
    told = program("-C", desk, "sla", ref)
    assert (told.code, told.err) == (0, "")
    assert "first_response of standard: met, was due" in told.out
    assert "resolution of standard: running, due" in told.out
    assert re.search(r"deadline +8h used up", told.out)


def test_programs_get_the_same_in_seconds(program: Program, ran: tuple[Desk, str]) -> None:
    desk, ref = ran
    ticket, first, resolution = program("-C", desk, "--format", "json", "sla", ref).lines
    assert (ticket["policies"], ticket["uncovered"]) == (["standard"], False)
    assert (first["metric"], first["state"]) == ("first_response", "met")
    counted = [row for row in resolution["rows"] if row["what"] == "counted"]
    assert sum(row["counts"] for row in counted) == resolution["amount"] == 8 * 3600
    assert sum(row["counts"] for row in counted if not row["to_come"]) == resolution["elapsed"]


def test_another_moment_can_be_asked_about(program: Program, ran: tuple[Desk, str]) -> None:
    desk, ref = ran
    later = program("-C", desk, "sla", ref, "--at", "2099-01-01").out
    assert "resolution of standard: breached" in later
    before = program("-C", desk, "sla", ref, "--at", "2001-01-01")
    assert before.code == 8
    assert "was made later" in before.err
    assert program("-C", desk, "sla", ref, "--at", "soon").code == 2


def test_what_is_not_there_is_said(program: Program, ran: tuple[Desk, str]) -> None:
    desk, ref = ran
    assert program("-C", desk, "sla", "desk:999999").code == 8
    assert program("-C", desk, "sla", "nowhere:1").code == 8
    assert program("-C", desk, "sla", "1").code == 2
    (desk.folder / "rules" / "10-all.yaml").write_text("version: 1\nrules: []\nnonsense: 1\n")
    assert program("-C", desk, "sla", ref).code in (0, 3)  # 0 where the daemon's rules are kept


def test_nothing_stored_yet_is_no_answer(program: Program, desk: Desk) -> None:
    assert program("-C", desk, "sla", "desk:1").code == 5
