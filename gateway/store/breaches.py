"""Promises that were broken: facts, each with the target it was judged against, which no later change of a policy takes back."""

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave
from gateway.store.schema import breach
from rules.plan import Broken
from rules.ticket import TicketRef


def keep(db: sa.Connection, ref: TicketRef, some: Sequence[Broken]) -> None:
    """Writes down those that are not known yet."""
    mine = {"connection": ref.connection, "key": ref.key}
    rows = [
        {**mine, "climb": b.climb, "due_at": b.due_at, "policy": b.policy, "metric": b.metric, "target": b.target, "at": b.at} for b in some
    ]
    insert_or_leave(db, breach, rows)


def of_ticket(db: sa.Connection, ref: TicketRef) -> list[Broken]:
    """What was broken of a ticket, oldest first."""
    chosen = sa.select(breach).where(breach.c.connection == ref.connection, breach.c.key == ref.key).order_by(breach.c.at)
    return [
        Broken(policy=row.policy, metric=row.metric, climb=row.climb, at=row.at, due_at=row.due_at, target=row.target)
        for row in db.execute(chosen)
    ]


def climbs(db: sa.Connection) -> dict[TicketRef, frozenset[str]]:
    """By ticket: the climbs on which a promise was broken."""
    found: dict[TicketRef, set[str]] = {}
    for row in db.execute(sa.select(breach.c.connection, breach.c.key, breach.c.climb)):
        found.setdefault(TicketRef(row.connection, row.key), set()).add(row.climb)
    return {ref: frozenset(some) for ref, some in found.items()}
