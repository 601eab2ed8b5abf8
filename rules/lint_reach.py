"""TG401 to TG404: rules that can never run, always do, or say the same twice. It never guesses, and says where it did not decide."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rules.alternatives import MOST, Alternative, Reasoner, Undecided, lies_in
from rules.bundle import ALWAYS, All, AnyOf, CalendarIs, Condition, Limits, Named, NoneOf, On, Place, Rule, RuleSet, Test, Trigger
from rules.lint_overlap import can_coincide, certain
from rules.observation import Kind
from rules.problems import Problem, Spot, errors
from rules.reader_context import Reading

LONGEST = 90  # characters of a condition in a message


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A rule with its condition taken apart; `ways` is None where it has too many alternatives."""

    ruleset: RuleSet
    rule: Rule
    ways: tuple[Alternative, ...] | None

    @property
    def covers(self) -> bool:
        """Whether it surely ends a `pick: first` set when it matches: a limited or a shadow rule may not."""
        return self.rule.mode == "live" and not self.rule.stages and self.rule.limits == Limits() and bool(self.ways)


def reach(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[Problem]:
    """TG401 to TG404, each rule named once. A rule that could not be read whole is not reasoned about, nor is any over broken names."""
    wrong = {problem.rule for problem in errors(r.problems)}
    if r.broken or None in wrong:
        return
    reasoner = Reasoner(r.desk.connections)
    known = [_known(reasoner, s, rule) for s in rulesets for rule in s.rules if rule.mode != "disabled" and rule.id not in wrong]
    for one in known:
        if one.ways is None:
            yield _undecided(r, one)
        elif not one.ways:
            yield _contradiction(r, reasoner, one)
    pairs = {id(later): first for later, first in _covered(known)}
    yield from (_unreachable(r, later, pairs[id(later)]) for later in known if id(later) in pairs)
    blamed = {id(first) for first in pairs.values()}
    yield from (_always(r, one, below) for one, below in _catch_alls(reasoner, known) if id(one) not in blamed)
    yield from (_twins(r, one, first) for one, first in _doubled(known) if id(one) not in pairs)


def _known(reasoner: Reasoner, ruleset: RuleSet, rule: Rule) -> _Known:
    try:
        return _Known(ruleset, rule, reasoner.alternatives(rule.condition))
    except Undecided:
        return _Known(ruleset, rule, None)


# --- TG401 -----------------------------------------------------------------------------------------------------------


class _Above:
    """The rules above in one set, found again by what they want: a routing file of a thousand rules is one look each."""

    def __init__(self) -> None:
        self._by_word: dict[tuple[str, object], list[_Known]] = {}
        self._others: list[_Known] = []

    def add(self, one: _Known) -> None:
        words = self._words(one)
        for word in words:
            self._by_word.setdefault(word, []).append(one)
        if not words:
            self._others.append(one)

    def _words(self, one: _Known) -> set[tuple[str, object]]:
        """The words of the field of each alternative that allows the fewest; none when some alternative wants no word at all."""
        found: set[tuple[str, object]] = set()
        for way in one.ways or ():
            named = [(len(bounds.among), name) for name, bounds in way.bounds.items() if bounds.among]
            if not named:
                return set()
            name = min(named)[1]
            found |= {(name, value) for value in way.bounds[name].among or ()}
        return found

    def around(self, way: Alternative) -> Iterator[_Known]:
        """Those that could catch everything that an alternative wants."""
        yield from self._others
        for name, bounds in way.bounds.items():
            if bounds.among:
                yield from self._by_word.get((name, next(iter(bounds.among))), ())


def _covered(known: Sequence[_Known]) -> Iterator[tuple[_Known, _Known]]:
    """Each rule of a `pick: first` set that one above it catches altogether, with that one."""
    above: dict[str, _Above] = {}
    for later in known:
        if later.ruleset.pick != "first" or later.rule.stages or not later.ways:
            continue
        here = above.setdefault(later.ruleset.file, _Above())
        first = next((one for one in here.around(later.ways[0]) if _catches(one, later)), None)
        if first is not None:
            yield later, first
        elif later.covers:
            here.add(later)


def _catches(first: _Known, later: _Known) -> bool:
    one, other = first.rule, later.rule
    if other.react_to_own_changes and not one.react_to_own_changes:
        return False
    if not all(any(_among(mine, event) for mine in one.triggers) for event in other.triggers):
        return False
    if _of_comment(first, later) and set(one.triggers) != set(other.triggers):
        return False
    return all(any(lies_in(way, wide) for wide in first.ways or ()) for way in later.ways or ())


def _among(mine: Trigger, event: Trigger) -> bool:
    """Whether what sets off the one surely sets off the other; a person names one rule and no other."""
    if not isinstance(mine, On) or not isinstance(event, On) or mine.kind != event.kind or event.kind in (Kind.MANUAL, Kind.EVERY):
        return False
    same = mine.field in (None, event.field)
    return same and all(not a or (bool(b) and b <= a) for a, b in ((mine.was, event.was), (mine.to, event.to)))


def _of_comment(*rules: _Known) -> bool:
    """Whether they look at the comment of the event: two rules with different events may see different ones."""
    return any(name.startswith("comment.") for one in rules for way in one.ways or () for name in way.bounds) or any(
        str(what).find("comment.") >= 0 for one in rules for way in one.ways or () for what, _ in way.opaque
    )


def _unreachable(r: Reading, later: _Known, first: _Known) -> Problem:
    wants = "every ticket" if later.rule.condition == ALWAYS else said(later.rule.condition)
    caught = "every ticket" if first.rule.condition == ALWAYS else f"every ticket of which this holds: {said(first.rule.condition)}"
    return _finding(
        r,
        "TG401",
        later.rule,
        f"rule '{later.rule.id}' can never run",
        note=f"wants: {wants}",
        help=f"move '{later.rule.id}' above '{first.rule.id}', or set 'pick: all' for this rule set",
        related=(_spot(r, first.rule.place, f"catches {caught}, and this set picks the first match"),),
    )


# --- TG402 -----------------------------------------------------------------------------------------------------------


def _contradiction(r: Reading, reasoner: Reasoner, one: _Known) -> Problem:
    pair = reasoner.contradiction(certain(one.rule.condition))
    tests = tuple(_spot(r, test.place, test.written) for test in pair or ())
    return _finding(
        r,
        "TG402",
        one.rule,
        f"the condition of rule '{one.rule.id}' contradicts itself and never holds",
        help="tests side by side must all hold: change one of them, or write 'any:' where one of several is enough",
        related=tests,
    )


def _undecided(r: Reading, one: _Known) -> Problem:
    first = one.ruleset.pick == "first"
    return _finding(
        r,
        "TG401" if first else "TG402",
        one.rule,
        f"whether rule '{one.rule.id}' can ever {'run' if first else 'match'} was not decided",
        level="note",
        note=f"its condition has more than {MOST} alternatives",
        help="nothing need be done; a list of values in place of 'any:' makes it decidable",
    )


# --- TG403 -----------------------------------------------------------------------------------------------------------


def _catch_alls(reasoner: Reasoner, known: Sequence[_Known]) -> Iterator[tuple[_Known, _Known]]:
    """Rules that always match and have rules below them that might have been meant to act instead."""
    for one in known:
        if one.rule.mode == "live" and _always_holds(reasoner, one):
            below = _below(one, known)
            if below is not None:
                yield one, below


def _always_holds(reasoner: Reasoner, one: _Known) -> bool:
    if one.rule.condition == ALWAYS:
        return one.ruleset.pick == "first" and one.covers
    if next(certain(one.rule.condition), None) is not None:  # no single test holds for every ticket
        return False
    try:
        return bool(one.ways) and not reasoner.alternatives(one.rule.condition, holds=False)
    except Undecided:
        return False


def _below(one: _Known, known: Sequence[_Known]) -> _Known | None:
    after = known.index(one) + 1
    here = (other for other in known[after:] if other.ruleset is one.ruleset)
    if one.ruleset.pick == "all":
        return next(here, None)
    meets = partial(_can_meet, one.rule)
    return next((other for other in here if one.covers and meets(other.rule)), None)


def _can_meet(a: Rule, b: Rule) -> bool:
    return any(can_coincide(x, y) for x in a.triggers for y in b.triggers if isinstance(x, On) and isinstance(y, On))


def _always(r: Reading, one: _Known, below: _Known) -> Problem:
    first = one.ruleset.pick == "first"
    return _finding(
        r,
        "TG403",
        one.rule,
        f"rule '{one.rule.id}' always matches, but is not the last",
        level="warning",
        note="this set picks the first match" if first else "its condition holds for every ticket",
        help="put it last, or say in 'if' which tickets it means" if first else "remove its 'if', or say which tickets it means",
        related=(_spot(r, below.rule.place, "stands below it"),),
    )


# --- TG404 -----------------------------------------------------------------------------------------------------------


def _doubled(known: Sequence[_Known]) -> Iterator[tuple[_Known, _Known]]:
    """Rules with the events and the written condition of one above them, in one mode: a shadow rule may well try the same."""
    seen: dict[object, _Known] = {}
    for one in known:
        if not one.ways or one.ruleset.pick == "first" or one.rule.condition == ALWAYS:
            continue
        asked = frozenset(way.key for way in one.ways)
        first = seen.setdefault((one.ruleset.connections, one.rule.mode, frozenset(one.rule.triggers), asked), one)
        if first is not one:
            yield one, first


def _twins(r: Reading, later: _Known, first: _Known) -> Problem:
    return _finding(
        r,
        "TG404",
        later.rule,
        f"rules '{first.rule.id}' and '{later.rule.id}' have the same events and the same condition",
        level="warning",
        help=f"put the steps of both into '{first.rule.id}', or let their conditions differ",
        related=(_spot(r, first.rule.place, "the first"),),
    )


# --- words -----------------------------------------------------------------------------------------------------------


def said(condition: Condition) -> str:
    """A condition in one line: product is billing, and use is-vip."""
    text = _said(condition)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip(', ')}…"


def _said(condition: Condition) -> str:
    match condition:
        case Test():
            return condition.written
        case Named(name):
            return f"use {name}"
        case CalendarIs(name, state):
            return f"{name} is {state}"
        case All(parts):
            return ", and ".join(map(_said, parts))
        case AnyOf(parts):
            return f"any of ({'; '.join(map(_said, parts))})"
        case NoneOf(parts):
            return f"none of ({'; '.join(map(_said, parts))})"
        case _:
            return type(condition).__name__.lower()


_LEVELS: Mapping[str, str] = {"TG401": "error", "TG402": "error"}


def _finding(r: Reading, code: str, rule: Rule, message: str, **more: object) -> Problem:
    spot = _spot(r, rule.place)
    given: dict[str, object] = {"level": _LEVELS.get(code, "warning"), **more}
    return Problem(code=code, message=message, place=rule.place, end_column=spot.end_column, rule=rule.id, **given)  # type: ignore[arg-type]


def _spot(r: Reading, place: Place, note: str = "") -> Spot:
    known = r.extent(place)
    return Spot(place, known.end_column, note)
