"""What people write, as values: blocks of inlines. Every form of text is read into these and written from them.

`tidy` brings a document into the one shape that every form can hold, so that two documents that look the same are equal.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from rules.ticket import replace

Mark: TypeAlias = Literal["strong", "emphasis", "strike", "code"]
MARKS: tuple[Mark, ...] = ("strong", "emphasis", "strike", "code")
"""From the outermost to the innermost, where a form nests them."""
PLAIN: frozenset[Mark] = frozenset()
CODE: frozenset[Mark] = frozenset({"code"})
SPACES = re.compile(" +")
"""Of several ordinary spaces one is left, as on a page; a non-breaking one is a letter like any other and stays."""


@dataclass(frozen=True, slots=True)
class Words:
    """A run of text on one line under the same marks; with `href`, a link."""

    text: str
    marks: frozenset[Mark] = PLAIN
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """A line ends here, the paragraph goes on."""


@dataclass(frozen=True, slots=True)
class Image:
    src: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A person of the system that has the text, or is to get it (`connectors.text.mentions`)."""

    id: str
    name: str


NOTHING, SPACE = Words(""), Words(" ")
Inline: TypeAlias = Words | Break | Image | Mention
Inlines: TypeAlias = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    parts: Inlines


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 to 6
    parts: Inlines


@dataclass(frozen=True, slots=True)
class CodeBlock:
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class List:
    """`start` is the number of the first item; None for a list with bullets."""

    items: tuple[tuple["Block", ...], ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The first row is the head; all rows have the same number of cells, and a cell has no line breaks."""

    rows: tuple[tuple[Inlines, ...], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the page."""


Block: TypeAlias = Paragraph | Heading | CodeBlock | Quote | List | Table | Rule
Document: TypeAlias = tuple[Block, ...]


def tidy(blocks: Iterable[Block]) -> Document:
    """The same text in the one shape that every form can hold: nothing empty, runs joined, marks off the spaces at their ends."""
    kept = [made for made in map(_tidy, blocks) if made is not None]
    return tuple(_joined(kept))


def _tidy(block: Block) -> Block | None:
    match block:
        case Paragraph(parts):
            return Paragraph(inline) if (inline := line(parts)) else None
        case Heading(level, parts):
            return Heading(min(max(level, 1), 6), inline) if (inline := on_one_line(parts)) else None
        case CodeBlock(text, language):
            return CodeBlock(text.replace("\r\n", "\n").replace("\r", "\n"), "".join(language.split()).replace("`", ""))
        case Quote(blocks):
            return Quote(inside) if (inside := tidy(blocks)) else None
        case List(items, start):
            tidied = tuple(made for made in map(tidy, items) if made)
            return List(tidied, start) if tidied else None
        case Table(rows):
            return _table(rows)
        case Rule():
            return block
        case _:
            assert_never(block)


def _table(rows: tuple[tuple[Inlines, ...], ...]) -> Table | None:
    wide = max((len(row) for row in rows), default=0)
    if not wide:
        return None
    return Table(tuple(tuple(on_one_line(cell) for cell in row) + ((),) * (wide - len(row)) for row in rows))


def _joined(blocks: list[Block]) -> Iterator[Block]:
    """Neighbouring lists of one kind become one: no form tells them apart."""
    last: Block | None = None
    for block in blocks:
        if isinstance(last, List) and isinstance(block, List) and (last.start is None) == (block.start is None):
            last = List(last.items + block.items, last.start)
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last


def line(parts: Iterable[Inline]) -> Inlines:
    """Inlines as they look: line breaks apart, no space beside them, marks off the spaces at their ends, equal runs joined."""
    lines: list[list[Inline]] = [[]]
    for part in _split(parts):
        if isinstance(part, Break):
            lines.append([])
        else:
            lines[-1].append(part)
    trimmed = [_trimmed(one) for one in lines]
    while trimmed and not trimmed[0]:
        del trimmed[0]
    while trimmed and not trimmed[-1]:
        del trimmed[-1]
    made: list[Inline] = []
    for n, one in enumerate(trimmed):
        made.extend([Break(), *one] if n else one)
    return tuple(made)


def on_one_line(parts: Iterable[Inline]) -> Inlines:
    """The same without line breaks: a space stands for each."""
    return line(Words(" ") if isinstance(part, Break) else part for part in _split(parts))


def _split(parts: Iterable[Inline]) -> Iterator[Inline]:
    for part in parts:
        if not isinstance(part, Words):
            yield part
            continue
        for n, text in enumerate(part.text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")):
            if n:
                yield Break()
            yield from _ends_apart(replace(part, text=SPACES.sub(" ", text), marks=CODE if "code" in part.marks else part.marks))


def _ends_apart(words: Words) -> Iterator[Words]:
    """Spaces at the ends of a marked run stand beside it: `**a **b` is no bold text in Markdown, and looks the same."""
    core = words.text.strip(" ")
    if core == words.text or (not words.marks and words.href is None):
        yield words
    elif not core:
        yield Words(words.text)
    else:
        front, _, back = words.text.partition(core)
        yield from (Words(front), replace(words, text=core), Words(back))


def _trimmed(parts: list[Inline]) -> list[Inline]:
    """Equal runs joined, and no space at either end of the line."""
    made: list[Inline] = []
    for part in parts:
        last = made[-1] if made else None
        if isinstance(part, Words) and isinstance(last, Words) and (last.marks, last.href) == (part.marks, part.href):
            made[-1] = replace(last, text=SPACES.sub(" ", last.text + part.text))
        elif part != NOTHING:
            made.append(part)
    if made and isinstance(first := made[0], Words):
        made[0] = replace(first, text=first.text.lstrip(" "))
    if made and isinstance(last := made[-1], Words):
        made[-1] = replace(last, text=last.text.rstrip(" "))
    return _shared([part for part in made if not isinstance(part, Words) or part.text])


def _shared(parts: list[Inline]) -> list[Inline]:
    """A space between two runs bears what both bear: `**a *b* c**` is one bold run, not three."""
    made: list[Inline] = []
    for n, part in enumerate(parts):
        left, right = (made[-1] if made else NOTHING), (parts[n + 1] if n + 1 < len(parts) else NOTHING)
        if part == SPACE and isinstance(left, Words) and isinstance(right, Words):
            part = Words(" ", (left.marks & right.marks) - CODE, left.href if left.href == right.href else None)
        if isinstance(part, Words) and isinstance(left, Words) and (left.marks, left.href) == (part.marks, part.href) and made:
            made[-1] = replace(left, text=left.text + part.text)
        else:
            made.append(part)
    return made


def remade(document: Document, change: Callable[[Inline], Iterable[Inline]]) -> Document:
    """The document with what `change` gives in place of each of its inlines."""

    def line_of(parts: Inlines) -> Inlines:
        return tuple(made for part in parts for made in change(part))

    def block(one: Block) -> Block:
        match one:
            case Paragraph(parts) | Heading(_, parts):
                return replace(one, parts=line_of(parts))
            case Quote(blocks):
                return Quote(tuple(map(block, blocks)))
            case List(items, start):
                return List(tuple(tuple(map(block, item)) for item in items), start)
            case Table(rows):
                return Table(tuple(tuple(map(line_of, row)) for row in rows))
            case CodeBlock() | Rule():
                return one

    return tuple(map(block, document))


def unmarked(parts: Inlines) -> Inlines:
    """The same words without marks but that of code: for a form that has no signs for marks where these stand."""
    return line(replace(part, marks=part.marks & CODE) if isinstance(part, Words) else part for part in parts)
