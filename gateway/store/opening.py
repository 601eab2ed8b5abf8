"""Opens the store: one SQLite file with durable commits, one writer at a time, readers that never wait; its schema brought up to date."""

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.store.columns import metadata
from gateway.store.keeping import NotKept, before_upgrade, copied
from gateway.store.schema import SCHEMA

PRAGMAS = (
    "busy_timeout=10000",  # first, or two processes that start together meet at journal_mode
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=4000",  # pages, 16 MB: a large read's pages are copied into the file four times less often
    "cache_size=-8000",  # kB; keys come in no order, and an index of 50,000 does not fit into the usual 2 MB: a fifth less system time
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "journal_size_limit=67108864",
)
VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
"""Where Alembic writes down the schema of a store, as it would make it itself."""


class WrongStore(Exception):
    """The store cannot be opened; the message says why and what to do."""


class Store:
    """An open database. `writing` and `reading` give a transaction, which the verbs of the stories take."""

    def __init__(self, engine: sa.Engine) -> None:
        self._writer, self._reader = engine, engine.execution_options(reader=True)
        self._fence = threading.local()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that has the write lock from its beginning: all of it is kept, or nothing. A fence is asked first."""
        fence: Callable[[sa.Connection], None] | None = getattr(self._fence, "asks", None)
        with self._writer.begin() as db:
            if fence is not None:
                fence(db)
            yield db

    @contextmanager
    def unfenced(self) -> Iterator[sa.Connection]:
        """As `writing`, for what is no work on a ticket."""
        with self._writer.begin() as db:
            yield db

    @contextmanager
    def fenced(self, asks: Callable[[sa.Connection], None]) -> Iterator[None]:
        """Until the end, `asks` may refuse every transaction of this thread that writes, by raising."""
        self._fence.asks = asks
        try:
            yield
        finally:
            self._fence.asks = None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One view of the store that waits for no writer."""
        with self._reader.begin() as db:
            yield db

    def close(self) -> None:
        self._writer.dispose()


def opened(url: str) -> Store:
    """The store at `url` (`sqlite:///path/desk.db`), made or migrated where needed.

    Raises `WrongStore` for another kind of database, a newer schema, a damaged file, or a place that cannot be written.
    """
    path = path_of(url)
    try:
        _there(path)
    except OSError as error:
        raise WrongStore(f"the database {path} cannot be opened: {error.strerror}; change `database:` in ticketgate.yaml") from None
    engine = _engine(path)
    try:
        _brought_up_to_date(engine, path)
    except sa.exc.DatabaseError as error:
        engine.dispose()
        raise WrongStore(f"the database {path} cannot be used: {error.orig}; {_way_out(str(error.orig))}") from None
    except WrongStore:
        engine.dispose()
        raise
    return Store(engine)


def _there(path: Path) -> None:
    """A new file for its owner alone, whose mode -wal and -shm take over. One that is there is never opened here.

    To close it would draw the locks of every other connection that this process has to it (POSIX), and the next command that ends would
    take the write-ahead log away under the daemon, with all that it writes from then on
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def _way_out(said: str) -> str:
    """A full disk or a lock is no damage: nothing is to be restored then."""
    if "full" in said or "disk I/O" in said:
        return "make room on that disk; nothing in it is lost"
    if "locked" in said:
        return "another program has it open; end that one, or wait for it"
    return "restore it from a backup or move it away"


def path_of(url: str) -> Path:
    """The file of a database. Raises `WrongStore` for one that is no file."""
    kind, _, path = url.partition(":///")
    if kind != "sqlite" or not path:
        raise WrongStore(f"'{kind}' is not a database this release can use; write database: sqlite:///PATH")
    return Path(path)


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=8, max_overflow=8)

    @event.listens_for(engine, "connect")
    def _settings(db: Any, _record: object) -> None:
        db.isolation_level = None  # the driver never says BEGIN or COMMIT by itself
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(db: sa.Connection) -> None:
        reader = db.get_execution_options().get("reader", False)
        driver: Any = db.connection.driver_connection  # past SQLAlchemy, whose way of executing costs more than a page's statements
        driver.execute("BEGIN" if reader else "BEGIN IMMEDIATE")

    return engine


def _brought_up_to_date(engine: sa.Engine, path: Path) -> None:
    """A new store is made as it is now; one that is there is copied, and the missing migrations are run in one transaction.

    Alembic is imported only when there are some. That both ways lead to the same tables is a test.
    """
    with engine.execution_options(reader=True).begin() as db:
        there = _revision(db)
    if there == SCHEMA:
        return
    if there is not None and there > SCHEMA:
        raise WrongStore(
            f"the database {path} was written by a newer release (schema {there}, this one knows {SCHEMA}); install that release"
        )
    with engine.begin() as db:  # from here on nobody else writes
        there = _revision(db)
        if there is None:
            _make(db)
        elif there < SCHEMA:
            _keep(path, there)
            _migrate(db)


def _make(db: sa.Connection) -> None:
    for statement in (*_statements(), VERSION_TABLE):
        db.exec_driver_sql(statement)
    db.execute(sa.text("insert into alembic_version values (:schema)"), {"schema": SCHEMA})


@cache
def _statements() -> tuple[str, ...]:
    """What makes all tables and their indexes, as SQL."""
    tables = metadata.sorted_tables
    made: list[sa.ExecutableDDLElement] = [*map(CreateTable, tables), *(CreateIndex(index) for table in tables for index in table.indexes)]
    return tuple(str(one.compile(dialect=sqlite.dialect())) for one in made)


def _keep(path: Path, there: str) -> None:
    try:
        kept = copied(path, before_upgrade(path, there))
    except NotKept as error:
        raise WrongStore(f"{error}; it is made before an upgrade, so nothing was upgraded: make room, then try again") from None
    structlog.get_logger().warning("database upgraded", schema=SCHEMA, before=there, copy=str(kept))


def _revision(db: sa.Connection) -> str | None:
    if not sa.inspect(db).has_table("alembic_version"):
        return None
    found: str | None = db.execute(sa.text("select version_num from alembic_version")).scalar()
    return found


def _migrate(db: sa.Connection) -> None:
    from alembic import command

    config = _alembic()
    config.attributes["connection"] = db
    command.upgrade(config, "head")


def steps(since: str | None) -> list[tuple[str, str]]:
    """The migrations behind a schema, each with what it brings, in their order."""
    from alembic.script import ScriptDirectory

    known = ScriptDirectory.from_config(_alembic()).walk_revisions()
    return [(one.revision, one.doc) for one in reversed(list(known)) if since is None or one.revision > since]


def _alembic() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
