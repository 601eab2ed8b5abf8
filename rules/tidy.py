"""A rule or test file in its tidy form: keys in order, short maps on one line, comments and blank lines where they were.

It works on the lines as they were written, not on a tree written out again: what is not moved stays as it is, to the letter.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from rules.nodes import Entry, Map, Node, Scalar, Seq, read
from rules.reader_context import KIND_KEYS
from rules.tidy_flow import FITS, block, flow_of, one_line, respaced

RULE = (
    *("id", "name", "description", "owner", "mode", "when", "if", "then", "stages", "limits", "catch_up"),
    "react_to_own_changes",
)
STAGE = ("at", "after", "then", "repeat", "deliver")
TEST = ("name", "now", "ticket", "history", "others", "rules", "event", "steps", "expect")
STEP = ("at", "event", "ticket", "expect")
ROUNDS = 8  # a map may be put in order only after the one around it was


class Unreadable(ValueError):
    """The file holds errors: it is left alone."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines from `first` to before `after` (counted from 0) are to read so."""

    first: int
    after: int
    lines: tuple[str, ...]


def tidied(file: str, text: str) -> str:
    """The same in tidy form. Raises `Unreadable`. What it says stays the same, or nothing is changed."""
    root = _root(file, text)
    said = meaning(root)
    for change in (_orders, _joins, _spaces):
        for _ in range(ROUNDS):
            before, text = text, _changed(file, text, said, change)
            if text == before:
                break
    return text


def upgraded(file: str, text: str) -> str:
    """The text in the language of this release: one that names no version is of the first. Raises `Unreadable`."""
    root = _root(file, text)
    return text if "version" in root else f"version: 1\n{text}"


def meaning(root: Node) -> str:
    """A hash of what a file says, whatever its form: 64 hex digits. The order of names counts, that of a rule's own keys does not."""
    return sha256(json.dumps(_said(root, ()), ensure_ascii=True).encode()).hexdigest()


def _said(node: Node, path: tuple[str, ...]) -> object:
    if isinstance(node, Scalar):
        return None if node.is_null else [node.text]
    if isinstance(node, Seq):
        return {"list": [_said(item, (*path, "-")) for item in node]}
    entries = [(name, _said(entry.value, (*path, name))) for name, entry in node.entries.items()]
    return {"map": entries if order_of(path) is None else sorted(entries, key=lambda entry: entry[0])}


def order_of(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The order of the keys of the map at this path; None where a person's own order stands."""
    match path:
        case ():
            return ("version",)
        case ("rules", "-"):
            return RULE
        case ("rules", "-", "stages", "-"):
            return STAGE
        case ("tests", "-"):
            return TEST
        case ("tests", "-", "steps", "-"):
            return STEP
        case _:
            return None


def _root(file: str, text: str) -> Map:
    problems: list[object] = []
    root = read(file, text, problems)  # type: ignore[arg-type]
    if problems or not isinstance(root, Map):
        raise Unreadable(file)
    return root


def _changed(file: str, text: str, said: str, change: object) -> str:
    """All edits of one kind at once; where together they would say something else, those alone that do not."""
    edits = list(change(_root(file, text), text.splitlines()))  # type: ignore[operator]
    if not edits:
        return text
    made = _applied(text, edits)
    if _says(file, made) == said:
        return made
    for edit in reversed(edits):
        made = _applied(text, [edit])
        text = made if _says(file, made) == said else text
    return text


def _says(file: str, text: str) -> str | None:
    try:
        return meaning(_root(file, text))
    except Unreadable:
        return None


def _applied(text: str, edits: list[_Edit]) -> str:
    lines = text.splitlines()
    for edit in sorted(edits, key=lambda edit: edit.first, reverse=True):
        lines[edit.first : edit.after] = edit.lines
    return "\n".join(lines) + "\n"


def _maps(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[Map, tuple[str, ...]]]:
    """Every map with its path, outer ones first."""
    if isinstance(node, Map):
        yield node, path
        for name, entry in node.entries.items():
            yield from _maps(entry.value, (*path, name))
    elif isinstance(node, Seq):
        for item in node:
            yield from _maps(item, (*path, "-"))


# --- keys in order ---------------------------------------------------------------------------------------------------


def _orders(root: Map, lines: list[str]) -> Iterator[_Edit]:
    """One edit for each outermost map whose keys stand in another order; the next call finds those inside."""
    taken = -1
    for node, path in _maps(root):
        order = order_of(path)
        if order is None or node.line - 1 <= taken or not block(node, lines):
            continue
        wanted = sorted(node.entries.values(), key=lambda entry: _rank(order, entry.key.text))
        if wanted != [*node.entries.values()]:
            edit = _reordered([*node.entries.values()], wanted, lines)
            if edit is not None:
                taken = edit.after - 1
                yield edit


def _rank(order: tuple[str, ...], key: str) -> int:
    return order.index(key) if key in order else len(order)


def _reordered(entries: list[Entry], wanted: list[Entry], lines: list[str]) -> _Edit | None:
    starts = [entry.key.line - 1 for entry in entries]
    if len(set(starts)) != len(starts):
        return None
    column = entries[0].key.column - 1
    begins = [starts[0], *(_with_comments(start, lines) for start in starts[1:])]
    end = _end_of(starts[-1], column, lines)
    parts = {id(entry): (begin, after) for entry, begin, after in zip(entries, begins, [*begins[1:], end], strict=True)}
    prefix = lines[starts[0]][:column]
    blanks = [_blanks(lines[begin:after]) for begin, after in parts.values()]
    made: list[str] = []
    for number, entry in enumerate(wanted):
        begin, after = parts[id(entry)]
        after -= _blanks(lines[begin:after])
        made += _placed(lines[begin:after], entry.key.line - 1 - begin, column, prefix if number == 0 else " " * column)
        made += [""] * blanks[number]
    return _Edit(starts[0], end, tuple(made))


def _blanks(part: list[str]) -> int:
    """How many blank lines are at its end: they stay where they are while keys move."""
    return next((number for number, line in enumerate(reversed(part)) if line.strip()), 0)


def _with_comments(start: int, lines: list[str]) -> int:
    """The first of the comment lines right above a key: they go where it goes."""
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _end_of(start: int, column: int, lines: list[str]) -> int:
    """The line after the last that is indented deeper than a key, without the blank lines at its end."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        text = lines[number]
        if text.strip() and (
            len(text) - len(text.lstrip(" ")) < column or (text[column] not in " #" and not text[column:].startswith("- "))
        ):
            break
        end = number + 1 if text.strip() else end
    return end


def _placed(part: list[str], at: int, column: int, prefix: str) -> list[str]:
    """The lines of one key: comments above it at the place where the key begins."""
    before = [line if not line.strip() else " " * (len(prefix) - len(prefix.lstrip(" "))) + line.strip() for line in part[:at]]
    kept = before if prefix.strip() else part[:at]
    return [*kept, prefix + part[at][column:], *part[at + 1 :]]


# --- short maps on one line ------------------------------------------------------------------------------------------


def _joins(root: Map, lines: list[str]) -> Iterator[_Edit]:
    """Maps over several lines that fit in one."""
    taken = -1
    for node, path in _maps(root):
        for name, entry in node.entries.items():
            line = entry.key.line - 1
            value = entry.value
            if line <= taken or not isinstance(value, Map) or value.line == entry.key.line or not _may_join((*path, name)):
                continue
            end = _own_end(line, entry.key.column - 1, lines)
            joined = one_line(entry, lines[line:end]) if block(value, lines) else None
            if joined is not None and len(joined) <= FITS:
                taken = end - 1
                yield _Edit(line, end, (joined,))


def _own_end(start: int, column: int, lines: list[str]) -> int:
    """The line after a key's last, without the comments that stand above the next key."""
    end = _end_of(start, column, lines)
    while end > start + 1 and lines[end - 1].lstrip().startswith("#") and len(lines[end - 1]) - len(lines[end - 1].lstrip()) <= column:
        end -= 1
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return end


_DEFINITIONS = frozenset(KIND_KEYS.values())


def _may_join(path: tuple[str, ...]) -> bool:
    """Not the definitions, each of which begins a paragraph, nor a rule's condition, which is read line by line."""
    return not (path[0] in _DEFINITIONS and len(path) <= 2) and path[-1] != "if"


# --- spaces ----------------------------------------------------------------------------------------------------------


def _spaces(root: Map, lines: list[str]) -> Iterator[_Edit]:
    """One space inside braces, none inside brackets; no spaces at the end of a line."""
    inside = {number for scalar in _scalars(root) if scalar.end_line > scalar.line for number in range(scalar.line - 1, scalar.end_line)}
    changed: dict[int, str] = {}
    for outer in _flows(root, lines):
        number = outer.line - 1
        line = changed.get(number, lines[number])
        made = flow_of(outer, lines)
        if made is not None and line is lines[number]:
            changed[number] = respaced(line, outer, made)
    for number, line in enumerate(lines):
        now = changed.get(number, line)
        now = now if number in inside else re.sub(r"[ \t]+$", "", now)
        if now != line:
            yield _Edit(number, number + 1, (now,))


def _flows(node: Node, lines: list[str]) -> Iterator[Map | Seq]:
    """The outermost maps and lists that stand in braces or brackets on one line."""
    if isinstance(node, Scalar):
        return
    if not block(node, lines):
        if node.line == node.end_line:
            yield node
        return
    for below in node.items if isinstance(node, Seq) else (entry.value for entry in node.entries.values()):
        yield from _flows(below, lines)


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Seq):
        for item in node:
            yield from _scalars(item)
    else:
        for entry in node.entries.values():
            yield from _scalars(entry.value)
