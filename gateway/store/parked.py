"""What needs a person besides actions: tickets that cannot be read or judged, words that nobody declared, held batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import sqlalchemy as sa

from gateway.store.putting import insert_or_replace, the_ref
from gateway.store.schema import parked

Kind: TypeAlias = Literal["unreadable", "word", "poison", "batch", "link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """One item of the queue. `key` is empty for a batch."""

    id: int
    connection: str
    key: str
    kind: str
    reason: str
    times: int
    at: datetime


def park(db: sa.Connection, connection: str, key: str, kind: Kind, reason: str, at: datetime, version: str | None = None) -> None:
    """Puts it into the queue, once for a ticket and kind; again only counts."""
    mine = (parked.c.connection == connection, parked.c.key == key, parked.c.kind == kind)
    times = (db.execute(sa.select(parked.c.times).where(*mine)).scalar() or 0) + 1
    row = {"connection": connection, "key": key, "kind": kind, "reason": reason, "version": version, "times": times, "at": at}
    insert_or_replace(db, parked, [row], by=("connection", "key", "kind"))


def unpark(db: sa.Connection, connection: str, key: str, *kinds: Kind) -> None:
    """What was wrong with it is over."""
    mine = {"of_connection": connection, "of_key": key}
    db.execute(_UNPARK_SOME, {**mine, "kinds": kinds}) if kinds else db.execute(_UNPARK, mine)


_UNPARK = sa.delete(parked).where(the_ref(parked))
_UNPARK_SOME = _UNPARK.where(parked.c.kind.in_(sa.bindparam("kinds", expanding=True)))


def versions(db: sa.Connection, connection: str, keys: Sequence[str]) -> dict[str, str]:
    """By key: the version at which a ticket was parked, where it has one."""
    return {row.key: row.version for row in db.execute(_VERSIONS, {"of_connection": connection, "keys": keys})}


_VERSIONS = sa.select(parked.c.key, parked.c.version).where(
    parked.c.connection == sa.bindparam("of_connection"),
    parked.c.key.in_(sa.bindparam("keys", expanding=True)),
    parked.c.version.is_not(None),
)


def count(db: sa.Connection) -> int:
    return int(db.execute(sa.select(sa.func.count()).select_from(parked)).scalar_one())


def all_of(db: sa.Connection) -> list[Parked]:
    names = ("id", "connection", "key", "kind", "reason", "times", "at")
    rows = db.execute(sa.select(*(parked.c[name] for name in names)).order_by(parked.c.id)).mappings()
    return [Parked(**row) for row in rows]
