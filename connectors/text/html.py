"""HTML, as Zendesk, Salesforce's feed and ServiceNow keep it, to a document and back.

Reading takes whatever mail programs and editors make: unknown elements give what is inside them, scripts and styles give nothing.
Writing escapes all text, and makes links and pictures of `http`, `https` and `mailto` addresses alone.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

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
)

DEEPEST = 60
"""Levels that are read; what lies deeper is read as if it lay there."""
MARKED: Mapping[str, Mark] = {
    **dict.fromkeys(("b", "strong"), "strong"),
    **dict.fromkeys(("i", "em", "cite"), "emphasis"),
    **dict.fromkeys(("s", "del", "strike"), "strike"),
    **dict.fromkeys(("code", "tt", "kbd", "samp"), "code"),
}
SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})
LINES = frozenset(
    {"p", "div", "section", "article", "header", "footer", "address", "center", "figure", "dd", "dt", "dl", "form", "fieldset"}
)
SAFE = re.compile(r"(?i)(?:https?|mailto):")


# --- reading -----------------------------------------------------------------------------------------------------------


def read(text: str) -> Document:
    builder = _Builder()
    builder.feed(text)
    builder.close()
    return tidy(builder.finished())


@dataclass(slots=True)
class _Open:
    """An element that holds blocks, while it is open: the blocks so far, and the line that is being written."""

    tag: str
    blocks: list[Block] = field(default_factory=list)
    line: list[Inline] = field(default_factory=list)
    rows: list[tuple[Inlines, ...]] = field(default_factory=list)
    items: list[tuple[Block, ...]] = field(default_factory=list)
    start: int = 1
    language: str = ""

    def end_line(self) -> None:
        if self.line:
            self.blocks.append(Paragraph(tuple(self.line)))
            self.line = []


HOLDERS = frozenset({"blockquote", "ul", "ol", "li", "table", "tr", "td", "th", "pre", *(f"h{n}" for n in range(1, 7))})


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open = [_Open("")]
        self._marks: list[Mark] = []
        self._links: list[str | None] = []
        self._silent = 0

    def finished(self) -> list[Block]:
        while len(self._open) > 1:
            self._shut()
        self._open[0].end_line()
        return self._open[0].blocks

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag in SILENT:
            self._silent += 1
        elif tag in MARKED:
            self._marks.append(MARKED[tag])
        elif tag == "a":
            self._links.append(said.get("href") or None)
        elif tag in HOLDERS:
            self._begin(tag, said)
        elif tag in LINES:
            self._open[-1].end_line()
        else:
            self._leaf(tag, said)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in MARKED and MARKED[tag] in self._marks:
            self._marks.reverse()
            self._marks.remove(MARKED[tag])
            self._marks.reverse()
        elif tag == "a" and self._links:
            self._links.pop()
        elif tag in HOLDERS and any(one.tag == tag for one in self._open):
            while self._open[-1].tag != tag:
                self._shut()
            self._shut()
        elif tag in LINES:
            self._open[-1].end_line()

    def handle_data(self, data: str) -> None:
        if self._silent or self._open[-1].tag in ("ul", "ol", "table", "tr"):
            return
        verbatim = any(one.tag == "pre" for one in self._open)
        text = data if verbatim else re.sub(r"[ \t\r\n\f]+", " ", data)
        line = self._open[-1].line
        if verbatim or text.strip(" ") or line:
            line.append(Words(text, frozenset(self._marks), self._links[-1] if self._links else None))

    def _leaf(self, tag: str, said: Mapping[str, str]) -> None:
        here = self._open[-1]
        if tag == "br":
            here.line.append(Break())
        elif tag == "hr":
            here.end_line()
            here.blocks.append(Rule())
        elif tag == "img" and said.get("src"):
            here.line.append(Image(said["src"], said.get("alt", "")))

    def _begin(self, tag: str, said: Mapping[str, str]) -> None:
        if tag in ("li", "tr", "td", "th") and self._open[-1].tag == tag:
            self._shut()  # its end was left out, as HTML allows
        if len(self._open) >= DEEPEST:
            return
        self._open[-1].end_line()
        start = said.get("start", "")
        self._open.append(_Open(tag, start=int(start) if start.isdecimal() and len(start) < 9 else 1, language=_language(said)))

    def _shut(self) -> None:
        done = self._open.pop()
        into = self._open[-1]
        SHUT.get(done.tag, _give)(done, into)


def _language(said: Mapping[str, str]) -> str:
    found = re.search(r"(?:language|lang)-([\w+#.-]+)", said.get("class", ""))
    return found[1] if found else ""


def _give(done: _Open, into: _Open) -> None:
    done.end_line()
    into.blocks += done.blocks


def _give_quote(done: _Open, into: _Open) -> None:
    done.end_line()
    into.blocks.append(Quote(tuple(done.blocks)))


def _give_list(done: _Open, into: _Open) -> None:
    done.end_line()
    items = [*done.items, *((block,) for block in done.blocks)]
    into.blocks.append(List(tuple(items), done.start if done.tag == "ol" else None))


def _give_item(done: _Open, into: _Open) -> None:
    done.end_line()
    if into.tag in ("ul", "ol"):
        into.items.append(tuple(done.blocks))
    else:
        into.blocks.append(List((tuple(done.blocks),)))


def _give_table(done: _Open, into: _Open) -> None:
    into.blocks.append(Table(tuple(done.rows)))
    into.blocks += done.blocks


def _give_row(done: _Open, into: _Open) -> None:
    row = tuple(cell for cells in done.rows for cell in cells)
    if into.tag == "table":
        into.rows.append(row)
    else:
        into.blocks.append(Table((row,)))


def _give_cell(done: _Open, into: _Open) -> None:
    done.end_line()
    if into.tag == "tr":
        into.rows.append((_flat(done.blocks),))
    else:
        into.blocks += done.blocks


def _give_code(done: _Open, into: _Open) -> None:
    text = "".join("\n" if isinstance(part, Break) else part.text for part in done.line if isinstance(part, Words | Break))
    into.blocks += [*done.blocks, CodeBlock(text.removesuffix("\n").removeprefix("\n"), done.language)]


def _give_heading(done: _Open, into: _Open) -> None:
    into.blocks += [*done.blocks, Heading(int(done.tag[1:]), tuple(done.line))]


SHUT: Mapping[str, Callable[[_Open, _Open], None]] = {
    "blockquote": _give_quote,
    "ul": _give_list,
    "ol": _give_list,
    "li": _give_item,
    "table": _give_table,
    "tr": _give_row,
    "td": _give_cell,
    "th": _give_cell,
    "pre": _give_code,
    **dict.fromkeys((f"h{n}" for n in range(1, 7)), _give_heading),
}


def _flat(blocks: list[Block]) -> Inlines:
    """What a table's cell holds, on one line."""
    said: list[Inline] = []
    for block in blocks:
        said += [Break()] if said else []
        said += (
            block.parts
            if isinstance(block, Paragraph | Heading)
            else [Words(block.text, frozenset({"code"}))]
            if isinstance(block, CodeBlock)
            else ()
        )
    return tuple(said)


# --- writing -----------------------------------------------------------------------------------------------------------


def write(document: Document) -> str:
    return "\n".join(map(_block, tidy(document)))


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return f"<p>{_line(parts)}</p>"
        case Heading(level, parts):
            return f"<h{level}>{_line(parts)}</h{level}>"
        case CodeBlock(text, language):
            kind = f' class="language-{escape(language)}"' if language else ""
            return f"<pre{kind}>\n{escape(text, quote=False)}\n</pre>"
        case Quote(blocks):
            return f"<blockquote>{write(blocks)}</blockquote>"
        case List(items, start):
            inside = "".join(f"<li>{write(item)}</li>" for item in items)
            begins = "" if start in (None, 1) else f' start="{start}"'
            return f"<ul>{inside}</ul>" if start is None else f"<ol{begins}>{inside}</ol>"
        case Table(rows):
            return "<table>" + "".join(_row(row, "td" if n else "th") for n, row in enumerate(rows)) + "</table>"
        case Rule():
            return "<hr>"


def _row(row: tuple[Inlines, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_line(cell)}</{tag}>" for cell in row) + "</tr>"


def _line(parts: Inlines) -> str:
    return "".join(_written(parts))


def _written(parts: Inlines) -> Iterator[str]:
    for part in parts:
        match part:
            case Words(text, marks, href):
                yield _linked(_marked(escape(text, quote=False), marks), href)
            case Break():
                yield "<br>"
            case Image(src, alt):
                picture = f'<img src="{escape(src)}" alt="{escape(alt)}">'
                yield picture if SAFE.match(src) else escape(alt or src, quote=False)
            case Mention(_, name):
                yield escape(f"@{name}", quote=False)


TAGS: Mapping[Mark, str] = {"strong": "strong", "emphasis": "em", "strike": "s", "code": "code"}


def _marked(text: str, marks: frozenset[Mark]) -> str:
    for mark in reversed(MARKS):
        text = f"<{TAGS[mark]}>{text}</{TAGS[mark]}>" if mark in marks else text
    return text


def _linked(text: str, href: str | None) -> str:
    return f'<a href="{escape(href)}">{text}</a>' if href and SAFE.match(href) else text
