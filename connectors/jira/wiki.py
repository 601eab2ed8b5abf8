"""A field's plain text as Jira's wiki markup that reads back letter by letter, and any markup down to plain text, fast.

Replies, notes and descriptions of new issues are Markdown and go by `connectors/text/wiki.py`. Most texts hold no markup at all and are
kept as they are; what would be markup by accident is escaped. Source: Jira's "Text formatting notation help".
"""

import re
from typing import Any

from connectors.jira.adf import LONGEST
from connectors.text import limits, markdown, mentions, plain, wiki
from connectors.text.limits import Limit, cleaned, cut
from rules import ticket

SIGN = r"(?<![\w\\])([*_\-])(?=\S)(?:\\.|(?!\1).)+?(?<=[^\s\\])\1(?!\w)"
MARKUP = re.compile(
    r"\\[\\\W_]|&(?:#92|amp);|\{\{|\{(?:code|noformat|quote|color|anchor|panel)|\[~|\[[^\[\]\n]*(?:https?|mailto|ftp):"
    r"|![^!|\s]+\.[^!|\s]+[|!]|^(?:h[1-6]\.|bq\. |\||-{4,}\s*$|(?:[*#\-]*[*#][*#\-]*|-{2,3}) )|" + SIGN,
    re.MULTILINE,
)
"""What `text` would read as more than its letters. A list of single dashes reads as it stands."""
TAKEN = re.compile(MARKUP.pattern + r"|[{}\[\]|]|\?\?|(?<!\w)[+^~](?=\S)|!\S", re.MULTILINE)
"""What Jira's own pages could take for markup besides."""
LIVELY = re.compile(wiki.LIVELY.pattern + r"|^(?:h[1-6]|bq)(?=\.)", re.MULTILINE)
SEALED = re.compile(r"\\([^\w\s]|_)|&(#92|amp);")
MOST_BRACES = 200  # pairs of a hostile text would each be looked for to its end; nobody writes so many


def text(said: Any) -> str:
    """What a person would read; nothing for what is no text."""
    if not isinstance(said, str):
        return ""
    kept: str = said.replace("\r\n", "\n").replace("\r", "\n")
    if MARKUP.search(kept) is None or kept.count("{") > 2 * MOST_BRACES:
        return kept
    if LIVELY.search(SEALED.sub(_neutral, kept)) is None:
        return SEALED.sub(_unsealed, kept)
    return plain.write(wiki.read(kept))


def told(said: Any) -> tuple[str, tuple[ticket.Mention, ...]]:
    """`text(said)`, and whom it mentions there, by their user names."""
    shown = text(said)
    if not isinstance(said, str) or "[~" not in said:
        return shown, ()
    found = mentions.told(wiki.read(said))
    return found if found[0] == shown else (shown, ())


def markup(said: str) -> str:
    """`text(markup(t)) == t` for text that Jira takes whole; what is too long is cut, and its last line says so."""
    clean = cleaned(said.replace("\r\n", "\n").replace("\r", "\n"), TEXT)
    return _sealed(cut(clean, TEXT))


def again(said: str, before: Any) -> str:
    """`markup(said)`, in which those are still mentioned whom `before`, the markup that it replaces, mentions on the same lines."""
    stays = mentions.staying(said, *told(before))
    made = mentions.HELD.sub(lambda place: f"[~{stays[int(place[1])].id}]", markup(mentions.holding(said, stays))) if stays else ""
    return made if made and text(made) == said and len(made) <= LONGEST else markup(said)


def rich(said: str, limit: Limit, called: frozenset[str] = frozenset()) -> str:
    """Markdown as markup that mentions nobody but `called`. Jira counts the markup itself, so that a text full of signs is cut earlier;
    a cut one loses its marks."""
    document = mentions.only(markdown.read(cleaned(said, limit)), called)
    made = wiki.write(document)
    if len(made) <= limit.longest:
        return made or markup(said)  # what is nothing as Markdown, such as one dash, goes by its letters: Jira refuses an empty comment
    shorter = Limit(limit.longest, lambda t: len(_escaped(t)), limit.wide)
    return wiki.write(plain.read(limits.cut(plain.write(document), shorter)))


def _unsealed(found: re.Match[str]) -> str:
    return str(found[1] or ("\\" if found[2] == "#92" else "&"))


def _neutral(found: re.Match[str]) -> str:
    """In an escaped letter's place one of its kind that is no sign."""
    return "x" if found[1] == "_" else ","


def _sealed(clean: str) -> str:
    return _escaped(clean) if TAKEN.search(clean) or clean.count("{") > 2 * MOST_BRACES else clean


def _escaped(clean: str) -> str:
    return LIVELY.sub(_seal, clean)


def _seal(found: re.Match[str]) -> str:
    """A backslash is written as an entity: two of them would be a line break. The dot after `h1` at the start of a line is escaped."""
    letter = found[0]
    if letter in ("\\", "&"):
        return "&#92;" if letter == "\\" else "&amp;"
    return f"\\{letter}" if len(letter) == 1 else f"{letter}\\"


TEXT = Limit(LONGEST, lambda said: len(_sealed(said)))
