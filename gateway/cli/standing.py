"""A ticket's clocks with their sums, in words and in JSON."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.cli.render import headline
from rules.breakdown import Row, breakdown
from rules.bundle import Bundle
from rules.calendar import Calendar
from rules.observation import Observation
from rules.sla import SlaClock, Standing
from rules.ticket import Change

Styled = tuple[str, str | None]
_STYLE = {"breached": "red", "met": "green", "paused": "yellow"}
_SAID = {"clock_change": "clocks change", "to_come": "to come"}


def lines(observation: Observation, standing: Standing, bundle: Bundle, *, heard: bool) -> Iterator[Styled]:
    """What a person reads: each clock, then its sum line by line."""
    yield headline(observation.ticket), "bold"
    if standing.uncovered:
        yield "  No SLA policy applies to it: nothing is promised, and reports count it as uncovered.", "yellow"
    if not heard:
        yield (
            "  Its comments and history were not read, as no look at it needed them so far; replies and pauses may be missing here.",
            "yellow",
        )
    for clock in standing.clocks:
        yield from _clock(clock, observation, bundle)
    for doubt in standing.doubts:
        yield f"  ? {doubt.text}", "yellow"


def _clock(clock: SlaClock, observation: Observation, bundle: Bundle) -> Iterator[Styled]:
    zone = clock.ruling.open_hours.zone
    yield "", None
    kind = "" if clock.kind == "sla" else f" ({clock.kind})"
    again = f", run {clock.instance}" if clock.instance > 1 else ""
    yield f"  {clock.metric}{kind} of {clock.policy}{again}: {clock.state}{_due(clock, zone)}", _STYLE.get(clock.state)
    yield f"    {clock.ruling.target.written} in {_counted_in(clock, bundle.calendars)}", None
    for row in breakdown(clock, bundle.calendars, _causes(observation)):
        yield _row(row, zone), "dim" if row.to_come else None
    yield f"    {'':<38}{amount(clock.elapsed)} of {amount(clock.amount)} used, {_left(clock)}", None


def _causes(observation: Observation) -> tuple[Change, ...]:
    """What may have begun a pause: the ticket's own changes, and those of the tickets that it was split from."""
    return (*observation.changes, *(change for one in observation.origins for change in one.changes))


def _due(clock: SlaClock, zone: ZoneInfo) -> str:
    if clock.due_at is None:
        return ", no deadline while it is paused"
    return f", {'was ' if clock.over else ''}due {_at(clock.due_at, zone)}"


def _left(clock: SlaClock) -> str:
    return f"{amount(clock.remaining)} left" if clock.remaining >= timedelta(0) else f"{amount(-clock.remaining)} over"


def _counted_in(clock: SlaClock, calendars: Mapping[str, Calendar]) -> str:
    if clock.hours == "calendar":
        return "calendar hours: every hour counts"
    name = next((name for name, calendar in calendars.items() if calendar is clock.ruling.open_hours), "")
    return f"{name} ({clock.ruling.open_hours.zone.key})" if name and not clock.ruling.open_hours.always else name or "all hours"


def _row(row: Row, zone: ZoneInfo) -> str:
    when = _at(row.since, zone) if row.until is None else f"{_at(row.since, zone)} – {_until(row, zone)}"
    counts = amount(row.counts) if row.what == "counted" else ""
    total = f"= {amount(row.total)}" if row.what == "counted" else ""
    what = _SAID.get(row.what, row.what)
    text = "(to come)" if row.to_come and row.what == "counted" else row.text
    return f"    {when:<38} {what:<13}{counts:>12}  {total:<14}{text}".rstrip()


def _at(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}{_seconds(at)}"


def _until(row: Row, zone: ZoneInfo) -> str:
    start, end = row.since.astimezone(zone), (row.until or row.since).astimezone(zone)
    return f"{end:%H:%M}{_seconds(end)}" if start.date() == end.date() else f"{end:%a %m-%d %H:%M}{_seconds(end)}"


def _seconds(at: datetime) -> str:
    return f":{at:%S}" if at.second else ""


def amount(time: timedelta) -> str:
    """2h 30m, to the second; below that in thousandths, so that the lines still add up."""
    seconds = time.total_seconds()
    whole, rest = divmod(seconds, 1)
    hours, minutes, left = int(whole) // 3600, int(whole) % 3600 // 60, int(whole) % 60
    shown = f"{left + rest:.3f}".rstrip("0").rstrip(".") if rest else str(left)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{shown}s" if left or rest else ""]
    return " ".join(part for part in parts if part) or "0s"


# --- JSON ------------------------------------------------------------------------------------------------------------


def as_json(observation: Observation, standing: Standing, bundle: Bundle) -> Iterator[dict[str, Any]]:
    """One object for the ticket, then one for each clock; amounts are seconds."""
    yield {
        "type": "ticket",
        "ref": str(observation.ref),
        "at": observation.now.astimezone(UTC),
        "policies": list(standing.policies),
        "uncovered": standing.uncovered,
        "doubts": [{"kind": doubt.kind, "at": doubt.at, "text": doubt.text} for doubt in standing.doubts],
    }
    for clock in standing.clocks:
        yield _json_clock(clock, breakdown(clock, bundle.calendars, _causes(observation)))


_AMOUNTS = ("amount", "elapsed", "remaining", "business", "real")


def _json_clock(clock: SlaClock, rows: tuple[Row, ...]) -> dict[str, Any]:
    return {
        "type": "clock",
        "policy": clock.policy,
        "metric": clock.metric,
        "kind": clock.kind,
        "run": clock.instance,
        "state": clock.state,
        "hours": clock.hours,
        "target": clock.ruling.target.written,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "stopped_at": clock.stopped_at,
        "split_from": str(clock.inherited.origin) if clock.inherited is not None else None,
        "changes_at": clock.changes_at,
        **{name: getattr(clock, name).total_seconds() for name in _AMOUNTS},
        "breaches": [{"at": b.at, "due_at": b.due_at, "target": b.target.written} for b in clock.breaches],
        "rows": [_json_row(row) for row in rows],
    }


def _json_row(row: Row) -> dict[str, Any]:
    return {
        "what": row.what,
        "since": row.since,
        "until": row.until,
        "counts": row.counts.total_seconds(),
        "total": row.total.total_seconds(),
        "to_come": row.to_come,
        "text": row.text,
    }
