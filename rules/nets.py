"""Many strings looked for in one pass, over a text or over all texts of a page.

A text is looked into as bytes in which every letter that belongs to no word is a space: so a word is found with its gaps, and no find has
to be asked whether it is a word. Where that says less than what is looked for, the letters of the text itself decide.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rules.columns import Bits

SPACE, BORDER = 32, 0xFF
"""A border is neither a letter nor a gap, so that nothing is found across two texts; no byte of UTF-8 is like it."""
_BETWEEN = bytes((SPACE, BORDER, SPACE))
_WORDY = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")
PLAIN = bytes(b if b > 127 else c if (c := b + 32 * (65 <= b <= 90)) in _WORDY else SPACE for b in range(256))
NO_TRIALS: frozenset[int] = frozenset()

Found: TypeAlias = tuple[Bits, frozenset[int]]
"""What the finds in a text mean, and by number the things that are to be tried on it."""


class Sign(NamedTuple):
    """What must be there beside the key: the words that follow it, or the very letters, from so many bytes behind its start."""

    rest: tuple[bytes, ...] = ()
    letters: bytes = b""
    inset: int = 0


ALONE = Sign()


@dataclass(slots=True)
class Meaning:
    effects: Bits = 0
    trials: set[int] = field(default_factory=set)


class Keys(dict[bytes, dict[Sign, Meaning]]):
    """What is looked for, and what finding it means: an effect, or that a thing is to be tried."""

    def word(self, phrase: str, effects: Bits, trial: int | None) -> None:
        """A phrase as `Needle` has it: a space before or behind it is the end of a word."""
        if " " not in phrase[1:-1]:
            self._note(phrase.encode(), ALONE, effects, trial)
            return
        first, *rest = phrase.removeprefix(" ").split(" ")
        said = [f"{word} ".encode() for word in rest]
        said = said[:-1] if rest[-1] == "" else [*said[:-1], rest[-1].encode()]  # the last one may end anywhere, or with a word
        self._note(f"{' ' * phrase.startswith(' ')}{first} ".encode(), Sign(tuple(said)), effects, trial)

    def piece(self, piece: str, effects: Bits, trial: int | None, *, as_word: bool = False) -> None:
        """Letters in lower case, of which one at least belongs to a word; anywhere, or between the ends of words."""
        letters = piece.encode()
        plain = letters.translate(PLAIN)
        sign = Sign(letters=letters if plain != letters and trial is None else b"", inset=int(as_word))
        self._note(b" %b " % plain if as_word else plain, sign, effects, trial)

    def _note(self, key: bytes, sign: Sign, effects: Bits, trial: int | None) -> None:
        signs = self.setdefault(key, {})
        meaning = signs.get(sign)
        if meaning is None:
            meaning = signs[sign] = Meaning()
        if trial is None:
            meaning.effects |= effects
        else:
            meaning.trials.add(trial)


class Net:
    """Keys made ready to be found."""

    def __init__(self, keys: Keys) -> None:
        self._signs = [
            tuple((sign, meaning.effects, frozenset(meaning.trials)) for sign, meaning in signs.items()) for signs in keys.values()
        ]
        self._effects = [_by_itself(signs) for signs in keys.values()]
        self._finds = BytesAhoCorasick(list(keys), implementation=Implementation.DFA).find_matches_as_indexes if keys else _nothing

    def one(self, text: bytes) -> Found:
        raw = b" %b \xff" % text
        said = raw.translate(PLAIN)
        effects, found, trials = self._effects, 0, NO_TRIALS
        for key, start, end in self._finds(said, True):
            if bits := effects[key]:
                found |= bits
            else:
                more, tries = self._read(key, raw, said, start, end)
                found |= more
                trials |= tries
        return found, trials

    def each(self, texts: Sequence[bytes]) -> list[Found]:
        """`one` of each, in one pass over all."""
        raw = b" %b \xff" % _BETWEEN.join(texts)
        said = raw.translate(PLAIN)
        ends = list(accumulate([len(text) + 3 for text in texts]))
        effects, found, trials = self._effects, [0] * len(texts), [NO_TRIALS] * len(texts)
        n, last = 0, ends[0] if ends else 0
        for key, start, end in self._finds(said, True):
            while end > last:
                n += 1
                last = ends[n]
            if bits := effects[key]:
                found[n] |= bits
            else:
                more, tries = self._read(key, raw, said, start, end)
                found[n] |= more
                if tries:
                    trials[n] |= tries
        return list(zip(found, trials, strict=True))

    def _read(self, key: int, raw: bytes, said: bytes, start: int, end: int) -> Found:
        found, trials = 0, NO_TRIALS
        for (rest, letters, inset), effects, tries in self._signs[key]:
            at = start + inset
            if (not rest or _goes_on(said, end, rest)) and (not letters or raw[at : at + len(letters)].lower() == letters):
                found |= effects
                trials |= tries
        return found, trials


def _nothing(text: bytes, overlapping: bool) -> Iterable[tuple[int, int, int]]:
    return ()


def _by_itself(signs: Mapping[Sign, Meaning]) -> Bits:
    """What the key means wherever it is found; 0 where there is more to see."""
    found = 0
    for sign, meaning in signs.items():
        if sign.rest or sign.letters or meaning.trials:
            return 0
        found |= meaning.effects
    return found


def _goes_on(said: bytes, at: int, rest: Iterable[bytes]) -> bool:
    """Whether these words follow a word that ended; the border behind the text is none of them."""
    for word in rest:
        while said[at] == SPACE:
            at += 1
        if not said.startswith(word, at):
            return False
        at += len(word)
    return True
