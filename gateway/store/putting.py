"""`insert ... on conflict`, which SQLite and PostgreSQL both have and SQLAlchemy says in each one's dialect."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_leave(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows that are not there yet."""
    if rows:
        db.execute(_insert(db.dialect, table).on_conflict_do_nothing(), list(rows))


def insert_or_replace(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], by: Iterable[str] = ()) -> None:
    """Inserts the rows, or puts their values into those that are there; known by the primary key, or the columns of `by`."""
    if rows:
        db.execute(replacing(db.dialect, table, rows[0], by), list(rows))


def replacing(
    dialect: sa.Dialect, table: sa.Table, names: Iterable[str], by: Iterable[str] = (), where: sa.ColumnElement[bool] | None = None
) -> sqlite.Insert:
    """The statement that inserts these columns, or puts them into the row that is there, if `where` holds of it."""
    keys = tuple(by) or tuple(column.name for column in table.primary_key)
    statement = _insert(dialect, table)
    new = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=new, where=where)


def as_text(dialect: sa.Dialect, statement: sa.Insert, names: Sequence[str]) -> str:
    """An insert as the driver takes it. Raises `AssertionError` where `names` are not in the order of the table's columns."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    if compiled.positional and compiled.positiontup != list(names):
        raise AssertionError(f"the values would go into other columns: {compiled.positiontup}")
    return str(compiled)


def execute_rows(db: sa.Connection, text: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
    """Runs what `as_text` made for rows of values in the order of `names`, ready for the driver; how many took effect.

    For thousands of rows: SQLAlchemy's own work on each costs more than the database's.
    """
    if not rows:
        return 0
    many: list[Any] = list(rows) if db.dialect.positional else [dict(zip(names, row, strict=True)) for row in rows]
    return db.exec_driver_sql(text, many).rowcount


def _insert(dialect: sa.Dialect, table: sa.Table) -> sqlite.Insert:
    if dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # the two have the same methods and no common class
    return sqlite.insert(table)


def is_ref(table: sa.Table, connection: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.connection == connection, table.c.key == key)
