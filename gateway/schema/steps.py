"""Steps: one object with every verb as an optional property, and exactly one allowed."""

from gateway.schema.conditions import value
from gateway.schema.fragments import (
    LASTING_OR_BUSINESS,
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
    spoken,
    suggested,
)
from gateway.schema.names import Names
from gateway.topics.language import VERBS as SAID
from gateway.topics.language import saying
from rules.fields import every_name, spec_of
from rules.pii import KINDS
from rules.reader_asking import PEOPLE
from rules.reader_verbs import VERBS
from rules.ticket import Level

_LEVELS = tuple(map(str, Level))
_LANGUAGE: Fragment = {"type": "string", "pattern": "^(auto|[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)$"}


def definitions(names: Names) -> dict[str, Fragment]:
    shapes = _verbs(names)
    properties = {verb: spoken(verb, saying(SAID, verb), shapes.get(verb, {})) for verb in VERBS}
    step = {
        "title": "step",
        "description": "one verb with its details",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"step": step, "steps": listed(ref("step")), "direction": _direction(names), "conflict": _conflict(names)}


def _verbs(names: Names) -> dict[str, Fragment]:
    by = {"by": {"type": "integer", "minimum": 1, "maximum": 3}, "up_to": choice(_LEVELS)}
    return {
        "assign": _assign(names),
        "set": _set(names),
        "raise_priority": either(choice(_LEVELS), closed("raise_priority", by, "by")),
        "tag": {**closed("tag", {"add": one_or_more(TEXT), "remove": one_or_more(TEXT)}), "minProperties": 1},
        "restrict": closed("restrict", {"group": suggested(names.groups), "redact": one_or_more(choice(KINDS))}, "group"),
        "stop": choice(("ruleset", "ticket")),
        **_messages(names),
        **_elsewhere(names),
    }


def _messages(names: Names) -> dict[str, Fragment]:
    said = {"template": suggested(names.templates), "text": TEXT}
    steps = ref("steps")
    asked = {"ask": TEXT, "within": LASTING_OR_BUSINESS, "calendar": suggested(names.of("calendars")), "question": TEXT}
    waiting = {"approved": steps, "denied": steps, "no_answer": steps}
    return {
        "reply": closed("reply", {**said, "language": _LANGUAGE, "public": {"const": True}}),
        "note": closed("note", said),
        "notify": closed("notify", {"to": _recipients(names), **said}, "to"),
        "page": closed("page", {"to": _strict(names.desk.on_call), "urgency": choice(("high", "low")), "text": TEXT}, "to", "text"),
        "approval": closed("approval", {**asked, **waiting}, "ask", "within", "question"),
    }


def _elsewhere(names: Names) -> dict[str, Fragment]:
    created: Fragment = {"type": "object", "additionalProperties": TEXT}
    joined = {"to": choice(("problem", "duplicate", "parent")), "if_missing": choice(("create", "skip")), "create": created}
    return {
        "sync": _sync(names, created),
        "link": closed("link", joined, "to"),
        "webhook": closed("webhook", {"to": _strict(names.endpoints), "body": {"type": ["string", "object", "array"]}}, "to", "body"),
    }


def _strict(known: frozenset[str]) -> Fragment:
    return choice(sorted(known)) if known else SLUGGED


def _recipients(names: Names) -> Fragment:
    known = (*PEOPLE, *sorted(names.desk.channels))
    return one_or_more(choice(known) if names.desk.channels else SLUGGED)


def _assign(names: Names) -> Fragment:
    table = closed(
        "from_table", {"table": suggested(names.of("tables")), "match": one_or_more(_field(names)), "column": TEXT}, "table", "column"
    )
    group = suggested(names.groups)
    shapes = {
        "group": group,
        "user": TEXT,
        "from_table": table,
        "otherwise": group,
        "strategy": choice(("keep", "round_robin", "least_open")),
    }
    return {**closed("assign", shapes, keys=ASSIGN), "minProperties": 1}


ASSIGN = ("group", "user", "from_table", "otherwise", "strategy")


def _field(names: Names) -> Fragment:
    return {"anyOf": [{"enum": list(every_name(names.fields))}, {"type": "string", "pattern": r"^custom\."}]}


def _set(names: Names) -> Fragment:
    specs = (spec for name in every_name(names.fields) if (spec := spec_of(name, names.fields)) is not None and spec.writable)
    texts = {"type": "string", "pattern": r"\{\{"}
    properties = {}
    for spec in specs:
        one = value(names, spec)
        forms = one["anyOf"] if set(one) == {"anyOf"} else [one]
        more = [] if spec.type == "boolean" else [texts]
        about = {"title": spec.name, "description": spec.meaning, "examples": list(spec.choices[:1]) or ["{{ ticket.subject }}"]}
        properties[spec.name] = {**about, "anyOf": [*forms, *more, {"type": "null"}, *([listed(TEXT)] if spec.type == "set" else [])]}
    custom = {"type": ["string", "number", "boolean", "array", "null"]}
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": properties,
        "patternProperties": {r"^custom\.[a-z]": custom},
    }


def _sync(names: Names, created: Fragment) -> Fragment:
    kept = either(choice(("both_ways",)), closed("keeping", {"direction": ref("direction"), "conflict": ref("conflict"), **_owner(names)}))
    comments = closed("comments", {"direction": ref("direction"), "only": choice(("public", "all")), **_owner(names)})
    limits: dict[str, Fragment] = {
        "largest": {"type": "string", "pattern": r"^[0-9]{1,9} ?([kK]|[mM]|[gG])[bB]$"},
        "at_most": {"type": "integer", "minimum": 1, "maximum": 1000},
        "types": one_or_more({"type": "string", "pattern": "^(\\.|.+/.)"}),
    }
    files = closed("attachments", {"direction": ref("direction"), "only": choice(("public", "all")), **limits, **_owner(names)})
    shapes = {
        "with": _strict(frozenset(names.desk.connections)),
        "if_missing": choice(("create", "skip")),
        "create": created,
        "status": ref("direction"),
        "comments": either(choice(("both_ways",)), comments),
        "attachments": either(choice(("both_ways",)), files),
        "fields": by_name(kept, r"^[a-z][a-z0-9_.]*$"),
        "conflict": ref("conflict"),
    }
    return closed("sync", shapes, "with")


def _owner(names: Names) -> dict[str, Fragment]:
    return {"owner": _strict(frozenset(names.desk.connections))}


def _direction(names: Names) -> Fragment:
    return either(choice(("both_ways",)), closed("direction", _owner(names), "owner"))


def _conflict(names: Names) -> Fragment:
    return either(choice(("ask", "newest_wins")), closed("direction", _owner(names), "owner"))
