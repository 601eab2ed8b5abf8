"""A page of records read column by column: what reading each by itself gives, at a fraction of the cost of a call for each value.

The table is the same, and reading one record by itself says what it means: a page that holds anything out of the ordinary is
`Unusual`, and its records are then read one at a time, which tells what is wrong with which.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from itertools import chain, repeat
from types import NoneType
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, structs

from connectors.base import Spoilt
from connectors.mapping import Field, Kept, Plain, Several, Table, moment, moments
from rules.ticket import Ticket

Unread: TypeAlias = Sequence[dict[str, str]]
Column: TypeAlias = Callable[["Decoded", Unread], list[Any]]
Said: TypeAlias = Callable[["Decoded"], Sequence[Any]]

AtOnce: TypeAlias = Mapping[Any, Callable[[Any], list[Any]]]
"""By a conversion of one value: the same of many, none of them empty."""

STAMPS: AtOnce = {moment: moments}
OWN = "custom."
TEXT = frozenset({str, NoneType})
NEEDED = frozenset({"created_at", "updated_at"})
MANY = 200
"""Records read at once: what each column looks at again is then still in the processor's cache, and an odd one slows these few down."""
NO_MEMBERS: frozenset[str] = frozenset()


MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
"""What reading a record raises that is not what its system documents."""


class Unusual(Exception):
    """The page holds a record that must be read by itself."""


def _types() -> dict[str, frozenset[type]]:
    """The types that a value of each field may have, as they stand in `Ticket`."""
    hints = get_type_hints(Ticket)
    return {name: frozenset(get_origin(kind) or kind for kind in get_args(hint) or (hint,)) for name, hint in hints.items()} | {
        name: frozenset({frozenset}) for name in ("tags", "watchers")
    }


TYPES: Mapping[str, frozenset[type]] = _types()
OF_OWN: frozenset[type] = frozenset({str, int, float, bool, datetime, frozenset, NoneType})
ABSENT: Mapping[str, Any] = {
    f.name: None if f.default is NODEFAULT else f.default for f in structs.fields(Ticket) if f.default_factory is NODEFAULT
} | {"subject": ""}


class Columns:
    """The rows of a table, ready for many records of one class, which has the table's keys.

    `apart` names the fields that the connector reads in its own way.
    """

    def __init__(self, table: Table, apart: Iterable[str], *, at_once: AtOnce = STAMPS) -> None:
        self._rows = [(f.name, _judged(f, _said(f), at_once)) for f in table if f.reads is not None and f.name not in {*apart}]

    def tickets(self, records: "Decoded", apart: Mapping[str, Iterable[Any]], unread: Unread) -> list[Ticket]:
        """One ticket for each record, in order; `unread` gets the words that nobody declared. Raises `Unusual`."""
        if not unread:
            return []
        found: dict[str, Iterable[Any]] = dict(apart)
        try:
            for name, column in self._rows:
                found[name] = column(records, unread)
        except MALFORMED:
            raise Unusual from None
        own = [(name[len(OWN) :], found[name]) for name in found if name.startswith(OWN)]
        found |= {"unread": unread, "custom": _together(own, len(unread))}
        return list(map(Ticket, *(found[name] if name in found else repeat(ABSENT[name]) for name in Ticket.__struct_fields__)))


class Decoded:
    """Records of one class, and each of its fields as a column: taken apart in C, which asking each record for each field is not."""

    def __init__(self, records: Sequence[Struct]) -> None:
        self.records: Sequence[Any] = records
        self.rows = list(map(structs.astuple, records))
        names = records[0].__struct_encode_fields__ if records else ()
        self.fields: Mapping[str, Sequence[Any]] = dict(zip(names, zip(*self.rows, strict=True), strict=True))


def all_of(
    records: Sequence[Any],
    together: Callable[[Sequence[Any]], list[Ticket]],
    alone: Callable[[Any], Ticket],
    spoilt: Callable[[Any, Exception], Spoilt],
) -> tuple[list[Ticket], list[Spoilt]]:
    """Many records at once; one by one where that cannot be, with those of which nothing comes."""
    tickets: list[Ticket] = []
    lost: list[Spoilt] = []
    for start in range(0, len(records), MANY):
        some = records[start : start + MANY]
        try:
            tickets += together(some)
        except Unusual:
            for record in some:
                try:
                    tickets.append(alone(record))
                except MALFORMED as error:
                    lost.append(spoilt(record, error))
    return tickets, lost


def _together(own: Sequence[tuple[str, Iterable[Any]]], count: int) -> list[dict[str, Any]]:
    """The columns of an installation's own fields as one mapping for each record, without what is empty."""
    made: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, column in own:
        for values, value in zip(made, column, strict=True):
            if value is not None:
                values[name] = value
    return made


def part(record: Any, name: str) -> Any:
    """What stands at a key of a record, decoded or not; None where there is none, or it is no record."""
    if isinstance(record, Struct):
        return getattr(record, name, None)
    return record.get(name) if isinstance(record, dict) else None


def _said(row: Field) -> Said:
    get = row.reads
    if isinstance(get, Several):
        return lambda decoded: get.each([decoded.fields[key] for key in get.keys])
    if isinstance(get, Plain):
        return lambda decoded: decoded.fields[get.key]
    if callable(get):
        return lambda decoded: list(map(get, decoded.records))
    first, *deeper = str(get).split(".")

    def follow(value: Any) -> Any:
        for name in deeper:
            value = getattr(value, name, None)
        return value

    return lambda decoded: list(map(follow, decoded.fields[first])) if deeper else decoded.fields[first]


def _judged(row: Field, said: Said, at_once: AtOnce) -> Column:
    """From what the records say to our values, each of the type that the field has."""
    if row.words is not None:
        return _words(row, said)
    absent, kinds = ABSENT.get(row.name), TYPES.get(row.name, OF_OWN) - ({NoneType} if row.name in NEEDED else frozenset())
    convert, of_people = row.convert, row.name in ("requester", "assignee")
    each = at_once.get(convert)

    def column(records: "Decoded", _: Unread) -> list[Any]:
        told = said(records)
        if each is not None and all(told):
            values = each(told)
        elif convert is not None:
            values = [absent if value is None or value == "" else convert(value) for value in told]
        else:
            _only(told, kinds if of_people else TEXT)
            values = [value or absent for value in told]
        _only(values, kinds)
        if values and type(values[0]) is frozenset:
            _only(chain.from_iterable(value for value in values if value is not None), {str})
        return values

    return column


def _words(row: Field, said: Said) -> Column:
    """Words and their meanings; each is looked up once. One without a meaning is named among the unread."""
    name, meanings = row.name, Kept(_meaning(row))

    def column(records: "Decoded", unread: Unread) -> list[Any]:
        words = said(records)
        _only(words, TEXT)
        values = [meanings[word] for word in words]
        if None in values:
            for word, value, left in zip(words, values, unread, strict=True):
                if value is None and word:
                    left[name] = word
        return values

    return column


def _meaning(row: Field) -> Callable[[str | None], Any]:
    """From a vendor's word to our value, as a member where the field has a closed vocabulary."""
    words, convert = row.words, row.convert
    closed = next((kind for kind in TYPES.get(row.name, ()) if issubclass(kind, Enum)), None)

    def meaning(word: str | None) -> Any:
        ours = words.read(word) if word and words else None
        if ours is None:
            return None
        value = ours if convert is None else convert(ours)
        return value if closed is None else closed(value)

    return meaning


def _only(values: Iterable[Any], kinds: Collection[object]) -> None:
    if not set(map(type, values)).issubset(kinds):
        raise Unusual
