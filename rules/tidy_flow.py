"""Maps and lists on one line, written as `{ key: value }` and `[a, b]`, with every scalar as its author wrote it."""

import json
import re

from rules.nodes import Entry, Map, Node, Scalar, Seq

FITS = 80  # columns
_SIGNS = re.compile(r"(^|[\s\[{,:-])[&*!][^\s]")  # anchors, aliases and tags: such lines are left alone


def block(node: Map | Seq, lines: list[str]) -> bool:
    """Whether it stands on lines of its own, without braces or brackets."""
    line = lines[node.line - 1] if node.line <= len(lines) else ""
    return line[node.column - 1 : node.column] not in ("{", "[", "*", "&", "!")


def one_line(entry: Entry, written: list[str]) -> str | None:
    """A key with its map on one line; None where a comment, an anchor or a text over several lines stands in it."""
    below = written[1:]
    if any("#" in line or not line.strip() or _SIGNS.search(line) for line in below) or written[0].rstrip()[-1:] != ":":
        return None
    made = _rendered(entry.value, entry.key.line, written)
    return None if made is None else f"{written[0].rstrip()} {made}"


def flow_of(node: Map | Seq, lines: list[str]) -> str | None:
    """One in braces or brackets on one line, written anew."""
    line = lines[node.line - 1]
    if _SIGNS.search(line[node.column - 1 : node.end_column - 1]):
        return None
    return _rendered(node, 1, lines)


def respaced(line: str, node: Map | Seq, made: str) -> str:
    return line[: node.column - 1] + made + line[node.end_column - 1 :]


def _rendered(node: Node, first: int, lines: list[str]) -> str | None:
    """The node in flow style; `first` is the number of the line that `lines` begin with."""
    if isinstance(node, Scalar):
        return _scalar(node, first, lines)
    if isinstance(node, Seq):
        parts = [_rendered(item, first, lines) for item in node]
        if not block(node, [""] * (first - 1) + lines) or all(isinstance(item, Scalar) for item in node):
            return None if None in parts else f"[{', '.join(str(part) for part in parts)}]"
        return None
    pairs = [(_scalar(entry.key, first, lines), _rendered(entry.value, first, lines)) for entry in node.entries.values()]
    if any(key is None or value is None for key, value in pairs):
        return None
    return f"{{ {', '.join(f'{key}: {value}' if value else f'{key}:' for key, value in pairs)} }}" if pairs else "{}"


def _scalar(node: Scalar, first: int, lines: list[str]) -> str | None:
    """As it was written, in quotes where a comma or bracket would end it."""
    number = node.line - first
    if node.line != node.end_line or not 0 <= number < len(lines):
        return None
    source = lines[number][node.column - 1 : node.end_column - 1]
    if not node.plain:
        return source if source[:1] in "'\"" else None
    if source.strip() != node.text.strip():
        return None
    return json.dumps(node.text, ensure_ascii=False) if re.search(r"[,\[\]{}]", node.text) or node.text.endswith(":") else source
