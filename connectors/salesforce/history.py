"""What the history of a case says of our fields. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from connectors.mapping import Record, Table, Words, moment
from connectors.salesforce.reading import QUEUE, USER
from rules.ticket import Change, Value

HISTORY = {"Status": "status", "Priority": "priority", "Type": "type", "Subject": "subject", "Origin": "channel"}


def changes_of(rows: Sequence[Record], table: Table, nobody: Iterable[str]) -> Iterator[Change]:
    """What the history of a case says of our fields, in its order. A word that nobody declared is None."""
    words, none = {f.name: f.words for f in table if f.words}, frozenset(nobody)
    for row in rows:
        if row["Field"] in HISTORY:
            name = HISTORY[row["Field"]]
            before, after = (_meaning(row[side], words.get(name)) for side in ("OldValue", "NewValue"))
            yield Change(field=name, before=before, after=after, at=moment(row["CreatedDate"]), by=_by(row))
        elif row["Field"] == "Owner" and _is_id(row):
            yield from _handed_over(row, _named(row, rows), none)


def _meaning(value: Any, words: Words | None) -> Value:
    if value is None:
        return None
    return words.read(str(value)) if words else str(value)


def _by(row: Record) -> str | None:
    user = row.get("CreatedBy") or {}
    return user.get("Email") or user.get("Name") or row.get("CreatedById")


def _is_id(row: Record) -> bool:
    return str(row["NewValue"] or row["OldValue"]).startswith((QUEUE, USER))


def _named(row: Record, rows: Sequence[Record]) -> Record:
    """An owner's change has two rows, one with ids and one with names."""
    same = (r for r in rows if r["Field"] == "Owner" and r["CreatedDate"] == row["CreatedDate"] and not _is_id(r))
    return next(same, row)


def _handed_over(ids: Record, names: Record, nobody: frozenset[str]) -> Iterator[Change]:
    for field, prefix in (("group", QUEUE), ("assignee", USER)):
        before, after = (
            None if not str(ids[side]).startswith(prefix) or names[side] in nobody else names[side] for side in ("OldValue", "NewValue")
        )
        if before != after:
            yield Change(field=field, before=before, after=after, at=moment(ids["CreatedDate"]), by=_by(ids))
