"""Texts: all words, phrases and patterns that branches look for in one field, found in one pass over it.

Words and phrases are looked for in the text itself where it is ASCII, or nearly so, and the letters beside a find tell whether it is a
word; those of any other text are looked for among its words, as `Needle` has them. A pattern is tried only where a piece is found that it
cannot do without; where that does not settle the matter, the branch is left in doubt, which is for its rule's condition to judge.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from ahocorasick_rs import AhoCorasick, Implementation

from rules.branches import Literal
from rules.columns import Bits, Effect, Layers, Rows, Strange, positive
from rules.patterns import WORDY, Pieces, pieces
from rules.text import Needle, composed, fold, plainly, spoken

OPERATORS = frozenset({"contains", "contains_any", "contains_all", "contains_none", "starts_with", "ends_with", "matches"})
"""Tests that look into a text; all others compare it whole."""
_GAP = re.compile("[^a-z0-9_\x80-\U0010ffff]+")

Thing: TypeAlias = tuple[str, Any]
"""What is looked for: ("phrase", a needle), ("edge", one at the beginning or the end), ("pattern", (its text, whether it ignores case))."""


def things(literal: Literal) -> tuple[Thing, ...]:
    value, operator = literal.test.value, literal.test.operator
    if operator == "matches":
        return (("pattern", (value.pattern, not value.options.case_sensitive)),)
    if operator in ("starts_with", "ends_with"):
        return (("edge", value),)
    return tuple(("phrase", one) for one in value)


@dataclass(slots=True)
class Found:
    """What was found in a text, and whom it leaves in doubt."""

    effects: list[Effect]
    doubt: Bits

    def note(self, meaning: "Meaning") -> None:
        self.effects.append(meaning.effect)
        self.doubt |= meaning.doubt


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a find means for the layers; `doubt`: for whom that does not settle it."""

    effect: Effect
    doubt: Bits = 0


@dataclass(slots=True)
class Key:
    """A string in the net: what it means wherever it is found; and what as a word, with the words that must follow."""

    anywhere: list[Meaning] = field(default_factory=list)
    words: list[tuple[tuple[str, ...], Meaning]] = field(default_factory=list)


class Net:
    """Strings that are looked for in one pass."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self._keys = list(keys.values())
        self._automaton = AhoCorasick(list(keys), store_patterns=False, implementation=Implementation.DFA)

    def finds(self, text: str, found: Found) -> None:
        for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            key = self._keys[number]
            for meaning in key.anywhere:
                found.note(meaning)
            if key.words and (not start or _apart(text[start - 1])):
                for rest, meaning in key.words:
                    if _goes_on(text, end, rest):
                        found.note(meaning)


def _apart(c: str) -> bool:
    """Whether a letter beside a word does not belong to it."""
    return c not in WORDY and c < "\x80"


def _goes_on(text: str, end: int, rest: tuple[str, ...]) -> bool:
    """Whether the word that ends here does end, and these words follow it."""
    for word in rest:
        gap = _GAP.match(text, end)
        if gap is None or not text.startswith(word, gap.end()):
            return False
        end = gap.end() + len(word)
    return end == len(text) or _apart(text[end])


class Texts:
    """One text field: the bits that a text leaves standing, and those of them that are in doubt."""

    def __init__(self, rows: Rows, every: Bits) -> None:
        rows = list(rows)
        self._every = self._none = every
        self.touched: Bits = 0
        for number, literals in rows:
            self.touched |= 1 << number
            if any(map(positive, literals)):
                self._none &= ~(1 << number)
        self._layers = Layers.of([(number, *_wishes(literals)) for number, literals in rows], every)

    def bits(self, value: object) -> tuple[Bits, Bits]:
        if not isinstance(value, str):
            if value is None:
                return self._none, 0
            raise Strange
        if not value or value.isspace():
            return self._none, 0
        found = Found([], 0)
        if value.isascii():
            self._ascii.finds(value.lower(), found)
        else:
            self._in_any(value, found)
        if self._symbols or self._blind:
            self._one_by_one(value, found)
        return (self._layers.standing(found.effects, self._every), found.doubt) if found.effects else (self._bare, 0)

    def _in_any(self, text: str, found: Found) -> None:
        plain = plainly(text) if not self._foreign else None
        if plain is not None:
            self._plain_words.finds(plain.lower(), found)
        else:
            self._words.finds(spoken(fold(text)), found)
        if self._patterned:
            self._pieces.finds(composed(text).lower(), found)

    def _one_by_one(self, text: str, found: Found) -> None:
        for symbol, meaning in self._symbols:
            if symbol in fold(text):
                found.note(meaning)
        for meaning in self._blind:
            found.note(meaning)

    # --- what is looked for, and how -----------------------------------------------------------------------------------

    def _sure(self, thing: Thing) -> Meaning:
        return Meaning(self._layers.effects[thing])

    def _perhaps(self, thing: Thing) -> Meaning:
        """Content for those who want it, nothing taken from those who do not, and both in doubt."""
        effect, unwanted = self._layers.effects[thing], len(self._layers.base) - 1
        doubt = 0
        for _, bits in effect:
            doubt |= bits
        return Meaning(tuple(one for one in effect if one[0] != unwanted), doubt)

    def _needles(self) -> Iterator[tuple[Needle, Meaning]]:
        for thing in self._layers.effects:
            kind, needle = thing
            if kind != "pattern" and not needle.symbols:
                yield needle, self._sure(thing) if kind == "phrase" else self._perhaps(thing)

    def _patterns(self) -> Iterator[tuple[Thing, Pieces | None]]:
        for thing in self._layers.effects:
            if thing[0] == "pattern":
                text, ignores_case = thing[1]
                yield thing, pieces(text, ignores_case=ignores_case)

    def _keys_of_words(self) -> dict[str, Key]:
        keys: dict[str, Key] = {}
        for needle, meaning in self._needles():
            if needle.phrase.isascii():
                first, *rest = needle.phrase.split()
                keys.setdefault(first, Key()).words.append((tuple(rest), meaning))
        return keys

    @cached_property
    def _foreign(self) -> bool:
        """Whether words are looked for that no ASCII text can hold."""
        return any(not needle.phrase.isascii() for needle, _ in self._needles())

    @cached_property
    def _patterned(self) -> bool:
        return any(some is not None for _, some in self._patterns())

    @cached_property
    def _bare(self) -> Bits:
        """What a text leaves standing in which nothing is found."""
        return self._layers.standing((), self._every)

    @cached_property
    def _plain_words(self) -> Net:
        return Net(self._keys_of_words())

    @cached_property
    def _ascii(self) -> Net:
        """Words and pieces in one net: in ASCII text both are found as they are."""
        keys = self._keys_of_words()
        for thing, some in self._patterns():
            for piece in some.any_of if some else ():
                key = keys.setdefault(piece, Key())
                if some and some.words:
                    key.words.append(((), self._sure(thing)))
                else:
                    key.anywhere.append(self._sure(thing) if some and some.whole else self._perhaps(thing))
        return Net(keys)

    @cached_property
    def _words(self) -> Net:
        keys: dict[str, Key] = {}
        for needle, meaning in self._needles():
            keys.setdefault(needle.phrase, Key()).anywhere.append(meaning)
        return Net(keys)

    @cached_property
    def _pieces(self) -> Net:
        keys: dict[str, Key] = {}
        for thing, some in self._patterns():
            for piece in some.any_of if some else ():
                keys.setdefault(piece, Key()).anywhere.append(self._perhaps(thing))
        return Net(keys)

    @cached_property
    def _symbols(self) -> list[tuple[str, Meaning]]:
        """Phrases without a letter, by their longest part: rare, and looked for one by one."""
        some = [(thing, thing[1].phrase) for thing in self._layers.effects if thing[0] != "pattern" and thing[1].symbols]
        return [(max(phrase.split(), key=len), self._perhaps(thing)) for thing, phrase in some]

    @cached_property
    def _blind(self) -> list[Meaning]:
        """Patterns of which nothing can be told beforehand."""
        return [self._perhaps(thing) for thing, some in self._patterns() if some is None]


def _wishes(literals: Iterable[Literal]) -> tuple[Sequence[frozenset[Thing]], frozenset[Thing]]:
    wishes: list[frozenset[Thing]] = []
    unwanted: frozenset[Thing] = frozenset()
    for literal in literals:
        some = things(literal)
        if not positive(literal):
            unwanted |= frozenset(some)
        elif literal.test.operator in ("contains_any", "contains_none"):
            wishes.append(frozenset(some))
        else:
            wishes += [frozenset({one}) for one in some]
    return wishes, unwanted
