"""Where tickets went that are no more: merged into another, moved under another key, deleted; and how far we asked after the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa

from connectors.errors import became
from gateway.store.codec import ticket_from
from gateway.store.putting import insert_or_replace, of_ref, the_ref
from gateway.store.schema import alias, identity, swept, ticket
from rules.observation import MergedIn
from rules.ticket import TicketRef

Row: TypeAlias = sa.Row[*tuple[Any, ...]]
BEGINNING = datetime.min.replace(tzinfo=UTC)
_MERGES = (
    sa.select(alias.c.connection, alias.c.key, alias.c.into, alias.c.at, ticket.c.seen)
    .outerjoin(ticket, sa.and_(ticket.c.connection == alias.c.connection, ticket.c.key == alias.c.key))
    .where(alias.c.how == "merged", alias.c.into.is_not(None))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """What became of the ticket of this key; `into` is where it goes on, None where it does not."""

    ref: TicketRef
    into: TicketRef | None
    how: str
    at: datetime | None  # when we noticed it

    def __str__(self) -> str:
        return f"{self.ref} was {became(self.how, str(self.into))}"


def put(db: sa.Connection, ref: TicketRef, how: str, into: str | None, at: datetime) -> None:
    """The first moment at which it was noticed stays. Where a ticket moved to, there it is: what was said of that key before is over."""
    if how == "moved" and into is not None:
        forget(db, ref.connection, [into])
    known = of(db, ref)
    if known is None or (known.how, known.into and known.into.key) != (how, into):
        insert_or_replace(db, alias, [{"connection": ref.connection, "key": ref.key, "into": into, "how": how, "at": at}])


def of(db: sa.Connection, ref: TicketRef) -> Alias | None:
    row = db.execute(_ONE, of_ref(ref)).mappings().first()
    return _alias(row) if row else None


_ONE = sa.select(alias).where(the_ref(alias))


def led_to(db: sa.Connection, ref: TicketRef) -> list[Alias]:
    """The way from a ticket to where it goes on today, step by step; empty for one that is there."""
    way: list[Alias] = []
    here: TicketRef | None = ref
    while here is not None and here not in [step.ref for step in way] and (step := of(db, here)) is not None:
        way.append(step)
        here = step.into
    return way


def moved_here(db: sa.Connection, ref: TicketRef) -> list[TicketRef]:
    """The keys under which a ticket is still remembered, although it moved from there to this one."""
    return [TicketRef(ref.connection, old) for old, _ in _waiting(db, ref.connection, [ref.key])]


def led_here(db: sa.Connection, connection: str, keys: Sequence[str]) -> frozenset[str]:
    """To which of these keys another one leads."""
    return frozenset(db.execute(_LED_HERE, {"at": connection, "keys": keys}).scalars())


_AT, _INTO = alias.c.connection == sa.bindparam("at"), alias.c.into.in_(sa.bindparam("keys", expanding=True))
_LED_HERE = sa.select(alias.c.into).where(_AT, _INTO).distinct()


def expected(db: sa.Connection, connection: str, keys: Sequence[str]) -> frozenset[str]:
    """Which of these keys a ticket moved to that is still remembered under another."""
    return frozenset(into for _, into in _waiting(db, connection, keys))


def _waiting(db: sa.Connection, connection: str, keys: Sequence[str]) -> list[tuple[str, str]]:
    return [(row.key, row.into) for row in db.execute(_WAITING, {"at": connection, "keys": keys})]


_KNOWN = sa.and_(ticket.c.connection == alias.c.connection, ticket.c.key == alias.c.key, ticket.c.gone_at.is_(None))
_WAITING = sa.select(alias.c.key, alias.c.into).join(ticket, _KNOWN).where(_AT, _INTO, alias.c.how == "moved")


def forget(db: sa.Connection, connection: str, keys: Sequence[str]) -> None:
    """They are there under these very keys: restored, or moved back."""
    db.execute(sa.delete(alias).where(alias.c.connection == connection, alias.c.key.in_(keys)))


def changed_keys(db: sa.Connection, connection: str, ids: Mapping[str, str]) -> dict[str, str]:
    """Of tickets whose ids (by key) came on a page: the old key of each that has another now, with the new one. Remembers the new ones."""
    key_of = {id: key for key, id in ids.items()}
    before = {row.id: row.key for row in db.execute(_IDENTITIES, {"at": connection, "ids": [*key_of]})} if ids else {}
    rows = [{"connection": connection, "id": id, "key": key} for id, key in key_of.items() if before.get(id) != key]
    insert_or_replace(db, identity, rows)
    return {old: key_of[id] for id, old in before.items() if old != key_of[id]}


_IDENTITIES = sa.select(identity.c.id, identity.c.key).where(
    identity.c.connection == sa.bindparam("at"), identity.c.id.in_(sa.bindparam("ids", expanding=True))
)


def merged_in(db: sa.Connection, ref: TicketRef) -> tuple[MergedIn, ...]:
    """The tickets that were merged into this one, and into those in turn, as far as they were known before."""

    def merged_into(key: str) -> Sequence[Row]:
        return db.execute(_MERGED_INTO, of_ref(TicketRef(ref.connection, key))).all()

    return tuple(_merged(ref.key, merged_into, BEGINNING, {ref.key}))


_MERGED_INTO = _MERGES.where(alias.c.connection == sa.bindparam("of_connection"), alias.c.into == sa.bindparam("of_key"))


def all_merged_in(db: sa.Connection) -> dict[TicketRef, tuple[MergedIn, ...]]:
    """The same for every ticket that has taken others in."""
    rows: dict[TicketRef, list[Row]] = {}
    for row in db.execute(_MERGES):
        rows.setdefault(TicketRef(row.connection, row.into), []).append(row)
    return {ref: tuple(_merged(ref.key, partial(_of, rows, ref.connection), BEGINNING, {ref.key})) for ref in rows}


def _of(rows: Mapping[TicketRef, Sequence[Row]], connection: str, into: str) -> Sequence[Row]:
    return rows.get(TicketRef(connection, into), ())


def _merged(key: str, into: Callable[[str], Sequence[Row]], since: datetime, met: set[str]) -> Iterator[MergedIn]:
    for row in into(key):
        if row.key not in met:
            met.add(row.key)
            at = max(row.at, since)
            if row.seen:
                yield MergedIn(created_at=ticket_from(row.seen).created_at, at=at)
            yield from _merged(row.key, into, at, met)


def swept_upto(db: sa.Connection, connection: str) -> tuple[str, datetime] | None:
    """The key after which the sweep goes on, and when it last went on."""
    row = db.execute(sa.select(swept).where(swept.c.connection == connection)).first()
    return (row.upto, row.at) if row else None


def sweep_on(db: sa.Connection, connection: str, upto: str, at: datetime) -> None:
    insert_or_replace(db, swept, [{"connection": connection, "upto": upto, "at": at}])


def known_after(db: sa.Connection, connection: str, key: str, count: int) -> list[str]:
    """The next keys of tickets that are remembered as being there."""
    mine = (ticket.c.connection == connection, ticket.c.gone_at.is_(None), ticket.c.looked, ticket.c.key > key)
    return list(db.execute(sa.select(ticket.c.key).where(*mine).order_by(ticket.c.key).limit(count)).scalars())


def _alias(row: sa.RowMapping) -> Alias:
    ref = TicketRef(row["connection"], row["key"])
    into = TicketRef(ref.connection, row["into"]) if row["into"] else None
    return Alias(ref=ref, into=into, how=row["how"], at=row["at"])
