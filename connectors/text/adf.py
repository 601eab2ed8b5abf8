"""Atlassian's document format, Jira Cloud's form of rich text, to a document and back.

Source: the Atlassian document format's JSON schema and node pages. Kinds of nodes that we have no word for give what is inside them,
so nothing that a person wrote is lost. ADF has no inline picture from elsewhere: one within a line stands on a line of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from connectors.text.document import (
    Block,
    Break,
    CodeBlock,
    Document,
    Heading,
    Image,
    Inline,
    Inlines,
    List,
    Mark,
    Mention,
    Paragraph,
    Quote,
    Rule,
    Table,
    Words,
    tidy,
)

Node: TypeAlias = Mapping[str, Any]
Made: TypeAlias = dict[str, Any]

DEEPEST = 60
"""Levels that are read; nobody writes deeper, and a hostile document must not exhaust the stack."""
MARKED: Mapping[str, Mark] = {"strong": "strong", "em": "emphasis", "strike": "strike", "code": "code"}
MARK_NAMES: Mapping[Mark, str] = {ours: theirs for theirs, ours in MARKED.items()}


# --- reading -----------------------------------------------------------------------------------------------------------


def read(node: object) -> Document:
    """An ADF document as decoded JSON. Text is taken as one paragraph, anything else as nothing."""
    if isinstance(node, str):
        return tidy([Paragraph((Words(node),))])
    return tidy(_blocks(node, 0)) if isinstance(node, Mapping) else ()


def files(node: object) -> Iterator[str | None]:
    """The names of the files that a document shows, pictures among them; None for one without. Not those that are elsewhere."""
    waiting: list[object] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += _inside(one)
            if one.get("type") in ("media", "mediaInline") and _attribute(one, "type") != "external":
                yield _attribute(one, "alt") or None


def _inside(node: Node) -> Iterator[Node]:
    content = node.get("content")
    yield from (child for child in content if isinstance(child, Mapping)) if isinstance(content, list) else ()


def _attribute(node: Node, *names: str) -> str:
    found = node.get("attrs")
    return str(next((found[name] for name in names if found.get(name)), "")) if isinstance(found, Mapping) else ""


def _blocks(node: Node, depth: int) -> Iterator[Block]:
    """The blocks inside a node; inlines that stand among blocks make a paragraph."""
    loose: list[Inline] = []
    for child in _inside(node) if depth < DEEPEST else ():
        inline = _inline(child)
        if inline is not None:
            loose.append(inline)
            continue
        if loose:
            yield Paragraph(tuple(loose))
            loose = []
        yield from _block(child, depth + 1)
    if loose:
        yield Paragraph(tuple(loose))


def _block(node: Node, depth: int) -> Iterator[Block]:
    kind = str(node.get("type"))
    reader = BLOCKS.get(kind)
    if reader is not None:
        yield reader(node, depth)
    elif _attribute(node, "url"):
        yield Paragraph((Words(_attribute(node, "url"), href=_attribute(node, "url")),))
    else:  # panels, expands, layouts, and what is not known yet
        title = _attribute(node, "title")
        yield from [Paragraph((Words(title),))] if title else ()
        yield from _blocks(node, depth)


def _parts(node: Node) -> Inlines:
    return tuple(part for child in _inside(node) if (part := _inline(child)) is not None)


def _list(node: Node, depth: int) -> Block:
    start = int(_attribute(node, "order") or 1) if node.get("type") == "orderedList" else None
    return List(tuple(tuple(_blocks(item, depth + 1)) for item in _inside(node)), start)


def _tasks(node: Node, depth: int) -> Block:
    def sign(item: Node) -> str:
        if item.get("type") != "taskItem":
            return ""
        return "[x] " if _attribute(item, "state") == "DONE" else "[ ] "

    return List(tuple((Paragraph((Words(sign(item)), *_parts(item))),) for item in _inside(node)))


def _table(node: Node, depth: int) -> Block:
    return Table(tuple(tuple(_cell(cell, depth + 2) for cell in _inside(row)) for row in _inside(node)))


def _cell(node: Node, depth: int) -> Inlines:
    lines: list[Inline] = []
    for block in _blocks(node, depth):
        lines += [Break(), *_flat(block)] if lines else _flat(block)
    return tuple(lines)


def _flat(block: Block) -> Iterator[Inline]:
    """What a table's cell shows of a block: its words, in order."""
    match block:
        case Paragraph(parts) | Heading(_, parts):
            yield from parts
        case CodeBlock(text):
            yield Words(text, frozenset({"code"}))
        case Quote(blocks):
            yield from (part for inner in blocks for part in (*_flat(inner), Break()))
        case List(items):
            yield from (part for item in items for inner in item for part in (*_flat(inner), Break()))
        case Table(rows):
            yield from (part for row in rows for cell in row for part in (*cell, Words(" ")))
        case Rule():
            pass


def _media(node: Node, _: int) -> Block:
    return Paragraph(tuple(_image(child) for child in _inside(node) if child.get("type") == "media"))


def _image(node: Node) -> Inline:
    return Image(_attribute(node, "url", "id"), _attribute(node, "alt"))


def _plain(node: Node) -> str:
    return "".join(str(child.get("text") or "") for child in _inside(node))


BLOCKS: Mapping[str, Callable[[Node, int], Block]] = {
    "paragraph": lambda node, _: Paragraph(_parts(node)),
    "heading": lambda node, _: Heading(int(_attribute(node, "level") or 1), _parts(node)),
    "codeBlock": lambda node, _: CodeBlock(_plain(node), _attribute(node, "language")),
    "blockquote": lambda node, depth: Quote(tuple(_blocks(node, depth))),
    "bulletList": _list,
    "orderedList": _list,
    "taskList": _tasks,
    "decisionList": _tasks,
    "table": _table,
    "rule": lambda _, __: Rule(),
    "mediaSingle": _media,
    "mediaGroup": _media,
}


def _words(node: Node) -> Inline:
    marks = [mark for mark in node.get("marks") or () if isinstance(mark, Mapping)]
    ours = frozenset(MARKED[str(mark.get("type"))] for mark in marks if mark.get("type") in MARKED)
    href = next((_attribute(mark, "href") for mark in marks if mark.get("type") == "link"), None)
    return Words(str(node.get("text") or ""), ours, href or None)


def _date(node: Node) -> Inline:
    stamp = _attribute(node, "timestamp")
    known = stamp.isdecimal() and len(stamp) < 15
    return Words(datetime.fromtimestamp(int(stamp) / 1000, UTC).date().isoformat() if known else stamp)


def _mention(node: Node) -> Inline:
    """All who are here, or all at once, are no person (`userType` SPECIAL): a name."""
    id, name = _attribute(node, "id"), _attribute(node, "text", "id").removeprefix("@")
    return Mention(id, name) if id and _attribute(node, "userType") != "SPECIAL" else Words(f"@{name}")


INLINES: Mapping[str, Callable[[Node], Inline]] = {
    "text": _words,
    "hardBreak": lambda _: Break(),
    "mention": _mention,
    "emoji": lambda node: Words(_attribute(node, "text", "shortName")),
    "inlineCard": lambda node: Words(_attribute(node, "url"), href=_attribute(node, "url") or None),
    "status": lambda node: Words(_attribute(node, "text")),
    "date": _date,
    "media": _image,
    "mediaInline": _image,
}


def _inline(node: Node) -> Inline | None:
    made = INLINES.get(str(node.get("type")))
    return made(node) if made else None


# --- writing -----------------------------------------------------------------------------------------------------------


def write(document: Document) -> Made:
    """A document that Jira Cloud takes: never without content, and no empty text node, which would make it unsound."""
    content = [node for block in tidy(document) for node in _written(block)]
    return {"type": "doc", "version": 1, "content": content or [{"type": "paragraph", "content": []}]}


def _written(block: Block) -> Iterator[Made]:
    match block:
        case Paragraph(parts):
            yield from _paragraphs(parts)
        case Heading(level, parts):
            yield {"type": "heading", "attrs": {"level": level}, "content": _line(parts)}
        case CodeBlock(text, language):
            made = {"type": "codeBlock", "content": [{"type": "text", "text": text}] if text else []}
            yield made | ({"attrs": {"language": language}} if language else {})
        case Quote(blocks):
            yield {"type": "blockquote", "content": _allowed(blocks, IN_QUOTES)}
        case List(items, start):
            kind: Made = {"type": "bulletList"} if start is None else {"type": "orderedList", "attrs": {"order": start}}
            yield kind | {"content": [{"type": "listItem", "content": _allowed(item, IN_ITEMS, first=Paragraph)} for item in items]}
        case Table(rows):
            yield {"type": "table", "content": [_row(row, "tableCell" if n else "tableHeader") for n, row in enumerate(rows)]}
        case Rule():
            yield {"type": "rule"}


IN_QUOTES = (Paragraph, List, CodeBlock)
IN_ITEMS = (Paragraph, List, CodeBlock)
"""What Jira takes there; of any other block the words are kept, as a paragraph."""


def _allowed(blocks: Document, kinds: tuple[type, ...], first: type | None = None) -> list[Made]:
    fit = [block if isinstance(block, kinds) else Paragraph(tuple(_flat(block))) for block in blocks]
    if first is not None and not isinstance(fit[0], (first, CodeBlock)):
        fit.insert(0, Paragraph(()))
    return [node for block in fit for node in (_written(block) if block != Paragraph(()) else [{"type": "paragraph", "content": []}])]


def _paragraphs(parts: Inlines) -> Iterator[Made]:
    """A paragraph, with pictures beside it in the order in which they stood."""
    run: list[Inline] = []
    for part in (*parts, None):
        if part is not None and not isinstance(part, Image):
            run.append(part)
            continue
        content = _line(tuple(run))
        if content:
            yield {"type": "paragraph", "content": content}
        if isinstance(part, Image):
            yield {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"type": "external", "url": part.src, "alt": part.alt}}]}
        run = []


def _row(row: tuple[Inlines, ...], kind: str) -> Made:
    return {"type": "tableRow", "content": [{"type": kind, "content": [{"type": "paragraph", "content": _line(cell)}]} for cell in row]}


def _line(parts: Inlines) -> list[Made]:
    return [_node(part) for part in parts]


def _node(part: Inline) -> Made:
    match part:
        case Words(text, marks, href):
            links = [{"type": "link", "attrs": {"href": href}}] if href else []
            named = links + [{"type": MARK_NAMES[mark]} for mark in MARK_NAMES if mark in marks]
            return {"type": "text", "text": text} | ({"marks": named} if named else {})
        case Break():
            return {"type": "hardBreak"}
        case Image(src, alt):
            return {"type": "text", "text": alt or src, "marks": [{"type": "link", "attrs": {"href": src}}]}
        case Mention(id, name):
            return {"type": "mention", "attrs": {"id": id, "text": f"@{name}"}}
