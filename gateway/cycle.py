"""The one path of every ticket: observe, plan, apply, record. Polls, alarms and retries only say: look at this ticket."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from connectors.base import Connector
from connectors.errors import ConnectorError
from gateway import tombstones
from gateway.clock import Clock, tick
from gateway.clock import now as wall_now
from gateway.failpoint import never
from gateway.gathering import BEGINNING, Gathered, Gatherer
from gateway.holding import Busy, Holds
from gateway.ledger import SOON, Ledger, Outcome, Points
from gateway.left_behind import agreed_by, answers_a_page, left_by
from gateway.onward import go_on, hops_of_run, hops_of_signals, run_name, written_beyond
from gateway.passed_over import WHY, passed_over
from gateway.retrying import Halted, Patience
from gateway.rulebook import Rulebook
from gateway.store import (
    actions,
    aliases,
    alikes,
    approvals,
    audits,
    breaches,
    connections,
    halts,
    hits,
    inbox,
    joins,
    links,
    native,
    pages,
    parked,
    passes,
    pausing,
    restrictions,
    tickets,
    unrecorded,
)
from gateway.store.actions import Row, State
from gateway.store.opening import Store
from rules.observation import Observation
from rules.plan import Call, Plan, key_of
from rules.ticket import Ticket, TicketRef

OnPass: TypeAlias = Callable[[Ticket, Plan, Outcome], None]
"""Is told of every pass whose plan was carried out: the ticket before, the plan, and what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the cycle works with; put together in `assemble`."""

    store: Store
    connectors: Mapping[str, Connector]
    ledger: Ledger
    gatherer: Gatherer
    patience: Patience
    holds: Holds
    clock: Clock
    wall: Clock = wall_now
    points: Points = never


class Cycle:
    """Looks at tickets by the rules in force. `bundle` may be replaced between two passes."""

    def __init__(self, house: House, book: Rulebook, on_pass: OnPass | None = None) -> None:
        self._house, self.book, self.on_pass = house, book, on_pass
        self._store = house.store

    def observe(self, ticket: Ticket) -> Observation:
        """All that a rule may look at. Reads; writes nothing."""
        return self._house.gatherer.gathered(ticket, self.book).observation

    def plan(self, ticket: Ticket) -> Plan:
        """What the rules ask for, and nothing else."""
        return self.book.evaluate(self.observe(ticket))

    def look(self, ref: TicketRef, rows: Sequence[int] = ()) -> Plan:
        """Fetches the ticket and handles it. Raises `NotFound`, and what `handle` raises."""
        with self._in_hand(ref):
            self._resumed(ref)
            return self._handled(self.fetched(ref), rows)

    def handle(self, ticket: Ticket, rows: Sequence[int] = ()) -> Plan:
        """Observes, plans, applies, records; `rows` are the signals that this look answers.

        Raises `Busy` when somebody else has the ticket, and the error of a connection that does not answer: the signals stay
        then, and what was decided is carried on at the next look.
        """
        with self._in_hand(ticket.ref):
            if self._resumed(ticket.ref) or not self._is_good(rows) or self._outdated(ticket):
                ticket = self.fetched(ticket.ref)  # the one in hand is older than what we wrote
            return self._handled(ticket, rows)

    def fetched(self, ref: TicketRef) -> Ticket:
        """The ticket as it is now. Raises what reading raises."""
        return self._house.patience(lambda: self._house.connectors[ref.connection].fetch(ref.key))

    def settle(self, ref: TicketRef) -> bool:
        """Carries on what an earlier process left without outcome; whether there was anything. Raises as `handle` does."""
        with self._in_hand(ref):
            return self._resumed(ref)

    def went_on(self, row: Row) -> Outcome:
        """Goes on with the pass of a row without a look at its ticket; a call of a page that has ended is taken back. Raises `Busy`."""
        with self._in_hand(row.ref):
            with self._store.writing() as db:
                if isinstance(row.action, Call) and row.state is State.PLANNED and not pages.is_open(db, row.action.page):
                    actions.withdraw_one(db, row.key)
            return self._house.ledger.carry_out(row.pass_id)

    def carried(self, ticket: Ticket, observation: Observation, plan: Plan, run: str) -> Outcome:
        """Carries out what a run decided and records it; the live path has still to look at the ticket. Raises `Busy`.

        Nothing is raised for a connection that does not answer: the outcome says so.
        """
        with self._in_hand(ticket.ref):
            outcome = self._ran(plan, observation, run)
        self._tell(ticket, plan, outcome)
        return outcome

    def keep(self, some: Sequence[Ticket]) -> None:
        """What the rules compare of tickets is kept before any of them is judged: of several that come together each sees the others."""
        if self.book.questions:
            with self._store.writing() as db:
                self._keep(db, some)

    def _keep(self, db: sa.Connection, some: Sequence[Ticket]) -> None:
        if self.book.questions:
            alikes.put(db, ((ticket, self.book.said(ticket, self._house.clock())) for ticket in some))

    def known(self, ticket: Ticket) -> bool:
        """Whether this very version was looked at, so that there is no news."""
        with self._store.reading() as db:
            seen = tickets.seen(db, ticket.ref)
        return seen is not None and seen.looked and seen.version == ticket.version

    def _handled(self, ticket: Ticket, rows: Sequence[int]) -> Plan:
        book = self.book
        self._by_its_name(ticket.ref)
        if ticket.status is None or passed_over(self._store, ticket.ref):
            return self._not_judged(ticket, rows)
        if self._may_be_ours(ticket):
            raise Busy(str(ticket.ref))
        hops = self._hops(rows)
        if hops is not None and self._brought_into_step(ticket, hops):
            ticket = self.fetched(ticket.ref)
        self.keep([ticket])
        gathered = self._house.gatherer.gathered(ticket, book)
        plan = book.evaluate(gathered.observation)
        pass_id, outcome = pass_name(plan), Outcome()
        if plan:
            self._may_write(ticket.ref)
            self._house.ledger.intend(plan, gathered.observation, pass_id)
            outcome = self._house.ledger.carry_out(pass_id)
        if outcome.settled:
            self._saw(ticket, gathered, plan, pass_id, rows)
        else:
            self._put_back(outcome, rows)
        self._tell(ticket, plan, outcome)
        if outcome.rest is not None:
            raise outcome.rest
        return plan

    def _by_its_name(self, ref: TicketRef) -> None:
        """It is there under this key: what is remembered of it under another one moves here, and nothing says any more that it left."""
        with self._store.reading() as db:
            before, said = self._olds(db, ref), aliases.of(db, ref)
        if before or said is not None:
            with self._store.writing() as db:
                aliases.forget(db, ref.connection, [ref.key])
                for old in before:
                    tombstones.renamed(db, old, ref, self._house.clock())

    def _olds(self, db: sa.Connection, ref: TicketRef) -> list[TicketRef]:
        """Other keys under which the same ticket is remembered, in a system whose keys can change."""
        return aliases.moved_here(db, ref) if "moves" in self._house.connectors[ref.connection].abilities.tells else []

    def _may_write(self, ref: TicketRef) -> None:
        """Raises `Halted`, before anything is intended: what is wanted when writing goes on is then decided afresh."""
        with self._store.reading() as db:
            halt = halts.at(db, ref.connection)
        if halt is not None:
            raise Halted(ref.connection, str(halt))

    def _hops(self, rows: Sequence[int]) -> int | None:
        with self._store.reading() as db:
            return hops_of_signals(inbox.signals(db, rows))

    def _brought_into_step(self, ticket: Ticket, hops: int) -> bool:
        """What a partner could not be made with (what had been said by then, a status), or what a partner's pass wrote to this ticket.

        No news will ask for it; whether there was any.
        """
        observation = self._house.gatherer.as_created(ticket, self.book)
        plan = self.book.in_step(observation, ours=hops > 0)
        if not (plan or plan.agreements):
            return False
        outcome = self._ran(plan, observation, run_name(hops))
        self._tell(ticket, plan, outcome)
        if not outcome.settled:
            raise outcome.rest or Busy(str(ticket.ref))
        return True

    def _ran(self, plan: Plan, observation: Observation, run: str) -> Outcome:
        pass_id = pass_name(plan)
        self._house.ledger.intend(plan, observation, pass_id, run)
        outcome = self._house.ledger.carry_out(pass_id)
        if outcome.settled:
            self._saw_of_run(observation, plan, pass_id, run)
        return outcome

    def _resumed(self, ref: TicketRef) -> bool:
        """Brings to its end, and records, what was decided about the ticket before; whether there was anything.

        Deciding it again would do again what no key guards: a priority raised by one, a reply to a change that our own write re-dated.
        """
        waiting = self._house.ledger.unsettled(ref)
        for pass_id in waiting:
            outcome = self._house.ledger.carry_out(pass_id)
            if outcome.rest is not None and not self._stopped_elsewhere(outcome.rest.connection, ref):
                raise outcome.rest
            if outcome.settled:
                self._recorded_run(pass_id)
        with self._store.reading() as db:
            last = unrecorded.last_pass(db, ref)
        if last is not None:
            self._saw(last.observation.ticket, self._house.gatherer.of_pass(last.observation, self.book), last.plan, last.id, ())
        return bool(waiting) or last is not None

    def _stopped_elsewhere(self, connection: str, ref: TicketRef) -> bool:
        """Whether a partner's system waits for a person: what goes there waits too, for a new start, and the ticket goes on."""
        with self._store.reading() as db:
            return connection != ref.connection and connections.standing(db, connection).state == "stopped"

    def _recorded_run(self, pass_id: str) -> None:
        with self._store.reading() as db:
            decided = passes.by_id(db, pass_id)
        if decided is not None and decided.run is not None:
            self._saw_of_run(decided.observation, decided.plan, pass_id, decided.run)

    def _outdated(self, ticket: Ticket) -> bool:
        """Whether the ticket may have been read before the last write of ours."""
        with self._store.reading() as db:
            seen = tickets.seen(db, ticket.ref)
            last = seen.ticket if seen is not None else None
            if last is not None and ticket.updated_at <= last.updated_at:
                return True
            return unrecorded.wrote_since(db, ticket.ref, seen.seen_at if seen is not None and last is not None else BEGINNING)

    # Both are needed. `_outdated` goes by what is known of a ticket; it cannot tell a page that shows an edit from between our look
    # and our write, which a system without guards lets through: its stamp is newer than our look, and the write is of our own pass.
    # That page is known by when it was asked for (`inbox.outdated`, `Signals`). The other way round, a write by a partner's pass may
    # be older than LAG when a page that does not show it comes.
    def _is_good(self, rows: Sequence[int]) -> bool:
        """Whether what the polls brought was read after our last write, as far as can be told by when it was asked for."""
        with self._store.reading() as db:
            return inbox.in_hand(db, rows)

    def _may_be_ours(self, ticket: Ticket) -> bool:
        """Whether it is new to us while we are making one there: it may be that one, and then it is no news."""
        with self._store.reading() as db:
            if not actions.creating(db, ticket.ref.connection) or tickets.seen(db, ticket.ref) is not None:
                return False
            return not (links.of_ticket(db, ticket.ref) or joins.is_other(db, ticket.ref))

    def _not_judged(self, ticket: Ticket, rows: Sequence[int]) -> Plan:
        """A write test's ticket, or a status that nobody declared: never guessed, a person adds the word."""
        why = undeclared(ticket) if ticket.status is None else WHY
        with self._store.writing() as db:
            if ticket.status is None:
                parked.park(db, ticket.ref.connection, ticket.ref.key, "word", why, self._house.clock(), ticket.version)
            tickets.look_again(db, ticket.ref, None)
            inbox.settled(db, rows)
        return Plan(ref=ticket.ref, version=ticket.version, bundle=self.book.bundle.hash, at=self._house.clock(), notes=(why,))

    def _saw(self, ticket: Ticket, gathered: Gathered, plan: Plan, pass_id: str, rows: Sequence[int]) -> None:
        """Records the look: the ticket as the plan left it, its news, its alarm, and that its signals are answered."""
        self._house.points("before-saw")
        ref, at = ticket.ref, self._house.clock()
        with self._store.writing() as db:
            done = self._done(db, pass_id) if plan else []
            left = self._left(ticket, done)
            tickets.saw(db, left, at, adopted=gathered.observation.adopted, heard=gathered.heard)
            self._keep(db, [left])
            tickets.remember(db, ref, gathered.comments, gathered.changes)
            tickets.look_again(db, ref, plan.look_again_at)
            actions.echoed(db, gathered.echoed)
            if gathered.slas is not None:
                native.saw(db, ref, gathered.slas, at)
            self._means(db, plan, done, stages=True)
            if plan.events or plan.fired or plan.failures or plan.stages:
                passes.record(db, pass_id, gathered.observation, plan)
            approvals.handled(db, gathered.observation.events)
            if (why := answers_a_page(gathered.observation, left)) is not None:
                pages.ended_about(db, ref, at, why, before=gathered.observation.now)
            for partner, reason in gathered.missing:
                parked.park(db, partner.connection, partner.key, "link", reason, at)
            inbox.settled(db, rows)
            parked.unpark(db, ref.connection, ref.key, "word", "poison", "unreadable", *(("link",) if gathered.observation.events else ()))
        self._house.points("after-saw")

    def _saw_of_run(self, observation: Observation, plan: Plan, pass_id: str, run: str) -> None:
        """Records what a run did; the live path has still to look at the ticket."""
        with self._store.writing() as db:
            done = self._done(db, pass_id)
            left = self._left(observation.ticket, done)
            tickets.saw_page(db, [left], self._house.clock(), looked=False)
            self._keep(db, [left])
            self._means(db, plan, done, stages=not observation.adopted, hops=hops_of_run(run))

    def _done(self, db: sa.Connection, pass_id: str) -> list[Row]:
        return [row for row in actions.of_pass(db, pass_id) if row.state is State.DONE]

    def _left(self, ticket: Ticket, done: Sequence[Row]) -> Ticket:
        return left_by(ticket, done, guarded=self._house.connectors[ticket.ref.connection].abilities.guards)

    def _means(self, db: sa.Connection, plan: Plan, done: Sequence[Row], *, stages: bool, hops: int = 0) -> None:
        """What a plan that was carried out means for stages, limits and links; `hops` as in `gateway.onward`."""
        if stages:
            passes.reached(db, plan.ref, plan.stages)
            breaches.keep(db, plan.ref, plan.broken)
        passes.use(db, [key for fired in plan.fired for key in fired.used], plan.at)
        hits.counted(db, plan)
        joins.took_turns(db, plan.turns)
        restrictions.restrict(db, plan.ref, plan.restricts, plan.at)
        for rule in set(plan.paused) - pausing.names(db):
            self._paused_by_its_limit(db, rule, plan.at)
        for agreement in agreed_by(plan, done):
            links.agreed(db, agreement, self._house.clock())
        go_on(db, plan.ref, written_beyond(db, plan.ref, done, makes_more=self.book.makes_more), hops, self._house.wall())

    def _paused_by_its_limit(self, db: sa.Connection, rule: str, at: datetime) -> None:
        reason = "a limit of its own was reached (when_reached: pause_rule)"
        pausing.pause(db, rule, reason, "ticketgate", at)
        audits.noted(db, at, "ticketgate", "rule paused", f"{rule}: {reason}")
        structlog.get_logger().warning("rule paused", rule=rule, reason=f"{reason}; `ticketgate rules resume {rule}` ends it")

    def _put_back(self, outcome: Outcome, rows: Sequence[int]) -> None:
        """Stale: the ticket is looked at afresh in a moment. A connection that rests: the worker says until when."""
        if outcome.stale and outcome.rest is None:
            with self._store.writing() as db:
                inbox.put_off(db, rows, self._house.wall() + SOON)

    def _tell(self, ticket: Ticket, plan: Plan, outcome: Outcome) -> None:
        if plan or plan.failures:
            log = structlog.get_logger()
            rules = sorted({fired.rule for fired in plan.fired})
            counts = {"done": len(outcome.done), "failed": len(outcome.failed), "in_doubt": len(outcome.in_doubt)}
            log.info("pass", ref=str(plan.ref), rules=rules, actions=len(plan.actions), **{k: v for k, v in counts.items() if v})
            for failure in plan.failures:
                log.error("rule failed", ref=str(plan.ref), rule=failure.rule, place=failure.place, reason=failure.reason)
        if self.on_pass is not None:
            self.on_pass(ticket, plan, outcome)

    @contextmanager
    def _in_hand(self, ref: TicketRef) -> Iterator[None]:
        """The lease on a ticket and its partners. Raises `Busy`."""
        with self._house.holds.taking(lambda db: self._concerned(db, ref)):
            yield

    def _concerned(self, db: sa.Connection, ref: TicketRef) -> list[TicketRef]:
        one = [ref, *self._olds(db, ref)]
        return sorted({*one, *(pair.partner_of(each) for each in one for pair in links.of_ticket(db, each))})


def undeclared(ticket: Ticket) -> str:
    """What to tell a person about a status word that nobody declared."""
    word = ticket.unread.get("status", "(none)")
    return f"status '{word}' has no meaning here; add words: {{ status: {{ {word}: OURS }} }} to {ticket.ref.connection}"


def pass_name(plan: Plan) -> str:
    """A pass's id: one ticket may be judged twice in one moment of a clock, never in one of the machine's."""
    return key_of("pass", str(plan.ref), plan.at.isoformat(), plan.version, str(tick()))[:16]


def failed_with(error: Exception) -> str:
    """What may be written down of an error: a connector's words hold no ticket text, of others only the kind is kept.

    Of the database's that is SQLite's own name as well (`SQLITE_FULL`), which says whether it is the disk, a lock or damage.
    """
    if isinstance(error, ConnectorError):
        return str(error)
    name: str | None = getattr(getattr(error, "orig", error), "sqlite_errorname", None)
    return f"{type(error).__name__} ({name})" if name else type(error).__name__
