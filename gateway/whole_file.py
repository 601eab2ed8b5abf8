"""A file written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An error of the disk names this file, also where it was met in writing: a full disk says by itself only what is the matter."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def put(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Replaces the file's content in one step, with the rights it had, else `mode`; a link stays one. Raises `OSError`."""
    path = path.resolve()
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with named(path), open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        if path.exists():
            new.chmod(path.stat().st_mode & 0o7777)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
