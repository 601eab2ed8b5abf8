"""`run`: what is new is acted on, it ends in good order, half-written files never take over, a bad start falls back to what was good."""

import signal
from pathlib import Path

import orjson
import pytest

from tests.gateway.program import Desk, Program, a_process, ended, in_background, until

HALF = "version: 1\nrules:\n  - id: route\n    when: created\n    if: { type: incident, gro"


def test_old_tickets_are_adopted_and_new_ones_acted_on(program: Program, desk: Desk) -> None:
    desk.tickets(3)
    first = program("-C", desk, "run", "--once")
    assert first.code == 0
    assert "desk               3 read, 0 looked at, 3 adopted, 0 unreadable" in first.out
    assert desk.effects() == []
    desk.customer_writes("Printer on fire")
    done = program("-C", desk, "--format", "json", "run", "--once")
    assert done.code == 0
    assert [(one["connection"], one["error"]) for one in done.lines] == [("desk", None), ("other", None)]
    assert sorted(e.kind for e in desk.effects()) == ["reply", "update"]


def test_without_connections_there_is_nothing_to_run(program: Program, desk: Desk) -> None:
    desk.write("ticketgate.yaml", "version: 1\n")
    desk.write("rules/10-all.yaml", "version: 1\n")
    desk.folder.joinpath("tests/all.test.yaml").unlink()
    for command in (["run"], ["run", "--once"], ["plan"], ["backfill", "--yes"]):
        done = program("-C", desk, *command)
        assert done.code == 3
        assert "has no connections" in done.err


def test_a_start_with_broken_files_needs_a_good_run_before(program: Program, desk: Desk) -> None:
    desk.write("rules/10-all.yaml", HALF)
    done = program("-C", desk, "run", "--once")
    assert done.code == 3
    assert "rules/10-all.yaml:5:" in done.err


@pytest.mark.parametrize("broken", ["rules/10-all.yaml", "ticketgate.yaml"])
def test_after_a_good_run_a_broken_start_goes_on_with_what_was_good(program: Program, desk: Desk, broken: str) -> None:
    program("-C", desk, "run", "--once")
    desk.write(broken, HALF)
    desk.customer_writes("Printer on fire")
    done = program("-C", desk, "run", "--once")
    assert done.code == 0
    assert f"{broken}:5:" in done.err
    assert "Starting on the last good rules instead." in done.err
    assert len(desk.effects(kind="update")) == 1


def test_rules_whose_own_tests_fail_are_not_started_on(program: Program, desk: Desk) -> None:
    desk.swap("rules/10-all.yaml", "tier-1", "tier-2")
    first = program("-C", desk, "run", "--once")
    assert (first.code, "✗ an incident goes to the first line   tests/all.test.yaml:3" in first.err) == (3, True)
    desk.swap("rules/10-all.yaml", "tier-2", "tier-1")
    assert program("-C", desk, "run", "--once").code == 0
    desk.swap("rules/10-all.yaml", "tier-1", "tier-2")
    key = desk.customer_writes("Printer on fire")
    done = program("-C", desk, "run", "--once")
    assert (done.code, "Starting on the last good rules instead." in done.err) == (0, True)
    assert desk.system().shown(key)["group"] == "tier-1"
    status = program("-C", desk, "status")
    assert (status.code, "NEW RULES REFUSED: 1 of 1 tests of these rules fails" in status.out) == (1, True)


def test_after_a_broken_start_the_log_is_what_it_always_is(program: Program, desk: Desk) -> None:
    desk.swap("ticketgate.yaml", "other: { system: memory", "other: { system: 'tests.gateway.program:Odd'")
    program("-C", desk, "run", "--once")
    desk.write("rules/10-all.yaml", HALF)
    done = program("-C", desk, "--format", "json", "run", "--once")
    logged = [orjson.loads(text) for text in done.err.splitlines() if text.startswith("{")]
    assert [(one["event"], one["connection"]) for one in logged] == [("poll failed", "other")]
    assert done.code == 5


def test_what_was_only_planned_is_not_the_last_good(program: Program, desk: Desk) -> None:
    program("-C", desk, "run", "--once")
    desk.swap("rules/10-all.yaml", "tier-1", "tier-2")
    program("-C", desk, "plan")
    desk.write("rules/10-all.yaml", HALF)
    key = desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    assert desk.system().shown(key)["group"] == "tier-1"


def test_the_status_tells_of_broken_files(program: Program, desk: Desk) -> None:
    program("-C", desk, "run", "--once")
    assert program("-C", desk, "--format", "json", "status").lines[0]["files"] == "in force"
    desk.swap("rules/10-all.yaml", "tier-1", "tier-2")
    assert program("-C", desk, "--format", "json", "status").lines[0]["files"] == "other"
    desk.write("rules/10-all.yaml", HALF)
    done = program("-C", desk, "status")
    assert (done.code, "until then the last good rules stay" in done.out) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_ends_in_good_order(desk: Desk, number: signal.Signals, code: int) -> None:
    process = a_process("-C", desk, "run")
    until(lambda: desk.folder.joinpath(".ticketgate/desk.db").exists())
    until(lambda: desk.customer_writes("Printer on fire") and desk.effects())
    process.send_signal(number)
    done = ended(process)
    assert done.code == code
    assert "stopped" in done.err


@pytest.mark.slow
def test_half_written_rules_wait_until_they_are_whole(program: Program, desk: Desk, tmp_path: Path) -> None:
    program("-C", desk, "run", "--once")
    log = tmp_path / "log"

    def group_of_a_new_ticket() -> str | None:
        key = desk.customer_writes("Printer on fire")
        until(lambda: desk.system().shown(key)["group"])
        return str(desk.system().shown(key)["group"])

    with log.open("w") as file, in_background("-C", desk, "run", log=file):
        assert group_of_a_new_ticket() == "tier-1"
        good = desk.folder.joinpath("rules/10-all.yaml").read_text(encoding="utf-8")
        desk.write("rules/10-all.yaml", HALF)
        until(lambda: "changed rules are not taken over" in log.read_text())
        assert group_of_a_new_ticket() == "tier-1"
        assert "✓ route" in program("-C", desk, "why", "desk:M-2").out
        desk.write("rules/10-all.yaml", good.replace("tier-1", "tier-2"))
        until(lambda: "1 of 1 tests of these rules fails" in log.read_text())
        assert group_of_a_new_ticket() == "tier-1"
        desk.swap("tests/all.test.yaml", "tier-1", "tier-2")
        until(lambda: "new rules in force" in log.read_text())
        assert group_of_a_new_ticket() == "tier-2"
        assert "(empty) → tier-1" in program("-C", desk, "why", "desk:M-2").out
        assert "(empty) → tier-2" in program("-C", desk, "why", "desk:M-4").out
        desk.swap("ticketgate.yaml", "poll: 1s", "poll: 2s")
        until(lambda: "taken over by the next start" in log.read_text())
    assert "rules/10-all.yaml:5:" in log.read_text()
    assert "Traceback" not in log.read_text()
