"""One field of all branches at once: which of them its value leaves standing, as a set of bits, one bit for each branch.

A column says for a value what the tests of every branch on that field say together. It is made of the tests' own values, never by
asking the tests, so that a value costs a look into a table, however many rules there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
        bit = 1 << number
        if len(literals) == 1 and literals[0].test.operator in ("is", "one_of") and literals[0].wanted:  # as nearly all are
            self._none &= ~bit
            self._others &= ~bit
            _put(self._found, _values(literals[0]), bit)
            return
        self._put_several(bit, literals, forbidden)

    def _put_several(self, bit: Bits, literals: Sequence[Literal], forbidden: dict[Any, Bits]) -> None:
        wish, empty = Wish(), must_be_empty(literals)
        for literal in literals:
            if literal.test.operator != "empty":
                wish.also(literal)
        if wish.allowed is not None or False in empty:
            self._none &= ~bit
        if wish.allowed is not None or True in empty:
            self._others &= ~bit
        if True in empty:
            return
        _put(self._found, (wish.allowed or frozenset()) - wish.forbidden, bit)
        _put(forbidden, wish.forbidden if wish.allowed is None else (), bit)

    def __missing__(self, value: object) -> Bits:
        found = self._of(value)
        if not isinstance(value, str) or len(value) <= SHORT:
            keep(self, value, found)
        return found

    def each(self, values: Iterable[object]) -> Iterable[Bits]:
        return map(self.__getitem__, values)

    def _of(self, value: object) -> Bits:
        if value is None or (isinstance(value, str) and (not value or value.isspace())):
            return self._none
        if isinstance(value, str):
            value = fold(value) if self._found else value
        elif not isinstance(value, bool):
            raise Strange
        if value == "":
            raise Strange
        return self._found.get(value, self._others)


def keep(table: dict[Any, Any], value: object, found: object) -> None:
    """Keeps in mind what was found, and forgets all else when that is too much."""
    if len(table) >= MOST:
        nothing = table.get(None)
        table.clear()
        if nothing is not None:
            table[None] = nothing
    table[value] = found


def _shared(found: Mapping[Any, Bits]) -> dict[Any, Bits]:
    """Equal numbers once in memory: all values of a long list lead to the same rules."""
    once: dict[Bits, Bits] = {}
    return {value: once.setdefault(bits, bits) for value, bits in found.items()}


# --- several things that a value can have at once: members of a set, words of a text ------------------------------------


@dataclass(frozen=True, slots=True)
class Layers:
    """Branches that want one of these, and one of those, and none of others. `effects[thing]`: what its presence means.

    Layer n holds, for each branch, its n-th wish; a branch without one starts out content. The last layer collects those that
    something present rules out. They lie behind each other in one number, so that a thing's presence is one number for all of them.
    """

    width: int
    depth: int
    base: Bits
    effects: dict[Any, Bits]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, Sequence[frozenset[Any]], frozenset[Any]]], every: Bits) -> "Layers":
        rows, width = list(rows), every.bit_length()
        depth = max((len(wishes) for _, wishes, _ in rows), default=0)
        base = [every] * depth
        effects: dict[Any, Bits] = {}
        for number, wishes, unwanted in rows:
            for layer, wish in enumerate(wishes):
                base[layer] &= ~(1 << number)
                _put(effects, wish, 1 << layer * width + number)
            _put(effects, unwanted, 1 << depth * width + number)
        return cls(width, depth, sum(bits << layer * width for layer, bits in enumerate(base)), effects)

    def standing(self, found: Bits, among: Bits) -> Bits:
        """Those of `among` that are left when all this is there."""
        found |= self.base
        width = self.width
        for _ in range(self.depth):
            among &= found
            found >>= width
        return among & ~found if found else among

    def concerned(self, thing: Any) -> Bits:
        """The branches to which its presence matters."""
        found, all_of_it = 0, self.effects[thing]
        while all_of_it:
            found |= all_of_it & ((1 << self.width) - 1)
            all_of_it >>= self.width
        return found


def _put(effects: dict[Any, Bits], things: Iterable[Any], bit: Bits) -> None:
    for thing in things:
        effects[thing] = effects.get(thing, 0) | bit


class Members(dict[Any, Bits]):
    """Sets: bits by the set as it stands in the ticket; what its members mean is kept in mind, and sets of one."""

    __slots__ = ("_bare", "_filled", "_layers", "_meanings", "_none")

    def __init__(self, rows: Rows, every: Bits) -> None:
        super().__init__()
        rows = list(rows)
        self._layers = Layers.of([(number, *_wishes(literals)) for number, literals in rows], every)
        self._filled = self._none = every
        for number, literals in rows:
            empty = must_be_empty(literals)
            if True in empty:
                self._filled &= ~(1 << number)
            if False in empty or any(map(_needs_some, literals)):
                self._none &= ~(1 << number)
        self._bare = self._layers.standing(0, self._filled)
        self._meanings = _Meanings(self._layers.effects)
        self[None] = self[frozenset()] = self._none

    def __missing__(self, value: object) -> Bits:
        if not isinstance(value, frozenset):
            raise Strange
        bits = self._of(value)
        if len(value) == 1:
            keep(self, value, bits)
        return bits

    def each(self, values: Iterable[object]) -> Iterable[Bits]:
        of = self._of
        return [of(value) if value.__class__ is frozenset and len(value) > 1 else self[value] for value in values]

    def _of(self, members: frozenset[object]) -> Bits:
        meanings, found = self._meanings, 0
        for member in members:
            found |= meanings[member]
        return self._layers.standing(found, self._filled) if found else self._bare


class _Meanings(dict[Any, Bits]):
    """What the presence of a member means, by the member as it stands in the ticket."""

    __slots__ = ("_effects",)

    def __init__(self, effects: Mapping[Any, Bits]) -> None:
        super().__init__()
        self._effects = effects

    def __missing__(self, member: object) -> Bits:
        if not isinstance(member, str):
            raise Strange
        found = self._effects.get(fold(member), 0)
        keep(self, member, found)
        return found


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
