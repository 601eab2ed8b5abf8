"""How text is compared: folded (case, accents, width, white space), and searched for whole words and phrases."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

_LETTERS = (
    "A-Za-z\u00aa\u00ba\u00c0-\u02af\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f"  # Latin
    "\u0370-\u03ff\u1f00-\u1fff"  # Greek
    "\u0400-\u0482\u048a-\u052f\u1c80-\u1c8f\ua640-\ua66e\ua680-\ua69d"  # Cyrillic
)
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2de0-\u2dff\ua66f-\ua672\ua674-\ua67d\ufe20-\ufe2f"
_ACCENTS = re.compile(f"(?<=[{_LETTERS}])[{_MARKS}]+")

# Han, kana, Thai, Lao, Burmese and Khmer: written without spaces between words.
_SPACELESS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u19e0-\u19ff"
)
_SPACELESS_RUN = re.compile(f"[{_SPACELESS}]+")
_ASCII_WORDS = {c: " " for c in range(128) if not (chr(c).isalnum() or chr(c) == "_")}
_FEW, _MANY = 64, 256
"""Kinds of letters that are replaced one after the other, in one text and in a page of them."""
_END = "\x1e"
"""Of a text on a page: a control character that is part of no word, and composes with nothing."""


def fold(text: str) -> str:
    """`text` as every comparison sees it: without case, accents, width and extra white space. Folding twice changes nothing."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    plain = unicodedata.normalize("NFKC", _ACCENTS.sub("", plain))
    return " ".join(plain.split())


def folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(map(fold, texts))


def composed(text: str) -> str:
    """`text` as `matches` sees it: as written, but for width and composition."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def spoken(folded: str) -> str:
    """The words of a folded text, each with one space around it; scripts without spaces stand apart from the rest."""
    if folded.isascii():
        return f" {' '.join(folded.translate(_ASCII_WORDS).split())} "
    text = _apart(_without_separators(folded))
    return f" {' '.join(text.split())} "


def words(text: str) -> list[str]:
    """The words of a text that is not folded yet: `spoken(fold(text)).split()`, quicker."""
    if text.isascii():
        return text.lower().translate(_ASCII_WORDS).split()
    return spoken(fold(text)).split()


def plainly(text: str) -> str | None:
    """A text with the same words, where ASCII letters may be capitals still, and any that belong to no word are gaps.

    None where letters depend on their neighbours, or too many kinds of them must be replaced for this to be quick.
    """
    return _plainly(text, _strange(text), _FEW)


def plainly_each(texts: Sequence[str]) -> list[str | None]:
    """`plainly` of each, all at once: a letter is replaced by itself, so nothing changes across the end of a text.

    One of many kinds of letters may be there where `plainly` has None: what is quick for a page is not for a text.
    """
    if not texts:
        return []
    joined = _END.join(texts)
    strange = _strange(joined)
    leaning = {c for c in strange if _PLAIN[c] is None}
    if leaning or joined.count(_END) >= len(texts):
        odd = [_END in text or not leaning.isdisjoint(text) for text in texts]
        rest = iter(plainly_each([text for text, alone in zip(texts, odd, strict=True) if not alone]))
        return [plainly(text) if alone else next(rest) for text, alone in zip(texts, odd, strict=True)]
    plain = _plainly(joined, strange, _MANY)
    return [*map(plainly, texts)] if plain is None else [*plain.split(_END)]


def _strange(text: str) -> set[str]:
    """The letters that are not ASCII."""
    return set(text.encode().translate(None, _ASCII).decode())


def _plainly(text: str, strange: set[str], kinds: int) -> str | None:
    plain = {c: _PLAIN[c] for c in strange}
    replaced = [(c, new) for c, new in plain.items() if new != c]
    if None in plain.values() or len(replaced) > kinds:
        return None
    for c, new in replaced:
        text = text.replace(c, str(new))
    return _apart(text) if _SPACELESS_RUN.search("".join(strange)) else text


def _apart(text: str) -> str:
    """Scripts without spaces stand apart from the rest."""
    return _SPACELESS_RUN.sub(lambda run: f" {run[0]} ", text)  # a template would be read anew for each run


class _Plain(dict[str, str | None]):
    """One character as words see it: folded letters, or a gap; None where that depends on its neighbours."""

    def __missing__(self, c: str) -> str | None:
        found = self[c] = None if _leans(c) else _alone(c)
        return found


def _leans(c: str) -> bool:
    """Marks, and the parts of Hangul syllables."""
    first = unicodedata.normalize("NFKD", c)[0]
    return unicodedata.category(first)[0] in "MC" or "\u1100" <= first <= "\u11ff"


def _alone(c: str) -> str | None:
    said = spoken(fold(c)).split()
    if not said:
        return " "
    if said == [c]:
        return c
    folded = fold(c)
    if said != [folded] or any(map(str.isspace, unicodedata.normalize("NFKC", c))):
        return None
    return None if _SPACELESS_RUN.search(folded) else folded


_PLAIN = _Plain()
_ASCII = bytes(range(128))


def _without_separators(text: str) -> str:
    strange = {c for c in set(text) if _separates(c)}
    if len(strange) > _FEW:
        return "".join(" " if c in strange else c for c in text)
    for c in strange:
        text = text.replace(c, " ")
    return text


@lru_cache(maxsize=8192)
def _separates(c: str) -> bool:
    return not (c.isalnum() or c == "_" or unicodedata.category(c)[0] == "M")


def contains(folded: str, needle: str) -> bool:
    """Whether the folded text has the needle as whole words. For many needles or texts use `Needle` and `spoken` once."""
    return Needle.of(needle).inside(folded, spoken(folded))


@dataclass(frozen=True, slots=True)
class Needle:
    """A word or phrase made ready to be found in `spoken` text; one without any letter or digit is found in the folded text."""

    phrase: str
    symbols: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """A phrase looked for anywhere."""
        return cls._made(text, starts=False, ends=False)

    @classmethod
    def start(cls, text: str) -> Self:
        """A phrase that must stand at the beginning."""
        return cls._made(text, starts=True, ends=False)

    @classmethod
    def end(cls, text: str) -> Self:
        """A phrase that must stand at the end."""
        return cls._made(text, starts=False, ends=True)

    @classmethod
    def _made(cls, text: str, *, starts: bool, ends: bool) -> Self:
        plain = fold(text)
        words = spoken(plain).strip()
        if not words:
            return cls(plain, symbols=True)
        first = " " if starts or not _SPACELESS_RUN.match(words[0]) else ""
        last = " " if ends or not _SPACELESS_RUN.match(words[-1]) else ""
        return cls(f"{first}{words}{last}")

    def inside(self, folded: str, spoken: str) -> bool:
        return self.phrase in (folded if self.symbols else spoken)

    def begins(self, folded: str, spoken: str) -> bool:
        return (folded if self.symbols else spoken).startswith(self.phrase)

    def finishes(self, folded: str, spoken: str) -> bool:
        return (folded if self.symbols else spoken).endswith(self.phrase)
