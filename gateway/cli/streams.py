"""The program's three streams, made safe to write to: closed ones, readers that have gone, letters that a terminal cannot show."""

import io
import os
import re
import sys
from typing import IO, TextIO, cast

HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """What a stranger wrote, as it may stand on a terminal: without what would move the cursor, recolour or turn the writing round."""
    return HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text)


class Unheard(io.TextIOWrapper):
    """A stream whose reader may go (`| head -1`): the words end there, the work goes on to its own exit code."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            return self._silenced(len(text))

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._silenced(0)

    def _silenced(self, written: int) -> int:
        _to_nobody(self)
        return written


def _to_nobody(stream: TextIO) -> None:
    """From now on the stream's bytes go nowhere, those that it still holds among them."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


def flushed(code: int) -> int:
    """The last words go out before the process ends; 5 instead of 0 when they cannot, on a full disk for one."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _to_nobody(sys.stdout)
        sys.stderr.write(f"Not everything could be printed: {error.strerror}.\n")
        return code or 5
    return code


def made_safe() -> None:
    """Once, before anything is written. A stream that was closed when we started becomes one that nobody reads."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - it is open as long as the program runs
    sys.stdout, sys.stderr = _unheard(sys.stdout), _unheard(sys.stderr)


def _unheard(stream: TextIO) -> TextIO:
    """The same bytes go the same way; letters that the encoding lacks are shown by their numbers."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding, buffered = stream.encoding, stream.line_buffering
    made = Unheard(cast("IO[bytes]", stream.detach()), encoding=encoding, errors="backslashreplace", line_buffering=buffered)
    return cast(TextIO, made)
