"""All SLA policies of a bundle, compiled once: which clocks there can be, and what rules each of them at a step of a ticket's past."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.bundle import Bundle, Condition, On
from rules.calendar import Calendar
from rules.conditions import Predicate, compiled
from rules.events import is_reply
from rules.leaves import fields_of, judges_time
from rules.look import Look
from rules.lookup import Lookup, lookups
from rules.metrics import MERGED
from rules.observation import Event, Kind
from rules.policy import ClockSpec, FromField, FromTable, Mark, Policy, Selector, Target
from rules.ticket import Role, Value
from rules.triggers import means

AROUND_THE_CLOCK = Calendar(always=True)
_SAID = frozenset({"text", "last_customer_reply_at", "last_agent_reply_at"})


@dataclass(frozen=True, slots=True)
class Signal:
    """A mark made ready. `holds` alone: from when it holds; `kinds` are the events that it names."""

    on: tuple[On, ...]
    kinds: frozenset[Kind]
    holds: Predicate | None

    @property
    def level(self) -> bool:
        return not self.on


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A clock of a policy made ready."""

    policy: Policy
    spec: ClockSpec
    start: tuple[Signal, ...]
    stop: tuple[Signal, ...]
    reset: tuple[Signal, ...]
    cancel: tuple[Signal, ...]
    runs: Predicate | None
    pauses: Predicate | None
    resumes: Predicate | None
    counts: Predicate | None  # what of the words spoken is a reply; None: a public word of an agent
    targets: tuple[tuple[Predicate, Target], ...]


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
    always: bool  # whether any step may change it
    together: bool  # of a policy that says `match: all`


@dataclass(frozen=True, slots=True, eq=False)
class Promises:
    """Never changed; threads may share it."""

    bundle: Bundle
    first: tuple[Option, ...]
    tracks: tuple[Track, ...]
    merged: Predicate
    calendar: Calendar  # the desk's own

    @classmethod
    def of(cls, bundle: Bundle) -> "Promises":
        tables = lookups(bundle.tables)
        options = [_option(policy, bundle, tables) for policy in bundle.policies]
        first = tuple(o for o in options if o.policy.match == "first")
        names = dict.fromkeys(name for option in first for name in option.plans)
        tracks = [_track(name, first, together=False) for name in names]
        tracks += [_track(name, (o,), together=True) for o in options if o.policy.match == "all" for name in o.plans]
        own = bundle.calendars.get(bundle.desk.default_calendar or "", AROUND_THE_CLOCK)
        return cls(bundle, first, tuple(tracks), compiled(MERGED), own)

    @property
    def together(self) -> Iterator[Option]:
        return (track.options[0] for track in self.tracks if track.together)


def _option(policy: Policy, bundle: Bundle, tables: Mapping[str, Lookup]) -> Option:
    plans = {name: _plan(policy, spec) for name, spec in policy.clocks.items()}
    return Option(policy, compiled(policy.applies_to), plans, _calendar_of(policy, bundle, tables))


def _plan(policy: Policy, spec: ClockSpec) -> Plan:
    return Plan(
        policy,
        spec,
        start=_signals(spec.start),
        stop=_signals(spec.stop),
        reset=_signals(spec.reset),
        cancel=_signals(spec.cancel),
        runs=_maybe(spec.run_while),
        pauses=_maybe(spec.pause),
        resumes=_maybe(spec.resume),
        counts=_maybe(spec.switches.counts_as_reply),
        targets=tuple((compiled(target.condition), target) for target in spec.targets),
    )


def _maybe(condition: "Condition | None") -> Predicate | None:
    return compiled(condition) if condition is not None else None


def _signals(marks: Sequence[Mark]) -> tuple[Signal, ...]:
    return tuple(Signal(mark.on, frozenset(on.kind for on in mark.on), _maybe(mark.holds)) for mark in marks)


def _track(name: str, options: tuple[Option, ...], *, together: bool) -> Track:
    conditions = [o.policy.applies_to for o in options]
    plans = [o.plans[name] for o in options if name in o.plans]
    conditions += [target.condition for plan in plans for target in plan.spec.targets]
    fields = frozenset[str]().union(*map(fields_of, conditions), *(_selecting(o.policy) for o in options))
    always = bool(fields & _SAID) or any(map(judges_time, conditions)) or any(f.startswith("comment.") for f in fields)
    return Track(name, options, fields, always, together)


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
    return any(_meant(signal, event, look, counts) for event in events for signal in signals if event.kind in signal.kinds)


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
