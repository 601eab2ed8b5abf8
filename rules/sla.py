"""SLA clocks. They do not tick and are not kept: each is worked out from the ticket's history, a calendar and the moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, TypeAlias

from rules.bundle import Moment, Policy, Span
from rules.calendar import Calendar
from rules.history import Run, Stood, ran, replies, settled_since, stood
from rules.observation import Observation
from rules.ticket import SETTLED, Comment, Role, Status, Value

METRICS = ("first_response", "next_response", "periodic_update", "resolution", "requester_wait", "agent_work", "ownership")
AROUND_THE_CLOCK = Calendar(always=True)
NO_TIME = timedelta(0)
ClockState: TypeAlias = Literal["running", "paused", "met", "breached"]

_WORKS_IN: Mapping[str, frozenset[str]] = {
    "requester_wait": frozenset({Status.NEW, Status.OPEN, Status.ON_HOLD}),
    "agent_work": frozenset({Status.NEW, Status.OPEN}),
}


@dataclass(frozen=True, slots=True)
class SlaClock:
    """How one promise stands at a moment. Moments are in UTC, amounts are open time of its calendar.

    `due_at` is None while the clock is paused before its deadline: then there is no saying. `changes_at` is the next moment at
    which `state` changes by time alone. `remaining` is negative after a breach. `climb` names this run of the clock: it stays the
    same when the target moves and when a resolution resumes after a reopening.
    """

    policy: str
    metric: str
    state: ClockState
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    elapsed: timedelta
    remaining: timedelta
    paused: tuple[tuple[datetime, datetime | None], ...]
    changes_at: datetime | None
    target: Span
    amount: timedelta
    run: Run
    calendar: Calendar

    @property
    def climb(self) -> str:
        return f"{self.metric}@{self.started_at.isoformat()}"

    def falls(self, moment: Moment, later: timedelta = NO_TIME) -> datetime | None:
        """When a stage of a ladder falls due on this climb, `later` open time after its moment; None when the clock is held or stopped."""
        if moment.percent in (None, 100) and not (moment.offset or later):
            return self._breach()
        share = self.amount if moment.percent is None else self.amount * moment.percent / 100
        return self.run.reached(self.calendar, max(share + moment.offset, NO_TIME) + later)

    def _breach(self) -> datetime | None:
        if self.due_at is None or (self.stopped_at is not None and self.stopped_at <= self.due_at):
            return None
        return self.due_at


def measure(
    policy: Policy, metric: str, observation: Observation, calendars: Mapping[str, Calendar], default: str | None = None
) -> SlaClock | None:
    """How `metric` stands at `observation.now`; None when no such clock runs or ran for this ticket.

    Worked out from the status and priority rows of `observation.changes` and from its comments. A pause takes away only its
    overlap with open time. An answer in the very second of the deadline is in time. A target changed by a person holds from the
    start; one that ticketgate changed does not move a running climb. `default` names the calendar of a policy that names none.
    """
    run = _run(metric, observation, policy.pause_in)
    target = _target(policy, metric, observation, run.started_at) if run else None
    if run is None or target is None:
        return None
    calendar = calendars.get(policy.calendar or default or "", AROUND_THE_CLOCK)
    amount = calendar.elapsed(run.started_at, _day_deadline(calendar, run, target)) if target.days else target.time
    due_at = _due_by_days(calendar, run, target) if target.days else _due(calendar, run, amount)
    elapsed = run.elapsed(calendar, observation.now)
    state = _state(run, due_at, observation.now)
    return SlaClock(
        policy.name,
        metric,
        state,
        run.started_at,
        due_at,
        run.stopped_at,
        elapsed,
        amount - elapsed,
        tuple(run.pauses()),
        due_at if state == "running" else None,
        target,
        amount,
        run,
        calendar,
    )


def _state(run: Run, due_at: datetime | None, now: datetime) -> ClockState:
    if run.stopped_at is not None:
        return "breached" if due_at is not None and due_at < run.stopped_at else "met"
    if due_at is not None and due_at <= now:
        return "breached"
    return "running" if run.running else "paused"


def _target(policy: Policy, metric: str, observation: Observation, started_at: datetime) -> Span | None:
    priority = judged_by(observation, started_at)
    return policy.targets.get(str(priority), {}).get(metric) if priority is not None else None


def begun(metric: str, observation: Observation) -> datetime | None:
    """When the present climb of the metric began; None when there is none."""
    run = _run(metric, observation, frozenset())
    return run.started_at if run else None


def judged_by(observation: Observation, started_at: datetime) -> Value:
    """The priority that sets the target: that of the start, then what people made of it; our own changes do not count."""
    ours = {(c.at, c.after) for c in observation.changes if c.field == "priority" and c.ours}
    judged: Value = None
    for n, stay in enumerate(stood(observation, "priority")):
        if n == 0 or stay.since <= started_at or (stay.since, stay.value) not in ours:
            judged = stay.value
    return judged


# --- deadlines -------------------------------------------------------------------------------------------------------


def _due(calendar: Calendar, run: Run, amount: timedelta) -> datetime | None:
    """The deadline: where the amount is used up; of a stopped clock, where it would have been."""
    at = run.reached(calendar, amount)
    if at is not None or run.stopped_at is None:
        return at
    left = amount - run.elapsed(calendar, run.stopped_at)
    return calendar.add(run.stopped_at, left) if left else run.stopped_at


def _day_deadline(calendar: Calendar, run: Run, target: Span) -> datetime:
    day = calendar.add_days(run.started_at, target.days)
    return calendar.add(day, target.time) if target.time else day


def _due_by_days(calendar: Calendar, run: Run, target: Span) -> datetime | None:
    """A target in business days keeps the time of day; the open time of the pauses before it is added afterwards."""
    first = due = _day_deadline(calendar, run, target)
    paused = timedelta(0)
    for start, end in run.pauses():
        if start > due:
            break
        if end is None:
            return None
        paused += calendar.elapsed(start, end)
        due = calendar.add(first, paused) if paused else first
    return due


# --- runs ------------------------------------------------------------------------------------------------------------


def _run(metric: str, observation: Observation, pause_in: frozenset[str]) -> Run | None:
    life = stood(observation, "status")
    builder = _RUNS.get(metric)
    return builder(metric, observation, life, pause_in) if builder else None


def _work(metric: str, observation: Observation, life: tuple[Stood, ...], pause_in: frozenset[str]) -> Run:
    """From creation to resolution; goes on after a reopening, without the time between."""
    works_in = _WORKS_IN.get(metric)

    def counts(status: Value) -> bool:
        return status not in SETTLED and status not in pause_in and (works_in is None or status in works_in)

    return ran(life, observation.ticket.created_at, settled_since(life), counts)


def _first_response(metric: str, observation: Observation, life: tuple[Stood, ...], pause_in: frozenset[str]) -> Run | None:
    """From creation to the first reply of an agent. A ticket that an agent opened by a reply owes none until the customer writes."""
    said, start = replies(observation), observation.ticket.created_at
    if any(c.role == Role.AGENT and c.at <= start for c in said):
        asked = next((c for c in said if c.role == Role.CUSTOMER and c.at > start), None)
        if asked is None:
            return None
        start, said = asked.at, said[said.index(asked) :]
    stop = next((c.at for c in said if c.role == Role.AGENT and c.at >= start), None)
    return ran(life, start, stop, lambda status: status not in pause_in)


def _next_response(metric: str, observation: Observation, life: tuple[Stood, ...], pause_in: frozenset[str]) -> Run | None:
    """From the oldest unanswered word of the customer to the agent's answer; each question anew."""
    asked: Comment | None = None
    answered: Comment | None = None
    for comment in replies(observation):
        if comment.role == Role.AGENT:
            answered = answered or comment
        elif asked is None or answered is not None:
            asked, answered = comment, None
        if asked is None:
            answered = None
    if asked is None:
        return None
    return ran(life, asked.at, answered.at if answered else None, lambda status: status not in pause_in)


def _periodic_update(metric: str, observation: Observation, life: tuple[Stood, ...], pause_in: frozenset[str]) -> Run:
    """From creation, then from each reply of an agent, to the next."""
    said = [c.at for c in replies(observation) if c.role == Role.AGENT]
    return ran(life, said[-1] if said else observation.ticket.created_at, None, lambda status: status not in pause_in)


def _ownership(metric: str, observation: Observation, life: tuple[Stood, ...], pause_in: frozenset[str]) -> Run | None:
    """From the assignment to the present group to its resolution; a return and a reopening measure anew."""
    group = stood(observation, "group")[-1]
    if not group.value:
        return None
    opened = [stay.since for before, stay in pairwise(life) if before.value in SETTLED and stay.value not in SETTLED]
    start = max([group.since, *opened])
    settled = settled_since(life)
    stop = max(settled, start) if settled is not None else None
    return ran(life, start, stop, lambda status: status not in pause_in)


_RUNS: Mapping[str, Callable[[str, Observation, tuple[Stood, ...], frozenset[str]], Run | None]] = {
    "first_response": _first_response,
    "next_response": _next_response,
    "periodic_update": _periodic_update,
    "resolution": _work,
    "requester_wait": _work,
    "agent_work": _work,
    "ownership": _ownership,
}
