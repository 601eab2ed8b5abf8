"""All SLA policies of a bundle, compiled once: which clocks there can be, and what rules each of them at a step of a ticket's past."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules.bundle import Bundle, Condition, On
from rules.calendar import Calendar
from rules.conditions import Predicate, compiled
from rules.events import is_reply
from rules.fields import of_ticket
from rules.leaves import fields_of, judges_time
from rules.look import Look
from rules.lookup import Lookup, lookups
from rules.metrics import MERGED
from rules.observation import Event, Kind
from rules.past import JUDGING
from rules.policy import ClockSpec, FromField, FromTable, Mark, Policy, Selector, Target
from rules.ticket import Role, Ticket, Value
from rules.triggers import means

if TYPE_CHECKING:
    from rules.straight import Ruled

AROUND_THE_CLOCK = Calendar(always=True)
_MOST = 10_000  # answers remembered of one question; then it is asked afresh
_SAID = frozenset({"text", "last_customer_reply_at", "last_agent_reply_at"})


@dataclass(frozen=True, slots=True)
class Signal:
    """A mark that names events, made ready."""

    on: tuple[On, ...]
    kinds: frozenset[Kind]
    holds: Predicate | None


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a clock's start, stop, reset or cancel: those of events, and the conditions that stand alone."""

    events: tuple[Signal, ...]
    levels: tuple[Predicate, ...]
    any: bool


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A clock of a policy made ready."""

    policy: Policy
    spec: ClockSpec
    start: Marks
    stop: Marks
    reset: Marks
    cancel: Marks
    runs: Predicate | None
    pauses: Predicate | None
    resumes: Predicate | None
    counts: Predicate | None  # what of the words spoken is a reply; None: a public word of an agent
    targets: tuple[tuple[Predicate, Target], ...]
    rulings: dict[tuple[int, int], "Ruling"] = field(default_factory=dict)

    def ruling(self, target: Target, hours: Calendar) -> "Ruling":
        """One and the same value for the same target and calendar, so that a change is seen by identity."""
        key = (id(target), id(hours))
        if key not in self.rulings:
            counting = AROUND_THE_CLOCK if target.hours == "calendar" else hours
            self.rulings[key] = Ruling(self, target, counting, hours)
        return self.rulings[key]


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What rules a clock at some step: whose clock it is, by which target it is judged, and what counts its time."""

    plan: Plan
    target: Target
    calendar: Calendar
    open_hours: Calendar  # the policy's calendar, also where the target is counted by the wall clock


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A policy that may apply, with its clocks by name."""

    policy: Policy
    applies: Predicate
    plans: Mapping[str, Plan]
    calendar: Callable[[Look], Calendar]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One clock of a ticket over time: the same metric under whichever of its policies applies."""

    name: str
    options: tuple[Option, ...]
    fields: frozenset[str]  # by which its ruling may change
    touching: frozenset[str]  # whose change may start, stop, pause or resume it
    kinds: frozenset[Kind]  # events that may do so
    always: bool  # whether any step may
    together: bool  # of a policy that says `match: all`
    rulings: dict[tuple[Value, ...], Ruling | None] = field(default_factory=dict)  # found before, by the values of `fields`

    def remembered(self, key: tuple[Value, ...], ruling: Ruling | None) -> Ruling | None:
        if len(self.rulings) >= _MOST:
            self.rulings.clear()
        self.rulings[key] = ruling
        return ruling


@dataclass(frozen=True, slots=True, eq=False)
class Promises:
    """Never changed; threads may share it."""

    bundle: Bundle
    first: tuple[Option, ...]
    tracks: tuple[Track, ...]
    merged: Predicate
    calendar: Calendar  # the desk's own
    deciding: tuple[str, ...]  # the fields by which it is decided which policies apply
    timed: bool  # whether the moment decides as well
    decisive: frozenset[str]  # every field that decides about policies, targets and calendars
    reads: tuple[Callable[[Ticket], Value], ...] | None  # these fields of a ticket; None where more than the ticket decides
    applied: dict[tuple[Value, ...], tuple[Option, ...]] = field(default_factory=dict)
    ruled: dict[tuple[Value, ...], "Ruled"] = field(default_factory=dict)  # found before, by what `reads` gives

    def applying(self, look: Look) -> tuple[Option, ...]:
        """The policies that apply: the first of those that match first, and all that match beside it."""
        if self.timed:
            return self._applying(look)
        key = tuple([look.raw(name) for name in self.deciding])
        if key not in self.applied:
            if len(self.applied) >= _MOST:
                self.applied.clear()
            self.applied[key] = self._applying(look)
        return self.applied[key]

    def _applying(self, look: Look) -> tuple[Option, ...]:
        first = next((option for option in self.first if option.applies(look)), None)
        return (*((first,) if first else ()), *(option for option in self.together if option.applies(look)))

    @classmethod
    def of(cls, bundle: Bundle) -> "Promises":
        tables = lookups(bundle.tables)
        options = [_option(policy, bundle, tables) for policy in bundle.policies]
        first = tuple(o for o in options if o.policy.match == "first")
        names = dict.fromkeys(name for option in first for name in option.plans)
        tracks = [_track(name, first, together=False) for name in names]
        tracks += [_track(name, (o,), together=True) for o in options if o.policy.match == "all" for name in o.plans]
        own = bundle.calendars.get(bundle.desk.default_calendar or "", AROUND_THE_CLOCK)
        conditions = [policy.applies_to for policy in bundle.policies]
        deciding = frozenset[str]().union(*map(fields_of, conditions))
        timed = any(map(judges_time, conditions)) or any(name in _SAID or name.startswith("comment.") for name in deciding)
        decisive = deciding.union(*(t.fields for t in tracks if not t.always), *map(_selecting, bundle.policies))
        reads = None if timed else _reads(decisive)
        return cls(bundle, first, tuple(tracks), compiled(MERGED), own, tuple(deciding), timed, decisive, reads)

    @property
    def together(self) -> Iterator[Option]:
        return (track.options[0] for track in self.tracks if track.together)


def _reads(names: frozenset[str]) -> tuple[Callable[[Ticket], Value], ...] | None:
    reads = [of_ticket(name) for name in sorted(names)]
    known = tuple(read for read in reads if read is not None)
    return known if len(known) == len(reads) else None


def _option(policy: Policy, bundle: Bundle, tables: Mapping[str, Lookup]) -> Option:
    plans = {name: _plan(policy, spec) for name, spec in policy.clocks.items()}
    return Option(policy, compiled(policy.applies_to), plans, _calendar_of(policy, bundle, tables))


def _plan(policy: Policy, spec: ClockSpec) -> Plan:
    return Plan(
        policy,
        spec,
        start=_marks(spec.start),
        stop=_marks(spec.stop),
        reset=_marks(spec.reset),
        cancel=_marks(spec.cancel),
        runs=_maybe(spec.run_while),
        pauses=_maybe(spec.pause),
        resumes=_maybe(spec.resume),
        counts=_maybe(spec.switches.counts_as_reply),
        targets=tuple((compiled(target.condition), target) for target in spec.targets),
    )


def _maybe(condition: "Condition | None") -> Predicate | None:
    return _remembering(condition) if condition is not None else None


def _remembering(condition: Condition) -> Predicate:
    """The condition as a predicate that asks once for each value of the one field that decides it: most clocks go by the status."""
    asked, names = compiled(condition), tuple(fields_of(condition))
    if len(names) != 1 or judges_time(condition) or names[0] in _SAID or names[0].startswith("comment."):
        return asked
    (name,), known = names, dict[Value, bool]()

    def holds(look: Look) -> bool:
        value = look.raw(name)
        answer = known.get(value)
        if answer is None:
            if len(known) >= _MOST:
                known.clear()
            answer = known[value] = asked(look)
        return answer

    return holds


def _marks(marks: Sequence[Mark]) -> Marks:
    levels = tuple(_remembering(mark.holds) for mark in marks if not mark.on and mark.holds is not None)
    return Marks(tuple(_signal(mark) for mark in marks if mark.on), levels, bool(marks))


def _signal(mark: Mark) -> Signal:
    """An update is any change of a field."""
    on = tuple(On(Kind.CHANGED) if on.kind is Kind.UPDATED else on for on in mark.on)
    return Signal(on, frozenset(on.kind for on in on), _maybe(mark.holds))


def _track(name: str, options: tuple[Option, ...], *, together: bool) -> Track:
    conditions = [o.policy.applies_to for o in options]
    plans = [o.plans[name] for o in options if name in o.plans]
    conditions += [target.condition for plan in plans for target in plan.spec.targets]
    fields = frozenset[str]().union(*map(fields_of, conditions), *(_selecting(o.policy) for o in options))
    moving = [condition for plan in plans for condition in _moving(plan.spec)]
    touching = frozenset(("status", *JUDGING)).union(fields, *map(fields_of, moving))
    kinds = frozenset(kind for plan in plans for kind in _kinds(plan)) | {Kind.CREATED, Kind.REOPENED}
    timed = any(map(judges_time, (*conditions, *moving)))
    always = timed or bool(touching & _SAID) or any(name.startswith("comment.") for name in fields)
    return Track(name, options, fields, touching, kinds, always, together)


def _moving(spec: ClockSpec) -> Iterator[Condition]:
    yield from (c for c in (spec.run_while, spec.pause, spec.resume) if c is not None)
    yield from (mark.holds for marks in (spec.start, spec.stop, spec.reset, spec.cancel) for mark in marks if mark.holds is not None)


def _kinds(plan: Plan) -> Iterator[Kind]:
    for marks in (plan.start, plan.stop, plan.reset, plan.cancel):
        for signal in marks.events:
            yield from signal.kinds
    yield Kind.CUSTOMER_REPLIED  # what a ticket that an agent opened waits for


# --- calendars -------------------------------------------------------------------------------------------------------


def _selecting(policy: Policy) -> frozenset[str]:
    chosen = [s.match if isinstance(s, FromTable) else (s.field,) for s in policy.calendar_from if not isinstance(s, str)]
    return frozenset(name for names in chosen for name in names)


def _calendar_of(policy: Policy, bundle: Bundle, tables: Mapping[str, Lookup]) -> Callable[[Look], Calendar]:
    """The first selector that names a calendar; then the policy's own, then the desk's; else around the clock."""
    fallback = bundle.calendars.get(policy.calendar or bundle.desk.default_calendar or "", AROUND_THE_CLOCK)
    if not policy.calendar_from:
        return lambda look: fallback
    selectors = [_selector(selector, tables) for selector in policy.calendar_from]
    calendars = bundle.calendars

    def chosen(look: Look) -> Calendar:
        names = (select(look) for select in selectors)
        return next((calendars[name] for name in names if name in calendars), fallback)

    return chosen


def _selector(selector: Selector, tables: Mapping[str, Lookup]) -> Callable[[Look], str]:
    match selector:
        case FromField(field):
            return lambda look: str(look.values[field] or "")
        case FromTable(table, names, column):
            lookup = tables[table]
            return lambda look: _cell(lookup, [look.values[name] for name in names], column)
        case _:
            return lambda look: selector


def _cell(lookup: Lookup, values: Sequence[Value], column: str) -> str:
    row = lookup.find(values)
    return row.cells.get(column, "").strip() if row else ""


# --- signals ---------------------------------------------------------------------------------------------------------


def given(signals: Sequence[Signal], events: Sequence[Event], look: Look, counts: Predicate | None) -> bool:
    """Whether one of the marks that name events is given by what happened at this step."""
    for event in events:
        for signal in signals:
            if event.kind in signal.kinds and _meant(signal, event, look, counts):
                return True
    return False


def _meant(signal: Signal, event: Event, look: Look, counts: Predicate | None) -> bool:
    if event.kind is Kind.AGENT_REPLIED and not counted(event, look, counts):
        return False
    if not any(means(on, event) for on in signal.on):
        return False
    if signal.holds is None:
        return True
    look.on(event)
    return signal.holds(look)


def counted(event: Event, look: Look, counts: Predicate | None) -> bool:
    """Whether these words are a reply that a clock waits for."""
    if event.comment is None:
        return False
    if counts is None:
        return is_reply(event.comment, Role.AGENT)
    look.on(event)
    return counts(look)
