"""One field of all branches at once: which of them its value leaves standing, as a set of bits, one bit for each branch.

A column says for a value what the tests of every branch on that field say together. It is made of the tests' own values, never by
asking the tests, so that a value costs a look into a table, however many rules there are.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from rules.branches import Literal
from rules.text import fold

Bits: TypeAlias = int
Rows: TypeAlias = "Iterable[tuple[int, Sequence[Literal]]]"
"""Branches by number, each with its tests on the field."""
MOST = 10_000
"""Values of one field that are kept in mind; then it begins anew, so that memory stays flat."""
SHORT = 120
"""Characters of a text that is worth keeping in mind."""
_OPPOSITES = frozenset({"is_not", "not_one_of", "not_in_list", "contains_none"})


class Strange(Exception):
    """The value is not what the field's type promises: what comes of it, only judging can show."""


def positive(literal: Literal) -> bool:
    """Whether the field must have something, rather than lack it: `is` wanted, `is_not` unwanted."""
    return (literal.test.operator in _OPPOSITES) is not literal.wanted


def must_be_empty(literals: Iterable[Literal]) -> set[bool]:
    """What `empty` tests ask for: nothing, True, False, or both, which no value can do."""
    return {literal.test.value is literal.wanted for literal in literals if literal.test.operator == "empty"}


def _values(literal: Literal) -> frozenset[Any]:
    value = literal.test.value
    return value if isinstance(value, frozenset) else frozenset({value})


@dataclass(slots=True)
class Wish:
    """What one branch wants of a value that is a word, true or false."""

    allowed: frozenset[Any] | None = None
    forbidden: frozenset[Any] = frozenset()

    def also(self, literal: Literal) -> None:
        values = _values(literal)
        if not positive(literal):
            self.forbidden |= values
        else:
            self.allowed = values if self.allowed is None else self.allowed & values


class Words(dict[Any, Bits]):
    """Choices, references, booleans, and texts that are compared whole: bits by the value as it stands in the ticket.

    What was found out of a value serves all tickets that have it.
    """

    __slots__ = ("_found", "_none", "_others")

    def __init__(self, rows: Rows, every: Bits) -> None:
        super().__init__()
        self._none = self._others = every
        self._found: dict[Any, Bits] = {}
        forbidden: dict[Any, Bits] = {}
        for number, literals in rows:
            self._put(number, literals, forbidden)
        self._found = {v: self._others & ~forbidden.get(v, 0) | self._found.get(v, 0) for v in self._found.keys() | forbidden.keys()}
        self._found = _shared(self._found)

    def _put(self, number: int, literals: Sequence[Literal], forbidden: dict[Any, Bits]) -> None:
        bit, wish, empty = 1 << number, Wish(), must_be_empty(literals)
        for literal in literals:
            if literal.test.operator != "empty":
                wish.also(literal)
        if wish.allowed is not None or False in empty:
            self._none &= ~bit
        if wish.allowed is not None or True in empty:
            self._others &= ~bit
        if True in empty:
            return
        for value in (wish.allowed or frozenset()) - wish.forbidden:
            self._found[value] = self._found.get(value, 0) | bit
        for value in wish.forbidden if wish.allowed is None else ():
            forbidden[value] = forbidden.get(value, 0) | bit

    def __missing__(self, value: object) -> Bits:
        if len(self) >= MOST:
            self.clear()
        found = self._of(value)
        if not isinstance(value, str) or len(value) <= SHORT:
            self[value] = found
        return found

    def _of(self, value: object) -> Bits:
        if value is None or (isinstance(value, str) and not value.strip()):
            return self._none
        if isinstance(value, str):
            value = fold(value)
        elif not isinstance(value, bool):
            raise Strange
        if value == "":
            raise Strange
        return self._found.get(value, self._others)

    def bits(self, value: object) -> Bits:
        return self[value]


def _shared(found: Mapping[Any, Bits]) -> dict[Any, Bits]:
    """Equal numbers once in memory: all values of a long list lead to the same rules."""
    once: dict[Bits, Bits] = {}
    return {value: once.setdefault(bits, bits) for value, bits in found.items()}


# --- several things that a value can have at once: members of a set, words of a text ------------------------------------


@dataclass(slots=True)
class Layers:
    """Branches that want one of these, and one of those, and none of others. `effects[thing]`: what its presence means.

    Layer n holds, for each branch, its n-th wish; an branch without one starts out content. The last layer collects those
    that something present rules out.
    """

    base: list[Bits]
    effects: dict[Any, tuple[tuple[int, Bits], ...]]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, Sequence[frozenset[Any]], frozenset[Any]]], every: Bits) -> "Layers":
        rows = list(rows)
        depth = max((len(wishes) for _, wishes, _ in rows), default=0)
        base = [every] * depth
        effects: dict[Any, dict[int, Bits]] = {}
        for number, wishes, unwanted in rows:
            bit = 1 << number
            for layer, wish in enumerate(wishes):
                base[layer] &= ~bit
                for thing in wish:
                    _put(effects, thing, layer, bit)
            for thing in unwanted:
                _put(effects, thing, depth, bit)
        return cls([*base, 0], {thing: tuple(sorted(found.items())) for thing, found in effects.items()})

    def standing(self, effects: Iterable[tuple[tuple[int, Bits], ...]], among: Bits) -> Bits:
        """Those of `among` that are left when these effects are there."""
        layers = self.base.copy()
        for effect in effects:
            for layer, bits in effect:
                layers[layer] |= bits
        unwanted = layers.pop()
        for bits in layers:
            among &= bits
        return among ^ (among & unwanted)


def _put(effects: dict[Any, dict[int, Bits]], thing: Any, layer: int, bit: Bits) -> None:
    found = effects.setdefault(thing, {})
    found[layer] = found.get(layer, 0) | bit


Effect: TypeAlias = tuple[tuple[int, Bits], ...]


class Members(dict[Any, Effect]):
    """Sets: what the presence of a member means, by the member as it stands in the ticket."""

    __slots__ = ("_bare", "_filled", "_layers", "_none")

    def __init__(self, rows: Rows, every: Bits) -> None:
        super().__init__()
        rows = list(rows)
        wishes = [(number, *_wishes(literals)) for number, literals in rows]
        self._layers = Layers.of(wishes, every)
        self._filled = self._none = every
        for number, literals in rows:
            empty = must_be_empty(literals)
            if True in empty:
                self._filled &= ~(1 << number)
            if False in empty or any(map(_needs_some, literals)):
                self._none &= ~(1 << number)
        self._bare = self._layers.standing((), self._filled)

    def __missing__(self, member: object) -> Effect:
        if not isinstance(member, str):
            raise Strange
        if len(self) >= MOST:
            self.clear()
        found = self[member] = self._layers.effects.get(fold(member), ())
        return found

    def bits(self, value: object) -> Bits:
        if not value and (value is None or isinstance(value, frozenset)):
            return self._none
        if not isinstance(value, frozenset):
            raise Strange
        effects = [effect for effect in map(self.__getitem__, value) if effect]
        return self._layers.standing(effects, self._filled) if effects else self._bare


def _needs_some(literal: Literal) -> bool:
    return literal.test.operator != "empty" and positive(literal)


def _wishes(literals: Iterable[Literal]) -> tuple[list[frozenset[Any]], frozenset[Any]]:
    wishes: list[frozenset[Any]] = []
    unwanted: frozenset[Any] = frozenset()
    for literal in literals:
        values = _values(literal)
        if literal.test.operator == "empty":
            continue
        if not positive(literal):
            unwanted |= values
        elif literal.test.operator in ("contains", "contains_all"):
            wishes += [frozenset({value}) for value in values]
        else:
            wishes.append(values)
    return wishes, unwanted


# --- numbers and moments ------------------------------------------------------------------------------------------------

_AT_LEAST = frozenset({"at_least", "older_than"})
_BELOW = frozenset({"below", "before", "newer_than"})
_ABOVE = frozenset({"above", "after"})


@dataclass(slots=True)
class Cells:
    """A line cut at every bound that a test names: `bits[2k + 1]` is the k-th bound itself, the even ones lie between."""

    bounds: list[Any] = field(default_factory=list)
    bits: list[Bits] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Rows, every: Bits) -> "Cells":
        rows = list(rows)
        bounds = sorted({bound for _, literals in rows for literal in literals for bound in _bounds(literal)})
        place = {bound: 2 * n + 1 for n, bound in enumerate(bounds)}
        last = 2 * len(bounds)
        flips = [0] * (last + 2)
        flips[0] = every
        for number, literals in rows:
            bit = 1 << number
            flips[0] ^= bit
            for low, high in _ranges(literals, place, last):
                flips[low] ^= bit
                flips[high + 1] ^= bit
        return cls(bounds, _running(flips[:-1]))

    def at(self, value: Any) -> Bits:
        return self.bits[bisect_left(self.bounds, value) + bisect_right(self.bounds, value)]


def _running(flips: Iterable[Bits]) -> list[Bits]:
    now, found = 0, []
    for flip in flips:
        now ^= flip
        found.append(now)
    return found


def _bounds(literal: Literal) -> tuple[Any, ...]:
    value = literal.test.value
    return tuple(value) if isinstance(value, tuple | frozenset) else (value,)


def _ranges(literals: Iterable[Literal], place: Mapping[Any, int], last: int) -> list[tuple[int, int]]:
    """The cells in which all tests hold, as ranges with both ends."""
    found = [(0, last)]
    for literal in literals:
        own = _own_ranges(literal, place, last)
        own = own if positive(literal) else _between(own, last)
        found = [(max(a, c), min(b, d)) for a, b in found for c, d in own if max(a, c) <= min(b, d)]
    return found


def _own_ranges(literal: Literal, place: Mapping[Any, int], last: int) -> list[tuple[int, int]]:
    operator, at = literal.test.operator, [place[bound] for bound in _bounds(literal)]
    if operator in _ABOVE:
        return [(at[0] + 1, last)]
    if operator in _AT_LEAST:
        return [(at[0], last)]
    if operator in _BELOW:
        return [(0, at[0] - 1)]
    if operator == "at_most":
        return [(0, at[0])]
    if operator == "between":
        return [(at[0], at[1])] if at[0] <= at[1] else []
    return [(one, one) for one in sorted(at)]


def _between(ranges: Sequence[tuple[int, int]], last: int) -> list[tuple[int, int]]:
    """What is left beside ranges that rise and do not touch."""
    edges = [-1, *(edge for one in ranges for edge in one), last + 1]
    return [(low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True) if low + 1 <= high - 1]


def _where_none(rows: Rows, every: Bits) -> tuple[Bits, Bits, list[tuple[int, list[Literal]]]]:
    """What is left when the field is empty; what is left for a value before it is compared; and the tests that compare it."""
    none = filled = every
    compared: list[tuple[int, list[Literal]]] = []
    for number, literals in rows:
        empty, others = must_be_empty(literals), [one for one in literals if one.test.operator != "empty"]
        if False in empty or any(map(positive, others)):
            none &= ~(1 << number)
        if True in empty:
            filled &= ~(1 << number)
        if others:
            compared.append((number, others))
    return none, filled, compared


class Numbers:
    """Numbers by the bounds between which they lie."""

    __slots__ = ("_bits", "_bounds", "_none")

    def __init__(self, rows: Rows, every: Bits) -> None:
        self._none, filled, compared = _where_none(rows, every)
        cells = Cells.of(compared, every)
        self._bounds, self._bits = cells.bounds, [bits & filled for bits in cells.bits]

    def bits(self, value: object) -> Bits:
        kind = value.__class__
        if kind is not float and kind is not int:
            if value is None or (isinstance(value, str) and not value.strip()):
                return self._none
            value = _as_number(value)
        if value != value:
            raise Strange
        return self._bits[bisect_left(self._bounds, value) + bisect_right(self._bounds, value)]


def _as_number(value: object) -> float:
    """A text that says a number is one, as it is for the test."""
    if not isinstance(value, str):
        raise Strange
    try:
        return float(value)
    except ValueError:
        raise Strange from None


class Moments:
    """Moments by the instants, and by the ages, between which they lie."""

    __slots__ = ("_ages", "_filled", "_instants", "_none")

    def __init__(self, rows: Rows, every: Bits) -> None:
        self._none, self._filled, compared = _where_none(rows, every)
        self._instants = Cells.of(_only(compared, datetime), every)
        self._ages = Cells.of(_only(compared, timedelta), every)

    def at(self, value: object, now: datetime) -> Bits:
        if value is None or (isinstance(value, str) and not value.strip()):
            return self._none
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise Strange
        return self._filled & self._instants.at(value) & self._ages.at(now - value)


def _only(rows: Rows, kind: type) -> list[tuple[int, list[Literal]]]:
    parts = ((number, [one for one in literals if isinstance(one.test.value, kind)]) for number, literals in rows)
    return [(number, literals) for number, literals in parts if literals]
