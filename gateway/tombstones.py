"""What it means for all that we remember when a ticket is no more: a tombstone for one deleted or merged, a new name for one moved.

That a ticket is missing somewhere means nothing by itself: only what a system says, or its answer about that very ticket, ends here.
"""

from collections.abc import Collection
from datetime import datetime

import orjson
import sqlalchemy as sa

from connectors.errors import became
from gateway.store import actions, aliases, inbox, tickets
from gateway.store.putting import is_ref
from gateway.store.schema import (
    action,
    alarm,
    alike,
    approval,
    breach,
    carried,
    delayed,
    happening,
    joined,
    link,
    native_sla,
    page,
    parked,
    pass_,
    restricted,
    stage,
    ticket,
)
from rules.ticket import TicketRef

KEYED = (
    ticket,
    happening,
    alarm,
    breach,
    native_sla,
    stage,
    restricted,
    joined,
    alike,
    page,
    approval,
    parked,
    action,
    pass_,
    delayed,
    carried,
)
"""What is kept by the ticket's name."""


def ended(db: sa.Connection, ref: TicketRef, how: str, into: str | None, at: datetime) -> None:
    """It is no more: a tombstone, no signals, and what was still to be written about it has failed for this reason.

    So is what is remembered of it under a key from which it moved, where nobody has looked at the new one yet.
    """
    for old in aliases.moved_here(db, ref):
        ended(db, old, "moved", ref.key, at)
    aliases.put(db, ref, how, into, at)
    tickets.gone(db, ref, at)
    inbox.settle_ticket(db, ref)
    actions.fail_about(db, ref, f"{ref} was {became(how, into and str(TicketRef(ref.connection, into)))}", at)
    if how == "merged" and into is not None:
        _merged_into(db, TicketRef(ref.connection, into), at)


def _merged_into(db: sa.Connection, ref: TicketRef, at: datetime) -> None:
    """The one that goes on is looked at: its clocks may start with the first that was merged into it."""
    there = sa.select(ticket.c.key).where(is_ref(ticket, ref.connection, ref.key), ticket.c.looked, ticket.c.gone_at.is_(None))
    if db.execute(there).first() is not None:
        tickets.look_again(db, ref, at)


def renamed(db: sa.Connection, old: TicketRef, new: TicketRef, at: datetime) -> None:
    """The same ticket under another key: its past, its stages, its pairs and its questions are the new one's.

    Where the new one is known by itself already, the old one is a tombstone like any other.
    """
    if tickets.seen(db, new) is not None:
        ended(db, old, "moved", new.key, at)
        return
    actions.fail_about(db, old, f"{old} was {became('moved', str(new))}", at)
    for table in (alarm, alike, parked):  # what the new name may have got before it was known to be this ticket's
        db.execute(sa.delete(table).where(is_ref(table, new.connection, new.key)))
    for table in KEYED:
        db.execute(sa.update(table).where(is_ref(table, old.connection, old.key)).values(key=new.key))
    db.execute(sa.update(action).where(action.c.target == old.connection, action.c.target_key == old.key).values(target_key=new.key))
    db.execute(sa.update(joined).where(joined.c.other == str(old)).values(other=str(new)))
    tickets.called(db, new)
    _pairs_renamed(db, str(old), str(new))
    aliases.put(db, old, "moved", new.key, at)
    inbox.settle_ticket(db, old)


def _pairs_renamed(db: sa.Connection, old: str, new: str) -> None:
    """A pair's sides stand in the order of their names, and the copies of comments by the names of their tickets."""
    rows = db.execute(sa.select(link).where(sa.or_(link.c.left == old, link.c.right == old))).mappings().all()
    for row in rows:
        sides = sorted(new if row[side] == old else row[side] for side in ("left", "right"))
        mirrored = [name.replace(f"{old}#", f"{new}#", 1) if name.startswith(f"{old}#") else name for name in orjson.loads(row["mirrored"])]
        made = new if row["made"] == old else row["made"]
        here = (link.c.left == row["left"], link.c.right == row["right"])
        values = {"left": sides[0], "right": sides[1], "made": made, "mirrored": orjson.dumps(sorted(mirrored))}
        db.execute(sa.update(link).where(*here).values(**values))


def known(db: sa.Connection, connection: str, keys: Collection[str]) -> list[str]:
    """Those of these tickets that are remembered as being there."""
    mine = (ticket.c.connection == connection, ticket.c.key.in_([*keys]), ticket.c.gone_at.is_(None))
    return list(db.execute(sa.select(ticket.c.key).where(*mine)).scalars()) if keys else []
