"""Worked cases of working time and SLA clocks in one JSON shape (`ticketgate-sla-vectors/1`), asked of our engine.

Whatever a file says that is not known here is refused: a case that is half understood proves nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from rules.bundle import ALWAYS, Bundle, Desk, On, Span
from rules.calendar import Calendar
from rules.metrics import BUILT_IN, is_one_of
from rules.observation import Kind, Observation
from rules.policy import ClockSpec, Mark, Policy, Switches, Target
from rules.promises import Promises
from rules.sla import SlaClock, measure
from rules.ticket import Change, Comment, Level, Role, Status, Ticket, TicketRef, replace

FORMAT = "ticketgate-sla-vectors/1"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)
_VECTOR = {"id", "source", "tags", "op", "calendar", "input", "expect", "policy", "tolerance_seconds", "note", "divergent"}
_CALENDAR = {"tz", "hours", "holidays", "recurring_holidays", "overrides", "closures"}
_POLICY = {"boundary": ("close", "next_open"), "zero": ("next_open", "same"), "reversed": ("zero", "negative"), "clamp": (False, True)}
_TICKET = {"created_at", "status_history", "pause_statuses", "closed_statuses", "pause_applies_to", "marks", "targets"}
_MARKS = {"first_response_at", "last_customer_at", "last_agent_at", "closed_at"}
_TARGET = {"seconds", "business_days", "end_of_day", "escalation_offsets"}
_CLOCK = {"due_at", "elapsed_minutes", "margin_minutes", "paused_seconds", "breached", "escalations"}


class UnknownShape(AssertionError):
    """A vector says something that this reader does not know."""


def only(given: Mapping[str, Any], known: Any, where: str) -> None:
    strange = sorted(set(given) - set(known))
    if strange:
        raise UnknownShape(f"{where}: unknown keys {', '.join(strange)}")


def only_labels(given: Mapping[str, Any]) -> None:
    """Beside what is known a vector may say more of itself in words: they describe it and change no answer."""
    only({name: said for name, said in given.items() if not _is_words(said)}, _VECTOR, "vector")


def _is_words(said: Any) -> bool:
    return isinstance(said, str) or (isinstance(said, list) and all(isinstance(one, str) for one in said))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def maybe_at(text: str | None) -> datetime | None:
    return at(text) if text is not None else None


def a_calendar(written: dict[str, Any]) -> Calendar:
    only(written, _CALENDAR, "calendar")
    only(written["hours"], DAYS, "calendar.hours")
    return Calendar(
        timezone=written["tz"],
        weekly={DAYS.index(day): _spans(hours) for day, hours in written["hours"].items()},
        holidays=frozenset(date.fromisoformat(day) for day in written.get("holidays") or ()),
        recurring=frozenset((int(day[:2]), int(day[3:])) for day in written.get("recurring_holidays") or ()),
        overrides={date.fromisoformat(day): _spans(hours) for day, hours in (written.get("overrides") or {}).items()},
        closures=tuple((_local(a), _local(b)) for a, b in written.get("closures") or ()),
    )


def _spans(written: list[list[str]]) -> tuple[tuple[int, int], ...]:
    return tuple((_minutes(a), _minutes(b)) for a, b in written)


def _local(text: str) -> datetime:
    """A wall time; 24:00 is the end of its date."""
    day, _, time = text.partition("T")
    return datetime.fromisoformat(day) + timedelta(minutes=_minutes(time[:5]), seconds=int(time[6:8] or 0))


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


# --- one question of a calendar --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    calendar: Calendar
    given: dict[str, Any]
    policy: dict[str, Any]
    tolerance: timedelta


def a_case(vector: dict[str, Any]) -> Case:
    only_labels(vector)
    policy = vector.get("policy") or {}
    only(policy, _POLICY, "policy")
    for name, value in policy.items():
        if value not in _POLICY[name]:
            raise UnknownShape(f"policy.{name}: {value!r}")
    tolerance = timedelta(seconds=vector.get("tolerance_seconds", 0))
    return Case(a_calendar(vector["calendar"]), vector["input"], policy, tolerance)


def assert_vector(vector: dict[str, Any]) -> None:
    case = a_case(vector)
    if vector["op"] == "ticket":
        _Judged(case).agrees_with(vector["expect"])
        return
    if vector["op"] not in _ANSWERS:
        raise UnknownShape(f"op: {vector['op']}")
    inputs, wanted, answer = _ANSWERS[vector["op"]]
    only(case.given, inputs, "input")
    only(vector["expect"], (wanted,), "expect")
    _agree(answer(case), vector["expect"][wanted], case.tolerance)


def _agree(found: Any, wanted: Any, tolerance: timedelta) -> None:
    if isinstance(found, datetime) and wanted is not None:
        assert abs(found - at(wanted)) <= tolerance, f"{found} instead of {wanted}"
    elif isinstance(found, timedelta):
        assert abs(found - timedelta(seconds=wanted)) <= tolerance, f"{found} instead of {wanted} s"
    else:
        assert found == wanted


def _add(case: Case) -> datetime:
    start, amount = at(case.given["start"]), timedelta(seconds=case.given["seconds"])
    if not amount and case.policy.get("zero") == "same":
        return start
    end = case.calendar.add(start, amount)
    return case.calendar.next_open(end) if case.policy.get("boundary") == "next_open" and amount > timedelta(0) else end


def _subtract(case: Case) -> datetime:
    start, amount = at(case.given["start"]), timedelta(seconds=case.given["seconds"])
    return start if not amount and case.policy.get("zero") == "same" else case.calendar.subtract(start, amount)


def _elapsed(case: Case) -> timedelta:
    start, end = at(case.given["start"]), at(case.given["end"])
    backwards = end < start and case.policy.get("reversed") == "negative"
    return -case.calendar.elapsed(end, start) if backwards else case.calendar.elapsed(start, end)


def _business_days(case: Case) -> datetime:
    days = case.given["days"]
    end = case.calendar.add_days(at(case.given["start"]), days)
    if not case.policy.get("clamp"):
        return end
    return case.calendar.prev_open(end) if days < 0 else case.calendar.next_open(end)


_ANSWERS: dict[str, tuple[set[str], str, Callable[[Case], Any]]] = {
    "add": ({"start", "seconds"}, "at", _add),
    "subtract": ({"start", "seconds"}, "at", _subtract),
    "elapsed": ({"start", "end"}, "seconds", _elapsed),
    "add_business_days": ({"start", "days"}, "at", _business_days),
    "is_open": ({"at"}, "open", lambda case: case.calendar.is_open(at(case.given["at"]))),
    "next_open": ({"at"}, "at", lambda case: case.calendar.next_open(at(case.given["at"]))),
    "prev_open": ({"at"}, "at", lambda case: case.calendar.prev_open(at(case.given["at"]))),
    "next_close": ({"at"}, "at", lambda case: case.calendar.next_close(at(case.given["at"]))),
}

# --- a ticket's clocks -----------------------------------------------------------------------------------------------

_ANY_WORD = (On(Kind.CUSTOMER_REPLIED), On(Kind.AGENT_REPLIED))
SPECS: dict[str, ClockSpec] = {
    **{name: BUILT_IN[name] for name in ("first_response", "next_response", "periodic_update", "resolution")},
    "since_last_contact": ClockSpec(
        name="since_last_contact",
        start=(Mark((On(Kind.CREATED), *_ANY_WORD)),),
        stop=(Mark(_ANY_WORD),),
        repeat="independent",
    ),
}
_HEARD: dict[str, tuple[tuple[str, Role], ...]] = {
    "first_response": (("first_response_at", Role.AGENT),),
    "next_response": (("last_customer_at", Role.CUSTOMER), ("last_agent_at", Role.AGENT)),
    "periodic_update": (("last_agent_at", Role.AGENT),),
    "since_last_contact": (("last_customer_at", Role.CUSTOMER), ("last_agent_at", Role.AGENT)),
    "resolution": (),
}
"""Which marks are words for which clock: the sources keep them apart."""


class _Judged:
    """One `ticket` case: a clock for each target, and what is expected of them."""

    def __init__(self, case: Case) -> None:
        marks = {name: said for name, said in (case.given.get("marks") or {}).items() if said is not None}
        self.case, self.given = case, {**case.given, "marks": marks}
        only(case.given, _TICKET, "input")
        only(marks, _MARKS, "input.marks")
        only(case.given["targets"], SPECS, "input.targets")
        only(dict.fromkeys(case.given.get("pause_applies_to", ())), SPECS, "input.pause_applies_to")
        self.rows = _statuses(case.given)
        self.clocks = {metric: self._clock(metric, target) for metric, target in case.given["targets"].items()}

    def agrees_with(self, expected: dict[str, Any]) -> None:
        only(expected, {*self.clocks, "next_deadline_at"}, "expect")
        for metric, clock in self.clocks.items():
            if metric in expected:
                self._agrees(clock, expected[metric], self.given["targets"][metric])
        if "next_deadline_at" in expected:
            _agree(self._next_deadline(), expected["next_deadline_at"], self.case.tolerance)

    def _next_deadline(self) -> datetime | None:
        if self.rows[-1][1] != Status.OPEN:
            return None
        running = [clock.due_at for clock in self.clocks.values() if clock and not clock.over and clock.due_at]
        return min(running, default=None)

    def _clock(self, metric: str, target: dict[str, Any]) -> SlaClock | None:
        only(target, _TARGET, f"input.targets.{metric}")
        pauses = metric in self.given.get("pause_applies_to", SPECS)
        spec = replace(
            SPECS[metric],
            pause=is_one_of("status", frozenset({Status.PENDING})) if pauses else None,
            targets=(_target(target),),
            switches=Switches(deadline_boundary=self.case.policy.get("boundary", "close")),
        )
        policy = Policy(name="case", applies_to=ALWAYS, clocks={metric: spec})
        bundle = Bundle(hash="", policies=(policy,), calendars={"case": self.case.calendar}, desk=Desk(default_calendar="case"))
        return measure(Promises.of(bundle), self._seen(metric)).clock(metric)

    def _seen(self, metric: str) -> Observation:
        created, marks = at(self.given["created_at"]), self.given.get("marks", {})
        changes = tuple(Change(field="status", before=a, after=b, at=since) for (_, a), (since, b) in pairwise(self.rows))
        comments = tuple(_words(metric, marks))
        now = max([created, *(c.at for c in changes), *(at(mark) for mark in marks.values())])
        ticket = Ticket(
            ref=TicketRef("desk", "1"),
            subject="s",
            status=self.rows[-1][1],
            created_at=created,
            updated_at=now,
            version="1",
            priority=Level.NORMAL,
        )
        return Observation(ticket=ticket, now=now, changes=changes, comments=comments)

    def _agrees(self, clock: SlaClock | None, wanted: dict[str, Any], target: dict[str, Any]) -> None:
        only(wanted, _CLOCK, "expect")
        if clock is None:
            assert wanted.get("due_at") is None
            assert not wanted.get("breached")
            assert set(wanted) <= {"due_at", "breached"}
            return
        if "due_at" in wanted:
            self._agrees_on_deadline(clock, wanted["due_at"])
        if "elapsed_minutes" in wanted:
            self._same_minutes(clock.elapsed // MINUTE, wanted["elapsed_minutes"])
        if "margin_minutes" in wanted:
            self._same_minutes(clock.amount // MINUTE - clock.elapsed // MINUTE, wanted["margin_minutes"])
        if "paused_seconds" in wanted:
            paused = sum((self.case.calendar.elapsed(a, b or clock.now) for a, b in clock.paused), timedelta(0))
            _agree(paused, wanted["paused_seconds"], self.case.tolerance)
        if "breached" in wanted:
            assert clock.has_breached is wanted["breached"]
        if "escalations" in wanted:
            found = [self._escalated(clock, offset) for offset in target.get("escalation_offsets", ())]
            for one, other in zip(found, wanted["escalations"], strict=True):
                _agree(one, other, self.case.tolerance)

    def _same_minutes(self, found: int, wanted: int) -> None:
        assert abs(found - wanted) * MINUTE <= self.case.tolerance

    def _agrees_on_deadline(self, clock: SlaClock, wanted: str | None) -> None:
        """A clock that is held has no deadline yet; a case that names one means the earliest there can be."""
        if wanted is None:
            assert clock.due_at is None or self.rows[-1][1] is Status.RESOLVED, "no deadline is pending in a closed status"
            return
        _agree(self._earliest(clock), wanted, self.case.tolerance)

    def _earliest(self, clock: SlaClock) -> datetime:
        return clock.due_at or self.case.calendar.add(clock.now, clock.remaining)

    def _escalated(self, clock: SlaClock, offset: dict[str, int]) -> datetime:
        only(offset, {"seconds", "business_days"}, "escalation_offsets")
        due = self._earliest(clock)
        if "business_days" in offset:
            return self.case.calendar.add_days(due, offset["business_days"])
        seconds = timedelta(seconds=offset["seconds"])
        return self.case.calendar.add(due, seconds) if seconds else due


def _target(target: dict[str, Any]) -> Target:
    if "business_days" in target:
        return Target(Span(days=target["business_days"], business=True), end_of_day=bool(target.get("end_of_day", False)))
    if target.get("end_of_day"):
        raise UnknownShape("a target in seconds has no end_of_day")
    return Target(Span(time=timedelta(seconds=target["seconds"])))


def _statuses(given: dict[str, Any]) -> list[tuple[datetime, Status]]:
    """The history in our statuses: open, pending for what pauses, resolved for what is closed; `closed_at` closes as well."""
    history = given.get("status_history") or [{"at": given["created_at"], "status": "open"}]
    pauses, closed = given.get("pause_statuses") or (), given.get("closed_statuses") or ("closed",)
    meant = {**dict.fromkeys(pauses, Status.PENDING), **dict.fromkeys(closed, Status.RESOLVED)}
    for row in history:
        only(row, {"at", "status"}, "status_history")
    rows = sorted(((at(row["at"]), meant.get(row["status"], Status.OPEN)) for row in history), key=lambda row: row[0])
    closed_at = maybe_at(given.get("marks", {}).get("closed_at"))
    if closed_at is not None and [status for since, status in rows if since <= closed_at][-1:] != [Status.RESOLVED]:
        rows.append((closed_at, Status.RESOLVED))
        rows.sort(key=lambda row: row[0])
    return rows


def _words(metric: str, marks: dict[str, str]) -> Iterator[Comment]:
    found = [(at(marks[name]), role) for name, role in _HEARD[metric] if name in marks]
    for n, (moment, role) in enumerate(sorted(found)):
        yield Comment(id=str(n), at=moment, text="…", public=True, role=role)
