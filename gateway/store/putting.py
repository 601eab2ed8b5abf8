"""`insert ... on conflict`, which SQLite and PostgreSQL both have and SQLAlchemy says in each one's dialect."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from rules.ticket import TicketRef


def insert_or_leave(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows that are not there yet."""
    if rows:
        db.execute(_leaving(db.dialect.name, table), list(rows))


def insert_or_replace(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], by: Iterable[str] = ()) -> None:
    """Inserts the rows, or puts their values into those that are there; known by the primary key, or the columns of `by`."""
    if rows:
        db.execute(_replacing(db.dialect.name, table, tuple(rows[0]), tuple(by)), list(rows))


def replacing(
    dialect: sa.Dialect, table: sa.Table, names: Iterable[str], by: Iterable[str] = (), where: sa.ColumnElement[bool] | None = None
) -> sqlite.Insert:
    """The statement that inserts these columns, or puts them into the row that is there, if `where` holds of it."""
    return _or_replaced(_insert(dialect.name, table), names, by, where)


def _or_replaced(
    statement: sqlite.Insert, names: Iterable[str], by: Iterable[str], where: sa.ColumnElement[bool] | None = None
) -> sqlite.Insert:
    keys = tuple(by) or tuple(column.name for column in statement.table.primary_key)
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


@cache
def _leaving(kind: str, table: sa.Table) -> sqlite.Insert:
    return _insert(kind, table).on_conflict_do_nothing()


@cache
def _replacing(kind: str, table: sa.Table, names: tuple[str, ...], by: tuple[str, ...]) -> sqlite.Insert:
    return _or_replaced(_insert(kind, table), names, by)


def _insert(kind: str, table: sa.Table) -> sqlite.Insert:
    if kind == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # the two have the same methods and no common class
    return sqlite.insert(table)


def is_ref(table: sa.Table, connection: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.connection == connection, table.c.key == key)


def the_ref(table: sa.Table) -> sa.ColumnElement[bool]:
    """`is_ref` for a statement that is made once, and run with what `of_ref` says.

    Half of what SQLAlchemy does for one small statement is putting it together and working out by what it is known; a look at a
    ticket runs some sixty.
    """
    return sa.and_(table.c.connection == sa.bindparam("of_connection"), table.c.key == sa.bindparam("of_key"))


def of_ref(ref: TicketRef) -> dict[str, str]:
    return {"of_connection": ref.connection, "of_key": ref.key}
