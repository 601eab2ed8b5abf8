"""Messages that wait for business hours: intended like any other, sent once their moment has come."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from gateway.store.actions import State, waits_until
from gateway.store.putting import insert_or_leave
from gateway.store.schema import action, delayed
from rules.plan import Action
from rules.ticket import TicketRef


def put(db: sa.Connection, ref: TicketRef, actions: Iterable[Action]) -> None:
    """Notes the moments of those that wait and were just intended."""
    moments = ((what.key, waits_until(what)) for what in actions)
    rows = [{"action_key": key, "connection": ref.connection, "key": ref.key, "at": at} for key, at in moments if at is not None]
    insert_or_leave(db, delayed, rows)


def following(db: sa.Connection) -> datetime | None:
    """When the next message wants to be sent; it may be past."""
    found: datetime | None = db.execute(sa.select(delayed.c.at).order_by(delayed.c.at).limit(1)).scalar()
    return found


def released(db: sa.Connection, now: datetime, limit: int = 1000) -> list[TicketRef]:
    """Those whose moment has come are planned like any other from now on; the tickets to look at."""
    chosen = sa.select(delayed).where(delayed.c.at <= now).order_by(delayed.c.at).limit(limit)
    rows = db.execute(chosen).mappings().all()
    keys = [row["action_key"] for row in rows]
    db.execute(sa.update(action).where(action.c.action_key.in_(keys), action.c.state == State.DELAYED).values(state=State.PLANNED))
    db.execute(sa.delete(delayed).where(delayed.c.action_key.in_(keys)))
    return list(dict.fromkeys(TicketRef(row["connection"], row["key"]) for row in rows))
