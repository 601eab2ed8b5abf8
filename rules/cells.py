"""Numbers and moments of all branches at once: a line cut at every bound, and which branches each cell leaves standing."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf, isnan, nextafter
from typing import Any

from rules.branches import Literal
from rules.columns import Bits, Rows, Strange, keep, must_be_empty, positive

_AT_LEAST = frozenset({"at_least", "older_than"})
_BELOW = frozenset({"below", "before", "newer_than"})
_ABOVE = frozenset({"above", "after"})


@dataclass(slots=True)
class Cells:
    """A line cut before and behind every bound that a test names, and what holds in each cell: the odd ones are the bounds themselves."""

    edges: list[Any] = field(default_factory=list)
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
        return cls([edge for bound in bounds for edge in (bound, _behind(bound))], _running(flips[:-1]))

    def at(self, value: Any) -> Bits:
        return self.bits[bisect_right(self.edges, value)]


def _behind(bound: Any) -> Any:
    """The least value above a bound: numbers are not so large that another would lie between (`rules.branches` sees to it)."""
    return bound + bound.resolution if isinstance(bound, datetime | timedelta) else nextafter(bound, inf)


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


class Numbers(dict[Any, Bits]):
    """Numbers: bits by the bounds between which the value lies; whole ones are kept in mind, but for 0 and 1, which `false` equals."""

    __slots__ = ("_cells", "_edges", "_smallest")

    def __init__(self, rows: Rows, every: Bits) -> None:
        super().__init__()
        none, filled, compared = _where_none(rows, every)
        cells = Cells.of(compared, every)
        self._edges, self._cells = cells.edges, [bits & filled for bits in cells.bits]
        self._smallest = (self._among_cells(0), self._among_cells(1))
        self[None] = none

    def __missing__(self, value: Any) -> Bits:
        if value.__class__ is float and value == value:
            return self._cells[bisect_right(self._edges, value)]
        if value.__class__ is int:
            return self._of_whole(value)
        return self._among_cells(_as_number(value)) if not _blank(value) else self[None]

    def each(self, values: Sequence[Any]) -> Iterable[Bits]:
        if set(map(type, values)) != _FLOATS or isnan(sum(values)):  # so it may be for other reasons, which does no harm
            return map(self.__getitem__, values)
        edges, cells = self._edges, self._cells
        return [cells[bisect_right(edges, value)] for value in values]

    def _of_whole(self, value: int) -> Bits:
        if value == 0 or value == 1:
            return self._smallest[value]
        found = self._among_cells(value)
        keep(self, value, found)
        return found

    def _among_cells(self, number: float) -> Bits:
        if number != number:
            raise Strange
        return self._cells[bisect_right(self._edges, number)]


_FLOATS = {float}


def _blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _as_number(value: object) -> float:
    """A text that says a number is one, as it is for the test."""
    if isinstance(value, float):
        return value
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

    def each(self, values: Iterable[object], now: datetime) -> Iterable[Bits]:
        return [self.at(value, now) for value in values]

    def at(self, value: object, now: datetime) -> Bits:
        if value is None or _blank(value):
            return self._none
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise Strange
        return self._filled & self._instants.at(value) & self._ages.at(now - value)


def _only(rows: Rows, kind: type) -> list[tuple[int, list[Literal]]]:
    parts = ((number, [one for one in literals if isinstance(one.test.value, kind)]) for number, literals in rows)
    return [(number, literals) for number, literals in parts if literals]
