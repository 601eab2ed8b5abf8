"""A page of records decoded in C to the very fields that we asked for: what else stands in it is stepped over.

A page of any other shape is decoded to whatever it holds, and its records are read one at a time.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import msgspec
import orjson
from msgspec import Struct, defstruct

from connectors.columns import Columns, Decoded, Unusual
from connectors.mapping import Field
from connectors.servicenow.query import moment, moments
from connectors.servicenow.reading import LABELS, keys_read, version
from connectors.servicenow.settings import ServiceNowSettings
from rules.ticket import Ticket, TicketRef

NEEDED = ("sys_id", "sys_updated_on", "sys_mod_count")
"""Without these it is no record that could be a ticket."""
APART = ("ref", "version", "url", "shown_as")


class Shape:
    """The keys that a table's tickets are made of, as one class of which every value is text."""

    def __init__(self, table: tuple[Field, ...]) -> None:
        others = [name for name in keys_read(table) if name not in NEEDED]
        names = {name if name == LABELS else f"own{n}": name for n, name in enumerate(others)}
        optional: list[Any] = [(name, str | None, None) for name in names]
        record: Any = defstruct("Row", [*((name, str) for name in NEEDED), *optional], rename=names, kw_only=True, gc=False)
        answer: Any = defstruct("Answer", [("result", list[record]), ("error", Any, None)])
        self._record, self._answer = record, msgspec.json.Decoder(answer).decode

    def are_of_it(self, records: Sequence[object]) -> bool:
        return {*map(type, records)} <= {self._record}

    def decoded(self, content: bytes) -> Any:
        """An answer with rows. Raises `ValueError` for what is no JSON."""
        try:
            answer = self._answer(content)
        except ValueError:
            return orjson.loads(content)
        return {"result": answer.result, "error": answer.error}


def plain(record: Any) -> Any:
    """The record as any other answer holds it."""
    return msgspec.to_builtins(record) if isinstance(record, Struct) else record


def labelled(record: Any, labels: str) -> None:
    """Puts its tags on a record in any shape."""
    if isinstance(record, Struct):
        setattr(record, LABELS, labels)
    else:
        record[LABELS] = labels


def page_reader(
    connection: str, settings: ServiceNowSettings, table: tuple[Field, ...], shape: Shape
) -> Callable[[Sequence[Any]], list[Ticket]]:
    """As `reading.ticket_reader` for many records at once; `Unusual` where one of them must be read by itself."""
    columns, replaced = Columns(table, APART, at_once={moment: moments}), any(f.name in APART for f in table)
    page = f"{settings.url}/{settings.table}.do?sys_id="

    def tickets(records: Sequence[Any]) -> list[Ticket]:
        if replaced or not shape.are_of_it(records):
            raise Unusual
        if not records:
            return []
        decoded = Decoded(records)
        fields, keys = decoded.fields, decoded.fields["sys_id"]
        if "" in keys:
            raise Unusual
        labels = fields[LABELS] if settings.labelled else repeat(None)
        apart: dict[str, Sequence[Any]] = {
            "ref": [TicketRef(connection, key) for key in keys],
            "version": list(map(version, fields["sys_mod_count"], fields["sys_updated_on"], labels)),
            "url": [page + key for key in keys],
            "shown_as": [number or None for number in fields["number"]],
        }
        return columns.tickets(decoded, apart, [{} for _ in records])

    return tickets
