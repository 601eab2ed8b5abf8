"""Which rules could answer a ticket's events, without looking at each: a hash on values, and on words, that a condition requires."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from rules.bundle import All, AnyOf, CalendarIs, Condition, Named, NoneOf, Test
from rules.look import Look
from rules.observation import Event, Kind
from rules.text import Needle

_ONE = frozenset({"is", "one_of", "in_list"})
_SOME = frozenset({"contains", "contains_any", "contains_all", "in_list"})
_SAYS = frozenset({"contains", "contains_any", "contains_all"})
_HASHABLE = frozenset({"text", "choice", "ordered_choice", "reference", "boolean"})
_COMMON = frozenset({"connection", "system", "status", "requester.automated"})
"""Fields whose values many tickets share: hashed on only where a rule requires nothing better."""
_OF_THE_EVENT = ("comment.", "sla.")
"""Not known of the ticket alone: a rule's comment is that of its occasion, and a clock is dear."""
_RAISING = frozenset({"number", "time"})
"""Types whose tests raise when the system sent something else, which must show: nothing behind such a test may spare it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The field must have one of these values (folded), or as a set one of these members, or the rule does not match."""

    field: str
    values: frozenset[object]
    of_set: bool = False

    @property
    def cost(self) -> tuple[bool, bool, int]:
        return self.field in _COMMON, False, len(self.values)


@dataclass(frozen=True, slots=True)
class Said:
    """The text must contain one of these, or the rule does not match."""

    field: str
    needles: tuple[Needle, ...]

    @property
    def cost(self) -> tuple[bool, bool, int]:
        return False, True, len(self.needles)


Cover = tuple[Requirement | Said, ...]
"""Alternatives: where none of them is met, the condition does not hold, and judging it raises nothing."""


def requirements(condition: Condition) -> Iterator[Requirement]:
    """What must hold for the condition to hold, as far as a hash can tell: the parts that stand side by side at its top."""
    match condition:
        case All(parts):
            for part in parts:
                yield from requirements(part)
        case Named(part=part):
            yield from requirements(part)
        case Test(field, operator, value, kind) if not field.startswith(_OF_THE_EVENT):
            found = _required(operator, value, kind)
            if found is not None:
                yield Requirement(field, found, kind == "set")


def _required(operator: str, value: object, kind: str) -> frozenset[object] | None:
    if kind == "set" and operator in _SOME and isinstance(value, frozenset):
        return value if operator != "contains_all" else frozenset({min(value)}) if value else None
    if kind in _HASHABLE and operator in _ONE:
        return value if isinstance(value, frozenset) else frozenset({value})
    if kind == "ordered_choice" and isinstance(value, frozenset) and operator not in ("was", "not_one_of", "not_in_list"):
        return value
    return None


def required_connections(condition: Condition) -> frozenset[str] | None:
    """The connections that a condition names at its top; None when it names none."""
    named = [r.values for r in requirements(condition) if r.field == "connection"]
    return frozenset(str(value) for value in frozenset.intersection(*named)) if named else None


def cover(condition: Condition) -> Cover | None:
    """The most selective alternatives of which one must be met for the condition to hold; None when only judging it can tell."""
    return min(_covers(condition), key=_cost, default=None)


def _cost(found: Cover) -> tuple[bool, bool, int]:
    """As dear as its worst alternative, and the more the more there is to be put on the shelves."""
    costs = [one.cost for one in found]
    return any(c[0] for c in costs), any(c[1] for c in costs), sum(c[2] for c in costs)


def _covers(condition: Condition) -> Iterator[Cover]:
    match condition:
        case All(parts):
            for part in parts:
                yield from _covers(part)
                if _may_raise(part):
                    return
        case Named(part=part):
            yield from _covers(part)
        case AnyOf(parts):
            found = [cover(part) for part in parts]
            whole = [one for one in found if one is not None]
            if len(whole) == len(found):
                yield tuple(alternative for one in whole for alternative in one)
        case Test():
            yield from _of_test(condition)


def _of_test(test: Test) -> Iterator[Cover]:
    if test.type != "text" or test.operator not in _SAYS:
        yield from ((one,) for one in requirements(test))
    elif not test.field.startswith(_OF_THE_EVENT) and test.value and all(needle.phrase for needle in test.value):
        yield (Said(test.field, test.value if test.operator == "contains_any" else test.value[:1]),)


def _may_raise(condition: Condition) -> bool:
    match condition:
        case Test(field, type=kind) if not field.startswith("sla."):
            return kind in _RAISING
        case Named(part=part):
            return _may_raise(part)
        case All(parts) | AnyOf(parts) | NoneOf(parts):
            return any(map(_may_raise, parts))
        case CalendarIs():
            return False
    return True


class Index:
    """Rules by position, found by the kinds of event and by the values or words that each requires. Never changed."""

    def __init__(self, rules: Iterable[tuple[int, frozenset[Kind], Condition]]) -> None:
        self._kinds: dict[Kind, Shelves] = {}
        for position, kinds, condition in rules:
            found = cover(condition)
            for kind in kinds:
                self._kinds.setdefault(kind, Shelves()).put(position, found)

    def shelves(self, kind: Kind) -> "Shelves | None":
        """Where the rules of a kind of event stand, if there are any."""
        return self._kinds.get(kind)

    def candidates(self, events: Iterable[Event], look: Look) -> list[int]:
        """Positions, rising, of all rules that could match and maybe some that do not."""
        found: set[int] = set()
        for kind in {event.kind for event in events}:
            shelves = self._kinds.get(kind)
            if shelves is not None:
                shelves.add_to(found, look)
        return sorted(found)


class Shelves:
    """The rules of one kind of event: those that only judging can tell of, and the others by field."""

    __slots__ = ("anything", "values", "words")

    def __init__(self) -> None:
        self.anything: list[int] = []
        self.values: dict[str, Values] = {}
        self.words: dict[str, Words] = {}

    def put(self, position: int, found: Cover | None) -> None:
        if found is None:
            self.anything.append(position)
            return
        for one in found:
            if isinstance(one, Said):
                self.words.setdefault(one.field, Words()).put(position, one.needles)
            else:
                self.values.setdefault(one.field, Values(one.of_set)).put(position, one.values)

    def add_to(self, found: set[int], look: Look) -> None:
        if self.anything:
            found.update(self.anything)
        for name, values in self.values.items():
            value = look.folded[name]
            if value is not None:
                found.update(values.found(value))
        for name, words in self.words.items():
            text = look.folded[name]
            if text is not None:
                found.update(words.found(text, look.spoken[name]) if isinstance(text, str) else words.every())


@dataclass(slots=True)
class Values:
    """The rules that require a value, or a member, of one field."""

    of_set: bool
    rows: dict[object, list[int]] = field(default_factory=dict)

    def put(self, position: int, values: Iterable[object]) -> None:
        for value in values:
            self.rows.setdefault(value, []).append(position)

    def found(self, folded: object) -> Sequence[int]:
        """By a value ready to compare. One that is not what the field's type promises finds every rule: judging it must show."""
        if isinstance(folded, frozenset):
            return [position for member in self.rows.keys() & folded for position in self.rows[member]]
        if self.of_set or not isinstance(folded, (str, bool)):
            return [position for rows in self.rows.values() for position in rows]
        return self.rows.get(folded, ())


@dataclass(slots=True)
class Words:
    """The rules that require one of some phrases in a text, by the first word of each.

    A phrase of a script without spaces may begin anywhere, so it is looked for in the text itself.
    """

    first: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    anywhere: list[tuple[Needle, int]] = field(default_factory=list)

    def put(self, position: int, needles: Iterable[Needle]) -> None:
        for needle in needles:
            word, space, _ = needle.phrase[1:].partition(" ")
            if needle.symbols or not needle.phrase.startswith(" ") or not space:
                self.anywhere.append((needle, position))
            else:
                self.first.setdefault(word, []).append((needle.phrase, position))

    def found(self, folded: str, spoken: str) -> list[int]:
        said = [row for word in self.first.keys() & spoken.split() for row in self.first[word]]
        found = [position for phrase, position in said if phrase in spoken]
        return found + [position for needle, position in self.anywhere if needle.inside(folded, spoken)]

    def every(self) -> list[int]:
        """All of them: the field holds no text, and what comes of judging it must show."""
        return [position for _, position in chain(chain.from_iterable(self.first.values()), self.anywhere)]
