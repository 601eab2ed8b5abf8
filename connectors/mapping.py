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


class Kept(dict[Any, Any]):
    """What was made of each value before: the same few people, words and tag lists stand in most tickets, and values never change."""

    def __init__(self, make: Callable[[Any], Any], most: int = 5_000) -> None:
        super().__init__()
        self._make, self._most = make, most

    def __missing__(self, said: Any) -> Any:
        if len(self) >= self._most:
            self.clear()
        found = self[said] = self._make(said)
        return found


class Several:
    """What several keys of a record tell together; a key that the record lacks tells None.

    `each` is the same of the columns of many records, in C but for what was not told before.
    """

    def __init__(self, keys: Sequence[str], made: Callable[[Any], Any]) -> None:
        self.keys, self._kept = keys, Kept(made)

    def __call__(self, record: Record) -> Any:
        return self._kept[tuple(map(record.get, self.keys))]

    def each(self, columns: Iterable[Sequence[Any]]) -> list[Any]:
        return list(map(self._kept.__getitem__, zip(*columns, strict=True)))


@dataclass(frozen=True, slots=True)
class Plain:
    """What stands at a key, dots and all: it is no path."""

    key: str

    def __call__(self, record: Record) -> Any:
        return record.get(self.key)


def moment(text: str) -> datetime:
    """A vendor's stamp in UTC. Raises `ValueError`, also for one that UTC has no year for, and for one that names no zone.

    Whose hours those are is known only where the vendor says so, and is said there: a guess would move deadlines by hours in silence.
    """
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is UTC:
        return stamp
    if stamp.tzinfo is None:
        raise ValueError("a moment without a zone")
    try:
        return stamp.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment before the year 1 or after the year 9999 in UTC") from None


def moment_or_day(text: str) -> datetime:
    """`moment`, or a day without an hour, which begins at midnight in UTC, as it is written back. Raises `ValueError`."""
    return moment(text if len(text) > len("2026-03-02") else f"{text}T00:00:00Z")


def moments(texts: Sequence[str]) -> list[datetime]:
    """`moment` of each."""
    stamps = list(map(datetime.fromisoformat, texts))
    return stamps if {stamp.tzinfo for stamp in stamps} == {UTC} else list(map(moment, texts))


def key_of(told: Any) -> str:
    """By what a record is known. Raises `ValueError` for what could be nobody's key: it would stand in the store for ever."""
    if not isinstance(told, str) or not told:
        raise ValueError("a record without a key")
    return told


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


@dataclass(slots=True)
class Reading:
    """A record in our words: `values` by field, and in `unread` the words that have no meaning here."""

    values: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def reader(table: Table) -> Callable[[Record], Reading]:
    """The table as one function from a record to our words; paths are split once, here. No two rows may have one name.

    Rows are read in one loop, and each word is looked up once: a call for each row would be half the cost of a large read.
    """
    rows = [f for f in table if f.reads is not None]
    by_key = [f for f in rows if _is_key(f.reads)]
    others = [(getter(f), (f.name, _meaning_of(f), f.convert)) for f in rows if not _is_key(f.reads)]
    keys, about = [str(f.reads) for f in by_key], [(f.name, _meaning_of(f), f.convert) for f in by_key]

    def read(record: Record) -> Reading:
        values: dict[str, Any] = {}
        unread: dict[str, str] = {}
        _put(values, unread, zip(map(record.get, keys), about, strict=True))
        if others:
            _put(values, unread, [(get(record), row) for get, row in others])
        return Reading(values, unread)

    return read


_Row: TypeAlias = tuple[str, "Kept | None", Callable[[Any], Value] | None]


def _put(values: dict[str, Any], unread: dict[str, str], rows: Iterable[tuple[Any, _Row]]) -> None:
    """Puts the vendor's values in our words under their names, and those without a word among the unread.

    Raises `ValueError` that names the field of a value which is none of its kind, never the value: that may be a customer's text.
    """
    name = ""
    try:
        for value, (name, words, convert) in rows:
            if value is None or (type(value) is str and not value):
                continue
            if words is not None:
                word = words[value if type(value) is str else str(value)]
                if word is None:
                    unread[name] = str(value)
                else:
                    values[name] = word
            else:
                values[name] = value if convert is None else convert(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: not a value of its kind") from None


def _is_key(reads: object) -> bool:
    return isinstance(reads, str) and "." not in reads


def getter(f: Field) -> Callable[[Record], Any]:
    """What a record says for the row: by its path, or the row's own function."""
    return f.reads if callable(f.reads) else _path(f.reads or "")


def _meaning_of(f: Field) -> Kept | None:
    return Kept(_meaning(f.words, f.convert)) if f.words is not None else None


def _meaning(words: Words, convert: Callable[[Any], Value] | None) -> Callable[[str], Value]:
    """From a vendor's word to our value; None for one that nobody declared."""

    def meaning(word: str) -> Value:
        ours = words.read(word)
        return convert(ours) if ours is not None and convert is not None else ours

    return meaning


def _path(dotted: str) -> Callable[[Record], Any]:
    first, *rest = dotted.split(".")

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
