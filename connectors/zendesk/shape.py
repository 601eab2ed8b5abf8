"""A page of an export decoded in C to the very keys that we read: what else stands in it is stepped over.

A page of any other shape is decoded to whatever it holds, and its tickets are read one at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any
from zlib import crc32

import msgspec
import orjson
from msgspec import UNSET, Struct, UnsetType, defstruct

from connectors.mapping import Field
from rules.ticket import replace

WATCHED = ("subject", "status", "type", "priority", "requester_id", "assignee_id", "group_id", "organization_id", "due_at", "brand_id")
TEXT = str | None
NUMBER = int | None


class Held(Struct, gc=False):
    """One of an account's own fields in a ticket."""

    id: int
    value: Any = None


class Came(Struct, gc=False, rename={"by": "from"}):
    """From where, and what that is to the ticket."""

    rel: str | None = None
    by: Any = None


class Via(Struct, gc=False):
    """The way a ticket came."""

    channel: str | None = None
    source: Came | None = None


class User(Struct, gc=False):
    """Somebody who came beside the tickets."""

    id: int
    name: str | None = None
    email: str | None = None
    organization_id: int | None = None
    tags: list[str] | None = None
    locale: str | None = None


class Named(Struct, gc=False):
    """A group or an organization."""

    id: int
    name: str


TICKET: Mapping[str, Any] = {
    **{name: TEXT for name in ("subject", "description", "type", "priority", "due_at")},
    **{name: NUMBER for name in ("requester_id", "assignee_id", "group_id", "organization_id")},
    **{"brand_id": Any, "via": Via | None, "tags": list[str] | None, "custom_fields": list[Held] | None},
}
NEEDED: Mapping[str, Any] = {"id": int, "status": TEXT, "created_at": str, "updated_at": str}


class Shape:
    """The keys of a ticket that are read, `own` among them: those of this installation that are no numbered fields.

    `whole`: something else of a ticket is read as well, so that every page is decoded to whatever it holds.
    """

    def __init__(self, own: Iterable[str], *, whole: bool = False) -> None:
        more = dict.fromkeys((name for name in own if name not in TICKET.keys() | NEEDED.keys()), Any)
        optional: list[Any] = [(name, kind, None) for name, kind in {**TICKET, **more}.items()]
        generated: Any = ("generated_timestamp", int | float | UnsetType, UNSET)
        ticket: Any = defstruct("Ticket", [*NEEDED.items(), *optional, generated], kw_only=True, gc=False)
        beside: list[Any] = [("users", list[User], []), ("groups", list[Named], []), ("organizations", list[Named], [])]
        place: list[Any] = [("after_cursor", TEXT, None), ("end_of_stream", Any, None)]
        page: Any = defstruct("Page", [("tickets", list[ticket]), *beside, *place], kw_only=True)
        self._ticket = ticket
        self._page, self._whole = msgspec.json.Decoder(page).decode, whole

    def is_it(self, record: object) -> bool:
        return record.__class__ is self._ticket

    def decoded(self, content: bytes) -> Any:
        """An answer. Raises `ValueError` for what is no JSON."""
        if self._whole:
            return orjson.loads(content)
        try:
            page = self._page(content)
        except ValueError:
            return orjson.loads(content)
        return {name: getattr(page, name) for name in page.__struct_fields__}

    def plain(self, record: Any) -> Any:
        """The ticket as any other answer holds it."""
        return msgspec.to_builtins(record) if self.is_it(record) else record


def generated(record: Any, otherwise: Any) -> Any:
    """When the export last saw a change of a ticket, in any shape; `otherwise` where it does not say."""
    if not isinstance(record, Struct):
        return record.get("generated_timestamp", otherwise)
    stamp = record.generated_timestamp  # type: ignore[attr-defined]  # of a class made by `Shape`
    return otherwise if stamp is UNSET else stamp


def status_of(record: Any) -> Any:
    """Zendesk's word, of a ticket in any shape."""
    return record.status if isinstance(record, Struct) else record["status"]  # type: ignore[attr-defined]


def tags_of(record: Any) -> Any:
    """Of a ticket in any shape."""
    return record.tags if isinstance(record, Struct) else record.get("tags")  # type: ignore[attr-defined]


_watched = attrgetter(*WATCHED)
_number = itemgetter(0)


def versions(records: Sequence[Any]) -> list[str]:
    """Of tickets of this shape, as `reading.version_of` says."""
    dumps = orjson.dumps
    return [
        f"{record.updated_at}/{crc32(dumps((_watched(record), _tags(record.tags), _own(record.custom_fields)))):08x}" for record in records
    ]


def _tags(tags: list[str] | None) -> Sequence[str]:
    return () if not tags else tags if len(tags) < 2 else sorted(tags)


def _own(held: list[Held] | None) -> Sequence[tuple[int, Any]]:
    """Those that say something, by their numbers."""
    said = [(one.id, one.value) for one in held or () if one.value is not None]
    if len(said) > 1:
        said.sort(key=_number)
    return said


def of_shape(row: Field) -> Field:
    """The row as it reads from a ticket of this shape: an own field by its number."""
    if not callable(row.reads):
        return row
    if row.name == "split_from":
        return replace(row, reads=_followed)
    number = int(str(row.writes).rpartition(".")[2])

    def reads(record: Any) -> Any:
        for one in record.custom_fields or ():
            if one.id == number:
                return one.value
        return None

    return replace(row, reads=reads)


FOLLOW_UP = "follow_up"


def _followed(record: Any) -> str | None:
    """As `reading.followed_up` says."""
    source = record.via.source if record.via is not None else None
    return None if source is None or source.rel != FOLLOW_UP else number_of(source.by)


def number_of(sender: Any) -> str | None:
    """The number of the ticket that another came from."""
    number = sender.get("ticket_id") if isinstance(sender, dict) else None
    return None if number is None else str(number)
