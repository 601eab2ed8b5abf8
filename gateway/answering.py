"""The store answers what rules ask of it: which tickets are alike, what they are joined to, whose turn it is, who has how much work."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from connectors.base import Connector
from connectors.errors import ConnectorError
from gateway.clock import Clock
from gateway.rulebook import OPEN_WORK, Rulebook
from gateway.store import actions, alikes, joins
from gateway.store.opening import Store
from rules.bundle import Relation, Similar
from rules.observation import Observation
from rules.questions import Question, answers
from rules.text import fold
from rules.ticket import Ticket, TicketRef, Value

FRESH = timedelta(minutes=10)
"""How long the members of a group, as a system lists them, are believed."""


class Answerer:
    """Answers questions about one ticket after the other. Members that a system lists are kept in mind for a while."""

    def __init__(self, store: Store, connectors: Mapping[str, Connector], wall: Clock) -> None:
        self._store, self._connectors, self._wall = store, connectors, wall
        self._teams: dict[tuple[str, str], tuple[datetime, tuple[str, ...]]] = {}

    def facts(self, questions: Sequence[Question], observation: Observation, book: Rulebook) -> Mapping[str, Value]:
        """Nothing is asked where the rules want to know nothing."""
        if not questions:
            return {}
        with self._store.reading() as db:
            return answers(questions, observation.ticket, book.engine.look(observation), _Known(db, book, self))

    def listed(self, group: str, ticket: Ticket) -> tuple[str, ...]:
        """The members of a group as the ticket's own system lists them; nobody where it cannot, which the log says."""
        there = self._connectors.get(ticket.ref.connection)
        if there is None or not there.abilities.members:
            return ()
        name, now = (ticket.ref.connection, fold(group)), self._wall()
        at, members = self._teams.get(name, (None, ()))
        if at is not None and at + FRESH > now:
            return members
        try:
            members = tuple(sorted(there.members(group), key=fold))
        except ConnectorError as error:  # those known from before will do
            structlog.get_logger().warning("members not listed", connection=ticket.ref.connection, reason=str(error))
        self._teams[name] = now, members
        return members


class _Known:
    """One view of the store."""

    def __init__(self, db: sa.Connection, book: Rulebook, answerer: Answerer) -> None:
        self._db, self._book, self._answerer = db, book, answerer

    def alike(self, similar: Similar, value: str, between: tuple[datetime, datetime]) -> Iterable[tuple[datetime, TicketRef]]:
        return alikes.made(self._db, self._book.kept_as(similar), value, between)

    def joined(self, refs: Sequence[TicketRef], relation: Relation) -> Sequence[TicketRef]:
        return joins.others(self._db, refs, relation)

    def ended(self, ref: TicketRef) -> bool:
        return joins.ended(self._db, ref)

    def asked_before(self, keys: Sequence[str]) -> Collection[str]:
        return actions.known_keys(self._db, keys)

    def turns(self, rule: str) -> int:
        return joins.turns(self._db, rule)

    def members(self, group: str, ticket: Ticket) -> Sequence[str]:
        named = {fold(name): members for name, members in self._book.bundle.desk.members.items() if members}
        return named.get(fold(group)) or self._answerer.listed(group, ticket)

    def work(self, member: str, but: TicketRef) -> int:
        return alikes.count(self._db, OPEN_WORK, fold(member), but)


def caught_up(store: Store, book: Rulebook, at: datetime) -> int:
    """Asks the tickets seen earlier what new rules want to compare; how many were asked. Nothing to do where the rules ask nothing new."""
    names = book.questions
    with store.reading() as db:
        new = alikes.unasked(db, names)
    count, last = 0, None
    while new:
        with store.writing() as db:
            page = alikes.known(db, last)
            alikes.put(db, ((ticket, book.said(ticket, at)) for ticket in page))
        if not page:
            break
        count, last = count + len(page), page[-1].ref
    with store.writing() as db:
        alikes.asked(db, names, at)
    return count
