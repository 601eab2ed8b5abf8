"""Many tickets held against the index one after the other: what was found out of one value serves all tickets that have it."""

from collections.abc import Callable
from typing import TypeAlias

from rules.fields import Getter, getter
from rules.index import Index, Values, Words
from rules.look import Look, comparable
from rules.observation import Kind
from rules.text import fold, spoken, words
from rules.ticket import Ticket, Value

Sieve: TypeAlias = Callable[[Ticket], bool]
MOST = 10_000
"""Values of one field that are kept in mind; then it begins anew, so that memory stays flat."""
SHORT = 120
"""Characters of a text that is worth keeping."""


def sieve(index: Index, kind: Kind, look: Look) -> Sieve:
    """Whether the index has a candidate for an event of that kind on a ticket of which nothing else is known; False is certain.

    `look` lends its observation and its desk, and shows the ticket asked for last. For one thread.
    """
    shelves = index.shelves(kind)
    if shelves is None:
        return lambda ticket: False
    if shelves.anything:
        return lambda ticket: True
    values = [(getter(name), _Kept(rows)) for name, rows in shelves.values.items()]
    texts = [(getter(name), _KeptTexts(rows)) for name, rows in shelves.words.items()]

    def could_act(ticket: Ticket) -> bool:
        look.ticket = ticket  # and not `see`: nothing here asks the look for what it keeps of a ticket
        return _any_value(values, look) or _any_word(texts, look)

    return could_act


def _any_value(fields: list[tuple[Getter, "_Kept"]], look: Look) -> bool:
    for get, kept in fields:
        value = get(look)
        if value is not None and (kept[value] if isinstance(value, (str, frozenset)) else kept.judged(value)):
            return True
    return False


def _any_word(fields: list[tuple[Getter, "_KeptTexts"]], look: Look) -> bool:
    for get, kept in fields:
        value = get(look)
        if value is not None and (not isinstance(value, str) or kept[value]):
            return True
    return False


def _says(text: str, rows: Words) -> bool:
    if not rows.anywhere and rows.first.keys().isdisjoint(words(text)):
        return False
    folded = fold(text)
    return bool(rows.found(folded, spoken(folded)))


class _KeptTexts(dict[str, bool]):
    """The same for short texts: alerts and forms send the same subject again and again."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Words) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, text: str) -> bool:
        found = _says(text, self._rows)
        if len(text) <= SHORT:
            if len(self) >= MOST:
                self.clear()
            self[text] = found
        return found


class _Kept(dict[str | frozenset[str], bool]):
    """Whether a field's value, as it stands in the ticket, finds any rule."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Values) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, value: str | frozenset[str]) -> bool:
        if len(self) >= MOST:
            self.clear()
        found = self[value] = self.judged(value)
        return found

    def judged(self, value: Value) -> bool:
        folded = comparable(value)
        return folded is not None and bool(self._rows.found(folded))
