"""What two desks write otherwise: rules, definitions, templates and settings by name. How something is laid out does not count."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gateway.desk_texts import CONFIG
from rules.bundle import Place
from rules.nodes import Map, Scalar, Seq, plain, read
from rules.problems import Problem

What: TypeAlias = Literal["added", "removed", "changed", "reordered"]
KINDS: Mapping[str, str] = {
    "conditions": "condition",
    "lists": "list",
    "tables": "table",
    "calendars": "calendar",
    "sla_policies": "SLA policy",
    "fields": "custom field",
}


@dataclass(frozen=True, slots=True)
class Differing:
    """One thing that two desks write otherwise; `place` is in the new files, of what is removed in the old ones."""

    what: What
    kind: str  # rule, rule set, list ..., template, file, settings
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class _Written:
    value: Any
    place: Place
    order: tuple[str, ...] = ()


_Name: TypeAlias = tuple[str, str]


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Differing, ...]:
    """By kind and name, from the texts of both. A desk's own tests are not among them: they decide nothing."""
    old, new = dict(_everything(before)), dict(_everything(after))
    found = [Differing("removed", *name, old[name].place) for name in old.keys() - new.keys()]
    found += [Differing("added", *name, new[name].place) for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        if old[name].value != new[name].value:
            found.append(Differing("changed", *name, new[name].place))
        elif _moved(old[name].order, new[name].order):
            found.append(Differing("reordered", *name, new[name].place))
    return tuple(sorted(found, key=lambda one: (one.place.file, one.place.line, one.kind, one.name)))


def _moved(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    return [id for id in old if id in new] != [id for id in new if id in old]


def _everything(texts: Mapping[str, str]) -> Iterator[tuple[_Name, _Written]]:
    for file, text in texts.items():
        if file == CONFIG:
            yield ("settings", file), _Written(_plain(file, text), Place(file, 1))
        elif file.startswith("templates/"):
            yield ("template", file.removeprefix("templates/")), _Written(text, Place(file, 1))
        elif file.startswith("rules/") and not file.endswith((".test.yaml", ".test.yml")):
            yield from _of_rules(file, text) if file.endswith((".yaml", ".yml")) else [(("file", file), _Written(text, Place(file, 1)))]


def _plain(file: str, text: str) -> Any:
    root = read(file, text, [])
    return plain(root, typed=False) if root is not None else text


def _of_rules(file: str, text: str) -> Iterator[tuple[_Name, _Written]]:
    problems: list[Problem] = []
    root = read(file, text, problems)
    if not isinstance(root, Map):
        return
    for key, kind in KINDS.items():
        named = root.get(key)
        for name, entry in named.entries.items() if isinstance(named, Map) else ():
            yield (kind, name), _Written(plain(entry.value, typed=False), entry.key.place)
    rules = dict(_rules(root))
    for id, written in rules.items():
        yield ("rule", id), written
    if rules:
        header = root.get("ruleset")
        yield ("rule set", file), _Written(header and plain(header, typed=False), Place(file, 1), tuple(rules))


def _rules(root: Map) -> Iterable[tuple[str, _Written]]:
    rules = root.get("rules")
    for rule in rules if isinstance(rules, Seq) else ():
        id = rule.get("id") if isinstance(rule, Map) else None
        if isinstance(id, Scalar):
            yield id.text, _Written(plain(rule, typed=False), id.place)
