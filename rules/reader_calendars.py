"""Calendars: zone, hours, holidays, exceptions and closures become a `Calendar`."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from typing import Any, TypeAlias
from zoneinfo import ZoneInfoNotFoundError

from rules.calendar import Calendar, Hours, NeverOpen
from rules.condition_tree import Place
from rules.frozen import FILE, Frozen, Strange, by_year
from rules.nodes import Map, Node, Scalar, Seq
from rules.opening import Week
from rules.problems import Problem
from rules.reader_context import Definition, Reading
from rules.reader_values import day_of, hours, stamp_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS = range(2015, 2041)
"""For which years holidays are worked out where the calendar does not say."""

_WEEK = ("open", "holidays", "overrides", "closures", "holiday_cuts_overnight", "leap_fallback")
_KEYS = ("timezone", *_WEEK, "versions", "always")
_HOLIDAYS = ("country", "region", "years", "extra", "except")
_LEAP = ("none", "feb28", "mar01")


def read_calendar(r: Reading, definition: Definition) -> None:
    what = f"calendar '{definition.name}'"
    node = r.map(definition.value, what, _KEYS)
    if r.slug(definition.key, "the name of a calendar") is None or node is None:
        return
    always = r.boolean(a, "'always'") if (a := node.get("always")) else False
    if always:
        _only_always(r, node)
        r.calendars[definition.name] = Calendar(always=True)
        return
    zone = r.need(node, "timezone", what)
    before = len(r.problems)
    versions = _versions(r, node, what)
    if zone is not None and versions:
        _built(r, definition, zone, versions, sound=len(r.problems) == before)


def _only_always(r: Reading, node: Map) -> None:
    for name, entry in node.entries.items():
        if name not in ("always", "timezone"):
            r.wrong(entry.key, "TG207", f"a calendar that is always open has no '{name}'", help=f"remove 'always' or '{name}'")


Versions: TypeAlias = list[tuple[date, Week, Node]]
"""From when, what, and where its hours are written."""


def _versions(r: Reading, node: Map, what: str) -> Versions:
    """The versions of a calendar by date; hours without any are the one that always holds."""
    if "versions" not in node:
        week = _week(r, node, what)
        return [(date.min, *week)] if week else []
    for name in _WEEK:
        if name in node:
            r.wrong(node.entries[name].key, "TG207", f"'{name}' stands beside 'versions'", help="move it into the version it belongs to")
    found: Versions = []
    for item in r.seq(node.entries["versions"].value, "'versions'"):
        _version(r, item, found)
    return found


def _version(r: Reading, item: Node, found: Versions) -> None:
    version = r.map(item, "a version", ("valid_from", *_WEEK))
    since = r.need(version, "valid_from", "a version", help="add valid_from: 2024-01-01") if version is not None else None
    day = _date(r, since) if since is not None else None
    week = _week(r, version, "a version") if version is not None else None
    if since is None or day is None or week is None:
        return
    if found and day <= found[-1][0]:
        r.wrong(
            since, "TG205", f"the version of {day} stands below that of {found[-1][0]}", help="write the versions by date, the oldest first"
        )
        return
    found.append((day, *week))


def _week(r: Reading, node: Map, what: str) -> tuple[Week, Node] | None:
    opening = r.need(node, "open", what, help='add open: { mon-fri: "09:00-17:00" } or always: true')
    if opening is None:
        return None
    dates, recurring = _holidays(r, h) if (h := node.get("holidays")) else (frozenset[date](), frozenset[tuple[int, int]]())
    cuts = r.boolean(c, "'holiday_cuts_overnight'") if (c := node.get("holiday_cuts_overnight")) else True
    leap: Any = r.choice(f, "'leap_fallback'", _LEAP) if (f := node.get("leap_fallback")) else None
    week = Week(
        weekly=_weekly(r, opening),
        holidays=dates,
        recurring=recurring,
        overrides=_overrides(r, o) if (o := node.get("overrides")) else {},
        closures=tuple(_closures(r, c)) if (c := node.get("closures")) else (),
        holiday_cuts_overnight=cuts is not False,
        leap_fallback=leap or "none",
    )
    return week, opening


def _built(r: Reading, definition: Definition, zone: Node, versions: Versions, *, sound: bool) -> None:
    name = r.text(zone, "'timezone'", help="write a zone like Europe/Berlin")
    if name is None:
        return
    try:
        made = Calendar.of(name, tuple((since, week) for since, week, _ in versions))
        for since, week, opening in versions:
            if sound:
                _opens(r, Calendar.of(name, ((since, week),)), since, opening)
        r.calendars[definition.name] = made
    except NeverOpen as closed:
        if sound:
            r.wrong(versions[0][2], "TG205", str(closed), help='write open: { mon-fri: "09:00-17:00" }')
    except (ZoneInfoNotFoundError, ValueError, OSError):
        r.wrong(zone, "TG205", f"there is no time zone called '{name}'", help="write a zone like Europe/Berlin or UTC")


def _opens(r: Reading, alone: Calendar, since: date, opening: Node) -> None:
    """Whether it is really open at some time: holidays and closures may have closed all that its hours say."""
    if not alone.opens_from(max(since, date(2000, 1, 1)).replace(month=1, day=1)):
        help = "its holidays and closures take away all that 'open' gives; write the hours that remain"
        r.wrong(opening, "TG205", "this calendar is never open", help=help)


def _weekly(r: Reading, node: Node) -> dict[int, tuple[Hours, ...]]:
    weekly: dict[int, tuple[Hours, ...]] = {}
    spans = r.map(node, "'open'")
    for entry in spans.entries.values() if spans else ():
        opened = _spans(r, entry.value, entry.key.text)
        for day in days_of(r, entry.key):
            if day in weekly:
                r.wrong(entry.key, "TG301", f"{DAYS[day]} has hours twice", help="name each day once; several spans go into one list")
            weekly[day] = opened
    return weekly


def days_of(r: Reading, key: Scalar) -> list[int]:
    first, dash, last = (part.strip() for part in key.text.casefold().partition("-"))
    if first not in DAYS or (dash and last not in DAYS):
        r.wrong(key, "TG205", f"'{key.text}' names no days", help="write mon, or mon-fri; the days are mon tue wed thu fri sat sun")
        return []
    start = DAYS.index(first)
    length = (DAYS.index(last) - start) % 7 + 1 if dash else 1
    return [(start + n) % 7 for n in range(length)]


def _spans(r: Reading, node: Node, what: str) -> tuple[Hours, ...]:
    if isinstance(node, Seq) and not node.items:
        return ()
    made = tuple(found for item in r.scalars(node, f"'{what}'") if (found := hours(r, item)) is not None)
    ordered = sorted((start, end if end > start else end + 1440) for start, end in made)
    if any(after[0] < before[1] for before, after in pairwise(ordered)):
        r.wrong(node, "TG205", f"the hours of '{what}' overlap", help="let one span end before the next begins")
    return made


def _overrides(r: Reading, node: Node) -> dict[date, tuple[Hours, ...]]:
    found: dict[date, tuple[Hours, ...]] = {}
    days = r.map(node, "'overrides'")
    for entry in days.entries.values() if days else ():
        day = _date(r, entry.key)
        opened = _spans(r, entry.value, entry.key.text)
        if day is not None:
            found[day] = opened
    return found


def _date(r: Reading, node: Node) -> date | None:
    text = r.text(node, "a date")
    day = day_of(text) if text is not None else None
    if text is not None and day is None:
        r.wrong(node, "TG205", f"'{text}' is not a date", help="write 2026-12-24")
    return day


def _closures(r: Reading, node: Node) -> Iterator[tuple[datetime, datetime]]:
    for item in r.seq(node, "'closures'"):
        closure = r.map(item, "a closure", ("from", "to"))
        start, end = (r.need(closure, "from", "a closure"), r.need(closure, "to", "a closure")) if closure else (None, None)
        a, b = (_local(r, start), _local(r, end)) if start and end else (None, None)
        if a and b and end and a >= b:
            r.wrong(end, "TG205", "this closure ends before it begins", help="write the earlier moment under 'from'")
        elif a and b:
            yield a, b


def _local(r: Reading, node: Node) -> datetime | None:
    text = r.text(node, "a closure")
    stamp = stamp_of(text) if text is not None else None
    if text is not None and (stamp is None or stamp.tzinfo is not None):
        r.wrong(node, "TG205", f"'{text}' is not a local moment", help="write 2026-06-03T13:00, without a zone: the calendar has one")
        return None
    return stamp


# --- holidays --------------------------------------------------------------------------------------------------------


def _holidays(r: Reading, node: Node) -> tuple[frozenset[date], frozenset[tuple[int, int]]]:
    """The dates that are holidays, and the days of every year as (month, day)."""
    wanted = r.map(node, "'holidays'", _HOLIDAYS)
    if wanted is None:
        return frozenset(), frozenset()
    if "region" in wanted and "country" not in wanted:
        r.need(wanted, "country", "'region'")
    dates = set(_of_country(r, wanted))
    recurring: set[tuple[int, int]] = set()
    for item in r.scalars(e, "'extra'") if (e := wanted.get("extra")) else ():
        _extra(r, item, dates, recurring)
    for item in r.scalars(e, "'except'") if (e := wanted.get("except")) else ():
        day = _date(r, item)
        if day is not None:
            dates.discard(day)
    return frozenset(dates), frozenset(recurring)


def _extra(r: Reading, item: Scalar, dates: set[date], recurring: set[tuple[int, int]]) -> None:
    every_year = day_of(f"2024-{item.text}")
    if every_year is not None:
        recurring.add((every_year.month, every_year.day))
        return
    day = day_of(item.text)
    if day is None:
        r.wrong(item, "TG205", f"'{item.text}' is not a date", help='write 2026-12-24, or "12-24" for every year')
    else:
        dates.add(day)


def _of_country(r: Reading, node: Map) -> frozenset[date]:
    country = node.get("country")
    code = r.text(country, "'country'", help="write a code like DE") if country is not None else None
    region = r.text(g, "'region'") if (g := node.get("region")) else None
    years = _years(r, y) if (y := node.get("years")) else YEARS
    if code is None or country is None:
        return frozenset()
    known = _frozen(r).get((code, region or ""), {})
    dates = frozenset[date]().union(*(known.get(year, ()) for year in years))
    if all(year in known for year in years):
        return dates
    try:
        return dates | {day for day in r.holidays(code, region, years) if day.year not in known}
    except (LookupError, ValueError, NotImplementedError):
        place = node.entries["region"].value if region else country
        called = f"{code}, {region}" if region else code
        r.wrong(place, "TG302", f"no holidays are known for '{called}'", help="write an ISO code like DE, and a region of it like BY")
        return frozenset()


def _frozen(r: Reading) -> Frozen:
    """The desk's own file of dates; what stands in it comes before what the package says. A line that is none is said once."""
    text = r.files.get(FILE)
    if text is None or FILE in r.strange:
        return {}
    r.used_files.add(FILE)
    try:
        return by_year(text)
    except Strange as error:
        r.strange.add(FILE)
        r.problems.append(Problem(code="TG205", message=str(error), place=Place(FILE, error.line, 1), help=error.help))
        return {}


def _years(r: Reading, node: Node) -> range:
    text = r.text(node, "'years'") or ""
    first, dash, last = (part.strip() for part in text.partition("-"))
    years = [int(part) for part in ((first, last) if dash else (first,)) if part.isascii() and part.isdigit() and len(part) == 4]
    if len(years) != (2 if dash else 1) or years[-1] < years[0] or years[-1] - years[0] > 100:
        r.wrong(node, "TG205", f"'{text}' names no years", help="write 2024-2027")
        return range(0)
    return range(years[0], years[-1] + 1)
