"""What every part of the reader shares: the problems found so far, the names that exist, and the small checks of a value."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from rules.bundle import Condition, CustomField, Desk, LookupTable, Place
from rules.calendar import Calendar
from rules.fields import METRICS, SLA_STATES, SYNONYMS, FieldSpec, every_name, nearest, spec_of
from rules.nodes import Map, Node, Scalar, Seq
from rules.policy import Policy
from rules.problems import Level, Problem, Spot
from rules.templates import Template
from rules.ticket import Value

Holidays: TypeAlias = Callable[[str, str | None, range], frozenset[date]]
"""Country, region and years to dates. Raises `LookupError`, `ValueError` or `NotImplementedError` for one it does not know."""

SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
RESERVED = frozenset({"expr", "else", "for_each", "script", "wait", "merge_tickets", "survey"})
ALL_FIELDS = "All fields: ticketgate explain fields"
MANY = 8  # longer lists of names are replaced by a pointer to where they stand
KIND_KEYS = {
    "condition": "conditions",
    "list": "lists",
    "table": "tables",
    "calendar": "calendars",
    "policy": "sla_policies",
    "field": "fields",
}
"""A kind of definition and the key under which it stands."""


@dataclass(slots=True)
class Definition:
    """One name as it was defined; `used` when something refers to it."""

    kind: str
    name: str
    key: Scalar
    value: Node
    used: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A rule sets this field to this value, here: what TG405 compares. `value` is None where it cannot be known."""

    rule: str
    field: str
    value: Value
    verb: str
    spot: Spot


@dataclass(slots=True)
class Reading:
    """One reading of all files. `rule` and `about` say where in the files it is, for the messages."""

    files: Mapping[str, str]
    desk: Desk
    holidays: Holidays
    problems: list[Problem] = field(default_factory=list)
    definitions: dict[tuple[str, str], Definition] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)  # texts of files that could not be read: what they define is not known
    fields: dict[str, CustomField] = field(default_factory=dict)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    tables: dict[str, LookupTable] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    conditions: dict[str, "Condition | None"] = field(default_factory=dict)  # None: being read now
    policies: dict[str, Policy] = field(default_factory=dict)
    metrics: tuple[str, ...] = METRICS  # the built-in clocks, and those of the desk's own policies
    sla_defaults: dict[str, Any] = field(default_factory=dict)
    templates: dict[str, dict[str, Template]] = field(default_factory=dict)
    template_names: frozenset[str] = frozenset()
    used_templates: set[str] = field(default_factory=set)
    used_files: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)  # files beside them that were said to be wrong
    writes: list[Written] = field(default_factory=list)
    spots: dict[Place, Spot] = field(default_factory=dict)  # of steps and tests, so that lint can underline them
    rule: str | None = None
    about: str = ""

    # --- complaining ---------------------------------------------------------------------------------------------------

    def wrong(
        self, node: Node, code: str, message: str, *, help: str = "", note: str = "", level: Level = "error", related: tuple[Spot, ...] = ()
    ) -> None:
        self.problems.append(node.problem(code, message, note=note or self.about, help=help, level=level, rule=self.rule, related=related))

    def spot(self, node: Node) -> Place:
        """The node's place, its extent remembered for lint."""
        place = node.place
        self.spots[place] = node.spot()
        return place

    def extent(self, place: Place) -> Spot:
        """What lint underlines there: the extent that was remembered, else one character."""
        return self.spots.get(place, Spot(place, place.column + 1))

    def unknown(self, node: Node, code: str, message: str, written: str, names: Iterable[str], where: str = "") -> None:
        """Something that is not there, with the one name that was probably meant."""
        self.wrong(node, code, message, help=self.suggestion(written, tuple(names), where))

    def suggestion(self, written: str, names: tuple[str, ...], where: str = "") -> str:
        """The name that was probably meant; else all of them when they are few, and where they come from."""
        meant = nearest(written, names)
        if meant is not None:
            return f"did you mean '{meant}'?"
        known = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if 0 < len(names) <= MANY else ""
        return "; ".join(part for part in (known, where) if part)

    # --- shapes --------------------------------------------------------------------------------------------------------

    def map(self, node: Node, what: str, keys: Collection[str] | None = None, later: Collection[str] = ()) -> Map | None:
        """The node as a map whose keys are among `keys`; others are TG201. None, with TG205, when it is no map."""
        if not isinstance(node, Map):
            self.wrong(node, "TG205", f"{what} wants entries like key: value", help=_keys_help(keys))
            return None
        if keys is not None:
            for name, entry in node.entries.items():
                if name not in keys:
                    self.no_key(entry.key, name, keys, later)
        return node

    def no_key(self, key: Scalar, name: str, keys: Collection[str], later: Collection[str] = ()) -> None:
        if name in later or name in RESERVED:
            self.wrong(key, "TG201", f"'{name}' is kept for a later release", help="remove it; this release does not know it yet")
        else:
            self.unknown(key, "TG201", f"there is no key called '{name}' here", name, keys)

    def need(self, above: Map, key: str, what: str, help: str = "") -> Node | None:
        """The value under `key`, or TG206 at the map that lacks it."""
        entry = above.entries.get(key)
        if entry is None:
            self.wrong(above, "TG206", f"{what} wants '{key}'", help=help or f"add {key}:")
            return None
        return entry.value

    def text(self, node: Node, what: str, help: str = "") -> str | None:
        """The source text of a value that is not empty."""
        if isinstance(node, Scalar) and not node.is_null and node.text.strip():
            return node.text
        shape = "one value, not a list" if isinstance(node, Seq) else "one value, not a map" if isinstance(node, Map) else "a value"
        self.wrong(node, "TG205", f"{what} wants {shape}", help=help)
        return None

    def scalars(self, node: Node, what: str) -> list[Scalar]:
        """One value or a list of values, as a list; TG205 for an empty list and for values that are none."""
        if isinstance(node, Seq) and not node.items:
            self.wrong(node, "TG205", f"{what} wants at least one value")
        items = node.items if isinstance(node, Seq) else [node]
        return [item for item in items if self.text(item, what) is not None and isinstance(item, Scalar)]

    def seq(self, node: Node, what: str) -> list[Node]:
        """The entries of a list that has some; TG205 else."""
        if isinstance(node, Seq) and node.items:
            return node.items
        self.wrong(node, "TG205", f"{what} wants a list with at least one entry", help="begin each entry with '- '")
        return []

    def choice(self, node: Node, what: str, options: Collection[str]) -> str | None:
        """One of the grammar's own words; TG211 else."""
        word = self.text(node, what, help=f"write one of {', '.join(options)}")
        if word is None:
            return None
        plain = word.strip()
        if plain in options:
            return plain
        if plain.casefold() in options:
            return plain.casefold()
        self.unknown(node, "TG211", f"'{word}' is not among the choices of {what}", word, options)
        return None

    def boolean(self, node: Node, what: str) -> bool | None:
        if isinstance(node, Scalar) and node.text in _BOOLEANS:
            return _BOOLEANS[node.text]
        self.wrong(node, "TG205", f"{what} wants true or false", help="write true or false, without quotes")
        return None

    def integer(self, node: Node, what: str, lowest: int, highest: int) -> int | None:
        if isinstance(node, Scalar) and re.fullmatch(r"[-+]?\d{1,9}", node.text) and lowest <= int(node.text) <= highest:
            return int(node.text)
        self.wrong(node, "TG205", f"{what} wants a whole number from {lowest} to {highest}")
        return None

    def slug(self, node: Scalar, what: str) -> str | None:
        """An id: small letters, digits and hyphens; TG210 else."""
        if SLUG.fullmatch(node.text):
            return node.text
        message = f"'{node.text}' cannot be {what}" if node.text else f"{what} is empty"
        self.wrong(node, "TG210", message, help="use small letters, digits and hyphens, beginning with a letter: like-this-1")
        return None

    # --- names ---------------------------------------------------------------------------------------------------------

    def named(self, kind: str, node: Node, what: str) -> str | None:
        """A name that refers to a definition; TG302 when there is none. Marks it as used."""
        name = self.text(node, what)
        if name is None:
            return None
        definition = self.definitions.get((kind, name))
        if definition is not None:
            definition.used = True
            return name
        if not self.perhaps_in_broken_file(name):
            names = [known for other, known in self.definitions if other == kind]
            self._meant(kind, nearest(name, names))
            self.unknown(node, "TG302", f"there is no {kind} called '{name}'", name, names, f"define it under {KIND_KEYS[kind]}:")
        return None

    def _meant(self, kind: str, name: str | None) -> None:
        """A mistyped name is one problem: that nothing uses the right one is not another."""
        if name is not None:
            self.definitions[(kind, name)].used = True

    def perhaps_in_broken_file(self, name: str) -> bool:
        """Whether a file that could not be read may define it: then its absence is no news."""
        return any(re.search(rf"(?m)^\s*['\"]?{re.escape(name)}['\"]?\s*:", text) for text in self.broken)

    def member(self, node: Node, what: str, kind: str, names: Collection[str], where: str = "") -> str | None:
        """A name of `ticketgate.yaml`; TG302 when it is not there."""
        name = self.text(node, what)
        if name is None or name in names:
            return name
        self.unknown(node, "TG302", f"there is no {kind} called '{name}'", name, names, where)
        return None

    def connection(self, node: Node, what: str) -> str | None:
        return self.member(node, what, "connection", self.desk.connections, "connections stand in ticketgate.yaml")

    def field_spec(self, node: Scalar, name: str | None = None) -> FieldSpec | None:
        """The field that is named here; TG202 when there is none."""
        written = node.text if name is None else name
        spec = spec_of(written, self.fields) or self._own_clock(written)
        if spec is None:
            self.no_field(node, written)
        elif written.startswith("custom."):
            self.definitions[("field", written[7:])].used = True
        elif ("field", written) in self.definitions:
            self.definitions[("field", written)].used = True
        return spec

    def _own_clock(self, written: str) -> FieldSpec | None:
        family, _, rest = written.partition(".")
        known = family == "sla" and rest in self.metrics
        return FieldSpec(written, "choice", f"how the clock {rest} stands", SLA_STATES) if known else None

    def no_field(self, node: Node, written: str) -> None:
        if written.startswith("custom.") and self.perhaps_in_broken_file(written[7:]):
            return
        names = (*every_name(self.fields), *(f"sla.{name}" for name in self.metrics if name not in METRICS))
        meant = nearest_field(written, names)
        help = "  ".join(part for part in (f"did you mean '{meant}'?" if meant else "", ALL_FIELDS) if part)
        if written.startswith("custom.") and not meant:
            help = f"declare it under fields: {{ {written[7:] or 'name'}: {{ type: text }} }}"
        self.wrong(node, "TG202", f"there is no ticket field called '{written}'", help=help)


def nearest_field(written: str, names: tuple[str, ...]) -> str | None:
    return nearest(written, names, SYNONYMS) or next((n for n in names if n.endswith(f".{written}") and not n.startswith("comment.")), None)


def _keys_help(keys: Collection[str] | None) -> str:
    return f"its keys are {', '.join(keys)}" if keys and len(keys) <= MANY else ""


_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
