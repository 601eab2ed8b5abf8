"""Drains the waiting tickets of one connection: each in its turn, none stopped by another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connectors.errors import ConnectorError, Gone, NotFound, Transient, Unauthorized
from gateway import tombstones
from gateway.brake import Brake
from gateway.cycle import Cycle, House, failed_with
from gateway.holding import Busy
from gateway.retrying import Halted, rest_after
from gateway.store import actions, aliases, connections, inbox, parked, tickets
from gateway.store.inbox import Waiting
from rules.ticket import Ticket, TicketRef

ATTEMPTS = 3
"""After which a ticket that cannot be handled is parked, so that it holds up nobody."""
NOT_YET = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""A ticket just announced may not be shown yet: so long it is waited for before it counts as gone."""
BUSY = timedelta(seconds=1)
HALTED = timedelta(seconds=5)
"""After which a ticket is looked at again while a person has stopped writing."""
PARTNER_RESTS = timedelta(seconds=15)
"""After which a ticket whose partner's system did not answer is looked at again."""


@dataclass(slots=True)
class Drained:
    """What one drain did: tickets looked at, of them without news, put off, parked; `held`: the brake has the batch."""

    looked: int = 0
    nothing_new: int = 0
    put_off: int = 0
    parked: int = 0
    held: int = 0


class Worker:
    """One for a connection. `stopping` is asked between two tickets."""

    def __init__(self, house: House, cycle: Cycle, connection: str, brake: Brake, stopping: Callable[[], bool] = lambda: False) -> None:
        self._house, self._cycle, self._connection = house, cycle, connection
        self._brake, self._stopping = brake, stopping
        self._store = house.store
        self._log = structlog.get_logger()

    def recover(self) -> int:
        """Settles what an earlier process left without outcome; how many tickets had such. Those of other connections are theirs."""
        with self._store.reading() as db:
            refs = [ref for ref in actions.unsettled_refs(db) if ref.connection == self._connection]
        for ref in refs:
            with self._store.writing() as db:
                inbox.put_refs(db, [ref], self._house.wall(), "recover")
        return len(refs)

    def ask_again(self) -> int:
        """The brake is asked anew about a batch that it held: its limit, or the rules, may be others now; how many signals it holds."""
        with self._store.writing() as db:
            parked.unpark(db, self._connection, "", "batch")
            return inbox.unhold(db, self._connection)

    def drain(self) -> Drained:
        """All tickets whose turn it is, until none is left, the connection rests or somebody says stop."""
        drained = Drained()
        try:
            drained.held = self._braked()
        except (Transient, Unauthorized) as error:
            self.rest(error)
            return drained
        while not drained.held and not self._rests() and not self._stopping():
            with self._store.reading() as db:
                batch = inbox.due(db, self._connection, self._house.wall())
            if not batch:
                break
            for waiting in batch:
                if self._stopping() or not self._one(waiting, drained):
                    break
        return drained

    def _rests(self) -> bool:
        with self._store.reading() as db:
            return connections.standing(db, self._connection).rests(self._house.wall())

    def _one(self, waiting: Waiting, drained: Drained) -> bool:
        """One ticket; False when the connection had to be given a rest."""
        drained.looked += 1
        try:
            if waiting.ticket is not None and waiting.signals == {"poll"} and self._cycle.known(waiting.ticket):
                self._settled(waiting)
                drained.nothing_new += 1
            elif waiting.ticket is not None:
                self._cycle.handle(waiting.ticket, waiting.rows)
            else:
                self._cycle.look(waiting.ref, waiting.rows)
        except Busy:
            self._put_off(waiting, BUSY, drained)
        except Halted:
            self._put_off(waiting, HALTED, drained)
        except (Transient, Unauthorized) as error:
            self.rest(error)
            mine = error.connection == self._connection
            self._put_off(waiting, BUSY if mine else PARTNER_RESTS, drained)
            return not mine
        except NotFound as error:
            self._not_there(waiting, error, drained)
        except Exception as error:  # one ticket that cannot be handled must not hold up the others
            self._failed(waiting, error, drained)
        return True

    def rest(self, error: Transient | Unauthorized) -> None:
        """The connection that the error names is paused, or stopped until a person acts; loudly."""
        now = self._house.wall()
        with self._store.writing() as db:
            if connections.standing(db, error.connection).rests(now):
                return
            if isinstance(error, Unauthorized):
                connections.stopped(db, error.connection, str(error), now)
            else:
                connections.paused(db, error.connection, now + timedelta(seconds=rest_after(error)), str(error), now)
        said = "connection stopped" if isinstance(error, Unauthorized) else "connection paused"
        self._log.error(said, connection=error.connection, reason=str(error))

    def _settled(self, waiting: Waiting) -> None:
        with self._store.writing() as db:
            inbox.settled(db, waiting.rows)

    def _put_off(self, waiting: Waiting, by: timedelta, drained: Drained, *, failed: bool = False) -> None:
        drained.put_off += 1
        with self._store.writing() as db:
            inbox.put_off(db, waiting.rows, self._house.wall() + by, failed=failed)

    def _not_there(self, waiting: Waiting, error: NotFound, drained: Drained) -> None:
        """A few delayed tries, then a tombstone; at once where the system says what became of it."""
        if isinstance(error, Gone) and (error.connection, error.key) == (self._connection, waiting.ref.key):
            self._became(waiting, error)
            return
        if error.connection == self._connection and waiting.attempts < len(NOT_YET):
            self._put_off(waiting, NOT_YET[waiting.attempts], drained, failed=True)
            return
        with self._store.writing() as db:
            tombstones.ended(db, waiting.ref, "missing", None, self._house.clock())
        self._log.info("ticket gone", ref=str(waiting.ref))

    def _became(self, waiting: Waiting, error: Gone) -> None:
        """A ticket that moved is looked at under its new key, which takes over what is known of it; so is the one that another was merged
        into, as it may have gone on to a third one meanwhile."""
        ref, at = waiting.ref, self._house.clock()
        with self._store.writing() as db:
            if error.how == "moved" and error.into is not None:
                aliases.put(db, ref, "moved", error.into, at)
                inbox.settle_ticket(db, ref)
                inbox.put_refs(db, [TicketRef(ref.connection, error.into)], self._house.wall(), "moved")
            else:
                tombstones.ended(db, ref, error.how, error.into, at)
                onward = [TicketRef(ref.connection, error.into)] if error.how == "merged" and error.into else []
                inbox.put_refs(db, onward, self._house.wall(), "merged")
        self._log.info("ticket gone", ref=str(ref), reason=error.message)

    def _failed(self, waiting: Waiting, error: Exception, drained: Drained) -> None:
        """Tried again a few times, then parked with what was wrong."""
        reason = failed_with(error)
        self._log.error("ticket failed", ref=str(waiting.ref), attempt=waiting.attempts + 1, reason=reason)
        self._log.debug("ticket failed", ref=str(waiting.ref), exc_info=not isinstance(error, ConnectorError))
        if waiting.attempts + 1 < ATTEMPTS:
            self._put_off(waiting, NOT_YET[0], drained, failed=True)
            return
        drained.parked += 1
        version = waiting.ticket.version if waiting.ticket else None
        with self._store.writing() as db:
            parked.park(db, waiting.ref.connection, waiting.ref.key, "poison", reason, self._house.clock(), version)
            tickets.look_again(db, waiting.ref, None)
            inbox.settled(db, waiting.rows)

    def _braked(self) -> int:
        """Holds what waits when its plans would change more tickets than the brake allows; how many then."""
        now = self._house.wall()
        with self._store.reading() as db:
            waiting = inbox.unbraked(db, self._connection, now)
        if waiting <= self._brake.tickets or self._brake.would_change(self._batch(now), self._cycle.plan) <= self._brake.tickets:
            return 0
        reason = (
            f"of {waiting} waiting tickets more than {self._brake.tickets} would change, so nothing is done about any of them; look at "
            "`ticketgate plan`, then mend the rule and save it, or raise brake: in ticketgate.yaml and start ticketgate again"
        )
        with self._store.writing() as db:
            inbox.hold(db, self._connection, now)
            parked.park(db, self._connection, "", "batch", reason, self._house.clock())
        self._log.error("batch held", connection=self._connection, waiting=waiting, reason=reason)
        return waiting

    def _batch(self, now: datetime) -> Iterator[Ticket]:
        """The waiting tickets that could be changed: not those of unknown status, nor old ones at first sight."""
        skip = 0
        while True:
            with self._store.reading() as db:
                some = inbox.due(db, self._connection, now, skip=skip)
                looked = tickets.versions(db, self._connection, [w.ref.key for w in some])
                since = connections.standing(db, self._connection).connected_at
            for ticket in (w.ticket for w in some if w.ticket is not None):
                old = not looked.get(ticket.ref.key, ("", False))[1] and since is not None and ticket.created_at < since
                if ticket.status is not None and not old:
                    yield ticket
            skip += len(some)
            if not some:
                return
