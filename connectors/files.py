"""Files on their way: what is handed to a system to attach, and where downloaded bytes go. Never whole in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

Sink: TypeAlias = Callable[[bytes], None]
"""Takes the next part of a file; what it raises ends the download."""

PART = 64 * 1024
"""Bytes that are in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file to attach. `name` is safe in any file system, `type` a media type, `content` stands at its beginning."""

    name: str
    type: str
    size: int
    content: BinaryIO
