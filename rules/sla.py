"""SLA clocks. They do not tick and are not kept: each is worked out from the ticket's history, the calendars and the moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from rules.beats import Plain
from rules.bundle import Moment, Span
from rules.calendar import Calendar, NeverOpen
from rules.climb import Climb, Inherited, Superseded
from rules.deadlines import deadline, judged
from rules.fields import METRICS as METRICS
from rules.observation import Observation
from rules.past import Doubt
from rules.policy import ClockSpec, Target
from rules.promises import AROUND_THE_CLOCK as AROUND_THE_CLOCK
from rules.promises import Promises, Ruling
from rules.run import NO_TIME, Run, Stretch
from rules.straight import Ruled, ruled
from rules.walking import Walk

ClockState: TypeAlias = Literal["running", "paused", "met", "breached", "cancelled", "merged", "not_applicable", "superseded"]


class Breach(Struct, frozen=True):
    """A deadline passed with the clock running: a fact, whatever becomes of the target later."""

    at: datetime
    due_at: datetime
    target: Target


@dataclass(frozen=True, slots=True)
class Ended:
    """A stop of a clock that was resumed later: how it stood then."""

    at: datetime
    outcome: Literal["met", "breached"]
    elapsed: timedelta
    due_at: datetime | None
    resumed_at: datetime


class SlaClock(Struct, frozen=True, kw_only=True):
    """How one promise stands at a moment. Moments are in UTC, amounts are counted time: open time, or all of it for `hours: calendar`.

    `due_at` is None while the clock is paused before its deadline: then there is no saying. `changes_at` is the next moment at
    which `state` changes by time alone. `remaining` is negative after a breach. `climb` names this run of the clock: it stays the
    same when the target moves and when a resolution resumes after a reopening. `stopped_at` is its end, whatever ended it.
    """

    policy: str
    metric: str
    state: ClockState
    instance: int
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    now: datetime
    elapsed: timedelta
    amount: timedelta
    run: Run
    ruling: Ruling
    judged_since: datetime
    superseded: tuple[Superseded, ...] = ()
    breaches: tuple[Breach, ...] = ()
    ended: tuple[Ended, ...] = ()
    inherited: Inherited | None = None

    @property
    def climb(self) -> str:
        """Under `match: all` with the policy's name: two policies may promise the same."""
        own = f"{self.policy}/" if self.ruling.plan.policy.match == "all" else ""
        return f"{own}{self.metric}@{self.started_at.isoformat()}"

    @property
    def spec(self) -> ClockSpec:
        return self.ruling.plan.spec

    @property
    def kind(self) -> Literal["sla", "ola", "underpinning"]:
        return self.spec.kind

    @property
    def hours(self) -> Literal["business", "calendar"]:
        return self.ruling.target.hours

    @property
    def target(self) -> Span:
        return self.ruling.target.within or Span()

    @property
    def calendar(self) -> Calendar:
        return self.ruling.calendar

    @property
    def over(self) -> bool:
        return self.stopped_at is not None

    @property
    def has_breached(self) -> bool:
        """What a report counts: with `breach_memory: sticky` also a breach of a target that was relaxed afterwards."""
        return bool(self.breaches)

    @property
    def remaining(self) -> timedelta:
        return self.amount - self.elapsed

    @property
    def paused(self) -> tuple[tuple[datetime, datetime | None], ...]:
        """Without the time between a stop and what resumed it, a reopening or a split: then there was nothing to pause."""
        pieces = list(self.run.pauses())
        gaps = [(gap.at, gap.resumed_at) for gap in self.ended]
        split = self.inherited
        gaps += [(split.ended_at, split.at)] if split is not None and split.ended_at is not None else []
        for gap in gaps:
            pieces = [part for piece in pieces for part in _outside(piece, *gap)]
        return tuple(pieces)

    @property
    def changes_at(self) -> datetime | None:
        if self.over:
            return None
        due = self.due_at if self.state == "running" else None
        retroactive = self.spec.switches.calendar_change == "retroactive"
        edit = self.ruling.open_hours.changes_after(self.now) if retroactive else None
        return min((at for at in (due, edit) if at is not None), default=None)

    @property
    def business(self) -> timedelta:
        """Open time of the policy's calendar in which it ran, whichever hours the target counts."""
        return self.run.open(self.ruling.open_hours, self.now) if self.hours == "calendar" else self.elapsed

    @property
    def real(self) -> timedelta:
        """Time by the wall clock in which it ran."""
        return self.run.real(self.now)

    @property
    def shown_start(self) -> datetime:
        """Where a person is shown that it began: the moment itself, or the next opening (`clock_start`)."""
        return self.started_at if self.spec.switches.clock_start == "created" else self.ruling.open_hours.next_open(self.started_at)

    def falls(self, moment: Moment, later: timedelta = NO_TIME) -> datetime | None:
        """When a stage of a ladder falls due on this climb, `later` open time after its moment; None when the clock is held or stopped."""
        if moment.percent in (None, 100) and not (moment.offset or later):
            return self.due_at if self.due_at is not None and not (self.stopped_at is not None and self.stopped_at <= self.due_at) else None
        share = self.amount if moment.percent is None else self.amount * moment.percent / 100
        return self.run.reached(max(share + moment.offset, NO_TIME) + later)


class Standing(Struct, frozen=True):
    """Every clock of one ticket at one moment, those of the same track in the order in which they began."""

    clocks: tuple[SlaClock, ...]
    policies: tuple[str, ...]
    uncovered: bool  # no policy applies, and none ever gave it a clock
    doubts: tuple[Doubt, ...] = ()
    calendar: Calendar = AROUND_THE_CLOCK  # of the first policy that applies, else the desk's
    failed: Mapping[str, NeverOpen] = {}  # clocks that cannot be worked out: their calendar ran out of open time

    @property
    def present(self) -> tuple[SlaClock, ...]:
        """Of each clock the newest instance."""
        newest: dict[tuple[str, str], SlaClock] = {}
        for clock in self.clocks:
            newest[(clock.metric, clock.policy if clock.ruling.plan.policy.match == "all" else "")] = clock
        return tuple(newest.values())

    def clock(self, metric: str, policy: str | None = None) -> SlaClock | None:
        """The newest instance of a metric; of several policies' that of the first, or of the one named."""
        return next((c for c in self.present if c.metric == metric and policy in (None, c.policy)), None)


def measure(promises: Promises, observation: Observation) -> Standing:
    """How every promise to this ticket stands at `observation.now`.

    Worked out from the sorted history alone: the changes, the comments and the calendars. A pause takes away only its overlap with
    open time. An answer in the very second of the deadline is in time. A target changed by a person holds from the start; one that
    ticketgate changed does not move a running climb. It takes the straight way where there is one.
    """
    known = ruled(promises, observation)
    straight = _straight(promises, observation, *known) if known is not None and None not in known[0].ways else None
    return straight or _standing(promises, observation, known)


def walked(promises: Promises, observation: Observation) -> Standing:
    """The same with every clock walked through every step: what `measure` is held to."""
    return _standing(promises, observation, None)


def _straight(promises: Promises, observation: Observation, rules: Ruled, past: Plain) -> Standing | None:
    """Every clock by the straight way; None where one of them has to be walked, or has no open time left."""
    clocks: list[SlaClock] = []
    try:
        for track, way in zip(promises.tracks, rules.ways, strict=True):
            climbs = way.climbs(observation, past) if way is not None else None
            if climbs is None:
                return None
            clocks += [_clock(track.name, climb, observation.now) for climb in climbs]
    except NeverOpen:
        return None
    return Standing(tuple(clocks), rules.policies, not rules.policies and not clocks, (), rules.calendar)


def _standing(promises: Promises, observation: Observation, known: tuple[Ruled, Plain] | None) -> Standing:
    walk, clocks, failed = Walk(promises, observation), list[SlaClock](), dict[str, NeverOpen]()
    doubts: list[Doubt] = []
    for n, track in enumerate(promises.tracks):
        try:
            way = known[0].ways[n] if known is not None else None
            climbs = way.climbs(observation, known[1]) if way is not None and known is not None else None
            for climb in climbs if climbs is not None else walk.climbs(track):
                clocks.append(_clock(track.name, climb, observation.now))
        except NeverOpen as closed:
            failed[track.name] = closed
            doubts.append(Doubt("never_open", f"{track.name}: {closed}", observation.now))
    policies, calendar = (known[0].policies, known[0].calendar) if known is not None else walk.ends()
    walk.forget()
    return Standing(tuple(clocks), policies, not policies and not clocks, (*walk.doubts, *doubts), calendar, failed)


def _clock(metric: str, climb: Climb, now: datetime) -> SlaClock:
    ruling, run, switches = climb.ruling, climb.run(), climb.ruling.plan.spec.switches
    if switches.calendar_change == "retroactive" and ruling.open_hours.later:
        ruling, run = _as_counted(ruling, run, now)
    elapsed = run.elapsed(now)
    due_at, amount = judged(run, ruling, switches.deadline_boundary, elapsed)
    return SlaClock(
        policy=ruling.plan.policy.name,
        metric=metric,
        state=_state(climb, run, due_at, now),
        instance=climb.instance,
        started_at=climb.started_at,
        due_at=due_at,
        stopped_at=climb.ended_at,
        now=now,
        elapsed=elapsed,
        amount=amount,
        run=run,
        ruling=ruling,
        judged_since=climb.since,
        superseded=tuple(climb.superseded),
        breaches=_breaches(climb, due_at, now),
        ended=tuple([_ended(ruling, *earlier) for earlier in climb.ended]) if climb.ended else (),
        inherited=climb.inherited,
    )


def _as_counted(ruling: Ruling, run: Run, now: datetime) -> tuple[Ruling, Run]:
    """With `calendar_change: retroactive` the version of a calendar that is in force now counts all of the past as well."""
    alone = ruling.calendar.as_of(now)
    stretches = tuple(Stretch(s.since, s.until, s.calendar.as_of(now)) for s in run.stretches)
    return Ruling(ruling.plan, ruling.target, alone, ruling.open_hours), Run(run.started_at, stretches, run.stopped_at)


def _state(climb: Climb, run: Run, due_at: datetime | None, now: datetime) -> ClockState:
    if climb.how is not None and climb.how != "stopped":
        return climb.how
    if run.stopped_at is not None:
        return "breached" if due_at is not None and due_at < run.stopped_at else "met"
    if due_at is not None and due_at <= now:
        return "breached"
    return "running" if run.running else "paused"


def _breaches(climb: Climb, due_at: datetime | None, now: datetime) -> tuple[Breach, ...]:
    passed = due_at is not None and (due_at < climb.ended_at if climb.ended_at is not None else due_at <= now)
    if not passed and not climb.superseded:
        return ()
    found = []
    if climb.ruling.plan.spec.switches.breach_memory == "sticky":
        found = [Breach(max(s.due_at, s.since), s.due_at, s.target) for s in climb.superseded if s.breached and s.due_at is not None]
    if passed and due_at is not None:
        found.append(Breach(max(due_at, climb.since), due_at, climb.ruling.target))
    return tuple(found)


def _outside(piece: tuple[datetime, datetime | None], a: datetime, b: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    start, end = piece
    if start < a:
        yield start, a if end is None else min(end, a)
    if end is None or end > b:
        yield max(start, b), end


def _ended(ruling: Ruling, at: datetime, run: Run, resumed_at: datetime) -> Ended:
    due = deadline(run, ruling, ruling.plan.spec.switches.deadline_boundary)
    return Ended(at, "breached" if due is not None and due < at else "met", run.elapsed(at), due, resumed_at)
