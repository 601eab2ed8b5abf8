"""A condition as branches for the index: the tests of each must hold side by side. What the index does not know stands for `could hold`.

The branches say at least as much as the condition: whenever it holds, or judging it raises, one of them holds; one that is not `unsure`
says exactly as much. (`rules.alternatives` takes conditions apart for `check`, which may say that it did not decide; this may not.)
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from rules.bundle import All, AnyOf, CalendarIs, Condition, Named, NoneOf, Test
from rules.text import Needle
from rules.ticket import replace

MOST = 64
"""Branchs of one condition; one with more is taken to hold perhaps."""
EXACT = 2**53
"""Below it every whole number has a float of its own."""
LAST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
_LEFT_TO_IT = frozenset({"changed", "was", "contains_pii"})
"""Operators of which the index knows nothing, and judging which raises nothing."""
_KNOWN = frozenset(
    {
        *("is", "is_not", "one_of", "not_one_of", "in_list", "not_in_list", "contains", "contains_any", "contains_all", "contains_none"),
        *("starts_with", "ends_with", "matches", "above", "at_least", "below", "at_most", "between"),
        *("before", "after", "older_than", "newer_than", "empty"),
    }
)


class Literal(NamedTuple):
    """A test that must hold, or must not."""

    test: Test
    wanted: bool = True


class Branch(NamedTuple):
    """Tests side by side. `unsure`: there is more to it, which only judging the rule can tell.

    `shut`: that may raise, which must show, so nothing written behind it may spare the judgement.
    """

    literals: tuple[Literal, ...] = ()
    unsure: bool = False
    shut: bool = False


ALL = Branch()
PERHAPS = Branch(unsure=True)
RAISES = Branch(unsure=True, shut=True)


def branches(condition: Condition, *, wanted: bool = True) -> tuple[Branch, ...]:
    """The condition, or with `wanted=False` its opposite; none at all for one that never holds."""
    if isinstance(condition, Test):
        if condition.operator == "contains_all" and not wanted and len(condition.value) > 1:
            return _some(_each(condition), False)
        return (_of_test(condition, wanted),)
    if isinstance(condition, Named):
        return branches(condition.part, wanted=wanted)
    if isinstance(condition, All):
        return _every(condition.parts, wanted) if wanted else _some(condition.parts, wanted)
    if isinstance(condition, AnyOf):
        return _some(condition.parts, wanted) if wanted else _every(condition.parts, wanted)
    if isinstance(condition, NoneOf):
        return _every(condition.parts, False) if wanted else _some(condition.parts, True)
    return (PERHAPS,) if isinstance(condition, CalendarIs) else (RAISES,)


def _of_test(test: Test, wanted: bool) -> Branch:
    sla = test.field.startswith("sla.")
    if test.operator not in _KNOWN or sla:
        return PERHAPS if test.operator in _LEFT_TO_IT and not sla else RAISES
    if test.type in ("number", "time") and _too_large(test):
        return RAISES
    if test.field.startswith("comment.") or _says_nothing(test.value):
        return PERHAPS
    return Branch((Literal(test, wanted),))


def _each(test: Test) -> Iterator[Test]:
    """A test for each thing that must be there."""
    kind = type(test.value)
    for one in test.value:
        yield replace(test, operator="contains", value=kind((one,)))


def _says_nothing(value: object) -> bool:
    """A phrase without anything in it is found even where there is nothing; a list without members is left to its condition."""
    if isinstance(value, str):
        return False
    if isinstance(value, tuple):
        return not value or any([isinstance(one, Needle) and not one.phrase.strip() for one in value])
    return value == frozenset() if isinstance(value, frozenset) else isinstance(value, Needle) and not value.phrase.strip()


def _too_large(test: Test) -> bool:
    """Numbers that cannot be told from their neighbours, and the last moments of the calendar."""
    if test.operator == "empty":
        return False
    bounds = test.value if isinstance(test.value, tuple | frozenset) else (test.value,)
    if test.type == "number":
        return any(abs(bound) >= EXACT for bound in bounds)
    return any(bound >= (LAST if isinstance(bound, datetime) else timedelta.max) for bound in bounds)


def _some(parts: Iterable[Condition], wanted: bool) -> tuple[Branch, ...]:
    found = tuple(chain.from_iterable(branches(part, wanted=wanted) for part in parts))
    if any(one.shut for one in found):
        return (RAISES,)
    return found if len(found) <= MOST else (RAISES,)


def _every(parts: Iterable[Condition], wanted: bool) -> tuple[Branch, ...]:
    found: tuple[Branch, ...] = (ALL,)
    for part in parts:
        others = branches(part, wanted=wanted)
        if len(found) * len(others) > MOST:
            others = (RAISES,)
        found = (_then(found[0], others[0]),) if len(found) == len(others) == 1 else tuple([_then(a, b) for a in found for b in others])
    return found


def _then(one: Branch, other: Branch) -> Branch:
    if one.shut or one is ALL:
        return one if one.shut else other
    return Branch(one.literals + other.literals, one.unsure or other.unsure, other.shut)


def required_connections(condition: Condition) -> frozenset[str] | None:
    """The connections that a condition names at its top; None when it names none."""
    named = list(_connections(condition))
    return frozenset.intersection(*named) if named else None


def _connections(condition: Condition) -> Iterator[frozenset[str]]:
    match condition:
        case All(parts):
            for part in parts:
                yield from _connections(part)
        case Named(part=part):
            yield from _connections(part)
        case Test("connection", "is", value):
            yield frozenset({str(value)})
        case Test("connection", "one_of" | "in_list", value):
            yield frozenset(map(str, value))
