"""Signals that wait to be looked at. A row stays until the look that answers it is recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.codec import from_json, to_json
from gateway.store.putting import insert_or_leave, of_ref, the_ref
from gateway.store.schema import inbox
from rules.ticket import Ticket, TicketRef

HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """All rows of one ticket, drained by one look. `ticket` is the newest that a poll brought, None where it must be fetched."""

    ref: TicketRef
    rows: tuple[int, ...]
    attempts: int
    signals: frozenset[str]
    ticket: Ticket | None


def put_tickets(db: sa.Connection, tickets: Iterable[Ticket], at: datetime, signal: str = "poll") -> list[tuple[Ticket, str]]:
    """What a poll brought, each version of a ticket once. Returns those that no store can hold, with what is wrong."""
    rows, spoilt = [], []
    for ticket in tickets:
        try:
            rows.append(_row(ticket.ref, f"{signal}:{ticket.ref}@{ticket.version}", signal, at, to_json(ticket)))
        except TypeError as error:  # half a character, a number beyond 64 bits
            spoilt.append((ticket, str(error)))
    insert_or_leave(db, inbox, rows)
    return spoilt


def put_refs(db: sa.Connection, refs: Iterable[TicketRef], at: datetime, signal: str, due_at: datetime | None = None) -> None:
    """Look at these: one row for a ticket and kind of signal, however often it is said."""
    rows = [{**_row(ref, f"{signal}:{ref}", signal, at, None), "due_at": due_at or at} for ref in refs]
    insert_or_leave(db, inbox, rows)


def put_pushed(db: sa.Connection, refs: Iterable[TicketRef], at: datetime, delivery: str) -> None:
    """Look at these: a row for each push, since one that comes while its ticket is being looked at is news again."""
    insert_or_leave(db, inbox, [_row(ref, f"webhook:{ref}:{delivery}", "webhook", at, None) for ref in refs])


def due(db: sa.Connection, connection: str, now: datetime, limit: int = 200, skip: int = 0) -> list[Waiting]:
    """Tickets whose turn has come, in the order of their first signal."""
    keys = db.execute(_DUE, {"at": connection, "now": now, "most": limit, "skip": skip}).scalars().all()
    if not keys:
        return []
    rows: dict[str, list[sa.RowMapping]] = {key: [] for key in keys}
    for row in db.execute(_OF_TICKETS, {"at": connection, "keys": keys}).mappings():
        rows[row["key"]].append(row)
    return [_waiting(TicketRef(connection, key), mine) for key, mine in rows.items()]


def outdated(db: sa.Connection, ref: TicketRef) -> None:
    """We wrote to the ticket: what polls brought of it is from before that, and it must be fetched."""
    db.execute(_OUTDATED, of_ref(ref))


def waiting_of(db: sa.Connection, connection: str, keys: Sequence[str]) -> frozenset[str]:
    """Which of these tickets wait to be looked at."""
    return frozenset(db.execute(_WAITING_OF, {"at": connection, "keys": keys}).scalars()) if keys else frozenset()


def in_hand(db: sa.Connection, rows: Sequence[int]) -> bool:
    """Whether the tickets that these rows brought are still good."""
    return db.execute(_LOST, {"rows": rows}).first() is None


def signals(db: sa.Connection, rows: Sequence[int]) -> frozenset[str]:
    """What kinds of signals these rows are."""
    return frozenset(db.execute(_SIGNALS, {"rows": rows}).scalars()) if rows else frozenset()


def put_off(db: sa.Connection, rows: Sequence[int], until: datetime, *, failed: bool = False) -> None:
    """Not now; `failed` counts as an attempt."""
    values: dict[str, object] = {"due_at": until} | ({"attempts": inbox.c.attempts + 1} if failed else {})
    db.execute(sa.update(inbox).where(inbox.c.id.in_(rows)).values(**values))


def settled(db: sa.Connection, rows: Sequence[int]) -> None:
    """Looked at: the rows are done with."""
    if rows:
        db.execute(_SETTLED, {"rows": rows})


def settle_ticket(db: sa.Connection, ref: TicketRef) -> None:
    """All rows of a ticket that is no more."""
    db.execute(sa.delete(inbox).where(inbox.c.connection == ref.connection, inbox.c.key == ref.key))


def unbraked(db: sa.Connection, connection: str, now: datetime) -> int:
    """How many tickets wait that the brake does not hold."""
    return int(db.execute(_UNBRAKED, {"at": connection, "now": now}).scalar_one())


def depth(db: sa.Connection) -> dict[str, int]:
    """Tickets waiting, held ones included, by connection."""
    count = sa.func.count(sa.distinct(inbox.c.key))
    return {row[0]: int(row[1]) for row in db.execute(sa.select(inbox.c.connection, count).group_by(inbox.c.connection))}


def hold(db: sa.Connection, connection: str, now: datetime) -> int:
    """What waits now is held until the brake is asked anew; returns how many rows."""
    mine = (*_ready(connection, now), inbox.c.brake == "")
    return int(db.execute(sa.update(inbox).where(*mine).values(brake=HELD)).rowcount)


def unhold(db: sa.Connection, connection: str) -> int:
    """What is held comes before the brake once more; returns how many rows."""
    held = (inbox.c.connection == connection, inbox.c.brake == HELD)
    return int(db.execute(sa.update(inbox).where(*held).values(brake="")).rowcount)


def _ready(connection: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return inbox.c.connection == connection, inbox.c.due_at <= now


def _row(ref: TicketRef, unique: str, signal: str, at: datetime, ticket: bytes | None) -> dict[str, object]:
    stamps = {"arrived_at": at, "due_at": at, "attempts": 0, "brake": ""}
    return {"connection": ref.connection, "key": ref.key, "unique_key": unique, "signal": signal, "ticket": ticket, **stamps}


def _waiting(ref: TicketRef, rows: list[sa.RowMapping]) -> Waiting:
    brought = [row["ticket"] for row in rows if row["ticket"] is not None]
    only_polls = all(row["ticket"] is not None for row in rows)
    return Waiting(
        ref=ref,
        rows=tuple(row["id"] for row in rows),
        attempts=max(row["attempts"] for row in rows),
        signals=frozenset(row["signal"] for row in rows),
        ticket=from_json(Ticket, brought[-1]) if brought and only_polls else None,
    )


_AT, _AMONG = inbox.c.connection == sa.bindparam("at"), inbox.c.key.in_(sa.bindparam("keys", expanding=True))
_READY, _ROWS = sa.and_(_AT, inbox.c.due_at <= sa.bindparam("now")), inbox.c.id.in_(sa.bindparam("rows", expanding=True))
_DUE = (
    sa.select(inbox.c.key, sa.func.min(inbox.c.id).label("first"))
    .where(_READY, inbox.c.brake != HELD)
    .group_by(inbox.c.key)
    .order_by(sa.text("first"))
    .limit(sa.bindparam("most"))
    .offset(sa.bindparam("skip"))
)
_OF_TICKETS = sa.select(inbox).where(_AT, _AMONG).order_by(inbox.c.id)
_OUTDATED = sa.update(inbox).where(the_ref(inbox)).values(ticket=None)
_WAITING_OF = sa.select(inbox.c.key).where(_AT, _AMONG).distinct()
_LOST = sa.select(inbox.c.id).where(_ROWS, inbox.c.ticket.is_(None)).limit(1)
_SIGNALS = sa.select(inbox.c.signal).where(_ROWS).distinct()
_SETTLED = sa.delete(inbox).where(_ROWS)
_UNBRAKED = sa.select(sa.func.count(sa.distinct(inbox.c.key))).where(_READY, inbox.c.brake == "")
