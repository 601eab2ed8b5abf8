"""The rules in force, ready to be asked: what they need to know of a ticket, and what they decide."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cached_property

from rules.bundle import Bundle, Every, Limits, On, Rate, Rule, Similar, Step, Sync
from rules.engine import Engine, Needs, needs
from rules.ladders import follows_a_clock
from rules.limits import REPLIES, replies_key
from rules.moments import following
from rules.observation import Kind, Observation
from rules.plan import Plan
from rules.questions import value_of
from rules.recurring import everies
from rules.text import fold
from rules.ticket import Status, Ticket, replace

NOTHING = Needs()
OPEN_WORK = "open work"
"""Under which the store keeps whose every unresolved ticket is."""


class Rulebook:
    """One bundle, made ready once. Never changed: new rules are a new rulebook. Threads may share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.engine = Engine(bundle)
        self._needs = {name: needs(bundle, name) for name in bundle.desk.connections}
        rules = [(ruleset, rule) for ruleset in bundle.rulesets for rule in ruleset.rules if rule.mode != "disabled"]
        self._limited = any(rule.limits != Limits() for _, rule in rules)
        self._ladders = [ruleset.connections for ruleset, rule in rules if follows_a_clock(rule)]

    def evaluate(self, observation: Observation, *, only: str | None = None, replies: bool = True) -> Plan:
        """What the rules ask for. `only` asks that rule alone. Raises `NoSuchRule`."""
        return self.engine.evaluate(observation, only=only, replies=replies)

    def in_step(self, observation: Observation, *, ours: bool = False) -> Plan:
        """What the `sync` steps alone ask for, whatever the `when` of their rules, between the partners that there are.

        `ours`: it is for what we wrote ourselves, so a rule that reacts to our own changes also makes the partner that is missing.
        """
        return (self._reacting if ours else self._syncing).evaluate(observation)

    @cached_property
    def _syncing(self) -> Engine:
        return self._of_syncs(lambda rule: False)

    @cached_property
    def _reacting(self) -> Engine:
        return self._of_syncs(lambda rule: rule.react_to_own_changes)

    def _of_syncs(self, makes: Callable[[Rule], bool]) -> Engine:
        sets = (replace(ruleset, rules=tuple(_only_sync(ruleset.rules, makes))) for ruleset in self.bundle.rulesets)
        return Engine(replace(self.bundle, rulesets=tuple(sets)))

    @cached_property
    def makes_more(self) -> bool:
        """Whether a ticket that we made or wrote to may want a further partner."""
        rules = (rule for ruleset in self.bundle.rulesets for rule in ruleset.rules if rule.mode == "live" and rule.react_to_own_changes)
        return any(isinstance(step.verb, Sync) and step.verb.create_missing for rule in rules for step in rule.steps)

    def asks(self, ticket: Ticket, *, adopted: bool) -> Needs:
        """What is to be fetched besides the ticket. Of an old one that is settled nothing is: no clock of it runs."""
        if adopted and ticket.settled:
            return NOTHING
        return self._needs.get(ticket.ref.connection, NOTHING)

    @cached_property
    def questions(self) -> frozenset[str]:
        """Under which names the store keeps what the rules compare."""
        work = {OPEN_WORK} if self.engine.asks_work else set()
        return frozenset({*(self.kept_as(similar) for similar in self._alike), *work})

    @cached_property
    def _alike(self) -> tuple[Similar, ...]:
        return self.engine.asks_alike

    def kept_as(self, similar: Similar) -> str:
        """One that looks at a condition goes by the lists and names of its own bundle."""
        return f"{similar.kept_as} @{self.bundle.short}" if similar.among is not None else similar.kept_as

    def said(self, ticket: Ticket, now: datetime) -> dict[str, str]:
        """What a ticket answers to the questions that the store keeps."""
        if not self.questions:
            return {}
        look = self.engine.look(Observation(ticket=ticket, now=now))
        found = {self.kept_as(similar): value_of(similar, look) for similar in self._alike}
        person = ticket.assignee.known_as if ticket.assignee and not ticket.settled else None
        found |= {OPEN_WORK: fold(person)} if person and OPEN_WORK in self.questions else {}
        return {name: value for name, value in found.items() if value is not None}

    def limits(self, ticket: Ticket) -> dict[str, Rate]:
        """The limits whose use a decision on this ticket must know."""
        return self.engine.limits(ticket) if self._limited else {replies_key(ticket): REPLIES}

    def watches(self, ticket: Ticket) -> bool:
        """Whether time alone could make a rule act on it: a clock while somebody works on it, `every` until it is closed."""
        here = ticket.ref.connection
        if not ticket.settled and any(not only or here in only for only in self._ladders):
            return True
        return ticket.status != Status.CLOSED and any(not only or here in only for only, _ in self.recurring)

    @cached_property
    def recurring(self) -> tuple[tuple[frozenset[str], Every], ...]:
        """Every moment that rules wait for, with the connections it is for; empty: all."""
        return tuple((r.ruleset.connections, every) for r in self.engine.recurring for every in everies(r))

    def next_moment(self, connection: str, after: datetime) -> datetime | None:
        """When the tickets of a connection that are not closed are to be looked at for `every`."""
        bundle = self.bundle
        mine = (every for only, every in self.recurring if not only or connection in only)
        ahead = (following(every, bundle.calendars, bundle.desk.default_calendar, after) for every in mine)
        return min((at for at in ahead if at is not None), default=None)


def _only_sync(rules: Iterable[Rule], makes: Callable[[Rule], bool]) -> Iterator[Rule]:
    for rule in rules:
        steps = tuple(step if makes(rule) else replace(step, verb=replace(step.verb, create_missing=False)) for step in _syncs(rule))
        if steps:
            yield replace(rule, triggers=(On(Kind.CREATED),), steps=steps, limits=Limits())


def _syncs(rule: Rule) -> Iterator[Step]:
    return (step for step in rule.steps if isinstance(step.verb, Sync))
