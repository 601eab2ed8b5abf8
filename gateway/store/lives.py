"""Everything that is known of all tickets, in a few passes over the tables: what reports are made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.store import aliases
from gateway.store.actions import State
from gateway.store.codec import from_json, ticket_from
from gateway.store.putting import is_ref
from gateway.store.schema import action, happening, ticket
from gateway.store.tickets import past
from rules.observation import MergedIn
from rules.plan import Receipt, Update
from rules.ticket import Change, Comment, Ticket, TicketRef, replace


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket as it was last seen, and its past. `adopted`: it was older than its connection; `heard`: its comments were read."""

    ticket: Ticket
    adopted: bool
    heard: bool
    comments: tuple[Comment, ...] = ()
    changes: tuple[Change, ...] = ()
    wrote: tuple[tuple[Update, Receipt, datetime], ...] = ()  # by ticketgate, whether a history tells it or not
    merged_in: tuple[MergedIn, ...] = ()
    origins: tuple["Known", ...] = ()  # what it was split from, what that was split from, and so on


@dataclass(slots=True)
class _Past:
    comments: list[Comment] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    wrote: list[tuple[Update, Receipt, datetime]] = field(default_factory=list)


def all_known(db: sa.Connection) -> Iterator[Known]:
    """Tickets that are still there, with what a backfill alone has seen of the rest."""
    pasts, merged = _pasts(db), aliases.all_merged_in(db)
    for row in db.execute(_SEEN.where(ticket.c.gone_at.is_(None))):
        ref = TicketRef(row.connection, row.key)
        past, heard = pasts.get(ref) or _Past(), row.heard and row.looked
        told, seen = (tuple(past.comments), tuple(past.changes), tuple(past.wrote)), ticket_from(row.seen)
        came = origins(db, seen) if seen.split_from is not None else ()
        yield Known(seen, row.adopted, heard, *told, merged.get(ref, ()), came)


def known(db: sa.Connection, ref: TicketRef) -> Known | None:
    """One ticket; None when it was never seen, or is no more."""
    row = db.execute(_SEEN.where(is_ref(ticket, ref.connection, ref.key), ticket.c.gone_at.is_(None))).first()
    if row is None:
        return None
    found = _known(db, ref, row)
    return replace(found, origins=origins(db, found.ticket))


def origins(db: sa.Connection, split: Ticket) -> tuple[Known, ...]:
    """What a ticket was split from, what that was split from, and so on, as far as it was ever seen; also what is no more."""
    found, met, key = list[Known](), {split.ref.key}, split.split_from
    while key is not None and key not in met:
        met.add(key)
        ref = TicketRef(split.ref.connection, key)
        row = db.execute(_SEEN.where(is_ref(ticket, ref.connection, ref.key))).first()
        found += [_known(db, ref, row)] if row is not None else []
        key = found[-1].ticket.split_from if row is not None else None
    return tuple(found)


def _known(db: sa.Connection, ref: TicketRef, row: sa.Row[*tuple[Any, ...]]) -> Known:
    told = past(db, ref)
    wrote = _WROTE.where(action.c.target == ref.connection, action.c.target_key == ref.key)
    written = tuple((from_json(Update, payload), from_json(Receipt, receipt), at) for _, _, payload, receipt, at in db.execute(wrote))
    merged, heard = aliases.merged_in(db, ref), row.heard and row.looked
    return Known(ticket_from(row.seen), row.adopted, heard, told.comments, told.changes, written, merged)


def _pasts(db: sa.Connection) -> dict[TicketRef, _Past]:
    found: dict[TicketRef, _Past] = {}
    chosen = sa.select(happening.c.connection, happening.c.key, happening.c.kind, happening.c.what)
    for row in db.execute(chosen.order_by(happening.c.at, happening.c.id)):
        past = found.setdefault(TicketRef(row.connection, row.key), _Past())
        if row.kind == "comment":
            past.comments.append(from_json(Comment, row.what))
        else:
            past.changes.append(from_json(Change, row.what))
    for target, key, payload, receipt, at in db.execute(_WROTE):
        written = (from_json(Update, payload), from_json(Receipt, receipt), at)
        found.setdefault(TicketRef(target, key), _Past()).wrote.append(written)
    return found


_SEEN = sa.select(ticket.c.connection, ticket.c.key, ticket.c.seen, ticket.c.adopted, ticket.c.heard, ticket.c.looked).where(
    sa.func.length(ticket.c.seen) > 0
)
_WROTE = (
    sa.select(action.c.target, action.c.target_key, action.c.payload, action.c.receipt, action.c.ended_at)
    .where(action.c.kind == "update", action.c.state == State.DONE)
    .order_by(action.c.ended_at)
)
