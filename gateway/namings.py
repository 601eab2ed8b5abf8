"""What rules, maps and settings name that only the systems can say is there: groups, people, projects, fields; each with its place."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from connectors.base import ConnectorSettings, Thing
from rules.asking import steps_of
from rules.bundle import Assign, Bundle, Link, Place, Restrict, Rule, RuleSet, Set, Step, Sync, Test
from rules.lint_abilities import all_tests, connections_of
from rules.text import fold

KINDS: Mapping[str, Thing] = {"group": "group", "assignee": "user"}
OURS = frozenset({"title", "text", "description", "subject", "body", "type", "status", "priority", "severity", "impact", "urgency"})
OURS |= {"product", "language", "group", "issue_type"}
"""Keys of `create:` that are no field of the system's by that name."""

Said: TypeAlias = tuple[Thing, str, str]  # kind, name, where it comes from if not from the text itself


@dataclass(frozen=True, slots=True)
class Naming:
    """A name, where it stands, and the connections that should have it: all of `connections` can meet it."""

    kind: Thing
    name: str
    place: Place
    connections: frozenset[str]
    rule: str | None = None
    source: str = ""  # product-teams row 14


def namings(bundle: Bundle, settings: Mapping[str, ConnectorSettings], where: Callable[[str, str], Place]) -> Iterator[Naming]:
    """Names with placeholders are known only when a ticket is there, and left out. `where` is a connection's key in its file."""
    for ruleset in bundle.rulesets:
        for rule in ruleset.rules:
            if rule.mode != "disabled":
                yield from _of_rule(bundle, ruleset, rule)
    for field in bundle.fields.values():
        for connection, remote in field.remote.items():
            yield Naming("field", remote, field.place, frozenset({connection}))
    for connection, own in settings.items():
        for key, kind, name in own.named():
            yield Naming(kind, name, where(connection, key), frozenset({connection}), source=f"{key}:")


def _of_rule(bundle: Bundle, ruleset: RuleSet, rule: Rule) -> Iterator[Naming]:
    met = connections_of(bundle.desk, ruleset, rule)
    for test in all_tests(rule.condition):
        if test.field in KINDS:
            yield from (Naming(KINDS[test.field], name, test.place, met, rule.id) for name in _tested(test))
    for step in steps_of(rule):
        at = frozenset({step.verb.partner}) if isinstance(step.verb, Sync) else met
        yield from (Naming(kind, name, step.place, at, rule.id, source) for kind, name, source in _of_step(bundle, step))


def _tested(test: Test) -> Iterator[str]:
    """The names as they were written; nothing where that cannot be told from what is compared, or the names come from a list."""
    written = test.written.removeprefix(test.field).lstrip()
    if test.operator in ("is", "is_not"):
        yield written.removeprefix(test.operator).strip()
    elif test.operator in ("one_of", "not_one_of"):
        names = written.removeprefix("is " if test.operator == "one_of" else test.operator).strip().replace(" or ", ", ").split(", ")
        if frozenset(map(fold, names)) == test.value:
            yield from names


def _of_step(bundle: Bundle, step: Step) -> Iterator[Said]:
    match step.verb:
        case Assign() as verb:
            yield from _assigned(bundle, verb)
        case Restrict(group=group):
            yield "group", group, ""
        case Set(fields):
            yield from ((KINDS[name], value, "") for name, value in fields.items() if name in KINDS and isinstance(value, str))
        case Sync(create=create) | Link(create=create):
            yield from _made(create)


def _assigned(bundle: Bundle, verb: Assign) -> Iterator[Said]:
    yield from (("group", name, "") for name in (verb.group, verb.otherwise) if name)
    if verb.user:
        yield "user", verb.user, ""
    if verb.strategy and verb.group:
        yield from (("user", member, f"groups: {verb.group}") for member in bundle.desk.members.get(verb.group, ()))
    table = bundle.tables.get(verb.table or "")
    if table is None:
        return
    column = verb.column or next(name for name in table.columns if name not in table.keys)
    for row in table.rows:
        if cell := row.cells.get(column, "").strip():
            yield "group", cell, f"{verb.table} row {row.line}"


def _made(create: Mapping[str, object]) -> Iterator[Said]:
    for name, value in create.items():
        if name == "project" and isinstance(value, str):
            yield "project", value, ""
        elif name == "group" and isinstance(value, str):
            yield "group", value, ""
        elif name not in OURS and name != "project":
            yield "field", name, ""


def named_there(settings: ConnectorSettings, naming: Naming) -> str:
    """As that system is asked for it: somebody whom `people` knows by another name is asked for by that."""
    return settings.person(naming.name) if naming.kind == "user" else naming.name


def asked(found: Iterable[Naming], settings: Mapping[str, ConnectorSettings]) -> dict[str, dict[Thing, set[str]]]:
    """What each connection is to be asked: names by kind."""
    questions: dict[str, dict[Thing, set[str]]] = {}
    for naming in found:
        for connection in naming.connections:
            questions.setdefault(connection, {}).setdefault(naming.kind, set()).add(named_there(settings[connection], naming))
    return questions
