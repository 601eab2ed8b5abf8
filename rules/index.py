"""Which rules match a ticket, without looking at each: a bit for each branch of each condition; each field leaves some standing.

`rules.conditions` says what a condition means; this says the same of all rules together, field by field. Where a value is not what its
field promises, or a test is none that can be told of the ticket alone, it leaves the rule in doubt, and the condition itself is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import reduce
from operator import and_, getitem
from struct import Struct
from typing import Any, TypeAlias, TypeVar

from rules.branches import RAISES, Literal, branches
from rules.bundle import Condition, Test
from rules.columns import Bits, Members, Moments, Numbers, Strange, Words
from rules.fields import Getter, getter
from rules.leaves import fields_of
from rules.look import Look
from rules.observation import Event, Kind
from rules.reading import Reader
from rules.scanning import OPERATORS, Texts

Judge: TypeAlias = Callable[[int], bool]
"""Whether the condition of the rule at a position holds, as the plain evaluator says."""
T = TypeVar("T")
Column: TypeAlias = Words | Members | Numbers | Moments | Texts
_Rows: TypeAlias = dict[int, list[Literal]]


class Index:
    """Rules by position. Never changed, but for what it remembers of values that come again; threads may share it."""

    def __init__(self, rules: Iterable[tuple[int, frozenset[Kind], Condition]]) -> None:
        self._positions: list[int] = []
        self._kinds: dict[Kind, Bits] = {}
        self._unsure: Bits = 0
        self._touched: dict[str, Bits] = {}
        rows: dict[tuple[str, str], _Rows] = {}
        for position, kinds, condition in rules:
            self._put(position, kinds, condition, rows)
        self._every: Bits = (1 << len(self._positions)) - 1
        self._chunks = Struct(f"<{max(1, -(-len(self._positions) // 64))}Q")
        self._columns(rows)

    def _put(self, position: int, kinds: frozenset[Kind], condition: Condition, rows: dict[tuple[str, str], _Rows]) -> None:
        first = len(self._positions)
        for one in branches(condition) or (RAISES,):
            number = len(self._positions)
            self._positions.append(position)
            self._unsure |= one.unsure << number
            for literal in one.literals:
                rows.setdefault(_column(literal.test), {}).setdefault(number, []).append(literal)
        own = (1 << len(self._positions)) - (1 << first)
        for kind in kinds:
            self._kinds[kind] = self._kinds.get(kind, 0) | own
        for name in fields_of(condition):
            self._touched[name] = self._touched.get(name, 0) | own

    def _columns(self, rows: Mapping[tuple[str, str], _Rows]) -> None:
        made = [(name, getter(name), _MAKE[kind](found.items(), self._every)) for (name, kind), found in rows.items()]
        self._all: list[tuple[str, Getter, Column]] = made
        self._read, self._words = _together([(name, column) for name, _, column in made if isinstance(column, Words)])
        others = [(name, column.bits) for name, _, column in made if isinstance(column, Numbers | Members)]
        self._read_others, self._others = _together(others)
        self._times = [(get, column) for _, get, column in made if isinstance(column, Moments)]
        self._texts = [(get, column) for _, get, column in made if isinstance(column, Texts)]

    # --- asked for each ticket -----------------------------------------------------------------------------------------

    def candidates(self, events: Iterable[Event], look: Look) -> list[int]:
        """Positions, rising, of all rules that match or whose judgement may raise, and maybe some that do not."""
        return self._of(self.standing(self.among({event.kind for event in events}), look)[0])

    def matches(self, kinds: Iterable[Kind], look: Look, judge: Judge) -> list[int]:
        """Positions, rising, of the rules that match. Raises what judging one raises."""
        standing, doubt = self.standing(self.among(kinds), look)
        if not doubt:
            return self._of(standing)
        sure = set(self._of(standing ^ doubt))
        return sorted(sure.union(position for position in self._of(doubt) if position not in sure and judge(position)))

    def among(self, kinds: Iterable[Kind]) -> Bits:
        """The branches of all rules that answer such events."""
        among = 0
        for kind in kinds:
            among |= self._kinds.get(kind, 0)
        return among

    def standing(self, among: Bits, look: Look) -> tuple[Bits, Bits]:
        """Those of the branches that hold, and which of these only judging can confirm."""
        try:
            return self._quickly(among, look)
        except (Strange, TypeError, AttributeError):
            return self._warily(among, look)

    def _quickly(self, among: Bits, look: Look) -> tuple[Bits, Bits]:
        standing = reduce(and_, map(getitem, self._words, self._read(look)), among)
        for bits, value in zip(self._others, self._read_others(look), strict=True):
            standing &= bits(value)
        for get, moments in self._times:
            standing &= moments.at(get(look), look.now)
        doubt = self._unsure
        for get, texts in self._texts:
            value = get(look)
            if standing & texts.touched or value.__class__ is not str:
                left, unsure = texts.bits(value)
                standing &= left
                doubt |= unsure
        return standing, standing & doubt

    def _warily(self, among: Bits, look: Look) -> tuple[Bits, Bits]:
        """The same where a value is not what its field promises: every rule that asks for it is to be judged."""
        standing, doubt, forced = among, self._unsure, 0
        for name, get, column in self._all:
            try:
                left, unsure = _asked(column, get(look), look.now)
            except (Strange, TypeError, AttributeError):
                forced |= self._touched[name]
            else:
                standing &= left
                doubt |= unsure
        forced &= among
        return standing | forced, (standing & doubt) | forced

    def _of(self, standing: Bits) -> list[int]:
        """The rules to which branches belong, each once."""
        numbers, offset = [], 0
        for chunk in self._chunks.unpack(standing.to_bytes(self._chunks.size, "little")):
            while chunk:
                low = chunk & -chunk
                numbers.append(offset + low.bit_length() - 1)
                chunk ^= low
            offset += 64
        return list(dict.fromkeys(map(self._positions.__getitem__, numbers)))


_MAKE: Mapping[str, Callable[[Any, Bits], Column]] = {"words": Words, "sets": Members, "numbers": Numbers, "times": Moments, "texts": Texts}
_KINDS = {"set": "sets", "number": "numbers", "time": "times"}


def _together(columns: Iterable[tuple[str, T]]) -> tuple[Reader, list[T]]:
    """What reads the fields of some columns, and the columns in the order of what it reads."""
    named = dict(columns)
    read = Reader(named)
    return read, [named[name] for name in read.names]


def _asked(column: Column, value: object, now: datetime) -> tuple[Bits, Bits]:
    if isinstance(column, Texts):
        return column.bits(value)
    return (column.at(value, now) if isinstance(column, Moments) else column.bits(value)), 0


def _column(test: Test) -> tuple[str, str]:
    return test.field, _KINDS.get(test.type) or ("texts" if test.operator in OPERATORS else "words")
