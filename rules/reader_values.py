"""Amounts of time, dates and times of day, as an administrator writes them."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.bundle import Moment, Rate, Span
from rules.calendar import Hours
from rules.nodes import Node, Scalar
from rules.reader_context import Reading

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])")
_BUSINESS = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s+business\s+(minute|hour|day)s?")
_MOMENT = re.compile(r"breach(?:\s*([+-])\s*(.+))?")
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s?(Z|[+-]\d{2}:?\d{2})?)?")
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
LONGEST = timedelta(days=36_525)
DURATION_HELP = "write an amount like 90m, 1h30m or 3d; units are s, m, h, d and w"


def duration_of(text: str) -> timedelta | None:
    """`1h30m` as an amount of time, a day of 24 hours; None for what is no duration or longer than 100 years."""
    position, seconds, seen = 0, 0.0, set()
    text = text.strip()
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or part[2] in seen:
            return None
        seen.add(part[2])
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    return timedelta(seconds=seconds) if seen and seconds <= LONGEST.total_seconds() else None


def duration(r: Reading, node: Node, what: str, *, positive: bool = True) -> timedelta | None:
    """A duration; TG209 else."""
    text = r.text(node, what, help=DURATION_HELP)
    if text is None:
        return None
    amount = duration_of(text)
    if amount is None or (positive and not amount):
        r.wrong(node, "TG209", f"'{text}' is not an amount of time", help=DURATION_HELP)
        return None
    return amount


def span(r: Reading, node: Node, what: str, *, target: bool = False) -> Span | None:
    """A duration, or a number of business minutes, hours or days; in a target `d` counts the calendar's days and `w` is refused."""
    text = r.text(node, what, help=DURATION_HELP)
    if text is None:
        return None
    made = span_of(text.strip(), target=target)
    if made is None:
        why = "; weeks and 0 cannot be targets" if target else ""
        r.wrong(node, "TG209", f"'{text}' is not an amount of time here{why}", help="write 90m, 1h30m, 3d, or 4 business hours")
    return made


def span_of(text: str, *, target: bool = False) -> Span | None:
    business = _BUSINESS.fullmatch(text)
    if business:
        number, unit = float(business[1]), business[2]
        if unit == "day":
            return Span(days=int(number), business=True, written=text) if number.is_integer() and number else None
        return Span(time=timedelta(**{f"{unit}s": number}), business=True, written=text) if number else None
    amount = duration_of(text)
    if not amount:
        return None
    return _target(text, amount) if target else Span(time=amount, written=text)


def _target(text: str, amount: timedelta) -> Span | None:
    parts = {unit: float(number) for number, unit in _PART.findall(text)}
    days = parts.get("d", 0.0)
    if "w" in parts or not days.is_integer():
        return None
    return Span(time=amount - timedelta(days=days), days=int(days), written=text)


def moment(r: Reading, node: Node) -> Moment | None:
    """`75%`, `breach`, `breach + 30m`; TG209 else."""
    text = r.text(node, "'at'")
    if text is None:
        return None
    made = moment_of(" ".join(text.split()))
    if made is None:
        r.wrong(node, "TG209", f"'{text}' is not a moment of an SLA clock", help="write 75%, breach, breach + 30m or breach - 15m")
    return made


def moment_of(text: str) -> Moment | None:
    percent = re.fullmatch(r"(\d{1,4})\s?%", text)
    if percent:
        return Moment(percent=int(percent[1]), written=f"{percent[1]}%") if 0 < int(percent[1]) <= 1000 else None
    breach = _MOMENT.fullmatch(text)
    if breach is None:
        return None
    if breach[1] is None:
        return Moment(written="breach")
    offset = duration_of(breach[2])
    if not offset:
        return None
    return Moment(offset=offset if breach[1] == "+" else -offset, written=f"breach {breach[1]} {breach[2].strip()}")


def rate(r: Reading, node: Node, what: str) -> Rate | None:
    """`3`, or `1 per 12h`; TG209 else."""
    text = r.text(node, what)
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,9})(?:\s+per\s+(.+))?\s*", text)
    per = duration_of(found[2]) if found and found[2] else None
    if found is None or int(found[1]) < 1 or (found[2] and not per):
        r.wrong(node, "TG209", f"'{text}' is not a limit", help="write a number, or a number in a time: 1 per 12h")
        return None
    return Rate(int(found[1]), per, " ".join(text.split()))


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def stamp_of(text: str) -> datetime | None:
    """A date or a moment as written, without zone where none is written; None for what is neither."""
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}{found[3] or ''}")
    except ValueError:
        return None


def timestamp(r: Reading, node: Node, what: str) -> datetime | None:
    """A moment in UTC; one without zone is in the default calendar's. TG205 else."""
    text = r.text(node, what)
    if text is None:
        return None
    stamp = stamp_of(text)
    if stamp is None:
        r.wrong(node, "TG205", f"'{text}' is not a moment in time", help="write 2026-03-02 or 2026-03-02T10:00:00+01:00")
        return None
    try:
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=_zone(r))).astimezone(UTC)
    except OverflowError:
        r.wrong(node, "TG205", f"'{text}' is too far away")
        return None


def _zone(r: Reading) -> ZoneInfo:
    calendar = r.calendars.get(r.desk.default_calendar or "")
    return ZoneInfo(calendar.timezone if calendar and not calendar.always else "UTC")


def minutes_of(r: Reading, node: Node, what: str) -> int | None:
    """A time of day as minutes after midnight; TG205 else."""
    text = r.text(node, what)
    if text is None:
        return None
    found = _TIME.fullmatch(text.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found else 1441
    if minutes > 1440:
        r.wrong(node, "TG205", f"'{text}' is not a time of day", help='write "16:00"')
        return None
    return minutes


def hours(r: Reading, node: Scalar) -> Hours | None:
    """`08:00-18:00` as minutes after midnight; TG205 else."""
    found = _HOURS.fullmatch(node.text.strip())
    start, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (1441, 1441)
    if start >= 1440 or end > 1440:
        r.wrong(node, "TG205", f"'{node.text}' is not a span of hours", help='write "08:00-18:00"; the end of the day is 24:00')
        return None
    return start, end
