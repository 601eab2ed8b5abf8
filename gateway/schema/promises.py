"""The shapes of what is promised: calendars with their versions, SLA policies in both forms, and their switches."""

from gateway.schema import events
from gateway.schema.fragments import (
    BOOLEAN,
    LASTING,
    LASTING_OR_BUSINESS,
    NAME,
    SLUGGED,
    TEXT,
    Fragment,
    by_name,
    choice,
    closed,
    either,
    listed,
    one_or_more,
    ref,
    suggested,
)
from gateway.schema.names import Names
from rules.fields import METRICS
from rules.reader_clocks import SWITCHES
from rules.ticket import Level, Status

_HOURS: Fragment = {"type": "string", "pattern": r"^\s*\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}\s*$"}
_LOCAL: Fragment = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$"}
_DATE: Fragment = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_TIME: Fragment = {"type": "string", "pattern": r"^\s*\d{1,2}:\d{2}\s*$"}
_NONE: Fragment = {"type": "null"}


def calendar() -> Fragment:
    version = closed("version", {"valid_from": _DATE, **_week()}, "valid_from", "open")
    return closed("calendar", {"timezone": {"type": "string"}, **_week(), "versions": listed(version), "always": BOOLEAN})


def _week() -> dict[str, Fragment]:
    hours = either(_HOURS, {"type": "array", "items": _HOURS})
    days = {"type": "object", "propertyNames": {"pattern": r"^[A-Za-z]{3}(\s*-\s*[A-Za-z]{3})?$"}, "additionalProperties": hours}
    country: dict[str, Fragment] = {
        "country": TEXT,
        "region": TEXT,
        "years": {"type": ["string", "integer"]},
        "extra": one_or_more(TEXT),
        "except": one_or_more(_DATE),
    }
    return {
        "open": days,
        "holidays": closed("holidays", country),
        "overrides": {"type": "object", "propertyNames": {"pattern": _DATE["pattern"]}, "additionalProperties": hours},
        "closures": listed(closed("closure", {"from": _LOCAL, "to": _LOCAL}, "from", "to")),
        "holiday_cuts_overnight": BOOLEAN,
        "leap_fallback": choice(("none", "feb28", "mar01")),
    }


# --- policies --------------------------------------------------------------------------------------------------------


def policy(names: Names) -> Fragment:
    shapes: dict[str, Fragment] = {
        "applies_to": {**ref("condition"), "not": {"required": ["similar"]}},
        "match": choice(("first", "all")),
        "calendar": suggested(names.of("calendars")),
        "calendar_from": one_or_more(either(TEXT, _from_table())),
        "pause_in": _statuses(),
        "targets": _table(),
        "clocks": by_name(_clock(), NAME),
        **_switches(),
    }
    return {**closed("policy", shapes, "applies_to"), "anyOf": [{"required": ["targets"]}, {"required": ["clocks"]}]}


def defaults() -> Fragment:
    return closed("switch", _switches())


def _statuses() -> Fragment:
    statuses = choice(map(str, Status))
    return either(statuses, {"type": "array", "items": statuses})


def _from_table() -> Fragment:
    return closed("calendar_from", {"table": SLUGGED, "match": one_or_more(TEXT), "column": TEXT}, "table", "match", "column")


def _table() -> Fragment:
    metrics = {"type": "object", "additionalProperties": False, "properties": {metric: _cell(metric) for metric in METRICS}}
    levels = {str(level): _level(level, metrics) for level in Level}
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": levels}


def _level(level: str, metrics: Fragment) -> Fragment:
    return {"title": level, "description": f"the targets at priority {level}", "examples": [{"first_response": "1h"}], **metrics}


def _cell(metric: str) -> Fragment:
    about = f"how long {metric.replace('_', ' ')} may take"
    return {"title": metric, "description": about, "examples": ["4h"], **either(LASTING_OR_BUSINESS, _NONE)}


def _clock() -> Fragment:
    mark = closed("mark", {"when": events.when(), "if": ref("condition")})
    start = closed("mark", {"when": events.when(), "if": ref("condition"), "retroactive": TEXT})
    marks = either(mark, listed(mark))
    shapes: dict[str, Fragment] = {
        "kind": choice(("sla", "ola", "underpinning")),
        "start": either(start, listed(start)),
        "stop": marks,
        "reset": marks,
        "cancel": marks,
        "pause": ref("condition"),
        "resume": ref("condition"),
        "run_while": ref("condition"),
        "repeat": choice(("none", "independent", "sequential")),
        "targets": listed(_target()),
        **_switches(),
    }
    return closed("clock", shapes, "targets")


def _target() -> Fragment:
    shapes: dict[str, Fragment] = {
        "if": ref("condition"),
        "within": either(LASTING_OR_BUSINESS, _NONE),
        "hours": choice(("business", "calendar")),
        "by": _TIME,
        "end_of_day": BOOLEAN,
    }
    return closed("target", shapes)


def _switches() -> dict[str, Fragment]:
    """As the reader knows them: those without words of their own take a boolean, a condition or a duration."""
    own = {"carry_pauses": BOOLEAN, "counts_as_reply": ref("condition"), "reopen_window": LASTING, "max_backdate": LASTING}
    return {name: choice(words) if words else own[name] for name, words in SWITCHES.items()}
