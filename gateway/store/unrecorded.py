"""What the ledger knows and the look of a ticket does not show yet: passes that were never recorded, writes of partners' passes."""

from datetime import datetime

import sqlalchemy as sa

from gateway.store import passes
from gateway.store.actions import State
from gateway.store.codec import from_json
from gateway.store.passes import Pass
from gateway.store.putting import is_ref
from gateway.store.schema import action, pass_, ticket
from rules.plan import Receipt, Update
from rules.ticket import TicketRef


def last_pass(db: sa.Connection, ref: TicketRef) -> Pass | None:
    """The newest pass over a ticket that acted and whose look was not recorded; None when there is none. Runs record their own."""
    mine = (is_ref(pass_, ref.connection, ref.key), pass_.c.run.is_(None))
    newest = db.execute(sa.select(pass_.c.id, pass_.c.at).where(*mine).order_by(pass_.c.at.desc(), pass_.c.id.desc()).limit(1)).first()
    if newest is None:
        return None
    seen_at = db.execute(sa.select(ticket.c.seen_at).where(is_ref(ticket, ref.connection, ref.key), ticket.c.looked)).scalar()
    acted = db.execute(sa.select(action.c.action_key).where(action.c.pass_id == newest.id).limit(1)).first()
    if acted is None or (seen_at is not None and seen_at >= newest.at):
        return None
    return passes.by_id(db, newest.id)


def wrote_since(db: sa.Connection, ref: TicketRef, moment: datetime) -> bool:
    """Whether a pass over another ticket has written to this one since then."""
    there = (action.c.target == ref.connection, action.c.target_key == ref.key, action.c.kind == "update", action.c.state == State.DONE)
    another = sa.or_(action.c.connection != ref.connection, action.c.key != ref.key)
    return db.execute(sa.select(action.c.action_key).where(*there, another, action.c.ended_at >= moment).limit(1)).first() is not None


def updates(db: sa.Connection, ref: TicketRef) -> list[tuple[Update, Receipt, datetime]]:
    """Every update of a ticket that was made, by whichever pass, with its answer and its moment, oldest first."""
    mine = (action.c.target == ref.connection, action.c.target_key == ref.key, action.c.kind == "update", action.c.state == State.DONE)
    chosen = sa.select(action.c.payload, action.c.receipt, action.c.ended_at).where(*mine).order_by(action.c.ended_at)
    return [(from_json(Update, row.payload), from_json(Receipt, row.receipt), row.ended_at) for row in db.execute(chosen)]
