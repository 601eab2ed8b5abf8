"""A log of incident updates played as a living instance: as of a moment first, and on from there.

One row is one update: the columns of the public "incident event log" of a ServiceNow instance (with or without its labels). Dates
are day first and bear no zone; they are taken as UTC. What an early row knows only because the log was written later (who resolved
it, when it was closed) is blank until its state says that it happened.
"""

import csv
import gzip
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sys import intern
from typing import Literal

from connectors.servicenow.sandbox_desk import Desk
from connectors.servicenow.sandbox_tables import stable_id

SLIPS = {"ident_state": "incident_state", "closed_code": "close_code"}
COLUMNS = (
    *("number", "incident_state", "active", "reassignment_count", "reopen_count", "sys_mod_count", "made_sla", "caller_id", "opened_by"),
    *("opened_at", "sys_created_by", "sys_created_at", "sys_updated_by", "sys_updated_at", "contact_type", "location", "category"),
    *("subcategory", "u_symptom", "cmdb_ci", "impact", "urgency", "priority", "assignment_group", "assigned_to", "knowledge"),
    *("u_priority_confirmation", "notify", "problem_id", "rfc", "vendor", "caused_by", "close_code", "resolved_by", "resolved_at"),
    "closed_at",
)
STATES = {
    "New": ("1", ""),
    "Active": ("2", ""),
    "Awaiting User Info": ("3", "1"),
    "Awaiting Problem": ("3", "3"),
    "Awaiting Vendor": ("3", "4"),
    "Awaiting Evidence": ("3", "6"),  # a reason of this installation's own
    "Resolved": ("6", ""),
    "Closed": ("7", ""),
}
"""Any other word stands as it is, for the reader to report."""

REFERENCES = {
    "caller_id": ("sys_user", "Caller"),
    "opened_by": ("sys_user", "Opened by"),
    "assigned_to": ("sys_user", "Resolver"),
    "resolved_by": ("sys_user", "Resolved by"),
    "assignment_group": ("sys_user_group", "Group"),
    "location": ("cmn_location", "Location"),
    "cmdb_ci": ("cmdb_ci", "cmdb_ci"),
    "problem_id": ("problem", "Problem ID"),
    "rfc": ("change_request", "CHG"),
    "caused_by": ("change_request", "CHG"),
}
BARE = ("incident_state", "notify", "contact_type", "vendor")  # text that is no label before a number
KNOWN_LATER = ("resolved_by", "resolved_at", "close_code")  # from Resolved on; closed_at from Closed on
AUDITED = ("state", "hold_reason", "priority", "impact", "urgency", "assignment_group", "assigned_to", "category", "close_code")
SUBJECT, BODY = "An incident of the log", "The log tells what happened to this incident, not what it was about."
CLOSE_NOTES = "The log does not say."

Row = tuple[str, ...]


class IncidentLog:
    """One log in one desk. `moment` is how far it was played, as the instance stamps it."""

    def __init__(self, path: Path, desk: Desk, as_of: datetime | Literal["first", "end"]) -> None:
        self._desk, self._rows = desk, read_log(path)
        self._place = {name: place for place, name in enumerate(COLUMNS)}
        self._make_room()
        stamps = [row[self._place["sys_updated_at"]] for row in self._rows]
        self._order = sorted(range(len(stamps)), key=stamps.__getitem__)  # by time, then by place in the file
        self._stamps, self._next, self._shift = stamps, 0, timedelta()
        self._told: dict[str, int] = {}
        self._events = self._by_incident()
        self._upto: dict[str, int] = {}  # so many events of an incident have happened
        self.moment = stamps[self._order[0]]
        if as_of == "first":
            self._begin()
        else:
            self.play_to(self.last if as_of == "end" else as_of)

    @property
    def numbers(self) -> list[str]:
        """All incidents of the log, as they are shown, in the order of the file."""
        return list(self._events)

    @property
    def last(self) -> datetime:
        """When the log ends, in the time in which it is played."""
        return _moment(self._stamps[self._order[-1]]) + self._shift

    def event(self, number: str, which: int = -1) -> dict[str, str]:
        """One row of an incident by column, cleaned: the last, unless another is asked for."""
        return dict(zip(COLUMNS, self._rows[self._events[number][which]], strict=True))

    def count(self, number: str) -> int:
        """How many rows there are of an incident."""
        return len(self._events[number])

    def play_to(self, moment: datetime) -> int:
        """Everything that the log says happened up to `moment`, which counts in the time in which it is played."""
        own = _text(moment - self._shift)
        happened: dict[str, int] = {}
        first = self._next
        while self._next < len(self._order) and self._stamps[self._order[self._next]] <= own:
            number = self._rows[self._order[self._next]][0]
            self._upto[number] = self._upto.get(number, 0) + 1
            happened[number] = self._upto[number]
            self._next += 1
        self._show(happened.items())
        self.moment = max(self.moment, _text(moment))
        return self._next - first

    def tell(self, keys: Iterable[str]) -> None:
        """Puts what happened to these incidents so far into the audit; a history with holes, as the log has them."""
        for key in keys:
            record = self._desk.incidents.records.get(key)
            if record is not None and record["number"] in self._events:
                self._tell(key, record["number"])

    def _begin(self) -> None:
        """Each incident at its first event; all later ones happen a log's length later, or no poll would notice them."""
        self._upto = dict.fromkeys(self._events, 1)
        self._show(self._upto.items())
        firsts = {events[0] for events in self._events.values()}
        self._order = [place for place in self._order if place not in firsts]
        self.moment = max(self._stamps[place] for place in firsts)
        whole = _moment(self.moment) - _moment(min(self._stamps))
        self._shift = timedelta(days=whole.days + 1)

    def _by_incident(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place in self._order:
            found.setdefault(self._rows[place][0], []).append(place)
        return found

    def _show(self, happened: Iterable[tuple[str, int]]) -> None:
        table = self._desk.incidents
        table.reorder()
        for number, count in happened:
            self._tell_before(number)
            row = self._rows[self._events[number][count - 1]]
            fields = self._fields(row)
            if self._shift and count > 1:
                fields["sys_updated_on"] = _text(_moment(fields["sys_updated_on"]) + self._shift)
            key = fields["sys_id"]
            if key in table.records:
                table.change(key, fields)
            else:
                table.put({name: value for name, value in fields.items() if value})

    def _tell_before(self, number: str) -> None:
        """Nothing is told of the past before somebody asks."""
        self._told.setdefault(number, 1)

    def _tell(self, key: str, number: str) -> None:
        events = self._events[number]
        for at in range(self._told[number], self._upto[number]):
            before, after = self._fields(self._rows[events[at - 1]]), self._fields(self._rows[events[at]])
            changes = {name: (before[name], after[name]) for name in AUDITED if before[name] != after[name]}
            stamp = _text(_moment(after["sys_updated_on"]) + self._shift)
            self._desk.audited(key, changes, after["sys_updated_by"], stamp, after["sys_mod_count"])
        self._told[number] = max(self._told[number], self._upto[number])

    def _fields(self, row: Row) -> dict[str, str]:
        """A row as the fields of an incident at that moment."""
        said = dict(zip(COLUMNS, row, strict=True))
        state, reason = STATES.get(said["incident_state"], (said["incident_state"], ""))
        done, closed = said["incident_state"] in ("Resolved", "Closed"), said["incident_state"] == "Closed"
        said |= {} if done else dict.fromkeys(KNOWN_LATER, "")
        for name, (table, label) in REFERENCES.items():
            said[name] = self._reference(table, label, said[name])
        created = said.pop("sys_created_at") or said["opened_at"]
        return {
            **said,
            "closed_at": said["closed_at"] if closed else "",
            "close_notes": CLOSE_NOTES if done else "",
            "sys_id": stable_id("incident", said["number"]),
            "state": state,
            "incident_state": state,
            "hold_reason": reason,
            "sys_created_on": created,
            "sys_updated_on": said.pop("sys_updated_at"),
            "short_description": SUBJECT,
            "description": BODY,
        }

    def _reference(self, table: str, label: str, value: str) -> str:
        """The sys_id behind a value of the log, and its record in the table it points into."""
        if not value:
            return ""
        name = f"CHG{value}" if label == "CHG" else f"{label} {value}"
        if table != "sys_user":
            return self._desk.tables.named(table, f"{table}:log", name)
        user = name.casefold().replace(" ", ".")
        return self._desk.tables.named(table, f"{table}:log", name, user_name=user, email=f"{user}@example.com")

    def _make_room(self) -> None:
        """The installation's own columns become fields of the table."""
        own = dict.fromkeys(("u_symptom", "u_priority_confirmation", "vendor"), "")
        self._desk.incidents.defaults = {**own, **self._desk.incidents.defaults}


def read_log(path: Path) -> list[Row]:
    """All rows, cleaned, in the order of COLUMNS; equal cells share one text. Raises `ValueError`, naming what the header lacks."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as text:
        lines = csv.reader(text)
        places = _places(next(lines), path)
        cleaned = _Cleaned()
        return [tuple(clean[line[place]] for clean, place in zip(cleaned.columns, places, strict=True)) for line in lines if line]


def _places(header: list[str], path: Path) -> list[int]:
    """Where each column stands. In one edition `category` stands twice; the second one is the subcategory."""
    names: list[str] = []
    for name in (SLIPS.get(n.strip(), n.strip()) for n in header):
        names.append("subcategory" if name == "category" and name in names else name)
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"{path.name} is no incident log: it has no column {', '.join(missing)}")
    return [names.index(name) for name in COLUMNS]


class _Cleaned:
    """One memory of cleaned texts for each column: a log has few words, many times."""

    def __init__(self) -> None:
        self.columns = [_Memory(_cleaner(name)) for name in COLUMNS]


class _Memory(dict[str, str]):
    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._clean = clean

    def __missing__(self, text: str) -> str:
        found = self[text] = intern("" if text == "?" else self._clean(text.strip()))
        return found


def _cleaner(name: str) -> Callable[[str], str]:
    if name == "number":
        return lambda text: f"INC{text.removeprefix('INC')}"
    if name.endswith("_at"):
        return _stamp
    if name in ("impact", "urgency", "priority"):
        return lambda text: text.partition(" ")[0]  # 2 - Medium
    if name in BARE:
        return str
    return lambda text: _bare(text).casefold() if text.isupper() and text in ("TRUE", "FALSE") else _bare(text)


def _bare(text: str) -> str:
    """`Group 56` and `56` are one; `CHG0000047` and `0000047` as well."""
    return text.rpartition(" ")[2].removeprefix("CHG")


def _stamp(text: str) -> str:
    """`29/2/2016 01:23` or `29-02-2016 01:23` as the instance writes it."""
    date, _, time = text.partition(" ")
    day, month, year = date.replace("-", "/").split("/")
    return f"{year}-{month:0>2}-{day:0>2} {time}:00"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
