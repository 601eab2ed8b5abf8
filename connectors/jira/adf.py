"""A field's plain text as an Atlassian document (ADF) that reads back letter by letter, and any such document down to plain text, fast.

Replies, notes and descriptions of new issues are Markdown and go by `connectors/text/adf.py`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from msgspec import Struct, to_builtins

from connectors.text import mentions
from connectors.text.document import Mention
from connectors.text.limits import Limit, cleaned, cut
from connectors.text.pictures import named
from rules import ticket

Node: TypeAlias = dict[str, Any]

LONGEST = 32_000  # characters; Jira refuses a text of more than 32,767
DEEPEST = 60  # levels; nobody writes deeper, and a hostile document must not exhaust the stack
TEXT = Limit(LONGEST)
INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "mediaInline"})
BETWEEN = {"doc": "\n\n", "panel": "\n\n", "blockquote": "\n\n", "expand": "\n\n", "tableRow": " | "}


def document(text: str) -> dict[str, Any]:
    """Paragraphs at blank lines, line breaks within them; `text(document(t)) == t` for text that Jira takes whole.

    Characters that Jira refuses are left out; text beyond 32,000 characters is cut, and its last line says so.
    """
    clean = cut(cleaned(text.replace("\r\n", "\n").replace("\r", "\n"), TEXT), TEXT)
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in clean.split("\n\n")]}


def _paragraph(text: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for n, line in enumerate(text.split("\n")):
        if n:
            content.append({"type": "hardBreak"})
        if line:  # an empty text node makes the whole document unsound
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def again(said: str, before: Any) -> dict[str, Any]:
    """`document(said)`, in which those are still mentioned whom `before`, the document that it replaces, mentions on the same lines."""
    stays = mentions.staying(said, *told(before))
    made = document(mentions.holding(said, stays)) if stays and TEXT.size(said) <= LONGEST else document(said)
    for paragraph in made["content"]:
        paragraph["content"] = [node for one in paragraph["content"] for node in _mentioning(one, stays)]
    return made if not stays or text(made) == said else document(said)


def _mentioning(node: Node, found: Sequence[ticket.Mention]) -> Iterator[Node]:
    """A text with the mentions in their held places."""
    at, said = 0, node.get("text", "")
    for place in mentions.HELD.finditer(said) if found else ():
        one = found[int(place[1])]
        yield from [{"type": "text", "text": said[at : place.start()]}] if at < place.start() else ()
        yield {"type": "mention", "attrs": {"id": one.id, "text": one.text}}
        at = place.end()
    yield from [node if not at else {"type": "text", "text": said[at:]}] if not at or said[at:] else ()


class Part(Struct, gc=False, omit_defaults=True):
    """A node as pages of issues are decoded to it."""

    type: str
    text: str | None = None
    content: "list[Part] | None" = None
    marks: Any = None
    attrs: Any = None


def text(said: Any) -> str:
    """What a person would read of a document or a `Part`: lists with dashes or numbers, links with their address, files by name.

    Text that is no document is taken as it is; anything else is empty.
    """
    if isinstance(said, str):
        return said
    if isinstance(said, Part):
        plain = _paragraphs(said)
        return plain if plain is not None else _read(to_builtins(said), 0)
    return _read(said, 0) if isinstance(said, dict) else ""


def told(said: Any) -> tuple[str, tuple[ticket.Mention, ...]]:
    """`text(said)`, and whom it mentions there."""
    shown, found = text(said), list[Mention]()
    if "@" not in shown or not isinstance(said, dict) or mentions.NOT_HELD.search(shown):
        return shown, ()
    held = _held(said, found, 0)
    placed = mentions.placed(_read(held, 0), found) if found else (shown, ())
    return placed if placed[0] == shown else (shown, ())


def _held(node: Node, found: list[Mention], depth: int) -> Node:
    """The node with the places of its mentions held; all who are here, or all at once, are no person (`userType` SPECIAL)."""
    if node.get("type") == "mention":
        attributes = node.get("attrs") or {}
        id, name = str(attributes.get("id") or ""), SHOWN(node)
        if not id or attributes.get("userType") == "SPECIAL" or not name.startswith("@"):
            return node
        found.append(Mention(id, name.removeprefix("@")))
        return {**node, "attrs": {"text": mentions.held(len(found) - 1)}}
    content = node.get("content")
    if not isinstance(content, list) or depth > DEEPEST:
        return node
    return {**node, "content": [_held(one, found, depth + 1) if isinstance(one, dict) else one for one in content]}


def _paragraphs(document: Part) -> str | None:
    """What `_read` says of a document of nothing but paragraphs of unmarked text, which most are; None for any other."""
    if document.type != "doc":
        return None
    paragraphs = []
    for block in document.content or ():
        nodes = block.content
        if block.type != "paragraph" or nodes is None or len(nodes) != 1:
            return None
        (node,) = nodes
        if node.type != "text" or node.text is None or node.marks is not None:
            return None
        paragraphs.append(node.text)
    return "\n\n".join(paragraphs)


def _read(node: Node, depth: int) -> str:
    kind = node.get("type")
    leaf = LEAVES.get(kind) if isinstance(kind, str) else None
    if leaf is not None:
        return leaf(node)
    if depth > DEEPEST:
        return ""
    children = [child for child in node.get("content") or () if isinstance(child, dict)]
    parts = [_read(child, depth + 1) for child in children]
    if kind == "bulletList" or kind == "orderedList":
        return _listed(parts, numbered=kind == "orderedList")
    if children and children[0].get("type") in INLINE:
        return "".join(parts)
    return (BETWEEN.get(kind, "\n") if isinstance(kind, str) else "\n").join(parts)


def _listed(parts: list[str], *, numbered: bool) -> str:
    return "\n".join(f"{f'{n}.' if numbered else '-'} {part}".replace("\n", "\n  ") for n, part in enumerate(parts, 1))


def _text(node: Node) -> str:
    said = node.get("text") or ""
    if not isinstance(said, str):
        return str(said)
    for mark in node.get("marks") or ():
        href = (mark.get("attrs") or {}).get("href") if mark.get("type") == "link" else None
        if href and href != said:
            return f"{said} ({href})"
    return said


def _attribute(*names: str) -> Callable[[Node], str]:
    def read(node: Node) -> str:
        attributes = node.get("attrs") or {}
        return str(next((attributes[name] for name in names if attributes.get(name)), ""))

    return read


def _date(node: Node) -> str:
    stamp = str((node.get("attrs") or {}).get("timestamp") or "")
    return datetime.fromtimestamp(int(stamp) / 1000, UTC).date().isoformat() if re.fullmatch(r"\d{1,14}", stamp) else stamp


def _media(node: Node) -> str:
    """Jira's editor keeps the name of a file as its `alt`; the `id` is one of Atlassian's media host and names nothing."""
    return named(ALT(node), URL(node))


ALT, URL, SHOWN = _attribute("alt"), _attribute("url"), _attribute("text", "id")
LEAVES: Mapping[str, Callable[[Node], str]] = {
    "text": _text,
    "hardBreak": lambda node: "\n",
    "mention": SHOWN,
    "emoji": _attribute("text", "shortName"),
    "inlineCard": _attribute("url"),
    "blockCard": _attribute("url"),
    "embedCard": _attribute("url"),
    "status": _attribute("text"),
    "date": _date,
    "rule": lambda node: "---",
    "media": _media,
    "mediaInline": _media,
}
