"""The editor's schema: it fits what is right, refuses what is wrong, and says in words what each key is for."""

import json
import re
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest

from gateway.desk import load
from gateway.schema.documents import KINDS, document
from gateway.schema.names import names_of
from rules import reader
from rules.nodes import plain, read
from rules.reader import rule_files
from rules.reader_context import Reading
from tests.gateway.program import ROOT, Desk, Program
from tests.gateway.test_codes import CASES, FILE, marked
from tests.rules.eight_rules import FILES
from tests.rules.rule_files import DESK, holidays


@cache
def schema(kind: str, of_desk: bool = False):
    return document(kind, names_of(load(ROOT / "config")) if of_desk else None)


@cache
def validator(kind: str, of_desk: bool = False):
    return jsonschema_rs.Draft202012Validator(schema(kind, of_desk))


def wrong(kind: str, text: str, of_desk: bool = False) -> list[str]:
    """What a standard validator says of a text, as an editor reads it."""
    return [f"{list(e.instance_path)}: {e.message}" for e in validator(kind, of_desk).iter_errors(plain(read("x.yaml", text, [])))]


# --- what is right ---------------------------------------------------------------------------------------------------


def kind_of(name: str) -> str:
    return "tests" if name.endswith(".test.yaml") else "config" if name == "ticketgate.yaml" else "rules"


SAMPLE = [p for p in sorted((ROOT / "config").rglob("*.yaml")) if ".ticketgate" not in p.parts and "examples" not in p.parts]


@pytest.mark.parametrize("file", SAMPLE, ids=lambda path: path.name)
@pytest.mark.parametrize("of_desk", [False, True])
def test_the_sample_desk_fits(file: Path, of_desk: bool) -> None:
    assert wrong(kind_of(file.name), file.read_text(encoding="utf-8"), of_desk) == []


@pytest.mark.parametrize("file", rule_files(FILES))
def test_the_files_of_the_language_fit(file: str) -> None:
    assert wrong("rules", FILES[file]) == []


NEAR = [case for case in CASES if case.file == FILE and len(case.near) < 10_000]


@pytest.mark.parametrize("case", NEAR, ids=[f"{case.code}-{n}" for n, case in enumerate(NEAR)])
def test_what_the_reader_takes_fits(case) -> None:
    """All the near misses of the codes are files without an error."""
    text = case.near if "version" in case.near.partition("\n")[0] else f"version: 1\n{case.near}"
    spelling = text.replace("Pending", "pending").replace("High", "high")  # an editor keeps to the canonical spelling
    assert wrong("rules", spelling) == []


# --- what is wrong ---------------------------------------------------------------------------------------------------

BY_SHAPE = frozenset({"TG107", "TG201", "TG202", "TG203", "TG204", "TG205", "TG207", "TG208", "TG209", "TG210", "TG211"})
SPOILT = [
    case for case in CASES if case.code in BY_SHAPE and case.file == FILE and "custom" not in case.wrong and "stages" not in case.wrong
]


@pytest.mark.parametrize("case", SPOILT, ids=[f"{case.code}-{n}" for n, case in enumerate(SPOILT)])
def test_what_the_reader_refuses_by_its_shape_does_not_fit(case) -> None:
    assert wrong("rules", marked(case.wrong)[0])


@pytest.mark.parametrize(
    "text",
    [
        "rules: []\n",
        "version: 1\nrules: { a: b }\n",
        "version: 1\nrules:\n  - when: created\n    then: [{ stop: ticket }]\n",
        "version: 1\nrules:\n  - id: a\n    when: created\n",
        "version: 1\nrules:\n  - id: a\n    when: [created, { changd: status }]\n    then: [{ stop: ticket }]\n",
        "version: 1\nrules:\n  - id: a\n    when: created\n    then: { stop: ticket }\n",
        "version: 1\nrules:\n  - id: a\n    when: created\n    then: [{ notify: { text: x } }]\n",
        "version: 1\nrules:\n  - id: a\n    when: { sla: first_respons }\n    stages: [{ at: breach, then: [{ stop: ticket }] }]\n",
        "version: 1\nrules:\n  - id: a\n    when: created\n    then: [{ stop: ticket }]\n    limits: { per_ticket: often }\n",
        "version: 1\ncalendars: { c: { timezone: UTC, open: { mon-fri: nine to five } } }\n",
        "version: 1\nsla_policies: { p: { applies_to: { type: bug }, targets: { top: { resolution: 1h } } } }\n",
        "version: 1\nconditions: { c: { all: { type: bug } } }\n",
        "version: 1\nconditions: { c: {} }\n",
    ],
)
def test_a_wrong_file_does_not_fit(text: str) -> None:
    assert wrong("rules", text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("tests", "version: 1\ntests:\n  - name: t\n    event: created\n"),
        ("tests", "version: 1\ntests:\n  - name: t\n    event: creatd\n    expect: { fired: none }\n"),
        ("tests", "version: 1\ntests:\n  - name: t\n    event: created\n    expect: { fird: none }\n"),
        ("config", "version: 1\nconections: {}\n"),
        ("config", "version: 1\nbrake: { tickets: many }\n"),
        ("config", "version: 1\nconnections: { a: { url: x } }\n"),
    ],
)
def test_so_for_tests_and_settings(kind: str, text: str) -> None:
    assert wrong(kind, text)


def test_the_names_of_the_desk_are_known_and_mistyped_ones_refused() -> None:
    said = (
        "version: 1\nrules:\n  - id: a\n    when: created\n    if: {{ connection: {} }}\n    then: [{{ notify: {{ to: {}, text: x }} }}]\n"
    )
    assert wrong("rules", said.format("zendesk-eu", "vip-alerts"), True) == []
    assert wrong("rules", said.format("zendesk-us", "vip-alerts"), True)
    assert wrong("rules", said.format("zendesk-eu", "vip-alert"), True)
    assert wrong("rules", said.format("zendesk-us", "vip-alert")) == []


# --- the four rules of section 17 ------------------------------------------------------------------------------------


def everything(schema):
    """Every fragment of a schema."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of_desk", [False, True])
def test_the_schema_is_one_and_has_no_one_of(kind: str, of_desk: bool) -> None:
    made = schema(kind, of_desk)
    jsonschema_rs.meta.validate(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert not any("oneOf" in one for one in everything(made))


@pytest.mark.parametrize("kind", ["rules", "tests"])
def test_every_property_has_a_title_a_meaning_and_an_example(kind: str) -> None:
    made = schema(kind, True)
    for one in everything(made):
        for name, shape in (one.get("properties") or {}).items() if isinstance(one.get("properties"), dict) else ():
            if not isinstance(shape, dict) or name == "manual":
                continue
            behind = made["$defs"].get(shape.get("$ref", "").rpartition("/")[2], {})
            told = {**behind, **shape}
            assert told.get("title"), name
            assert told.get("description"), name
            assert told.get("examples"), name


def test_every_example_of_a_key_fits_its_own_shape() -> None:
    made = schema("rules")
    checked = 0
    for one in everything(made):
        if isinstance(one.get("examples"), list) and one.get("title") != "sla.policy":
            shape = {"$defs": made["$defs"], **one}
            for example in one["examples"]:
                assert jsonschema_rs.Draft202012Validator(shape).is_valid(example), (one["title"], example)
                checked += 1
    assert checked > 80


def test_a_step_lists_every_verb_and_allows_one() -> None:
    step = schema("rules")["$defs"]["step"]
    assert (step["minProperties"], step["maxProperties"], step["additionalProperties"]) == (1, 1, False)


def test_two_forms_differ_by_their_type() -> None:
    """No text, list or map fits two forms of one choice."""
    for one in everything(schema("rules")):
        types = [form.get("type") for form in one.get("anyOf", ()) if isinstance(form, dict)]
        whole = [t for t in types if t in ("array", "object")]
        assert len(set(whole)) == len(whole)


# --- installed -------------------------------------------------------------------------------------------------------


def test_it_is_printed_and_installed(program: Program, desk: Desk) -> None:
    done = program("schema", "tests")
    assert (done.code, json.loads(done.out)["title"]) == (0, "ticketgate tests")
    assert program("schema", "nonsense").code == 2
    assert program("-C", desk, "schema", "--install").code == 0
    made = json.loads((desk.folder / ".ticketgate/rules.schema.json").read_text(encoding="utf-8"))
    assert "leads" in json.dumps(made["$defs"]["step"]["properties"]["notify"])
    assert "tier-1" in json.dumps(made["$defs"]["test.group"])
    assert (desk.folder / ".ticketgate/config.schema.json").exists()


def test_it_is_installed_beside_files_with_mistakes(program: Program, desk: Desk) -> None:
    desk.write("rules/20-more.yaml", "version: 1\nlists: { seen: { values: [x] } }\nrules: [{ id: x }]\n")
    assert program("-C", desk, "schema", "rules", "--install").code == 0
    assert '"seen"' in (desk.folder / ".ticketgate/rules.schema.json").read_text(encoding="utf-8")


def test_a_mistake_elsewhere_takes_no_field_of_the_desk_away(program: Program, desk: Desk) -> None:
    desk.write("rules/05-own.yaml", "version: 1\nfields: { seats: { type: choice, values: [few, many] } }\n")
    desk.write("rules/20-broken.yaml", "version: 1\nrules: [\n")
    assert program("-C", desk, "schema", "rules", "--install").code == 0
    assert "custom.seats" in (desk.folder / ".ticketgate/rules.schema.json").read_text(encoding="utf-8")


def test_a_new_desk_leads_the_editor_to_it(program: Program, tmp_path: Path) -> None:
    assert program("--no-input", "init", tmp_path / "new").code == 0
    settings = json.loads((tmp_path / "new/.vscode/settings.json").read_text(encoding="utf-8"))
    assert settings["yaml.schemas"][".ticketgate/rules.schema.json"] == ["rules/**/*.yaml", "rules/**/*.yml"]
    for file in sorted((tmp_path / "new").rglob("*.yaml")):
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        path = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert path is not None
        assert (file.parent / path[1]).exists()
        made = json.loads((file.parent / path[1]).read_text(encoding="utf-8"))
        assert list(jsonschema_rs.Draft202012Validator(made).iter_errors(plain(read("x", file.read_text("utf-8"), [])))) == []


# --- one source of truth ---------------------------------------------------------------------------------------------


def test_the_reader_knows_every_key_of_the_schema_and_the_schema_every_key_of_the_reader() -> None:
    """Each closed map is asked for a key that there is not: the keys that the reader then names are those of the schema."""
    made = schema("rules")
    assert set(made["properties"]) == keys_of_reader("nokey: x\n")
    rule = "rules:\n  - { id: a, when: created, then: [{ stop: ticket }], nokey: x }\n"
    assert set(made["$defs"]["rule"]["properties"]) == keys_of_reader(rule)
    for verb, shape in made["$defs"]["step"]["properties"].items():
        closed = next((form for form in (shape, *shape.get("anyOf", ())) if form.get("additionalProperties") is False), None)
        if closed is not None and verb != "set":
            text = f"rules:\n  - id: a\n    when: created\n    then: [{{ {verb}: {{ nokey: x }} }}]\n"
            assert set(closed["properties"]) == keys_of_reader(text), verb


def keys_of_reader(text: str) -> set[str]:
    """The keys that would have been accepted where `nokey` stands."""
    found: list[set[str]] = []

    class Recording(Reading):
        def no_key(self, key, name, keys, later=()):
            if name == "nokey":
                found.append(set(keys))

    problems: list = []
    r = Recording(files={FILE: f"version: 1\n{text}"}, desk=DESK, holidays=holidays, problems=problems)
    reader._collect(r, roots := reader._roots(r))
    for file, root in roots.items():
        reader.read_ruleset(r, file, root)
    (keys,) = found
    return keys
