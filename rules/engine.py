"""Deciding: one observation and the rules in force give one plan. Nothing is written, asked or remembered here."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.asking import Approval, CallOut, Post, steps_of
from rules.branches import required_connections
from rules.bundle import (
    Assign,
    Bundle,
    Limits,
    On,
    OnSla,
    OnWaiting,
    Rate,
    Rule,
    RuleSet,
    Say,
    Set,
    Similar,
    Sync,
    Tell,
    Verb,
)
from rules.clockwork import ClockWork
from rules.explaining import Explanation
from rules.leaves import fields_of
from rules.limits import REPLIES, rates, replies_key
from rules.look import Look
from rules.observation import Kind, Observation
from rules.passing import Pass
from rules.plan import Plan
from rules.questions import Question, asked, similars
from rules.ready import Ready, prepared
from rules.sieve import Matcher, Sieve, sieve_of
from rules.sla import Standing, measure
from rules.templates import Template
from rules.ticket import Ticket
from rules.tracing import Trace

_OF_COMMENTS = frozenset({Kind.COMMENTED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED})
_OF_STATUS = frozenset({Kind.RESOLVED, Kind.CLOSED, Kind.REOPENED})
NO_LIMITS = Limits()
_SAID = frozenset({"text", "last_customer_reply_at", "last_agent_reply_at"})


class NoSuchRule(KeyError):
    """`only` names a rule that the bundle does not have."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the rules want to see of live tickets in a connection, beyond the ticket itself."""

    comments: bool = False
    history: bool = False
    links: bool = False
    attachments: bool = False


class Engine:
    """A bundle made ready once, then asked for every ticket. It holds no state of any ticket; threads may share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._prepared = prepared(bundle)

    def evaluate(self, observation: Observation, *, only: str | None = None, replies: bool = True) -> Plan:
        """What the rules ask for, as a value. `only` asks that rule alone, whatever its `when`; raises `NoSuchRule`."""
        asked = Pass(self._prepared, observation, replies=replies)
        return asked.whole() if only is None else asked.one(self._named(only))

    def sieve(self, observation: Observation, *, only: str | None = None) -> Sieve:
        """Asks of one ticket after the other whether a rule could act on it; False is certain, and far quicker than `evaluate`.

        It stands for an observation like the one given, but of that ticket: adopted, its one event is `created`, and nothing else is
        known of it. One look serves all tickets, so a sieve is for one thread. `only`: whether that rule could, whatever its `when`.
        """
        if only is None:
            return self.matcher(observation).could_match
        return sieve_of(self._named(only), self.look(observation))

    def matcher(self, observation: Observation, kind: Kind = Kind.CREATED) -> Matcher:
        """Asks of one ticket after the other which rules match it; it stands for observations as `sieve` does."""
        return Matcher(self._prepared, kind, self.look(observation), self.look(observation))

    def explain(self, observation: Observation, *, only: str | None = None, replies: bool = True) -> Explanation:
        """The same decision with its trace: each rule, the test that decided, and what it asked for."""
        trace = Trace()
        asked = Pass(self._prepared, observation, replies=replies, trace=trace)
        plan = asked.whole() if only is None else asked.one(self._named(only))
        return Explanation(plan=plan, sets=trace.sets(self.bundle), policy=asked.clocks.policy())

    def sla(self, observation: Observation) -> Standing:
        """How every promise to this ticket stands at `observation.now`."""
        return measure(self._prepared.promises, observation)

    def limits(self, ticket: Ticket) -> dict[str, Rate]:
        """The limits whose use `Observation.limits` must bring for this ticket, each for as long as it reaches back."""
        found = {replies_key(ticket): REPLIES}
        for ready in self._prepared.rules:
            if ready.rule.limits != NO_LIMITS:
                found |= rates(ready.rule, ticket)
        return found

    def questions(self, observation: Observation, *, only: str | None = None) -> tuple[Question, ...]:
        """What `Observation.facts` must bring for a decision on this observation, or of the one rule."""
        return asked(self._prepared, observation, only) if self._prepared.asking else ()

    @property
    def asks_alike(self) -> tuple[Similar, ...]:
        """Every `similar` of the rules in force: what is compared of each ticket that is seen."""
        return tuple(dict.fromkeys(s for ready in self._prepared.asking for s in similars(ready.rule.condition)))

    @property
    def asks_work(self) -> bool:
        """Whether somebody's open work is ever asked for."""
        verbs = (step.verb for ready in self._prepared.asking for step in steps_of(ready.rule))
        return any(isinstance(verb, Assign) and verb.strategy == "least_open" for verb in verbs)

    @property
    def recurring(self) -> tuple[Ready, ...]:
        """The rules on `every`."""
        return self._prepared.recurring

    @property
    def asks_anything(self) -> bool:
        return bool(self._prepared.asking)

    def look(self, observation: Observation) -> Look:
        """What a condition sees of this observation outside a pass, clocks included."""
        bundle, clocks = self.bundle, ClockWork(self._prepared, observation)
        return Look(observation, calendars=bundle.calendars, systems=bundle.desk.connections, sla=clocks.state)

    def _named(self, id: str) -> Ready:
        for ready in self._prepared.rules:
            if ready.rule.id == id:
                return ready
        raise NoSuchRule(f"there is no rule called '{id}'")


def evaluate(observation: Observation, bundle: Bundle, *, only: str | None = None, replies: bool = True) -> Plan:
    """`Engine(bundle).evaluate(observation)`: for one ticket, where making the bundle ready costs nothing that matters."""
    return Engine(bundle).evaluate(observation, only=only, replies=replies)


def explain(observation: Observation, bundle: Bundle, only: str | None = None) -> Explanation:
    """`Engine(bundle).explain(observation)`."""
    return Engine(bundle).explain(observation, only=only)


def needs(bundle: Bundle, connection: str) -> Needs:
    """Whether the comments, the history and the partners of this connection's live tickets must be read for the rules' sake."""
    comments = history = links = attachments = False
    for ruleset in bundle.rulesets:
        for rule in ruleset.rules:
            if _concerns(rule, ruleset, connection):
                one = _needs(rule, bundle)
                comments, history, links = comments or one.comments, history or one.history, links or one.links
                attachments = attachments or one.attachments
    return Needs(comments, history, links, attachments)


def _concerns(rule: Rule, ruleset: RuleSet, connection: str) -> bool:
    named = required_connections(rule.condition)
    here = (not ruleset.connections or connection in ruleset.connections) and (named is None or connection.casefold() in named)
    return rule.mode != "disabled" and here


def _needs(rule: Rule, bundle: Bundle) -> Needs:
    kinds = {on.kind for on in rule.triggers if isinstance(on, On)}
    verbs = [step.verb for step in steps_of(rule)]
    syncs = [verb for verb in verbs if isinstance(verb, Sync)]
    fields = fields_of(rule.condition) | {name.removeprefix("ticket.") for verb in verbs for name in _named_in(verb, bundle)}
    clocked = any(isinstance(t, OnSla) for t in rule.triggers) or any(name.startswith("sla.") and name != "sla.policy" for name in fields)
    waiting = [t for t in rule.triggers if isinstance(t, OnWaiting)]
    return Needs(
        comments=clocked
        or bool(kinds & _OF_COMMENTS or fields & _SAID)
        or any(t.since != "status_change" for t in waiting)
        or any(sync.comments is not None for sync in syncs),
        history=clocked or bool(waiting or kinds & _OF_STATUS),
        links=bool(syncs),
        attachments=any(sync.attachments is not None for sync in syncs),
    )


def _named_in(verb: Verb, bundle: Bundle) -> Iterator[str]:
    """The names that the texts of a verb use."""
    match verb:
        case Say() | Tell():
            texts = [verb.text, *bundle.templates.get(verb.template or "", {}).values()]
        case CallOut(text=text) | Approval(question=text) | Post(body=text):
            texts = [text]
        case Set(fields):
            texts = [value for value in fields.values() if isinstance(value, Template)]
        case _:
            texts = []
    for text in texts:
        yield from text.names if text else ()
