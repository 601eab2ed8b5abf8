"""Tables as `assign` asks them: the row that says most about the ticket's fields."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from rules.bundle import LookupTable, TableRow
from rules.text import fold
from rules.ticket import Value

Key = tuple[str | None, ...]  # folded cells; None is a star


class Lookup:
    """A table made ready: rows found by their cells, the fewest stars first, then the first in the file."""

    def __init__(self, table: LookupTable) -> None:
        self.table = table
        self._rows: dict[tuple[int, ...], dict[Key, tuple[int, TableRow]]] = {}
        for order, row in enumerate(table.rows):
            cells = tuple(fold(row.cells.get(key, "")) for key in table.keys)
            named = tuple(n for n, cell in enumerate(cells) if cell != "*")
            rows = self._rows.setdefault(named, {})
            rows.setdefault(tuple(cells[n] for n in named), (order, row))

    def find(self, values: Sequence[Value]) -> TableRow | None:
        """The row for these values, in the order of the table's keys. An empty field matches a blank cell or a star."""
        choices = [_cells(value) for value in values]
        best: tuple[int, int, TableRow] | None = None
        for named, rows in self._rows.items():
            for cells in product(*(choices[n] for n in named)):
                found = rows.get(tuple(cells))
                if found and (best is None or (-len(named), found[0]) < best[:2]):
                    best = (-len(named), *found)
        return best[2] if best else None


def lookups(tables: Mapping[str, LookupTable]) -> dict[str, Lookup]:
    return {name: Lookup(table) for name, table in tables.items()}


def _cells(value: Value) -> list[str]:
    return list(_words(value)) or [""]


def _words(value: Value) -> Iterator[str]:
    if isinstance(value, frozenset):
        yield from (fold(member) for member in sorted(value))
    elif isinstance(value, bool):
        yield str(value).lower()
    elif value is not None:
        yield fold(str(value))
