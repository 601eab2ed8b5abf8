"""Texts: all words, phrases and patterns that branches look for in one field, found in one pass over it, or over those of a whole page.

Where each letter can be folded by itself, which is nearly always, the words are looked for in the text itself; those of any other text
among its words, as `Needle` has them. A pattern is tried only where a piece is found that it cannot do without.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from rules.branches import Literal
from rules.columns import Bits, Layers, Rows, Strange, positive
from rules.nets import Found, Keys, Net
from rules.patterns import WORDY, Pieces, pieces
from rules.text import Needle, composed, fold, plainly, plainly_each, spoken

OPERATORS = frozenset({"contains", "contains_any", "contains_all", "contains_none", "starts_with", "ends_with", "matches"})
"""Tests that look into a text; all others compare it whole."""

Thing: TypeAlias = tuple[str, Any]
"""What is looked for: a phrase, a phrase at the start or the end, or a compiled pattern; the operator's way of looking comes first."""


def things(literal: Literal) -> tuple[Thing, ...]:
    value, operator = literal.test.value, literal.test.operator
    if operator in ("matches", "starts_with", "ends_with"):
        return ((operator, value),)
    return tuple(("symbols" if one.symbols else "phrase", one) for one in value)


def tried(thing: Thing, text: str) -> bool:
    """Whether the thing is in the text, by looking for it alone; a field that is as good as empty has nothing in it."""
    how, what = thing
    if not text or text.isspace():
        return False
    if how == "matches":
        return what.search(composed(text).encode()) is not None  # bytes: where it was found does not matter
    folded = fold(text)
    look: Callable[[str, str], bool] = {"starts_with": what.begins, "ends_with": what.finishes}.get(how, what.inside)
    return look(folded, spoken(folded))


class Texts:
    """One text field: the branches that a text leaves standing."""

    def __init__(self, rows: Rows, every: Bits) -> None:
        rows = list(rows)
        self._none = every
        self.touched: Bits = 0
        for number, literals in rows:
            self.touched |= 1 << number
            if any(map(positive, literals)):
                self._none &= ~(1 << number)
        self._layers = Layers.of([(number, *_wishes(literals)) for number, literals in rows], every)
        self._bare = self._layers.standing(0, every)
        self._things: list[Thing] = list(self._layers.effects)

    def left(self, value: object, among: Bits) -> Bits:
        """Those of these branches that hold with such a text; nothing is tried for others, nor looked into for none."""
        if not among & self.touched:
            return among
        if value.__class__ is not str:
            return self._left_by_rarer(value, among)
        assert isinstance(value, str)
        found, trials = self._ascii.one(value.encode()) if value.isascii() else self._in_any(value)
        if trials or self._blind:
            found = self._tried(value, found, trials, among)
        return self._layers.standing(found, among) if found else self._left_by_nothing(value, among)

    def left_by_each(self, values: Sequence[object], among: Sequence[Bits]) -> list[Bits]:
        """`left` for a page of tickets, whose texts are looked into in one go: those in ASCII, which most are, and all others."""
        left, ascii, others, touched = list(among), list[int](), list[int](), self.touched
        for n, value in enumerate(values):
            if value.__class__ is not str:
                left[n] = self._left_by_rarer(value, left[n])
            elif left[n] & touched:
                (ascii if value.isascii() else others).append(n)
        self._each(left, ascii, values, lambda texts: self._ascii.each([text.encode() for text in texts]))
        self._each(left, others, values, self._in_any_of)
        return left

    def _each(self, left: list[Bits], numbers: Sequence[int], values: Sequence[Any], finds: Callable[[Sequence[str]], list[Found]]) -> None:
        """What these texts leave of what is left, put in its place."""
        texts, blind, standing = [values[n] for n in numbers], self._blind, self._layers.standing
        for n, text, (found, trials) in zip(numbers, texts, finds(texts), strict=True):
            if trials or blind:
                found = self._tried(text, found, trials, left[n])
            left[n] = standing(found, left[n]) if found else self._left_by_nothing(text, left[n])

    def _left_by_rarer(self, value: object, among: Bits) -> Bits:
        if isinstance(value, str):
            return self.left(str(value), among)
        if value is not None:
            raise Strange
        return among & self._none

    def _left_by_nothing(self, text: str, among: Bits) -> Bits:
        """Of a text in which nothing was found, which may itself be as good as nothing."""
        return among & (self._none if not text or text.isspace() else self._bare)

    def _tried(self, text: str, found: Bits, trials: Iterable[int], among: Bits) -> Bits:
        for number in self._blind.union(trials):
            if among & self._touching[number] and tried(self._things[number], text):
                found |= self._layers.effects[self._things[number]]
        return found

    def _in_any(self, text: str) -> Found:
        plain = plainly(text)
        found, trials = self._words.one((spoken(fold(text)) if plain is None else plain).encode())
        if self._patterned:
            more, tries = self._pieces.one(composed(text).lower().encode())
            return found | more, trials | tries
        return found, trials

    def _in_any_of(self, texts: Sequence[str]) -> list[Found]:
        """`_in_any` of each, in one pass over all."""
        plain = [spoken(fold(text)) if said is None else said for text, said in zip(texts, plainly_each(texts), strict=True)]
        found = self._words.each([text.encode() for text in plain])
        if not self._patterned:
            return found
        pieces = self._pieces.each([composed(text).lower().encode() for text in texts])
        return [(words | more, trials | tries) for (words, trials), (more, tries) in zip(found, pieces, strict=True)]

    # --- what is looked for, and how -----------------------------------------------------------------------------------

    @cached_property
    def _ascii(self) -> Net:
        """Words and pieces in one net: in ASCII text both are found as they are."""
        keys = self._keys_of_words(lambda needle: needle.phrase.isascii())
        for number, some in self._patterns():
            for piece in some.any_of:
                self._note_piece(keys, piece, number, sure=some.whole, as_word=some.words)
        return Net(keys)

    @cached_property
    def _words(self) -> Net:
        return Net(self._keys_of_words(lambda needle: True))

    @cached_property
    def _pieces(self) -> Net:
        keys = Keys()
        for number, some in self._patterns():
            for piece in some.any_of:
                self._note_piece(keys, piece, number, sure=False)
        return Net(keys)

    def _keys_of_words(self, wanted: Callable[[Needle], bool]) -> Keys:
        keys = Keys()
        for number, needle in filter(lambda one: wanted(one[1]), self._needles):
            how = self._things[number][0]
            keys.word(needle.phrase, self._layers.effects[self._things[number]], None if how == "phrase" else number)
        return keys

    def _note_piece(self, keys: Keys, piece: str, number: int, *, sure: bool, as_word: bool = False) -> None:
        keys.piece(piece, self._layers.effects[self._things[number]], None if sure else number, as_word=as_word)

    @cached_property
    def _needles(self) -> list[tuple[int, Needle]]:
        some = enumerate(self._things)
        return [(number, needle) for number, (how, needle) in some if how not in ("matches", "symbols") and not needle.symbols]

    def _patterns(self) -> Iterator[tuple[int, Pieces]]:
        """Those of which something can be told beforehand."""
        for number, (how, pattern) in enumerate(self._things):
            some = pieces(pattern.pattern, ignores_case=not pattern.options.case_sensitive) if how == "matches" else None
            if some is not None and all(WORDY.intersection(piece) for piece in some.any_of):
                yield number, some

    @cached_property
    def _patterned(self) -> bool:
        return any(True for _ in self._patterns())

    @cached_property
    def _blind(self) -> frozenset[int]:
        """What is tried on every text: phrases without a letter, and patterns of which nothing can be told beforehand."""
        netted = {number for number, _ in self._needles} | {number for number, _ in self._patterns()}
        return frozenset(range(len(self._things))) - netted

    @cached_property
    def _touching(self) -> list[Bits]:
        return [self._layers.concerned(thing) for thing in self._things]


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
