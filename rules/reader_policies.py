"""SLA policies, in the short form (a table of priorities and metrics) and in the complete one (`clocks`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from rules.bundle import ALWAYS, Condition, Span
from rules.fields import FIELDS, METRICS
from rules.metrics import is_one_of, short_form
from rules.nodes import Map, Node, Scalar, Seq
from rules.policy import ClockSpec, FromField, FromTable, Policy, Selector
from rules.reader_clocks import SWITCHES, of_the_past, read_clock, read_switch, read_switches
from rules.reader_context import Definition, Reading
from rules.reader_values import span
from rules.ticket import Level, Status, replace

_POLICY = ("applies_to", "match", "calendar", "calendar_from", "pause_in", "targets", "clocks", *SWITCHES)


def find_clocks(r: Reading) -> None:
    """The names of all clocks, before anything refers to one as `sla.NAME`."""
    for definition in r.definitions.values():
        clocks = definition.value.get("clocks") if definition.kind == "policy" and isinstance(definition.value, Map) else None
        if isinstance(clocks, Map):
            r.metrics = tuple(dict.fromkeys((*r.metrics, *clocks.entries)))


def read_policy(r: Reading, definition: Definition) -> None:
    what = f"SLA policy '{definition.name}'"
    node = r.map(definition.value, what, _POLICY)
    if r.slug(definition.key, "the name of an SLA policy") is None or node is None:
        return
    applies = r.need(node, "applies_to", what)
    made = of_the_past(r, applies, "which policy applies") if applies is not None else ALWAYS
    switches = {**r.sla_defaults, **read_switches(r, node)}
    pause = _pause_in(r, node)
    first = short_form(definition.name, _table(r, node, what), defaults=switches)
    clocks = {name: replace(clock, pause=pause, place=definition.key.place) for name, clock in first.clocks.items()}
    clocks |= _clocks(r, node, switches, pause, clocks)
    match: Any = r.choice(m, "'match'", ("first", "all")) if (m := node.get("match")) is not None else None
    r.policies[definition.name] = Policy(
        name=definition.name,
        applies_to=made if made is not None else ALWAYS,
        match=match or "first",
        calendar=r.named("calendar", c, "'calendar'") if (c := node.get("calendar")) is not None else None,
        calendar_from=_calendar_from(r, node),
        clocks=clocks,
        place=definition.key.place,
    )


def read_defaults(r: Reading) -> None:
    """`sla_defaults`: switches that hold where a policy and a clock say nothing."""
    for definition in r.definitions.values():
        if definition.kind == "sla_default":
            if definition.name not in SWITCHES:
                r.no_key(definition.key, definition.name, tuple(SWITCHES))
            else:
                r.sla_defaults |= read_switch(r, definition.name, definition.value)


def _pause_in(r: Reading, node: Map) -> "Condition | None":
    written = node.get("pause_in")
    if written is None or (isinstance(written, Seq) and not written.items):
        return None
    words = tuple(map(str, Status))
    statuses = frozenset(word for item in r.scalars(written, "'pause_in'") if (word := r.choice(item, "status", words)))
    return is_one_of("status", statuses) if statuses else None


def _clocks(
    r: Reading, node: Map, switches: Mapping[str, Any], pause: "Condition | None", table: Mapping[str, ClockSpec]
) -> dict[str, ClockSpec]:
    written = r.map(c, "'clocks'") if (c := node.get("clocks")) is not None else None
    found: dict[str, ClockSpec] = {}
    for name, entry in written.entries.items() if written else ():
        if name in table:
            r.wrong(entry.key, "TG301", f"'{name}' has targets twice, here and under 'targets'", help="keep one of the two")
        made = read_clock(r, entry.key, entry.value, switches, pause)
        if made is not None:
            found[name] = made
    return found


# --- the table -------------------------------------------------------------------------------------------------------


def _table(r: Reading, node: Map, what: str) -> dict[str, dict[str, Span]]:
    """`targets: { priority: { metric: span } }`; it may be missing where there are `clocks`."""
    value = node.get("targets")
    if value is None:
        if "clocks" not in node:
            r.need(node, "targets", what, help="add targets: { urgent: { first_response: 15m } }, or clocks")
        return {}
    rows = r.map(value, "'targets'")
    if rows is not None and not rows.entries:
        r.wrong(value, "TG206", "'targets' is empty", help="write urgent: { first_response: 15m }")
    found: dict[str, dict[str, Span]] = {}
    for entry in rows.entries.values() if rows else ():
        priority = r.choice(entry.key, "priority", tuple(map(str, Level)))
        row = _row(r, entry.key, entry.value)
        if priority is not None:
            found[priority] = row
    return found


def _row(r: Reading, key: Scalar, value: Node) -> dict[str, Span]:
    metrics = r.map(value, f"'{key.text}'", METRICS)
    found: dict[str, Span] = {}
    for metric, entry in metrics.entries.items() if metrics else ():
        none = isinstance(entry.value, Scalar) and entry.value.is_null
        made = None if none else span(r, entry.value, f"'{metric}'", target=True)
        if made is not None and metric in METRICS:
            found[metric] = made
    return found


# --- whose calendar --------------------------------------------------------------------------------------------------


def _calendar_from(r: Reading, node: Map) -> tuple[Selector, ...]:
    value = node.get("calendar_from")
    if value is None:
        return ()
    if "calendar" in node:
        key = node.entries["calendar_from"].key
        r.wrong(key, "TG207", "a policy has either 'calendar' or 'calendar_from'", help="name the calendar last in the list")
    items = value.items if isinstance(value, Seq) else [value]
    return tuple(made for item in items if (made := _selector(r, item)) is not None)


def _selector(r: Reading, node: Node) -> Selector | None:
    """A field that names the calendar, a table that does, or a calendar."""
    if isinstance(node, Map):
        return _from_table(r, node)
    if isinstance(node, Scalar) and (node.text in FIELDS or "." in node.text):
        spec = r.field_spec(node)
        for definition in [d for d in r.definitions.values() if d.kind == "calendar"]:
            definition.used = True  # the field may name any of them
        return FromField(spec.name) if spec is not None else None
    return r.named("calendar", node, "'calendar_from'")


def _from_table(r: Reading, node: Map) -> FromTable | None:
    r.map(node, "'calendar_from'", ("table", "match", "column"))
    table, match, column = (r.need(node, key, "'calendar_from'") for key in ("table", "match", "column"))
    name = r.named("table", table, "'table'") if table is not None else None
    fields = [spec.name for item in r.scalars(match, "'match'") if (spec := r.field_spec(item))] if match is not None else []
    cell = r.text(column, "'column'") if column is not None else None
    if name is None or cell is None or column is None or not fields:
        return None
    known = r.tables.get(name)
    if known is not None and cell not in known.columns:
        r.wrong(column, "TG308", f"table '{name}' has no column '{cell}'", help=r.suggestion(cell, known.columns))
    if known is not None and len(fields) != len(known.keys):
        r.wrong(node, "TG205", f"table '{name}' has {len(known.keys)} keys", help=f"match as many fields: {', '.join(known.keys)}")
    if known is not None:
        _calendars_in(r, column, [row.cells.get(cell, "").strip() for row in known.rows])
    return FromTable(name, tuple(fields), cell)


def _calendars_in(r: Reading, node: Node, names: Iterable[str]) -> None:
    """Every cell of the column names a calendar; a blank one leaves it to the next selector."""
    for name in dict.fromkeys(name for name in names if name):
        definition = r.definitions.get(("calendar", name))
        if definition is not None:
            definition.used = True
        elif not r.perhaps_in_broken_file(name):
            known = [known for kind, known in r.definitions if kind == "calendar"]
            r.unknown(node, "TG302", f"the table names a calendar '{name}' that is not there", name, known, "define it under calendars:")
