"""The clocks of an SLA policy in their complete form: marks, conditions, targets and switches."""

from collections.abc import Callable, Mapping
from typing import Any

from rules.bundle import ALWAYS, Condition, On, Span, Test
from rules.leaves import leaves
from rules.metrics import BUILT_IN
from rules.nodes import Map, Node, Scalar, Seq
from rules.observation import Kind
from rules.policy import ClockSpec, Mark, Target
from rules.questions import similar_of
from rules.reader_conditions import condition
from rules.reader_context import NAME, Reading
from rules.reader_events import trigger
from rules.reader_values import duration, minutes_of, span
from rules.ticket import replace

SWITCHES: Mapping[str, tuple[str, ...]] = {
    "deadline_boundary": ("close", "next_open"),
    "calendar_change": ("from_change", "retroactive"),
    "breach_memory": ("sticky", "recompute"),
    "on_target_change": ("carry", "restart", "new_instance"),
    "on_reopen": ("resume", "restart", "new_instance", "ignore"),
    "on_merge": ("cancel", "earliest_start"),
    "on_split": ("fresh", "inherit"),
    "on_unmatch": ("cancel", "keep"),
    "agent_initiated": ("skip", "normal"),
    "clock_start": ("created", "next_open"),
    "carry_pauses": (),
    "counts_as_reply": (),
    "reopen_window": (),
    "max_backdate": (),
}
"""Each switch of `sla_defaults`, a policy or a clock, with its words; the last four take a boolean, a condition and durations."""
CLOCK = ("kind", "start", "stop", "reset", "cancel", "pause", "resume", "run_while", "repeat", "targets", *SWITCHES)
_STARTERS = frozenset(
    (
        *(Kind.CREATED, Kind.UPDATED, Kind.CHANGED, Kind.COMMENTED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED),
        *(Kind.REOPENED, Kind.RESOLVED, Kind.CLOSED),
    )
)


def read_clock(r: Reading, name: Scalar, node: Node, switches: Mapping[str, Any], pause: "Condition | None") -> ClockSpec | None:
    """One clock; a built-in one needs to say only what differs, one of the desk's own brings its start and stop."""
    what = f"clock '{name.text}'"
    if not NAME.fullmatch(name.text):
        help = "use small letters, digits and underscores: like_this_1"
        r.wrong(name, "TG210", f"'{name.text}' cannot be the name of a clock", help=help)
        return None
    written = r.map(node, what, CLOCK)
    if written is None:
        return None
    base = _base(r, name.text, written, what)
    targets = r.need(written, "targets", what, help="add targets: [{ within: 4h }]")
    own = read_switches(r, written)
    found: dict[str, Any] = {key: read(r, part, f"'{key}'") for key, read in _PARTS.items() if (part := written.get(key)) is not None}
    if pause is not None and "pause" not in found:
        found["pause"] = pause
    if (start := written.get("start")) is not None:
        found["retroactive"] = _retroactive(r, start)
    return replace(
        base,
        **{key: value for key, value in found.items() if value is not None},
        targets=_targets(r, targets) if targets is not None else (),
        switches=replace(base.switches, **{**switches, **own}),
        place=name.place,
    )


def _base(r: Reading, name: str, written: Map, what: str) -> ClockSpec:
    known = BUILT_IN.get(name)
    if known is not None:
        return known
    for part in ("start", "stop"):
        r.need(written, part, what, help=f"a clock of your own says when it begins and ends: {part}: {{ when: created }}")
    return ClockSpec(name=name, start=())


# --- marks -----------------------------------------------------------------------------------------------------------


def _marks(r: Reading, node: Node, what: str) -> tuple[Mark, ...]:
    items = r.seq(node, what) if isinstance(node, Seq) else [node]
    return tuple(mark for item in items if (mark := _mark(r, item, what)) is not None)


def _mark(r: Reading, node: Node, what: str) -> Mark | None:
    keys = ("when", "if", "retroactive") if what == "'start'" else ("when", "if")
    written = r.map(node, what, keys)
    if written is None:
        return None
    when, holds = written.get("when"), written.get("if")
    if when is None and holds is None:
        r.wrong(written, "TG206", f"{what} wants 'when', 'if' or both", help=f"write {what[1:-1]}: {{ when: created }}")
        return None
    events = _events(r, when) if when is not None else ()
    return Mark(events, of_the_past(r, holds) if holds is not None else None)


def _events(r: Reading, node: Node) -> tuple[On, ...]:
    found = []
    for item in r.seq(node, "'when'") if isinstance(node, Seq) else [node]:
        event = trigger(r, item)
        if isinstance(event, On) and event.kind in _STARTERS:
            found.append(event)
        elif event is not None:
            r.wrong(item, "TG203", "a clock cannot follow this event", help=f"it can follow {', '.join(sorted(_STARTERS))}")
    return tuple(found)


def _retroactive(r: Reading, node: Node) -> str | None:
    """The field that holds the true start: a moment of the ticket."""
    value = node.get("retroactive") if isinstance(node, Map) else None
    if not isinstance(value, Scalar):
        return None
    spec = r.field_spec(value)
    if spec is not None and spec.type != "time":
        r.wrong(value, "TG204", f"'{spec.name}' is no moment in time", help="name a field of type time, like created_at")
    return spec.name if spec is not None else None


def of_the_past(r: Reading, node: Node, what: str = "a clock") -> "Condition | None":
    """A condition that can be judged at any step of a ticket's past: it asks neither clocks nor what just changed."""
    made = condition(r, node)
    for part in leaves(made) if made is not None else ():
        if isinstance(part, Test) and part.operator in ("changed", "was"):
            help = f"name the event: when: {{ changed: {part.field} }}"
            r.wrong(node, "TG204", f"'{part.operator}' cannot decide about {what}", help=help)
        elif isinstance(part, Test) and part.field.startswith("sla."):
            r.wrong(node, "TG204", f"'{part.field}' cannot decide about {what}: it is worked out from it", help="ask a field of the ticket")
    if made is not None and similar_of(made) is not None:
        help = "let a rule with 'similar' tag the ticket, and ask for the tag here"
        r.wrong(node, "TG204", f"'similar' cannot decide about {what}: it asks other tickets, and of the past it is not known", help=help)
    return made


def _condition(r: Reading, node: Node, what: str) -> "Condition | None":
    return of_the_past(r, node)


def _word(*words: str) -> Callable[[Reading, Node, str], str | None]:
    return lambda r, node, what: r.choice(node, what, words)


_PARTS: Mapping[str, Callable[[Reading, Node, str], Any]] = {
    "kind": _word("sla", "ola", "underpinning"),
    "start": _marks,
    "stop": _marks,
    "reset": _marks,
    "cancel": _marks,
    "pause": _condition,
    "resume": _condition,
    "run_while": _condition,
    "repeat": _word("none", "independent", "sequential"),
}


# --- targets ---------------------------------------------------------------------------------------------------------


def _targets(r: Reading, node: Node) -> tuple[Target, ...]:
    return tuple(made for item in r.seq(node, "'targets'") if (made := _target(r, item)) is not None)


def _target(r: Reading, node: Node) -> Target | None:
    written = r.map(node, "a target", ("if", "within", "hours", "by", "end_of_day"))
    if written is None:
        return None
    holds = of_the_past(r, i) if (i := written.get("if")) is not None else ALWAYS
    end = bool(r.boolean(e, "'end_of_day'")) if (e := written.get("end_of_day")) is not None else False
    hours: Any = r.choice(h, "'hours'", ("business", "calendar")) if (h := written.get("hours")) is not None else "business"
    by = minutes_of(r, b, "'by'") if (b := written.get("by")) is not None else None
    within = _within(r, written, end)
    made = Target(within, holds if holds is not None else ALWAYS, hours or "business", by, end)
    _contradicts(r, written, made)
    return made


def _within(r: Reading, written: Map, end: bool) -> Span | None:
    value = written.get("within")
    if value is None and end:
        return Span(business=True, written="the same business day")
    if value is None:
        r.need(written, "within", "a target", help="add within: 4h; within: null says that there is none")
        return None
    return None if isinstance(value, Scalar) and value.is_null else span(r, value, "'within'", target=True)


def _contradicts(r: Reading, written: Map, target: Target) -> None:
    within, hour = target.within, target.by is not None or target.end_of_day
    if target.by is not None and target.end_of_day:
        r.wrong(written, "TG207", "a target has either 'by' or 'end_of_day'", help="keep one of the two")
    if hour and within is not None and within.time:
        help = 'write { within: 1 business days, by: "16:00" }'
        r.wrong(written, "TG205", "'by' and 'end_of_day' stand beside whole business days", help=help)
    if target.hours == "calendar" and (hour or (within is not None and within.business)):
        r.wrong(written, "TG205", "business days are counted in the calendar, not by the wall clock", help="remove hours: calendar")


# --- switches --------------------------------------------------------------------------------------------------------


def read_switches(r: Reading, written: Map) -> dict[str, Any]:
    """The switches that stand here, by name."""
    found: dict[str, Any] = {}
    for name, entry in written.entries.items():
        if name in SWITCHES:
            found |= read_switch(r, name, entry.value)
    return found


def read_switch(r: Reading, name: str, node: Node) -> dict[str, Any]:
    """One switch; nothing where it was wrong."""
    value = _switch(r, name, node)
    return {name: value} if value is not None else {}


def _switch(r: Reading, name: str, node: Node) -> Any:
    if name == "carry_pauses":
        return r.boolean(node, f"'{name}'")
    if name == "counts_as_reply":
        return of_the_past(r, node)
    if name in ("reopen_window", "max_backdate"):
        return duration(r, node, f"'{name}'")
    return r.choice(node, f"'{name}'", SWITCHES[name])
