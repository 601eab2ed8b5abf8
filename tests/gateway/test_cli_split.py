"""A ticket that was split from another: its clocks go on with those of its origin in every command that works clocks out."""

from datetime import timedelta

import pytest

from connectors.sandbox import Deed
from gateway.clock import now
from tests.gateway.program import Desk, Program

POLICY = """version: 1
calendars: { around: { always: true } }
sla_policies:
  incidents:
    applies_to: { type: incident }
    calendar: around
    clocks: { resolution: { on_split: inherit, targets: [{ within: 3d }] } }
"""
LADDER = """version: 1
rules:
  - id: half
    when: { sla: resolution }
    stages: [{ at: 50%, then: [{ note: { text: "Half of it is gone." } }] }]
"""


@pytest.fixture
def first(program: Program, desk: Desk) -> str:
    """A ticket of two days ago that was looked at."""
    desk.write("rules/sla.yaml", POLICY)
    desk.write("rules/ladder.yaml", LADDER)
    (key,) = desk.tickets(1, created_at=now() - timedelta(days=2), type="incident")
    assert program("-C", desk, "run", "--once").code == 0
    return key


def split(program: Program, desk: Desk, key: str) -> str:
    clone = desk.system().people(Deed(kind="clone", key=key))
    assert program("-C", desk, "run", "--once").code == 0
    return clone


def days(program: Program, desk: Desk, key: str, *more: object) -> float:
    (clock,) = [one for one in program("-C", desk, "--format", "json", "sla", f"desk:{key}", *more).lines if one["type"] == "clock"]
    return round(float(clock["elapsed"]) / 86_400, 2)


def test_a_person_can_follow_the_sum_of_a_split_ticket(program: Program, desk: Desk, first: str) -> None:
    clone = split(program, desk, first)
    assert days(program, desk, clone) == 2
    shown = program("-C", desk, "sla", f"desk:{clone}").out
    assert f"split from desk:{first}, whose time stands above" in shown
    (clock,) = [one for one in program("-C", desk, "--format", "json", "sla", f"desk:{clone}").lines if one["type"] == "clock"]
    assert program("-C", desk, "sla", f"desk:{clone}", "--format", "json", "--at", "2030-01-01").lines[0]["ref"] == f"desk:{clone}"
    assert clock["split_from"] == f"desk:{first}"
    assert sum(row["counts"] for row in clock["rows"] if row["what"] == "counted" and not row["to_come"]) == pytest.approx(clock["elapsed"])


def test_the_daemon_acts_by_the_inherited_clock_once(program: Program, desk: Desk, first: str) -> None:
    clone = split(program, desk, first)
    for _ in range(2):
        assert program("-C", desk, "run", "--once").code == 0
    notes = [c["text"] for c in desk.system().shown(clone)["comments"] if not c["public"]]
    assert notes == ["Half of it is gone."]
    assert "half" in program("-C", desk, "why", f"desk:{clone}").out


def test_reports_simulations_and_what_is_at_risk_know_the_origin(program: Program, desk: Desk, first: str) -> None:
    clone = split(program, desk, first)
    risky = {one["ref"] for one in program("-C", desk, "--format", "json", "sla", "at-risk", "--within", "30h").lines if "ref" in one}
    assert f"desk:{clone}" in risky
    desk.swap("rules/sla.yaml", "on_split: inherit", "on_split: fresh")
    desk.swap("rules/sla.yaml", "within: 3d", "within: 1d")
    differing = program("-C", desk, "sla", "simulate", "--since", "90d").out
    assert f"desk:{clone}" not in differing  # met until now by either: fresh it has a day left, inherited it had one as well
    desk.swap("rules/sla.yaml", "on_split: fresh", "on_split: inherit")
    assert f"desk:{clone}" in program("-C", desk, "sla", "simulate", "--since", "90d").out


def test_an_origin_that_is_no_more_is_still_known(program: Program, desk: Desk, first: str) -> None:
    clone = split(program, desk, first)
    desk.system().people(Deed(kind="delete", key=first))
    assert program("-C", desk, "run", "--once").code == 0
    assert days(program, desk, clone) == 2


def test_an_origin_that_was_never_seen_is_named(program: Program, desk: Desk, first: str) -> None:
    clone = split(program, desk, first)
    desk.system().spoil(clone, split_from="M-999")
    assert program("-C", desk, "run", "--once").code == 0
    assert days(program, desk, clone) == 0
    assert "it was split from M-999, of which nothing is known" in program("-C", desk, "sla", f"desk:{clone}").out


def test_a_rule_may_ask_what_a_ticket_was_split_from(program: Program, desk: Desk, first: str) -> None:
    rule = "version: 1\nrules:\n  - { id: copies, when: created, if: { split_from: { empty: false } }, then: [{ tag: { add: [copy] } }] }\n"
    desk.write("rules/copies.yaml", rule)
    clone = split(program, desk, first)
    assert "copy" in desk.system().shown(clone)["tags"]
    assert "copy" not in desk.system().shown(first)["tags"]
