"""Public holidays as they were frozen: dates in a file of the desk, so that a newer `holidays` package moves no deadline of the past."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

FILE = "rules/holidays.csv"
HEADER = "country,region,date,name"
_FIRST_LINE = "its first line is 'country,region,date,name'; `ticketgate holidays --freeze` writes it"


class Day(NamedTuple):
    """One row: a holiday of a country, or of a region of it (else empty), with its name for people."""

    country: str
    region: str
    on: date
    name: str = ""


class Strange(ValueError):
    """A line that is no row. `line` counts from 1."""

    def __init__(self, line: int, what: str, help: str) -> None:
        super().__init__(what)
        self.line, self.help = line, help


def days(text: str) -> Iterator[Day]:
    """The rows of the file. Raises `Strange` for the first line that is none."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise Strange(1, "this is no file of frozen holidays", _FIRST_LINE)
    for n, line in enumerate(lines[1:], 2):
        if line.strip():
            yield _day(n, line)


def _day(n: int, line: str) -> Day:
    country, region, on, name = [*(part.strip() for part in line.split(",", 3)), "", "", ""][:4]
    try:
        return Day(country, region, date.fromisoformat(on), name)
    except ValueError:
        raise Strange(n, f"'{on}' is not a date", "write a row as DE,BY,2026-01-06,Epiphany") from None


Frozen = Mapping[tuple[str, str], Mapping[int, frozenset[date]]]
"""By country and region the dates of each year that has any: those years are frozen."""


def by_year(text: str | None) -> Frozen:
    found: dict[tuple[str, str], dict[int, set[date]]] = {}
    for day in days(text) if text is not None else ():
        found.setdefault((day.country, day.region), {}).setdefault(day.on.year, set()).add(day.on)
    return {place: {year: frozenset(some) for year, some in years.items()} for place, years in found.items()}
