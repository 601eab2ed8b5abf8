"""What YAML is read into: nodes that keep their source text and place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rules.bundle import Place
from rules.problems import Level, Problem, Spot

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(slots=True, eq=False)
class _Spotted:
    file: str
    line: int  # from 1
    column: int  # from 1, in characters
    end_line: int
    end_column: int  # the first column after it

    def __bool__(self) -> bool:
        return True  # a node is there even when nothing is in it

    @property
    def place(self) -> Place:
        return Place(self.file, self.line, self.column)

    @property
    def end_of_line(self) -> int:
        """The column after the part on the first line; 0 when the node goes on below."""
        return self.end_column if self.end_line == self.line else 0

    def spot(self, note: str = "") -> Spot:
        return Spot(self.place, max(self.end_of_line, self.column + 1), note)

    def problem(
        self,
        code: str,
        message: str,
        *,
        level: Level = "error",
        note: str = "",
        help: str = "",
        rule: str | None = None,
        related: tuple[Spot, ...] = (),
    ) -> Problem:
        """A problem at this node."""
        return Problem(
            code=code,
            message=message,
            place=self.place,
            end_column=self.end_of_line,
            level=level,
            note=note,
            help=help,
            rule=rule,
            related=related,
        )


@dataclass(slots=True, eq=False)
class Scalar(_Spotted):
    """One value as written; `plain` when it stands without quotes."""

    text: str = ""
    plain: bool = True

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in _NULL

    @property
    def value(self) -> str | int | float | bool | None:
        """By the core rules of YAML 1.2."""
        return _core(self.text) if self.plain else self.text


@dataclass(slots=True, eq=False)
class Seq(_Spotted):
    items: "list[Node]" = field(default_factory=list)

    def __iter__(self) -> "Iterator[Node]":
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(slots=True, eq=False)
class Entry:
    key: Scalar
    value: "Node"


@dataclass(slots=True, eq=False)
class Map(_Spotted):
    """Entries by their key's text, in the order of the file."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def get(self, key: str) -> "Node | None":
        entry = self.entries.get(key)
        return entry.value if entry else None

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def __len__(self) -> int:
        return len(self.entries)


Node: TypeAlias = Scalar | Seq | Map


def plain(node: Node | None, *, typed: bool = True) -> Any:
    """The tree as ordinary Python values; with `typed=False` every scalar but null is its source text."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return node.value if typed else None if node.is_null else node.text
    if isinstance(node, Seq):
        return [plain(item, typed=typed) for item in node]
    return {key: plain(entry.value, typed=typed) for key, entry in node.entries.items()}


def at(node: Node, path: Sequence[str | int]) -> Node:
    """The deepest node on `path`: where to point when something at or below it is wrong."""
    for step in path:
        below: Node | None = None
        if isinstance(node, Map):
            below = node.get(str(step))
        elif isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node):
            below = node.items[step]
        if below is None:
            break
        node = below
    return node


def key_at(root: Map, path: Sequence[str | int]) -> Node:
    """Like `at`, but the key of the last step where it is a key of a map: where an unknown key stands."""
    above = at(root, path[:-1])
    entry = above.entries.get(str(path[-1])) if isinstance(above, Map) and path else None
    return entry.key if entry else above


def _core(text: str) -> str | int | float | bool | None:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > 400:  # no number of a person; and int() refuses thousands of digits
        return text
    if _INT.fullmatch(text):
        return int(text, 10 if text[:2] not in ("0o", "0x") else 0)
    return float(text) if _FLOAT.fullmatch(text) else text
