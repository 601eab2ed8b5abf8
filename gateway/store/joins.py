"""What tickets were joined to by `link`, and whose turn it is."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gateway.store.putting import insert_or_replace
from gateway.store.schema import joined, ticket, turn
from rules.ticket import TicketRef


def join(db: sa.Connection, ref: TicketRef, relation: str, other: TicketRef, rule: str, at: datetime) -> None:
    """The ticket has this problem, original or parent from now on."""
    row = {"connection": ref.connection, "key": ref.key, "relation": relation, "other": str(other), "rule": rule, "at": at}
    insert_or_replace(db, joined, [row])


def others(db: sa.Connection, refs: Sequence[TicketRef], relation: str) -> list[TicketRef]:
    """What these are joined to, the newest joining first, each once."""
    named = sa.tuple_(joined.c.connection, joined.c.key).in_([(ref.connection, ref.key) for ref in refs])
    chosen = sa.select(joined.c.other).where(joined.c.relation == relation, named).order_by(joined.c.at.desc(), joined.c.other)
    return [TicketRef.parse(name) for name in dict.fromkeys(db.execute(chosen).scalars())]


def of(db: sa.Connection, ref: TicketRef) -> list[tuple[str, TicketRef]]:
    """What a ticket is joined to, with the relation."""
    chosen = sa.select(joined.c.relation, joined.c.other).where(joined.c.connection == ref.connection, joined.c.key == ref.key)
    return [(row.relation, TicketRef.parse(row.other)) for row in db.execute(chosen.order_by(joined.c.relation))]


def is_other(db: sa.Connection, ref: TicketRef) -> bool:
    """Whether others are joined to it."""
    return db.execute(_IS_OTHER, {"named": str(ref)}).first() is not None


_IS_OTHER = sa.select(joined.c.key).where(joined.c.other == sa.bindparam("named")).limit(1)


def ended(db: sa.Connection, ref: TicketRef) -> bool:
    """Whether the ticket is known to be closed or gone."""
    row = db.execute(
        sa.select(ticket.c.status, ticket.c.gone_at).where(ticket.c.connection == ref.connection, ticket.c.key == ref.key)
    ).first()
    return row is not None and (row.gone_at is not None or row.status == "closed")


def turns(db: sa.Connection, rule: str) -> int:
    """How many turns a rule's `round_robin` gave out."""
    return int(db.execute(sa.select(turn.c.taken).where(turn.c.rule == rule)).scalar() or 0)


def took_turns(db: sa.Connection, rules: Sequence[str]) -> None:
    for rule in rules:
        insert_or_replace(db, turn, [{"rule": rule, "taken": turns(db, rule) + 1}])
