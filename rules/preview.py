"""Which tickets a change of some rules could concern, without judging each by all rules."""

from collections.abc import Iterable

from rules.bundle import Assign, Bundle, RaisePriority, Rule, Say, Set, Stop, Tag, Verb
from rules.engine import Engine
from rules.index import Index
from rules.leaves import fields_of
from rules.observation import Kind, Observation
from rules.sieve import Sieve
from rules.ticket import Ticket

_ANYTHING = frozenset({"*"})
_MADE_OF = {"text": frozenset({"subject", "body"})}


def everything(ticket: Ticket) -> bool:
    """The sieve that lets nothing fall."""
    return True


def concerned(before: Bundle, after: Bundle, changed: frozenset[str], observation: Observation) -> Sieve:
    """Whether the rules changed, or any that could make one of them match, could match a ticket that has just come; False is certain.

    Where no such rule matches at first, none ever does: what they ask for is written by none but them. The bundles hold the same
    definitions. A ladder goes by the clock and not by what stands in a ticket alone, so it concerns every one.
    """
    rules = [r for bundle in (before, after) for s in bundle.rulesets for r in s.rules if r.mode != "disabled"]
    some = [rule for rule in rules if rule.id in changed]
    while more := [rule for rule in rules if rule not in some and _feeds(rule, some)]:
        some += more
    if any(rule.stages for rule in some):
        return everything
    index, look = Index((n, frozenset({Kind.CREATED}), rule.condition) for n, rule in enumerate(some)), Engine(after).look(observation)
    among = index.among((Kind.CREATED,))
    return lambda ticket: bool(index.standing(among, look.shows(ticket))[0])


def _feeds(rule: Rule, some: Iterable[Rule]) -> bool:
    written = _written(rule)
    return any(written & _read(other) or (written == _ANYTHING and _read(other)) for other in some)


def _read(rule: Rule) -> frozenset[str]:
    return frozenset(name for field in fields_of(rule.condition) for name in _MADE_OF.get(field, {field}))


def _written(rule: Rule) -> frozenset[str]:
    steps = (*rule.steps, *(step for stage in rule.stages for step in stage.steps))
    return frozenset().union(*(_by(step.verb) for step in steps))


def _by(verb: Verb) -> frozenset[str]:
    match verb:
        case Assign():
            return frozenset({"group", "assignee"})
        case Set(fields):
            return frozenset(fields)
        case RaisePriority():
            return frozenset({"priority"})
        case Tag():
            return frozenset({"tags"})
        case Say() | Stop():
            return frozenset()
    return _ANYTHING
