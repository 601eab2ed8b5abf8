"""What only the store can answer: which tickets are alike, what they are joined to, whose turn it is, how much work somebody has.

The rules in force say beforehand what they want to know of a ticket (`asked`); whoever knows tickets answers (`answers`), and the
answers go into the observation as facts, under the names that conditions and verbs look up.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, TypeAlias

from rules.asking import steps_of
from rules.bundle import All, AnyOf, Assign, Condition, Link, Named, NoneOf, Relation, Similar
from rules.conditions import holds
from rules.look import Look
from rules.lookup import Lookup
from rules.observation import Kind, Observation
from rules.plan import joining_key
from rules.ready import Prepared, Ready
from rules.ticket import Ticket, TicketRef, Value


@dataclass(frozen=True, slots=True)
class Alike:
    """How many are alike; with a relation, what those or the ticket itself are joined to by it."""

    similar: Similar | None
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """How many turns of a rule's `round_robin` were given out."""

    rule: str


@dataclass(frozen=True, slots=True)
class Team:
    """Who the members of a group are; `work`: and how many unresolved tickets each has, this one left out."""

    group: str
    work: bool = False


AT_ONCE = 25
"""Earlier tickets that one pass joins; the next ticket like them joins the next ones."""

Question: TypeAlias = Alike | Turn | Team
Made: TypeAlias = tuple[datetime, TicketRef]


class Knows(Protocol):
    """Somebody who knows tickets: the store, or the small world of a test."""

    def alike(self, similar: Similar, value: str, between: tuple[datetime, datetime]) -> Iterable[Made]:
        """Tickets made in that time, ends excluded, that have this value; not the problems and parents of others."""

    def joined(self, refs: Sequence[TicketRef], relation: Relation) -> Sequence[TicketRef]:
        """What these are joined to, the newest joining first."""

    def ended(self, ref: TicketRef) -> bool:
        """Whether the ticket is closed or gone."""

    def asked_before(self, keys: Sequence[str]) -> Collection[str]:
        """Those of these once-only actions that were asked for already."""

    def turns(self, rule: str) -> int: ...

    def members(self, group: str, ticket: Ticket) -> Sequence[str]: ...

    def work(self, member: str, but: TicketRef) -> int: ...


# --- asked -----------------------------------------------------------------------------------------------------------


def asked(prepared: Prepared, observation: Observation, only: str | None = None) -> tuple[Question, ...]:
    """What the rules that may answer these events want to know, once each."""
    kinds = frozenset(event.kind for event in observation.events)
    found: dict[Question, None] = {}
    for ready in prepared.asking:
        if ready.rule.id == only if only else _concerned(ready, observation, kinds):
            found |= dict.fromkeys(_of_rule(ready, prepared, observation))
    return tuple(found)


def _concerned(ready: Ready, observation: Observation, kinds: frozenset[Kind]) -> bool:
    here, connections = observation.ref.connection, ready.ruleset.connections
    if (
        ready.rule.mode == "disabled"
        or (connections and here not in connections)
        or (ready.beside is not None and here not in ready.beside)
    ):
        return False
    answered = any(event.answer is not None and event.answer.rule == ready.rule.id for event in observation.events)
    return answered or ready.ladder or ready.rule.react_to_own_changes or any(on.kind in kinds or on.every for on in ready.ons)


def _of_rule(ready: Ready, prepared: Prepared, observation: Observation) -> Iterator[Question]:
    yield from (Alike(similar) for similar in similars(ready.rule.condition))
    for step in steps_of(ready.rule):
        match step.verb:
            case Link(to=relation):
                yield Alike(similar_of(ready.rule.condition), relation)
            case Assign(strategy=str(strategy)) as verb:
                yield from (Team(group, strategy == "least_open") for group in _groups(verb, prepared, observation))
                if strategy == "round_robin":
                    yield Turn(ready.rule.id)


def _groups(verb: Assign, prepared: Prepared, observation: Observation) -> Iterator[str]:
    """The groups that an `assign` may come to, as far as can be told before the pass."""
    if verb.table is None:
        yield from (group for group in (verb.group or observation.ticket.group,) if group)
        return
    cell = from_table(verb, prepared.tables[verb.table], Look(observation, systems=prepared.bundle.desk.connections))
    yield from (group for group in (cell, verb.otherwise) if group)


def from_table(verb: Assign, lookup: Lookup, look: Look) -> str | None:
    """What the table says of the ticket."""
    row = lookup.find([look.values[name] for name in verb.match or lookup.table.keys])
    return row.cells.get(column_of(verb, lookup), "").strip() or None if row else None


def column_of(verb: Assign, lookup: Lookup) -> str:
    return verb.column or next(name for name in lookup.table.columns if name not in lookup.table.keys)


def similars(condition: Condition) -> Iterator[Similar]:
    """Every `similar` of a condition, wherever it stands."""
    match condition:
        case Similar():
            yield condition
        case Named(part=part):
            yield from similars(part)
        case All(parts) | AnyOf(parts) | NoneOf(parts):
            for part in parts:
                yield from similars(part)


def similar_of(condition: Condition) -> Similar | None:
    """The one that says which tickets belong together: the first."""
    return next(similars(condition), None)


# --- answers ---------------------------------------------------------------------------------------------------------


def answers(questions: Iterable[Question], ticket: Ticket, look: Look, knows: Knows) -> dict[str, Value]:
    """The facts for an observation of this ticket."""
    facts: dict[str, Value] = {}
    for question in questions:
        match question:
            case Alike(similar, relation):
                facts |= _alike(similar, relation, ticket, look, knows)
            case Turn(rule):
                facts[turn_name(rule)] = knows.turns(rule)
            case Team(group, work):
                members = tuple(knows.members(group, ticket))
                facts[team_name(group)] = "\n".join(members)
                facts |= {work_name(member): knows.work(member, ticket.ref) for member in members if work}
    return facts


def _alike(similar: Similar | None, relation: Relation | None, ticket: Ticket, look: Look, knows: Knows) -> dict[str, Value]:
    around: list[Made] = []
    together: list[Made] = []
    facts: dict[str, Value] = {}
    if similar is not None:
        value = value_of(similar, look)
        if value is not None:
            span = (ticket.created_at - similar.within, ticket.created_at + similar.within)
            around = [made for made in knows.alike(similar, value, span) if made[1] != ticket.ref]
        together = densest((ticket.created_at, ticket.ref), around, similar.within) if value is not None else []
        facts = {similar.name: len(together), f"{similar.name} first": str(together[0][1]) if together else None}
    if relation is not None:
        facts |= _joined(similar.name if similar else "", relation, [ticket.ref, *(ref for _, ref in sorted(around))], knows)
    if similar is not None and relation is not None and len(together) >= similar.at_least:
        others = [ref for _, ref in together if ref != ticket.ref]
        facts[free_name(similar.name, relation)] = "\n".join(map(str, _free(others, relation, knows)))
    return facts


def _free(refs: Sequence[TicketRef], relation: Relation, knows: Knows) -> list[TicketRef]:
    """Those that nobody has joined to anything yet and that have not ended: the first few, in their order."""
    before = knows.asked_before([joining_key(ref, relation) for ref in refs])
    free = (ref for ref in refs if joining_key(ref, relation) not in before and not knows.ended(ref))
    return list(islice(free, AT_ONCE))


def _joined(name: str, relation: Relation, refs: Sequence[TicketRef], knows: Knows) -> dict[str, Value]:
    """What they are joined to and still open; else the last one that has ended."""
    others = knows.joined(refs, relation)
    there = next((other for other in others if not knows.ended(other)), None)
    return {joined_name(name, relation): str(there) if there else None, ended_name(name, relation): str(others[0]) if others else None}


def densest(mine: Made, others: Iterable[Made], within: timedelta) -> list[Made]:
    """The most tickets, this one among them, that were all made within that time: the same whichever was seen last. Half open."""
    made = sorted([mine, *others])
    best: list[Made] = []
    for n, (start, _) in enumerate(made):
        group = [one for one in made[n:] if one[0] - start < within] if start <= mine[0] < start + within else []
        if len(group) > len(best):
            best = group
    return best


def value_of(similar: Similar, look: Look) -> str | None:
    """What makes tickets alike, as one text; None where a field is empty, which is like nothing, or `among` does not hold."""
    values = [look.folded[name] for name in similar.same]
    if any(value is None for value in values) or (similar.among is not None and not holds(similar.among, look)):
        return None
    return "\x1f".join(" ".join(sorted(value)) if isinstance(value, frozenset) else str(value) for value in values)


def turn_name(rule: str) -> str:
    return f"turn {rule}"


def team_name(group: str) -> str:
    return f"members {group}"


def work_name(member: str) -> str:
    return f"open work of {member}"


def joined_name(name: str, relation: str) -> str:
    return f"{name} {relation}".strip()


def ended_name(name: str, relation: str) -> str:
    return f"{joined_name(name, relation)} ended"


def free_name(name: str, relation: str) -> str:
    return f"{joined_name(name, relation)} free"
