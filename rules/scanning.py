"""Texts: all words, phrases and patterns that branches look for in one field, found in one pass over it.

Words and phrases are looked for in the text itself where it is ASCII, or nearly so, and the letters beside a find tell whether it is a
word; those of any other text are looked for among its words, as `Needle` has them. A pattern is tried only where a piece is found that it
cannot do without.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
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
"""What is looked for: a phrase, a phrase at the start or the end, or a compiled pattern; the operator's way of looking comes first."""


def things(literal: Literal) -> tuple[Thing, ...]:
    value, operator = literal.test.value, literal.test.operator
    if operator in ("matches", "starts_with", "ends_with"):
        return ((operator, value),)
    return tuple(("symbols" if one.symbols else "phrase", one) for one in value)


def tried(thing: Thing, text: str) -> bool:
    """Whether the thing is in the text, by looking for it alone."""
    how, what = thing
    if how == "matches":
        return what.search(composed(text).encode()) is not None  # bytes: where it was found does not matter
    folded = fold(text)
    look: Callable[[str, str], bool] = {"starts_with": what.begins, "ends_with": what.finishes}.get(how, what.inside)
    return look(folded, spoken(folded))


@dataclass(slots=True)
class Meaning:
    """What a find means: who is content in which layer, and by number the things that are to be tried now."""

    effects: dict[int, Bits] = field(default_factory=dict)
    trials: set[int] = field(default_factory=set)

    def add(self, effects: Iterable[Effect], trial: int | None) -> None:
        if trial is not None:
            self.trials.add(trial)
        else:
            for layer, bits in effects:
                self.effects[layer] = self.effects.get(layer, 0) | bits


Plain: TypeAlias = tuple[tuple[Effect, ...], frozenset[int]]
"""A meaning as it is used."""


def _plain(meaning: Meaning) -> Plain:
    return tuple(meaning.effects.items()), frozenset(meaning.trials)


@dataclass(slots=True)
class Key:
    """A string in the net: what it means wherever it is found; and what as a word, with the words that must follow."""

    anywhere: Meaning = field(default_factory=Meaning)
    words: dict[tuple[str, ...], Meaning] = field(default_factory=dict)

    def as_word(self, rest: tuple[str, ...]) -> Meaning:
        return self.words.setdefault(rest, Meaning())


class Net:
    """Strings that are looked for in one pass."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self._keys = [
            (*_plain(key.anywhere), tuple((rest, *_plain(meaning)) for rest, meaning in key.words.items())) for key in keys.values()
        ]
        automaton = AhoCorasick(list(keys), store_patterns=False, implementation=Implementation.DFA)
        self._finds = automaton.find_matches_as_indexes

    def finds(self, text: str) -> tuple[list[Effect], frozenset[int]]:
        """What was found means that, and that these things are to be tried."""
        found: list[Effect] = []
        trials = _NO_TRIALS
        keys = self._keys
        for number, start, end in self._finds(text, True):
            effects, tries, words = keys[number]
            if effects:
                found += effects
            if tries:
                trials |= tries
            if words and (not start or _apart(text[start - 1])):
                for rest, effects, tries in words:
                    if _goes_on(text, end, rest):
                        found += effects
                        trials |= tries
        return found, trials


_NO_TRIALS: frozenset[int] = frozenset()


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
    """One text field: the bits that a text leaves standing."""

    def __init__(self, rows: Rows, every: Bits) -> None:
        rows = list(rows)
        self._every = self._none = every
        self.touched: Bits = 0
        for number, literals in rows:
            self.touched |= 1 << number
            if any(map(positive, literals)):
                self._none &= ~(1 << number)
        self._layers = Layers.of([(number, *_wishes(literals)) for number, literals in rows], every)
        self._bare = self._layers.standing((), every)
        self._things: list[Thing] = list(self._layers.effects)
        self._touching = [_all(bits for _, bits in effects) for effects in self._layers.effects.values()]

    def bits(self, value: object, among: Bits) -> Bits:
        """Nothing is tried for branches that are not among these."""
        if value.__class__ is not str:
            return self._rarer(value, among)
        if not value.isascii():
            found, trials = self._in_any(value)
        else:
            found, trials = self._ascii.finds(value.lower())
        if self._blind:
            trials = trials | self._blind
        if trials:
            found += self._found_by_trial(value, trials, among)
        if found:
            return self._layers.standing(found, self._every)
        return self._none if not value or value.isspace() else self._bare

    def _rarer(self, value: object, among: Bits) -> Bits:
        if isinstance(value, str):
            return self.bits(str(value), among)
        if value is not None:
            raise Strange
        return self._none

    def _found_by_trial(self, text: str, trials: Iterable[int], among: Bits) -> Iterator[Effect]:
        for number in trials:
            if among & self._touching[number] and tried(self._things[number], text):
                yield from self._layers.effects[self._things[number]]

    def _in_any(self, text: str) -> tuple[list[Effect], frozenset[int]]:
        plain = plainly(text) if not self._foreign else None
        found, trials = self._words.finds(spoken(fold(text))) if plain is None else self._plain_words.finds(plain.lower())
        if self._patterned:
            more, tries = self._pieces.finds(composed(text).lower())
            found, trials = [*found, *more], trials | tries
        return found, trials

    # --- what is looked for, and how -----------------------------------------------------------------------------------

    def _needles(self) -> Iterator[tuple[int, Needle]]:
        for number, (how, needle) in enumerate(self._things):
            if how not in ("matches", "symbols") and not needle.symbols:
                yield number, needle

    def _patterns(self) -> Iterator[tuple[int, Pieces | None]]:
        for number, (how, pattern) in enumerate(self._things):
            if how == "matches":
                yield number, pieces(pattern.pattern, ignores_case=not pattern.options.case_sensitive)

    def _note(self, meaning: Meaning, number: int, *, sure: bool) -> None:
        meaning.add(self._layers.effects[self._things[number]], None if sure else number)

    def _keys_of_words(self) -> dict[str, Key]:
        keys: dict[str, Key] = {}
        for number, needle in self._needles():
            if needle.phrase.isascii():
                first, *rest = needle.phrase.split()
                meaning = keys.setdefault(first, Key()).as_word(tuple(rest))
                self._note(meaning, number, sure=self._things[number][0] == "phrase")
        return keys

    @cached_property
    def _plain_words(self) -> Net:
        return Net(self._keys_of_words())

    @cached_property
    def _ascii(self) -> Net:
        """Words and pieces in one net: in ASCII text both are found as they are."""
        keys = self._keys_of_words()
        for number, some in self._patterns():
            for piece in some.any_of if some else ():
                key = keys.setdefault(piece, Key())
                meaning = key.as_word(()) if some and some.words else key.anywhere
                self._note(meaning, number, sure=some is not None and some.whole)
        return Net(keys)

    @cached_property
    def _words(self) -> Net:
        keys: dict[str, Key] = {}
        for number, needle in self._needles():
            self._note(keys.setdefault(needle.phrase, Key()).anywhere, number, sure=self._things[number][0] == "phrase")
        return Net(keys)

    @cached_property
    def _pieces(self) -> Net:
        keys: dict[str, Key] = {}
        for number, some in self._patterns():
            for piece in some.any_of if some else ():
                self._note(keys.setdefault(piece, Key()).anywhere, number, sure=False)
        return Net(keys)

    @cached_property
    def _foreign(self) -> bool:
        """Whether words are looked for that no ASCII text can hold."""
        return any(not needle.phrase.isascii() for _, needle in self._needles())

    @cached_property
    def _patterned(self) -> bool:
        return any(some is not None for _, some in self._patterns())

    @cached_property
    def _blind(self) -> frozenset[int]:
        """What is tried on every text: phrases without a letter, and patterns of which nothing can be told beforehand."""
        netted = {number for number, _ in self._needles()} | {number for number, some in self._patterns() if some is not None}
        return frozenset(range(len(self._things))) - netted


def _all(some: Iterable[Bits]) -> Bits:
    return reduce(or_, some, 0)


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
