"""A clock walked through a ticket's past: it starts, runs, rests, is judged by another target, stops, and may start again."""

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import takewhile
from typing import TypeAlias

from rules.climb import Climb, Superseded
from rules.deadlines import deadline
from rules.observation import Kind
from rules.past import JUDGING, Doubt, LookBack, Past, Step
from rules.policy import ClockSpec, OnReopen
from rules.promises import Marks, Plan, Promises, Ruling, Track, counted, given
from rules.run import Stretch
from rules.ticket import SETTLED, Value

Inherit: TypeAlias = Callable[[Track, Ruling, datetime], Climb | None]
"""The climb with which a clock of a split ticket goes on, begun at a moment under a ruling; None where there is nothing to go on with."""


class Climbing:
    """The climbs of one track, found by one walk and thrown away."""

    def __init__(self, promises: Promises, track: Track, past: Past, look: LookBack, chosen: "Chosen", inherit: Inherit) -> None:
        self._promises, self._track, self._past, self._look, self._chosen = promises, track, past, look, chosen
        self._inherit = inherit
        self.climbs: list[Climb] = []
        self._levels: dict[int, bool] = {}
        self._cut = False  # the last climb ended because no policy, or no target, was there for it
        self._awaits_customer = False
        self._last: Ruling | None = None

    def walked(self) -> list[Climb]:
        first = self._first_ruling()
        if first is None:
            return []
        at, ruling = first
        current: Ruling | None = ruling
        track = self._track
        for n, step in enumerate(self._past.steps):
            if n > at and (track.always or not track.touching.isdisjoint(step.changed)):
                current = self._ruling(step, current)
            if n == 0 or self._concerns(step) or current is not self._last:
                self._look.stand_at(step)
                self._at(n, step, current)
                self._last = current
        return self.climbs

    def _concerns(self, step: Step) -> bool:
        """Whether this step could start, stop, pause or resume it."""
        track = self._track
        if track.always or not track.touching.isdisjoint(step.changed):
            return True
        return any(event.kind in track.kinds for event in step.events)

    # --- what rules it -------------------------------------------------------------------------------------------------

    def _first_ruling(self) -> tuple[int, Ruling] | None:
        """What comes to rule it first rules it from the beginning: a policy that applies late finds the past as it was."""
        for n, step in enumerate(self._past.steps):
            if n == 0 or self._may_change(step):
                ruling = self._chosen.ruling(self._track, step, None)
                if ruling is not None:
                    return n, ruling
        return None

    def _may_change(self, step: Step) -> bool:
        return self._track.always or not self._track.fields.isdisjoint(step.changed)

    def _ruling(self, step: Step, current: Ruling | None) -> Ruling | None:
        self._hold(step)
        return self._chosen.ruling(self._track, step, self._held) if self._may_change(step) else current

    @property
    def _held(self) -> dict[str, Value] | None:
        return self.climbs[-1].held if self.climbs else None

    def _hold(self, step: Step) -> None:
        """Our own change of what targets are chosen by does not count on a running climb; a person's does."""
        if not self._past.ours or not self.climbs or step.at <= self.climbs[-1].started_at:
            return
        held = self.climbs[-1].held
        for event in step.events:
            if event.kind is Kind.CHANGED and event.change and event.change.field in JUDGING:
                if step.ours:
                    held.setdefault(event.change.field, event.change.before)
                else:
                    held.pop(event.change.field, None)

    # --- one step ------------------------------------------------------------------------------------------------------

    def _at(self, n: int, step: Step, ruling: Ruling | None) -> None:
        climb = self.climbs[-1] if self.climbs else None
        if climb is not None and climb.active:
            self._go_on(climb, step, ruling)
        elif climb is not None and climb.by_settling and ruling is not None and _reopens(step):
            self._reopened(climb, n, step, ruling)
        if ruling is not None and not (self.climbs and self.climbs[-1].active) and self._starts(step, ruling.plan):
            self._begin(n, step, ruling)
        if self.climbs and self.climbs[-1].active:
            self._turn(self.climbs[-1], step.at)

    def _go_on(self, climb: Climb, step: Step, ruling: Ruling | None) -> None:
        if ruling is None and climb.ruling.plan.spec.switches.on_unmatch == "cancel":
            climb.end(step.at, "not_applicable")
            self._cut = True
            return
        if ruling is not None and ruling is not climb.ruling:
            self._retarget(climb, step, ruling)
        climb = self.climbs[-1]
        plan = climb.ruling.plan
        if "status" in step.changed and self._merged():
            climb.end(step.at, "merged")
        elif plan.cancel.any and self._given(plan.cancel, step, plan):
            climb.end(step.at, "cancelled")
        elif self._given(plan.stop, step, plan):
            self._stop(climb, step)
        elif plan.reset.any and self._given(plan.reset, step, plan):
            climb.end(step.at, "stopped")
            self._again(step.at, climb.ruling)

    def _stop(self, climb: Climb, step: Step) -> None:
        climb.end(step.at, "stopped")
        climb.by_settling = any(e.kind in (Kind.RESOLVED, Kind.CLOSED) for e in step.events)

    def _merged(self) -> bool:
        """A merge shows when the ticket is settled for it."""
        return self._look.raw("status") in SETTLED and self._promises.merged(self._look)

    def _given(self, marks: Marks, step: Step, plan: Plan) -> bool:
        if marks.levels and self._holds(marks):
            return True
        return bool(marks.events) and given(marks.events, step.events, self._look, plan.counts)

    def _holds(self, marks: Marks) -> bool:
        return any(holds(self._look) for holds in marks.levels)

    # --- beginnings ----------------------------------------------------------------------------------------------------

    def _starts(self, step: Step, plan: Plan) -> bool:
        """Whether a climb begins here: at an event that starts it, or where the condition alone comes to hold."""
        rising = bool(plan.start.levels) and self._rises(plan)
        if self._cut:
            self._cut = False
            return not (self._holds(plan.stop) or self._holds(plan.cancel))
        if self.climbs and plan.spec.repeat == "none":
            return False
        if rising:
            return True
        if self._awaits_customer:
            return any(e.kind is Kind.CUSTOMER_REPLIED for e in step.events)
        if not given(plan.start.events, step.events, self._look, plan.counts):
            return False
        self._awaits_customer = self._opened_by_agent(step, plan)
        return not self._awaits_customer

    def _rises(self, plan: Plan) -> bool:
        """Whether a start condition without event holds now and did not before, with no stop or cancel against it."""
        found = False
        for holds in plan.start.levels:
            now = holds(self._look) and not (self._holds(plan.stop) or self._holds(plan.cancel))
            found = found or (now and not self._levels.get(id(holds), False))
            self._levels[id(holds)] = now
        return found

    def _opened_by_agent(self, step: Step, plan: Plan) -> bool:
        """A ticket that an agent opened by writing owes no first response until the customer writes."""
        if plan.spec.name != "first_response" or plan.spec.switches.agent_initiated == "normal" or step.events[0].kind is not Kind.CREATED:
            return False
        beside = takewhile(lambda one: one.at == step.at, self._past.steps)
        said = [event for one in beside for event in one.events if event.kind is Kind.AGENT_REPLIED]
        return any(counted(event, self._look, plan.counts) for event in said)

    def _begin(self, n: int, step: Step, ruling: Ruling) -> None:
        self._awaits_customer = False
        spec, at = ruling.plan.spec, step.at
        if self._goes_on(step, ruling):
            return
        if spec.repeat == "sequential" and self.climbs:
            due = _due(self.climbs[-1])
            at = max(at, due) if due is not None else at
        since = self._true_start(step, ruling)
        self._again(min(at, since) if since is not None else at, ruling)
        if since is not None and since < step.at:
            self._replay(self.climbs[-1], n, since)

    def _goes_on(self, step: Step, ruling: Ruling) -> bool:
        """What starts with a split ticket goes on with the clock of its origin, where the policy says so and there is one."""
        if ruling.plan.spec.switches.on_split == "fresh" or not _creates(step):
            return False
        climb = self._inherit(self._track, ruling, step.at)
        self.climbs += [climb] if climb is not None else []
        return climb is not None

    def _true_start(self, step: Step, ruling: Ruling) -> datetime | None:
        """The earlier of the moment that the `retroactive` field names and the start of what was merged into the ticket."""
        spec = ruling.plan.spec
        named = self._named_start(step, spec)
        merged = self._start_of_merged(step) if spec.switches.on_merge == "earliest_start" else None
        earlier = [moment for moment in (named, merged) if moment is not None]
        most = spec.switches.max_backdate
        if not earlier:
            return None
        return min(earlier) if most is None else max(min(earlier), step.at - most)

    def _start_of_merged(self, step: Step) -> datetime | None:
        """What starts with the ticket starts with the first of those that were merged into it; no other clock is moved by them."""
        if not _creates(step):
            return None
        known = self._look.observation.merged_in
        return min((one.created_at for one in known if one.at <= self._look.observation.now and one.created_at < step.at), default=None)

    def _named_start(self, step: Step, spec: ClockSpec) -> datetime | None:
        if spec.retroactive is None:
            return None
        self._look.on(None)
        named = self._look.values[spec.retroactive]
        if not isinstance(named, datetime) or named > step.at:
            if named is not None:
                self._past.doubts.append(Doubt("start_unusable", f"{spec.retroactive} names no moment before {spec.name} started", step.at))
            return None
        return named

    def _again(self, at: datetime, ruling: Ruling) -> None:
        instance = self.climbs[-1].instance + 1 if self.climbs else 1
        self.climbs.append(Climb(instance, at, ruling, at))

    def _replay(self, climb: Climb, n: int, since: datetime) -> None:
        """The pauses between its true start and the step at which it was found to run. Of the time before the ticket none is known."""
        if climb.ruling.plan.spec.switches.carry_pauses:
            if since < self._past.steps[0].at:
                climb.turn(since, True)
            for step in self._past.steps[:n]:
                self._look.stand_at(step)
                self._turn(climb, step.at)
        else:
            climb.turn(since, True)
        self._look.stand_at(self._past.steps[n])

    # --- running and resting -------------------------------------------------------------------------------------------

    def _turn(self, climb: Climb, at: datetime) -> None:
        plan, look = climb.ruling.plan, self._look
        if plan.pauses is not None:
            pauses = plan.pauses(look)
            climb.paused = pauses or (climb.paused and plan.resumes is not None and not plan.resumes(look))
        climb.turn(at, not climb.paused and (plan.runs is None or plan.runs(look)))

    # --- another target ------------------------------------------------------------------------------------------------

    def _retarget(self, climb: Climb, step: Step, ruling: Ruling) -> None:
        switches = ruling.plan.spec.switches
        same_target = climb.ruling.target == ruling.target and (climb.ruling.plan.policy is ruling.plan.policy)
        if same_target:
            self._other_calendar(climb, step.at, ruling)
            return
        if switches.on_target_change == "new_instance":
            climb.end(step.at, "superseded")
            self._again(step.at, ruling)
            return
        climb.superseded.append(_superseded(climb, step.at))
        climb.ruling, climb.since = ruling, step.at
        if switches.on_target_change == "restart":
            climb.started_at, climb.stretches, climb.held, climb.inherited = step.at, [], {}, None
            return
        if not switches.carry_pauses:
            self._without_pauses(climb, step.at)
        climb.stretches = [Stretch(s.since, s.until, ruling.calendar) for s in climb.stretches]

    def _other_calendar(self, climb: Climb, at: datetime, ruling: Ruling) -> None:
        """Only what counts its time changed: from here on, or all along."""
        changed = climb.ruling.calendar is not ruling.calendar
        climb.ruling = ruling
        if not changed:
            return
        if ruling.plan.spec.switches.calendar_change == "retroactive":
            climb.stretches = [Stretch(s.since, s.until, ruling.calendar) for s in climb.stretches]
        else:
            climb.turn(at, False)

    def _without_pauses(self, climb: Climb, at: datetime) -> None:
        climb.stretches = [Stretch(climb.started_at, None, climb.ruling.calendar)]
        climb.turn(at, climb.run().running)

    # --- reopened ------------------------------------------------------------------------------------------------------

    def _reopened(self, climb: Climb, n: int, step: Step, ruling: Ruling) -> None:
        switches = ruling.plan.spec.switches
        what: OnReopen = switches.on_reopen
        late = switches.reopen_window is not None and climb.ended_at is not None and step.at - climb.ended_at > switches.reopen_window
        if late and what in ("resume", "restart"):
            what = "new_instance"
        if what == "ignore":
            return
        if what == "new_instance":
            self._again(step.at, ruling)
            return
        if climb.ended_at is not None:
            climb.ended.append((climb.ended_at, climb.run(), step.at))
        climb.ended_at, climb.how, climb.by_settling = None, None, False
        if what == "restart":
            climb.started_at, climb.since, climb.stretches, climb.held, climb.inherited = step.at, step.at, [], {}, None
        if ruling is not climb.ruling:
            self._retarget(climb, step, ruling)


def _creates(step: Step) -> bool:
    return any(event.kind is Kind.CREATED for event in step.events)


def _reopens(step: Step) -> bool:
    return any(event.kind is Kind.REOPENED for event in step.events)


class Chosen:
    """Which policy, target and calendar rule a clock at a step; asked of the promises by the fields that decide it."""

    def __init__(self, promises: Promises, look: LookBack) -> None:
        self._promises, self._look = promises, look

    def ruling(self, track: Track, step: Step, held: Mapping[str, Value] | None) -> Ruling | None:
        look = self._look
        look.stand_at(step, held)
        if track.always:
            look.on(step.events[0] if step.events else None)  # our own words are no event
            return self.found(track)
        key = tuple([look.raw(name) for name in track.fields])
        try:
            return track.rulings[key]
        except KeyError:
            return track.remembered(key, self.found(track))

    def found(self, track: Track) -> Ruling | None:
        """At the step at which the look stands."""
        look = self._look
        option = next((option for option in track.options if option.applies(look)), None)
        plan = option.plans.get(track.name) if option is not None else None
        if option is None or plan is None:
            return None
        target = next((target for holds, target in plan.targets if holds(look)), None)
        if target is None or target.within is None:
            return None
        return plan.ruling(target, option.calendar(look))


def _superseded(climb: Climb, at: datetime) -> Superseded:
    due = _due(climb)
    return Superseded(climb.ruling.target, climb.since, at, due, due is not None and due < at)


def _due(climb: Climb) -> datetime | None:
    return deadline(climb.run(), climb.ruling, climb.ruling.plan.spec.switches.deadline_boundary)
