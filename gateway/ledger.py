"""The action rows: intents before, outcomes after; what to do with a doubt.

A row is `sending` before its request leaves and stays so until an outcome is known. One that is found `sending` (after a crash,
or a lost answer) is settled by asking, never by guessing. What nobody can answer stays `in_doubt` for a person.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from connectors.errors import (
    ConnectorError,
    InDoubt,
    NotFound,
    Rejected,
    Stale,
    Transient,
    Unauthorized,
    Unreadable,
    Unsupported,
    WriteRefused,
)
from gateway.carrying import ONCE, RESTS
from gateway.clock import Clock
from gateway.clock import now as wall_now
from gateway.failpoint import never
from gateway.holding import Fenced, Holds
from gateway.left_behind import agreed_at_birth
from gateway.retrying import Halted, Patience, not_while_it_rests, rest_after
from gateway.sending import Sender, Unanswerable
from gateway.store import actions, approvals, connections, delayed, halts, inbox, joins, links, pages, passes, tickets
from gateway.store.actions import Row, State
from gateway.store.opening import Store
from rules.observation import Observation
from rules.plan import (
    Action,
    AddComment,
    Ask,
    Attach,
    Call,
    CreateTicket,
    JoinTicket,
    Notify,
    Page,
    Plan,
    Receipt,
    Update,
    Webhook,
    file_name,
)
from rules.ticket import Ticket, TicketRef, replace
from rules.working import alike, value_of

TRIES = 3
"""How often an action is sent when asking shows that it did not take effect."""
BEFORE_ASKING = 1.0
"""Seconds between a lost answer and the question: a request may still be under way."""
GIVEN_UP = timedelta(days=1)
"""After which a request to an endpoint that never answered is a person's."""
SOON = timedelta(seconds=1)
"""After which a ticket that somebody else is writing to is looked at again."""
REFUSALS = (Rejected, NotFound, Unsupported, WriteRefused)


class Points(Protocol):
    def __call__(self, name: str) -> None: ...


@dataclass(slots=True)
class Outcome:
    """What became of the actions of a pass. `rest`: a connection did not answer, so some are still planned or being asked after.

    `tries` counts how often each was sent just now: to have waited for a system that was down is not to have failed.
    """

    done: list[Row] = field(default_factory=list)
    failed: list[tuple[Row, str]] = field(default_factory=list)
    in_doubt: list[tuple[Row, str]] = field(default_factory=list)
    withdrawn: list[Row] = field(default_factory=list)
    stale: bool = False
    rest: ConnectorError | None = None

    tries: Counter[str] = field(default_factory=Counter)

    @property
    def settled(self) -> bool:
        """Nothing is left to be done for this pass."""
        return not self.stale and self.rest is None

    def waits_for(self, error: ConnectorError, row: Row) -> bool:
        """Keeps why a row has to wait; the ticket's own connection is more to the point than a partner's. False, always."""
        if self.rest is None or error.connection == row.ref.connection:
            self.rest = error
        return False


class Ledger:
    """Writes down what is intended, carries it out in order, writes down what became of it."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        patience: Patience,
        holds: Holds,
        *,
        clock: Clock,
        wall: Clock = wall_now,
        points: Points = never,
    ) -> None:
        """`clock` stamps the rows; pauses are the wall's time, however fast the clock of a demo runs."""
        self._store, self._sender, self._patience, self._holds = store, sender, patience, holds
        self._clock, self._wall, self._points = clock, wall, points

    def intend(self, plan: Plan, observation: Observation, pass_id: str, run: str | None = None) -> None:
        """The pass and its actions, `planned`, in one transaction. A key that was ever used is left out."""
        self._points("before-intend")
        with self._store.writing() as db:
            self.write_intent(db, plan, observation, pass_id, run)
        self._points("after-intend")

    def write_intent(self, db: sa.Connection, plan: Plan, observation: Observation, pass_id: str, run: str | None = None) -> None:
        """As `intend`, in a transaction that has more to do."""
        passes.record(db, pass_id, observation, plan, run)
        actions.intend(db, plan.ref, in_order(plan), pass_id, plan.at, run)
        delayed.put(db, plan.ref, plan.actions)

    def carry_out(self, pass_id: str) -> Outcome:
        """Sends what the pass intends, in order; settles what was being sent. Raises nothing that a connector raises.

        What goes to a partner's system that does not answer waits, in its order; the rest of the pass does not wait with it.
        """
        outcome, waiting = Outcome(), set[str]()
        with self._store.reading() as db:
            rows = [row for row in actions.of_pass(db, pass_id) if row.state in (State.PLANNED, State.SENDING)]
        for row in rows:
            target, _ = actions.target_of(row.action)
            if target not in waiting and not self._carried(row, outcome):
                waiting.add(target)
            if outcome.stale or row.ref.connection in waiting:
                break
        return outcome

    def unsettled(self, ref: TicketRef) -> list[str]:
        """The passes over this ticket that have actions without outcome, in the order of their decisions."""
        with self._store.reading() as db:
            return list(dict.fromkeys(row.pass_id for row in actions.unsettled(db, ref)))

    def _carried(self, row: Row, outcome: Outcome) -> bool:
        """One row from where it stands to its outcome; False when its connection does not answer."""
        try:
            self._rests(row)
            row = self._resolved(row)
            if row.state is State.PLANNED:
                self._sent(row, outcome)
            else:
                self._asked(row, outcome)
        except Stale:
            self._stale(row, outcome)
        except (Transient, Unauthorized) as error:
            return self._waits(row, error, outcome)
        except REFUSALS as error:
            self._refused(row, error, outcome)
        except (InDoubt, Unreadable) as error:  # asked, and no answer: it stays `sending` and is asked again
            return outcome.waits_for(Transient(error.connection, error.message), row)
        return True

    def _waits(self, row: Row, error: Transient | Unauthorized, outcome: Outcome) -> bool:
        """What can wait by itself does; whether the rest of the pass may go on."""
        if isinstance(row.action, Webhook):
            return self._later(row, error, outcome)
        if isinstance(row.action, Attach) and isinstance(error, Transient):
            return self._file_later(row, error, outcome)
        return outcome.waits_for(error, row)

    def _file_later(self, row: Row, error: Transient, outcome: Outcome) -> bool:
        """A file that cannot be had or taken now: its ticket is looked at again for it, and waits for nothing. True, always."""
        if row.planned_at is not None and self._clock() - row.planned_at > GIVEN_UP:
            self._refused(row, Rejected(error.connection, f"given up after a day: {error.message}"), outcome)
            return True
        now, longer = self._wall(), RESTS * 2 ** min(row.attempts, 6)
        with self._store.writing() as db:
            if error.retry_after is not None and not isinstance(error, Halted):
                connections.paused(db, error.connection, now + timedelta(seconds=error.retry_after), str(error), now)
            inbox.put_refs(db, [row.ref], now, "file", now + longer)
        return True

    def _resolved(self, row: Row) -> Row:
        """A joining to a ticket that another action makes, with that ticket's name.

        Raises `Stale` while it is being made for another ticket that is like this one: looked at afresh this one finds it.
        """
        join = row.action
        if not isinstance(join, JoinTicket) or join.to is not None or join.made_by is None:
            return row
        with self._store.reading() as db:
            make = actions.by_key(db, join.made_by)
        if make is None or make.state in (State.PLANNED, State.SENDING):
            raise Stale(row.ref.connection, f"the {join.relation} of {row.ref} is being made")
        if make.receipt is None or make.receipt.key is None or not isinstance(make.action, CreateTicket):
            raise Rejected(row.ref.connection, f"the {join.relation} that it is to be joined to could not be made")
        return replace(row, action=replace(join, to=TicketRef(make.action.connection, make.receipt.key)))

    def _later(self, row: Row, error: Transient | Unauthorized, outcome: Outcome) -> bool:
        """An endpoint that does not answer rests, and its requests wait for it; the ticket does not wait with them. True, always."""
        if isinstance(error, Halted):
            return True
        if row.planned_at is not None and self._clock() - row.planned_at > GIVEN_UP:
            self._refused(row, Rejected(error.connection, f"given up after a day: {error.message}"), outcome)
            return True
        now = self._wall()
        with self._store.writing() as db:
            if isinstance(error, Transient) and not connections.standing(db, error.connection).rests(now):
                connections.paused(db, error.connection, now + timedelta(seconds=rest_after(error)), str(error), now)
        return True

    def _rests(self, row: Row) -> None:
        """A connection that is paused or stopped is not asked, and nothing is written where a person said so."""
        target, _ = actions.target_of(row.action)
        with self._store.reading() as db:
            there, halt = connections.standing(db, target), halts.at(db, target)
        if halt is not None:
            raise Halted(target, str(halt))
        not_while_it_rests(there, self._wall())

    def _sent(self, row: Row, outcome: Outcome) -> None:
        with self._store.writing() as db:
            if not actions.sending(db, row.key, self._clock()):
                return None
        outcome.tries[row.key] += 1
        self._points("before-send")
        try:
            patience = ONCE if isinstance(row.action, Attach) else self._patience
            receipt = patience(lambda: self._sent_in_hand(row.action))
        except (Transient, Unauthorized, Stale) as error:
            self._unsent(row, str(error))
            if not isinstance(error, Stale):
                raise
            if not isinstance(row.action, Update) and row.position > 0:
                return self._again(row, outcome)  # what goes with an update that was made is still wanted
            if (anew := self._at_its_version(row, outcome)) is not None:
                return self._sent(anew, outcome)
            raise
        except (*REFUSALS, Fenced):
            raise
        except Exception:  # whatever it was, the request may have left: the vendor is asked, not believed
            self._patience.sleep(BEFORE_ASKING)
            return self._asked(row, outcome)
        self._points("after-send")
        return self._done(row, receipt, outcome)

    def _sent_in_hand(self, what: Action) -> Receipt:
        """The request leaves only while the ticket is surely in our hands. Raises `Fenced`: whoever has it now settles the row."""
        self._holds.fit()
        return self._sender.send(what)

    def _at_its_version(self, row: Row, outcome: Outcome) -> Row | None:
        """The write on a partner that has moved on, at the version it has now.

        None where somebody changed what it would write, where it is tried often enough, and for the pass's own ticket, whose news
        the rules must see. A partner's news may be nothing to them, and then nobody would ask for the write again.
        """
        update = row.action
        if not isinstance(update, Update) or update.target == row.ref or outcome.tries[row.key] >= TRIES:
            return None
        there = self._patience(lambda: self._sender.shown(update.target))
        fields = (change for change in update.changes if change.field != "tags")  # of tags only ours are added and removed
        if not all(alike(change.field, value_of(there, change.field), change.before) for change in fields):
            return None
        return replace(row, action=replace(update, version=there.version))

    def _asked(self, row: Row, outcome: Outcome) -> None:
        """Found: done. Surely not there: sent again, a few times. Unanswerable: a person's."""
        try:
            receipt = self._patience(lambda: self._sender.found(row.action))
        except (Transient, Unauthorized, InDoubt, Unreadable, Fenced):
            raise
        except (Unanswerable, ConnectorError) as error:
            self._doubted(row, str(error), outcome)
            return
        except Exception as error:  # a defect of ours or an answer out of the ordinary: a person's
            self._doubted(row, f"asking after it ended with {type(error).__name__}", outcome)
            return
        if receipt is not None:
            self._done(row, receipt, outcome)
            return
        self._unsent(row, "it did not take effect")
        self._again(row, outcome)

    def _again(self, row: Row, outcome: Outcome) -> None:
        with self._store.reading() as db:
            now = next((r for r in actions.of_pass(db, row.pass_id) if r.key == row.key), None)
        if now is None:
            return
        if outcome.tries[row.key] >= TRIES:
            self._refused(row, Rejected(actions.target_of(row.action)[0], f"sent {now.attempts} times without effect"), outcome)
            return
        self._sent(self._resolved(now), outcome)

    def _done(self, row: Row, receipt: Receipt, outcome: Outcome) -> None:
        at = self._clock()
        made = self._made(row.action, receipt)
        with self._store.writing() as db:
            actions.ended(db, row.key, State.DONE, at, receipt=receipt)
            self._effect(db, row, receipt, at, made)
            self._points("before-commit")
        self._points("after-commit")
        outcome.done.append(replace(row, state=State.DONE, receipt=receipt))

    def _made(self, what: Action, receipt: Receipt) -> Ticket | None:
        """A ticket that we just made, as its system shows it; None where it cannot be had now, which is no harm."""
        if not isinstance(what, CreateTicket) or receipt.key is None:
            return None
        try:
            return self._sender.shown(TicketRef(what.connection, receipt.key))
        except ConnectorError:
            return None

    def _effect(self, db: sa.Connection, row: Row, receipt: Receipt, at: datetime, new: Ticket | None) -> None:
        """What an action means for what we remember, in the transaction that calls it done."""
        match row.action:
            case Update() as update:
                tickets.wrote(db, update, receipt.echo)
                inbox.outdated(db, update.target)
            case AddComment(mirrors=str(origin)) as copy:
                source = TicketRef.parse(origin.rpartition("#")[0])
                links.mirrored(db, source, copy.target, frozenset({origin, f"{copy.target}#{receipt.id}"}), at)
            case Attach() as file:
                links.mirrored(db, file.source, file.target, frozenset({file.origin, file_name(file.target, str(receipt.id))}), at)
            case CreateTicket(relation=actions.WRITE_TEST):
                pass
            case CreateTicket(relation=str(relation)) as create if receipt.key is not None:
                joins.join(db, create.partner_of, relation, TicketRef(create.connection, receipt.key), create.rule, at)
            case JoinTicket(to=TicketRef() as other, native=False) as join:
                joins.join(db, join.ticket, join.relation, other, join.rule, at)
            case CreateTicket() as create if receipt.key is not None:
                made = TicketRef(create.connection, receipt.key)
                links.joined(db, create.partner_of, made, agreed_at_birth(passes.by_id(db, row.pass_id), create, new), at)
            case _:
                self._opened(db, row.action, at)

    def _opened(self, db: sa.Connection, what: Action, at: datetime) -> None:
        """What waits for people from now on; an endpoint that took a request needs no rest."""
        match what:
            case Page():
                pages.opened(db, what, at)
            case Ask():
                approvals.opened(db, what, at)
            case Webhook():
                connections.recovered(db, actions.target_of(what)[0])
            case _:
                pass

    def _unsent(self, row: Row, reason: str) -> None:
        with self._store.writing() as db:
            actions.unsent(db, row.key, reason)

    def _refused(self, row: Row, error: ConnectorError, outcome: Outcome) -> None:
        with self._store.writing() as db:
            actions.ended(db, row.key, State.FAILED, self._clock(), reason=str(error))
            if isinstance(row.action, Attach):  # settled for both sides: it is not asked for again at every look
                links.mirrored(db, row.action.source, row.action.target, frozenset({row.action.origin}), self._clock())
        outcome.failed.append((row, str(error)))

    def _doubted(self, row: Row, reason: str, outcome: Outcome) -> None:
        with self._store.writing() as db:
            actions.ended(db, row.key, State.IN_DOUBT, self._clock(), reason=reason)
        outcome.in_doubt.append((row, reason))

    def _stale(self, row: Row, outcome: Outcome) -> None:
        """Somebody was faster. Of our own ticket: nothing of the pass is sent any more. Of a partner: that one write is taken back.

        Either way all concerned are looked at afresh, which plans again whatever is still wanted.
        """
        now, target = self._wall(), getattr(row.action, "target", row.ref)
        with self._store.writing() as db:
            if target == row.ref:
                actions.withdraw(db, row.pass_id)
                outcome.stale = True
            else:
                actions.withdraw_one(db, row.key)
            inbox.put_refs(db, {row.ref, target}, now, "stale", now + SOON)
        outcome.withdrawn.append(row)


def in_order(plan: Plan) -> list[Action]:
    """The plan's own ticket is written first, then its partners, then what cannot be taken back: a stale ticket stops all of it."""

    def rank(what: Action) -> int:
        if isinstance(what, Update):
            return 0 if what.target == plan.ref else 1
        if isinstance(what, Attach):
            return 4  # large, and nothing waits for it
        return 3 if isinstance(what, Notify | Page | Call | Ask | Webhook) else 2

    return sorted(plan.actions, key=rank)
