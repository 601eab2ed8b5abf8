"""`plan` and `apply`: a dry run that writes nothing anywhere, and a kept plan that is carried out exactly, once, or not at all."""

from pathlib import Path

import pytest

from connectors.sandbox import Deed
from tests.gateway.program import Desk, Program


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Seven tickets at one system, three at the other, which the rules have nothing to say about."""
    desk.tickets(7)
    desk.tickets(3, "other", type="question")
    return desk


@pytest.fixture
def kept(program: Program, full: Desk) -> Path:
    """A plan in a file."""
    path = full.folder / "monday.plan"
    assert program("-C", full, "plan", "-o", path).code == 0
    return path


def test_a_plan_says_what_before_after_which_rule_and_where(program: Program, full: Desk) -> None:
    done = program("-C", full, "plan")
    assert (done.code, done.err) == (0, "")
    assert 'desk:M-1  "Ticket 0"' in done.out
    assert "group      (empty) → tier-1" in done.out
    assert "rules/10-all.yaml:7" in done.out
    assert "! reply" in done.out
    assert "10 tickets read in" in done.out
    assert "7 would change." in done.out
    assert "Nothing was written." in done.out


def test_a_plan_writes_nothing_and_puts_nothing_into_force(program: Program, full: Desk) -> None:
    program("-C", full, "plan")
    assert full.effects() == full.effects("other") == []
    assert "Rules in force: none." in program("-C", full, "status").out


def test_a_plan_in_json(program: Program, full: Desk) -> None:
    *plans, summary = program("-C", full, "--format", "json", "plan").lines
    assert [one["ref"] for one in plans] == [f"desk:M-{n}" for n in range(1, 8)]
    assert plans[0]["actions"][0]["changes"][0]["after"] == "tier-1"
    assert (summary["seen"], summary["changed"], summary["unchanged"]) == (10, 7, 3)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--limit", "2"], 0, "2 tickets read"),
        (["--connection", "other"], 0, "3 tickets read"),
        (["--connection", "other", "--exit-code"], 0, "0 would change"),
        (["--exit-code"], 10, "7 would change"),
        (["--since", "1h"], 0, "0 tickets read"),
        (["--since", "2d", "--until", "2020-01-01"], 0, "Skipped: 10 changed later"),
        (["--where", "subject: { contains: ticket 3 }"], 0, "1 would change"),
        (["--rule", "acknowledge"], 0, "7 replies"),
        (["--ticket", "desk:M-2", "--ticket", "desk:M-2"], 0, "1 ticket"),
    ],
)
def test_which_tickets(program: Program, full: Desk, options: list[str], code: int, says: str) -> None:
    done = program("-C", full, "plan", *options)
    assert (done.code, done.err) == (code, "")
    assert says in done.out


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--since", "yesterday"], 2, "--since yesterday: write a duration like 24h"),
        (["--where", "prio: high"], 2, "--where:1:1"),
        (["--where", "["], 2, "--where:1:2"),
        (["--where", ""], 2, "--where is empty"),
        (["--limit", "0"], 2, "'--limit'"),
        (["--rule", "acknowlege"], 8, "Did you mean 'acknowledge'?"),
        (["--connection", "nope"], 8, "there are desk, other"),
        (["--ticket", "nope:1"], 8, "There is no connection called 'nope'"),
        (["--ticket", "desk:M-99"], 8, "desk has no ticket M-99."),
        (["--ticket", "M-1"], 2, "write connection:key"),
        (["-o", "/nowhere/x.plan"], 2, "nothing can be written there"),
        (["-o", "desk"], 2, "nothing can be written there"),
    ],
)
def test_what_cannot_be_planned(program: Program, full: Desk, options: list[str], code: int, says: str) -> None:
    done = program("-C", full, "plan", *options)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_a_kept_plan_is_whole_and_its_owner_s(full: Desk, kept: Path) -> None:
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in full.folder.glob("monday*")] == ["monday.plan"]


def test_a_plan_is_carried_out_once(program: Program, full: Desk, kept: Path) -> None:
    done = program("-C", full, "apply", kept, "--yes")
    assert done.code == 0
    assert "7 tickets in the plan = 7 changed + 0 unchanged + 0 skipped + 0 failed + 0 pending." in done.out
    assert (len(full.effects(kind="update")), len(full.effects(kind="reply"))) == (7, 7)
    again = program("-C", full, "--format", "json", "apply", kept, "--yes")
    assert (again.code, again.lines[0]["unchanged"]) == (0, 7)
    assert len(full.effects()) == 14


@pytest.mark.parametrize("options", [[], ["--no-input"]])
def test_where_nobody_can_answer_nothing_is_written(program: Program, full: Desk, kept: Path, options: list[str]) -> None:
    done = program("-C", full, *options, "apply", kept)
    assert done.code == 7
    assert "Say --yes" in done.err
    assert full.effects() == []


def test_a_ticket_that_moved_on_is_left_alone(program: Program, full: Desk) -> None:
    full.tickets(20)
    kept = full.folder / "x.plan"
    program("-C", full, "plan", "-o", kept)
    full.system().people(Deed(kind="set", key="M-3", fields={"group": "people"}))
    done = program("-C", full, "apply", kept, "--yes")
    assert done.code == 6
    assert "26 changed + 0 unchanged + 1 skipped (1 changed since the plan was made)" in done.out
    assert full.system().shown("M-3")["group"] == "people"


def test_a_stale_plan_is_refused_whole(program: Program, full: Desk, kept: Path) -> None:
    full.system().people(Deed(kind="set", key="M-3", fields={"group": "people"}))
    done = program("-C", full, "apply", kept, "--yes")
    assert done.code == 7
    assert "1 of 7 tickets have changed since the plan was made" in done.err
    assert full.effects() == []


def test_more_changes_than_allowed_are_refused(program: Program, full: Desk, kept: Path) -> None:
    done = program("-C", full, "apply", kept, "--yes", "--max-changes", 3)
    assert done.code == 7
    assert "--max-changes 7 lets the plan through" in done.err
    assert full.effects() == []
    full.swap("ticketgate.yaml", "version: 1\n", "version: 1\nbrake: { tickets: 6 }\n")
    assert program("-C", full, "apply", kept, "--yes").code == 7
    assert program("-C", full, "apply", kept, "--yes", "--max-changes", 7, "--rate", "1000/s").code == 0


def test_customers_need_not_hear_of_it(program: Program, full: Desk, kept: Path) -> None:
    assert program("-C", full, "apply", kept, "--yes", "--no-replies").code == 0
    assert full.effects(kind="reply") == []
    assert len(full.effects(kind="update")) == 7


@pytest.mark.parametrize("options", [["--rate", "0"], ["--rate", "-1"], ["--rate", "fast"], ["--rate", "nan"], ["--max-changes", "0"]])
def test_numbers_that_make_no_sense(program: Program, full: Desk, kept: Path, options: list[str]) -> None:
    assert program("-C", full, "apply", kept, "--yes", *options).code == 2
    assert full.effects() == []


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda whole: whole[: len(whole) // 2], "this is not JSON"),
        (lambda whole: b"".join(whole.splitlines(keepends=True)[:-1]), "is not whole"),
        (lambda whole: b"".join(whole.splitlines(keepends=True)[1:]), "first line should name the format"),
        (lambda whole: whole.replace(b'"format":"1.0"', b'"format":"2.0"'), "another release"),
        (lambda whole: whole.replace(b'"version":', b'"versoin":', 2), "this is not a plan"),
        (lambda whole: whole + whole, "is not whole"),
        (lambda whole: b"", "is not whole"),
        (lambda whole: b"\xff\x00garbage", "this is not JSON"),
        (lambda whole: b"[1, 2]\n", "every line of a plan is an object"),
    ],
)
def test_a_damaged_plan_is_not_carried_out_in_part(program: Program, full: Desk, kept: Path, spoil: object, says: str) -> None:
    assert callable(spoil)
    kept.write_bytes(spoil(kept.read_bytes()))
    done = program("-C", full, "apply", kept, "--yes")
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert full.effects() == []


def test_a_plan_that_is_not_there(program: Program, full: Desk) -> None:
    for path in ("nowhere.plan", full.folder):
        assert program("-C", full, "apply", path, "--yes").code == 2


def test_who_only_reads_needs_the_secrets_of_the_systems_alone(program: Program, desk: Desk) -> None:
    (key,) = desk.tickets(1)
    hook = 'endpoints: { erp: { url: "https://erp.example.com/hook", secret: "${secret:erp}" } }\n'
    desk.swap("ticketgate.yaml", "channels:\n", hook + 'channels:\n  chat: { url: "${secret:chat}" }\n')
    for command in (["plan"], ["ticket", f"desk:{key}"], ["plan", "--ticket", f"desk:{key}"]):
        done = program("-C", desk, *command)
        assert (done.code, done.err) == (0, "")
    for command in (["run", "--once"], ["backfill", "--yes"]):
        done = program("-C", desk, *command)
        assert (done.code, "no secret called 'erp'" in done.err, "no secret called 'chat'" in done.err) == (3, True, True)
    desk.swap("ticketgate.yaml", "page_size: 5, poll: 1s }\n  other", 'page_size: 5, poll: "${env:NOWHERE}" }\n  other')
    assert program("-C", desk, "plan").code == 3
