"""`insert ... on conflict`, which SQLite and PostgreSQL both have and SQLAlchemy says in each one's dialect."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_leave(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows that are not there yet."""
    if rows:
        db.execute(_insert(db, table).on_conflict_do_nothing(), list(rows))


def insert_or_replace(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], by: Iterable[str] = ()) -> None:
    """Inserts the rows, or puts their values into those that are there; known by the primary key, or the columns of `by`."""
    if not rows:
        return
    keys = tuple(by) or tuple(column.name for column in table.primary_key)
    statement = _insert(db, table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    db.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=new), list(rows))


def _insert(db: sa.Connection, table: sa.Table) -> sqlite.Insert:
    if db.dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # the two have the same methods and no common class
    return sqlite.insert(table)


def is_ref(table: sa.Table, connection: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.connection == connection, table.c.key == key)
