"""Events: words, and the forms with details."""

from gateway.schema.fragments import TEXT, Fragment, choice, closed, either, listed, one_or_more, spoken, suggested
from gateway.schema.names import Names
from gateway.topics.language import EVENTS as SAID
from gateway.topics.language import saying
from rules.fields import METRICS, every_name
from rules.reader_events import DETAILED, EVENT_NAMES, HAPPENS_TO, SINCE, WITH_DETAILS
from rules.ticket import Status

_DAYS: Fragment = {"type": "string", "pattern": r"^(mon|tue|wed|thu|fri|sat|sun)(\s*-\s*(mon|tue|wed|thu|fri|sat|sun))?$"}


def definitions(names: Names) -> dict[str, Fragment]:
    words = choice(name for name in EVENT_NAMES if name not in WITH_DETAILS)
    shapes = _detailed(names)
    properties = {name: spoken(name, saying(SAID, name), shapes.get(name, {})) for name in DETAILED}
    long = {"type": "object", "additionalProperties": False, "minProperties": 1, "maxProperties": 1, "properties": properties}
    return {"event": either({"title": "event", "description": "what sets a rule off", **words}, long)}


def _detailed(names: Names) -> dict[str, Fragment]:
    metric = choice(METRICS)
    fields: list[Fragment] = [{"enum": _fields(names)}, {"type": "string", "pattern": r"^custom\."}]
    field = either(*fields)
    calendar = suggested(names.of("calendars"))
    values = one_or_more(TEXT)
    waiting = closed("waiting", {"status": one_or_more(choice(map(str, Status))), "since": choice(SINCE), "calendar": calendar}, "status")
    return {
        "changed": either(*fields, closed("changed", {"field": field, "from": values, "to": values}, "field")),
        "sla": either(metric, closed("sla", {"metric": metric, "policy": suggested(names.of("sla_policies"))}, "metric")),
        "waiting": waiting,
        "every": closed(
            "every", {"at": {"type": "string", "pattern": r"^\d{1,2}:\d{2}$"}, "days": one_or_more(_DAYS), "calendar": calendar}, "at"
        ),
    }


def _fields(names: Names) -> list[str]:
    return [name for name in every_name(names.fields) if name in HAPPENS_TO or name.startswith("custom.")]


def when() -> Fragment:
    """One event, or a list of them."""
    event: Fragment = {"$ref": "#/$defs/event"}
    return {"anyOf": [event, listed(event)]}
