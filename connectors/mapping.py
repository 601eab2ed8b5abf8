"""One table read both ways: where a vendor keeps each of our fields, and which words it uses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from rules.ticket import Value

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """A vendor's vocabulary for one field: their word to ours. Where several mean one thing, the first is the one written."""

    ours: Mapping[str, str]

    def read(self, word: str) -> str | None:
        """Our word, or None for one that nobody declared."""
        found = self.ours.get(word)
        return found if found is not None else self.ours.get(word.casefold())

    def write(self, word: str) -> str | None:
        """Their first word for ours, or None where there is none."""
        return next((theirs for theirs, mine in self.ours.items() if mine == word), None)

    def extended(self, more: Mapping[str, str]) -> "Words":
        """An installation's own words go first, so that they are the ones written; its readings win."""
        return Words({**more, **{theirs: mine for theirs, mine in self.ours.items() if theirs not in more}})


def moment(text: str) -> datetime:
    """A vendor's stamp in UTC; one without a zone is taken as UTC. Raises `ValueError`."""
    stamp = datetime.fromisoformat(text)
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row: our field, where it is read from, where it is written to, and its words.

    `reads` is a dotted path into the record, or a function of the whole record; `writes` is the key in the vendor's payload.
    `convert` and `render` go from the vendor's value to ours and back; they see neither None nor an empty string.
    """

    name: str
    reads: str | Callable[[Record], Any] | None = None
    writes: str | None = None
    words: Words | None = None
    convert: Callable[[Any], Value] | None = None
    render: Callable[[Any], Any] | None = None

    def declared(self, words: Mapping[str, Mapping[str, str]]) -> "Field":
        """The row with an installation's own words added."""
        more = words.get(self.name)
        if not more:
            return self
        return Field(
            name=self.name,
            reads=self.reads,
            writes=self.writes,
            words=(self.words or Words({})).extended(more),
            convert=self.convert,
            render=self.render,
        )


Table: TypeAlias = Sequence[Field]


@dataclass(frozen=True, slots=True)
class Reading:
    """A record in our words: `values` by field, and in `unread` the words that have no meaning here."""

    values: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def reader(table: Table) -> Callable[[Record], Reading]:
    """The table as one function from a record to our words; paths are split once, here."""
    rows = [_row(f) for f in table if f.reads is not None]

    def read(record: Record) -> Reading:
        values: dict[str, Any] = {}
        unread: dict[str, str] = {}
        for row in rows:
            row(record, values, unread)
        return Reading(values, unread)

    return read


def _row(f: Field) -> Callable[[Record, dict[str, Any], dict[str, str]], None]:
    """One row of the table as a function that puts its value, or its unknown word, into the dictionaries it is given."""
    get = f.reads if callable(f.reads) else _path(f.reads or "")
    name, known, convert = f.name, f.words.read if f.words else None, f.convert

    def put(record: Record, values: dict[str, Any], unread: dict[str, str]) -> None:
        value = get(record)
        if value is None or value == "":
            return
        if known is not None:
            ours = known(str(value))
            if ours is None:
                unread[name] = str(value)
                return
            value = ours
        values[name] = convert(value) if convert is not None else value

    return put


def _path(dotted: str) -> Callable[[Record], Any]:
    first, *rest = dotted.split(".")
    if not rest:
        return lambda record: record.get(first)

    def follow(record: Record) -> Any:
        value = record.get(first)
        for part in rest:
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    return follow


class Unwritable(ValueError):
    """A value that has no place or no word in the target system. The message names the remedy."""


def payload(table: Table, fields: Mapping[str, Value]) -> dict[str, Any]:
    """Our fields in the vendor's keys and words. Raises `Unwritable` for a field without `writes` or a value without a word."""
    rows = {f.name: f for f in table if f.writes is not None}
    return {_writes(rows, name): _rendered(rows[name], value) for name, value in fields.items()}


def _writes(rows: Mapping[str, Field], name: str) -> str:
    if name not in rows or rows[name].writes is None:
        raise Unwritable(f"'{name}' cannot be written here; it has no place in this system")
    return str(rows[name].writes)


def _rendered(row: Field, value: Value) -> Any:
    if value is None:
        return None
    if row.words is not None:
        theirs = row.words.write(str(value))
        if theirs is None:
            raise Unwritable(
                f"there is no word for {row.name} '{value}' here; declare one under words: {{ {row.name}: {{ THEIRS: {value} }} }}"
            )
        return row.render(theirs) if row.render else theirs
    return row.render(value) if row.render else value


def declared(table: Table, words: Mapping[str, Mapping[str, str]], extra: Iterable[Field] = ()) -> tuple[Field, ...]:
    """The connector's table with an installation's words and its own fields."""
    return (*(f.declared(words) for f in table), *extra)
