"""Tickets out of anybody's CSV or JSONL file (also gzipped), for `ticketgate sandbox --tickets FILE`.

Columns go by our field names or common other names for them. What is not known, a column or a word, is named and left out, never guessed.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import orjson

from connectors.sandbox import Sample
from rules.ticket import replace

COLUMNS = {
    "subject": ("subject", "ticket subject", "title", "summary", "short description"),
    "body": ("body", "ticket description", "description", "text", "message"),
    "created_at": ("created at", "created", "created on", "creation date", "opened at", "date"),
    "updated_at": ("updated at", "updated", "updated on", "last modified"),
    "requester": ("requester", "customer name", "requester name", "name", "reporter"),
    "email": ("email", "customer email", "requester email", "e mail"),
    "organization": ("organization", "organisation", "company", "account", "account name"),
    "language": ("language", "locale", "lang"),
    "type": ("type", "ticket type", "issue type"),
    "status": ("status", "ticket status", "state"),
    "priority": ("priority", "ticket priority"),
    "product": ("product", "product purchased", "service"),
    "channel": ("channel", "ticket channel", "source", "via"),
    "group": ("group", "assignment group", "team", "queue"),
    "assignee": ("assignee", "assigned to", "agent"),
    "tags": ("tags", "labels"),
    "key": ("key",),
}
"""Our field, and the names under which files have it: in lower case, with a space for each underscore and hyphen."""

WORDS = {
    "type": {
        "question": ("question", "product inquiry", "billing inquiry", "inquiry", "enquiry", "how to"),
        "incident": ("incident", "technical issue", "outage"),
        "problem": ("problem",),
        "request": ("request", "refund request", "cancellation request", "service request"),
        "bug": ("bug", "defect", "error"),
        "change": ("change",),
        "task": ("task",),
    },
    "status": {
        "new": ("new", "to do"),
        "open": ("open", "active", "in progress", "working"),
        "pending": ("pending", "pending customer response", "waiting for customer"),
        "on_hold": ("on hold", "hold"),
        "resolved": ("resolved", "solved", "done"),
        "closed": ("closed",),
    },
    "priority": {
        "low": ("low", "lowest"),
        "normal": ("normal", "medium", "moderate"),
        "high": ("high",),
        "urgent": ("urgent", "critical", "highest"),
    },
    "channel": {
        "email": ("email", "e mail", "mail"),
        "web": ("web", "website", "web form"),
        "portal": ("portal", "self service"),
        "chat": ("chat", "live chat"),
        "phone": ("phone", "telephone", "call"),
        "social": ("social", "social media"),
        "api": ("api",),
    },
}
INCIDENT_LOG = {"number", "reassignment_count", "reopen_count", "sys_mod_count", "sys_updated_at"}  # columns of the log of incidents


@dataclass
class _Reading:
    """One file's way through us: what is not known is counted, to be told once."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)  # theirs: ours
    unknown: dict[str, None] = field(default_factory=dict)
    words: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def not_known(self, column: str, word: str, line: int) -> Any:
        """Notes a word that has no meaning here; its field stays empty."""
        self.words[column, word] += 1
        self.first.setdefault((column, word), line)
        return None

    def problems(self) -> list[str]:
        columns = [f"{self.name}: column '{name}' is not known; it is left out" for name in self.unknown]
        words = [
            f"{self.name}: {column} '{word}' is not known ({count} rows, first in line {self.first[column, word]}); it is left out"
            for (column, word), count in self.words.items()
        ]
        return [*columns, *words, *self.refused]


def is_incident_log(path: Path) -> bool:
    """Whether the file is a log of ServiceNow incidents, one line for each update: the ServiceNow sandbox plays it on."""
    with _opened(path) as lines:
        return set(lines.readline().strip().replace('"', "").split(",")) >= INCIDENT_LOG


def read_tickets(path: Path, now: datetime) -> tuple[list[Sample], list[str]]:
    """The file's tickets, oldest first, and what was left out of it and why.

    A row without a subject is refused. One without a moment of creation is put a minute after the row before it, so that the last is made
    at `now`; a moment without a zone is taken as UTC. Raises `OSError`, and `ValueError` for a file that is neither CSV nor JSONL.
    """
    reading = _Reading(path.name)
    with _opened(path) as lines:
        found = list(_rows(path, lines, reading))
    spread = [now - timedelta(minutes=len(found) - n) for n in range(1, len(found) + 1)]
    made = [s if s.created_at else replace(s, created_at=at) for s, at in zip(found, spread, strict=True)]
    return sorted(made, key=lambda s: s.created_at), reading.problems()


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(path: Path, lines: IO[str], reading: _Reading) -> Iterator[Sample]:
    kind = Path(path.name.removesuffix(".gz")).suffix
    if kind not in (".csv", ".jsonl", ".ndjson"):
        raise ValueError(f"{path.name}: give a .csv, .jsonl or .ndjson file, or one of them with .gz")
    for line, row in _csv(lines) if kind == ".csv" else _jsonl(lines, reading):
        sample = _sample(row, line, reading)
        if sample is not None:
            yield sample


def _csv(lines: IO[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each row with the line on which it begins: a row may go over several."""
    rows = csv.DictReader(lines, restkey="(more cells than columns)")
    begins = rows.line_num + 1
    _ = rows.fieldnames  # reads the header
    begins = rows.line_num + 1
    for row in rows:
        yield begins, row
        begins = rows.line_num + 1


def _jsonl(lines: IO[str], reading: _Reading) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line) if line.strip() else {}
        except orjson.JSONDecodeError:
            reading.refused.append(f"{reading.name}:{number}: this line is not JSON; the row is left out")
            continue
        if isinstance(row, dict) and row:
            yield number, row
        elif row:
            reading.refused.append(f"{reading.name}:{number}: this line is not an object; the row is left out")


def _sample(row: Mapping[str, Any], line: int, reading: _Reading) -> Sample | None:
    values: dict[str, Any] = {}
    for theirs, value in row.items():
        name = _column(theirs, reading)
        if name and value not in (None, "", "?", []):
            values[name] = _value(name, value, line, reading)
    if not values.get("subject"):
        reading.refused.append(f"{reading.name}:{line}: there is no subject; the row is left out")
        return None
    known = {name: value for name, value in values.items() if value is not None}
    blank = {"body": "", "created_at": None, "priority": None, "requester": "Somebody", "email": "somebody@example.com"}
    return Sample(**(blank | known))


def _column(theirs: str, reading: _Reading) -> str | None:
    if theirs not in reading.columns and theirs not in reading.unknown:
        ours = next((ours for ours, names in COLUMNS.items() if _plain(theirs) in names), None)
        if ours is None or ours in reading.columns.values():
            reading.unknown[theirs] = None
        else:
            reading.columns[theirs] = ours
    return reading.columns.get(theirs)


def _value(name: str, value: Any, line: int, reading: _Reading) -> Any:
    if name in WORDS:
        found = next((ours for ours, theirs in WORDS[name].items() if _plain(str(value)) in theirs), None)
        return found if found else reading.not_known(name, str(value), line)
    if name.endswith("_at"):
        stamp = _moment(str(value))
        return stamp if stamp else reading.not_known(name, str(value), line)
    if name == "tags":
        return tuple(map(str, value)) if isinstance(value, list) else tuple(str(value).replace(",", " ").replace(";", " ").split())
    return str(value)


def _moment(text: str) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())
