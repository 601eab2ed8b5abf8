"""Our values to JSON and back: tickets, observations, actions, plans. No pickles; what is written is read back equal.

A ticket by itself is written and read by msgspec, tens of thousands a second. All else is orjson's: it writes dataclasses by itself,
and our nouns as we hand them to it. Two things it cannot say are tagged: a moment (`{"at": ...}`) and a set (`{"set": [...]}`).
Reading goes by the classes' own annotations, looked up once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
import orjson
from msgspec import Struct, ValidationError
from msgspec.structs import astuple

from connectors.door import Checked, checked
from rules.plan import Action, AddComment, Ask, Attach, Call, CreateTicket, JoinTicket, Notify, Page, Update, Webhook
from rules.ticket import Ticket, TicketRef, Value, replace

T = TypeVar("T")
Read: TypeAlias = Callable[[Any], Any]

_KINDS: tuple[tuple[str, type], ...] = (
    *(
        ("changes", Update),
        ("body", AddComment),
        ("largest", Attach),
        ("draft", CreateTicket),
        ("made_by", JoinTicket),
        ("asked_for", Notify),
    ),
    *(("turn", Call), ("urgency", Page), ("question", Ask), ("payload", Webhook)),
)
"""An action is known by a key that no other action has."""


def to_json(value: object) -> bytes:
    """Any of our values. Raises `TypeError` for text that is no Unicode and whole numbers beyond 64 bits."""
    if isinstance(value, Ticket):
        return ticket_json(value)
    return orjson.dumps(value, default=_tagged, option=orjson.OPT_PASSTHROUGH_DATETIME)


def ticket_json(ticket: Ticket, *, body: bool = True) -> bytes:
    """`to_json(ticket)`; msgspec writes it by itself, without what is not set. Without its `body` it is what figures are made of."""
    return tickets_json([ticket], body=body)[0]


def tickets_json(tickets: Sequence[Ticket], *, body: bool = True) -> list[bytes]:
    """`ticket_json` of each."""
    whole = [replace(one, custom=_own(one.custom)) if one.custom else one for one in tickets]
    bare = whole if body else [_with(one, body=None) if one.body is not None else one for one in whole]
    try:
        return list(map(_TICKETS.encode, bare))
    except UnicodeEncodeError:
        raise TypeError("text that is no Unicode has no place in the store") from None


def ticket_from(data: bytes) -> Ticket:
    """`from_json(Ticket, data)`. A ticket that stood within another value is tagged like all the rest of it, and read as that."""
    try:
        found = _READ_TICKET(data)
    except ValidationError:
        tagged: Ticket = _reader(Ticket)(orjson.loads(data))
        return tagged
    if found.custom:
        found.custom = {name: _value(value) for name, value in found.custom.items()}
    return Ticket(*astuple(found))


@lru_cache(maxsize=64)
def glance_at(fields: frozenset[str]) -> Callable[[bytes], Ticket]:
    """Reads a stored ticket's name, status and these fields alone: what comes has no others, and cost a fraction of `ticket_from`."""
    read: Callable[[bytes], Any] = msgspec.json.Decoder(checked(fields | {"ref", "status"})).decode

    def glance(data: bytes) -> Ticket:
        try:
            found = read(data)
        except ValidationError:
            return ticket_from(data)
        if "custom" in fields and found.custom:
            found.custom = {name: _value(value) for name, value in found.custom.items()}
        return cast(Ticket, found)

    return glance


_with = msgspec.structs.replace
"""For each of a page's thousands: the general way takes four times as long."""
_TICKETS = msgspec.json.Encoder(order="deterministic")
_READ_TICKET = msgspec.json.Decoder(Checked).decode


def _own(custom: Mapping[str, Value]) -> dict[str, Any]:
    """What JSON cannot say tagged, as in every other value. Raises `TypeError` for whole numbers beyond 64 bits."""
    if any(isinstance(value, int) and not -(2**63) <= value < 2**64 for value in custom.values()):
        raise TypeError("whole numbers beyond 64 bits have no place in the store")
    return {name: _tagged(value) if isinstance(value, (datetime, frozenset)) else value for name, value in custom.items()}


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def from_json(kind: type[T], data: bytes) -> T:
    """What `to_json` wrote. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    annotation: Any = kind
    read: Any = ticket_from(data) if annotation is Ticket else _reader(annotation)(orjson.loads(data))
    return cast(T, read)


def action_from(data: bytes) -> Action:
    found: Action = _action(orjson.loads(data))
    return found


def values_from(data: bytes) -> dict[str, Value]:
    """A mapping of field values, as `to_json` wrote it."""
    return {name: _value(value) for name, value in orjson.loads(data).items()}


def _tagged(value: object) -> object:
    if isinstance(value, datetime):
        return {"at": _utc(value).isoformat()}
    if isinstance(value, (frozenset, set)):
        return {"set": sorted(value)}
    if isinstance(value, Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in the store")


def _value(said: Any) -> Any:
    if not isinstance(said, dict):
        return said
    return datetime.fromisoformat(said["at"]) if "at" in said else frozenset(said["set"])


def _moment(said: Any) -> datetime:
    return datetime.fromisoformat(said["at"])


def _set(said: Any) -> frozenset[str]:
    return frozenset(said["set"])


def _same(said: Any) -> Any:
    return said


def _action(said: Any) -> Any:
    kind = next(kind for key, kind in _KINDS if key in said)
    return _reader(kind)(said)


@lru_cache(maxsize=256)
def _reader(kind: Any) -> Read:
    """How a value of this annotation is read."""
    if kind == Action:
        return _action
    if kind == Value:
        return _value
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional(next(part for part in get_args(kind) if part is not NoneType))
    if origin is tuple:
        return _tuple(get_args(kind))
    if origin is Literal:
        return _same
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(get_args(kind)[1])
    return _plain(kind)


def _plain(kind: Any) -> Read:
    if get_origin(kind) is frozenset:
        return _set
    if kind is datetime:
        return _moment
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _made_of(kind, kind.__struct_fields__)
    return _made_of(kind, tuple(f.name for f in fields(kind))) if is_dataclass(kind) else _same


def _optional(kind: Any) -> Read:
    inner = _reader(kind)
    return lambda said: None if said is None else inner(said)


def _tuple(kinds: tuple[Any, ...]) -> Read:
    inner = _reader(kinds[0])  # all our tuples are of one kind and any length
    return lambda said: tuple(map(inner, said))


def _mapping(kind: Any) -> Read:
    inner = _reader(kind)
    if inner is _same:
        return dict
    return lambda said: {name: inner(value) for name, value in said.items()}


def _made_of(kind: Any, names: tuple[str, ...]) -> Read:
    if kind is TicketRef:
        return lambda said: TicketRef(said["connection"], said["key"])
    hints = get_type_hints(kind)
    readers = tuple((name, _reader(hints[name])) for name in names)

    def read(said: Mapping[str, Any]) -> Any:
        """Fields that the writer did not know yet take their default."""
        return kind(**{name: inner(said[name]) for name, inner in readers if name in said})

    return read
