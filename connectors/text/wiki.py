"""Jira's wiki markup (REST v2, Data Center) to a document and back.

Source: Jira's "Text formatting notation help". What this notation cannot hold, such as a table within a list, keeps its words.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

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

LIVELY = re.compile(
    r"\\|&(?=#92;|amp;)|[*+^~{}\[\]|]|(?<!\w)[_\-]|[_\-](?!\w)|!(?=\S)|\?(?=\?)|(?<=\?)\?|(?<!\w)#",
)
"""What could be markup where it stands; a dash or a low line within a word is none, and an address keeps working."""
BRACED = re.compile(
    r"\{(?P<kind>code|noformat)(?::(?P<options>[^}\n]*))?\}\n?(?P<code>.*?)\n?\{(?P=kind)\}"
    r"|\{quote\}\n?(?P<said>.*?)\n?\{quote\}",
    re.DOTALL,
)
BAR = re.compile(r"\\.|\[[^\]\n]*\]|\{\{.+?\}\}|![^!\s]+!|(\|\|?)")
"""A bar between cells; those within links, code and pictures are no such bars."""
FILE = re.compile(r"(?<!\\)!(?P<picture>[^!|\n]+\.[^!|\n]+)(?:\|[^!\n]*)?!|(?<!\\)\[\^(?P<file>[^\]|\n]+)[^\]\n]*\]")
PERSON = re.compile(r"[^\[\]\n|]+")
OF_CLOUD = "accountid:"
ENTITIES = {"#92": "\\", "amp": "&"}
ENTITY_OF = {letter: f"&{name};" for name, letter in ENTITIES.items()}
ITEM = re.compile(r"([*#\-]+) +(.*)")
HEADING = re.compile(r"h([1-6])\. *(.*)")
DEEPEST = 10


# --- reading -----------------------------------------------------------------------------------------------------------


def read(text: str) -> Document:
    return tidy(_blocks(text.replace("\r\n", "\n").replace("\r", "\n")))


def files(text: object) -> Iterator[str]:
    """The names of the files that a text shows, pictures among them; not those that are elsewhere."""
    for found in FILE.finditer(text) if isinstance(text, str) else ():
        name = (found["picture"] or found["file"]).strip()
        if "://" not in name:
            yield name


def _blocks(text: str) -> Iterator[Block]:
    """Code and quotes first, since nothing inside code means anything; lines after that."""
    at = 0
    for found in BRACED.finditer(text):
        yield from _lines(text[at : found.start()].split("\n"))
        yield Quote(tuple(_blocks(found["said"]))) if found["kind"] is None else _code(found)
        at = found.end()
    yield from _lines(text[at:].split("\n"))


def _code(found: re.Match[str]) -> Block:
    language = (found["options"] or "").split("|")[0]
    return CodeBlock(found["code"], language if found["kind"] == "code" and "=" not in language else "")


def _lines(lines: list[str]) -> Iterator[Block]:
    left = list(lines)
    while left:
        taker = next((take for starts, take in STARTS if starts(left[0])), _paragraph)
        yield from taker(left)


def _paragraph(left: list[str]) -> Iterator[Block]:
    said = [left.pop(0)]
    while left and left[0].strip() and not any(starts(left[0]) for starts, _ in STARTS):
        said.append(left.pop(0))
    yield Paragraph(tuple(_inlines("\n".join(said))))


def _heading(left: list[str]) -> Iterator[Block]:
    found = HEADING.match(left.pop(0))
    yield from [Heading(int(found[1]), tuple(_inlines(found[2])))] if found else []


def _quoted_line(left: list[str]) -> Iterator[Block]:
    yield Quote((Paragraph(tuple(_inlines(left.pop(0).removeprefix("bq.").strip()))),))


def _rule(left: list[str]) -> Iterator[Block]:
    del left[0]
    yield Rule()


def _blank(left: list[str]) -> Iterator[Block]:
    del left[0]
    yield from ()


def _table(left: list[str]) -> Iterator[Block]:
    rows = []
    while left and left[0].startswith("|"):
        row = left.pop(0).strip().removeprefix("|").removeprefix("|").removesuffix("|").removesuffix("|")
        cells = BAR.sub(lambda found: "\0" if found[1] else found[0], row).split("\0")
        rows.append(tuple(tuple(_inlines(cell)) for cell in cells))
    yield Table(tuple(rows))


def _list(left: list[str]) -> Iterator[Block]:
    entries: list[tuple[str, str]] = []
    while left and (ITEM.match(left[0]) or (left[0].strip() and not any(starts(left[0]) for starts, _ in STARTS))):
        found = ITEM.match(left[0])
        if found:
            entries.append((found[1][:DEEPEST], found[2]))
        else:
            entries[-1] = (entries[-1][0], f"{entries[-1][1]}\n{left[0]}")
        del left[0]
    yield from _nested(entries, 1)


def _nested(entries: list[tuple[str, str]], depth: int) -> Iterator[Block]:
    """Items whose signs are `depth` long stand in this list; longer ones in a list of the item before them."""
    items: list[list[Block]] = []
    sign = entries[0][0][depth - 1]
    at = 0
    while at < len(entries):
        signs, text = entries[at]
        if len(signs) > depth and (items or depth < len(entries[at][0])):
            end = next((n for n in range(at, len(entries)) if len(entries[n][0]) <= depth), len(entries))
            items = items or [[]]
            items[-1] += _nested(entries[at:end], depth + 1)
            at = end
            continue
        if signs[depth - 1] != sign and items:
            yield List(tuple(map(tuple, items)), 1 if sign == "#" else None)
            items, sign = [], signs[depth - 1]
        items.append([Paragraph(tuple(_inlines(text)))])
        at += 1
    yield List(tuple(map(tuple, items)), 1 if sign == "#" else None)


STARTS: tuple[tuple[Callable[[str], bool], Callable[[list[str]], Iterator[Block]]], ...] = (
    (lambda line: not line.strip(), _blank),
    (lambda line: re.fullmatch(r"-{4,}\s*", line) is not None, _rule),
    (lambda line: HEADING.match(line) is not None, _heading),
    (lambda line: line.startswith("bq. "), _quoted_line),
    (lambda line: line.startswith("|"), _table),
    (lambda line: ITEM.match(line) is not None, _list),
)

SIGNS: Mapping[str, Mark] = {"*": "strong", "_": "emphasis", "-": "strike"}
MARKED = {mark: sign for sign, mark in SIGNS.items()}
INLINE = re.compile(
    r"\\\\(?P<line>[ \n]?)"
    r"|\\(?P<escaped>[^\w\s]|_)"
    r"|&(?P<entity>#92|amp);"
    r"|\{\{(?P<code>.+?)\}\}"
    r"|\[~(?P<mention>[^\[\]\n|]+)\]"
    r"|\[(?:(?P<words>(?:\\.|[^\[\]|\n\\])+)\|)?(?P<href>(?:https?|mailto|ftp):[^\[\]|\s]+)(?:\|[^\]\n]*)?\]"
    r"|!(?P<src>[^!|\s]+\.[^!|\s]+)(?:\|(?P<alt>[^!\n]*))?!"
    r"|\{(?:color|anchor|panel)(?::[^}\n]*)?\}(?P<dropped>)"
    r"|(?P<break>\n)"
    r"|(?<![\w\\])(?P<sign>[*_\-])(?=\S)(?P<inside>(?:\\.|(?!(?P=sign)).)+?)(?<=[^\s\\])(?P=sign)(?!\w)",
)


def _inlines(text: str, marks: frozenset[Mark] = frozenset(), href: str | None = None) -> Iterator[Inline]:
    """Neighbouring words are one run: every escaped letter is a part of its own, and a text may be full of them."""
    run: list[str] = []
    for part in _parts(text, marks, href):
        if isinstance(part, Words) and (part.marks, part.href) == (marks, href):
            run.append(part.text)
            continue
        yield Words("".join(run), marks, href)
        run = []
        yield part
    yield Words("".join(run), marks, href)


def _parts(text: str, marks: frozenset[Mark], href: str | None) -> Iterator[Inline]:
    at = 0
    for found in INLINE.finditer(text):
        yield Words(text[at : found.start()], marks, href)
        yield from _found(found, marks, href)
        at = found.end()
    yield Words(text[at:], marks, href)


def _found(found: re.Match[str], marks: frozenset[Mark], href: str | None) -> Iterator[Inline]:
    match found.lastgroup:
        case "words" | "href":
            yield from _inlines(found["words"] or found["href"], marks, found["href"])
        case "sign" | "inside":
            yield from _inlines(found["inside"], marks | {SIGNS[found["sign"]]}, href)
        case str(kind) if kind in LEAVES:
            yield LEAVES[kind](found, marks, href)


LEAVES: Mapping[str, Callable[[re.Match[str], frozenset[Mark], str | None], Inline]] = {
    "escaped": lambda found, marks, href: Words(found["escaped"], marks, href),
    "entity": lambda found, marks, href: Words(ENTITIES[found["entity"]], marks, href),
    "code": lambda found, _, href: Words(_unescaped(found["code"]), frozenset({"code"}), href),
    "mention": lambda found, _, __: _mention(found["mention"]),
    "src": lambda found, _, __: Image(found["src"]),
    "alt": lambda found, _, __: Image(found["src"], _alt(found["alt"])),
    "line": lambda _, __, ___: Break(),
    "break": lambda _, __, ___: Break(),
}


def _unescaped(text: str) -> str:
    plain = re.sub(r"\\([^\w\s]|_)", r"\1", text)
    return re.sub("&(#92|amp);", lambda found: ENTITIES[found[1]], plain)


def _escaped(text: str, more: bool = False) -> str:
    """A backslash is written as an entity: two of them would be a line break. With `more` behind it a last `!` could begin a picture."""
    said = LIVELY.sub(lambda found: ENTITY_OF.get(found[0], f"\\{found[0]}"), text)
    return f"{said[:-1]}\\!" if more and said.endswith("!") else said


def _mention(id: str) -> Mention:
    """`[~ada]`, or `[~accountid:5b10]` in a text that came from the cloud; markup knows people by no other name."""
    return Mention(id, id.removeprefix(OF_CLOUD) or id)


def _alt(options: str) -> str:
    found = re.search(r"(?:^|,)alt=([^,|]*)", options)
    return found[1] if found else ""


# --- writing -----------------------------------------------------------------------------------------------------------


def write(document: Document) -> str:
    return "\n\n".join(map(_block, tidy(document)))


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return _line(parts, "\n")
        case Heading(level, parts):
            return f"h{level}. {_line(parts, ' ')}"
        case CodeBlock(text, language):
            return f"{{code{f':{language}' if language else ''}}}\n{text}\n{{code}}"
        case Quote(blocks):
            return f"{{quote}}\n{write(tuple(_without_quotes(blocks)))}\n{{quote}}"
        case List():
            return "\n".join(_items(block, ""))
        case Table(rows):
            return "\n".join(_row(row, "|" if n else "||") for n, row in enumerate(rows))
        case Rule():
            return "----"


def _without_quotes(blocks: Document) -> Iterator[Block]:
    """A quote cannot stand in a quote: the inner one's blocks take its place."""
    for block in blocks:
        yield from _without_quotes(block.blocks) if isinstance(block, Quote) else (block,)


def _items(block: List, above: str) -> Iterator[str]:
    signs = above + ("*" if block.start is None else "#")
    for item in block.items:
        said = r" \\ ".join(_block(one).replace("\n", r" \\ ") for one in item if not isinstance(one, List))
        yield f"{signs} {said}"
        for one in item:
            yield from _items(one, signs) if isinstance(one, List) else ()


def _row(row: tuple[Inlines, ...], bar: str) -> str:
    return bar + bar.join(f" {_line(cell, ' ')} " for cell in row) + bar


def _line(parts: Inlines, at_break: str) -> str:
    """Marks that touch letters have no sign here: such a line goes without, and keeps its words."""
    said = _said(parts, at_break)
    there = tuple(_mention(part.id) if isinstance(part, Mention) and PERSON.fullmatch(part.id) else part for part in parts)
    return said if _read(said) == tidy([Paragraph(there)]) else _said(unmarked(parts), at_break)


def _read(said: str) -> Document:
    return tidy([Paragraph(tuple(_inlines(said)))])


def _said(parts: Inlines, at_break: str) -> str:
    said = "".join(_bare(part, at_break, behind) for part, behind in zip_longest(parts, parts[1:]))
    return re.sub(r"(?m)^(h[1-6]|bq)\.", r"\1\\.", said)


def _bare(part: Inline, at_break: str, behind: Inline | None) -> str:
    match part:
        case Words(text, marks, href):
            return _linked(_marked(_escaped(text, behind is not None), marks), href)
        case Break():
            return at_break
        case Image(src, alt):
            return f"!{src}|alt={alt}!" if alt else f"!{src}!"
        case Mention(id, name):
            return f"[~{id}]" if PERSON.fullmatch(id) else _escaped(f"@{name}")


def _marked(text: str, marks: frozenset[Mark]) -> str:
    if "code" in marks:
        return "{{" + text + "}}"
    for mark in reversed(MARKS[:3]):
        text = f"{MARKED[mark]}{text}{MARKED[mark]}" if mark in marks else text
    return text


def _linked(text: str, href: str | None) -> str:
    return f"[{text}|{href}]" if href else text
