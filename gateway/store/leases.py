"""Who has a ticket in hand: nobody else touches it until it is given back, or its holder is gone. Moments are the wall's."""

import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from gateway.clock import tick
from gateway.store.putting import insert_or_replace, is_ref
from gateway.store.schema import lease
from rules.ticket import TicketRef

LASTS = timedelta(minutes=5)
"""Longer than any one call with all its retries may take; a holder that died on this machine is noticed at once."""


BORN = tick()
"""Tells this process from an earlier one with the same number, as the first processes of containers are."""


def holder(name: str) -> str:
    """How a worker of this process signs: machine, process, birth, worker."""
    return f"{socket.gethostname()}/{os.getpid()}/{BORN}/{name}"


def take(db: sa.Connection, refs: Sequence[TicketRef], who: str, now: datetime) -> bool:
    """All of them or none. Taking again what one has extends it."""
    for ref in refs:
        row = db.execute(sa.select(lease.c.holder, lease.c.until).where(is_ref(lease, ref.connection, ref.key))).first()
        if row is not None and row.holder != who and row.until > now and _lives(row.holder):
            return False
    rows = [{"connection": ref.connection, "key": ref.key, "holder": who, "until": now + LASTS} for ref in refs]
    insert_or_replace(db, lease, rows)
    return True


def give_back(db: sa.Connection, refs: Sequence[TicketRef], who: str) -> None:
    for ref in refs:
        db.execute(sa.delete(lease).where(is_ref(lease, ref.connection, ref.key), lease.c.holder == who))


def _lives(there: str) -> bool:
    """Whether a holder may still be at work: one of another machine may, one of this machine if its process is there."""
    machine, process, born, _ = there.split("/", 3)
    if machine != socket.gethostname():
        return True
    if int(process) == os.getpid():
        return int(born) == BORN
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
