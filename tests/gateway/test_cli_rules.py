"""`rules`: what is loaded and how often it matched; promoted in its file and nowhere else; paused and resumed, with a reason."""

from pathlib import Path

import pytest

from gateway.store import audits
from gateway.store.opening import opened
from tests.gateway.program import Desk, Program

RULES = """version: 1
rules:
  - id: route
    when: created
    if: { type: incident, group: { empty: true } }
    then:
      - assign: { group: tier-1 }

  # tried since Monday
  - id: hurry   # as agreed
    mode: "shadow"  # until the pilot ends
    when: created
    then:
      - set: { priority: urgent }
  - id: silent
    when: closed
    then: [{ tag: { add: [done] } }]
"""


@pytest.fixture
def run(program: Program, desk: Desk) -> Desk:
    """One ticket was judged."""
    desk.write("rules/10-all.yaml", RULES)
    desk.folder.joinpath("tests/all.test.yaml").unlink()
    program("-C", desk, "run", "--once")
    desk.customer_writes("Printer on fire", type="incident")
    program("-C", desk, "run", "--once")
    return desk


def listed(program: Program, desk: Desk, *args: str) -> dict[str, dict[str, object]]:
    return {one["rule"]: one for one in program("-C", desk, "--format", "json", "rules", "list", *args).lines if one["type"] == "rule"}


def test_every_rule_is_listed_with_its_hits(program: Program, run: Desk) -> None:
    found = listed(program, run)
    assert list(found) == ["route", "hurry", "silent"]
    assert (found["route"]["hits"], found["route"]["last_ref"]) == ({"live": 1, "shadow": 0, "limited": 0, "failed": 0}, "desk:M-1")
    assert (found["hurry"]["mode"], found["hurry"]["hits"]) == ("shadow", {"live": 0, "shadow": 1, "limited": 0, "failed": 0})
    assert found["silent"]["last_at"] is None
    text = program("-C", run, "rules", "list").out
    assert "never matched   rules/10-all.yaml:15" in text
    assert "3 rules of bundle" in text


def test_before_the_first_run_the_files_are_listed(program: Program, desk: Desk) -> None:
    assert {rule: one["since"] for rule, one in listed(program, desk).items()} == {"route": None, "acknowledge": None}


def test_what_is_listed_is_in_force_not_what_lies_on_disk(program: Program, run: Desk) -> None:
    run.swap("rules/10-all.yaml", "id: silent", "id: other")
    assert "silent" in listed(program, run)


def test_unused_are_those_that_had_the_time(program: Program, run: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(program, run, "--unused", "30d") == {}, "silent is in force since a moment ago"
    assert list(listed(program, run, "--unused", "0s")) == ["route", "hurry", "silent"]
    assert program("-C", run, "rules", "list", "--unused", "soon").code == 2


def test_one_rule_is_shown_as_it_was_written(program: Program, run: Desk) -> None:
    done = program("-C", run, "rules", "show", "hurry")
    assert done.code == 0
    assert '- id: hurry   # as agreed\n  mode: "shadow"  # until the pilot ends\n  when: created\n' in done.out
    assert "0 times live, 1 in shadow" in done.out
    assert "silent" not in done.out
    missing = program("-C", run, "rules", "show", "hury")
    assert (missing.code, "Did you mean 'hurry'?" in missing.err) == (8, True)


def test_promote_changes_one_word_in_the_file(program: Program, run: Desk) -> None:
    done = program("-C", run, "rules", "promote", "hurry", "--yes")
    assert done.code == 0
    assert '-    mode: "shadow"  # until the pilot ends' in done.out
    assert "+    mode: live  # until the pilot ends" in done.out
    written = run.folder.joinpath("rules/10-all.yaml").read_text(encoding="utf-8")
    assert written == RULES.replace('"shadow"', "live")
    program("-C", run, "run", "--once")
    assert listed(program, run)["hurry"]["mode"] == "live"


def test_windows_line_ends_survive_a_promotion(program: Program, desk: Desk) -> None:
    path = desk.folder / "rules/10-all.yaml"
    path.write_bytes(RULES.replace("\n", "\r\n").encode())
    desk.folder.joinpath("tests/all.test.yaml").unlink()
    assert program("-C", desk, "rules", "promote", "hurry", "--yes").code == 0
    assert path.read_bytes() == RULES.replace('"shadow"', "live").replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("change", "rule", "code", "says"),
    [
        (("", ""), "hurry", 7, "Say --yes"),
        (("", ""), "route", 7, "is live already"),
        (("", ""), "nobody", 8, "There is no rule called 'nobody'"),
        (('"shadow"', "disabled"), "hurry", 7, "is disabled, not shadow"),
        (("version: 1\n", "version: 1\nruleset: { mode: shadow }\n"), "hurry", 7, "its whole set is shadow (rules/10-all.yaml:2"),
    ],
)
def test_what_cannot_be_promoted_leaves_the_file_alone(
    program: Program, run: Desk, change: tuple[str, str], rule: str, code: int, says: str
) -> None:
    run.swap("rules/10-all.yaml", *change)
    before = run.folder.joinpath("rules/10-all.yaml").read_bytes()
    done = program("-C", run, "--no-input", "rules", "promote", rule)
    assert (done.code, says in done.err) == (code, True), done.err
    assert run.folder.joinpath("rules/10-all.yaml").read_bytes() == before


def test_a_paused_rule_does_nothing_until_it_is_resumed(program: Program, run: Desk) -> None:
    assert program("-C", run, "rules", "pause", "route", "--reason", "floods tier 1").code == 0
    key = run.customer_writes("Second fire", type="incident")
    program("-C", run, "run", "--once")
    assert run.system().shown(key)["group"] is None
    assert "paused: a person resumes it" in program("-C", run, "why", f"desk:{key}", "--rule", "route").out
    (said,) = program("-C", run, "--format", "json", "status").lines
    assert [(one["rule"], one["reason"]) for one in said["paused_rules"]] == [("route", "floods tier 1")]
    assert "PAUSED rule route" in program("-C", run, "status").out
    assert listed(program, run)["route"]["paused"]

    assert program("-C", run, "rules", "resume", "route", "--reason", "tier 1 is back").code == 0
    key = run.customer_writes("Third fire", type="incident")
    program("-C", run, "run", "--once")
    assert run.system().shown(key)["group"] == "tier-1"
    assert audited(run.folder) == [("rule paused", "route: floods tier 1"), ("rule resumed", "route: tier 1 is back")]


def test_a_rule_that_its_limit_paused_wants_a_person(program: Program, run: Desk) -> None:
    assert program("-C", run, "status").code == 0
    program("-C", run, "rules", "pause", "silent", "--reason", "a decision")
    assert program("-C", run, "status").code == 0
    run.swap("rules/10-all.yaml", "  - id: silent", "    limits: { total: 1 per 1h, when_reached: pause_rule }\n  - id: silent")
    run.swap("rules/10-all.yaml", '    mode: "shadow"  # until the pilot ends\n', "")
    for n in range(3):
        run.customer_writes(f"Fire {n}", type="incident")
        program("-C", run, "run", "--once")
    done = program("-C", run, "status")
    assert (done.code, "PAUSED rule hurry" in done.out) == (1, True), done.out


def test_a_paused_rule_is_not_asked_by_a_backfill_either(program: Program, run: Desk) -> None:
    run.tickets(1, type="incident")
    program("-C", run, "rules", "pause", "route", "--reason", "floods")
    assert "0 would change" in program("-C", run, "plan", "--rule", "route").out
    assert program("-C", run, "backfill", "--yes").code == 0
    assert run.system().shown("M-2")["group"] is None


def audited(folder: Path) -> list[tuple[str, str]]:
    store = opened(f"sqlite:///{folder}/.ticketgate/desk.db")
    with store.reading() as db:
        found = [(what, detail) for _, _, what, detail in audits.newest(db) if what.startswith("rule ")]
    store.close()
    return found[::-1]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["pause", "route"], 2),
        (["pause", "route", "--reason", " "], 2),
        (["pause", "rout", "--reason", "x"], 8),
        (["resume", "route", "--reason", "x"], 8),
        (["resume", "route"], 2),
        (["show"], 2),
        (["promote"], 2),
        (["forget", "route"], 2),
    ],
)
def test_what_is_asked_for_wrongly(program: Program, run: Desk, args: list[str], code: int) -> None:
    assert program("-C", run, "rules", *args).code == code
