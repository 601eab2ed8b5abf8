"""Everything can be explained, and every example that is shown is read without an error."""

import shutil
from pathlib import Path

import pytest

from gateway.config import Config
from gateway.config_file import read_config
from gateway.placeholders import untouched
from gateway.topics.codes import CODES
from gateway.topics.language import EVENTS, OPERATORS
from gateway.topics.language import VERBS as SAID
from gateway.topics.lookup import Library, as_yaml
from gateway.topics.settings import SETTINGS
from gateway.topics.topic import Topic
from gateway.topics.words import WORDS
from rules import conditions
from rules.fields import every_name
from rules.reader import check
from rules.reader_events import DETAILED, EVENT_NAMES
from rules.reader_verbs import VERBS
from rules.trial import read_trials
from tests.gateway.program import ROOT, Desk, Program
from tests.rules.rule_files import DESK as PLAIN
from tests.rules.rule_files import holidays

DESK = PLAIN.__class__(
    connections=PLAIN.connections,
    channels=PLAIN.channels | {"trust-leads"},
    groups=PLAIN.groups,
    on_call=PLAIN.on_call,
    endpoints=frozenset({"erp"}),
    default_calendar="support-emea",
)
TOPICS = list(Library(DESK).topics())
AROUND = {
    "rules/10-definitions.yaml": """version: 1
lists: { vip-customers: { values: [Northwind] } }
conditions: { still-open: { status: { not_one_of: [resolved, closed] } } }
calendars: { support-emea: { always: true } }
sla_policies: { standard: { applies_to: { type: incident }, targets: { high: { first_response: 1h } } } }
tables: { product-teams: { file: tables/product-teams.csv, keys: [product, language] } }
rules:
  - { id: route-by-product, when: created, then: [{ tag: { add: [x] } }] }
  - { id: acknowledge, when: created, if: { type: bug }, then: [{ tag: { add: [x] } }] }
""",
    "rules/tables/product-teams.csv": "product,language,team\nbilling,de,billing-dach\n",
    "rules/vip.txt": "Northwind\n",
    "templates/ack/en.md": "Hello",
}
STOP = [{"stop": "ticket"}]


def errors(text: str, file: str = "rules/30-example.yaml") -> list[str]:
    """What is wrong with a file among those around it."""
    files = {**AROUND, file: text}
    bundle, problems = check(files, DESK, holidays)
    found = [p for p in problems if p.level == "error"]
    if bundle is not None:
        found += read_trials(files, bundle)[1]
    return [f"{p.place}: {p.code} {p.message}" for p in found]


def a_rule(**keys: object) -> str:
    return as_yaml({"version": 1, "rules": [{"id": "an-example", "when": "created", "then": STOP} | keys]}) + "\n"


# --- there is one for everything -------------------------------------------------------------------------------------


def test_every_code_field_operator_verb_event_and_setting_has_one() -> None:
    named = {(topic.kind, topic.name) for topic in TOPICS}
    assert {("field", name) for name in every_name({})} <= named
    assert {("operator", name) for name in conditions.OPERATORS} <= named
    assert {("verb", name) for name in VERBS} <= named
    assert {("event", name) for name in (*EVENT_NAMES, *DETAILED)} <= named
    assert {("setting", name) for name in Config.model_fields} <= named
    assert all(topic.meaning and topic.examples for topic in TOPICS)
    assert len(CODES) == 41


@pytest.mark.parametrize("topic", [t for t in TOPICS if t.kind in ("field", "operator")], ids=lambda t: f"{t.kind}-{t.name}")
def test_the_example_of_a_field_or_operator_is_read(topic: Topic) -> None:
    ((_, example),) = topic.examples
    text = f"version: 1\nrules:\n  - id: an-example\n    when: commented\n    if:\n      {example}\n    then: [{{ stop: ticket }}]\n"
    assert errors(text) == []
    assert topic.name in example


@pytest.mark.parametrize("verb", VERBS)
def test_the_example_of_a_verb_is_read(verb: str) -> None:
    limits = "    limits: { per_ticket: 1 }\n"
    assert errors(f"version: 1\nrules:\n  - id: an-example\n    when: created\n    then:\n      - {SAID[verb].example}\n{limits}") == []


@pytest.mark.parametrize("event", sorted({*EVENT_NAMES, *DETAILED}))
def test_the_example_of_an_event_is_read(event: str) -> None:
    done = {"sla": "stages: [{ at: 75%, then: [{ stop: ticket }] }]", "waiting": "stages: [{ after: 3d, then: [{ stop: ticket }] }]"}
    work = done.get(event, "then: [{ tag: { add: [x] } }]")
    assert errors(f"version: 1\nrules:\n  - id: an-example\n    when: {EVENTS[event].example}\n    {work}\n") == []


@pytest.mark.parametrize("key", Config.model_fields)
def test_the_example_of_a_setting_is_read(key: str) -> None:
    problems: list = []
    said = {"version": 1, key: SETTINGS[key].example}
    read_config(as_yaml(said) + "\n", problems, untouched, Config.model_validate)
    assert problems == []


# --- keys ------------------------------------------------------------------------------------------------------------

PENDING = {"waiting": {"status": "pending"}}


def then(verb: str, **details: object) -> dict[str, object]:
    return {"then": [{verb: details}], "limits": {"per_ticket": 1}}


def in_rule(key: str, example: object) -> str:
    if key == "stages":
        return (
            a_rule(when={"sla": "first_response"}, then=None, stages=example).replace("    then: null\n", "").replace("  then: null\n", "")
        )
    return a_rule(
        **(
            {"when": PENDING, "then": None, "stages": [{"after": "1d", "then": STOP}], key: example}
            if key == "catch_up"
            else {key: example}
        )
    )


def without_null(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "then: null" not in line) + "\n"


def a_stage(key: str, example: object) -> str:
    at = {"at": "breach"} if key != "after" else {}
    when = {"sla": "first_response"} if key != "after" else PENDING
    return a_rule(when=when, then=None, stages=[{**at, "then": STOP, key: example}])


def a_file(key: str, example: object) -> str:
    return as_yaml({"version": 1, "rules": [{"id": "an-example", "when": "closed", "then": STOP}]} | {key: example}) + "\n"


ASKED = {"ask": "trust-leads", "within": "4 business hours", "question": "May it go on?"}
APPROVAL = ("ask", "within", "calendar", "question", "approved", "denied", "no_answer")
SIBLINGS = {
    "reply": {"text": {}, "template": {}, "language": {"template": "ack"}, "public": {"template": "ack"}},
    "notify": {"to": {"text": "x"}, "template": {"to": "assignee"}, "text": {"to": "assignee"}},
    "assign": {
        "strategy": {"group": "billing"},
        "otherwise": {"from_table": WORDS["assign.from_table"].example | {"match": ["product", "language"]}},
    },
    "page": {key: {"to": "support-oncall", "text": "Late"} for key in ("to", "urgency", "text")},
    "link": {key: {"to": "problem", "if_missing": "create"} for key in ("to", "if_missing", "create")},
    "restrict": {key: {"group": "trust-and-safety"} for key in ("group", "redact")},
    "approval": {key: {**ASKED, "approved": STOP} for key in APPROVAL},
    "raise_priority": {"up_to": {"by": 1}},
    "sync": {
        "with": {"status": "both_ways"},
        "create": {"if_missing": "create"},
        **{key: {"with": "jira-core", "status": "both_ways"} for key in ("if_missing", "status", "comments", "fields", "conflict")},
    },
}


WHOLE = {
    "page": {"to": "support-oncall", "text": "Look"},
    "approval": {"ask": "trust-leads", "within": "4h", "question": "May it go on?", "approved": STOP},
    "webhook": {"to": "erp", "body": "{}"},
    "link": {"to": "problem", "if_missing": "create"},
    "restrict": {"group": "trust-and-safety"},
}
"""Verbs that want several keys at once."""


def in_verb(verb: str, key: str, example: object) -> str:
    more = WHOLE.get(verb) or SIBLINGS.get(verb, {}).get(key, {})
    if verb == "sync" and key != "with":
        more = {"with": "jira-core", **more}
    if (verb, key) == ("assign", "from_table"):
        example = WORDS["assign.from_table"].example | {"match": ["product", "language"]}
    return a_rule(**then(verb, **{**more, key: example}))


def defined(kind: str, name: str, **body: object) -> str:
    return as_yaml({"version": 1, kind: {name: body}}) + "\n"


VERSION = {"valid_from": "2026-01-01", "open": {"mon-fri": "09:00-17:00"}}


def a_calendar(key: str, example: object) -> dict[str, object]:
    if key in ("always", "versions"):
        return {"timezone": "Europe/Berlin", key: example}
    return {"timezone": "Europe/Berlin", "open": {"mon-fri": "09:00-17:00"}} | {key: example}


def a_clock(**keys: object) -> str:
    clock = {"start": {"when": "created"}, "stop": {"when": "resolved"}, "targets": [{"within": "4h"}]} | keys
    return defined("sla_policies", "p", applies_to={"type": "bug"}, clocks={"own_clock": clock})


def written(name: str, example: object) -> tuple[str, str] | None:
    """A file in which the key stands with its example."""
    owner, _, key = name.partition(".")
    rules = "rules/30-example.yaml"
    if owner in VERBS:
        return rules, in_verb(owner, key, example)
    made = {
        "file": lambda: a_file(key, example),
        "ruleset": lambda: (
            as_yaml({"version": 1, "ruleset": {key: example}, "rules": [{"id": "a", "when": "closed", "then": STOP}]}) + "\n"
        ),
        "rule": lambda: in_rule(key, example),
        "limits": lambda: a_rule(limits={"per_ticket": 1} | {key: example}),
        "stage": lambda: a_stage(key, example),
        "repeat": lambda: a_stage("repeat", {"every": "2h", "times": 2} | {key: example}),
        "changed": lambda: a_rule(when={"changed": {"field": "status"} | {key: example}}),
        "sla": lambda: a_rule(when={"sla": {"metric": "first_response"} | {key: example}}, then=None, stages=[{"at": "75%", "then": STOP}]),
        "waiting": lambda: a_rule(
            when={"waiting": {"status": "pending"} | {key: example}}, then=None, stages=[{"after": "3d", "then": STOP}]
        ),
        "condition": lambda: a_rule(**{"if": {key: example}}),
        "calendar": lambda: as_yaml({"version": 1, "calendars": {"c": a_calendar(key, example)}}) + "\n",
        "version": lambda: as_yaml({"version": 1, "calendars": {"c": {"timezone": "UTC", "versions": [{**VERSION, key: example}]}}}) + "\n",
        "holidays": lambda: as_yaml({"version": 1, "calendars": {"c": a_calendar("holidays", {"country": "DE", key: example})}}) + "\n",
        "switch": lambda: as_yaml({"version": 1, "sla_defaults": {key: example}}) + "\n",
        "clock": lambda: a_clock(**{key: example}),
        "target": lambda: (
            a_clock(targets=[{"within": "1 business days" if key == "by" else "4h"} | {key: example}])
            if key != "end_of_day"
            else a_clock(targets=[{key: example}])
        ),
        "mark": lambda: a_clock(start={"when": "created"} | {key: example}),
        "list": lambda: defined("lists", "l", **{key: example}),
        "policy": lambda: defined(
            "sla_policies", "p", **({"applies_to": {"type": "bug"}, "targets": {"high": {"resolution": "4h"}}} | {key: example})
        ),
    }.get(owner)
    if made is None or name in ("file.sla_defaults", "file.version"):
        return None
    text = made()
    return rules, without_null(text).replace("file: tables/teams.csv, keys: [product]", "file: tables/product-teams.csv, keys: [product]")


KEYS = [topic.name for topic in TOPICS if topic.kind == "key" and written(topic.name, WORDS[topic.name].example) is not None]


@pytest.mark.parametrize("name", KEYS)
def test_the_example_of_a_key_is_read(name: str) -> None:
    made = written(name, WORDS[name].example)
    assert made is not None
    file, text = made
    around = [e for e in errors(text, file) if "two " not in e and "no file 'tables/teams.csv'" not in e]
    assert around == [], text


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_code_is_explained_with_a_wrong_and_a_right_example(program: Program) -> None:
    done = program("explain", "tg401")
    assert done.code == 0
    assert "TG401   the rule can never run   (error)" in done.out
    assert done.out.index("Wrong:") < done.out.index("- id: billing-vip") < done.out.index("Right:")


def test_a_field_says_how_each_connection_fills_it(program: Program, tmp_path: Path) -> None:
    sample = Path(shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns(".ticketgate")))
    done = program("-C", sample, "explain", "product")
    assert "zendesk-eu       its 360000000101" in done.out
    assert "jira-core        read and written" in program("-C", sample, "explain", "priority").out
    Desk(sample).swap("rules/10-definitions.yaml", "zendesk-eu:", "zendesk-us:")
    assert program("-C", sample, "explain", "priority").code == 0


def test_one_name_of_two_things_is_explained_as_both(program: Program) -> None:
    out = program("explain", "changed").out
    assert "changed   (an operator)" in out
    assert "changed   (an event)" in out


def test_a_key_is_found_by_its_last_word_alone(program: Program) -> None:
    assert "rule.limits" in program("explain", "limits").out
    assert "policy.pause_in" in program("explain", "pause_in").out
    assert "assign.from_table" in program("explain", "assign.from_table").out


@pytest.mark.parametrize(
    ("topic", "meant"),
    [("prioritty", "priority"), ("TG40l", "TG401"), ("asign", "assign"), ("assignee_group", "group"), ("regex", "matches")],
)
def test_an_unknown_topic_ends_with_eight_and_the_nearest_name(program: Program, topic: str, meant: str) -> None:
    done = program("explain", topic)
    assert (done.code, done.out) == (8, "")
    assert f"There is nothing called '{topic}'. Did you mean '{meant}'?" in done.err


def test_everything_is_listed(program: Program) -> None:
    done = program("--format", "json", "explain", "--list")
    groups = {one["group"]: one["names"] for one in done.lines}
    assert groups["operators"] == list(OPERATORS)
    assert groups["codes"] == list(CODES)
    assert "priority" in groups["fields"]
    assert "  requester.email " in program("explain", "fields").out
    assert program("explain").code == 2
    (one,) = program("--format", "json", "explain", "TG401").lines
    assert (one["kind"], one["name"], one["level"]) == ("code", "TG401", "error")
