"""What the ledger knows and the look of a ticket does not show yet: passes that were never recorded, writes of partners' passes."""

from datetime import datetime

import sqlalchemy as sa

from gateway.store import passes
from gateway.store.actions import State
from gateway.store.codec import from_json
from gateway.store.passes import Pass
from gateway.store.putting import of_ref, the_ref
from gateway.store.schema import action, pass_, ticket
from rules.plan import Receipt, Update
from rules.ticket import TicketRef


def last_pass(db: sa.Connection, ref: TicketRef) -> Pass | None:
    """The newest pass over a ticket that acted and whose look was not recorded; None when there is none. Runs record their own."""
    newest = db.execute(_NEWEST, of_ref(ref)).first()
    if newest is None or (newest.seen_at is not None and newest.seen_at >= newest.at):
        return None
    acted = db.execute(_ACTED, {"of_pass": newest.id}).first()
    return passes.by_id(db, newest.id) if acted is not None else None


_SEEN_AT = sa.select(ticket.c.seen_at).where(the_ref(ticket), ticket.c.looked).scalar_subquery()
_NEWEST = (
    sa.select(pass_.c.id, pass_.c.at, _SEEN_AT.label("seen_at"))
    .where(the_ref(pass_), pass_.c.run.is_(None))
    .order_by(pass_.c.at.desc(), pass_.c.id.desc())
    .limit(1)
)
_ACTED = sa.select(action.c.action_key).where(action.c.pass_id == sa.bindparam("of_pass")).limit(1)


def wrote_since(db: sa.Connection, ref: TicketRef, moment: datetime) -> bool:
    """Whether a pass over another ticket has written to this one since then."""
    return db.execute(_WROTE_SINCE, {**of_ref(ref), "moment": moment}).first() is not None


_OF_CONNECTION: sa.BindParameter[str] = sa.bindparam("of_connection")
_OF_KEY: sa.BindParameter[str] = sa.bindparam("of_key")
_WROTE_SINCE = (
    sa.select(action.c.action_key)
    .where(action.c.target == _OF_CONNECTION, action.c.target_key == _OF_KEY, action.c.kind == "update", action.c.state == State.DONE)
    .where(sa.or_(action.c.connection != _OF_CONNECTION, action.c.key != _OF_KEY), action.c.ended_at >= sa.bindparam("moment"))
    .limit(1)
)


def updates(db: sa.Connection, ref: TicketRef) -> list[tuple[Update, Receipt, datetime]]:
    """Every update of a ticket that was made, by whichever pass, with its answer and its moment, oldest first."""
    mine = (action.c.target == ref.connection, action.c.target_key == ref.key, action.c.kind == "update", action.c.state == State.DONE)
    chosen = sa.select(action.c.payload, action.c.receipt, action.c.ended_at).where(*mine).order_by(action.c.ended_at)
    return [(from_json(Update, row.payload), from_json(Receipt, row.receipt), row.ended_at) for row in db.execute(chosen)]
