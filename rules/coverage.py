"""What a run of tests has reached: rules that acted, and single tests inside `any` that decided something."""

from collections.abc import Iterator

from msgspec import Struct, field

from rules.bundle import NOWHERE, Bundle, Place, Rule
from rules.conditions import Result, unseen
from rules.explaining import Explanation


class Undecided(Struct, frozen=True):
    """One way of an `any` that no test went: its place and what is written there."""

    place: Place
    written: str


class Covered(Struct, frozen=True):
    """`never_fired` are rules that no test fires, `never_decided` the ways of an `any` that made no difference in any test."""

    rules: int
    never_fired: tuple[Rule, ...]
    never_decided: tuple[Undecided, ...]

    @property
    def percent(self) -> float:
        """Of rules that fire; of none, all."""
        return 100.0 * (self.rules - len(self.never_fired)) / self.rules if self.rules else 100.0


class Coverage(Struct):
    """Told of every pass of every test. A shadow rule that matches counts as fired: in shadow mode it can do no more."""

    _fired: set[str] = field(default_factory=set)
    _decided: set[Undecided] = field(default_factory=set)

    def add(self, told: Explanation) -> None:
        for considered in (c for ruleset in told.sets for c in ruleset.rules):
            if considered.what in ("fired", "shadow"):
                self._fired.add(considered.rule)
            if considered.condition is not None:
                self._decided.update(_named(way) for way in _ways(considered.condition) if way.held)

    def of(self, bundle: Bundle) -> Covered:
        """Disabled rules are as if they were not there."""
        rules = [rule for ruleset in bundle.rulesets for rule in ruleset.rules if rule.mode != "disabled"]
        ways = {_named(way) for rule in rules for way in _ways(unseen(rule.condition, opened=True))}
        never = sorted(ways - self._decided, key=lambda way: (way.place.file.encode(), way.place.line, way.place.column, way.written))
        return Covered(len(rules), tuple(r for r in rules if r.id not in self._fired), tuple(never))


def _ways(result: Result) -> Iterator[Result]:
    """The parts of every `any` in a condition."""
    if result.written == "any":
        yield from result.parts
    for part in result.parts:
        yield from _ways(part)


def _named(way: Result) -> Undecided:
    """A part by what is written and where it, or the first test in it, stands. A group of tests is named by them."""
    group = way.parts and not way.written.startswith("use ")
    return Undecided(_place(way) or NOWHERE, f"{way.written} of {', '.join(_tests(way))}" if group else way.written)


def _place(result: Result) -> Place | None:
    return result.place or next(filter(None, map(_place, result.parts)), None)


def _tests(result: Result) -> Iterator[str]:
    for part in result.parts:
        if part.parts and not part.written.startswith("use "):
            yield from _tests(part)
        else:
            yield part.written
