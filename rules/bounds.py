"""What one field may be: a set of choices, a range, required and forbidden members, empty or not; met, compared and turned round."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from rules.text import Needle, spoken
from rules.ticket import replace

Universe: TypeAlias = frozenset[Any] | None
"""All values that a field can have at all; None where that is not known."""


class Range(Struct, frozen=True):
    """Between two ends, each None where there is none; `strict`: its ends do not belong to it."""

    low: Any = None
    high: Any = None
    strict: bool = False
    high_strict: bool | None = None  # where the two ends differ

    @property
    def ends(self) -> tuple[bool, bool]:
        return self.strict, self.strict if self.high_strict is None else self.high_strict

    def holds(self, value: Any) -> bool:
        low_strict, high_strict = self.ends
        above = self.low is None or value > self.low or (value == self.low and not low_strict)
        return above and (self.high is None or value < self.high or (value == self.high and not high_strict))

    @property
    def impossible(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return bool(self.low > self.high) or (self.low == self.high and any(self.ends))

    def meet(self, other: "Range") -> "Range":
        low, low_strict = _tighter(self.low, self.ends[0], other.low, other.ends[0], lower=True)
        high, high_strict = _tighter(self.high, self.ends[1], other.high, other.ends[1], lower=False)
        return Range(low, high, low_strict, high_strict if high_strict != low_strict else None)

    def within(self, outer: "Range") -> bool:
        low = outer.low is None or (self.low is not None and (self.low > outer.low or (self.low == outer.low and self._low_fits(outer))))
        high = self.high is not None and outer.high is not None
        inside = high and (self.high < outer.high or (self.high == outer.high and (self.ends[1] or not outer.ends[1])))
        return low and (outer.high is None or inside)

    def _low_fits(self, outer: "Range") -> bool:
        return self.ends[0] or not outer.ends[0]

    def outside(self) -> "Iterator[Range]":
        """What lies on either side of it."""
        if self.low is not None:
            yield Range(None, self.low, not self.ends[0])
        if self.high is not None:
            yield Range(self.high, None, not self.ends[1])


def _tighter(a: Any, a_strict: bool, b: Any, b_strict: bool, *, lower: bool) -> tuple[Any, bool]:
    if a is None or b is None:
        return (b, b_strict) if a is None else (a, a_strict)
    if a == b:
        return a, a_strict or b_strict
    return (a, a_strict) if (a > b) is lower else (b, b_strict)


EVERYWHERE = Range()


class Mark(Struct, frozen=True):
    """A phrase that a text has: anywhere inside, or where it begins or finishes."""

    how: str
    needle: Needle

    def holds(self, folded: str) -> bool:
        return bool(getattr(self.needle, self.how)(folded, spoken(folded)))

    def implies(self, other: "Mark") -> bool:
        """Whether a text that has this surely has the other too."""
        mine, theirs = self.needle.phrase, other.needle.phrase
        if self.needle.symbols != other.needle.symbols or other.how not in ("inside", self.how):
            return self == other
        if other.how == "inside":
            return theirs in mine
        return mine.startswith(theirs) if self.how == "begins" else mine.endswith(theirs)


class Bounds(Struct, frozen=True):
    """What one field may be. All but `empty` and `full` speak of the case that it has a value.

    `hits` are groups of members (or of phrases) of each of which at least one must be there; `without` are those that must not.
    `age` is the range of the time since a moment.
    """

    empty: bool = True  # it may be empty
    full: bool = True  # it may have a value
    among: frozenset[Any] | None = None
    but: frozenset[Any] = frozenset()
    range: Range = EVERYWHERE
    age: Range = EVERYWHERE
    hits: frozenset[frozenset[Any]] = frozenset()
    without: frozenset[Any] = frozenset()
    universe: Universe = None
    text: bool = True  # members are phrases of a text, not members of a set

    @property
    def impossible(self) -> bool:
        return not self.empty and not self.full

    def settled(self) -> "Bounds":
        """The same with what follows from it: choices that other constraints rule out are gone."""
        if not self.full:
            return Bounds(empty=self.empty, full=False)
        among = self.among if self.among is not None or self.universe is None else self.universe
        if among is not None:
            kept = frozenset(value for value in among if self._allows(value))
            if not kept:
                return Bounds(empty=self.empty, full=False)
            whole = kept == self.universe
            return replace(self, among=None if whole else kept, but=frozenset(), range=EVERYWHERE, hits=frozenset(), without=frozenset())
        if self._contradicts():
            return Bounds(empty=self.empty, full=False)
        return replace(self, hits=frozenset(frozenset(self._possible(group)) for group in self.hits))

    def _allows(self, value: Any) -> bool:
        if value in self.but or not self.range.holds(value):
            return False
        if not self.hits and not self.without:
            return True
        return all(any(has(value, one) for one in group) for group in self.hits) and not any(has(value, one) for one in self.without)

    def _contradicts(self) -> bool:
        point = self.range.low is not None and self.range.low == self.range.high and self.range.low in self.but
        return point or self.range.impossible or self.age.impossible or any(not [*self._possible(group)] for group in self.hits)

    def _possible(self, group: frozenset[Any]) -> Iterator[Any]:
        """Members of a group that are not forbidden."""
        return (one for one in group if not any(implies(one, never) for never in self.without))


ANYTHING = Bounds()


def has(value: Any, member: Any) -> bool:
    """Whether a known value has it; a number or a boolean has no phrases."""
    return isinstance(member, Mark) and isinstance(value, str) and member.holds(value)


def implies(one: Any, other: Any) -> bool:
    return one.implies(other) if isinstance(one, Mark) and isinstance(other, Mark) else bool(one == other)


def meet(a: Bounds, b: Bounds) -> Bounds:
    """What both allow."""
    if a.among is not None and b.among is not None:
        among: frozenset[Any] | None = a.among & b.among
    else:
        among = a.among if b.among is None else b.among
    return Bounds(
        empty=a.empty and b.empty,
        full=a.full and b.full,
        among=among,
        but=a.but | b.but,
        range=a.range.meet(b.range),
        age=a.age.meet(b.age),
        hits=a.hits | b.hits,
        without=a.without | b.without,
        universe=a.universe or b.universe,
        text=a.text,
    ).settled()


def opposite(b: Bounds) -> tuple[Bounds, ...]:
    """All that `b` does not allow."""
    found = [*_outside(b)] if b.full else [Bounds(empty=False)]
    if b.empty:
        return tuple(found)
    return (replace(found[0], empty=True), *found[1:]) if found else (Bounds(full=False),)


def _outside(b: Bounds) -> Iterator[Bounds]:
    if b.among is not None:
        yield Bounds(empty=False, but=b.among)
    if b.but:
        yield Bounds(empty=False, among=b.but)
    yield from (Bounds(empty=False, range=side) for side in b.range.outside())
    yield from (Bounds(empty=False, age=side) for side in b.age.outside())
    yield from (Bounds(empty=False, without=group) for group in b.hits)
    if b.without:
        yield Bounds(empty=False, hits=frozenset({b.without}))


def within(inner: Bounds, outer: Bounds) -> bool:
    """Whether everything that `inner` allows `outer` allows too, as far as that is certain."""
    if inner.empty and not outer.empty:
        return False
    if not inner.full or not outer.full:
        return not inner.full
    if inner.among is not None:
        allowed = all((outer.among is None or value in outer.among) and outer._allows(value) for value in inner.among)
        return allowed and inner.age.within(outer.age)
    return outer.among is None and _but_within(inner, outer) and _members_within(inner, outer) and inner.age.within(outer.age)


def _but_within(inner: Bounds, outer: Bounds) -> bool:
    return inner.range.within(outer.range) and all(value in inner.but or not inner.range.holds(value) for value in outer.but)


def _members_within(inner: Bounds, outer: Bounds) -> bool:
    found = all(any(_narrower(mine, group) for mine in inner.hits) for group in outer.hits)
    return found and all(any(implies(never, mine) for mine in inner.without) for never in outer.without)


def _narrower(mine: frozenset[Any], group: frozenset[Any]) -> bool:
    return all(any(implies(one, other) for other in group) for one in mine)
