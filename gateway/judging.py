"""Many tickets judged as if they had just come, a page at a time: the part that a dry run and a backfill share."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from msgspec import Struct

from connectors.errors import ConnectorError
from gateway.cycle import Cycle, House
from gateway.gathering import just_come
from gateway.passed_over import WHY
from gateway.rulebook import Rulebook
from gateway.store import actions, links
from rules.observation import Observation
from rules.plan import Plan
from rules.sieve import Matcher
from rules.ticket import Ticket, TicketRef

UNKNOWN = "unknown status"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which tickets, by which rule. `since` and `until` bound `updated_at`; `where` is a test of the caller's own.

    `max_changes` replaces the brake; `rule` asks that rule alone, whatever its `when`. `batch` is how many are decided and carried out
    before it is written down; None: a page of the system's.
    """

    connections: tuple[str, ...]
    since: datetime = BEGINNING
    until: datetime | None = None
    rule: str | None = None
    replies: bool = False
    max_changes: int | None = None
    limit: int | None = None
    batch: int | None = None
    where: Callable[[Ticket], bool] | None = field(default=None, compare=False)

    def skips(self, ticket: Ticket) -> str | None:
        """Why a ticket is not judged, None when it is."""
        if ticket.status is None:
            return UNKNOWN
        if self.until is not None and ticket.updated_at >= self.until:
            return "changed later"
        if self.where is not None and not self.where(ticket):
            return "not asked for"
        return None


class Judged(Struct, frozen=True):
    """One ticket of a page: skipped for a reason, not to be judged now (`error`), or seen and decided.

    An empty plan comes without its observation, or not at all.
    """

    ticket: Ticket
    plan: Plan | None = None
    observation: Observation | None = None
    skipped: str | None = None
    error: str | None = None

    @property
    def acts(self) -> bool:
        return self.plan is not None and bool(self.plan)


NO_PARTNERS: frozenset[TicketRef] = frozenset()


class Judge:
    """Asks the rules about a page. The store is asked once for a page, and again for the few tickets that a rule wants to change."""

    def __init__(self, house: House, cycle: Cycle, asked: Asked) -> None:
        self._house, self._cycle, self._asked = house, cycle, asked
        self._matcher: tuple[Rulebook, Matcher] | None = None

    def page(self, tickets: Sequence[Ticket], linked: frozenset[TicketRef] | None = None) -> Iterator[Judged]:
        """Every ticket of the page, in order; `linked` where the caller has asked already.

        Raises what reading a partner raises for a connection that does not answer.
        """
        if linked is None:
            with self._house.store.reading() as db:
                linked = linked_among(db, tickets)
        tests = self._write_tests(tickets)
        for ticket, could in zip(tickets, self._could_act(tickets), strict=True):
            yield self._judged(ticket, linked, tests, could=could)

    def stirred(self, tickets: Sequence[Ticket]) -> Iterator[Judged]:
        """`page` for tickets without partners, but for those that are judged and on which no rule can act: most, on most pages."""
        tests, asked = self._write_tests(tickets), self._asked
        each = bool(tests) or asked.until is not None or asked.where is not None
        for ticket, could in zip(tickets, self._could_act(tickets), strict=True):
            if could or each or ticket.status is None:
                judged = self._judged(ticket, NO_PARTNERS, tests, could=could)
                if judged.skipped is not None or could:
                    yield judged

    def _judged(self, ticket: Ticket, linked: frozenset[TicketRef], tests: frozenset[str], *, could: bool) -> Judged:
        reason = WHY if ticket.ref.key in tests else self._asked.skips(ticket)
        if reason is not None:
            return Judged(ticket, skipped=reason)
        if ticket.ref in linked or (could and self._asked.rule is not None):
            return self._whole(ticket)
        if not could:
            return Judged(ticket)
        engine = self._cycle.book.engine
        plan = engine.evaluate(just_come(ticket, self._house.clock()), replies=self._asked.replies)
        whole = plan.actions or plan.failures or (plan.fired and engine.asks_anything)
        return self._whole(ticket) if whole else Judged(ticket, plan)

    def _whole(self, ticket: Ticket) -> Judged:
        """Judged again with all that the store knows: what was done already is not asked for again, limits are kept.

        A partner's system that does not answer keeps this one ticket from being judged, and nothing else.
        """
        try:
            observation = self._house.gatherer.as_created(ticket, self._cycle.book, only=self._asked.rule)
        except ConnectorError as error:
            if error.connection == ticket.ref.connection:
                raise
            return Judged(ticket, error=str(error))
        plan = self._cycle.book.evaluate(observation, only=self._asked.rule, replies=self._asked.replies)
        return Judged(ticket, plan, observation)

    def _write_tests(self, tickets: Sequence[Ticket]) -> frozenset[str]:
        """The keys of those that a write test made; a page is one connection's."""
        if not tickets:
            return frozenset()
        with self._house.store.reading() as db:
            return actions.write_tests(db, tickets[0].ref.connection)

    def _could_act(self, tickets: Sequence[Ticket]) -> list[bool]:
        """Whether a rule could act on each; with a rule asked for by name, whether that one could."""
        if not tickets:
            return []
        book = self._cycle.book
        if self._asked.rule is None:
            return self._matcher_for(tickets[0], book).could_match_any(tickets)
        return list(map(book.engine.sieve(just_come(tickets[0], self._house.clock()), only=self._asked.rule), tickets))

    def _matcher_for(self, ticket: Ticket, book: Rulebook) -> Matcher:
        """One matcher for as long as the same rules are in force."""
        if self._matcher is None or self._matcher[0] is not book:
            self._matcher = (book, book.engine.matcher(just_come(ticket, self._house.clock())))
        return self._matcher[1]


def linked_among(db: sa.Connection, tickets: Sequence[Ticket]) -> frozenset[TicketRef]:
    """Those of the page that have a partner."""
    return frozenset(links.of_tickets(db, [t.ref for t in tickets])) if links.count(db) else frozenset()
