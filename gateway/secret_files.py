"""Secret files: which there are, one written whole or not at all, one taken away. Nobody but their owner can read them."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gateway.whole_file import named

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
"""What placeholders can name, but for a dot in front: those files are hidden, and two dots lead out of the folder."""


def names(folder: Path) -> Iterator[str]:
    """The secrets in a folder, in order; none where there is no folder."""
    if folder.is_dir():
        yield from sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name) and path.is_file())


def write(folder: Path, name: str, secret: str, *, ours: bool) -> Path:
    """Whoever reads meanwhile sees the old one or the new one. `ours`: a folder that others may look into is closed to them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if ours:
        folder.chmod(0o700)
    handle, made = tempfile.mkstemp(prefix=".", dir=folder)  # for its owner alone, from the beginning
    try:
        with named(folder / name), open(handle, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, folder / name)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(made)
        raise
    return folder / name
