"""`similar`: in which fields tickets must be alike, within which time, and how many."""

from collections.abc import Callable, Iterator

from rules.condition_tree import Condition, Similar
from rules.fields import FieldSpec
from rules.nodes import Node, Scalar, Seq
from rules.reader_context import Reading
from rules.reader_values import duration

_NOT_ALIKE = ("comment.", "sla.")
_OF_COMMENTS = frozenset({"text", "last_customer_reply_at", "last_agent_reply_at"})


def read_similar(r: Reading, key: Scalar, node: Node, condition: Callable[[Reading, Node], "Condition | None"]) -> Iterator[Similar]:
    """The test, or nothing with its problems reported; `condition` reads what stands under `among`."""
    details = r.map(node, "'similar'", ("same", "within", "at_least", "among"))
    if details is None:
        return
    same, within, least = (r.need(details, name, "'similar'") for name in ("same", "within", "at_least"))
    among = condition(r, a) if (a := details.get("among")) is not None else None
    if same is None or within is None or least is None:
        return
    fields = tuple(dict.fromkeys(spec.name for item in r.scalars(same, "'same'") if (spec := _comparable(r, item)) is not None))
    span, count = duration(r, within, "'within'"), r.integer(least, "'at_least'", 2, 1_000_000)
    if fields and span and count:
        spoken = within.text if isinstance(within, Scalar) else ""
        written = f"{', '.join(fields)} within {spoken}" + (f" among {_source(details.entries['among'].value)}" if among else "")
        yield Similar(fields, span, count, among, written, r.spot(key))


def _comparable(r: Reading, node: Scalar) -> FieldSpec | None:
    spec = r.field_spec(node)
    if spec is not None and (spec.name.startswith(_NOT_ALIKE) or spec.name in _OF_COMMENTS or spec.type == "time"):
        r.wrong(node, "TG204", f"'same' does not work on '{spec.name}'", help="name fields that tickets can have in common")
        return None
    return spec


def _source(node: Node) -> str:
    """A condition in one line, as it was written."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return f"[{', '.join(map(_source, node.items))}]"
    return "{ " + ", ".join(f"{name}: {_source(entry.value)}" for name, entry in node.entries.items()) + " }"
