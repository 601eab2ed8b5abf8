"""`template list|render`: how a text reads before anybody gets it; and the completion of shells."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.program import ROOT, Desk, Program, a_process, ended

RULES = """version: 1
fields: { tier: { type: choice, values: [gold] } }
rules:
  - id: greet
    name: Greet everybody
    when: created
    then: [{ reply: { template: hello } }]
    limits: { per_ticket: 1 }
"""
HELLO = {
    "en": "Dear {{ ticket.requester.name | first_name | default('you') }}, "
    "{{ ticket.product }} at {{ ticket.custom.tier }} ({{ rule.name }})",
    "de": "Hallo{% if ticket.product %} {{ ticket.product }}{% endif %}",
}


@pytest.fixture
def texts(desk: Desk) -> Desk:
    desk.write("rules/20-greet.yaml", RULES)
    for language, text in HELLO.items():
        desk.write(f"templates/hello/{language}.md", text)
    desk.write("templates/bye/en.md", "{{ sla.remaining | duration }} left; {{ approval.by }} says {{ comment.text }}")
    return desk


def test_all_are_listed_with_their_languages_and_the_rules_that_say_them(program: Program, texts: Desk) -> None:
    done = program("-C", texts, "--format", "json", "template", "list")
    said = [(one["name"], one["languages"], one["rules"]) for one in done.lines]
    assert (done.code, said) == (0, [("bye", ["en"], []), ("hello", ["de", "en"], ["greet"])])
    assert "no rule says it" in program("-C", texts, "template", "list").out


def test_without_a_ticket_one_is_made_up_in_which_nothing_is_empty(program: Program, texts: Desk) -> None:
    done = program("-C", texts, "template", "render", "hello")
    assert done.code == 0
    assert "Dear Ana, billing at gold (Greet everybody)" in done.out
    assert "--- hello (de)\nHallo billing" in done.out
    assert "15m left; ana@example.com says It still fails." in program("-C", texts, "template", "render", "bye").out


def test_what_a_real_ticket_leaves_empty_is_named(program: Program, texts: Desk) -> None:
    (key,) = texts.tickets(1, requester="Ana Lima")
    done = program("-C", texts, "--format", "json", "template", "render", "hello", "--ticket", f"desk:{key}")
    by = {one["language"]: one for one in done.lines}
    assert done.code == 1
    assert by["en"]["empty"] == ["ticket.custom.tier", "ticket.product"]
    assert by["en"]["text"] == "Dear Ana,  at  (Greet everybody)"
    assert (by["de"]["empty"], by["de"]["text"]) == ([], "Hallo"), "the text asks first"
    assert texts.effects() == []


def test_what_is_not_there_is_code_8(program: Program, texts: Desk) -> None:
    assert "there are bye, hello" in program("-C", texts, "template", "render", "helo").err
    for asked in (["helo"], ["hello", "--language", "fr"], ["hello", "--ticket", "desk:NO-1"], ["hello", "--ticket", "nowhere:1"]):
        assert program("-C", texts, "template", "render", *asked).code == 8
    assert program("-C", texts, "template", "render", "hello", "--language", "DE").out == "--- hello (de)\nHallo billing\n"


def test_a_text_that_cannot_be_filled_is_a_finding(program: Program, texts: Desk) -> None:
    texts.write("templates/bye/en.md", "{{ ticket.subject | date }}")
    done = program("-C", texts, "template", "render", "bye")
    assert (done.code, "templates/bye/en.md:1: 'date' is for moments" in done.out) == (1, True)


SHELLS = {
    "bash": "complete -o default",
    "zsh": "#compdef ticketgate",
    "fish": "complete --command",
    "powershell": "Register-ArgumentCompleter",
}


@pytest.mark.parametrize(("shell", "has"), SHELLS.items())
def test_each_shell_gets_a_script_of_its_own(program: Program, shell: str, has: str) -> None:
    done = program("completion", shell)
    assert (done.code, has in done.out, "ticketgate" in done.out) == (0, True, True)


def test_a_shell_that_is_none_is_wrong_usage(program: Program) -> None:
    assert program("completion", "tcsh").code == 2
    assert "$PROFILE" in program("completion", "powershell", "--install").err


def test_it_is_set_up_once_in_ones_own_files(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for _ in range(2):
        done = program("completion", "bash", "--install")
        assert done.code == 0
    assert (tmp_path / ".bashrc").read_text().count("ticketgate.sh") == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_a_real_shell_completes_commands_and_options(program: Program) -> None:
    asked = {"_TICKETGATE_COMPLETE": "complete_bash", "COMP_CWORD": "2", "COMP_WORDS": "ticketgate check --on"}
    assert "--online" in ended(a_process(env=asked)).out
    script = program("completion", "bash").out.replace(" $1 ", f" {sys.executable} -m gateway ")
    typed = f'{script}\nCOMP_WORDS=(ticketgate templ); COMP_CWORD=1; _ticketgate_completion x; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.split() == ["template"]
