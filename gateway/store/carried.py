"""What was, or is to be, attached to a ticket, by its content: no file is sent twice, whatever it is called and wherever it came from."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave, is_ref
from gateway.store.schema import carried
from rules.ticket import TicketRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """`made` is the file's id at the ticket; None: it was intended, and whether it is there has to be asked."""

    sha256: str
    action_key: str
    size: int
    made: str | None


def intend(db: sa.Connection, ref: TicketRef, sha256: str, action_key: str, size: int, at: datetime) -> Carried:
    """Writes the intent down before anything is sent; returns who has it: an earlier file of the same content may."""
    row = {"connection": ref.connection, "key": ref.key, "sha256": sha256, "action_key": action_key, "size": size, "at": at}
    insert_or_leave(db, carried, [row])
    found = db.execute(sa.select(carried).where(is_ref(carried, ref.connection, ref.key), carried.c.sha256 == sha256)).mappings().one()
    if found["made"] is None and found["action_key"] != action_key:  # what was begun for another file has ended without effect
        mine = (is_ref(carried, ref.connection, ref.key), carried.c.sha256 == sha256)
        db.execute(sa.update(carried).where(*mine).values(action_key=action_key, at=at))
        return Carried(sha256=sha256, action_key=action_key, size=size, made=None)
    return _read(found)


def of_action(db: sa.Connection, action_key: str) -> Carried | None:
    """What an action meant to attach; None: it never came so far, and nothing was sent."""
    found = db.execute(sa.select(carried).where(carried.c.action_key == action_key)).mappings().first()
    return _read(found) if found else None


def made(db: sa.Connection, ref: TicketRef, sha256: str, id: str | None) -> None:
    """It is there, under this id."""
    mine = (is_ref(carried, ref.connection, ref.key), carried.c.sha256 == sha256)
    db.execute(sa.update(carried).where(*mine).values(made=id))


def _read(row: sa.RowMapping) -> Carried:
    return Carried(sha256=row["sha256"], action_key=row["action_key"], size=row["size"], made=row["made"])
