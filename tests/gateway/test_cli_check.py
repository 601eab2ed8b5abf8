"""`check` and `test`: every mistake at once, each with its place; exit codes that a pipeline can rely on."""

import pytest

from tests.gateway.program import Desk, Program


def test_a_desk_without_mistakes(program: Program, desk: Desk) -> None:
    done = program("-C", desk, "check")
    assert (done.code, done.err) == (0, "")
    assert "0 errors, 0 warnings in 3 files (2 rules)." in done.out
    assert program("-C", desk, "-q", "check").out == ""
    assert program("-C", desk, "--format", "json", "check").lines[-1]["loaded"] is True
    assert program("-C", desk, "check", "--format", "json").lines[-1]["errors"] == 0


def test_the_current_folder_is_the_desk_when_it_holds_one(program: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    assert program("check").code == 0
    monkeypatch.chdir(desk.folder.parent)
    assert program("check").code == 3
    assert program("-c", "desk/ticketgate.yaml", "check").out.endswith("in 3 files (2 rules).\n")


def test_mistakes_of_all_files_are_told_at_once(program: Program, desk: Desk) -> None:
    desk.swap("ticketgate.yaml", "version: 1", "version: 2")
    desk.swap("rules/10-all.yaml", "type: incident, group", "typ: incident, group")
    desk.write("rules/20-more.yaml", "version: 1\nrules: [\n")
    done = program("-C", desk, "check")
    assert done.code == 1
    assert "error[TG107]: this release reads version 1\n --> ticketgate.yaml:1:" in done.out
    assert "error[TG202]: there is no ticket field called 'typ'\n --> rules/10-all.yaml:5:11" in done.out
    assert "error[TG101]" in done.out
    assert "rules/20-more.yaml:" in done.out
    assert "Nothing was loaded." in done.out
    found = [one for one in program("-C", desk, "--format", "json", "check").lines if one["type"] == "finding"]
    assert {one["code"] for one in found} == {"TG107", "TG202", "TG101"}
    assert all(one["file"] and one["line"] and one["column"] and one["help"] for one in found)


def test_findings_can_be_chosen(program: Program, desk: Desk) -> None:
    desk.swap("rules/10-all.yaml", "    limits: { per_ticket: 1 per 1h }\n", "")
    desk.swap("rules/10-all.yaml", "type: incident, group", "typ: incident, group")
    assert "TG202" in program("-C", desk, "check", "--select", "TG2").out
    assert program("-C", desk, "check", "--ignore", "TG2").code == 0
    assert program("-C", desk, "check", "tests").code == 0
    assert program("-C", desk, "check", "rules/10-all.yaml").code == 1
    assert program("-C", desk, "check", desk.folder / "rules").code == 1


def test_warnings_count_only_when_they_shall(program: Program, desk: Desk) -> None:
    desk.swap("rules/10-all.yaml", "    limits: { per_ticket: 1 per 1h }\n", "")
    done = program("-C", desk, "check")
    assert (done.code, "warning[TG406]" in done.out) == (0, True)
    assert program("-C", desk, "check", "--strict").code == 1


def test_a_mistyped_path_is_not_a_clean_one(program: Program, desk: Desk) -> None:
    for command in ("check", "test"):
        done = program("-C", desk, command, "rules/10-al.yaml")
        assert (done.code, done.out) == (2, "")
        assert "There is no file or folder rules/10-al.yaml" in done.err


def test_a_file_that_cannot_be_read_is_a_finding_and_hides_no_other(program: Program, desk: Desk) -> None:
    (desk.folder / "rules/40-gone.yaml").symlink_to(desk.folder / "nowhere")
    (desk.folder / "rules/50-bytes.yaml").write_bytes(b"version: 1\nrules: [\xff\xfe]\n")
    done = program("-C", desk, "check")
    assert done.code == 1
    assert "error[TG106]: the file cannot be read: No such file or directory\n --> rules/40-gone.yaml:1:1" in done.out
    assert "rules/50-bytes.yaml:2:9" in done.out


@pytest.mark.parametrize("text", ["", "- a list\n", "just words\n", "a: [1\nb", "{\n", "version: 1\n\tx: 1\n", "\x00"])
def test_settings_that_are_no_settings(program: Program, desk: Desk, text: str) -> None:
    desk.write("ticketgate.yaml", text)
    done = program("-C", desk, "check")
    assert done.code == 1
    assert "error[TG" in done.out
    assert "--> ticketgate.yaml:" in done.out
    assert program("-C", desk, "plan").code == 3


@pytest.mark.parametrize("system", ["no_such:Thing", "os:path", "json:JSONDecoder", "a:b:c", "tests.gateway.program:Nope", "5"])
def test_a_system_that_is_none(program: Program, desk: Desk, system: str) -> None:
    desk.swap("ticketgate.yaml", 'system: memory, url: "memory://' + desk.folder.as_posix() + "/other", f'system: {system}, url: "x')
    done = program("-C", desk, "check")
    assert done.code == 1
    assert "error[TG302]" in done.out
    assert "--> ticketgate.yaml:4:20" in done.out
    assert f"system: {system}" in done.out
    assert "these come along: jira" in done.out


@pytest.mark.parametrize(
    ("database", "code"),
    [("postgresql://me:canary-1234@host/db", 1), ("sqlite://", 1), ("sqlite:///", 1), ("nonsense", 1), ("sqlite:///desk.db", 0)],
)
def test_a_database_of_another_kind_is_found_by_check(program: Program, desk: Desk, database: str, code: int) -> None:
    desk.swap("ticketgate.yaml", "version: 1\n", f"version: 1\ndatabase: {database}\n")
    done = program("-C", desk, "check")
    assert done.code == code
    assert ("write sqlite:///PATH" in done.out) == bool(code)


def test_tests_pass_fail_and_are_not_found(program: Program, desk: Desk) -> None:
    done = program("-C", desk, "test")
    assert (done.code, "1 passed, 0 failed" in done.out) == (0, True)
    assert program("-C", desk, "test", "-k", "FIRST line").code == 0
    assert program("-C", desk, "test", "-k", "no such").code == 2
    assert program("-C", desk, "-q", "test").out.startswith("1 passed")
    desk.swap("tests/all.test.yaml", "group: tier-1", "group: tier-2")
    done = program("-C", desk, "--format", "json", "test")
    assert done.code == 1
    assert [one["type"] for one in done.lines] == ["test", "summary"]
    assert done.lines[0]["outcome"] == "failed"
    assert (done.lines[0]["file"], done.lines[0]["line"]) == ("tests/all.test.yaml", 3)
    assert "✗ an incident goes to the first line   tests/all.test.yaml:3" in program("-C", desk, "test").out


def test_tests_that_cannot_be_read_end_with_three(program: Program, desk: Desk) -> None:
    desk.swap("tests/all.test.yaml", "event: created", "event: creatd")
    done = program("-C", desk, "test")
    assert (done.code, "tests/all.test.yaml:6" in done.err) == (3, True)
    desk.swap("rules/10-all.yaml", "assign", "asign")
    assert program("-C", desk, "test").code == 3
