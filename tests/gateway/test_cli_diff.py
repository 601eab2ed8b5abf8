"""`diff`: what the files write otherwise than the rules in force, and which tickets would end differently under them."""

from pathlib import Path

import pytest

from gateway.differing import differing
from tests.gateway.program import Desk, Program

RULES = """version: 1
lists:
  vips: { values: [Northwind] }
conditions:
  is-vip: { requester.organization: { in_list: vips } }
rules:
  - id: one
    when: created
    if: { use: is-vip }
    then: [{ tag: { add: [vip] } }]
  - id: two
    when: created
    if: { type: bug }
    then: [{ tag: { add: [bug] } }]
"""


@pytest.fixture
def run(program: Program, desk: Desk) -> Desk:
    """Two old tickets that were adopted, and a new one that was acted on."""
    desk.tickets(2)
    program("-C", desk, "run", "--once")
    desk.customer_writes("Printer on fire")
    program("-C", desk, "run", "--once")
    return desk


def test_the_same_files_differ_in_nothing(program: Program, run: Desk) -> None:
    done = program("-C", run, "diff", "--replay", "7d", "--exit-code")
    assert (done.code, done.err) == (0, "")
    assert "The rules in force are those of the files" in done.out
    assert "3 tickets judged again, 0 would end differently (0.0%)." in done.out


def test_a_rule_written_otherwise_is_named_with_its_line(program: Program, run: Desk) -> None:
    run.swap("rules/10-all.yaml", "group: tier-1", "group: tier-2")
    done = program("-C", run, "diff", "--exit-code")
    assert done.code == 10
    assert "~ rule route   rules/10-all.yaml:3" in done.out
    assert "acknowledge" not in done.out
    assert program("-C", run, "diff").code == 0


def test_replay_names_the_tickets_the_fields_and_the_rules(program: Program, run: Desk) -> None:
    run.swap("rules/10-all.yaml", "group: tier-1", "group: tier-2")
    run.swap("rules/10-all.yaml", "We have it.", "Thank you.")
    done = program("-C", run, "diff", "--replay", "7d", "--exit-code")
    assert done.code == 10
    assert 'desk:M-3  "Printer on fire"' in done.out
    assert "group      'tier-1' → 'tier-2'   route rules/10-all.yaml:7" in done.out
    assert "reply      'We have it.' → 'Thank you.'   acknowledge rules/10-all.yaml:13" in done.out
    assert "3 tickets judged again, 3 would end differently (100.0%)." in done.out


def test_replay_in_json(program: Program, run: Desk) -> None:
    run.swap("rules/10-all.yaml", "- tag: { add: [routed] }", "- tag: { add: [sent] }")
    done = program("-C", run, "--format", "json", "diff", "--replay", "1d")
    kinds = [said["type"] for said in done.lines]
    assert kinds == ["differing", "ticket", "ticket", "ticket", "summary"]
    (looked,) = [said for said in done.lines if said.get("ref") == "desk:M-3"]
    (thing,) = looked["things"]
    assert (thing["what"], thing["before"]["value"], thing["after"]["value"]) == ("tags", "[routed]", "[sent]")
    assert done.lines[-1]["judged"] == done.lines[-1]["changed"] == 3


def test_a_new_rule_concerns_only_the_tickets_that_it_matches(program: Program, run: Desk) -> None:
    run.swap(
        "rules/10-all.yaml",
        "  - id: acknowledge",
        "  - id: fire\n    when: created\n    if: { subject: { contains: fire } }\n"
        "    then: [{ set: { priority: urgent } }]\n  - id: acknowledge",
    )
    done = program("-C", run, "diff", "--replay", "7d")
    assert "+ rule fire" in done.out
    assert "priority   (nothing) → 'urgent'   fire rules/10-all.yaml" in done.out
    assert "3 tickets judged again, 1 would end differently" in done.out


def test_another_desk_is_compared_by_its_folder_or_its_rules(program: Program, run: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "rules").mkdir(parents=True)
    (other / "rules" / "10-all.yaml").write_text((run.folder / "rules" / "10-all.yaml").read_text().replace("tier-1", "tier-9"))
    for path in (other, other / "rules"):
        assert "~ rule route" in program("-C", run, "diff", path).out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--replay", "soon"], 2, "--replay soon: write a duration like 24h or 7d."),
        (["nowhere"], 2, "there is no such folder"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(program: Program, run: Desk, args: list[str], code: int, says: str) -> None:
    done = program("-C", run, "diff", *args)
    assert done.code == code
    assert says in done.err


def test_files_with_mistakes_and_a_desk_that_never_ran(program: Program, desk: Desk) -> None:
    assert program("-C", desk, "diff").code == 5
    program("-C", desk, "run", "--once")
    desk.swap("rules/10-all.yaml", "when: created", "wehn: created")
    assert program("-C", desk, "diff").code == 3


def of(text: str) -> dict[str, str]:
    return {"rules/10-all.yaml": text, "tests/a.test.yaml": text, "templates/ack/en.md": "Hello"}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("{ values: [Northwind] }", "\n    values:\n      - Northwind   # the best", []),
        ("[Northwind]", "[Contoso]", [("changed", "list", "vips")]),
        ("in_list", "not_in_list", [("changed", "condition", "is-vip")]),
        ("add: [bug]", "add: [bugs]", [("changed", "rule", "two")]),
        ("- id: two", "- id: three", [("added", "rule", "three"), ("removed", "rule", "two")]),
        ("rules:\n", "ruleset: { pick: first }\nrules:\n", [("changed", "rule set", "rules/10-all.yaml")]),
    ],
)
def test_what_is_written_otherwise(old: str, new: str, found: list[tuple[str, str, str]]) -> None:
    said = differing(of(RULES), of(RULES.replace(old, new, 1)))
    assert sorted((one.what, one.kind, one.name) for one in said) == found


def test_rules_in_another_order_are_named_as_such() -> None:
    head, one, two = RULES.partition("  - id: one")[0], RULES[RULES.index("  - id: one") : RULES.index("  - id: two")], ""
    two = RULES[RULES.index("  - id: two") :]
    (only,) = differing(of(RULES), of(head + two + one))
    assert (only.what, only.kind) == ("reordered", "rule set")
