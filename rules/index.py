"""Which rules match a ticket, without looking at each: a bit for each branch of each condition; each field leaves some standing.

`rules.conditions` says what a condition means; this says the same of all rules together, field by field. Where a value is not what its
field promises, or a test is none that can be told of the ticket alone, it leaves the rule in doubt, and the condition itself is asked.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, reduce
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

Standing: TypeAlias = tuple[Bits, Bits]
"""The branches that hold, and which of these only judging can confirm."""
Tier: TypeAlias = "tuple[Index, Bits]"
"""An index and the branches that it is asked about."""
Judge: TypeAlias = Callable[[Ticket, int], bool]
"""Whether the condition of the rule at a position holds for the ticket, as the plain evaluator says."""
Table: TypeAlias = Words | Members | Numbers
Column: TypeAlias = Table | Moments | Texts
_Rows: TypeAlias = dict[int, list[Literal]]
FRONT, MANY = 512, 3_000
"""Where there are many branches and only the first match is wanted, so many rules are asked before all others, by an index of their own:
its numbers are short, and so few strings are looked for quicker. Of fewer branches asking all at once is as quick."""


class Index:
    """Rules by position. Never changed, but for what it remembers of values that come again; threads may share it."""

    def __init__(self, rules: Iterable[tuple[int, frozenset[Kind], Condition]], *, front: int | None = None) -> None:
        self._rules, self._size = list(rules), front
        self._positions: list[int] = []
        self._kinds: dict[Kind, Bits] = {}
        self._unsure: Bits = 0
        self._conditions: list[tuple[Bits, Condition]] = []
        rows: dict[tuple[str, str], _Rows] = {}
        for position, kinds, condition in self._rules:
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
        tables: dict[str, Table] = {name: column for name, _, column in made if isinstance(column, dict)}
        self._read = Reader(tables)
        self._tables = [tables[name] for name in self._read.names]
        self._times = [(get, column) for _, get, column in made if isinstance(column, Moments)]
        texts = {name: column for name, _, column in made if isinstance(column, Texts)}
        self._read_texts = Reader(texts)
        self._looked_into = [texts[name] for name in self._read_texts.names]
        self._bits = [1 << number for number in range(len(self._positions))]
        self._told = reduce(or_, (column.touched for column in self._looked_into), self._unsure) ^ self._every

    @cached_property
    def _front(self) -> "Index | None":
        """The first rules by themselves, made when it is first asked for; None where they are all there are."""
        size = self._size or (FRONT if len(self._positions) > MANY else len(self._rules))
        return Index(self._rules[:size]) if size < len(self._rules) else None

    def tiers(self, kind: Kind) -> list[Tier]:
        """Whom to ask in turn where only the first match at an event of this kind is wanted: the first rules, then this for the others."""
        among, front = self.among((kind,)), self._front
        tiers = [(self, among)]
        if front is not None:
            behind = bisect_right(self._positions, front._rules[-1][0])
            tiers = [(front, front.among((kind,))), (self, among >> behind << behind)]
        return [tier for tier in tiers if tier[1]]

    @cached_property
    def _touched(self) -> Mapping[str, Bits]:
        """The branches of all rules that a field decides; wanted where one is not as promised, which is seldom."""
        found: dict[str, Bits] = {}
        for own, condition in self._conditions:
            for name in fields_of(condition):
                found[name] = found.get(name, 0) | own
        return found

    # --- asked for each ticket -----------------------------------------------------------------------------------------

    def candidates(self, events: Iterable[Event], look: Look, after: int = -1) -> Iterator[int]:
        """Positions, rising, of all rules behind that one that match or whose judgement may raise, and maybe some that do not.

        All are found at once: most rules that act leave the ticket as the others see it, and asking anew from each to the next costs more.
        """
        standing, _ = self.standing(self.among({event.kind for event in events}), look)
        for position in self._rising(standing >> (behind := bisect_right(self._positions, after)) << behind):
            if position != after:
                after = position
                yield position

    def matches(self, found: Standing, ticket: Ticket, judged: Judge) -> list[int]:
        """Positions, rising, of the rules that match, by what `standing` found. Raises what judging one raises."""
        standing, doubt = found
        if not doubt:
            return self._of(standing)
        sure = self._of(standing ^ doubt)
        return sorted({*sure, *(position for position in self._of(doubt) if position not in sure and judged(ticket, position))})

    def first(self, found: Standing, ticket: Ticket, judged: Judge) -> int | None:
        """The lowest position of a rule that matches, by what `standing` found. Raises what judging one raises."""
        standing, doubt = found
        while standing:
            low = standing & -standing
            position = self._positions[low.bit_length() - 1]
            if not low & doubt or judged(ticket, position):
                return position
            standing ^= low
        return None

    def among(self, kinds: Iterable[Kind]) -> Bits:
        """The branches of all rules that answer such events."""
        among = 0
        for kind in kinds:
            among |= self._kinds.get(kind, 0)
        return among

    def standing(self, among: Bits, look: Look, *, up_to_first: bool = False) -> Standing:
        """Those of the branches that hold, and which of these only judging can confirm. `up_to_first`: of rules behind the first that
        matches, nothing is said, which spares many a look into a text."""
        try:
            found = self._quickly(among, look, up_to_first=up_to_first)
        except _NOT_AS_PROMISED:
            return self._warily(among, look)
        return found, found & self._unsure

    def standings(self, among: Bits, look: Look, tickets: Sequence[Ticket], *, up_to_first: bool = False) -> list[Standing]:
        """`standing` for many tickets, field by field: what serves one field of all of them stays at hand."""
        try:
            found = self._page(among, look, tickets, up_to_first=up_to_first)
        except _NOT_AS_PROMISED:
            return [self.standing(among, look.shows(ticket), up_to_first=up_to_first) for ticket in tickets]
        unsure = self._unsure
        return [(standing, standing & unsure) for standing in found] if unsure else [(standing, 0) for standing in found]

    def _page(self, among: Bits, look: Look, tickets: Sequence[Ticket], *, up_to_first: bool) -> list[Bits]:
        found = [among] * len(tickets)
        for table, values in zip(self._tables, self._read.columns(look, tickets), strict=True):
            found = list(map(and_, found, table.each(values)))
        for get, moments in self._times:
            found = list(map(and_, found, moments.each([get(look.shows(ticket)) for ticket in tickets], look.now)))
        if up_to_first:
            found = list(map(self._no_later, found))
        for texts, values in zip(self._looked_into, self._read_texts.columns(look, tickets), strict=True):
            found = texts.left_by_each(values, found)
        return found

    def _quickly(self, among: Bits, look: Look, *, up_to_first: bool) -> Bits:
        found = reduce(and_, map(getitem, self._tables, self._read(look)), among)
        for get, moments in self._times:
            found &= moments.at(get(look), look.now)
        if up_to_first:
            found = self._no_later(found)
        for texts, value in zip(self._looked_into, self._read_texts(look), strict=True):
            found = texts.left(value, found)
        return found

    def _no_later(self, standing: Bits) -> Bits:
        """Without the branches behind the first of which no text has anything to tell."""
        told = standing & self._told
        return standing & (((told & -told) << 1) - 1) if told else standing

    def _warily(self, among: Bits, look: Look) -> Standing:
        """The same where a value is not what its field promises: every rule that asks for it is to be judged."""
        standing, forced = among, 0
        for name, get, column in self._all:
            try:
                standing &= _asked(column, get(look), look.now, among)
            except _NOT_AS_PROMISED:
                forced |= self._touched[name]
        forced &= among
        return standing | forced, (standing & self._unsure) | forced

    def _rising(self, standing: Bits) -> Iterator[int]:
        while standing:
            low = standing & -standing
            standing ^= low
            yield self._positions[low.bit_length() - 1]

    def _of(self, standing: Bits) -> list[int]:
        """The rules to which branches belong, each once, rising. From the top, since a number gets shorter that way."""
        found: list[int] = []
        last, positions, bits = -1, self._positions, self._bits
        while standing:
            number = standing.bit_length() - 1
            standing ^= bits[number]
            position = positions[number]
            if position != last:
                last = position
                found.append(position)
        found.reverse()
        return found


_MAKE: Mapping[str, Callable[[Any, Bits], Column]] = {"words": Words, "sets": Members, "numbers": Numbers, "times": Moments, "texts": Texts}
_KINDS = {"set": "sets", "number": "numbers", "time": "times"}


_NOT_AS_PROMISED = (Strange, TypeError, AttributeError, OverflowError, UnicodeError)


def _asked(column: Column, value: object, now: datetime, among: Bits) -> Bits:
    if isinstance(column, Texts):
        return column.left(value, among)
    return column.at(value, now) if isinstance(column, Moments) else column[value]


def _column(test: Test) -> tuple[str, str]:
    return test.field, _KINDS.get(test.type) or ("texts" if test.operator in OPERATORS else "words")
