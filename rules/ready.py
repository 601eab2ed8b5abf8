"""A bundle made ready once for all tickets: conditions compiled, rules in order, tables and index at hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from rules.asking import steps_of
from rules.branches import required_connections
from rules.bundle import Assign, Bundle, CalendarIs, Condition, Link, Named, On, Rule, RuleSet, Similar, Test, Verb
from rules.conditions import Predicate, Teller, compiled, teller
from rules.index import Index
from rules.ladders import follows_a_clock
from rules.lookup import Lookup, lookups
from rules.promises import Promises


@dataclass(frozen=True, eq=False)
class Ready:
    """A rule made ready: its events apart from its clocks; what is made of its condition when it is first wanted, which is seldom."""

    position: int
    rule: Rule
    ruleset: RuleSet
    ons: tuple[On, ...]
    ladder: bool

    @cached_property
    def holds(self) -> Predicate:
        """Its condition as one function."""
        return compiled(self.rule.condition)

    @cached_property
    def tells(self) -> Teller:
        """Its condition told part by part."""
        return teller(self.rule.condition)

    @cached_property
    def beside(self) -> frozenset[str] | None:
        """The connections it names."""
        return required_connections(self.rule.condition)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """All that passes share; never changed."""

    bundle: Bundle
    rules: tuple[Ready, ...]
    index: Index
    ladders: tuple[Ready, ...]
    reacting: tuple[Ready, ...]
    recurring: tuple[Ready, ...]
    asking: tuple[Ready, ...]  # that want to know what only the store can answer
    tables: Mapping[str, Lookup]
    promises: Promises


def prepared(bundle: Bundle) -> Prepared:
    """Rules in the order in which they run."""
    rules = _ready(bundle)
    live = [r for r in rules if r.rule.mode != "disabled"]
    return Prepared(
        bundle=bundle,
        rules=rules,
        index=Index((r.position, frozenset(on.kind for on in r.ons), r.rule.condition) for r in live if r.ons),
        ladders=tuple(r for r in rules if r.ladder),
        recurring=tuple(r for r in live if any(on.every for on in r.ons)),
        reacting=tuple(r for r in live if r.rule.react_to_own_changes and r.ons),
        asking=tuple(r for r in live if _asks(r.rule)),
        tables=lookups(bundle.tables),
        promises=Promises.of(bundle),
    )


def _asks(rule: Rule) -> bool:
    return _has_similar(rule.condition) or any(_verb_asks(step.verb) for step in steps_of(rule))


def _verb_asks(verb: Verb) -> bool:
    return isinstance(verb, Link) or (isinstance(verb, Assign) and verb.strategy is not None)


def _has_similar(condition: Condition) -> bool:
    if isinstance(condition, Test | CalendarIs | Similar):
        return isinstance(condition, Similar)
    if isinstance(condition, Named):
        return _has_similar(condition.part)
    for part in condition.parts:  # noqa: SIM110 - any() with a generator takes twice as long
        if _has_similar(part):
            return True
    return False


def _ready(bundle: Bundle) -> tuple[Ready, ...]:
    found: list[Ready] = []
    for ruleset in bundle.rulesets:
        for rule in ruleset.rules:
            ons = () if rule.stages else tuple(t for t in rule.triggers if isinstance(t, On))
            found.append(Ready(len(found), rule, ruleset, ons, follows_a_clock(rule)))
    return tuple(found)
