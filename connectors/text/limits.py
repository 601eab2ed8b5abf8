"""What a system takes no more of: long text is cut and says so, letters that it refuses are named in their place."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from connectors.text import markdown, mentions, plain
from connectors.text.document import Document

Made = TypeVar("Made")

REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""No system takes these in a text, and no person sees them."""
WIDE = re.compile("[\U00010000-\U0010ffff]+")
"""Letters of four bytes in UTF-8, which a database in MySQL's three-byte `utf8` refuses with an error."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`longest` counts in what `size` counts: characters, unless told otherwise. `wide`: whether four-byte letters are taken."""

    longest: int
    size: Callable[[str], int] = len
    wide: bool = True


def in_bytes(text: str) -> int:
    return len(text.encode())


def cleaned(text: str, limit: Limit) -> str:
    """Without letters that nobody sees; where four-byte letters are refused each is named: `👍` becomes `[thumbs up sign]`."""
    seen = REFUSED.sub("", text)
    return seen if limit.wide else WIDE.sub(lambda found: "".join(map(_named, found[0])), seen)


def _named(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return f"[{name.lower()}]" if name else "" if unicodedata.category(letter) in ("Mn", "Cf") else "[?]"


def cut(text: str, limit: Limit) -> str:
    """The text where it is short enough, else as much of its beginning as leaves room for a last line that says what is missing."""
    if limit.size(text) <= limit.longest:
        return text
    kept = text[: limit.longest]
    while kept and limit.size(kept + _notice(len(text) - len(kept))) > limit.longest:
        over = limit.size(kept + _notice(len(text) - len(kept))) - limit.longest
        kept = kept[: -max(1, over // 4)]
    return kept + _notice(len(text) - len(kept))


def _notice(missing: int) -> str:
    return f"\n[cut: {missing} more characters]"


def said(
    text: str, write: Callable[[Document], Made], shown: Callable[[Made], str], limit: Limit, called: frozenset[str] = frozenset()
) -> Made:
    """A reply, a note or a description, which are Markdown, in a system's form and within its limit; it mentions nobody but `called`."""
    return written(mentions.only(markdown.read(cleaned(text, limit)), called), write, shown, limit)


def written(document: Document, write: Callable[[Document], Made], shown: Callable[[Made], str], limit: Limit) -> Made:
    """A document in a system's form, within its limit; `shown` is what the system counts. Too long a text is cut, and loses its marks."""
    made = write(document)
    return made if limit.size(shown(made)) <= limit.longest else write(plain.read(cut(plain.write(document), limit)))
