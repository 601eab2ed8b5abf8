"""The body of a `webhook`: JSON as text with placeholders, or keys and values from which it is made."""

import json
import re

from rules.nodes import Map, Node, Scalar, Seq, plain
from rules.reader_context import Reading
from rules.reader_texts import compile_text
from rules.templates import Template

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def read_body(r: Reading, node: Node) -> Template | None:
    """The template of the body; TG205 for a text that no ticket could make JSON of."""
    if isinstance(node, Scalar) and not node.is_null:
        return _text(r, node)
    return compile_text(r, node, written(node), json=True)


def _text(r: Reading, node: Scalar) -> Template | None:
    if "{%" not in node.text and not _is_json(_PLACEHOLDER.sub("0", node.text)):
        help = 'write keys and values: body: { ticket: "{{ ticket.ref }}" }; in text, placeholders of texts stand between quotes'
        r.wrong(node, "TG205", "'body' is not JSON", help=help)
        return None
    return compile_text(r, node, json=True)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def written(node: Node) -> str:
    """The tree as JSON with its placeholders still in it: only what stands around them is escaped."""
    if isinstance(node, Map):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(entry.value)}" for key, entry in node.entries.items()) + "}"
    if isinstance(node, Seq):
        return "[" + ", ".join(map(written, node)) + "]"
    value = plain(node)
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    parts, at = [], 0
    for found in _PLACEHOLDER.finditer(text):
        parts += [_escaped(text[at : found.start()]), found[0]]
        at = found.end()
    return f'"{"".join(parts)}{_escaped(text[at:])}"'


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
