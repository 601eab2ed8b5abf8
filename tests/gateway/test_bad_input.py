"""Bad input of every kind is refused or contained with a message of its own, in little time and memory, and never with a defect of ours."""

import resource
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.desk import from_texts
from rules.engine import evaluate
from rules.observation import Kind
from rules.problems import Problem, rendered
from rules.reader import check, parse
from rules.templates import RenderProblem, Template, TemplateProblem
from rules.trial import read_trials, run
from tests.builders import a_ticket, an_observation
from tests.costs import cost, growth
from tests.rules.eight_rules import FILES
from tests.rules.rule_files import DESK, holidays, in_desk

TIMES = 100  # what the good desk costs to read; most cost less than that once
MEGABYTES = 300
TABLE = (
    "version: 1\ntables: { t: { file: t.csv, keys: [product] } }\nrules:\n  - id: a\n    when: created\n"
    "    then: [{ assign: { from_table: { table: t, column: team } } }]\n"
)
BOMB = "version: 1\na0: &a0 [x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
RULE = "  - {{ id: {id}, when: created, then: [{{ set: {{ priority: {to} }} }}] }}\n"


def bounded(work: Callable[[], Any]) -> Any:
    """What it gives, in bounded time and memory."""
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = work()
    assert time.process_time() - began < TIMES * good()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEGABYTES
    return made


@cache
def good() -> float:
    """What the desk of the eight rules costs to read here and now, in seconds of CPU."""
    return cost(lambda: check(FILES, DESK, holidays))


def errors(rules: str, more: dict[str, str] | None = None) -> list[Problem]:
    return [problem for problem in check(in_desk(rules, more), DESK, holidays)[1] if problem.level == "error"]


def pattern(text: str) -> str:
    return f"version: 1\nconditions: {{ c: {{ subject: {{ matches: '{text}' }} }} }}\n"


@pytest.mark.parametrize(
    ("rules", "more", "code", "said"),
    [
        (BOMB, {}, "TG104", "aliases are used more than 100 times here"),
        ("version: 1\na: &a [*a]\n", {}, "TG104", "stands inside its own anchor"),
        ("version: 1\nrules: " + "[" * 100_000, {}, "TG106", "more than 32 levels"),
        ("version: 1\n" + "".join(" " * n + "a:\n" for n in range(1000)), {}, "TG106", "more than 32 levels"),
        ("version: 1\nrules:\n\t- id: a\n", {}, "TG103", "a tab stands in the indentation"),
        ("version: 1\nlists: {}\nlists: {}\n", {}, "TG102", "'lists' stands twice"),
        ("version: 1\n#" + "x" * 1_100_000, {}, "TG106", "at most 1 MiB"),
        (TABLE, {"rules/t.csv": "product,team\n" + "x,y\n" * 1_000_000}, "TG106", "more than 100000 rows"),
        (TABLE, {"rules/t.csv": "product,team\n" + "x" * 17 * 1024 * 1024}, "TG106", "at most 16 MiB"),
        (TABLE, {"rules/t.csv": "product,team\n" + "x," * 1_000_000}, "TG205", "the header has 2"),
        (TABLE, {"rules/t.csv": 'product,team\n"' + "x\n" * 200_000}, "TG205", "cannot be read"),
        (pattern("((a{1000}){1000}){1000}"), {}, "TG212", "cannot be read"),
        (pattern("(?=a)"), {}, "TG212", "cannot be read"),
        (pattern("[\\p{L}]" * 20_000), {}, "TG212", "longer than 5000"),
        ("version: 1\nrules: []\n", {"templates/big/en.md": "{{ ticket.subject }}" * 100_000}, "TG303", "longer than 100000"),
        ("version: 1\nrules: []\n", {"templates/big/en.md": "{{ 9 ** 99999999 }}"}, "TG303", "not for templates"),
        ("version: 1\nrules: []\n", {"templates/big/en.md": "{% if ticket.ref %}" * 200 + "{% endif %}" * 200}, "TG303", "too deeply"),
        ("version: 1\nrules: []\n", {"templates/big/en.md": "{{ " + "1+" * 20_000 + "1 }}"}, "TG303", "too deeply"),
        (
            "version: 1\nrules: []\n",
            {"templates/big/en.md": "{% for a in range(10) %}{% endfor %}"},
            "TG303",
            "a call is not for templates",
        ),
    ],
)
def test_what_would_cost_too_much_is_refused_with_its_own_message(rules: str, more: dict[str, str], code: str, said: str) -> None:
    found = bounded(lambda: errors(rules, more))
    assert any(problem.code == code and said in problem.message for problem in found), [(p.code, p.message[:100]) for p in found]
    rendered(found, in_desk(rules, more))


MANY: dict[str, tuple[int, Callable[[int], str]]] = {
    "values": (340_000, lambda n: "version: 1\nlists: { l: { values: [" + "a, " * n + "a] } }\n"),
    "conditions": (36_000, lambda n: "version: 1\nconditions:\n" + "".join(f"  c{i}: {{ product: a }}\n" for i in range(n))),
    "rules": (
        12_000,
        lambda n: "version: 1\nrules:\n" + "".join(RULE.format(id=f"r{i}", to="high" if i % 2 else "low") for i in range(n)),
    ),
    "first": (
        12_000,
        lambda n: "version: 1\nruleset: { pick: first }\nrules:\n" + "".join(RULE.format(id=f"r{i}", to="high") for i in range(n)),
    ),
    "reacting": (
        9_000,
        lambda n: (
            "version: 1\nrules:\n"
            + "".join(RULE.replace("when", "react_to_own_changes: true, when").format(id=f"r{i}", to="low") for i in range(n))
        ),
    ),
}
"""Files of nearly one mebibyte, the largest that is read: how many of what."""


@pytest.mark.parametrize("kind", MANY)
def test_a_file_of_one_mebibyte_costs_what_its_length_does(kind: str) -> None:
    """Four times the length in less than eight times the time: what grows with its square would take sixteen."""
    most, text = MANY[kind]
    assert 700_000 < len(text(most)) <= 1024 * 1024

    assert growth(lambda n: errors(text(n)), most // 4, times=1) < 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ 'x' * 1000000000 }}", "only numbers can be multiplied"),
        ("{{ ticket.tags * 1000000000 }}", "only numbers can be multiplied"),
        (
            "{% for a in ticket.tags %}{% for b in ticket.tags %}{% for c in ticket.tags %}x{% endfor %}{% endfor %}{% endfor %}",
            "more than 10000 steps",
        ),
        ("{% for a in ticket.tags %}{{ ticket.body }}{% endfor %}", "longer than 100000 characters"),
        ("{{ ticket.body ~ ticket.body ~ ticket.body }}", "longer than 100000 characters"),
        ("{{ 1 // 0 }}", ""),
        ("{{ ticket.body[::0] }}", ""),
        ("{{ ticket.at | date('%Q' * 2) }}", ""),
    ],
)
def test_a_template_that_takes_too_much_ends_with_a_message(text: str, said: str) -> None:
    def rendering() -> str:
        try:
            return Template.compile(text, "templates/x/en.md").render({"ticket": {"tags": ["a"] * 1000, "body": "x" * 90_000}})
        except (TemplateProblem, RenderProblem) as problem:
            return f"refused: {problem}"

    made = bounded(rendering)
    assert made.startswith("refused: ")
    assert said in made


def test_a_pattern_that_would_back_track_takes_time_by_the_length_of_the_text_alone() -> None:
    rules = parse(
        in_desk(pattern("(a+)+$") + "rules:\n  - { id: r, when: created, if: { use: c }, then: [{ tag: { add: [x] } }] }\n"), DESK, holidays
    )

    def judged(length: int) -> None:
        assert evaluate(an_observation(Kind.CREATED, ticket=a_ticket(subject="a" * length + "!")), rules).fired == ()

    assert growth(judged, 50_000) < 8


NUMBERED = """version: 1
fields: { score: { type: number } }
rules:
  - { id: below, when: created, if: { custom.score: { below: 3 } }, then: [{ tag: { add: [low] } }] }
  - { id: not-above, when: created, if: { none: [{ custom.score: { above: 3 } }] }, then: [{ tag: { add: [not-high] } }] }
  - { id: either, when: created, if: { any: [{ custom.score: { above: 3 } }, { type: incident }] }, then: [{ tag: { add: [any] } }] }
  - { id: other, when: created, then: [{ tag: { add: [other] } }] }
"""


def test_a_rule_that_raises_is_neither_true_nor_false_stops_only_itself_and_is_visible() -> None:
    rules = parse(in_desk(NUMBERED), DESK, holidays)
    plan = evaluate(an_observation(Kind.CREATED, ticket=a_ticket(custom={"score": "many"})), rules)
    assert [fired.rule for fired in plan.fired] == ["other"]
    assert [(failure.rule, failure.reason) for failure in plan.failures] == [
        (rule, "custom.score holds something that is not a number") for rule in ("below", "not-above", "either")
    ]
    assert plan.failures[0].place.startswith("rules/30-routing.yaml:")


# --- fuzz ------------------------------------------------------------------------------------------------------------

CONFIG = """version: 1
default_calendar: support-emea
connections:
  zendesk-eu: { system: zendesk, url: "https://a.zendesk.com", sign_in: { client_id: x, client_secret: "${secret:z}" } }
  jira-core: { system: jira, url: "https://a.atlassian.net", sign_in: { email: a@example.com, token: "${secret:j}" } }
channels:
  vip-alerts: { url: "file:x.jsonl" }
  sla-alerts: { url: "file:y.jsonl" }
  people: { url: "file:p.jsonl" }
  trust-leads: { url: "file:t.jsonl" }
  problem-managers: { url: "file:m.jsonl" }
on_call:
  support-oncall: { url: "file:o.jsonl" }
  duty-manager: { chain: [{ to: support-oncall, wait: 10m }], loops: 2 }
groups: { billing: { lead: lena@example.com } }
"""
TESTS = """version: 1
defaults: { now: 2026-03-02T10:00:00+01:00, ticket: { connection: zendesk-eu, status: new } }
tests:
  - name: one
    ticket: { product: billing, language: de }
    event: created
    expect: { fired: [route-by-product-and-language], ticket: { group: { empty: false } } }
  - name: two
    steps: [{ at: 0m, event: created }, { at: 3d, expect: { fired: none } }]
"""
OWN = """version: 1
fields:
  product: { type: text, from: { zendesk-eu: Product, jira-core: customfield_1 } }
  requester.tags: { type: set, from: { zendesk-eu: user_tags } }
"""
DESK_FILES = {**FILES, "ticketgate.yaml": CONFIG, "tests/a.test.yaml": TESTS, "rules/names.txt": "a\nb\n", "rules/05-own.yaml": OWN}
NAMES = sorted(DESK_FILES)


def survives(files: dict[str, str]) -> None:
    """The desk is read, or every mistake is told; its tests are played. Whatever is raised here is a defect."""
    began = time.process_time()
    loaded = from_texts(Path("desk"), files)
    found = list(loaded.problems)
    if loaded.bundle is not None:
        trials, wrong = read_trials(loaded.sources, loaded.bundle)
        found += wrong
        for trial in trials[:5]:
            run(trial, loaded.bundle)
    for problem in found:
        assert problem.message
        assert problem.code[:2] == "TG"
        assert problem.place.line >= 0
    rendered(found, files)
    assert time.process_time() - began < TIMES * good()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.binary(max_size=400))
def test_random_bytes_are_read_without_a_defect(name: str, content: bytes) -> None:
    survives({**DESK_FILES, name: content.decode("utf-8", "surrogateescape")})


EDITS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "\t",
            "\n",
            "- ",
            ": ",
            "{",
            "}",
            "[",
            "]",
            "'",
            '"',
            "*a",
            "&a ",
            "!!x ",
            "<<: ",
            "#",
            "|\n",
            "null",
            "~",
            "\x00",
            "\u202e",
            "\ud800",
        ]
    ),
    st.sampled_from(
        [
            "{{ ",
            "{% for a in ticket.tags %}",
            "${secret:x}",
            "9" * 400,
            "1e999",
            "2026-13-99",
            "99:99",
            "-1",
            "breach - 9999999d",
            "(?P<",
            "\ufeff",
        ]
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.floats(0, 1), st.integers(0, 25), EDITS), min_size=1, max_size=4))
def test_random_edits_of_a_good_desk_are_read_without_a_defect(edits: list[tuple[str, float, int, str]]) -> None:
    files = dict(DESK_FILES)
    for name, where, length, new in edits:
        at = int(where * len(files[name]))
        files[name] = files[name][:at] + new + files[name][at + length :]
    survives(files)


def test_the_good_desk_is_good() -> None:
    loaded = from_texts(Path("desk"), DESK_FILES)
    assert [p for p in loaded.problems if p.level == "error"] == []
    assert loaded.bundle is not None
    trials, wrong = read_trials(loaded.sources, loaded.bundle)
    assert (len(trials), wrong) == (5, [])
