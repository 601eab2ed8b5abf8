"""`init`: a small desk that passes its own check and tests, whatever the questions were answered with."""

import os
import pty
from pathlib import Path

import pytest

from gateway.cli.init import ADDRESS
from tests.gateway.program import Program, a_process


@pytest.mark.parametrize("system", ADDRESS)
def test_what_it_writes_passes_its_own_check_and_tests(program: Program, system: str) -> None:
    done = program("init", "my desk", "--connector", system)
    assert done.code == 0
    assert f"export TICKETGATE_SECRET_{system.upper()}_MAIN=..." in done.out
    assert f"ticketgate -C 'my desk' secret set {system}-main" in done.out
    assert f"your own address in the place of {ADDRESS[system]}" in done.out
    assert "ticketgate -C 'my desk' check" in done.out
    assert program("-C", "my desk", "check", "--strict").code == 0
    assert program("-C", "my desk", "test").code == 0
    assert program("-C", "my desk", "doctor").code == 3


def test_nothing_is_written_over(program: Program) -> None:
    program("init", "desk")
    Path("desk/ticketgate.yaml").write_text("mine")
    Path("desk/rules/30-routing.yaml").unlink()
    done = program("init", "desk")
    assert done.code == 7
    assert "Say --force" in done.err
    assert Path("desk/ticketgate.yaml").read_text() == "mine"
    assert not Path("desk/rules/30-routing.yaml").exists()
    assert program("init", "desk", "--force").code == 0
    assert program("-C", "desk", "check").code == 0


def test_in_json(program: Program) -> None:
    (said,) = program("--format", "json", "init", "desk").lines
    assert "ticketgate.yaml" in said["files"]


@pytest.mark.parametrize("folder", ["a-file", "a-file/below", "/proc/nothing"])
def test_where_nothing_can_be_written(program: Program, folder: str) -> None:
    Path("a-file").touch()
    done = program("init", folder)
    assert (done.code, done.out) == (2, "")
    assert folder in done.err


def test_an_unknown_system(program: Program) -> None:
    done = program("init", "desk", "--connector", "remedy")
    assert done.code == 2
    assert "there are zendesk, jira, servicenow, salesforce" in done.err
    assert not Path("desk").exists()


def test_an_answer_that_cannot_be_used_is_asked_again(program: Program, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = a_process("init", "desk", stdin=theirs, cwd=tmp_path)
    answers = ["remedy", "jira", "My Desk!", "desk", "no address", "https://acme.example", 'gr: "oup\\', "Mars/Phobos", "Asia/Tokyo"]
    os.write(ours, ("\n".join(answers) + "\n").encode())
    _, err = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert err.count("Error:") == 4
    assert program("-C", "desk", "check").code == 0
    said = Path("desk/ticketgate.yaml").read_text() + Path("desk/rules/30-routing.yaml").read_text()
    assert "https://acme.example" in said
    assert r'group: "gr: \"oup\\"' in said
