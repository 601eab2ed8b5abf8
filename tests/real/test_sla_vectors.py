"""Worked cases of working time and SLA clocks, as other projects settled them: ours must agree to the second."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rules.bundle import ALWAYS, Moment, Policy, Span
from rules.calendar import Calendar
from rules.observation import Observation
from rules.sla import METRICS, SlaClock, measure
from rules.ticket import Change, Comment, Level, Role, Status, Ticket, TicketRef

DATA = os.environ.get("TICKETGATE_REAL_DATA")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
pytestmark = pytest.mark.skipif(not DATA, reason="TICKETGATE_REAL_DATA names no folder with sla_vectors*.json")


def vectors() -> Iterator[Any]:
    for path in sorted(Path(DATA or ".").glob("sla_vectors*.json")) if DATA else ():
        for vector in json.loads(path.read_text("utf-8"))["vectors"]:
            yield pytest.param(vector, id=vector["id"])


@pytest.mark.parametrize("vector", [*vectors()])
def test_the_case_comes_out_as_it_was_settled(vector: dict[str, Any]):
    if "divergent" in vector:
        pytest.skip(f"documents a difference: {vector['divergent']}")
    given, expected = vector["input"], vector["expect"]
    if vector["op"] == "ticket":
        assert_ticket(vector, given, expected)
        return
    found = ANSWERS[vector["op"]](a_calendar(vector["calendar"]), given, vector.get("policy") or {})
    tolerance = timedelta(seconds=vector.get("tolerance_seconds", 0))
    wanted = expected.get("open", expected.get("at", expected.get("seconds")))
    if isinstance(found, datetime):
        assert abs(found - at(wanted)) <= tolerance, f"{found} instead of {wanted}"
    elif isinstance(found, timedelta):
        assert abs(found - timedelta(seconds=wanted)) <= tolerance
    else:
        assert found == wanted


# --- calendars -------------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def spans(written: list[list[str]]) -> tuple[tuple[int, int], ...]:
    return tuple((minutes(a), minutes(b)) for a, b in written)


def minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def a_calendar(written: dict[str, Any]) -> Calendar:
    return Calendar(
        timezone=written["tz"],
        weekly={DAYS.index(day): spans(hours) for day, hours in written["hours"].items()},
        holidays=frozenset(date.fromisoformat(day) for day in written.get("holidays", ())),
        recurring=frozenset((int(day[:2]), int(day[3:])) for day in written.get("recurring_holidays", ())),
        overrides={date.fromisoformat(day): spans(hours) for day, hours in written.get("overrides", {}).items()},
        closures=tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in written.get("closures", ())),
    )


def add(calendar: Calendar, given: dict[str, Any], policy: dict[str, Any]) -> datetime:
    start, amount = at(given["start"]), timedelta(seconds=given["seconds"])
    if not amount and policy.get("zero") == "same":
        return start
    end = calendar.add(start, amount)
    return calendar.next_open(end) if policy.get("boundary") == "next_open" else end


def elapsed(calendar: Calendar, given: dict[str, Any], policy: dict[str, Any]) -> timedelta:
    start, end = at(given["start"]), at(given["end"])
    return -calendar.elapsed(end, start) if end < start and policy.get("reversed") == "negative" else calendar.elapsed(start, end)


def business_days(calendar: Calendar, given: dict[str, Any], policy: dict[str, Any]) -> datetime:
    end = calendar.add_days(at(given["start"]), given["days"])
    return calendar.next_open(end) if policy.get("clamp") else end


ANSWERS: dict[str, Any] = {
    "add": add,
    "elapsed": elapsed,
    "add_business_days": business_days,
    "subtract": lambda calendar, given, _: calendar.subtract(at(given["start"]), timedelta(seconds=given["seconds"])),
    "is_open": lambda calendar, given, _: calendar.is_open(at(given["at"])),
    "next_open": lambda calendar, given, _: calendar.next_open(at(given["at"])),
    "next_close": lambda calendar, given, _: calendar.next_close(at(given["at"])),
    "prev_open": lambda calendar, given, _: calendar.prev_open(at(given["at"])),
}

# --- tickets ---------------------------------------------------------------------------------------------------------


def assert_ticket(vector: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]) -> None:
    """`since_last_contact` is a clock of one's own, which the short form of a policy does not have: those keys are left out."""
    calendar, clocks = a_calendar(vector["calendar"]), dict[str, SlaClock | None]()
    for metric, target in given["targets"].items():
        if metric in METRICS:
            clocks[metric] = a_clock(metric, target, calendar, given)
    for metric, wanted in expected.items():
        if metric in METRICS:
            assert_clock(clocks[metric], wanted, given["targets"][metric], calendar, timedelta(seconds=vector.get("tolerance_seconds", 0)))
    if "next_deadline_at" in expected and set(given["targets"]) <= set(METRICS):
        running = [c.due_at for c in clocks.values() if c and c.run.running and c.due_at]
        closed = "closed_at" in given.get("marks", {})
        earliest = expected["next_deadline_at"]
        assert (None if closed else min(running, default=None)) == (at(earliest) if earliest else None)


def a_clock(metric: str, target: dict[str, Any], calendar: Calendar, given: dict[str, Any]) -> SlaClock | None:
    if target.get("end_of_day"):
        pytest.skip("a target at the end of the day belongs to the complete form of a policy")
    span = Span(days=target["business_days"]) if "business_days" in target else Span(time=timedelta(seconds=target["seconds"]))
    pauses = frozenset({"pending"}) if metric in given.get("pause_applies_to", METRICS) else frozenset()
    policy = Policy(name="p", applies_to=ALWAYS, calendar="c", pause_in=pauses, targets={"normal": {metric: span}})
    return measure(policy, metric, an_observation(metric, given), {"c": calendar})


def an_observation(metric: str, given: dict[str, Any]) -> Observation:
    created, rows, marks = at(given["created_at"]), statuses(given), given.get("marks", {})
    if "closed_at" in marks and not any(status == Status.RESOLVED for _, status in rows):
        rows.append((at(marks["closed_at"]), Status.RESOLVED))
    changes = tuple(Change(field="status", before=before, after=after, at=since) for (_, before), (since, after) in pairwise(rows))
    comments = tuple(said(metric, marks))
    now = max([created, *(c.at for c in changes), *(c.at for c in comments), *(at(mark) for mark in marks.values())])
    ticket = Ticket(
        ref=TicketRef("desk", "1"),
        subject="s",
        status=rows[-1][1],
        created_at=created,
        updated_at=now,
        version="1",
        priority=Level.NORMAL,
    )
    return Observation(ticket=ticket, now=now, changes=changes, comments=comments)


def statuses(given: dict[str, Any]) -> list[tuple[datetime, Status]]:
    history = given.get("status_history") or [{"at": given["created_at"], "status": "open"}]
    pauses, closed = given.get("pause_statuses", ()), given.get("closed_statuses", ("closed",))
    meant = {**dict.fromkeys(pauses, Status.PENDING), **dict.fromkeys(closed, Status.RESOLVED)}
    return [(at(row["at"]), meant.get(row["status"], Status.OPEN)) for row in history]


def said(metric: str, marks: dict[str, str]) -> Iterator[Comment]:
    """A mark of another metric is no comment here: the sources keep them apart."""
    wanted = {
        "first_response": (("first_response_at", Role.AGENT),),
        "next_response": (("last_customer_at", Role.CUSTOMER), ("last_agent_at", Role.AGENT)),
        "periodic_update": (("last_agent_at", Role.AGENT),),
    }
    found = [(at(marks[name]), role) for name, role in wanted.get(metric, ()) if name in marks]
    for n, (moment, role) in enumerate(sorted(found)):
        yield Comment(id=str(n), at=moment, text="…", public=True, role=role)


def assert_clock(clock: SlaClock | None, wanted: dict[str, Any], target: dict[str, Any], calendar: Calendar, tolerance: timedelta) -> None:
    if clock is None:
        assert wanted.get("due_at") is None
        return
    if wanted.get("due_at"):
        assert clock.due_at is not None
        assert abs(clock.due_at - at(wanted["due_at"])) <= tolerance
    if "elapsed_minutes" in wanted:
        assert clock.elapsed // timedelta(minutes=1) == wanted["elapsed_minutes"]
    if "margin_minutes" in wanted:
        assert clock.amount // timedelta(minutes=1) - clock.elapsed // timedelta(minutes=1) == wanted["margin_minutes"]
    if "paused_seconds" in wanted:
        assert sum((calendar.elapsed(a, b) for a, b in clock.paused if b), timedelta(0)) == timedelta(seconds=wanted["paused_seconds"])
    if "breached" in wanted:
        assert (clock.state == "breached") is wanted["breached"]
    for offset, escalation in zip(target.get("escalation_offsets", ()), wanted.get("escalations", ()), strict=True):
        assert escalated(clock, offset, calendar) == at(escalation)


def escalated(clock: SlaClock, offset: dict[str, int], calendar: Calendar) -> datetime | None:
    if "business_days" in offset:
        return calendar.add_days(clock.due_at, offset["business_days"]) if clock.due_at else None
    return clock.falls(Moment(offset=timedelta(seconds=offset["seconds"])))
