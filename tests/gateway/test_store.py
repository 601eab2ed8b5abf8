"""The store's laws: durable, private, one writer, one shape; and the page and its cursor in one transaction."""

import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.store import columns, connections, inbox, opening, schema, tickets
from gateway.store.opening import Store, WrongStore, opened
from gateway.store.putting import as_text, replacing
from rules.ticket import TicketRef
from tests.builders import NOW, a_ticket
from tests.gateway.memory_desk import an_office


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = opened(f"sqlite:///{tmp_path}/desk.db")
    yield store
    store.close()


def pragma(db: sa.Connection, name: str) -> Any:
    return db.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_every_pooled_connection_is_durable_and_waits_its_turn(store: Store) -> None:
    held = [store._reader.connect() for _ in range(6)] + [store._writer.connect()]
    try:
        for db in held:
            assert (pragma(db, "synchronous"), pragma(db, "journal_mode")) == (2, "wal")
            assert (pragma(db, "busy_timeout"), pragma(db, "foreign_keys"), pragma(db, "trusted_schema")) == (10000, 1, 0)
            db.rollback()
    finally:
        for db in held:
            db.close()


def test_writers_take_the_lock_at_their_beginning_and_readers_never(store: Store) -> None:
    said: list[str] = []
    with store._writer.connect() as raw:
        raw.connection.driver_connection.set_trace_callback(said.append)  # type: ignore[union-attr]
    for many in range(2):
        with store.writing() as db:
            db.exec_driver_sql(f"select {many}")
        with store.reading() as db:
            db.exec_driver_sql(f"select {many}")
    begins = [line for line in said if line.startswith("BEGIN")]
    assert begins == ["BEGIN IMMEDIATE", "BEGIN"] * 2


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    with store.writing() as writer:
        connections.connected(writer, "desk", NOW)
        with store.reading() as reader:
            assert connections.all_of(reader) == []


def test_writers_in_many_threads_all_get_their_turn(store: Store) -> None:
    def write(n: int) -> None:
        for _ in range(20):
            with store.writing() as db:
                before = db.execute(sa.select(sa.func.count()).select_from(schema.audit)).scalar_one()
                db.execute(sa.insert(schema.audit).values(at=NOW, who=str(n), what=str(before), detail=""))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as db:
        rows = db.execute(sa.select(schema.audit.c.what)).scalars().all()
    assert sorted(map(int, rows)) == list(range(160))


def test_what_is_written_stays_when_the_store_is_opened_again_here_and_closed_elsewhere(store: Store, tmp_path: Path) -> None:
    """A daemon's budget and tokens open the store once more; then a command looks at it and ends. Nobody's locks may be lost by that."""
    file = tmp_path / "desk.db"
    look = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select count(*) from cursor').fetchone()[0])"

    def from_outside() -> int:
        return int(subprocess.run([sys.executable, "-c", look, file], capture_output=True, text=True, check=True, timeout=60).stdout)

    with store.writing() as db:
        connections.connected(db, "one", NOW)
    opened(f"sqlite:///{file}").close()
    assert from_outside() == 1
    with store.writing() as db:
        connections.connected(db, "two", NOW)

    assert from_outside() == 2


def test_the_files_are_for_their_owner_alone(store: Store, tmp_path: Path) -> None:
    with store.writing() as db:
        connections.connected(db, "desk", NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["desk.db", "desk.db-wal", "desk.db-shm"], 0o600)


@pytest.fixture
def migrated(tmp_path: Path) -> Any:
    """A store that all migrations made, one after the other."""
    engine = opening._engine(tmp_path / "old.db")
    with engine.begin() as db:
        opening._migrate(db)
    yield Store(engine)
    engine.dispose()


def test_the_migrations_make_what_the_program_expects(migrated: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with migrated.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), columns.metadata) == []
        assert db.exec_driver_sql("select version_num from alembic_version").scalar() == schema.SCHEMA


def test_a_new_store_is_what_the_migrations_make(store: Store, migrated: Store) -> None:
    new, old = ({name: what(one, kind, name) for kind, name in named(one)} for one in (store, migrated))
    assert len(new) > 30
    assert new == old


def named(store: Store) -> list[tuple[str, str]]:
    with store.reading() as db:
        return [(row.type, row.name) for row in db.exec_driver_sql("select type, name from sqlite_master")]


def what(store: Store, kind: str, name: str) -> list[Any]:
    """A table by its columns, keys and rows, whatever their order; anything else by the words that made it."""
    with store.reading() as db:
        if kind != "table":
            return [db.exec_driver_sql("select sql from sqlite_master where name = ?", (name,)).scalar()]
        columns = sorted(row[1:] for row in db.exec_driver_sql(f"pragma table_xinfo({name})"))
        keys = sorted(map(str, db.exec_driver_sql(f"pragma foreign_key_list({name})")))
        return [columns, keys, list(map(tuple, db.exec_driver_sql(f"select * from {name}")))]


def test_neither_a_new_store_nor_one_that_is_there_needs_alembic(tmp_path: Path) -> None:
    script = f"""
import sys
from gateway.store.opening import opened
for _ in range(2):
    opened("sqlite:///{tmp_path}/desk.db").close()
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30, cwd=Path(__file__).parents[2])


def test_a_newer_schema_is_refused_with_the_remedy(store: Store, tmp_path: Path) -> None:
    with store.writing() as db:
        db.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(WrongStore, match="newer release"):
        opened(f"sqlite:///{tmp_path}/desk.db")


@pytest.mark.parametrize("url", ["postgresql://localhost/desk", "sqlite:///", "desk.db"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(WrongStore, match="sqlite:///PATH"):
        opened(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_bytes(b"not a database at all, but a shopping list" * 30)
    with pytest.raises(WrongStore, match="backup"):
        opened(f"sqlite:///{tmp_path}/desk.db")


def test_a_migration_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = opening._engine(tmp_path / "desk.db")
    with engine.begin() as db:
        db.exec_driver_sql("create table run (n integer)")  # in the way of the migration's thirteenth table
    engine.dispose()

    with pytest.raises(WrongStore, match="already exists"):
        opened(f"sqlite:///{tmp_path}/desk.db")

    engine = opening._engine(tmp_path / "desk.db")
    with engine.begin() as db:
        assert sa.inspect(db).get_table_names() == ["run"]
    engine.dispose()


def test_a_moment_without_a_zone_never_reaches_the_store(store: Store) -> None:
    with pytest.raises(sa.exc.StatementError, match="without a zone"), store.writing() as db:
        connections.connected(db, "desk", datetime(2026, 3, 2))


def test_moments_come_back_as_they_went_in(store: Store) -> None:
    at = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
    with store.writing() as db:
        connections.connected(db, "desk", at)
        assert connections.connected(db, "desk", NOW) == at, "the first read is once and for all"


def test_a_page_and_its_cursor_are_kept_together_or_not_at_all(tmp_path: Path) -> None:
    with an_office(tmp_path, page_size=1) as office:
        office.round()
        for _ in range(3):
            office.customer_writes()
        states = []

        @sa.event.listens_for(office.gateway.store._writer, "commit")
        def before_commit(db: sa.Connection) -> None:
            if not db.get_execution_options().get("reader"):
                states.append(what_others_see())

        def what_others_see() -> tuple[str | None, int]:
            with office.gateway.store.reading() as db:
                return connections.standing(db, "desk").cursor, inbox.depth(db).get("desk", 0)

        office.gateway.signals.poll("desk", office.gateway.cycle.book)
        states.append(what_others_see())
    assert [count for _, count in dict.fromkeys(states)] == [0, 1, 2, 3]
    assert len({cursor for cursor, _ in states}) == 4, "no page without its cursor, no cursor without its page"


def test_the_same_signal_waits_only_once(store: Store) -> None:
    with store.writing() as db:
        for _ in range(3):
            inbox.put_tickets(db, [a_ticket("desk:1", version="7")], NOW)
            inbox.put_refs(db, [TicketRef("desk", "1")], NOW, "alarm")
        (waiting,) = inbox.due(db, "desk", NOW)
    assert len(waiting.rows) == 2
    assert waiting.ticket is None, "an alarm wants a fresh look"


def test_a_full_disk_fails_loudly_and_the_store_goes_on_when_there_is_room(store: Store) -> None:
    with store._writer.connect() as db:
        room = pragma(db, "page_count")
        pragma(db, f"max_page_count={room + 2}")
    with pytest.raises(sa.exc.OperationalError, match="full"), store.writing() as db:
        tickets.saw_page(db, [a_ticket(f"desk:{n}", body="x" * 1000) for n in range(200)], NOW, looked=True)
    with store.reading() as db:
        assert tickets.counts(db) == {}
    with store._writer.connect() as db:
        pragma(db, "max_page_count=1073741823")
    with store.writing() as db:
        tickets.saw_page(db, [a_ticket("desk:1")], NOW, looked=True)


def test_an_old_ticket_of_a_backfill_does_not_hide_what_the_live_path_knows(store: Store) -> None:
    with store.writing() as db:
        tickets.saw(db, a_ticket("desk:1", version="2"), NOW, adopted=False, heard=True)
        tickets.saw_page(db, [a_ticket("desk:1", version="1"), a_ticket("desk:2")], NOW, looked=False)
        assert tickets.versions(db, "desk", ["1", "2"]) == {"1": ("2", True), "2": ("1", False)}


def test_a_page_is_stored_as_single_tickets_are(store: Store) -> None:
    one, other = a_ticket("desk:1", assignee="lena@example.com", tags={"b", "a"}), a_ticket("desk:2", status=None, body="é")
    with store.writing() as db:
        assert tickets.saw_page(db, [one, other], NOW, looked=True) == 2
        paged = db.execute(sa.select(schema.ticket).order_by(schema.ticket.c.key)).all()
        for ticket in (one, other):
            tickets.saw(db, ticket, NOW, adopted=True, heard=False)
        assert db.execute(sa.select(schema.ticket).order_by(schema.ticket.c.key)).all() == paged


def test_a_page_takes_away_the_tombstone_of_what_it_shows(store: Store) -> None:
    one = a_ticket("desk:1")
    with store.writing() as db:
        tickets.saw_page(db, [one], NOW, looked=False)
        tickets.gone(db, one.ref, NOW)
        assert tickets.is_gone(db, one.ref)
        tickets.saw_page(db, [one], NOW, looked=False, run="backfill-1")
        assert not tickets.is_gone(db, one.ref)


def test_a_run_marks_what_it_recorded_and_says_when_the_live_path_was_there_first(store: Store) -> None:
    with store.writing() as db:
        tickets.saw(db, a_ticket("desk:1", version="2"), NOW, adopted=False, heard=True)
        assert tickets.saw_page(db, [a_ticket("desk:1"), a_ticket("desk:2")], NOW, looked=False, run="backfill-1") == 1
        assert tickets.counted(db, "backfill-1", "desk", ["1", "2"]) == {"2"}
        assert tickets.saw_page(db, [], NOW, looked=False) == 0


def test_values_that_would_go_into_other_columns_are_refused(store: Store) -> None:
    names = ("version", "key", "connection")
    with store.reading() as db, pytest.raises(AssertionError, match="other columns"):
        as_text(db.dialect, replacing(db.dialect, schema.ticket, names), names)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongStore, match=r"database:"):
        opened(f"sqlite:///{tmp_path}/file/desk.db")
