"""Plain text to a document and back: what a person reads where a system keeps no markup.

Blank lines part paragraphs and line breaks are kept, and so are indents and columns: of several spaces all but the last become
non-breaking ones, which every form keeps. `write` shows lists with dashes or numbers and a link with its address.
"""

import re
from collections.abc import Iterator

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
    Mention,
    Paragraph,
    Quote,
    Rule,
    Table,
    Words,
    tidy,
)
from connectors.text.pictures import named

FIXED = "\u00a0"  # a space at which no line is broken, and which is never left out
INDENT = re.compile(r"(?m)^ +| +(?= )")


def read(text: str) -> Document:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    kept = INDENT.sub(lambda spaces: FIXED * len(spaces[0]), lines)
    return tidy(Paragraph((Words(part),)) for part in re.split(r"\n(?: *\n)+", kept))


def write(document: Document) -> str:
    return "\n\n".join(map(_block, tidy(document))).replace(FIXED, " ")


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts) | Heading(_, parts):
            return _line(parts)
        case CodeBlock(text):
            return text
        case Quote(blocks):
            return re.sub("(?m)^", "> ", "\n\n".join(map(_block, blocks)))
        case List(items, start):
            signs = ("-" if start is None else f"{start + n}." for n in range(len(items)))
            return "\n".join(
                f"{sign} " + "\n".join(map(_block, item)).replace("\n", "\n  ") for sign, item in zip(signs, items, strict=True)
            )
        case Table(rows):
            return "\n".join(" | ".join(_line(cell) for cell in row) for row in rows)
        case Rule():
            return "---"


def _item(sign: str, blocks: Document) -> str:
    return f"{sign} " + "\n".join(map(_block, blocks)).replace("\n", "\n  ")


def _line(parts: Inlines) -> str:
    return "".join(_said(parts))


def _said(parts: Inlines) -> Iterator[str]:
    """A link's address stands once behind all of its words, and not at all where it is them."""
    for n, part in enumerate(parts):
        yield _shown(part)
        after = parts[n + 1] if n + 1 < len(parts) else None
        if isinstance(part, Words) and part.href and not (isinstance(after, Words) and after.href == part.href):
            words = "".join(p.text for p in parts if isinstance(p, Words) and p.href == part.href)
            yield "" if part.href in (words, f"mailto:{words}") else f" ({part.href})"


def _shown(part: Inline) -> str:
    match part:
        case Words(text):
            return text
        case Break():
            return "\n"
        case Image(src, alt) if "/" not in src:  # a file of the system that the text came from
            return named(alt or src)
        case Image(src, alt):
            return f"{alt} ({src})" if alt else src
        case Mention(_, name):
            return f"@{name}"
