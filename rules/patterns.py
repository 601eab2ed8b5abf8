"""What a regular expression cannot do without: plain pieces of text of which one must be there, or it finds nothing."""

from dataclasses import dataclass
from functools import lru_cache

_ESCAPED = frozenset("\\.+*?()|[]{}^$-/ _'\"#&~!@%=:;,<>`")
_CLASSES = frozenset("dDwWsSbBAz")
_SPECIAL = frozenset(".[]()^$*+?{}|\\")
_MARKS = frozenset("*+?{")
WORDY = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
MOST = 64
"""Pieces of one pattern; one that names more is tried on every text."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """One of `any_of` must be in the text, lower case and ASCII. `whole`: then the pattern matches; `words`: where it stands as a word."""

    any_of: frozenset[str]
    whole: bool = False
    words: bool = False


@lru_cache(maxsize=4096)
def pieces(pattern: str, *, ignores_case: bool) -> Pieces | None:
    """None where nothing can be told of it, or not by this reader: then only trying shows."""
    try:
        return _as_words(pattern, ignores_case) or _as_text(pattern, ignores_case)
    except _Unknown:
        return None


def _as_words(pattern: str, ignores_case: bool) -> Pieces | None:
    if not (ignores_case and pattern.startswith("\\b") and pattern.endswith("\\b")):
        return None
    reader = _Reader(pattern[2:-2])
    found = reader.branch()
    if not reader.at_end or not found.exact or not all(p[0] in WORDY and p[-1] in WORDY for p in found.best):
        return None
    return Pieces(found.best, whole=True, words=True) if len(found.best) <= MOST else None


def _as_text(pattern: str, ignores_case: bool) -> Pieces | None:
    reader = _Reader(pattern)
    found = reader.alternatives()
    if not reader.at_end:
        raise _Unknown
    return Pieces(found.best, whole=found.exact and ignores_case) if 0 < len(found.best) <= MOST else None


class _Unknown(Exception):
    """Something that this reader does not know: nothing is said of such a pattern."""


@dataclass(slots=True)
class _Found:
    """What a branch needs one of, nothing where it can do without. `exact`: there is nothing more to it."""

    best: frozenset[str] = frozenset()
    exact: bool = False

    def offer(self, some: frozenset[str]) -> None:
        """Longer pieces are rarer."""
        if some and (not self.best or min(map(len, some)) > min(map(len, self.best))):
            self.best = some


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def alternatives(self) -> _Found:
        branches = [self.branch()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self.branch())
        if not all(one.best for one in branches):
            return _Found()
        return _Found(frozenset().union(*(one.best for one in branches)), all(one.exact for one in branches))

    def branch(self) -> _Found:
        found, parts, exact = _Found(), 0, True
        while (c := self._peek()) and c not in "|)":
            run = self._run()
            piece = _Found(frozenset({run}), True) if run else self._piece()
            found.offer(piece.best)
            parts, exact = parts + 1, exact and piece.exact
        found.exact = exact and parts == 1
        return found

    def _run(self) -> str:
        """Plain letters, lower case, none of which is repeated."""
        run = ""
        while True:
            before = self._at
            letter = self._letter()
            if not letter or self._peek() in _MARKS:
                self._at = before
                return run
            run += letter

    def _letter(self) -> str:
        """A plain letter; "" for anything else, which is left where it stands."""
        c = self._peek()
        width = 1
        if c == "\\":
            c, width = self._text[self._at + 1 : self._at + 2], 2
            if c not in _ESCAPED:
                return ""
        elif c in _SPECIAL:
            return ""
        if not c.isascii():
            raise _Unknown
        self._at += width
        return c.lower()

    def _piece(self) -> _Found:
        """A letter that is repeated, a class, a dot, an edge or a group, with the marks behind it."""
        letter = self._letter()
        found = _Found(frozenset({letter}), True) if letter else self._anything()
        needed, marked = self._marks()
        return _Found(found.best if needed else frozenset(), found.exact and not marked)

    def _anything(self) -> _Found:
        c = self._peek()
        if c == "(":
            return self._group()
        if c == "[":
            self._class()
        elif c == "\\" and self._text[self._at + 1 : self._at + 2] in _CLASSES:
            self._at += 2
        elif c in (".", "^", "$"):
            self._at += 1
        else:
            raise _Unknown
        return _Found()

    def _group(self) -> _Found:
        self._at += 1
        if self._peek() == "?":
            if not self._text.startswith("?:", self._at):
                raise _Unknown
            self._at += 2
        found = self.alternatives()
        if self._peek() != ")":
            raise _Unknown
        self._at += 1
        return found

    def _class(self) -> None:
        self._at += 1
        if self._peek() == "^":
            self._at += 1
        if self._peek() == "]":
            self._at += 1
        while (c := self._peek()) != "]":
            if c in ("", "["):
                raise _Unknown
            self._at += 2 if c == "\\" else 1
        self._at += 1

    def _marks(self) -> tuple[bool, bool]:
        """Whether what stands before must be there, and whether there were any marks."""
        needed, marked = True, False
        while (mark := self._peek()) and mark in _MARKS:
            marked = True
            if mark == "{":
                needed = self._least() > 0 and needed
            else:
                needed = needed and mark == "+"
                self._at += 1
        return needed, marked

    def _least(self) -> int:
        end = self._text.find("}", self._at)
        least = self._text[self._at + 1 : end].partition(",")[0] if end > 0 else ""
        if not least.isdigit():
            raise _Unknown
        self._at = end + 1
        return int(least)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]
