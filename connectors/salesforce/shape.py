"""A page of cases decoded in C to the very fields that we asked for: what else stands in it is stepped over.

A page of any other shape is decoded to whatever it holds, and its cases are read one at a time.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import msgspec
import orjson
from msgspec import Struct, ValidationError, convert, defstruct

from connectors.columns import Decoded
from connectors.mapping import Record
from connectors.salesforce.soql import CHILDREN, FIELDS


class Child(Struct, gc=False):
    """The newest comment or e-mail."""

    Id: str


class Children(Struct, gc=False):
    """What was asked for of them: the newest."""

    records: list[Child]


TEXT = str | None
NEEDED = ("Id", "CreatedDate", "SystemModstamp")
"""Without these it is no case that could be a ticket."""
FLAGS = ("IsDeleted",)


class Shape:
    """The fields that are asked for, `own` among them, as one class; decodes pages to it, and tells versions by it.

    `texts` names those of its own that hold text; with `feed` a version names the newest post as well.
    """

    def __init__(self, own: Iterable[str], texts: Iterable[str], *, feed: bool = False) -> None:
        kinds: dict[str, Any] = dict.fromkeys(own, Any) | dict.fromkeys((*FIELDS, *texts), TEXT) | dict.fromkeys(FLAGS, Any)
        fields = _fields(kinds)
        self._newest = [name for table, name in CHILDREN.items() if feed or table != "CaseFeed"]
        children = [(name, Children | None, None) for name in self._newest]
        case: Any = defstruct("Case", [*fields, *children], kw_only=True, gc=False)
        page: Any = defstruct("Page", [("records", list[case]), ("done", bool), ("nextRecordsUrl", TEXT, None)])
        self._case, self._page = case, msgspec.json.Decoder(page).decode
        self._plain, self._digested = sum("." not in path for path in kinds), len(fields)
        self._version = ("%.19sZ~%08x~" + ".".join(["%s"] * len(children))).__mod__

    def is_it(self, case: object) -> bool:
        return case.__class__ is self._case

    def decoded(self, content: bytes) -> Any:
        """A page of a query. Raises `ValueError` for what is no JSON."""
        try:
            page: Any = self._page(content)
        except ValueError:
            return orjson.loads(content)
        return {"records": page.records, "done": page.done, "nextRecordsUrl": page.nextRecordsUrl}

    def version(self, record: Record) -> str:
        """Of a case by itself; the same as of the same case on a page."""
        try:
            return self.versions(Decoded([convert(record, self._case)]))[0]
        except ValidationError:
            content = orjson.dumps({name: value for name, value in record.items() if name not in _NOT_DIGESTED})
            return _version(record["SystemModstamp"], content, (_newest(record.get(name)) for name in self._newest))

    def versions(self, cases: Decoded) -> list[str]:
        """Of cases of this shape; their own values come first, then what they are related to, then the children.

        A digest is made of the first two as one list of JSON: the same letter by letter in every release, else an upgrade would make
        all cases news. orjson writes the texts at less than half of msgspec's cost, and knows no classes.
        """
        own = _texts([row[: self._plain] for row in cases.rows])
        related = map(_encoded, [row[self._plain : self._digested] for row in cases.rows])
        digests = [crc32(beside[1:], crc32(first[:-1] + b",")) for first, beside in zip(own, related, strict=True)]
        newest = [map(_first, cases.fields[name]) for name in self._newest]
        return list(map(self._version, zip(cases.fields["SystemModstamp"], digests, *newest, strict=True)))


_encoded = msgspec.json.Encoder().encode


def _texts(rows: list[tuple[Any, ...]]) -> list[bytes]:
    try:
        return list(map(orjson.dumps, rows))
    except TypeError:  # a whole number beyond 64 bits, in a field of the organization's own
        return list(map(_text, rows))


def _text(row: tuple[Any, ...]) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError:
        return _encoded(row)


_NOT_DIGESTED = frozenset({*CHILDREN.values(), "attributes"})


def _version(stamp: str, content: bytes, newest: Iterable[str]) -> str:
    return f"{stamp[:19]}Z~{crc32(content):08x}~{'.'.join(newest)}"


def _first(children: Children | None) -> str:
    return children.records[0].Id if children is not None and children.records else "-"


def _newest(children: Any) -> str:
    return str(children["records"][0]["Id"]) if children and children["records"] else "-"


def _fields(kinds: Mapping[str, Any]) -> list[Any]:
    """Of a class that has these paths: what stands behind a dot is a field of another."""
    plain = {path: kind for path, kind in kinds.items() if "." not in path}
    inner: dict[str, dict[str, Any]] = {}
    for path, kind in kinds.items():
        first, dot, rest = path.partition(".")
        if dot and first not in plain:
            inner.setdefault(first, {})[rest] = kind
    fields = [(name, str) if name in NEEDED else (name, kind, None) for name, kind in plain.items()]
    related = [(name, defstruct(name, _fields(rest), kw_only=True, gc=False, frozen=True) | None, None) for name, rest in inner.items()]
    return [*fields, *related]
