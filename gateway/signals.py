"""Two ways to say "look at this ticket": what a poll brings, and alarms whose moment has come."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from connectors.base import Connector, Cursor, Page
from connectors.errors import CursorExpired
from gateway import tombstones
from gateway.cycle import House
from gateway.rulebook import Rulebook
from gateway.store import actions, aliases, alikes, connections, delayed, inbox, leases, parked, tickets
from gateway.store.connections import Standing
from rules.ticket import Ticket, TicketRef

FIRST_READ = timedelta(days=30)
"""How far back the first read of a connection goes; what is older and comes up later is adopted then."""
OVERLAP = timedelta(minutes=10)
"""How far before the watermark is read again when the vendor no longer knows a cursor."""

SWEEP = timedelta(minutes=5)
"""Between two questions after tickets that a system would not tell us the deletion of."""
AT_ONCE = 100
"""Tickets of one such question."""

LAG = timedelta(minutes=1)
"""How long after a write of ours a page may still show what was there before; the longest lag that a system here owns up to."""


@dataclass(slots=True)
class Polled:
    """What one poll brought: tickets read, of them waiting to be looked at, adopted on the spot, unreadable, gone."""

    read: int = 0
    waiting: int = 0
    adopted: int = 0
    spoilt: int = 0
    gone: int = 0


class Signals:
    """Fills the inbox. Each page and the cursor behind it are stored in one transaction, so no change is lost between them."""

    def __init__(self, house: House, first_read: timedelta = FIRST_READ) -> None:
        self._house, self._first_read = house, first_read

    def poll(self, connection: str, book: Rulebook) -> Polled:
        """Everything that changed since the last poll. Raises what reading raises; the pages before that are kept."""
        polled = Polled()
        try:
            self._house.patience(lambda: self._pages(connection, book, polled))
        except CursorExpired:
            with self._house.store.writing() as db:
                connections.forgot(db, connection)
            self._house.patience(lambda: self._pages(connection, book, polled))
        return polled

    def ring(self) -> int:
        """Tickets whose alarm rings, or about which a message has waited for its hour, go into the inbox; how many."""
        now = self._house.clock()
        with self._house.store.reading() as db:
            refs, message = tickets.ringing(db, now), delayed.following(db)
        late = message is not None and message <= now
        if refs or late:
            with self._house.store.writing() as db:
                inbox.put_refs(db, refs, self._house.wall(), "alarm")
                inbox.put_refs(db, delayed.released(db, now), self._house.wall(), "delivery")
        return len(refs) + late

    def following(self) -> datetime | None:
        """When `ring` has something to do again."""
        with self._house.store.reading() as db:
            moments = (tickets.next_alarm(db, self._house.clock()), delayed.following(db))
        return min((at for at in moments if at is not None), default=None)

    def arm(self, book: Rulebook) -> int:
        """Tickets that are known and not closed are looked at when the next moment of `every` comes; how many."""
        count, now = 0, self._house.clock()
        for connection in self._house.connectors:
            at = book.next_moment(connection, now)
            if at is not None:
                with self._house.store.writing() as db:
                    count += tickets.look_no_later(db, connection, at)
        return count

    def retry_words(self) -> int:
        """Tickets that waited for a status word are looked at again, as the words may have been declared; how many."""
        with self._house.store.writing() as db:
            refs = [TicketRef(p.connection, p.key) for p in parked.all_of(db) if p.kind in ("word", "poison")]
            inbox.put_refs(db, refs, self._house.wall(), "look")
        return len(refs)

    def _pages(self, connection: str, book: Rulebook, polled: Polled) -> None:
        with self._house.store.writing() as db:
            connected_at = connections.connected(db, connection, self._house.clock())
            standing = connections.standing(db, connection)
        first = standing.polled_at is None
        there: Connector = self._house.connectors[connection]
        asked_at = self._house.clock()
        for page in there.changed(self._since(standing, connected_at)):
            with self._house.store.writing() as db:
                if first:
                    connected_at = connections.shifted(db, connection, ahead_of_us(there, asked_at, self._house.clock()))
                    first = False
                self._store(db, connection, page, book, connected_at, polled)
                self._distrust(db, connection, page, asked_at)
            asked_at = self._house.clock()
            self._house.points("after-poll")
        with self._house.store.writing() as db:
            if not connections.standing(db, connection).rests(self._house.wall()):  # a worker was told to wait meanwhile
                connections.recovered(db, connection)

    def _since(self, standing: Standing, connected_at: datetime) -> datetime | Cursor:
        if standing.cursor is not None:
            return Cursor(standing.cursor)
        return standing.watermark - OVERLAP if standing.watermark else connected_at - self._first_read

    def _distrust(self, db: sa.Connection, connection: str, page: Page, asked_at: datetime) -> None:
        """A page may show a ticket as it was before we wrote to it: then it is fetched when its turn comes."""
        for key in actions.written_since(db, connection, [t.ref.key for t in page.tickets], asked_at - LAG):
            inbox.outdated(db, TicketRef(connection, key))

    def _store(self, db: sa.Connection, connection: str, page: Page, book: Rulebook, connected_at: datetime, polled: Polled) -> None:
        self._renamed(db, connection, page)
        news, old = _sorted(db, connection, page.tickets, book, connected_at)
        for ticket, reason in inbox.put_tickets(db, news, self._house.wall()):
            parked.park(db, connection, ticket.ref.key, "unreadable", reason, self._house.clock(), ticket.version)
        tickets.saw_page(db, old, self._house.clock(), looked=True)
        if book.questions:
            alikes.put(db, ((ticket, book.said(ticket, self._house.clock())) for ticket in old))
        for spoilt in page.spoilt:
            parked.park(db, connection, spoilt.key, "unreadable", spoilt.reason, self._house.clock())
        self._away(db, connection, page)
        latest = max((t.updated_at for t in page.tickets), default=None)
        connections.moved(db, connection, page.cursor, latest, self._house.clock())
        polled.read += len(page.tickets)
        polled.waiting, polled.adopted = polled.waiting + len(news), polled.adopted + len(old)
        polled.spoilt, polled.gone = polled.spoilt + len(page.spoilt), polled.gone + len(page.gone) + len(page.merged)

    def _renamed(self, db: sa.Connection, connection: str, page: Page) -> None:
        """Tickets that have another key now. The look at the new one takes over what is known, with both in hand."""
        for old, new in {**aliases.changed_keys(db, connection, page.ids), **page.moved}.items():
            aliases.put(db, TicketRef(connection, old), "moved", new, self._house.clock())
            inbox.outdated(db, TicketRef(connection, old))

    def _away(self, db: sa.Connection, connection: str, page: Page) -> None:
        """Tombstones for tickets that were deleted or merged, by the system's own word; where it does not say into which, it is asked."""
        at = self._house.clock()
        keys = [*page.gone, *page.merged]
        there = {*tombstones.known(db, connection, keys), *inbox.waiting_of(db, connection, keys), *aliases.led_here(db, connection, keys)}
        for key in sorted(there):
            into, ref = page.merged.get(key), TicketRef(connection, key)
            asked = key in page.merged and into is None
            if asked or leases.held(db, ref):  # or: whoever has it in hand would record it as being there
                inbox.put_refs(db, [ref], self._house.wall(), "gone")
            if not asked:
                tombstones.ended(db, ref, "merged" if into else "deleted", into, at)
        for key, into in page.merged.items():
            if into is not None and key not in there:
                aliases.put(db, TicketRef(connection, key), "merged", into, at)

    def sweep(self, connection: str) -> int:
        """Asks after some of the tickets that are known, in a system that does not tell what was deleted; how many were not there.

        A missing one is looked at like any other: only the answer about itself makes it a tombstone.
        """
        there, now = self._house.connectors[connection], self._house.clock()
        with self._house.store.reading() as db:
            upto, at = aliases.swept_upto(db, connection) or ("", None)
            keys = aliases.known_after(db, connection, upto, AT_ONCE)
        if not there.abilities.sweeps or (at is not None and now - at < SWEEP):
            return 0
        found = self._house.patience(lambda: there.present(keys)) if keys else {}
        missing = [TicketRef(connection, key) for key in keys if found.get(key) != key]
        with self._house.store.writing() as db:
            inbox.put_refs(db, missing, self._house.wall(), "sweep")
            aliases.sweep_on(db, connection, keys[-1] if len(keys) == AT_ONCE else "", now)
        return len(missing)


def ahead_of_us(there: Connector, asked_at: datetime, answered_at: datetime) -> timedelta:
    """How far the system's clock is ahead of ours, by the last answer; negative when it is behind, nothing where that cannot be told.

    An answer names whole seconds of some moment between the question and the answer; only what that does not explain counts.
    """
    theirs = there.pulse().at if there.abilities.describes else None
    if theirs is None:
        return timedelta(0)
    if theirs + timedelta(seconds=1) < asked_at:
        return theirs - asked_at
    return max(theirs - answered_at, timedelta(0))


def _sorted(
    db: sa.Connection, connection: str, page: Iterable[Ticket], book: Rulebook, connected_at: datetime
) -> tuple[list[Ticket], list[Ticket]]:
    """Tickets to look at, and old ones that need no look: made before the first read, and no clock of theirs can run.

    A version that was looked at, or that is parked, is neither.
    """
    news: list[Ticket] = []
    old: list[Ticket] = []
    page = list(page)
    keys = [t.ref.key for t in page]
    moved = aliases.expected(db, connection, keys)
    known, waits = tickets.versions(db, connection, keys), parked.versions(db, connection, keys)
    for ticket in page:
        version, looked = known.get(ticket.ref.key, ("", False))
        if (looked and version == ticket.version) or waits.get(ticket.ref.key) == ticket.version:
            continue
        first = not looked and ticket.ref.key not in moved and ticket.created_at < connected_at and ticket.status is not None
        if first and not book.watches(ticket):
            old.append(ticket)
        else:
            news.append(ticket)
    return news, old
