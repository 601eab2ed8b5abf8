"""Tickets that are no more: an old key leads to where they went on, a deleted one says so, and nothing is done about either."""

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
    clocks: { resolution: { on_merge: earliest_start, targets: [{ within: 9d }] } }
"""


@pytest.fixture
def two(program: Program, desk: Desk) -> tuple[str, str]:
    """A duplicate and its original, both looked at by the daemon."""
    program("-C", desk, "run", "--once")
    keys = desk.customer_writes("Login fails", type="incident"), desk.customer_writes("Login fails for all", type="incident")
    assert program("-C", desk, "run", "--once").code == 0
    return keys


def merge(desk: Desk, duplicate: str, original: str) -> None:
    desk.system().people(Deed(kind="merge", key=duplicate, into=original))


def test_an_old_key_shows_the_ticket_that_goes_on(program: Program, desk: Desk, two: tuple[str, str]) -> None:
    merge(desk, *two)
    done = program("-C", desk, "ticket", f"desk:{two[0]}")
    assert done.code == 0
    assert f"desk:{two[0]} was merged into desk:{two[1]}." in done.out
    assert "Login fails for all" in done.out
    said, shown = program("-C", desk, "--format", "json", "ticket", f"desk:{two[0]}").lines
    assert (said["type"], said["how"], said["into"], shown["ref"]) == ("gone", "merged", f"desk:{two[1]}", f"desk:{two[1]}")


def test_why_of_an_old_key_is_why_of_the_one_that_goes_on(program: Program, desk: Desk, two: tuple[str, str]) -> None:
    merge(desk, *two)
    program("-C", desk, "run", "--once")
    done = program("-C", desk, "why", f"desk:{two[0]}")
    assert f"desk:{two[0]} was merged into desk:{two[1]}." in done.out
    assert f"desk:{two[1]}" in done.out.splitlines()[1]
    said, told = program("-C", desk, "--format", "json", "why", f"desk:{two[0]}").lines
    assert (said["into"], told["ref"]) == (f"desk:{two[1]}", f"desk:{two[1]}")


def test_a_deleted_ticket_says_so_and_why_still_tells_what_was_done(program: Program, desk: Desk, two: tuple[str, str]) -> None:
    desk.system().people(Deed(kind="delete", key=two[0]))
    program("-C", desk, "run", "--once")
    done = program("-C", desk, "ticket", f"desk:{two[0]}")
    assert (done.code, f"desk:{two[0]} was deleted." in done.err) == (8, True)
    done = program("-C", desk, "why", f"desk:{two[0]}")
    assert (done.code, done.out.splitlines()[0]) == (0, f"desk:{two[0]} was deleted.")
    assert "acknowledge" in done.out


def test_nothing_is_planned_about_a_ticket_that_is_no_more(program: Program, desk: Desk, two: tuple[str, str]) -> None:
    merge(desk, *two)
    done = program("-C", desk, "plan", "--ticket", f"desk:{two[0]}")
    assert done.code == 8
    assert f"desk:{two[0]} was merged into desk:{two[1]}: nothing is done about it any more" in done.err
    assert f"--ticket desk:{two[1]}" in done.err


def test_a_kept_plan_about_a_ticket_that_is_no_more_is_refused_with_the_reason(program: Program, desk: Desk) -> None:
    first, second = desk.tickets(2, type="incident")
    path = desk.folder / "monday.plan"
    program("-C", desk, "plan", "-o", path)
    merge(desk, first, second)
    done = program("-C", desk, "apply", path, "--yes")
    assert done.code != 0
    assert f"desk:{first} was merged into desk:{second}" in done.err
    assert desk.effects() == []


def test_a_ticket_that_was_moved_keeps_what_was_done_about_it(program: Program, desk: Desk, two: tuple[str, str]) -> None:
    new = desk.system().people(Deed(kind="move", key=two[0], into="WEB"))
    program("-C", desk, "run", "--once")
    done = program("-C", desk, "why", f"desk:{two[0]}")
    assert done.code == 0
    assert f"desk:{two[0]} was moved and is desk:{new} now." in done.out
    assert len(desk.effects(kind="reply")) == 2, "the move was taken for a new ticket"


def test_a_ticket_that_took_an_older_one_in_starts_its_clock_with_it_where_the_desk_wants_it(program: Program, desk: Desk) -> None:
    desk.write("rules/sla.yaml", POLICY)
    older, goes_on = (desk.tickets(1, created_at=now() - timedelta(days=days), type="incident")[0] for days in (5, 2))
    program("-C", desk, "run", "--once")
    assert _running_for(program, desk, goes_on) == 2
    merge(desk, older, goes_on)
    for _ in range(2):
        assert program("-C", desk, "run", "--once").code == 0
    assert _running_for(program, desk, goes_on) == 5


def _running_for(program: Program, desk: Desk, key: str) -> int:
    """Whole days that its clock has counted."""
    (clock,) = [one for one in program("-C", desk, "--format", "json", "sla", f"desk:{key}").lines if one["type"] == "clock"]
    return int(clock["elapsed"]) // 86_400
