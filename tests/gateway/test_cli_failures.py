"""Whatever goes wrong: the right exit code, the place and the remedy in words, no traceback, no secret, and no harm to the rest."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.ending import Code
from gateway.clock import now
from gateway.sandbox.faults import Fault
from gateway.sandbox.host import Served
from gateway.sandbox.main import SYSTEMS, sandbox_for
from tests.gateway.four import SAMPLE_DESK, secrets
from tests.gateway.program import ROOT, Desk, Program, a_process, ended

FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "401": ({"kind": "status", "status": 401}, 4, "Check its sign_in:"),
    "html": ({"kind": "html_login"}, 4, "a page for people (HTML)"),
    "429": ({"kind": "status", "status": 429, "headers": {"retry-after": "60"}}, 5, "429"),
    "500": ({"kind": "status", "status": 500}, 5, "does it answer at all?"),
    "half": ({"kind": "truncate"}, 5, "does it answer at all?"),
}
CASES = [
    pytest.param(system, fault, marks=[pytest.mark.slow] if fault in ("500", "half") else [])
    for system, fault in [
        *[(s, "401") for s in SYSTEMS],
        ("jira", "html"),
        ("salesforce", "429"),
        ("zendesk", "500"),
        ("servicenow", "half"),
    ]
]


@pytest.mark.parametrize(("system", "fault"), CASES)
def test_one_system_that_fails_holds_up_none_of_the_others(
    program: Program, four: Desk, hosted: dict[str, Served], system: str, fault: str
) -> None:
    how, code, says = FAULTS[fault]
    hosted[system].faults.append(Fault(times=10_000, **how))
    done = program("-C", four, "--format", "json", "run", "--once")
    assert done.code == code
    said = {one["connection"]: one for one in done.lines}
    failed = said.pop(SAMPLE_DESK[system][0])
    assert says in failed["error"]
    assert all(one["read"] and one["error"] is None for one in said.values()), "the other three did their work"
    status = program("-C", four, "status")
    assert (status.code, status.out.count(" OK ")) == (1, 3)
    for secret in secrets(hosted):
        assert secret not in done.all + status.all + four.texts()


def test_a_revoked_sign_in_stops_its_connection_once_and_says_so(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    """Fault row F29."""
    port, sandbox = hosted["zendesk"], sandbox_for("zendesk", now)
    grants, before = sandbox.grants, port.sandbox  # type: ignore[attr-defined]
    grants.revoke()
    port.sandbox = sandbox

    done = program("-C", four, "run", "--once")

    port.sandbox = before
    assert done.err.count("connection stopped") == 1
    assert grants.refused == 1
    status = program("-C", four, "status").out
    assert ("STOPPED" in status, status.count(" OK ")) == (True, 3)
    assert "400 invalid_grant; check client_id" in status


def test_doctor_warns_of_zendesk_s_api_tokens(program: Program, four: Desk) -> None:
    four.swap(
        "ticketgate.yaml",
        'sign_in: { client_id: ticketgate, client_secret: "${secret:zendesk}" }',
        'sign_in: { email: a@example.com, token: "${secret:zendesk}" }',
    )
    said = program("-C", four, "doctor", "--offline").out
    assert "API tokens stop on 2027-04-30" in said


@pytest.mark.parametrize("command", [["plan"], ["backfill", "--yes"], ["doctor"]])
def test_batches_read_the_other_systems_too(program: Program, four: Desk, hosted: dict[str, Served], command: list[str]) -> None:
    hosted["zendesk"].faults.append(Fault(kind="status", status=401, times=10_000))
    done = program("-C", four, *command)
    assert done.code == (1 if command == ["doctor"] else 4)
    assert "Check its sign_in:" in done.all
    if command != ["doctor"]:
        assert "36 tickets" in done.out or "38 tickets" in done.out
    if command[0] == "backfill":
        hosted["zendesk"].faults.clear()
        through = program("-C", four, "backfill", "--yes", "--resume", "backfill-1")
        assert (through.code, through.out.startswith("48 tickets seen")) == (0, True)


def test_a_kept_plan_leaves_out_only_the_system_that_fails(program: Program, desk: Desk) -> None:
    desk.tickets(3)
    desk.tickets(3, "other")
    program("-C", desk, "plan", "-o", "x.plan")
    desk.swap("ticketgate.yaml", "other: { system: memory", "other: { system: 'tests.gateway.program:Refusing'")
    done = program("-C", desk, "apply", "x.plan", "--yes")
    assert done.code == Code.REFUSED_BY_REMOTE
    assert "6 tickets in the plan = 3 changed + 0 unchanged + 0 skipped + 0 failed + 3 pending." in done.out
    assert "other: canary says no" in done.err
    desk.swap("ticketgate.yaml", "'tests.gateway.program:Refusing'", "memory")
    assert program("-C", desk, "apply", "x.plan", "--yes").code == 0
    assert len(desk.effects()) == len(desk.effects("other")) == 6


def test_a_connection_that_rests_is_named(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    hosted["salesforce"].faults.append(Fault(kind="status", status=429, headers={"retry-after": "60"}, times=10_000))
    program("-C", four, "run", "--once")
    done = program("-C", four, "run", "--once")
    assert done.code == 5
    assert "not asked: salesforce-crm" in done.out


def test_a_secret_that_is_not_there(program: Program, four: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = four.folder / ".ticketgate/secrets/jira"
    for text, says in (
        (b"", "the secret 'jira' is empty"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (None, "there is no secret called 'jira'"),
    ):
        file.unlink() if text is None else file.write_bytes(text)
        done = program("-C", four, "plan")
        assert done.code == 3
        assert says in done.err
        assert "--> ticketgate.yaml:19:" in done.err
    monkeypatch.setenv("TICKETGATE_SECRET_JIRA", " ")
    assert "the secret 'jira' is empty" in program("-C", four, "doctor").err
    assert program("-C", four, "check").code == 0


def test_a_secret_in_clear_is_found_and_not_shown(program: Program, four: Desk) -> None:
    four.swap("ticketgate.yaml", '"${secret:jira}"', "canary-in-clear")
    done = program("-C", four, "check")
    assert (done.code, "error[TG305]" in done.out) == (1, True)
    assert "set TICKETGATE_SECRET_NAME" in done.out
    assert "canary" not in program("-C", four, "--format", "json", "check").out


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TICKETGATE_BRAKE__TICKETS", "many", "TICKETGATE_BRAKE__TICKETS: it should be a whole number"),
        ("TICKETGATE_BRAKE", "5", "TICKETGATE_BRAKE: it should be keys with values"),
        ("TICKETGATE_CONNECTIONS", "{canary", "a TICKETGATE_... variable is not JSON"),
        ("TICKETGATE_CONNECTIONS", '{"desk": {"poll": "canary"}}', "TICKETGATE_CONNECTIONS: a duration looks like 30s"),
        ("TICKETGATE_CONNECTIONS", '{"desk": {"page_sise": 5}}', "TICKETGATE_CONNECTIONS in the environment says something else"),
        ("TICKETGATE_DATABASE", "postgresql://me:canary@host/db", "TICKETGATE_DATABASE: this release keeps its store in SQLite"),
        ("TICKETGATE_CLOCK", "noon", "TICKETGATE_CLOCK: 'noon' is not a clock"),
        ("TICKETGATE_CONFIG", "nowhere.yaml", "There is no file nowhere.yaml"),
    ],
)
def test_the_environment_is_named_when_it_is_wrong(
    program: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    done = program("-C", desk, "plan")
    assert (done.code, done.out) == (3, "")
    assert says in done.err
    assert "canary" not in done.err


def test_secrets_of_the_environment_s_settings_are_kept_out_of_logs(program: Program, four: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.settings import running

    monkeypatch.setenv("TICKETGATE_CONNECTIONS", '{"jira-core": {"sign_in": {"email": "a@example.com", "token": "canary-7777"}}}')
    assert "canary-7777" in running(four.folder).secrets


@pytest.mark.parametrize("command", [["status"], ["why", "desk:1"], ["plan"], ["run", "--once"], ["backfill", "--yes"]])
@pytest.mark.parametrize("spoilt", ["words", "newer", "folder"])
def test_a_database_that_cannot_be_used(program: Program, desk: Desk, command: list[str], spoilt: str) -> None:
    program("-C", desk, "run", "--once")
    database = desk.folder / ".ticketgate/desk.db"
    if spoilt == "newer":
        with sqlite3.connect(database) as db:
            db.execute("update alembic_version set version_num = '9999'")
        db.close()
    else:
        for file in database.parent.glob("desk.db*"):
            file.unlink()
        database.write_text("not a database") if spoilt == "words" else database.mkdir()
    done = program("-C", desk, *command)
    assert (done.code, done.out) == (5, "")
    assert "desk.db" in done.err
    assert {"words": "is not a database", "newer": "newer release", "folder": "Is a directory"}[spoilt] in done.err
    assert program("-C", desk, "doctor", "--offline").code == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(program: Program, desk: Desk) -> None:
    desk.folder.chmod(0o500)
    done = program("-C", desk, "run", "--once")
    desk.folder.chmod(0o700)
    assert (done.code, "Permission denied" in done.err) == (5, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "package"), [("jira", "jira"), ("zendesk", "zenpy"), ("servicenow", "pysnow"), ("salesforce", "simple_salesforce")]
)
def test_a_package_that_is_not_installed(four: Desk, system: str, package: str) -> None:
    four.write(f"packages/{package}/__init__.py", f"raise ModuleNotFoundError('No module named {package}', name='{package}')")
    without = {"PYTHONPATH": f"{four.folder}/packages:{ROOT}"}
    done = ended(a_process("-C", four, "run", "--once", env=without))
    assert done.code == 3
    assert f"pip install 'ticketgate[{system}]'" in done.err
    assert ended(a_process("-C", four, "check", env=without)).code == 0


def test_a_mistake_of_ours_says_so_and_shows_nothing_of_what_it_held(program: Program, desk: Desk) -> None:
    desk.swap("ticketgate.yaml", "other: { system: memory", "other: { system: 'tests.gateway.program:Odd'")
    done = program("-C", desk, "plan")
    assert done.code == Code.DEFECT
    assert "This is a defect of ticketgate, not of your files: RuntimeError in program.py" in done.err
    assert "canary" not in done.all


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ([], 2, "Usage:"),
        (["--version"], 0, "ticketgate 0."),
        (["--help"], 0, "Exit codes: 0 done"),
        (["chek"], 2, "Did you mean 'check'"),
        (["--bogus"], 2, "No such option: --bogus"),
        (["check", "--bogus"], 2, "No such option: --bogus"),
        (["status", "--format", "json"], 2, "--format stands before the command"),
        (["--format", "xml", "check"], 2, "'--format': 'xml' is not one of"),
        (["check", "--ignore", "TG401,TG402"], 2, "say --select or --ignore once for each code"),
        (["why"], 2, "Missing argument 'REF'"),
        (["-C", "nowhere", "check"], 3, "Use -C DIR, or make one: ticketgate init DIR"),
        (["-c", "nowhere", "check"], 3, "There is no file nowhere"),
        (["sandbox", "--port", "99999"], 2, "'--port'"),
        (["sandbox", "--tickets", "nowhere.csv"], 2, "There is no file nowhere.csv."),
    ],
)
def test_wrong_usage(program: Program, args: list[str], code: int, says: str) -> None:
    done = program(*args)
    assert done.code == code
    assert says in done.all


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [("x.csv", b"\xff\xfe\x00", "not UTF-8"), ("x.txt", b"a", "give a .csv"), ("x.csv.gz", b"hi", "x.csv.gz cannot be read")],
)
def test_tickets_that_no_sandbox_can_read(program: Program, name: str, content: bytes, says: str) -> None:
    Path(name).write_bytes(content)
    done = program("sandbox", "--port", 0, "--tickets", name)
    assert done.code == 2
    assert says in done.err


def test_colours_only_where_they_are_wanted(program: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in program("-C", desk, "test").out
    assert "\x1b[" in program("-C", desk, "--color", "always", "test").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in program("-C", desk, "test").out
    assert "\x1b[" not in program("-C", desk, "--color", "never", "test").out


@pytest.mark.slow
def test_a_reader_that_goes_away_changes_neither_the_work_nor_its_code(desk: Desk) -> None:
    desk.tickets(3)
    desk.swap("tests/all.test.yaml", "group: tier-1", "group: tier-2")
    for args, code in ((["plan", "-o", desk.folder / "x.plan"], 0), (["-q", "--format", "json", "plan"], 0), (["test"], 1)):
        reader, writer = os.pipe()
        os.close(reader)
        process = a_process("-C", desk, *args, stdout=writer)
        os.close(writer)
        done = ended(process)
        assert (done.code, done.err) == (code, "")
    assert len((desk.folder / "x.plan").read_bytes().splitlines()) == 5


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(">&-", 0), (">&- 2>&-", 0), ("<&-", 0), (">/dev/full", 5)])
def test_streams_that_are_closed_or_full(desk: Desk, how: str, code: int) -> None:
    command = f'exec "{sys.executable}" -m gateway -C "{desk}" plan {how}'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_terminal_that_knows_few_letters(desk: Desk) -> None:
    desk.tickets(1)
    done = ended(a_process("-C", desk, "plan", env={"PYTHONIOENCODING": "ascii"}))
    assert (done.code, r"(empty) \u2192 tier-1" in done.out) == (0, True)
    assert len(ended(a_process("-C", desk, "--format", "json", "plan", env={"PYTHONIOENCODING": "ascii"})).lines) == 2


@pytest.mark.parametrize("text", ["{ half a fi", "[]", '{"tickets": {}}'])
def test_a_memory_system_whose_file_is_broken_is_named_and_stops_no_other(program: Program, desk: Desk, text: str) -> None:
    desk.tickets(2, "other")
    (desk.folder / "desk.json").write_text(text)
    for command in (["run", "--once"], ["doctor"]):
        done = program("-C", desk, *command)
        assert done.code == (1 if command == ["doctor"] else 5)
        assert f"{desk.folder}/desk.json" in done.all
        assert "restore the file, or move it away" in done.all
    assert (desk.folder / "desk.json").read_text() == text
    assert "2 tickets read" in program("-C", desk, "plan").out, "the other was read all the same"


def test_options_out_of_their_range_are_refused_in_our_words(program: Program, desk: Desk) -> None:
    for asked, said in {
        ("plan", "--limit", "0"): "Error: '--limit': 1 is the least",
        ("test", "--fail-under", "200"): "Error: '--fail-under': 100 is the most",
        ("plan", "--limit", "many"): "Error: '--limit': write a whole number",
        ("plan", "--since", "99999999999d"): "--since 99999999999d: write a duration like 24h, or a moment like 2026-03-02T08:00Z.",
        ("run", "--drain", "36526d"): "--drain 36526d: a duration is a hundred years at most",
        ("connector", "webhooks", "--base", "https://a b"): "--base is an address such as https://hooks.example.com.",
    }.items():
        done = program("-C", desk, *asked)
        assert (done.code, done.err.splitlines()[-1]) == (2, said)
