"""`secret`: taken in without being seen, kept where nobody else reads, listed by name."""

import os
import pty
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.gateway.program import ROOT, Desk, Done, Program, a_process, ended

SECRET = "canary-4711"


@pytest.fixture
def needy(desk: Desk) -> Desk:
    """A desk that names two secrets, and one in a comment."""
    text = (desk.folder / "ticketgate.yaml").read_text(encoding="utf-8")
    desk.write(
        "ticketgate.yaml", text + 'on_call: { pager: { url: "${secret:pager}" }, boss: { url: "${secret:boss}" } } # ${secret:old}\n'
    )
    return desk


@pytest.mark.slow
def test_a_disk_without_room_is_told_with_the_file_and_leaves_nothing(needy: Desk) -> None:
    command = f'ulimit -f 0; echo {SECRET} | "{sys.executable}" -m gateway -C "{needy}" secret set pager --stdin'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    folder = needy.folder / ".ticketgate/secrets"
    assert (done.returncode, done.stdout) == (5, "")
    assert f"{folder / 'pager'}: File too large" in done.stderr
    assert list(folder.iterdir()) == []


def given(desk: Desk, said: bytes, *args: str, **environment: str) -> Done:
    """`secret set` in a process of its own, with `said` as its standard input."""
    with tempfile.TemporaryFile() as stdin:
        stdin.write(said)
        stdin.seek(0)
        return ended(a_process("-C", desk, "secret", "set", *args, stdin=stdin, env=environment))


def test_a_secret_is_kept_for_its_owner_alone_and_never_printed(needy: Desk) -> None:
    folder = needy.folder / ".ticketgate/secrets"
    folder.mkdir(parents=True, mode=0o755)
    done = given(needy, f"{SECRET}\n".encode(), "pager", "--stdin")
    assert (done.code, SECRET in done.all) == (0, False)
    assert (folder / "pager").read_text(encoding="utf-8").strip() == SECRET
    assert stat.S_IMODE((folder / "pager").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [p.name for p in folder.iterdir()] == ["pager"], "nothing half written is left behind"


def test_the_desk_then_finds_it(program: Program, needy: Desk) -> None:
    assert "no secret called 'pager'" in program("-C", needy, "doctor", "--offline").err
    for name in ("pager", "boss"):
        given(needy, b"json://localhost", name, "--stdin")
    assert program("-C", needy, "doctor", "--offline").code == 0


def test_a_key_of_several_lines_stays_whole(needy: Desk) -> None:
    given(needy, b"-- BEGIN --\nabc\n-- END --\n", "key", "--stdin")
    assert (needy.folder / ".ticketgate/secrets/key").read_text(encoding="utf-8") == "-- BEGIN --\nabc\n-- END --\n"


def test_the_list_says_where_each_comes_from_and_which_are_missing(program: Program, needy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    given(needy, SECRET.encode(), "spare", "--stdin")
    monkeypatch.setenv("TICKETGATE_SECRET_BOSS", SECRET)
    rows = {row["name"]: row for row in program("-C", needy, "--format", "json", "secret", "list").lines}
    assert {name: (row["state"], row["used"]) for name, row in rows.items()} == {
        "pager": ("missing", True),
        "boss": ("ok", True),
        "spare": ("ok", False),
    }
    assert rows["boss"]["source"] == "TICKETGATE_SECRET_BOSS"
    assert rows["spare"]["source"].endswith(".ticketgate/secrets/spare")
    done = program("-C", needy, "secret", "list")
    assert (done.code, SECRET in done.all, "secret set pager" in done.out) == (0, False, True)


def test_the_folder_that_the_environment_names_comes_first(
    program: Program, needy: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = tmp_path_factory.mktemp("chosen")
    monkeypatch.setenv("TICKETGATE_SECRETS_DIR", str(chosen))
    assert given(needy, SECRET.encode(), "pager", "--stdin", TICKETGATE_SECRETS_DIR=str(chosen)).code == 0
    assert (chosen / "pager").exists()
    assert program("-C", needy, "secret", "remove", "pager").code == 0
    assert not (chosen / "pager").exists()


def test_a_variable_that_overrules_the_file_is_named(needy: Desk) -> None:
    assert "TICKETGATE_SECRET_PAGER" in given(needy, SECRET.encode(), "pager", "--stdin", TICKETGATE_SECRET_PAGER="other").err


def test_one_that_is_not_there_cannot_be_removed(program: Program, needy: Desk) -> None:
    done = program("-C", needy, "secret", "remove", "pager")
    assert (done.code, "no secret 'pager'" in done.err) == (8, True)


@pytest.mark.parametrize("name", ["../desk.db", "a/b", ".hidden", "..", "", "a b", "x" * 101, "/etc/passwd"])
def test_a_name_does_not_lead_out_of_the_folder(program: Program, needy: Desk, name: str) -> None:
    assert given(needy, b"x", name, "--stdin").code == 2
    assert program("-C", needy, "secret", "remove", name).code == 2
    assert not (needy.folder / ".ticketgate/secrets").exists()


@pytest.mark.parametrize("rest", [(SECRET,), (f"--{SECRET}",), ("--stdin", SECRET)])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(needy: Desk, rest: tuple[str, ...]) -> None:
    done = given(needy, b"x", "pager", *rest)
    assert (done.code, SECRET in done.all, "history" in done.err) == (2, False, True)
    assert not (needy.folder / ".ticketgate/secrets").exists()


@pytest.mark.parametrize("said", [b"", b"  \n", b"\xff\xfe"])
def test_nothing_is_no_secret(needy: Desk, said: bytes) -> None:
    assert given(needy, said, "pager", "--stdin").code == 2


def test_where_nobody_can_type_the_way_out_is_named(needy: Desk) -> None:
    done = given(needy, SECRET.encode(), "pager")
    assert (done.code, "--stdin" in done.err) == (2, True)


def test_a_folder_that_cannot_be_made_is_named(needy: Desk) -> None:
    needy.write(".ticketgate/secrets", "a file in its place")
    done = given(needy, SECRET.encode(), "pager", "--stdin")
    assert (done.code, ".ticketgate/secrets" in done.err) == (5, True)


def test_what_is_typed_on_a_terminal_is_not_shown(needy: Desk) -> None:
    ours, theirs = pty.openpty()
    process = a_process("-C", needy, "secret", "set", "pager", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    while b"not shown): " not in shown:  # the blank comes when the terminal no longer shows what is typed
        shown += os.read(ours, 1000)
    os.write(ours, f"{SECRET}\n".encode())
    try:
        while more := os.read(ours, 1000):
            shown += more
    except OSError:  # how a pty says that its other end is closed
        pass
    assert ended(process).code == 0
    assert SECRET.encode() not in shown
    assert Path(needy.folder / ".ticketgate/secrets/pager").read_text(encoding="utf-8").strip() == SECRET
