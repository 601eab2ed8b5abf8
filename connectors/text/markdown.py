"""Markdown (CommonMark with tables and strikethrough; a line break is a line break) to a document and back.

What is written reads back as the same document, and carries only the backslashes that this needs: `snake_case` stays as it is. A
mention is a link to `mention:ID`, whose id is written as in an address; whom it may call is said beside the text, so typing one calls
nobody. HTML in Markdown is text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from connectors.text.document import (
    MARKS,
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
    unmarked,
)

MENTION = "mention:"
LIVELY = re.compile(r"[\\`*_\[\]<>~|&!#+=\-.)(:]")
"""All that can mean something in Markdown, somewhere."""
DEEPEST = 20
"""Levels of lists and quotes that are read as such; nobody writes deeper, and a hostile text must not exhaust the stack."""


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable(["table", "strikethrough"])


# --- reading -----------------------------------------------------------------------------------------------------------


def read(text: str) -> Document:
    return tidy(_blocks(_Tokens(_parser().parse(text)), None))


class _Tokens:
    """The parser's flat list of tokens, taken one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self._left = iter(tokens)

    def until(self, closing: str | None) -> Iterator[Token]:
        for token in self._left:
            if token.type == closing:
                return
            yield token

    def inline(self, closing: str) -> Inlines:
        found = [part for token in self.until(closing) for part in _inlines(token.children or [])]
        return tuple(found)


def _blocks(tokens: _Tokens, closing: str | None) -> tuple[Block, ...]:
    return tuple(READ[token.type](tokens, token) for token in tokens.until(closing) if token.type in READ)


def _list(tokens: _Tokens, opened: Token) -> Block:
    items = tuple(_blocks(tokens, "list_item_close") for _ in tokens.until(opened.type.replace("open", "close")))
    start = int(opened.attrs.get("start", 1)) if opened.type == "ordered_list_open" else None
    return List(items, start)


def _table(tokens: _Tokens, _: Token) -> Block:
    rows: list[list[Inlines]] = []
    for token in tokens.until("table_close"):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(tokens.inline(token.type.replace("open", "close")))
    return Table(tuple(tuple(row) for row in rows))


def _code(_: _Tokens, token: Token) -> Block:
    return CodeBlock(token.content.removesuffix("\n"), (token.info.split() or [""])[0])


READ: Mapping[str, Callable[[_Tokens, Token], Block]] = {
    "paragraph_open": lambda tokens, _: Paragraph(tokens.inline("paragraph_close")),
    "heading_open": lambda tokens, token: Heading(int(token.tag[1:]), tokens.inline("heading_close")),
    "blockquote_open": lambda tokens, _: Quote(_blocks(tokens, "blockquote_close")),
    "bullet_list_open": _list,
    "ordered_list_open": _list,
    "table_open": _table,
    "fence": _code,
    "code_block": _code,
    "hr": lambda _, __: Rule(),
}
OPENS: Mapping[str, Mark] = {"strong_open": "strong", "em_open": "emphasis", "s_open": "strike"}
CLOSES: Mapping[str, Mark] = {name.replace("open", "close"): mark for name, mark in OPENS.items()}


def _inlines(tokens: list[Token]) -> Iterator[Inline]:
    marks: frozenset[Mark] = frozenset()
    href: str | None = None
    for token in tokens:
        match token.type:
            case "strong_open" | "em_open" | "s_open":
                marks |= {OPENS[token.type]}
            case "strong_close" | "em_close" | "s_close":
                marks -= {CLOSES[token.type]}
            case "link_open":
                href = str(token.attrs["href"])
            case "link_close":
                href = None
            case _:
                yield _leaf(token, marks, href)


def _leaf(token: Token, marks: frozenset[Mark], href: str | None) -> Inline:
    match token.type:
        case "softbreak" | "hardbreak":
            return Break()
        case "image":
            return Image(str(token.attrs["src"]), token.content)
        case "code_inline":
            return Words(token.content, frozenset({"code"}), href)
    if href is not None and href.startswith(MENTION) and len(href) > len(MENTION):
        return Mention(unquote(href.removeprefix(MENTION)), token.content.removeprefix("@"))
    return Words(token.content, marks, href)


# --- writing -----------------------------------------------------------------------------------------------------------


def write(document: Document) -> str:
    return _written(tidy(document))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, whatever it holds: what customers and systems wrote, on its way into a template."""
    return LIVELY.sub(r"\\\g<0>", text)


def _written(document: Document) -> str:
    return "\n\n".join(map(_block, document))


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return _leaf_block(block, parts, "")
        case Heading(level, parts):
            return _leaf_block(block, parts, "#" * level + " ")
        case CodeBlock(text, language):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}{language}\n{text}\n{fence}"
        case Quote(blocks):
            return re.sub("(?m)^", "> ", _written(blocks)).replace("> \n", ">\n")
        case List(items, start):
            return "\n".join(_item(item, "-" if start is None else f"{start + n}.") for n, item in enumerate(items))
        case Table(rows):
            head, *body = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
            return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])
        case Rule():
            return "***"


def _item(blocks: Document, sign: str) -> str:
    indent = "\n" + " " * (len(sign) + 1)
    return f"{sign} " + re.sub(r"\n(?!\n|$)", indent, "".join(_close(blocks)))


def _close(blocks: Document) -> Iterator[str]:
    """An item's own list stands right under its paragraph, unless it starts with a number that could be the paragraph's."""
    for before, block in pairwise((None, *blocks)):
        follows = isinstance(before, Paragraph) and isinstance(block, List) and block.start in (None, 1)
        if before is not None:
            yield "\n" if follows else "\n\n"
        if block is not None:
            yield _block(block)


def _leaf_block(block: Paragraph | Heading, parts: Inlines, sign: str) -> str:
    return _sound((block,), *(sign + said for said in _ways(parts, "\n", "\\\n")))


def _cell(parts: Inlines) -> str:
    return _sound(tidy([Paragraph(parts)]), *_ways(parts, " ", " ")).replace("|", r"\|")  # the table takes these off before all else


def _sound(there: Document, *ways: str) -> str:
    """The first way of saying it that reads back the same; the last one is sure to keep the words."""
    return next((said for said in ways if read(said) == there), ways[-1])


def _ways(parts: Inlines, bare_break: str, sure_break: str) -> tuple[str, str, str]:
    """With no backslash, with all of them, and without marks that Markdown cannot put where they stand (`a**~~b~~**c`)."""
    bare = _line(parts, lambda text: text, bare_break)
    return bare, _line(parts, escaped, sure_break), _line(unmarked(parts), escaped, sure_break)


def _line(parts: Inlines, shown: Callable[[str], str], at_break: str) -> str:
    return "".join(_nested(parts, ("link", *MARKS), shown, at_break))


def _nested(parts: Inlines, layers: tuple[str, ...], shown: Callable[[str], str], at_break: str) -> Iterator[str]:
    """Runs under one mark are written inside one pair of signs, the outermost mark first."""
    if not layers:
        yield from (_bare(part, shown, at_break) for part in parts)
        return
    layer, left = layers[0], list(parts)
    while left:
        under = _under(left[0], layer)
        run = next((n for n, part in enumerate(left) if _under(part, layer) != under), len(left))
        inside = "".join(_nested(tuple(left[:run]), layers[1:], shown, at_break))
        yield SIGNS[layer](inside, under) if under else inside
        del left[:run]


def _under(part: Inline, layer: str) -> str | bool | None:
    if not isinstance(part, Words):
        return None
    return part.href if layer == "link" else (layer in part.marks or None)


def _bare(part: Inline, shown: Callable[[str], str], at_break: str) -> str:
    match part:
        case Words(text, marks):
            return text if "code" in marks else shown(text)
        case Break():
            return at_break
        case Image(src, alt):
            return f"![{escaped(alt)}]({_address(src)})"
        case Mention(id, name):
            return f"[@{escaped(' '.join(name.split()))}]({MENTION}{quote(id, safe='')})"


def _address(href: str) -> str:
    return href if re.fullmatch(r"[^\s()<>\\&*_]+", href) else "<" + re.sub(r"[<>\\]", r"\\\g<0>", href.replace("\n", "%0A")) + ">"


def _ticked(inside: str, _: object) -> str:
    ticks = "`" * (1 + max(map(len, re.findall("`+", inside)), default=0))
    pad = " " if inside.startswith("`") or inside.endswith("`") else ""
    return f"{ticks}{pad}{inside}{pad}{ticks}"


SIGNS: Mapping[str, Callable[[str, str | bool], str]] = {
    "link": lambda inside, href: f"[{inside}]({_address(str(href))})",
    "strong": lambda inside, _: f"**{inside}**",
    "emphasis": lambda inside, _: f"*{inside}*",
    "strike": lambda inside, _: f"~~{inside}~~",
    "code": _ticked,
}
