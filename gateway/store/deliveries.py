"""Which webhooks were heard already, so that a second copy of one, or one played again, makes nobody look twice."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave
from gateway.store.schema import delivery

KEPT = timedelta(days=7)
"""Longer than any system repeats a delivery (Salesforce: a day), and than any signed stamp is believed."""


def is_first(db: sa.Connection, connection: str, name: str, at: datetime) -> bool:
    """Whether this delivery was never heard before; from now on it was."""
    before = sa.select(delivery.c.at).where(delivery.c.connection == connection, delivery.c.name == name)
    if db.execute(before).first() is not None:
        return False
    insert_or_leave(db, delivery, [{"connection": connection, "name": name, "at": at}])
    return True


def forget_before(db: sa.Connection, at: datetime) -> None:
    db.execute(sa.delete(delivery).where(delivery.c.at < at))
