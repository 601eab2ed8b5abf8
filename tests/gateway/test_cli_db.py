"""`db status|upgrade|backup`: looking changes nothing, an upgrade keeps what was there, a backup is whole while others write."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from gateway.store import opening
from gateway.store.keeping import NotKept, copied
from gateway.store.opening import WrongStore, opened
from gateway.store.schema import SCHEMA
from tests.gateway.program import Desk, Program

OLD = "0009"


def of_old(path: Path) -> Path:
    """A database as an earlier release left it, with a row of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as db:
        config = opening._alembic()
        config.attributes["connection"] = db
        command.upgrade(config, OLD)
        db.exec_driver_sql("CREATE TABLE witness (said TEXT)")
        db.exec_driver_sql("INSERT INTO witness VALUES ('before')")
    engine.dispose()
    return path


def schema_of(path: Path) -> str:
    with sqlite3.connect(path) as db:
        return str(db.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.fixture
def path(desk: Desk) -> Path:
    return desk.folder / ".ticketgate/desk.db"


def test_status_says_what_is_to_be_done_and_changes_nothing(program: Program, desk: Desk, path: Path) -> None:
    none = program("-C", desk, "db", "status")
    assert (none.code, "There is no database yet" in none.err, path.exists()) == (5, True, False)
    before = of_old(path).read_bytes()
    done = program("-C", desk, "db", "status")
    assert (done.code, f"schema {OLD}" in done.out, "db upgrade" in done.out) == (1, True, True)
    assert path.read_bytes() == before
    (said,) = program("-C", desk, "--format", "json", "db", "status").lines
    assert (said["schema"], said["current"], said["well"]) == (OLD, SCHEMA, False)


def test_an_upgrade_keeps_a_copy_of_what_was_there(program: Program, desk: Desk, path: Path) -> None:
    of_old(path)
    shown = program("-C", desk, "db", "upgrade", "--dry-run")
    assert (shown.code, schema_of(path), list(path.parent.glob("*.backup.db"))) == (0, OLD, [])
    assert "  0012  " in shown.out
    assert "  0009  " not in shown.out
    done = program("-C", desk, "db", "upgrade")
    (kept,) = path.parent.glob("*.backup.db")
    assert (done.code, schema_of(path), schema_of(kept), str(kept) in done.out) == (0, SCHEMA, OLD, True)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert program("-C", desk, "db", "status").code == 0
    again = program("-C", desk, "db", "upgrade")
    assert (again.code, "It is up to date." in again.out, list(path.parent.glob("*.backup.db"))) == (0, True, [kept])


def test_whatever_opens_an_old_database_copies_it_first_and_never_over_another_copy(path: Path, tmp_path: Path) -> None:
    old = of_old(tmp_path / "old.db")
    path.parent.mkdir(exist_ok=True, parents=True)
    for _ in range(2):
        shutil.copy(old, path)
        opened(f"sqlite:///{path}").close()
    assert sorted(p.name for p in path.parent.glob("*.backup.db")) == [f"desk-schema-{OLD}-2.backup.db", f"desk-schema-{OLD}.backup.db"]
    assert schema_of(path) == SCHEMA


def test_without_a_copy_nothing_is_upgraded(path: Path) -> None:
    of_old(path)
    path.with_name(f"desk-schema-{OLD}.backup.db.half-{os.getpid()}").mkdir()
    with pytest.raises(WrongStore, match="nothing was upgraded: make room"):
        opened(f"sqlite:///{path}")
    assert schema_of(path) == OLD


def test_a_newer_and_a_damaged_database_are_named_and_left_alone(program: Program, desk: Desk, path: Path) -> None:
    opened(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    for command_ in ("status", "upgrade"):
        done = program("-C", desk, "db", command_)
        assert (done.code, "newer release (schema 9999)" in done.all) == (1 if command_ == "status" else 5, True)
    path.write_bytes(b"no database at all" * 100)
    for command_ in ("status", "upgrade", "backup"):
        done = program("-C", desk, "db", command_)
        assert (done.code, "is damaged" in done.all) == (1 if command_ == "status" else 5, True)
    assert list(path.parent.glob("*.backup.db")) == []


def test_a_backup_is_whole_while_somebody_writes_and_writes_over_nothing(program: Program, desk: Desk, path: Path, tmp_path: Path) -> None:
    store = opened(f"sqlite:///{path}")
    with store.writing() as db:
        db.exec_driver_sql("CREATE TABLE witness (said TEXT)")
    with store.writing() as db:
        db.exec_driver_sql("INSERT INTO witness VALUES ('not yet')")
        done = program("-C", desk, "db", "backup", tmp_path / "b.db")
    assert done.code == 0
    with sqlite3.connect(tmp_path / "b.db") as copy:
        assert copy.execute("SELECT count(*) FROM witness").fetchone() == (0,), "what was not committed is not in it"
    copy.close()
    assert stat.S_IMODE((tmp_path / "b.db").stat().st_mode) == 0o600
    assert program("-C", desk, "db", "backup", tmp_path / "b.db").code == 7
    beside = program("-C", desk, "db", "backup")
    assert (beside.code, len(list(path.parent.glob("desk-*.backup.db")))) == (0, 1)
    store.close()


def test_what_was_begun_of_a_copy_that_fails_is_taken_away(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(NotKept, match="could not be made"):
        copied(path, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy*"))
