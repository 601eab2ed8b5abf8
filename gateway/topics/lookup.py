"""Finding a topic: by its name, or by the last word of a key's name; and all names there are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gateway.config import Config
from gateway.topics.codes import CODES
from gateway.topics.language import EVENTS, OPERATORS, VERBS, Saying, saying
from gateway.topics.settings import setting
from gateway.topics.topic import Code, Kind, Topic
from gateway.topics.words import WORDS, Word
from rules import conditions
from rules.bundle import CustomField, Desk
from rules.fields import SYNONYMS, FieldSpec, every_name, nearest, spec_of
from rules.reader_conditions import OPERATOR_SYNONYMS
from rules.reader_events import DETAILED, EVENT_NAMES, EVENT_SYNONYMS
from rules.reader_verbs import VERB_SYNONYMS
from rules.reader_verbs import VERBS as KNOWN_VERBS

GROUPS: Mapping[str, Kind] = {
    "codes": "code",
    "fields": "field",
    "operators": "operator",
    "verbs": "verb",
    "events": "event",
    "keys": "key",
    "settings": "setting",
}
"""What can be listed, and the kind of topic it lists."""
FIRST = ("file", "ruleset", "rule", "condition")
"""Keys of these are found by their last word alone before all others."""
_NO_DESK = Desk()


@dataclass(frozen=True, slots=True)
class Library:
    """All topics, with what a desk adds: its own fields, and what its connections can do."""

    desk: Desk = _NO_DESK
    fields: Mapping[str, CustomField] | None = None

    def about(self, name: str) -> tuple[Code | Topic, ...]:
        """Everything of this name: `changed` is an event and an operator. Empty when there is nothing."""
        code = CODES.get(name.upper())
        if code is not None:
            return (code,)
        exact = tuple(topic for topic in self.topics() if topic.name == name)
        if exact:
            return exact
        behind = [topic for topic in self.topics() if topic.kind == "key" and topic.name.rpartition(".")[2] == name]
        first = [topic for topic in behind if topic.name.partition(".")[0] in FIRST]
        return tuple(first or behind)

    def names(self) -> dict[str, list[str]]:
        """Every name by group."""
        found: dict[str, list[str]] = {group: [] for group in GROUPS}
        found["codes"] = [*CODES]
        for topic in self.topics():
            group = next(group for group, kind in GROUPS.items() if kind == topic.kind)
            found[group].append(topic.name)
        return found

    def meant(self, name: str) -> str | None:
        """The topic that was probably meant."""
        known = [one for names in self.names().values() for one in names]
        bare = [one.rpartition(".")[2] for one in known]
        for synonyms in (SYNONYMS, OPERATOR_SYNONYMS, VERB_SYNONYMS, EVENT_SYNONYMS):
            if name in synonyms:
                return synonyms[name]
        return nearest(name, known) or nearest(name.upper(), CODES) or nearest(name, bare)

    def topics(self) -> Iterator[Topic]:
        for name in every_name(self.fields or {}):
            spec = spec_of(name, self.fields or {})
            if spec is not None:
                yield self._field(spec)
        yield from (_said("operator", name, saying(OPERATORS, name), _suits(name)) for name in conditions.OPERATORS)
        yield from (_said("verb", name, saying(VERBS, name)) for name in KNOWN_VERBS)
        yield from (_said("event", name, saying(EVENTS, name)) for name in (*EVENT_NAMES, *(n for n in DETAILED if n not in EVENT_NAMES)))
        yield from (_word("key", name, word) for name, word in WORDS.items() if _in_force(name))
        yield from (_word("setting", name, setting(name)) for name in Config.model_fields)

    # --- fields --------------------------------------------------------------------------------------------------------

    def _field(self, spec: FieldSpec) -> Topic:
        operators = [name for name, types in conditions.OPERATORS.items() if spec.type in types]
        facts = [("type", spec.called), ("values", ", ".join(spec.choices)), ("operators", ", ".join(operators))]
        facts += [("can be set", "yes, with set:" if spec.writable else "no"), *self._filled(spec)]
        example = _condition_of(spec, self.desk)
        return Topic(
            name=spec.name,
            kind="field",
            meaning=spec.meaning,
            facts=tuple((label, text) for label, text in facts if text),
            examples=(("in a condition", example),),
        )

    def _filled(self, spec: FieldSpec) -> Iterator[tuple[str, str]]:
        """How each connection of the desk fills the field."""
        own = (self.fields or {}).get(spec.name.removeprefix("custom."))
        for connection in self.desk.connections:
            if own is not None and connection in own.remote:
                yield connection, f"its {own.remote[connection]}"
            else:
                yield connection, self._ability(spec.name, connection)

    def _ability(self, name: str, connection: str) -> str:
        from rules.lint_abilities import supplied

        reads, writes = supplied(name, connection, self.desk.reads), name in self.desk.writes.get(connection, frozenset())
        if not reads:
            return "does not have it; name its own field under fields: with from:"
        return "read and written" if writes else "read"


def _in_force(name: str) -> bool:
    """Whether the reader of this release knows the key: those of verbs and events to come are kept from people."""
    owner = name.partition(".")[0]
    return owner not in {*VERBS, *EVENTS} or owner in KNOWN_VERBS or owner in DETAILED


def _suits(operator: str) -> tuple[tuple[str, str], ...]:
    return (("works on", ", ".join(sorted(kind.replace("_", " ") for kind in conditions.OPERATORS[operator]))),)


def _said(kind: Kind, name: str, said: Saying, facts: tuple[tuple[str, str], ...] = ()) -> Topic:
    label = {"operator": "in a condition", "verb": "a step", "event": "behind when"}[kind]
    keys = tuple(one.partition(".")[2] for one in WORDS if one.startswith(f"{name}.")) if kind == "verb" else ()
    more = (("keys", ", ".join(keys)),) if keys else ()
    return Topic(name=name, kind=kind, meaning=said.meaning, facts=(*facts, *more), examples=((label, said.example),))


def _word(kind: Kind, name: str, word: Word) -> Topic:
    owner, _, key = name.rpartition(".")
    where = f"below {owner}" if owner else "in ticketgate.yaml"
    return Topic(name=name, kind=kind, meaning=word.meaning, examples=((where, as_yaml({key: word.example})),))


def as_yaml(value: Any) -> str:
    """As a person writes it: short maps and lists on one line."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)).rstrip()


def _condition_of(spec: FieldSpec, desk: Desk) -> str:
    choices = tuple(desk.connections) if spec.name == "connection" else spec.choices
    if spec.type == "ordered_choice":
        return (
            f"{spec.name}: {{ at_least: {choices[-2] if len(choices) > 1 else choices[0]} }}"
            if choices
            else f"{spec.name}: {{ empty: false }}"
        )
    if choices:
        return f"{spec.name}: {choices[0]}" if len(choices) == 1 else f"{spec.name}: [{choices[0]}, {choices[1]}]"
    by_type = {"set": "contains: vip", "number": "at_least: 3", "time": "older_than: 1d", "boolean": "is: true", "text": "contains: refund"}
    return f"{spec.name}: {{ {by_type.get(spec.type, 'empty: true')} }}"
