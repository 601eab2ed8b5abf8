"""`backfill`: asks first, counts every ticket once, stops at the brake, and goes on where it was interrupted."""

import re
import signal

import pytest

from tests.gateway.program import Desk, Done, Program, a_process, ended, until

COUNTS = re.compile(
    r"([\d,]+) tickets seen = ([\d,]+) changed \+ ([\d,]+) unchanged \+ ([\d,]+) skipped.* \+ ([\d,]+) failed \+ ([\d,]+) pending"
)


def counts(done: Done) -> tuple[int, ...]:
    """Seen, changed, unchanged, skipped, failed, pending: and they add up."""
    found = COUNTS.search(done.out)
    assert found, done
    seen, *parts = (int(n.replace(",", "")) for n in found.groups())
    assert seen == sum(parts)
    return seen, *parts


@pytest.fixture
def full(desk: Desk) -> Desk:
    desk.tickets(12)
    desk.tickets(3, "other", type="question")
    return desk


def test_it_asks_first(program: Program, full: Desk) -> None:
    done = program("-C", full, "--no-input", "backfill", "--connection", "desk", "--since", "2d")
    assert done.code == 7
    assert "every ticket of desk touched since" in done.err
    assert "no replies to customers" in done.err
    assert full.effects() == []


def test_every_ticket_is_counted_and_a_second_run_changes_nothing(program: Program, full: Desk) -> None:
    done = program("-C", full, "backfill", "--yes")
    assert done.code == 0
    assert counts(done) == (15, 12, 3, 0, 0, 0)
    assert len(full.effects()) == 12
    again = program("-C", full, "--format", "json", "backfill", "--yes")
    assert (again.code, again.lines[0]["seen"], again.lines[0]["changed"]) == (0, 15, 0)
    assert len(full.effects()) == 12


def test_replies_are_sent_when_asked_for(program: Program, full: Desk) -> None:
    assert program("-C", full, "backfill", "--yes", "--send-replies").code == 0
    assert len(full.effects(kind="reply")) == 12


def test_the_brake_stops_it_and_a_person_lets_it_through(program: Program, full: Desk) -> None:
    done = program("-C", full, "backfill", "--yes", "--max-changes", 7)
    assert done.code == 7
    assert counts(done) == (5, 5, 0, 0, 0, 0)
    assert "more than 7 tickets would change" in done.err
    assert f"ticketgate -C {full} backfill --resume backfill-1 --max-changes N" in done.err
    assert "backfill backfill-1: held   to go on:" in program("-C", full, "status").out
    through = program("-C", full, "backfill", "--resume", "backfill-1", "--max-changes", 20, "--yes")
    assert (through.code, counts(through)) == (0, (15, 12, 3, 0, 0, 0))
    assert len(full.effects()) == 12


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--resume", "backfill-9"], 8, "There is no backfill 'backfill-9' that could go on"),
        (["--resume", ""], 8, "There is no backfill ''"),
        (["--resume", "backfill-1", "--since", "2d"], 2, "--resume goes on with what was asked for then"),
        (["--resume", "backfill-1", "--send-replies"], 2, "--resume goes on with what was asked for then"),
        (["--rule", "nope"], 8, "There is no rule called 'nope'"),
        (["--connection", "nope"], 8, "There is no connection called 'nope'"),
        (["--until", "soon"], 2, "--until soon"),
        (["--max-changes", "-3"], 2, "'--max-changes'"),
    ],
)
def test_what_cannot_be_asked_for(program: Program, full: Desk, options: list[str], code: int, says: str) -> None:
    done = program("-C", full, "backfill", "--yes", *options)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert full.effects() == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_the_middle_it_goes_on_and_the_counts_add_up(
    program: Program, desk: Desk, number: signal.Signals, code: int
) -> None:
    desk.tickets(150)
    process = a_process("-C", desk, "backfill", "--yes", "--send-replies")
    until(lambda: len(desk.effects()) > 20)
    process.send_signal(number)
    done = ended(process)
    assert done.code == code
    assert f"To go on: ticketgate -C {desk} backfill --resume backfill-1" in done.err
    seen, changed, *_ = counts(done)
    assert 0 < seen < 150
    assert seen == changed
    through = program("-C", desk, "backfill", "--resume", "backfill-1", "--yes")
    assert (through.code, counts(through)) == (0, (150, 150, 0, 0, 0, 0))
    assert len(desk.effects(kind="update")) == len(desk.effects(kind="reply")) == 150
