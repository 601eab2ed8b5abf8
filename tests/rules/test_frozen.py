"""Frozen holidays: what stands in the desk's file comes before whatever a package says, year by year."""

from datetime import date

import pytest

from rules.frozen import FILE
from rules.reader import check
from tests.rules.desks import a_desk

CALENDAR = """version: 1
calendars:
  office: { timezone: Europe/Berlin, open: { mon-sun: "09:00-17:00" }, holidays: { country: DE, region: BY, years: 2025-2026 } }
"""
FROZEN = "country,region,date,name\nDE,BY,2025-01-06,Epiphany\nDE,BY,2025-12-26,\nDE,,2026-05-01,Labor Day\n"


def package(country: str, region: str | None, years: range) -> frozenset[date]:
    """A release that has forgotten Epiphany and thinks of a day of its own, in every year."""
    return frozenset(date(year, 8, 8) for year in years)


def read(frozen: str | None):
    files = {"rules/10-office.yaml": CALENDAR, **({FILE: frozen} if frozen is not None else {})}
    return check(files, a_desk(), package)


def closed(frozen: str | None) -> frozenset[date]:
    bundle, found = read(frozen)
    assert bundle is not None, found
    return bundle.calendars["office"].holidays


def test_a_year_in_the_file_is_as_it_was_frozen_whatever_the_package_says_now():
    assert closed(None) == {date(2025, 8, 8), date(2026, 8, 8)}
    assert closed(FROZEN) == {date(2025, 1, 6), date(2025, 12, 26), date(2026, 8, 8)}


def test_no_package_is_asked_where_all_years_are_frozen():
    def absent(country: str, region: str | None, years: range) -> frozenset[date]:
        raise AssertionError("asked")

    both = FROZEN + "DE,BY,2026-01-01,New Year\n"
    bundle, _ = check({"rules/10-office.yaml": CALENDAR, FILE: both}, a_desk(), absent)
    assert bundle is not None
    assert len(bundle.calendars["office"].holidays) == 3


def test_other_dates_are_other_rules():
    one, other = read(FROZEN)[0], read(FROZEN.replace("01-06", "01-07"))[0]
    assert one is not None
    assert other is not None
    assert one.hash != other.hash


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("DE,BY,2025-01-06\n", 1, "no file of frozen holidays"),
        ("country,region,date,name\n\nDE,BY,6 January\n", 3, "'6 January' is not a date"),
    ],
)
def test_a_line_that_is_none_is_named_once(text: str, line: int, said: str):
    bundle, found = read(text)
    assert bundle is None
    (problem,) = [p for p in found if p.level == "error"]
    assert (problem.code, problem.place.file, problem.place.line) == ("TG205", FILE, line)
    assert said in problem.message
