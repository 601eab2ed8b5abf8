"""Who is mentioned in a text: beside plain text as places with ids (`rules.ticket.Mention`), within a document as its `Mention`.

Plain text itself never says who is meant. While one is made into the other each place is held by two code points that are no characters
and stand in no text (Unicode 16.0, section 23.7); where a hostile text has them all the same, it mentions nobody.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.text import plain
from connectors.text.document import Document, Inline, Mention, Words, remade
from rules import ticket
from rules.ticket import replace

FIRST, LAST = "\ufdd0", "\ufdd1"
HELD = re.compile(f"{FIRST}([0-9]+){LAST}")
NOT_HELD = re.compile(f"[{FIRST}{LAST}]")


def held(n: int) -> str:
    """What stands in a text in the place of its mention number `n`."""
    return f"{FIRST}{n}{LAST}"


def placed(text: str, found: Sequence[Mention]) -> tuple[str, tuple[ticket.Mention, ...]]:
    """The text with the names in their held places, and the mentions by where they now stand."""
    parts: list[str] = []
    mentions: list[ticket.Mention] = []
    at = length = 0
    for place in HELD.finditer(text):
        one = found[int(place[1])]
        shown = shown_as(one)
        length += place.start() - at
        parts += [text[at : place.start()], shown]
        mentions.append(ticket.Mention(at=length, text=shown, id=one.id))
        length, at = length + len(shown), place.end()
    return "".join((*parts, text[at:])), tuple(mentions)


def shown_as(mention: Mention) -> str:
    return f"@{mention.name}"


def told(document: Document) -> tuple[str, tuple[ticket.Mention, ...]]:
    """What people read of a document, as `plain.write` says it, and whom it mentions there."""
    if NOT_HELD.search(text := plain.write(document)):
        return text, ()
    found: list[Mention] = []

    def hold(part: Inline) -> Inline:
        if not isinstance(part, Mention):
            return part
        found.append(part)
        return Mention(part.id, held(len(found) - 1))

    said, mentions = placed(plain.write(remade(document, lambda part: [hold(part)])).replace(f"@{FIRST}", FIRST), found)
    return (said, mentions) if said == text else (text, ())


def holding(text: str, mentions: Iterable[ticket.Mention]) -> str:
    """The text with the places of these mentions, which stand in order, held by their numbers."""
    parts, at = [], 0
    for n, one in enumerate(mentions):
        if one.at < at or text[one.at : one.at + len(one.text)] != one.text:
            continue  # it does not stand there any more
        parts += [_bare(text[at : one.at]), held(n)]
        at = one.at + len(one.text)
    return "".join((*parts, _bare(text[at:])))


def staying(text: str, before: str, mentions: Iterable[ticket.Mention]) -> tuple[ticket.Mention, ...]:
    """Those of the mentions of a text that are still in another one: on a line that stands in both, once in each."""
    lines, others = text.split("\n"), before.split("\n")
    starts = {line: sum(len(one) + 1 for one in lines[:n]) for n, line in enumerate(lines) if lines.count(line) == 1 == others.count(line)}
    found = []
    for one in mentions:
        start = before.rfind("\n", 0, one.at) + 1
        line = before[start:].split("\n", 1)[0]
        found += [replace(one, at=starts[line] + one.at - start)] if line in starts else []
    return tuple(sorted(found, key=lambda one: one.at))


def _bare(text: str) -> str:
    return NOT_HELD.sub("", text)


def freed(document: Document, found: Mapping[int, Mention]) -> Document:
    """The document with these mentions in the places that are held by their numbers; the same where there are none."""
    if not found:
        return document

    def split(part: Inline) -> Iterator[Inline]:
        if not isinstance(part, Words):
            yield part
            return
        at = 0
        for place in HELD.finditer(part.text):
            yield Words(part.text[at : place.start()], part.marks, part.href)
            yield found[int(place[1])]
            at = place.end()
        yield Words(part.text[at:], part.marks, part.href)

    return remade(document, split)


def only(document: Document, called: frozenset[str]) -> Document:
    """The document in which nobody is mentioned but these, by their ids; anybody else is a name."""
    return remade(document, lambda part: [_named(part) if isinstance(part, Mention) and part.id not in called else part])


def _named(mention: Mention) -> Words:
    return Words(shown_as(mention))
