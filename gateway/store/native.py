"""What the systems themselves say of their SLAs, ticket by ticket, beside what our clocks say."""

from collections.abc import Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa

from connectors.base import NativeSla
from gateway.store.codec import from_json, to_json
from gateway.store.putting import insert_or_replace, is_ref
from gateway.store.schema import native_sla
from rules.ticket import TicketRef


def saw(db: sa.Connection, ref: TicketRef, some: Sequence[NativeSla], at: datetime) -> None:
    """What it says now replaces what it said before."""
    said = orjson.dumps([orjson.Fragment(to_json(one)) for one in some])
    insert_or_replace(db, native_sla, [{"connection": ref.connection, "key": ref.key, "said": said, "at": at}])


def of_ticket(db: sa.Connection, ref: TicketRef) -> tuple[NativeSla, ...]:
    found = db.execute(sa.select(native_sla.c.said).where(is_ref(native_sla, ref.connection, ref.key))).scalar()
    return _read(found) if found is not None else ()


def all_of(db: sa.Connection) -> dict[TicketRef, tuple[NativeSla, ...]]:
    """By ticket, where its system says anything."""
    return {TicketRef(row.connection, row.key): _read(row.said) for row in db.execute(sa.select(native_sla))}


def _read(said: bytes) -> tuple[NativeSla, ...]:
    return tuple(from_json(NativeSla, orjson.dumps(one)) for one in orjson.loads(said))
