"""Known tickets by what the rules compare, so that "how many are alike" and "how much work has she" are one look at an index."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa

from gateway.store.codec import from_json
from gateway.store.putting import insert_or_leave
from gateway.store.schema import alike, joined, question, ticket
from rules.ticket import Ticket, TicketRef

Said: TypeAlias = Mapping[str, str]
"""Question: what the ticket answers to it, for those to which it has an answer."""
MOST = 10_000
"""Alike tickets that are looked at; more are as good as these."""


def put(db: sa.Connection, some: Iterable[tuple[Ticket, Said]]) -> None:
    """What these tickets say now takes the place of what they said before."""
    some = list(some)
    for connection in {one.ref.connection for one, _ in some}:
        keys = [one.ref.key for one, _ in some if one.ref.connection == connection]
        db.execute(sa.delete(alike).where(alike.c.connection == connection, alike.c.key.in_(keys)))
    insert_or_leave(db, alike, [row for one, said in some for row in _rows(one, said)])


def _rows(one: Ticket, said: Said) -> list[dict[str, object]]:
    mine = {"connection": one.ref.connection, "key": one.ref.key, "at": one.created_at}
    return [{**mine, "question": name, "value": value} for name, value in said.items()]


def made(db: sa.Connection, name: str, value: str, between: tuple[datetime, datetime]) -> list[tuple[datetime, TicketRef]]:
    """Tickets of this answer made in that time, ends excluded, oldest first; not the problems and parents of others."""
    name_of = alike.c.connection + ":" + alike.c.key
    others = sa.select(joined.c.other).where(joined.c.other == name_of, joined.c.relation != "duplicate").exists()
    mine = (alike.c.question == name, alike.c.value == value, alike.c.at > between[0], alike.c.at < between[1])
    chosen = sa.select(alike.c.at, alike.c.connection, alike.c.key).where(*mine, ~others).order_by(alike.c.at).limit(MOST)
    return [(row.at, TicketRef(row.connection, row.key)) for row in db.execute(chosen)]


def count(db: sa.Connection, name: str, value: str, but: TicketRef) -> int:
    """How many tickets have this answer, that one left out."""
    another = sa.or_(alike.c.connection != but.connection, alike.c.key != but.key)
    mine = (alike.c.question == name, alike.c.value == value, another)
    return int(db.execute(sa.select(sa.func.count()).select_from(alike).where(*mine)).scalar_one())


def unasked(db: sa.Connection, names: Collection[str]) -> frozenset[str]:
    """Questions for which the tickets seen earlier were not asked."""
    known = frozenset(db.execute(sa.select(question.c.question)).scalars())
    return frozenset(names) - known


def asked(db: sa.Connection, names: Collection[str], at: datetime) -> None:
    """From now on exactly these are kept up to date; what others left behind goes."""
    gone = [name for name in db.execute(sa.select(question.c.question)).scalars() if name not in names]
    if gone:
        db.execute(sa.delete(question).where(question.c.question.in_(gone)))
        db.execute(sa.delete(alike).where(alike.c.question.in_(gone)))
    insert_or_leave(db, question, [{"question": name, "since": at} for name in sorted(names)])


def known(db: sa.Connection, after: TicketRef | None, limit: int = 1000) -> Sequence[Ticket]:
    """Tickets that were looked at and are still there, in the order of their names, from one on."""
    chosen = sa.select(ticket.c.seen).where(ticket.c.looked, ticket.c.gone_at.is_(None))
    if after is not None:
        chosen = chosen.where(sa.tuple_(ticket.c.connection, ticket.c.key) > sa.tuple_(after.connection, after.key))
    rows = db.execute(chosen.order_by(ticket.c.connection, ticket.c.key).limit(limit)).scalars()
    return [from_json(Ticket, seen) for seen in rows]
