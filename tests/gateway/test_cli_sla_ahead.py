"""`sla at-risk` and `sla simulate` as a person uses them."""

import time
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox import Deed
from tests.gateway.program import Desk, Program

LADDER = """
  - id: late
    when: { sla: first_response }
    stages: [{ at: breach, then: [{ tag: { add: [late] } }] }]
"""
POLICY = """
sla_policies:
  standard:
    applies_to: { type: incident }
    targets: { normal: { first_response: AMOUNT }, low: { first_response: 48h } }
"""


def with_target(desk: Desk, amount: str) -> None:
    rules = desk.folder / "rules" / "10-all.yaml"
    text = rules.read_text().partition("\nsla_policies:")[0]
    rules.write_text(text + POLICY.replace("AMOUNT", amount))


@pytest.fixture
def ran(program: Program, desk: Desk) -> Desk:
    """One ticket was answered at once; another waits, with an hour to go."""
    rules = desk.folder / "rules" / "10-all.yaml"
    rules.write_text(rules.read_text() + LADDER)
    with_target(desk, "1h")
    program("-C", desk, "run", "--once")
    first = desk.customer_writes("Printer on fire")
    desk.customer_writes("Nothing prints")
    program("-C", desk, "run", "--once")
    desk.system().people(Deed(kind="reply", by="agent", key=first, text="Use the other one."))
    assert program("-C", desk, "run", "--once").code == 0
    time.sleep(1.2)  # so that a promise of a second is broken
    return desk


def lines(program: Program, *args: Any) -> list[dict[str, Any]]:
    return [said for said in program(*args).lines if said["type"] != "version"]


def test_what_is_broken_next_is_listed_and_what_is_answered_is_not(program: Program, ran: Desk) -> None:
    done = program("-C", ran, "sla", "at-risk", "--within", "2h")
    assert (done.code, done.err) == (0, "")
    assert '"Nothing prints"' in done.out
    assert "Printer" not in done.out
    assert "1 promises are broken within 2h" in done.out
    risk, summary = lines(program, "-C", ran, "--format", "json", "sla", "at-risk")
    assert (risk["metric"], risk["policy"], 3500 < risk["remaining"] <= 3600) == ("first_response", "standard", True)
    assert summary == {"type": "summary", "at_risk": 1, "late": 0, "unknown": 0}


def test_nothing_is_at_risk_in_the_next_minute(program: Program, ran: Desk) -> None:
    assert "0 promises" in program("-C", ran, "sla", "at-risk", "--within", "1m").out
    assert program("-C", ran, "sla", "at-risk", "--within", "soon").code == 2


def test_other_policies_are_simulated_and_each_ticket_that_differs_is_named(program: Program, ran: Desk) -> None:
    with_target(ran, "1s")
    said = lines(program, "-C", ran, "--format", "json", "sla", "simulate", "--since", "90d")
    whole = next(one for one in said if one["type"] == "compliance" and one["name"] == "all")
    assert (whole["was"], whole["metric"]) == ({"met": 1, "of": 1}, "first_response")
    differ = [one for one in said if one["type"] == "difference"]
    assert ("desk:M-2", "running", "breached") in {(one["ref"], one["was"], one["would"]) for one in differ}
    assert said[-1]["tickets"] == 2


def test_the_policies_of_another_folder_are_simulated(program: Program, ran: Desk, tmp_path: Path) -> None:
    done = program("-C", ran, "sla", "simulate")
    assert (done.code, "2 tickets, 0 differ." in done.out, "priority normal" in done.out) == (0, True, True)
    other = tmp_path / "other"
    (other / "rules").mkdir(parents=True)
    for name in ("ticketgate.yaml", "rules/10-all.yaml"):
        (other / name).write_text((ran.folder / name).read_text().replace("first_response: 1h", "first_response: 1s"))
    done = program("-C", ran, "sla", "simulate", "--rules", other)
    assert "first_response   running → breached" in done.out
    assert program("-C", ran, "sla", "simulate", "--rules", tmp_path / "nowhere").code == 2


def test_the_format_may_stand_behind_the_commands_that_list_promises(program: Program, ran: Desk) -> None:
    for command in (("at-risk",), ("simulate", "--since", "90d")):
        behind = program("-C", ran, "sla", *command, "--format", "json").lines
        before = program("-C", ran, "--format", "json", "sla", *command).lines
        assert [(one["type"], one.get("ref")) for one in behind] == [(one["type"], one.get("ref")) for one in before]
