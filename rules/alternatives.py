"""A condition as alternatives, each with one constraint for every field it speaks of: what can be said of it without a ticket.

Named conditions and lists are expanded. What cannot be taken apart (`matches`, `was`, calendars ...) is opaque: equal only to itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import astuple

from rules.bounds import ANYTHING, Bounds, Mark, Range, Universe, meet, opposite, within
from rules.bundle import NOWHERE, All, AnyOf, CalendarIs, Condition, Named, NoneOf, Place, Test
from rules.fields import FIELDS, SLA_STATES
from rules.text import folded
from rules.ticket import replace

MOST = 64
"""More alternatives than these are not looked into."""

Opaque: TypeAlias = tuple[Any, bool]
"""Something that cannot be taken apart, and whether it must hold."""


class Undecided(Exception):
    """The condition has more than `MOST` alternatives."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way in which a condition can hold: all of this together."""

    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    opaque: frozenset[Opaque] = frozenset()

    @property
    def key(self) -> Any:
        """Equal for alternatives that ask for the same."""
        return frozenset((name, bounds) for name, bounds in self.bounds.items() if bounds != ANYTHING), self.opaque


class Reasoner:
    """Takes conditions apart. `connections` are those of the desk, beyond which there are none."""

    def __init__(self, connections: Iterable[str] = ()) -> None:
        self._connections = folded(connections)

    def universe(self, name: str, kind: str) -> Universe:
        """The values beyond which the field has none; None where any may come, as from a system's own choice list."""
        if kind == "boolean":
            return frozenset({True, False})
        if name == "connection":
            return self._connections or None
        if name in _CLOSED:
            return folded(FIELDS[name].choices)
        return folded(SLA_STATES) if name.startswith("sla.") and name != "sla.policy" else None

    def alternatives(self, condition: Condition, *, holds: bool = True) -> tuple[Alternative, ...]:
        """All ways in which it can hold (or fail to); none: it never does. Raises `Undecided`."""
        match condition:
            case Test():
                return self._test(condition, holds)
            case Named(part=part):
                return self.alternatives(part, holds=holds)
            case All(parts):
                return self._together(parts, holds=True) if holds else self._either(parts, holds=False)
            case AnyOf(parts):
                return self._either(parts, holds=True) if holds else self._together(parts, holds=False)
            case NoneOf(parts):
                return self._together(parts, holds=False) if holds else self._either(parts, holds=True)
            case CalendarIs(name, state):
                wanted = ("calendar", name, "open" if state == "closed" else state)
                return (_opaque(wanted, holds=holds is (state != "closed")),)
            case _:
                return (_opaque(bare(condition), holds=holds),)

    def both(self, one: Alternative, other: Alternative) -> Alternative | None:
        """Both at once; None when they exclude each other."""
        opaque = one.opaque | other.opaque
        if any((what, not held) in opaque for what, held in other.opaque):
            return None
        bounds = dict(one.bounds)
        for name, more in other.bounds.items():
            bounds[name] = meet(bounds[name], more) if name in bounds else more
            if bounds[name].impossible:
                return None
        return Alternative(bounds, opaque)

    def contradiction(self, tests: Iterable[Test]) -> tuple[Test, Test] | None:
        """Two tests that exclude each other, for a message."""
        for one, other in combinations(tests, 2):
            if one.field == other.field and not self._together((one, other), holds=True):
                return one, other
        return None

    def _test(self, test: Test, holds: bool) -> tuple[Alternative, ...]:
        if test.operator not in _BOUNDS:
            key = ("changed", test.field) if test.operator == "changed" else bare(test)
            wanted = holds is (test.value is not False) if test.operator == "changed" else holds
            known = {test.field: self._made(test, Bounds(empty=False))} if wanted and test.operator in _OF_SOMETHING else {}
            return (Alternative(known, frozenset({(key, wanted)})),)
        said = _BOUNDS[test.operator](test)
        made = (self._made(test, bounds) for bounds in ((said,) if holds else opposite(said)))
        return tuple(Alternative({test.field: bounds}) for bounds in made if not bounds.impossible)

    def _made(self, test: Test, bounds: Bounds) -> Bounds:
        return replace(bounds, universe=self.universe(test.field, test.type), text=test.type != "set").settled()

    def _together(self, parts: Iterable[Condition], *, holds: bool) -> tuple[Alternative, ...]:
        found: tuple[Alternative, ...] = (Alternative(),)
        for part in parts:
            more = self.alternatives(part, holds=holds)
            found = _few(made for one in found for other in more if (made := self.both(one, other)) is not None)
        return found

    def _either(self, parts: Iterable[Condition], *, holds: bool) -> tuple[Alternative, ...]:
        return _few(one for part in parts for one in self.alternatives(part, holds=holds))


def lies_in(inner: Alternative, outer: Alternative) -> bool:
    """Whether every ticket that is as `inner` wants is as `outer` wants, as far as that is certain."""
    return outer.opaque <= inner.opaque and all(within(inner.bounds.get(name, ANYTHING), b) for name, b in outer.bounds.items())


def bare(value: Any) -> Any:
    """A condition without its places, to be compared; a pattern by what was written."""
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    if isinstance(value, Test) and value.operator == "matches":
        return (value.field, value.operator, value.written)
    if not isinstance(value, Struct):
        return value
    parts = zip(value.__struct_fields__, astuple(value), strict=True)
    kept = {name: NOWHERE if isinstance(part, Place) else bare(part) for name, part in parts}
    return (type(value).__name__, *(kept[name] for name in kept if name != "written"))


def _few(found: Iterable[Alternative]) -> tuple[Alternative, ...]:
    kept: dict[Any, Alternative] = {}
    for one in found:
        kept.setdefault(one.key, one)
        if len(kept) > MOST:
            raise Undecided
    return tuple(kept.values())


def _opaque(what: Any, *, holds: bool) -> Alternative:
    return Alternative({}, frozenset({(what, holds)}))


_CLOSED = frozenset({"type", "status", "priority", "severity", "impact", "urgency", "channel", "comment.role"})
_OF_SOMETHING = frozenset({"matches", "contains_pii"})


# --- from tests to bounds --------------------------------------------------------------------------------------------


def _among(test: Test) -> Bounds:
    if test.type == "set":
        return Bounds(empty=False, hits=frozenset({frozenset(test.value)}))
    return Bounds(empty=False, among=test.value if isinstance(test.value, frozenset) else frozenset({test.value}))


def _but(test: Test) -> Bounds:
    if test.type == "set":
        return Bounds(without=test.value)
    return Bounds(but=test.value if isinstance(test.value, frozenset) else frozenset({test.value}))


def _ranked(low: bool, high: bool, *, strict: bool) -> Callable[[Test], Bounds]:
    """Ordered choices are listed already; numbers have an end on one side or both."""

    def made(test: Test) -> Bounds:
        if test.type == "ordered_choice":
            return Bounds(empty=False, among=test.value)
        ends = test.value if low and high else (test.value, test.value)
        return Bounds(empty=False, range=Range(ends[0] if low else None, ends[1] if high else None, strict))

    return made


def _members(test: Test) -> Iterator[Any]:
    for value in test.value:
        yield value if test.type == "set" else Mark("inside", value)


def _marked(how: str) -> Callable[[Test], Bounds]:
    return lambda test: Bounds(empty=False, hits=frozenset({frozenset({Mark(how, test.value)})}))


_BOUNDS: Mapping[str, Callable[[Test], Bounds]] = {
    **dict.fromkeys(("is", "one_of", "in_list"), _among),
    **dict.fromkeys(("is_not", "not_one_of", "not_in_list"), _but),
    "above": _ranked(True, False, strict=True),
    "at_least": _ranked(True, False, strict=False),
    "below": _ranked(False, True, strict=True),
    "at_most": _ranked(False, True, strict=False),
    "between": _ranked(True, True, strict=False),
    "before": lambda test: Bounds(empty=False, range=Range(None, test.value, True)),
    "after": lambda test: Bounds(empty=False, range=Range(test.value, None, True)),
    "older_than": lambda test: Bounds(empty=False, age=Range(test.value, None, False)),
    "newer_than": lambda test: Bounds(empty=False, age=Range(None, test.value, True)),
    **dict.fromkeys(("contains", "contains_all"), lambda test: Bounds(empty=False, hits=frozenset(frozenset({m}) for m in _members(test)))),
    "contains_any": lambda test: Bounds(empty=False, hits=frozenset({frozenset(_members(test))})),
    "contains_none": lambda test: Bounds(without=frozenset(_members(test))),
    "starts_with": _marked("begins"),
    "ends_with": _marked("finishes"),
    "empty": lambda test: Bounds(full=False) if test.value else Bounds(empty=False),
}
