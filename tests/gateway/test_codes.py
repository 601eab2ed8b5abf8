"""Every code: a text that provokes it exactly where the mark » stands, and one that comes close and does not."""

from dataclasses import dataclass

import pytest

from gateway.topics.codes import CODES
from rules.lint_trials import untested
from rules.problems import Problem
from rules.reader import check
from rules.ticket import replace
from rules.trial import read_trials, run
from tests.rules.rule_files import DESK, holidays

FULL = frozenset({"status", "type", "priority", "severity", "group", "assignee", "tags", "requester", "subject", "body", "channel"})
ABLE = replace(
    DESK,
    reads=dict.fromkeys(DESK.connections, FULL),
    writes=dict.fromkeys(DESK.connections, FULL),
    replies=frozenset(DESK.connections),
    notes=frozenset(DESK.connections),
    creates=frozenset(DESK.connections),
)
AROUND = {
    "templates/ack/en.md": "Hello {{ ticket.requester.name | first_name }}",
    "templates/ack/de.md": "Hallo {{ ticket.requester.name | first_name }}",
    "rules/tables/teams.csv": "product,language,team\nbilling,de,billing-dach\n",
    "rules/l.txt": "a\nb\n",
}
FILE = "rules/30-example.yaml"


def found(text: str, file: str = FILE, able: bool = False) -> list[Problem]:
    """All findings about this one file, test files among them."""
    whole = text if "version" in text.partition("\n")[0] else f"version: 1\n{text}"
    files = {**AROUND, file: whole} if file == FILE or not file.startswith("tests/") else {**AROUND, FILE: RULE_A, file: whole}
    bundle, problems = check(files, ABLE if able else DESK, holidays)
    if bundle is not None:
        trials, wrong = read_trials(files, bundle)
        fired = {rule for trial in trials for rule in run(trial, bundle).fired}
        problems = [*problems, *wrong, *(untested(bundle, fired, files) if "TG410" in text else ())]
    return [problem for problem in problems if problem.place.file == file]


# --- what `explain` shows is true ------------------------------------------------------------------------------------

SHOWN = [code for code in CODES.values() if code.wrong]


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.code)
def test_the_example_of_explain_provokes_its_code_and_the_remedy_does_not(code) -> None:
    (level,) = {problem.level for problem in found(code.wrong, code.file, able=code.code == "TG412") if problem.code == code.code}
    assert level == code.level
    assert code.code not in {problem.code for problem in found(code.right, code.file, able=code.code == "TG412")}
    errors = [p for p in found(code.right, code.file, able=code.code == "TG412") if p.level == "error"]
    assert errors == []


def test_every_code_of_the_language_is_known() -> None:
    ranges = (range(101, 109), range(201, 213), range(301, 309), range(401, 414))
    assert set(CODES) == {f"TG{number}" for numbers in ranges for number in numbers}
    assert {code for code in CODES if not CODES[code].wrong} == {"TG306", "TG410", "TG411"}


# --- the table -------------------------------------------------------------------------------------------------------

RULE_A = "version: 1\nrules:\n  - { id: a, when: created, then: [{ tag: { add: [x] } }] }\n"
RULE = "rules:\n  - id: a\n    when: created\n    then: [{ stop: ticket }]\n"


def a_rule(then: str = "[{ stop: ticket }]", when: str = "created", more: str = "", id: str = "a", condition: str = "") -> str:
    lines = [f"  - id: {id}" if "»" not in id else f"  - »id: {id[1:]}", f"    when: {when}", f"    then: {then}"]
    lines += [f"    if: {condition}"] if condition else []
    return "\n".join(lines + [f"    {line}" for line in more.splitlines()]) + "\n"


def some(*rules: str, pick: str = "all", head: str = "") -> str:
    return f"{head}ruleset: {{ pick: {pick} }}\nrules:\n" + "".join(rules)


@dataclass(frozen=True)
class Case:
    """`wrong` gives `code` at the mark; `near` does not give it."""

    code: str
    wrong: str
    near: str
    file: str = FILE
    able: bool = False
    end: str = ""  # the text that is underlined, where it matters


TAG, TAG2 = "[{ tag: { add: [x] } }]", "[{ »tag: { add: [x] } }]"
TESTS = "version: 1\ntests:\n  - name: t\n    now: 2026-03-02T10:00:00+01:00\n    event: created\n"
CASES = (
    Case("TG101", "rules: [»\n", "rules: []\n"),
    Case("TG101", "rules: []\n»---\nrules: []\n", "rules: []  # ---\n"),
    Case("TG101", "lists: { l: { values: »*nowhere } }\n", "lists: { m: { values: &a [x] }, l: { values: *a } }\n"),
    Case("TG102", "lists: { l: { values: [x], »values: [y] } }\n", "lists: { l: { values: [x, x] } }\n", end="values"),
    Case("TG103", "lists:\n»\tl: { values: [x] }\n", "lists:\n  l: { values: [x] }\t\n", end="\t"),
    Case("TG104", "lists: &l\n  l: »*l\n", "lists: { l: { values: &v [x] }, m: { values: *v } }\n"),
    Case("TG104", f"lists: {{ l: {{ values: [&a x, {'*a, ' * 100}»*a] }} }}\n", f"lists: {{ l: {{ values: [&a x, {'*a, ' * 99}*a] }} }}\n"),
    Case("TG105", "lists: { l: { values: [»!!str x] } }\n", "lists: { l: { values: ['!!str x'] } }\n"),
    Case("TG106", "lists: " + "[" * 31 + "»[" + "]" * 32, "conditions: { c: " + "{ any: [" * 14 + "{ type: bug }" + "] }" * 14 + " }\n"),
    Case("TG106", "»version: 1\n#" + "x" * 1024 * 1024, "#" + "x" * 1024),
    Case("TG107", "version: »2\nrules: []\n", 'version: "1"\nrules: []\n', end="2"),
    Case("TG108", "conditions: { a: &a { type: bug }, b: { »<<: *a } }\n", "conditions: { a: { type: bug }, b: { use: a } }\n", end="<<"),
    Case("TG201", RULE + "    »modus: shadow\n", RULE + "    mode: shadow\n", end="modus"),
    Case("TG201", "conditions: { c: { »expr: x } }\n", "conditions: { c: { subject: expr } }\n"),
    Case("TG201", "»packs: []\n", "lists: { packs: { values: [x] } }\n"),
    Case("TG202", "conditions: { c: { »prioritty: low } }\n", "conditions: { c: { priority: low } }\n", end="prioritty"),
    Case(
        "TG202", "conditions: { c: { »custom.tier: low } }\n", "fields: { tier: { type: text } }\nconditions: { c: { custom.tier: low } }\n"
    ),
    Case("TG203", "conditions: { c: { priority: { »at_lest: low } } }\n", "conditions: { c: { priority: { at_least: low } } }\n"),
    Case("TG203", some(a_rule("[{ »asign: { group: x } }]")), some(a_rule("[{ assign: { group: x } }]")), end="asign"),
    Case("TG203", some(a_rule(when="»creatd")), some(a_rule(when="created"))),
    Case("TG203", some(a_rule("[{ »script: x }]")), some(a_rule("[{ note: { text: script } }]"))),
    Case("TG204", "conditions: { c: { product: { »at_least: x } } }\n", "conditions: { c: { priority: { at_least: low } } }\n"),
    Case(
        "TG204",
        "sla_policies:\n  p:\n    applies_to: »{ similar: { same: [product], within: 1h, at_least: 2 } }\n"
        "    targets: { low: { resolution: 1h } }\n",
        "sla_policies: { p: { applies_to: { tags: alike }, targets: { low: { resolution: 1h } } } }\n",
    ),
    Case(
        "TG206",
        some(a_rule("[{ link: { to: duplicate } }]", condition="{ type: bug }").replace("    if:", "    »if:")),
        some(a_rule("[{ link: { to: duplicate } }]", condition="{ similar: { same: [product], within: 1h, at_least: 2 } }")),
        end="if",
    ),
    Case(
        "TG204",
        some(a_rule(f"[{{ set: {{ »tags: [x] }} }}, {TAG[1:]}")),
        some(a_rule("[{ set: { watchers: x } }]").replace("watchers", "group")),
    ),
    Case("TG205", "conditions: { c: { subject: { contains: »[a, b] } } }\n", "conditions: { c: { subject: { contains: a } } }\n"),
    Case("TG205", "conditions: { c: { requester.automated: »no } }\n", "conditions: { c: { requester.automated: false } }\n", end="no"),
    Case("TG206", "rules:\n  - »id: a\n    when: created\n", RULE),
    Case("TG206", "# version\n»rules: []\n", "rules: []\nversion: 1\n".replace("rules: []\nversion: 1", "version: 1\nrules: []")),
    Case(
        "TG206", RULE.replace("  - ", "  »# ticketgate: allow TG406\n  - "), RULE.replace("  - ", "  # ticketgates allow everything\n  - ")
    ),
    Case("TG207", "lists: { l: { values: [x], »file: l.txt } }\n", "lists: { l: { file: l.txt } }\n", end="file"),
    Case("TG207", RULE + "    »stages: []\n", RULE),
    Case(
        "TG208",
        some(a_rule("[{ tag: { add: [x] }, »stop: ticket }]")),
        some(a_rule("[{ tag: { add: [x] } }, { stop: ticket }]")),
        end="stop",
    ),
    Case("TG209", "conditions: { c: { due_at: { older_than: »3 } } }\n", "conditions: { c: { due_at: { older_than: 3d } } }\n"),
    Case("TG209", some(a_rule(more="limits: { per_ticket: »once }")), some(a_rule(more="limits: { per_ticket: 1 }"))),
    Case("TG210", RULE.replace("id: a", "id: »A"), RULE, end="A"),
    Case("TG211", "conditions: { c: { status: »waiting } }\n", "conditions: { c: { status: Pending } }\n", end="waiting"),
    Case("TG211", "ruleset: { pick: »last }\n" + RULE, "ruleset: { pick: first }\n" + RULE),
    Case(
        "TG212", "conditions: { c: { subject: { matches: »'(a' } } }\n", "conditions: { c: { subject: { matches: '(a)' } } }\n", end="'(a'"
    ),
    Case("TG301", some(a_rule(), a_rule().replace("id: a", "id: »a")), some(a_rule(), a_rule(id="b", when="closed"))),
    Case("TG302", "conditions: { c: { use: »open } }\n", "conditions: { c: { use: d }, d: { type: bug } }\n", end="open"),
    Case("TG302", "lists: { l: { file: »m.txt } }\n", "lists: { l: { file: l.txt } }\n"),
    Case(
        "TG302",
        some(a_rule("[{ notify: { to: »leads, template: ack } }]")),
        some(a_rule("[{ notify: { to: vip-alerts, template: ack } }]")),
    ),
    Case(
        "TG302",
        TESTS.removeprefix("version: 1\n") + "    expect: { fired: [»b] }\n",
        TESTS + "    expect: { fired: [a] }\n",
        file="tests/a.test.yaml",
    ),
    Case(
        "TG303",
        some(a_rule("[{ note: { text: 'Is {{ »ticket.prority }}' } }]")),
        some(a_rule("[{ note: { text: 'Is {{ ticket.priority }}' } }]")),
        end="ticket.prority",
    ),
    Case(
        "TG304",
        some(a_rule("[{ reply: { template: »ack, language: fr } }]")),
        some(a_rule("[{ reply: { template: ack, language: de-at } }]")),
    ),
    Case(
        "TG305", "lists: { l: { values: ['»${secret:x}'] } }\n", "lists: { l: { values: ['$secret'] } }  # ${secret:x}\n", end="${secret:x}"
    ),
    Case("TG307", "conditions:\n  a: { use: b }\n  b: { use: »a }\n", "conditions:\n  a: { use: b }\n  b: { type: bug }\n", end="a"),
    Case(
        "TG308",
        "tables: { t: { file: tables/teams.csv, keys: [»produkt] } }\n",
        "tables: { t: { file: tables/teams.csv, keys: [product] } }\n",
    ),
    Case(
        "TG401",
        some(a_rule(condition="{ type: bug }"), a_rule(id="»b", condition="{ type: bug, product: x }"), pick="first"),
        some(a_rule(condition="{ type: bug, product: x }"), a_rule(id="b", condition="{ type: bug }"), pick="first"),
        end="id: b",
    ),
    Case(
        "TG402",
        some(a_rule(id="»a", condition="{ priority: { above: high, is_not: urgent } }")),
        some(a_rule(condition="{ priority: { at_least: high, is_not: urgent } }")),
    ),
    Case(
        "TG403",
        some(a_rule(id="»a"), a_rule(id="b", when="[created, updated]", condition="{ type: bug }"), pick="first"),
        some(a_rule(id="b", when="[created, updated]", condition="{ type: bug }"), a_rule(), pick="first"),
    ),
    Case(
        "TG404",
        some(a_rule(condition="{ type: bug, product: x }"), a_rule(id="»b", condition="{ product: [X], type: [bug] }")),
        some(a_rule(condition="{ type: bug, product: x }"), a_rule(id="b", condition="{ product: x }")),
    ),
    Case(
        "TG405",
        some(a_rule("[{ set: { priority: high } }]"), a_rule("[{ set: { priority: »low } }]", id="b")),
        some(a_rule("[{ set: { priority: high } }]"), a_rule("[{ set: { priority: High } }]", id="b")),
        end="low",
    ),
    Case(
        "TG406",
        some(a_rule("[{ »reply: { template: ack } }]")),
        some(a_rule("[{ reply: { template: ack } }]", more="limits: { per_ticket: 1 }")),
    ),
    Case(
        "TG407",
        "lists: { »l: { values: [x] } }\n",
        "lists: { l: { values: [x] } }\n" + some(a_rule(condition="{ product: { in_list: l } }")),
    ),
    Case(
        "TG408",
        "rules:\n  - id: a\n    when: { waiting: { status: pending } }\n    stages:\n"
        f"      - {{ after: 2d, then: {TAG} }}\n      - {{ »after: 1d, then: {TAG} }}\n      - {{ after: 12h, then: {TAG} }}\n",
        "rules:\n  - id: a\n    when: { waiting: { status: pending } }\n    stages:\n"
        f"      - {{ after: 1d, then: {TAG} }}\n      - {{ after: 25h, then: {TAG} }}\n",
    ),
    Case(
        "TG409",
        some(
            a_rule(
                "[{ sync: { with: jira-core, status: { owner: zendesk-eu } } }]", when="updated", condition="{ connection: zendesk-eu }"
            ),
            a_rule(
                "[{ »sync: { with: zendesk-eu, status: { owner: jira-core } } }]",
                when="updated",
                id="b",
                condition="{ connection: jira-core }",
            ),
        ),
        some(
            a_rule(
                "[{ sync: { with: jira-core, status: { owner: zendesk-eu } } }]", when="updated", condition="{ connection: zendesk-eu }"
            ),
            a_rule(
                "[{ sync: { with: zendesk-eu, status: { owner: zendesk-eu } } }]",
                when="updated",
                id="b",
                condition="{ connection: jira-core }",
            ),
        ),
        end="sync",
    ),
    Case(
        "TG409",
        some(
            a_rule("[{ set: { type: bug } }]", when="{ changed: product }", more="react_to_own_changes: true"),
            a_rule("[{ »set: { product: x } }]", when="{ changed: { field: type, to: bug } }", id="b", more="react_to_own_changes: true"),
        ),
        some(
            a_rule("[{ set: { type: bug } }]", when="{ changed: product }", more="react_to_own_changes: true"),
            a_rule("[{ set: { product: x } }]", when="{ changed: { field: type, to: task } }", id="b", more="react_to_own_changes: true"),
        ),
    ),
    Case(
        "TG409",
        some(a_rule("[{ »raise_priority: { by: 1 } }]", when="{ changed: priority }", more="react_to_own_changes: true")),
        some(a_rule("[{ raise_priority: high }]", when="{ changed: priority }", more="react_to_own_changes: true")),
    ),
    Case(
        "TG409",
        some(
            a_rule("[{ sync: { with: jira-core, fields: { priority: { owner: zendesk-eu } } } }]", condition="{ connection: zendesk-eu }"),
            a_rule(
                "[{ sync: { with: servicenow-it, fields: { priority: { owner: jira-core } } } }]",
                id="b",
                condition="{ connection: jira-core }",
            ),
            a_rule(
                "[{ »sync: { with: zendesk-eu, fields: { priority: { owner: servicenow-it } } } }]",
                id="c",
                condition="{ connection: servicenow-it }",
            ),
        ),
        some(
            a_rule("[{ sync: { with: jira-core, fields: { priority: { owner: zendesk-eu } } } }]", condition="{ connection: zendesk-eu }"),
            a_rule(
                "[{ sync: { with: servicenow-it, fields: { priority: { owner: jira-core } } } }]",
                id="b",
                condition="{ connection: jira-core }",
            ),
            a_rule(
                "[{ sync: { with: zendesk-eu, fields: { priority: { owner: zendesk-eu } } } }]",
                id="c",
                condition="{ connection: servicenow-it }",
            ),
        ),
    ),
    Case("TG410", "# TG410\n" + some(a_rule(TAG, id="»a")), some(a_rule(TAG, more="mode: shadow"))),
    Case(
        "TG412",
        some(a_rule(TAG, condition="{ »product: x }")),
        some(a_rule(TAG, condition="{ product: x }"), head="fields: { product: { type: text, from: { jira-core: p } } }\n").replace(
            "product: x", "product: x, connection: jira-core"
        ),
        able=True,
        end="product",
    ),
    Case("TG412", some(a_rule("[{ »set: { impact: high } }]")), some(a_rule("[{ set: { severity: sev1 } }]")), able=True),
    Case("TG413", some(a_rule(f"[{{ stop: ticket }}, {TAG2[1:]}")), some(a_rule(f"[{TAG[1:-1]}, {{ stop: ticket }}]")), end="tag"),
)


def marked(text: str) -> tuple[str, int, int]:
    """The text without its mark, and where that stood."""
    whole = text if "version" in text.partition("\n")[0] else f"version: 1\n{text}"
    before, _, after = whole.partition("»")
    return before + after, before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{n}" for n, case in enumerate(CASES)])
def test_a_code_stands_exactly_where_it_shall(case: Case) -> None:
    text, line, column = marked(case.wrong)
    given = [problem for problem in found(text, case.file, case.able) if problem.code == case.code]
    assert [(p.place.line, p.place.column) for p in given] == [(line, column)]
    assert given[0].message
    assert given[0].level == CODES[case.code].level
    if case.end:
        shown = text.splitlines()[line - 1][column - 1 : given[0].spot.end_column - 1]
        assert shown == case.end


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{n}" for n, case in enumerate(CASES)])
def test_what_comes_close_does_not_have_it(case: Case) -> None:
    near = [problem for problem in found(case.near, case.file, case.able) if problem.code == case.code]
    assert near == []
    assert [p for p in found(case.near, case.file, case.able) if p.level == "error"] == []


def test_every_code_stands_in_the_table() -> None:
    """Packs (TG306) are refused as a whole; TG411 asks the systems, and stands in `test_check_online.py`."""
    assert {case.code for case in CASES} == set(CODES) - {"TG306", "TG411"}


@pytest.mark.parametrize("code", ["TG102", "TG207", "TG301", "TG307", "TG401", "TG402", "TG405", "TG408", "TG409", "TG413"])
def test_where_it_helps_a_second_place_is_shown(code: str) -> None:
    case = next(case for case in CASES if case.code == code)
    given = [problem for problem in found(marked(case.wrong)[0], case.file, case.able) if problem.code == code]
    assert given[0].related
