"""Tickets that are restricted, and the kinds of personal data that leave us no more of each. Lasting: a kind is never taken back."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gateway.store.putting import insert_or_replace
from gateway.store.schema import restricted
from rules.plan import Restriction
from rules.ticket import TicketRef


def restrict(db: sa.Connection, ref: TicketRef, some: Sequence[Restriction], at: datetime) -> None:
    """From now on, besides what holds already."""
    if some:
        kinds = kinds_of(db, [ref]).union(*(one.kinds for one in some))
        row = {"connection": ref.connection, "key": ref.key, "kinds": ",".join(sorted(kinds)), "rule": some[-1].rule, "at": at}
        insert_or_replace(db, restricted, [row])


def kinds_of(db: sa.Connection, refs: Sequence[TicketRef]) -> frozenset[str]:
    """What leaves us no more of these tickets, all together."""
    rows = db.execute(_KINDS, {"refs": [(ref.connection, ref.key) for ref in refs]}).scalars()
    return frozenset(kind for kinds in rows for kind in kinds.split(",") if kind)


_NAMED = sa.tuple_(restricted.c.connection, restricted.c.key).in_(sa.bindparam("refs", expanding=True))
_KINDS = sa.select(restricted.c.kinds).where(_NAMED)
