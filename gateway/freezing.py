"""Which holidays a desk asks for, which of them are frozen in its file, and what the installed `holidays` package says today."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.desk import from_texts, holidays
from rules.frozen import FILE, HEADER, Day, days


@dataclass(frozen=True, slots=True)
class Place:
    """The holidays of one country or region: for the `asked` years those frozen and those of the package, with their names."""

    country: str
    region: str
    asked: frozenset[int]
    frozen: Mapping[date, str]
    today: Mapping[date, str]

    @property
    def missing(self) -> list[int]:
        """Years that are asked for and not frozen."""
        return sorted(self.asked - {day.year for day in self.frozen})

    @property
    def differing(self) -> list[tuple[date, str, bool]]:
        """Dates of frozen years on which file and package differ, with a name, and whether the file has them."""
        years = {day.year for day in self.frozen} & self.asked
        news = {day: name for day, name in self.today.items() if day.year in years}
        other = self.frozen.keys() ^ news.keys()
        return [(day, self.frozen.get(day) or news.get(day, ""), day in self.frozen) for day in sorted(other) if day.year in years]

    def renewed(self, years: Iterable[int]) -> Iterator[Day]:
        """All rows: those of the file, but the package's for these years."""
        anew = set(years)
        kept = {day: name for day, name in self.frozen.items() if day.year not in anew}
        for day, name in sorted({**kept, **{d: n for d, n in self.today.items() if d.year in anew}}.items()):
            yield Day(self.country, self.region, day, name)


def places(folder: Path, sources: Mapping[str, str]) -> list[Place]:
    """Every country and region that a calendar of the desk names, by name. Raises `rules.frozen.Strange` for a file that is none."""
    asked: dict[tuple[str, str], set[int]] = {}

    def ask(country: str, region: str | None, years: Iterable[int]) -> frozenset[date]:
        wanted = list(years)
        found = holidays(country, region, wanted)
        asked.setdefault((country, region or ""), set()).update(wanted)
        return found

    from_texts(folder, {name: text for name, text in sources.items() if name != FILE}, holidays=ask)
    rows = list(days(sources[FILE])) if FILE in sources else []
    known = {place: {row.on: row.name for row in rows if row[:2] == place} for place in {row[:2] for row in rows}}
    return [
        Place(*place, frozenset(asked.get(place, ())), known.get(place, {}), _named(place, asked)) for place in sorted({*asked, *known})
    ]


def _named(place: tuple[str, str], asked: Mapping[tuple[str, str], set[int]]) -> dict[date, str]:
    from holidays import country_holidays

    if place not in asked:
        return {}
    return dict(country_holidays(place[0], subdiv=place[1] or None, years=sorted(asked[place])))


def text_of(rows: Iterable[Day]) -> str:
    """The file. A name keeps its commas: it is the last column."""
    return "\n".join([HEADER, *(f"{row.country},{row.region},{row.on},{' '.join(row.name.split())}" for row in rows)]) + "\n"
