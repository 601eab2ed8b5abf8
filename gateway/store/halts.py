"""Writing that a person has stopped, everywhere or at one connection, until somebody lets it go on."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store.putting import insert_or_replace
from gateway.store.schema import halt

EVERYWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Nothing is written there (`connection` empty: anywhere), by whom, since when and why."""

    connection: str
    reason: str
    who: str
    at: datetime

    def __str__(self) -> str:
        where = f"at {self.connection}" if self.connection else "everywhere"
        return f"writing is stopped {where} since {self.at:%Y-%m-%d %H:%M}Z by {self.who}: {self.reason}"


def stop(db: sa.Connection, connection: str, reason: str, who: str, at: datetime) -> None:
    """From the next action on. Stopped again, the later reason stands."""
    insert_or_replace(db, halt, [{"connection": connection, "reason": reason, "who": who, "at": at}])


def go_on(db: sa.Connection, connection: str) -> bool:
    """Whether it had been stopped."""
    return bool(db.execute(sa.delete(halt).where(halt.c.connection == connection)).rowcount)


def at(db: sa.Connection, connection: str) -> Halt | None:
    """What stops an action that goes there."""
    row = db.execute(_AT, {"here": connection}).mappings().first()
    return Halt(**row) if row else None


_AT = sa.select(halt).where(sa.or_(halt.c.connection == EVERYWHERE, halt.c.connection == sa.bindparam("here"))).limit(1)


def all_of(db: sa.Connection) -> list[Halt]:
    return [Halt(**row) for row in db.execute(sa.select(halt).order_by(halt.c.connection)).mappings()]
