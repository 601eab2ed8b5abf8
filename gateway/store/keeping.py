"""The database as a file: how it stands without touching it, and a copy of it that is whole at any moment, whoever writes meanwhile."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.store.schema import SCHEMA


class NotKept(OSError):
    """A copy could not be made whole, and nothing is left of it; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A database at one look. `schema` is None where it is empty, `wrong` says what is the matter with a damaged one."""

    path: Path
    size: int
    schema: str | None = None
    wrong: str = ""

    @property
    def newer(self) -> bool:
        return self.schema is not None and self.schema > SCHEMA

    @property
    def behind(self) -> bool:
        """Whether `db upgrade` has something to do."""
        return not self.wrong and (self.schema is None or self.schema < SCHEMA)

    @property
    def well(self) -> bool:
        return not self.wrong and self.schema == SCHEMA


def standing(path: Path) -> Standing:
    """Reads only: neither migrates nor makes anything. Raises `FileNotFoundError`."""
    size = path.stat().st_size
    try:
        with closing(_reading(path)) as db:
            wrong = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            there = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            found = db.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
    except sqlite3.Error as error:
        return Standing(path=path, size=size, wrong=str(error))
    return Standing(path=path, size=size, schema=found[0] if found else None, wrong="" if wrong == "ok" else wrong)


def _reading(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    db.execute("PRAGMA query_only=ON")
    return db


def copied(path: Path, to: Path) -> Path:
    """A copy by SQLite's own means, for its owner alone, checked and on the disk before it has its name. Raises `NotKept`.

    A file of that name is not written over: two backups are two files.
    """
    if to.exists():
        raise NotKept(f"{to} is there already; name another file")
    half = to.with_name(f"{to.name}.half-{os.getpid()}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _filled(path, half)
        os.link(half, to)  # unlike a rename it never replaces what somebody put there meanwhile
        _on_disk(to.parent)
    except (OSError, sqlite3.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotKept(f"the copy {to} of the database could not be made: {said}") from None
    finally:
        if half.is_file():
            half.unlink()
    return to


def _filled(path: Path, half: Path) -> None:
    with closing(_reading(path)) as there, closing(sqlite3.connect(half)) as here:
        there.backup(here)
        here.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
        if (wrong := here.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"it would be damaged ({wrong})")
    _on_disk(half)


def _on_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def before_upgrade(path: Path, schema: str) -> Path:
    """Where the copy goes that is made before a database of this schema is upgraded; one that is there stays."""
    names = (path.with_name(f"{path.stem}-schema-{schema}{'' if n == 1 else f'-{n}'}.backup{path.suffix}") for n in range(1, 1000))
    return next(name for name in names if not name.exists())
