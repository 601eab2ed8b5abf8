"""What `check` found before, in a file beside the store that may be thrown away at any time.

It holds for the very texts that it was found in, the very code that found it and the libraries it stands on: anything else is as if
nothing had been found before. So is a file that cannot be read, and one that cannot be written is not missed.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from zoneinfo import TZPATH

import msgspec
from msgspec import Struct, field

from gateway import whole_file
from rules.problems import Problem

ROOT = Path(__file__).parent.parent
LAYERS = ("rules", "connectors", "gateway")


class Findings(Struct, frozen=True):
    """What came out of one look at a desk; `rules` are those in force, if it `loaded`."""

    problems: tuple[Problem, ...]
    rules: int
    loaded: bool


class Notes(Struct):
    """What stands in the file: by which code, of which texts, and the public holidays that were asked for on the way."""

    code: str = ""
    texts: str = ""
    findings: Findings | None = None
    holidays: dict[str, list[date]] = field(default_factory=dict)


class Memory:
    """The notes of one desk, as far as they are about this very program."""

    def __init__(self, path: Path, code: str, notes: Notes) -> None:
        self._path, self._code, self._notes = path, code, notes
        self._asked: dict[str, list[date]] = {}

    @classmethod
    def of(cls, path: Path) -> "Memory":
        code = ours()
        try:
            notes = msgspec.json.decode(path.read_bytes(), type=Notes)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            notes = Notes()
        return cls(path, code, notes if notes.code == code else Notes())

    def findings(self, texts: str) -> Findings | None:
        """What was found in these texts; None when they were not looked at."""
        return self._notes.findings if self._notes.texts == texts else None

    def holidays(self, country: str, region: str | None, years: range) -> frozenset[date]:
        """As `desk.holidays`: the library takes a tenth of a second to tell them, for all the countries that it knows."""
        from gateway.desk import holidays

        name = f"{country}|{region or ''}|{years.start}-{years.stop}"
        known = self._notes.holidays.get(name)
        self._asked[name] = sorted(holidays(country, region, years)) if known is None else known
        return frozenset(self._asked[name])

    def keep(self, texts: str, findings: Findings) -> None:
        """For its owner alone: a message may repeat a name or an address that stands in a rule."""
        notes = Notes(self._code, texts, findings, self._asked)
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            whole_file.put(self._path, msgspec.json.encode(notes), mode=0o600)
        except (OSError, UnicodeEncodeError):  # a folder that is closed to us; a message that repeats bytes which are no text
            return


def digest(texts: Mapping[str, str]) -> str:
    """64 hex digits that name all names and all bytes."""
    made = sha256()
    for name in sorted(texts):
        for part in (name, texts[name]):
            content = part.encode("utf-8", "surrogateescape")
            made.update(b"%d:" % len(content) + content)
    return made.hexdigest()


def ours(root: Path = ROOT) -> str:
    """64 hex digits that name the program: Python, our own files and the places where libraries and time zones lie, by their stamps."""
    return sha256("\n".join((sys.version, *_stamps(root))).encode("utf-8", "surrogateescape")).hexdigest()


def _stamps(root: Path) -> Iterator[str]:
    for layer in LAYERS:
        for folder, folders, files in os.walk(root / layer):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(files):
                yield _stamp(os.path.join(folder, name))
    for place in (*(place for place in sys.path if place.endswith("-packages")), *TZPATH):
        yield _stamp(place)


def _stamp(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return f"{path} -"
    return f"{path} {found.st_mtime_ns} {found.st_size}"
