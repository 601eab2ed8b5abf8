"""What holds for whole desks: the eight rules are read, no edit of a good file raises anything, and reading is quick."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.conditions import Look, compiled, explain
from rules.problems import Mistakes, Problem, rendered
from rules.questions import similar_of
from rules.reader import check, parse
from rules.ticket import Person, replace
from tests.builders import an_observation
from tests.costs import growth
from tests.rules.eight_rules import DESK, FILES
from tests.rules.rule_files import holidays

YAMLS = sorted(file for file in FILES if file.endswith(".yaml"))
SNIPPETS = (
    *("\t", "  ", "\n", "- ", ": ", "{", "}", "[", "]", "'", '"', "*a", "&a ", "!x ", "<<: ", "#", "|", ">", "%", "null", "~", "", "- - "),
    *(
        "priority",
        "status: new",
        "any:\n",
        "use: still-open",
        "{{ ticket.x }}",
        "${secret:x}",
        "breach",
        "9999999999d",
        "\u202e",
        "é",
        "\x00",
    ),
    *(
        "between: [1]",
        "matches: '('",
        "id: a",
        "when: created",
        "then:",
        "stages:",
        "sync: {}",
        "reply: {}",
        "version: 2",
        "true",
        "1.5",
        "[]",
        "{}",
    ),
)


def test_the_eight_rules_are_read_without_a_finding():
    made, found = check(FILES, DESK, holidays)
    assert found == []
    assert made is not None
    assert [rule.id for ruleset in made.rulesets for rule in ruleset.rules] == [
        *("contain-fraud-and-personal-data", "route-by-product-and-language", "vip-escalation", "sla-first-response-ladder"),
        *("acknowledge-out-of-hours", "sync-bugs-with-jira", "repeat-incident-to-problem", "close-stale-pending"),
    ]


def test_their_conditions_can_be_asked_and_explained():
    made = parse(FILES, DESK, holidays)
    alike = {found.name: 2 for ruleset in made.rulesets for rule in ruleset.rules if (found := similar_of(rule.condition)) is not None}
    look = Look(replace(an_observation(), facts=alike), calendars=made.calendars, systems=DESK.connections)
    for rule in (rule for ruleset in made.rulesets for rule in ruleset.rules):
        assert compiled(rule.condition)(look) is explain(rule.condition, look).held
    assert look.values["requester.email"] == "ana@example.com"
    assert isinstance(look.ticket.requester, Person)


def survives(files):
    """A bundle or `Mistakes`; and what was found can be shown."""
    found: tuple[Problem, ...] = ()
    try:
        parse(files, DESK, holidays)
    except Mistakes as mistakes:
        found = mistakes.problems
        rendered(found, files)
    for problem in found:
        assert problem.message
        assert problem.place.line >= 0
        problem.as_json()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(YAMLS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(SNIPPETS)), min_size=1, max_size=4))
def test_no_edit_of_a_good_file_raises_anything_else(file, edits):
    text = FILES[file]
    for where, length, new in edits:
        at = int(where * len(text))
        text = text[:at] + new + text[at + length :]
    survives({**FILES, file: text})


@pytest.mark.parametrize("seed", range(40))
def test_values_that_stand_in_the_wrong_place_raise_nothing_else(seed):
    """Well-formed YAML of the wrong shape: every value swapped with one from elsewhere."""
    dice = random.Random(seed)
    file = dice.choice(YAMLS)
    lines = FILES[file].splitlines()
    values = [line.partition(": ")[2] for line in lines if ": " in line]
    for _ in range(3):
        at = dice.randrange(len(lines))
        key, colon, old = lines[at].partition(": ")
        lines[at] = f"{key}{colon}{dice.choice([*values, *SNIPPETS])}" if old else lines[at]
    survives({**FILES, file: "\n".join(lines)})


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_table_list_or_template_raises_anything_else(text):
    survives({**FILES, "rules/tables/product-teams.csv": text, "templates/vip-ticket/en.md": text})


def a_big_desk(rules):
    rule = (
        "  - id: r{}\n    when: [created, {{ changed: product }}]\n    if:\n      use: still-open\n      product: billing{}\n"
        "      subject: {{ contains_any: [refund, invoice {}] }}\n      priority: {{ at_least: normal }}\n"
        "    then:\n      - assign: {{ group: team-{} }}\n      - tag: {{ add: [auto-routed] }}\n"
    )
    return {
        **FILES,
        "rules/35-many.yaml": "version: 1\nruleset: { pick: first }\nrules:\n" + "".join(rule.format(n, n, n, n) for n in range(rules)),
    }


def test_rules_cost_what_their_number_does():
    made = parse(a_big_desk(100), DESK, holidays)
    assert sum(len(ruleset.rules) for ruleset in made.rulesets) == 108
    assert growth(lambda rules: parse(a_big_desk(rules), DESK, holidays), 50) < 8
