"""Which rules match a ticket, without looking at each: a bit for each branch of each condition; each field leaves some standing.

`rules.conditions` says what a condition means; this says the same of all rules together, field by field. Where a value is not what its
field promises, or a test is none that can be told of the ticket alone, it leaves the rule in doubt, and the condition itself is asked.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial, reduce
from operator import and_, getitem, or_
from typing import Any, TypeAlias

from rules.branches import RAISES, Literal, branches
from rules.bundle import Condition, Test
from rules.cells import Moments, Numbers
from rules.columns import Bits, Members, Strange, Words
from rules.fields import Getter, getter
from rules.leaves import fields_of
from rules.look import Look
from rules.observation import Event, Kind
from rules.reading import Reader
from rules.scanning import OPERATORS, Texts
from rules.ticket import Ticket

Judge: TypeAlias = Callable[[int], bool]
"""Whether the condition of the rule at a position holds, as the plain evaluator says."""
Column: TypeAlias = Words | Members | Numbers | Moments | Texts
_Rows: TypeAlias = dict[int, list[Literal]]


class Index:
    """Rules by position. Never changed, but for what it remembers of values that come again; threads may share it."""

    def __init__(self, rules: Iterable[tuple[int, frozenset[Kind], Condition]]) -> None:
        self._positions: list[int] = []
        self._kinds: dict[Kind, Bits] = {}
        self._unsure: Bits = 0
        self._conditions: list[tuple[Bits, Condition]] = []
        rows: dict[tuple[str, str], _Rows] = {}
        for position, kinds, condition in rules:
            self._put(position, kinds, condition, rows)
        self._every: Bits = (1 << len(self._positions)) - 1
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
        self._conditions.append((own, condition))

    def _columns(self, rows: Mapping[tuple[str, str], _Rows]) -> None:
        made = [(name, getter(name), _MAKE[kind](found.items(), self._every)) for (name, kind), found in rows.items()]
        self._all: list[tuple[str, Getter, Column]] = made
        tables = {name: column for name, _, column in made if isinstance(column, dict)}
        self._read = Reader(tables)
        self._tables = [tables[name] for name in self._read.names]
        self._times = [(get, column) for _, get, column in made if isinstance(column, Moments)]
        self._texts = [(get, column) for _, get, column in made if isinstance(column, Texts)]
        looked_into = [(getter(name), found) for (name, kind), found in rows.items() if kind == "texts"]
        self._told_by_tables = ~reduce(or_, (texts.touched for _, texts in self._texts), self._unsure)
        self._front: Bits = (1 << bisect_left(self._positions, FRONT)) - 1
        self._front_texts = [(get, Texts(some, self._front)) for get, found in looked_into if (some := _below(found, self._front))]

    @cached_property
    def _touched(self) -> Mapping[str, Bits]:
        """The branches of all rules that a field decides; wanted where one is not as promised, which is seldom."""
        found: dict[str, Bits] = {}
        for own, condition in self._conditions:
            for name in fields_of(condition):
                found[name] = found.get(name, 0) | own
        return found

    # --- asked for each ticket -----------------------------------------------------------------------------------------

    def candidates(self, events: Iterable[Event], look: Look) -> list[int]:
        """Positions, rising, of all rules that match or whose judgement may raise, and maybe some that do not."""
        return self._of(self.standing(self.among({event.kind for event in events}), look)[0])

    def matches(self, found: tuple[Bits, Bits], judge: Judge) -> list[int]:
        """Positions, rising, of the rules that match, by what `standing` found. Raises what judging one raises."""
        standing, doubt = found
        if not doubt:
            return self._of(standing)
        sure = self._of(standing ^ doubt)
        return sorted({*sure, *(position for position in self._of(doubt) if position not in sure and judge(position))})

    def first(self, found: tuple[Bits, Bits], judge: Judge) -> int | None:
        """The lowest position of a rule that matches, by what `standing` found. Raises what judging one raises."""
        standing, doubt = found
        while standing:
            low = standing & -standing
            position = self._positions[low.bit_length() - 1]
            if not low & doubt or judge(position):
                return position
            standing ^= low
        return None

    def firsts(self, among: Bits, look: Look, tickets: Sequence[Ticket], judged: Callable[[Ticket, int], bool]) -> list[int | None]:
        """`first` for many tickets. No text is looked into for rules behind one that its other fields let match."""
        try:
            found = [self._no_later(self._tabled(among, look.shows(ticket))) for ticket in tickets]
            fronts = self._through(self._front_texts, [one & self._front for one in found], look, tickets)
        except _NOT_AS_PROMISED:
            return [self.first(self.standing(among, look.shows(ticket)), partial(judged, ticket)) for ticket in tickets]
        return [self._first_of(*one, look, judged) for one in zip(fronts, found, tickets, strict=True)]

    def _no_later(self, standing: Bits) -> Bits:
        """Without the branches behind the first that nothing but tables had to tell."""
        told = standing & self._told_by_tables
        return standing & (((told & -told) << 1) - 1) if told else standing

    def _first_of(self, front: Bits, found: Bits, ticket: Ticket, look: Look, judged: Callable[[Ticket, int], bool]) -> int | None:
        low = front & -front
        if low and not low & self._unsure:
            return self._positions[low.bit_length() - 1]
        judge = partial(judged, ticket)
        first = self.first((front, front & self._unsure), judge)
        rest = found & ~self._front
        if first is not None or not rest:
            return first
        (rest,) = self._through(self._texts, [rest], look, (ticket,))
        return self.first((rest, rest & self._unsure), judge)

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
        except _NOT_AS_PROMISED:
            return self._warily(among, look)

    def standings(self, among: Bits, look: Look, tickets: Sequence[Ticket]) -> list[tuple[Bits, Bits]]:
        """`standing` for many tickets, by turns: what serves one field of all of them stays at hand, which is quicker by a third."""
        try:
            return self._page(among, look, tickets)
        except _NOT_AS_PROMISED:
            return [self.standing(among, look.shows(ticket)) for ticket in tickets]

    def _page(self, among: Bits, look: Look, tickets: Sequence[Ticket]) -> list[tuple[Bits, Bits]]:
        found = self._through(self._texts, [self._tabled(among, look.shows(ticket)) for ticket in tickets], look, tickets)
        return [(standing, standing & self._unsure) for standing in found]

    def _through(self, texts: Sequence[tuple[Getter, Texts]], found: list[Bits], look: Look, tickets: Sequence[Ticket]) -> list[Bits]:
        """What each ticket's texts leave of what was found; a text that nothing left asks for is not looked into."""
        for get, column in texts:
            for n, ticket in enumerate(tickets):
                standing, value = found[n], get(look.shows(ticket))
                if standing & column.touched or value.__class__ is not str:
                    found[n] = standing & column.bits(value, standing)
        return found

    def _quickly(self, among: Bits, look: Look) -> tuple[Bits, Bits]:
        standing = self._tabled(among, look)
        for get, texts in self._texts:
            value = get(look)
            if standing & texts.touched or value.__class__ is not str:
                standing &= texts.bits(value, standing)
        return standing, standing & self._unsure

    def _tabled(self, among: Bits, look: Look) -> Bits:
        standing = reduce(and_, map(getitem, self._tables, self._read(look)), among)
        for get, moments in self._times:
            standing &= moments.at(get(look), look.now)
        return standing

    def _warily(self, among: Bits, look: Look) -> tuple[Bits, Bits]:
        """The same where a value is not what its field promises: every rule that asks for it is to be judged."""
        standing, forced = among, 0
        for name, get, column in self._all:
            try:
                standing &= _asked(column, get(look), look.now, among)
            except _NOT_AS_PROMISED:
                forced |= self._touched[name]
        forced &= among
        return standing | forced, (standing & self._unsure) | forced

    def _of(self, standing: Bits) -> list[int]:
        """The rules to which branches belong, each once, rising. From the top, since a number gets shorter that way."""
        found: list[int] = []
        last, positions = -1, self._positions
        while standing:
            number = standing.bit_length() - 1
            standing ^= 1 << number
            position = positions[number]
            if position != last:
                last = position
                found.append(position)
        found.reverse()
        return found


_MAKE: Mapping[str, Callable[[Any, Bits], Column]] = {"words": Words, "sets": Members, "numbers": Numbers, "times": Moments, "texts": Texts}
_KINDS = {"set": "sets", "number": "numbers", "time": "times"}


FRONT = 256
"""So many rules have their texts looked into first, where only the first match is wanted: it is mostly theirs, and their nets are small."""


def _below(rows: _Rows, front: Bits) -> list[tuple[int, list[Literal]]]:
    return [(number, literals) for number, literals in rows.items() if 1 << number <= front]


_NOT_AS_PROMISED = (Strange, TypeError, AttributeError, OverflowError, UnicodeError)


def _asked(column: Column, value: object, now: datetime, among: Bits) -> Bits:
    if isinstance(column, Texts):
        return column.bits(value, among)
    return column.at(value, now) if isinstance(column, Moments) else column[value]


def _column(test: Test) -> tuple[str, str]:
    return test.field, _KINDS.get(test.type) or ("texts" if test.operator in OPERATORS else "words")
