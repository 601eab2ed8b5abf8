"""The table of operators; a condition as a fast predicate, and as a tree that explains itself.

What `Test.value` holds, by operator (made by `rules/reader_conditions.py`; everything is ready to compare):

    is, is_not                                  folded text, a number, true or false
    one_of, not_one_of, in_list, not_in_list    frozenset of folded texts, or of numbers
    above, at_least, below, at_most, between    ordered choice: frozenset of the folded words that satisfy it;
                                                number: the bound, for between a pair
    contains, contains_any, _all, _none         set: frozenset of folded members; text: tuple of `Needle`
    starts_with, ends_with                      Needle
    matches                                     a compiled RE2 pattern
    contains_pii                                a `Wanted`
    before, after                               an aware datetime
    older_than, newer_than                      timedelta
    empty, changed                              true or false
    was                                         frozenset of folded texts, numbers, booleans or datetimes: any of them
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from msgspec import Struct

from rules.bundle import All, AnyOf, CalendarIs, Condition, FieldType, Named, NoneOf, Place, Similar, Test
from rules.look import Look as Look
from rules.look import comparable
from rules.pii import Wanted, found, redacted
from rules.showing import shown_value
from rules.specials import calendar_is, contains_pii, how_many, similar
from rules.ticket import Value

Predicate: TypeAlias = Callable[[Look], bool]

_TEXT: tuple[FieldType, ...] = ("text",)
_WORD: tuple[FieldType, ...] = ("choice", "reference")
_RANK: tuple[FieldType, ...] = ("ordered_choice",)
_ALL_TYPES: tuple[FieldType, ...] = ("text", "choice", "ordered_choice", "reference", "set", "number", "time", "boolean")


def _rows(types: tuple[FieldType, ...], *names: str) -> dict[str, frozenset[FieldType]]:
    return dict.fromkeys(names, frozenset(types))


OPERATORS: Mapping[str, frozenset[FieldType]] = {
    **_rows((*_TEXT, *_WORD, *_RANK, "number", "boolean"), "is", "is_not"),
    **_rows((*_TEXT, *_WORD, *_RANK, "number"), "one_of", "not_one_of"),
    **_rows((*_TEXT, *_WORD, "set"), "in_list", "not_in_list"),
    **_rows((*_TEXT, "set"), "contains", "contains_any", "contains_all", "contains_none"),
    **_rows(_TEXT, "starts_with", "ends_with", "matches", "contains_pii"),
    **_rows((*_RANK, "number"), "above", "at_least", "below", "at_most", "between"),
    **_rows(("time",), "before", "after", "older_than", "newer_than"),
    **_rows(_ALL_TYPES, "empty", "changed", "was"),
}
"""Each operator with the types of field it works on."""


# --- fast ------------------------------------------------------------------------------------------------------------


def compiled(condition: Condition) -> Predicate:
    """The condition as one function; it stops at the first part that decides, and lets whatever is raised pass."""
    match condition:
        case Test():
            return _MAKE[condition.operator](condition)
        case All(parts):
            return _all([compiled(part) for part in parts])
        case AnyOf(parts):
            return _any([compiled(part) for part in parts])
        case NoneOf(parts):
            return _none([compiled(part) for part in parts])
        case Named(part=part):
            return compiled(part)
        case CalendarIs(calendar, state):
            return partial(calendar_is, calendar, state)
        case Similar():
            return partial(similar, condition)


def holds(condition: Condition, look: Look) -> bool:
    """The condition judged once, without compiling it for later."""
    return compiled(condition)(look)


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def every(look: Look) -> bool:
        for part in parts:  # noqa: SIM110 - all() with a generator takes twice as long
            if not part(look):
                return False
        return True

    return every


def _any(parts: list[Predicate]) -> Predicate:
    def some(look: Look) -> bool:
        for part in parts:  # noqa: SIM110
            if part(look):
                return True
        return False

    return some


def _none(parts: list[Predicate]) -> Predicate:
    some = _any(parts)
    return lambda look: not some(look)


def _is(test: Test) -> Predicate:
    name, value = test.field, test.value
    if test.type == "number":
        return lambda look: number(name, look.values[name]) == value
    return lambda look: look.folded[name] == value


def _one_of(test: Test) -> Predicate:
    name, options = test.field, test.value
    if test.type == "set":
        return _members(test, lambda members: not members.isdisjoint(options))
    if test.type == "number":
        return lambda look: number(name, look.values[name]) in options
    return lambda look: look.folded[name] in options


def _not(make: Callable[[Test], Predicate]) -> Callable[[Test], Predicate]:
    def opposite(test: Test) -> Predicate:
        positive = make(test)
        return lambda look: not positive(look)

    return opposite


def _members(test: Test, judge: Callable[[frozenset[str]], bool]) -> Predicate:
    name = test.field

    def holds(look: Look) -> bool:
        members = look.folded[name]
        return members is not None and judge(members)

    return holds


def _contains_any(test: Test) -> Predicate:
    wanted, name = test.value, test.field
    if test.type == "set":
        return _members(test, lambda members: not members.isdisjoint(wanted))
    if any(needle.symbols for needle in wanted):
        return lambda look: any(needle.inside(look.folded[name] or "", look.spoken[name]) for needle in wanted)
    return _phrase_in(name, tuple(needle.phrase for needle in wanted))


def _phrase_in(name: str, phrases: tuple[str, ...]) -> Predicate:
    def holds(look: Look) -> bool:
        words = look.spoken[name]
        for phrase in phrases:  # noqa: SIM110
            if phrase in words:
                return True
        return False

    return holds


def _contains_all(test: Test) -> Predicate:
    wanted, name = test.value, test.field
    if test.type == "set":
        return _members(test, lambda members: wanted <= members)
    return lambda look: all(needle.inside(look.folded[name] or "", look.spoken[name]) for needle in wanted)


def _starts_with(test: Test) -> Predicate:
    needle, name = test.value, test.field
    return lambda look: needle.begins(look.folded[name] or "", look.spoken[name])


def _ends_with(test: Test) -> Predicate:
    needle, name = test.value, test.field
    return lambda look: needle.finishes(look.folded[name] or "", look.spoken[name])


def _matches(test: Test) -> Predicate:
    search, name = test.value.search, test.field
    return lambda look: look.values[name] is not None and search(look.composed[name]) is not None


def _compared(judge: Callable[[Any, Any], bool]) -> Callable[[Test], Predicate]:
    """Ordered choices by membership, numbers by `judge`."""

    def make(test: Test) -> Predicate:
        name, bound = test.field, test.value
        if test.type == "ordered_choice":
            return lambda look: look.folded[name] in bound

        def holds(look: Look) -> bool:
            value = number(name, look.values[name])
            return value is not None and judge(value, bound)

        return holds

    return make


def number(name: str, value: Value) -> float | None:
    """The field's number; raises `ValueError` where the system sent something else, which stops the rule visibly."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    try:
        return float(str(value))
    except ValueError:
        raise ValueError(f"{name} holds something that is not a number") from None


def _timed(judge: Callable[[datetime, Any, datetime], bool]) -> Callable[[Test], Predicate]:
    def make(test: Test) -> Predicate:
        name, bound = test.field, test.value

        def holds(look: Look) -> bool:
            at = look.values[name]
            if at is None:
                return False
            if not isinstance(at, datetime):
                raise ValueError(f"{name} holds something that is not a moment in time")
            return judge(at, bound, look.now)

        return holds

    return make


def _empty(test: Test) -> Predicate:
    name, wanted = test.field, test.value
    return lambda look: (look.values[name] is None) is wanted


def _changed(test: Test) -> Predicate:
    name, wanted = test.field, test.value
    return lambda look: look.changed(name) is wanted


def _was(test: Test) -> Predicate:
    name, wanted = test.field, test.value

    def holds(look: Look) -> bool:
        before = comparable(look.was(name))
        if isinstance(before, frozenset):
            return not before.isdisjoint(wanted)
        return before is not None and before in wanted

    return holds


_MAKE: Mapping[str, Callable[[Test], Predicate]] = {
    "is": _is,
    "is_not": _not(_is),
    "one_of": _one_of,
    "not_one_of": _not(_one_of),
    "in_list": _one_of,
    "not_in_list": _not(_one_of),
    "contains": _contains_all,
    "contains_any": _contains_any,
    "contains_all": _contains_all,
    "contains_none": _not(_contains_any),
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "matches": _matches,
    "contains_pii": contains_pii,
    "above": _compared(lambda value, bound: value > bound),
    "at_least": _compared(lambda value, bound: value >= bound),
    "below": _compared(lambda value, bound: value < bound),
    "at_most": _compared(lambda value, bound: value <= bound),
    "between": _compared(lambda value, bounds: bounds[0] <= value <= bounds[1]),
    "before": _timed(lambda at, bound, now: at < bound),
    "after": _timed(lambda at, bound, now: at > bound),
    "older_than": _timed(lambda at, bound, now: now - at >= bound),
    "newer_than": _timed(lambda at, bound, now: now - at < bound),
    "empty": _empty,
    "changed": _changed,
    "was": _was,
}


# --- told ------------------------------------------------------------------------------------------------------------


class Result(Struct, frozen=True, gc=False):
    """What came of one part of a condition. `held` is None where an earlier part had decided: it was not looked at."""

    written: str  # requester.tags contains vip; all, any, none for a group; use NAME
    held: bool | None
    seen: str = ""  # the value as a person reads it: 'silver', (empty), [vip, gold]
    parts: tuple["Result", ...] = ()
    place: Place | None = None


Teller: TypeAlias = Callable[[Look], Result]


def explain(condition: Condition, look: Look) -> Result:
    return teller(condition)(look)


def teller(condition: Condition) -> Teller:
    """The same judgement as `compiled`, part by part; parts after the one that decided are not looked at. Made once for all tickets."""
    match condition:
        case All(parts):
            return _told("all", parts, until=False)
        case AnyOf(parts):
            return _told("any", parts, until=True)
        case NoneOf(parts):
            return _told("none", parts, until=True)
        case Named(name, part):
            tell, written = teller(part), f"use {name}"
            return lambda look: Result(written, (inner := tell(look)).held, "", (inner,))
    return _leaf(condition)


def _leaf(condition: Test | CalendarIs | Similar) -> Teller:
    judge, place = compiled(condition), condition.place
    match condition:
        case Test(written=written, operator="changed" | "was" | "contains_pii" | "in_list"):
            return lambda look: Result(written, judge(look), _seen(condition, look), (), place)
        case Test(written=written, field=name):
            return lambda look: Result(written, judge(look), look.shown.get(name) or _value_seen(name, look), (), place)
        case CalendarIs(name, state):
            written, is_not = f"calendar {name} {state}", f"it is not {state}"
            return lambda look: Result(written, held := judge(look), "" if held else is_not, (), place)
        case Similar():
            return lambda look: Result(condition.name, judge(look), f"{how_many(condition, look)} alike", (), place)


def _told(group: str, parts: tuple[Condition, ...], *, until: bool) -> Teller:
    """A part that comes out as `until` decides: of `any` that it holds, of the others that they do not."""
    not_seen = tuple(map(unseen, parts))
    tellers = [(teller(part), not_seen[n + 1 :]) for n, part in enumerate(parts)]
    decided, undecided = group == "any", group != "any"

    def tell(look: Look) -> Result:
        told: tuple[Result, ...] = ()
        for tell_part, rest in tellers:
            one = tell_part(look)
            if one.held is until:
                return Result(group, decided, "", (*told, one, *rest))
            told += (one,)
        return Result(group, undecided, "", told)

    return tell


def unseen(condition: Condition, *, opened: bool = False) -> Result:
    """A condition that nobody looked at; `opened`: with what stands behind each `use`."""
    look_into = partial(unseen, opened=opened)
    match condition:
        case Test():
            return Result(condition.written, None, place=condition.place)
        case CalendarIs(name, state, place):
            return Result(f"calendar {name} {state}", None, place=place)
        case Similar():
            return Result(condition.name, None, place=condition.place)
        case Named(name, part):
            return Result(f"use {name}", None, parts=(look_into(part),) if opened else ())
        case All(parts):
            return Result("all", None, parts=tuple(map(look_into, parts)))
        case AnyOf(parts):
            return Result("any", None, parts=tuple(map(look_into, parts)))
        case NoneOf(parts):
            return Result("none", None, parts=tuple(map(look_into, parts)))


def _seen(test: Test, look: Look) -> str:
    if test.operator == "changed":
        return "changed" if look.changed(test.field) else "did not change"
    if test.operator == "was":
        return _shown(look.was(test.field), look)
    value = look.values[test.field]
    if test.operator == "contains_pii":  # which kinds, never the text
        return ", ".join(dict.fromkeys(one.kind for one in found(str(value or ""), test.value))) or "none of it"
    shown = look.shown.get(test.field) or _value_seen(test.field, look)
    if test.operator == "in_list" and value is not None:
        return f"{shown} {'is' if holds(test, look) else 'is not'} in the list ({len(test.value)} values)"
    return shown


def _value_seen(name: str, look: Look) -> str:
    shown = look.shown[name] = _shown(look.values[name], look)
    return shown


def _shown(value: Value, look: Look) -> str:
    withheld = look.observation.redact
    return shown_value(redacted(value, Wanted(withheld)) if withheld and type(value) is str else value)
