"""Conditions: every field as a property, with the operators that suit its type."""

from collections.abc import Iterator

from gateway.schema.fragments import (
    BOOLEAN,
    LASTING,
    SLUGGED,
    TEXT,
    Fragment,
    choice,
    closed,
    either,
    listed,
    one_or_more,
    ref,
    shown,
    suggested,
    told,
)
from gateway.schema.names import Names
from gateway.topics.language import OPERATORS as SAID
from gateway.topics.language import saying
from rules.conditions import OPERATORS
from rules.fields import FieldSpec, every_name, spec_of
from rules.pii import KINDS
from rules.reader_conditions import GROUPS

NUMBER: Fragment = {"type": "number"}
MOMENT: Fragment = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?$"}


def definitions(names: Names) -> dict[str, Fragment]:
    """`condition`, and one definition for the tests of each field."""
    specs = [spec for name in every_name(names.fields) if (spec := spec_of(name, names.fields)) is not None]
    return {"condition": _condition(names, specs), **{f"test.{spec.name}": _test(names, spec) for spec in specs}, "test.custom": _custom()}


def value(names: Names, spec: FieldSpec) -> Fragment:
    """One value of the field."""
    if spec.name == "connection":
        return _strict(names.desk.connections)
    if spec.name == "group":
        return suggested(names.groups)
    if spec.name == "sla.policy":
        return suggested(names.of("sla_policies"))
    if spec.name == "system":
        return suggested((*spec.choices, *names.desk.connections.values()))
    if spec.type in ("choice", "ordered_choice") and spec.choices:
        return choice(spec.choices) if not spec.name.startswith("custom.") else _words(spec.choices)
    return {"number": NUMBER, "time": MOMENT, "boolean": BOOLEAN}.get(spec.type, TEXT)


def _strict(known: object) -> Fragment:
    names = sorted(known) if known else []  # type: ignore[call-overload]
    return choice(names) if names else SLUGGED


def _words(choices: tuple[str, ...]) -> Fragment:
    """Choices that a person wrote may look like numbers."""
    return {"enum": [word for text in choices for word in _forms(text)]}


def _forms(text: str) -> Iterator[object]:
    yield text
    if text.isdigit():
        yield int(text)


def _condition(names: Names, specs: list[FieldSpec]) -> Fragment:
    inner = listed(ref("condition"))
    used = one_or_more(suggested(names.of("conditions")))
    calendars = {"type": "object", "minProperties": 1, "additionalProperties": choice(("open", "closed", "holiday"))}
    special = {**{group: inner for group in GROUPS}, "use": used, "calendar": calendars, "similar": _similar(names)}
    properties = {name: told(f"condition.{name}", shape) for name, shape in special.items()}
    properties |= {spec.name: {"title": spec.name, "description": spec.meaning, **ref(f"test.{spec.name}")} for spec in specs}
    return {
        "title": "condition",
        "description": "tests side by side, which must all hold",
        "type": "object",
        "minProperties": 1,
        "properties": properties,
        "patternProperties": {r"^custom\.[a-z]": ref("test.custom")},
        "additionalProperties": False,
    }


def _similar(names: Names) -> Fragment:
    field = {"anyOf": [{"enum": list(every_name(names.fields))}, {"type": "string", "pattern": r"^custom\."}]}
    least = {"type": "integer", "minimum": 2}
    shapes = {"same": one_or_more(field), "within": LASTING, "at_least": least, "among": ref("condition")}
    return closed("similar", shapes, "same", "within", "at_least")


def _test(names: Names, spec: FieldSpec) -> Fragment:
    """The short forms, a value or a list of values, and the long one with operators."""
    one = value(names, spec)
    properties = {name: _operator(names, spec, name, one) for name, types in OPERATORS.items() if spec.type in types}
    long = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": properties}
    forms = one["anyOf"] if set(one) == {"anyOf"} else [one]
    short = [] if spec.type in ("time", "boolean") else [listed(one)]
    made = either(*forms, *short, long) if spec.type != "time" else long
    return {"title": spec.name, "description": spec.meaning, "examples": [_example(spec)], **made}


def _example(spec: FieldSpec) -> object:
    if spec.choices:
        return spec.choices[0]
    return {"set": ["vip"], "number": {"at_least": 3}, "time": {"older_than": "1d"}, "boolean": False}.get(spec.type, {"empty": False})


def _operator(names: Names, spec: FieldSpec, name: str, one: Fragment) -> Fragment:
    said = saying(SAID, name)
    shape = _shape(names, spec, name, one)
    return {"title": name, "description": said.meaning, "examples": [_of_operator(spec, name, one)], **shape}


_OF_VALUES = ("is", "is_not", "above", "at_least", "below", "at_most", "one_of", "not_one_of", "was", "between")
_BY_TYPE = {"number": 3, "boolean": True, "time": "2026-03-02"}


def _of_operator(spec: FieldSpec, name: str, one: Fragment) -> object:
    """An example that suits the field: of its own choices where it has some."""
    values = one.get("enum") or ([_BY_TYPE[spec.type]] if spec.type in _BY_TYPE else [])
    if not values or name not in _OF_VALUES:
        return shown(saying(SAID, name).example, 2)
    if name == "between":
        return [values[0], values[-1]]
    return [values[0]] if name in ("one_of", "not_one_of") else values[0]


def _shape(names: Names, spec: FieldSpec, name: str, one: Fragment) -> Fragment:
    several = one_or_more(one)
    shapes = {
        **dict.fromkeys(("is", "is_not", "above", "at_least", "below", "at_most"), one),
        **dict.fromkeys(("one_of", "not_one_of", "was"), several),
        **dict.fromkeys(("in_list", "not_in_list"), suggested(names.of("lists"))),
        **dict.fromkeys(("contains", "starts_with", "ends_with", "matches"), TEXT),
        **dict.fromkeys(("contains_any", "contains_all", "contains_none"), one_or_more(TEXT)),
        "contains_pii": one_or_more(choice(KINDS)),
        "between": {**listed(one, 2), "maxItems": 2},
        **dict.fromkeys(("before", "after"), MOMENT),
        **dict.fromkeys(("older_than", "newer_than"), LASTING),
        **dict.fromkeys(("empty", "changed"), BOOLEAN),
    }
    return shapes.get(name, {})


def _custom() -> Fragment:
    """A field of the desk's own that the schema has not seen yet."""
    return {"title": "custom.NAME", "description": "a field declared under fields:", "examples": ["gold"], "type": _ANY}


_ANY = ["string", "number", "boolean", "array", "object"]
