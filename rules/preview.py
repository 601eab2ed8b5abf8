"""Which tickets a change of some rules could concern, without judging each by all rules."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rules.bundle import Assign, Bundle, RaisePriority, Rule, Say, Set, Stop, Tag, Verb
from rules.fields import read_for
from rules.index import Index
from rules.leaves import fields_of
from rules.look import Look
from rules.observation import Kind, Observation
from rules.ticket import Ticket, TicketRef

_ANYTHING = frozenset({"*"})
_MADE_OF = {"text": frozenset({"subject", "body"})}


@dataclass(frozen=True, slots=True)
class Concern:
    """Which tickets that have just come a change could concern; False is certain. `reads`: what of a ticket tells, None: anything may."""

    reads: frozenset[str] | None
    among: Callable[[Sequence[Ticket]], list[bool]]


NO_TICKET = Ticket(
    ref=TicketRef("", ""), subject="", status=None, created_at=(_NEVER := datetime.min.replace(tzinfo=UTC)), updated_at=_NEVER, version=""
)
"""What a look stands for until it is shown one."""
EVERYTHING = Concern(None, lambda tickets: [True] * len(tickets))


def concerned(before: Bundle, after: Bundle, changed: frozenset[str], now: datetime) -> Concern:
    """Whether the rules changed, or any that could make one of them match, could match.

    Where no such rule matches at first, none ever does: what they ask for is written by none but them. The bundles hold the same
    definitions. A ladder goes by the clock and not by what stands in a ticket alone, so it concerns every one.
    """
    rules = [r for bundle in (before, after) for s in bundle.rulesets for r in s.rules if r.mode != "disabled"]
    some = [rule for rule in rules if rule.id in changed]
    while more := [rule for rule in rules if rule not in some and _feeds(rule, some)]:
        some += more
    if any(rule.stages for rule in some):
        return EVERYTHING
    index = Index((n, frozenset({Kind.CREATED}), rule.condition) for n, rule in enumerate(some))
    among, look = index.among((Kind.CREATED,)), Look(Observation(ticket=NO_TICKET, now=now), systems=after.desk.connections)
    fields = frozenset().union(*(fields_of(rule.condition) for rule in some))
    return Concern(read_for(fields), lambda tickets: [bool(first) for first, _ in index.standings(among, look, tickets, up_to_first=True)])


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
