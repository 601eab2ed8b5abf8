"""Which rules could answer a ticket's events, without looking at each: a hash on one value that a rule's condition requires."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rules.bundle import All, Condition, Named, Test
from rules.look import Look
from rules.observation import Event, Kind

_ONE = frozenset({"is", "one_of", "in_list"})
_SOME = frozenset({"contains", "contains_any", "contains_all", "in_list"})
_HASHABLE = frozenset({"text", "choice", "ordered_choice", "reference", "boolean"})
_COMMON = frozenset({"connection", "system", "status", "requester.automated"})
"""Fields whose values many tickets share: hashed on only where a rule requires nothing better."""
_OF_THE_EVENT = ("comment.", "sla.")
"""Not known of the ticket alone: a rule's comment is that of its occasion, and a clock is dear."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The field must have one of these values (folded), or as a set one of these members, or the rule does not match."""

    field: str
    values: frozenset[object]

    @property
    def cost(self) -> tuple[bool, int]:
        return self.field in _COMMON, len(self.values)


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
                yield Requirement(field, found)


def _required(operator: str, value: object, kind: str) -> frozenset[object] | None:
    if kind == "set" and operator in _SOME and isinstance(value, frozenset):
        return value if operator != "contains_all" or len(value) <= 1 else frozenset({min(value)})
    if kind in _HASHABLE and operator in _ONE:
        return value if isinstance(value, frozenset) else frozenset({value})
    if kind == "ordered_choice" and isinstance(value, frozenset) and operator not in ("was", "not_one_of", "not_in_list"):
        return value
    return None


def required_connections(condition: Condition) -> frozenset[str] | None:
    """The connections that a condition names at its top; None when it names none."""
    named = [r.values for r in requirements(condition) if r.field == "connection"]
    return frozenset(str(value) for value in frozenset.intersection(*named)) if named else None


class Index:
    """Rules by position, found by the kinds of event and by the value each requires."""

    def __init__(self, rules: Iterable[tuple[int, frozenset[Kind], Condition]]) -> None:
        self._kinds: dict[Kind, _Shelf] = {}
        for position, kinds, condition in rules:
            best = min(requirements(condition), key=lambda r: r.cost, default=None)
            for kind in kinds:
                self._kinds.setdefault(kind, _Shelf()).put(position, best)

    def candidates(self, events: Iterable[Event], look: Look) -> list[int]:
        """Positions, rising, of all rules that could match and maybe some that do not."""
        found: set[int] = set()
        for kind in {event.kind for event in events}:
            shelf = self._kinds.get(kind)
            if shelf is not None:
                shelf.add_to(found, look.folded)
        return sorted(found)


class _Shelf:
    __slots__ = ("anything", "by_field")

    def __init__(self) -> None:
        self.anything: list[int] = []
        self.by_field: dict[str, dict[object, list[int]]] = {}

    def put(self, position: int, required: Requirement | None) -> None:
        if required is None:
            self.anything.append(position)
            return
        rows = self.by_field.setdefault(required.field, {})
        for value in required.values:
            rows.setdefault(value, []).append(position)

    def add_to(self, found: set[int], folded: Mapping[str, object]) -> None:
        found.update(self.anything)
        for name, rows in self.by_field.items():
            value = folded[name]
            if isinstance(value, frozenset):
                for member in value:
                    found.update(rows.get(member, ()))
            elif value is not None:
                found.update(rows.get(value, ()))
