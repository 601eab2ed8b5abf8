"""A file written whole or not at all."""

import os
from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Replaces the file's content in one step, with the rights it had; a link stays one. Raises `OSError`."""
    path = path.resolve()
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(content)
        if path.exists():
            new.chmod(path.stat().st_mode & 0o7777)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
