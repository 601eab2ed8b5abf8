"""The schemas of whole files: `rules`, `tests` and `config`."""

from collections.abc import Mapping
from typing import Any

from gateway.schema import conditions, events, promises, settings, steps
from gateway.schema.fragments import (
    BOOLEAN,
    LASTING,
    LASTING_OR_BUSINESS,
    NAME,
    SLUG,
    SLUGGED,
    TEXT,
    TIMES,
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
from rules.asking import OUTCOMES
from rules.fields import every_name, spec_of
from rules.reader_definitions import FIELD_TYPES
from rules.reader_rules import MODES
from rules.trial_values import LISTS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
KINDS = ("rules", "tests", "config")
_VERSION: Fragment = {"enum": [1, "1"]}


def document(kind: str, names: Names | None = None) -> dict[str, Any]:
    """The schema of one kind of file. Raises `KeyError` for a kind that there is not."""
    return _DOCUMENTS[kind](names or Names())


def _headed(title: str, body: Fragment, definitions: Mapping[str, Fragment]) -> dict[str, Any]:
    return {"$schema": DRAFT, "$id": f"urn:ticketgate:{title.replace(' ', '-')}", "title": title, **body, "$defs": dict(definitions)}


def _rules(names: Names) -> dict[str, Any]:
    shapes: dict[str, Fragment] = {
        "version": _VERSION,
        "ruleset": _ruleset(names),
        "rules": either({"type": "array", "items": ref("rule")}, {"type": "null"}),
        **_definitions(names),
    }
    known = {**_language(names), "rule": _rule(), "stage": _stage()}
    return _headed("ticketgate rules", closed("file", shapes, "version"), known)


def _language(names: Names) -> dict[str, Fragment]:
    return {**conditions.definitions(names), **events.definitions(names), **steps.definitions(names)}


def _ruleset(names: Names) -> Fragment:
    shapes: dict[str, Fragment] = {
        "id": SLUGGED,
        "title": TEXT,
        "order": {"type": "integer"},
        "pick": choice(("first", "all")),
        "mode": choice(MODES),
        "connections": one_or_more(choice(sorted(names.desk.connections)) if names.desk.connections else SLUGGED),
    }
    return closed("ruleset", shapes)


def _rule() -> Fragment:
    limits = {"per_ticket": TIMES, "per_requester": TIMES, "total": TIMES, "when_reached": choice(("skip", "pause_rule"))}
    shapes: dict[str, Fragment] = {
        "id": SLUGGED,
        "name": TEXT,
        "description": TEXT,
        "owner": TEXT,
        "mode": choice(MODES),
        "when": events.when(),
        "if": ref("condition"),
        "then": ref("steps"),
        "stages": listed(ref("stage")),
        "limits": closed("limits", limits),
        "catch_up": choice(("latest", "all", "skip")),
        "react_to_own_changes": BOOLEAN,
    }
    return {**closed("rule", shapes, "id", "when"), "anyOf": [{"required": ["then"]}, {"required": ["stages"]}]}


def _stage() -> Fragment:
    at: Fragment = {"type": "string", "pattern": r"^\s*(\d{1,4}\s?%|breach(\s*[+-]\s*.+)?)\s*$"}
    repeat = closed("repeat", {"every": LASTING, "times": {"type": "integer", "minimum": 1}}, "every", "times")
    deliver = choice(("now", "business_hours"))
    shapes = {"at": at, "after": LASTING_OR_BUSINESS, "then": ref("steps"), "repeat": repeat, "deliver": deliver}
    return {**closed("stage", shapes, "then"), "anyOf": [{"required": ["at"]}, {"required": ["after"]}]}


# --- definitions -----------------------------------------------------------------------------------------------------


def _definitions(names: Names) -> dict[str, Fragment]:
    values = closed("list", {"values": one_or_more(TEXT), "file": TEXT})
    return {
        "conditions": by_name(ref("condition")),
        "lists": by_name({**values, "minProperties": 1, "maxProperties": 1}),
        "tables": by_name(closed("table", {"file": TEXT, "keys": one_or_more(TEXT)}, "file", "keys")),
        "calendars": by_name(promises.calendar()),
        "sla_defaults": promises.defaults(),
        "sla_policies": by_name(promises.policy(names)),
        "fields": by_name(_field(names), NAME),
    }


def _field(names: Names) -> Fragment:
    known = sorted(names.desk.connections)
    remote: Fragment = {"type": "object", "additionalProperties": TEXT, "propertyNames": {"enum": known} if known else {"pattern": SLUG}}
    return closed("field", {"type": choice(FIELD_TYPES), "values": one_or_more(TEXT), "from": remote}, "type")


# --- tests -----------------------------------------------------------------------------------------------------------


def _tests(names: Names) -> dict[str, Any]:
    case = {
        **closed("test", {"name": TEXT, "event": ref("happening"), "expect": ref("expect"), "steps": listed(ref("test_step"))}, "name"),
        "anyOf": [{"required": ["steps"]}, {"required": ["event", "expect"]}],
    }
    givens = _givens(names)
    case["properties"] = {**case["properties"], **givens["properties"]}
    shapes = {"version": _VERSION, "suite": TEXT, "defaults": givens, "tests": listed(ref("test"))}
    known = {**_language(names), "test": case, "test_step": _test_step(), "expect": _expect(names), "ticket": _ticket(names)}
    return _headed("ticketgate tests", closed("tests", shapes, "version", "tests"), {**known, "happening": _happening(names)})


def _givens(names: Names) -> Fragment:
    rules, rows = one_or_more(suggested(names.rules)), listed({"type": "object"})
    return closed("given", {"now": conditions.MOMENT, "ticket": ref("ticket"), "history": rows, "others": rows, "rules": rules})


def _ticket(names: Names) -> Fragment:
    """Fields by dotted names, or nested below requester, comment and custom."""
    specs = [spec for name in every_name(names.fields) if (spec := spec_of(name, names.fields)) is not None]
    properties: dict[str, Any] = {}
    for spec in specs:
        about = {"title": spec.name, "description": spec.meaning, "examples": [None]}
        one = conditions.value(names, spec)
        forms = one["anyOf"] if set(one) == {"anyOf"} else [one]
        more = [{"type": "array", "items": TEXT}] if spec.type == "set" else []
        properties[spec.name] = {**about, "anyOf": [*forms, *more, {"type": "null"}]}
    for group in ("requester", "comment", "custom"):
        below = {name.partition(".")[2]: shape for name, shape in properties.items() if name.startswith(f"{group}.")}
        inner = {"type": "object", "properties": below, "additionalProperties": group == "custom"}
        properties[group] = {"title": group, "description": f"fields that begin with {group}.", "examples": [{}], **inner}
    return {"type": "object", "properties": properties, "patternProperties": {r"^custom\.": {}}, "additionalProperties": False}


def _happening(names: Names) -> Fragment:
    """What a test can bring: an event, a person who names a rule, or the answer to an approval."""
    manual = {"type": "object", "additionalProperties": False, "required": ["manual"], "properties": {"manual": suggested(names.rules)}}
    said = {"title": "approval_answered", "description": "what the newest open question gets", "examples": ["approved"]}
    by = {"title": "by", "description": "who answered", "examples": ["ana@example.com"], **TEXT}
    answer = {"approval_answered": {**said, **choice(OUTCOMES)}, "by": by}
    answered = {"type": "object", "additionalProperties": False, "required": ["approval_answered"], "properties": answer}
    return {"anyOf": [ref("event"), manual, answered]}


def _test_step() -> Fragment:
    at = {"type": ["string"], "pattern": LASTING["pattern"]}
    return closed("step", {"at": at, "event": ref("happening"), "ticket": ref("ticket"), "expect": ref("expect")}, "at")


def _expect(names: Names) -> Fragment:
    entries: Fragment = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
    shapes: dict[str, Fragment] = {name: entries for name in LISTS}
    return closed("expect", {**shapes, "ticket": ref("condition"), "exactly": BOOLEAN})


_DOCUMENTS = {"rules": _rules, "tests": _tests, "config": settings.document}
