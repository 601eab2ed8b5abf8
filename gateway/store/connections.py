"""How far each connection was read, and how it is: reading, paused until a moment, or stopped until a person acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave
from gateway.store.schema import cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One connection. `state`: ok | paused | stopped | failing; `watermark` is the latest `updated_at` that its tickets showed."""

    connection: str
    cursor: str | None = None
    watermark: datetime | None = None
    connected_at: datetime | None = None
    polled_at: datetime | None = None
    state: str = "ok"
    paused_until: datetime | None = None
    error: str | None = None
    error_at: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """Whether nothing may be asked of it at `now` (the wall's time)."""
        return self.state == "stopped" or (self.paused_until is not None and now < self.paused_until)


def standing(db: sa.Connection, connection: str) -> Standing:
    row = db.execute(_ONE, {"of_connection": connection}).mappings().first()
    return Standing(**row) if row else Standing(connection=connection)


_IS_IT = cursor.c.connection == sa.bindparam("of_connection")
_ONE, _SET = sa.select(cursor).where(_IS_IT), sa.update(cursor).where(_IS_IT)


def all_of(db: sa.Connection) -> list[Standing]:
    return [Standing(**row) for row in db.execute(sa.select(cursor).order_by(cursor.c.connection)).mappings()]


def connected(db: sa.Connection, connection: str, at: datetime) -> datetime:
    """The moment of the first read, by the system's own clock once a page of it was stored; `at` when this is it."""
    insert_or_leave(db, cursor, [{"connection": connection, "state": "ok"}])
    is_it = cursor.c.connection == connection
    db.execute(sa.update(cursor).where(is_it, cursor.c.connected_at.is_(None)).values(connected_at=at))
    found: datetime = db.execute(sa.select(cursor.c.connected_at).where(is_it)).scalar_one()
    return found


def shifted(db: sa.Connection, connection: str, by: timedelta) -> datetime:
    """The moment of the first read by the system's own clock, to which the stamps of its tickets are held. Once, with the first page."""
    found: datetime = db.execute(sa.select(cursor.c.connected_at).where(cursor.c.connection == connection)).scalar_one() + by
    if by:
        _set(db, connection, connected_at=found)
    return found


def moved(db: sa.Connection, connection: str, to: str, watermark: datetime | None, at: datetime) -> None:
    """The cursor goes on; call it in the transaction that stores the page."""
    values = {"cursor": to, "polled_at": at} | ({"watermark": watermark} if watermark else {})
    _set(db, connection, **values)


def recovered(db: sa.Connection, connection: str) -> None:
    """It answered: whatever was wrong is over."""
    _set(db, connection, state="ok", paused_until=None, error=None, error_at=None)


def paused(db: sa.Connection, connection: str, until: datetime, reason: str, at: datetime) -> None:
    """Nothing is asked of it until then (the wall's time). One that is stopped stays so."""
    if standing(db, connection).state != "stopped":
        _set(db, connection, state="paused", paused_until=until, error=reason, error_at=at)


def failing(db: sa.Connection, connection: str, reason: str, at: datetime) -> None:
    """It answers nonsense; the next poll tries again."""
    _set(db, connection, state="failing", error=reason, error_at=at)


def stopped(db: sa.Connection, connection: str, reason: str, at: datetime) -> None:
    """Only a person can help, and a new start."""
    _set(db, connection, state="stopped", error=reason, error_at=at)


def started(db: sa.Connection, connection: str) -> None:
    """A new start: a connection that was stopped is asked again."""
    db.execute(sa.update(cursor).where(cursor.c.connection == connection, cursor.c.state == "stopped").values(state="ok"))


def forgot(db: sa.Connection, connection: str) -> None:
    """The vendor no longer knows the cursor: read again from the watermark."""
    _set(db, connection, cursor=None)


def _set(db: sa.Connection, connection: str, **values: object) -> None:
    insert_or_leave(db, cursor, [{"connection": connection, "state": "ok"}])
    db.execute(_SET, {"of_connection": connection, **values})
