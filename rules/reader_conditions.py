"""`if:` and all that is written like it becomes a condition, ready to compare."""

from collections.abc import Callable, Mapping
from typing import Any

import re2

from rules.bundle import All, AnyOf, CalendarIs, Condition, FieldType, Named, NoneOf, Test
from rules.conditions import OPERATORS
from rules.fields import FieldSpec, nearest
from rules.nodes import Node, Scalar, Seq
from rules.pii import KINDS, Wanted
from rules.reader_context import MANY, Reading
from rules.reader_similar import read_similar
from rules.reader_values import duration, timestamp
from rules.text import Needle, fold, folded
from rules.ticket import Value

LONGEST_PATTERN = 5_000
GROUPS: Mapping[str, Callable[[tuple[Condition, ...]], Condition]] = {"all": All, "any": AnyOf, "none": NoneOf}
OPERATOR_SYNONYMS = {
    **dict.fromkeys(("equals", "eq", "equal", "=", "=="), "is"),
    **dict.fromkeys(("not", "is_not_equal", "neq", "!="), "is_not"),
    **dict.fromkeys(("in", "any_of", "is_one_of", "is_any_of"), "one_of"),
    **dict.fromkeys(("not_in", "none_of"), "not_one_of"),
    **dict.fromkeys(("greater_than", "gt", "more_than", ">"), "above"),
    **dict.fromkeys(("gte", "minimum", ">="), "at_least"),
    **dict.fromkeys(("less_than", "lt", "<"), "below"),
    **dict.fromkeys(("lte", "maximum", "<="), "at_most"),
    **dict.fromkeys(("regex", "regexp", "matches_regex", "like"), "matches"),
    **dict.fromkeys(("includes", "has"), "contains"),
    **dict.fromkeys(("pii", "contains_personal_data", "has_pii"), "contains_pii"),
    **dict.fromkeys(("is_empty", "blank", "missing"), "empty"),
    **dict.fromkeys(("not_contains", "does_not_contain", "excludes"), "contains_none"),
}


def condition(r: Reading, node: Node) -> "Condition | None":
    """A condition, or None with its problems reported; entries side by side must all hold."""
    if isinstance(node, Seq):
        r.wrong(node, "TG205", "a condition is a map of tests, not a list", help="write all:, any: or none: before the list")
        return None
    tests = r.map(node, "a condition")
    if tests is None:
        return None
    if not tests.entries:
        r.wrong(node, "TG206", "this condition is empty", help="write field: value, or remove it")
        return None
    parts = [part for name, entry in tests.entries.items() for part in _entry(r, name, entry.key, entry.value)]
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _entry(r: Reading, name: str, key: Scalar, value: Node) -> list[Condition]:
    """What one entry of a condition asks for; nothing where it was wrong."""
    if name in GROUPS:
        parts = [made for item in r.seq(value, f"'{name}'") if (made := condition(r, item)) is not None]
        return [GROUPS[name](tuple(parts))]
    if name == "use":
        return [made for item in r.scalars(value, "'use'") if (made := _used(r, item)) is not None]
    if name == "calendar":
        return list(_calendars(r, value))
    if name == "similar":
        return list(read_similar(r, key, value, condition))
    if name in ("expr", "else", "for_each", "script"):
        r.wrong(key, "TG201", f"'{name}' is kept for a later release", help="remove it; this release does not know it yet")
        return []
    spec = r.field_spec(key)
    return tests(r, spec, key, value) if spec else []


def _used(r: Reading, node: Scalar) -> "Condition | None":
    name = r.named("condition", node, "'use'")
    if name is None:
        return None
    if name not in r.conditions:
        define_condition(r, name)
    part = r.conditions[name]
    if part is None:
        definition = r.definitions[("condition", name)]
        r.wrong(
            node,
            "TG307",
            f"condition '{name}' uses itself",
            help="take one 'use' out of the circle",
            related=(definition.key.spot("defined here"),),
        )
        return None
    return Named(name, part)


def define_condition(r: Reading, name: str) -> None:
    """Read a named condition once; while it is being read, its entry is None, so that a circle is seen."""
    definition = r.definitions[("condition", name)]
    about, rule, r.about, r.rule = r.about, r.rule, f"in the condition '{name}'", None
    r.conditions[name] = None
    if r.slug(definition.key, "the name of a condition") is not None:
        made = condition(r, definition.value)
    else:
        made = None
    r.conditions[name] = made if made is not None else All(())
    r.about, r.rule = about, rule


def _calendars(r: Reading, node: Node) -> list[CalendarIs]:
    found: list[CalendarIs] = []
    states = r.map(node, "'calendar'")
    for entry in states.entries.values() if states else ():
        name = r.named("calendar", entry.key, "'calendar'")
        state = r.choice(entry.value, "a calendar", ("open", "closed", "holiday"))
        if name is not None and state is not None:
            found.append(CalendarIs(name, state, r.spot(entry.key)))  # type: ignore[arg-type]
    return found


# --- one field -------------------------------------------------------------------------------------------------------


def tests(r: Reading, spec: FieldSpec, key: Scalar, node: Node) -> list[Condition]:
    """The tests of one field: a value, a list of values, or operators that must all hold."""
    if isinstance(node, Scalar):
        return _made(r, spec, "contains" if spec.type == "set" else "is", key, node, key)
    if isinstance(node, Seq):
        return _made(r, spec, "contains_any" if spec.type == "set" else "one_of", key, node, key)
    if not node.entries:
        r.wrong(node, "TG206", f"the test of '{spec.name}' is empty", help="write an operator: { one_of: [..] }")
    return [part for name, entry in node.entries.items() for part in _operator(r, spec, name, entry.key, entry.value)]


def _operator(r: Reading, spec: FieldSpec, name: str, key: Scalar, value: Node) -> list[Condition]:
    if name not in OPERATORS:
        meant = nearest(name, OPERATORS, OPERATOR_SYNONYMS)
        help = f"did you mean '{meant}'?" if meant else f"all that suit it: ticketgate explain {spec.name}"
        r.wrong(key, "TG203", f"there is no operator called '{name}'", help=help)
        return []
    if spec.type not in OPERATORS[name]:
        _unfit(r, spec, name, key)
        return []
    return _made(r, spec, name, key, value, key)


_SUGGESTED: Mapping[FieldType, tuple[str, ...]] = {
    **dict.fromkeys(("text", "choice", "reference", "ordered_choice"), ("is", "one_of")),
    "set": ("contains", "contains_any"),
    "number": ("is", "at_least"),
    "time": ("older_than", "before"),
    "boolean": ("is", "empty"),
}


def _unfit(r: Reading, spec: FieldSpec, name: str, key: Scalar) -> None:
    first = _SUGGESTED[spec.type]
    suited = {
        "ordered_choice": "priority, severity, impact, urgency",
        "number": "numbers",
        "text": "texts",
        "set": "tags and other sets",
        "time": "moments",
    }
    where = " and ".join(said for kind, said in suited.items() if kind in OPERATORS[name])
    r.wrong(
        key,
        "TG204",
        f"'{name}' does not work on '{spec.name}'",
        note=f"{spec.name} is {spec.called}",
        help=f"use {' or '.join(repr(word) for word in first)}.  '{name}' is for {where}",
    )


def _made(r: Reading, spec: FieldSpec, operator: str, key: Scalar, node: Node, at: Scalar) -> list[Condition]:
    before = len(r.problems)
    value = _VALUES[operator](r, spec, operator, node)
    if len(r.problems) > before and any(problem.level == "error" for problem in r.problems[before:]):
        return []
    return [Test(spec.name, operator, value, spec.type, f"{spec.name} {_written(operator, node)}", r.spot(at))]


def _written(operator: str, node: Node) -> str:
    """As `why` shows it: is gold or platinum; below high; contains vip."""
    if isinstance(node, Seq):
        words = [item.text for item in node if isinstance(item, Scalar)]
        joined = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
        return f"{'is' if operator == 'one_of' else operator} {joined}"
    return f"{operator} {node.text}" if isinstance(node, Scalar) else operator


# --- values ----------------------------------------------------------------------------------------------------------


def _one(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    if isinstance(node, Seq):
        r.wrong(node, "TG205", f"'{operator}' wants one value", help="use one_of for several")
        return None
    return value(r, spec, node)


def _several(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    return frozenset(value(r, spec, item) for item in r.scalars(node, f"'{operator}'"))


def value(r: Reading, spec: FieldSpec, node: Node) -> Any:
    """One value of the field's type, ready to compare; TG205 or TG211 where it is none."""
    if isinstance(node, Scalar) and node.is_null:
        r.wrong(
            node, "TG205", f"a value is missing after '{spec.name}'", help=f"to ask for an empty field write {spec.name}: {{ empty: true }}"
        )
        return None
    if spec.type == "boolean":
        return r.boolean(node, f"'{spec.name}'")
    if spec.type == "number":
        return number(r, spec, node)
    if spec.type == "time":
        return timestamp(r, node, f"'{spec.name}'")
    return word(r, spec, node)


def word(r: Reading, spec: FieldSpec, node: Node) -> str | None:
    text = r.text(node, f"'{spec.name}'", help=f"to ask for an empty field write {spec.name}: {{ empty: true }}")
    if text is None:
        return None
    plain = fold(text)
    choices = choices_of(r, spec)
    if choices and plain not in folded(choices):
        no_choice(r, spec, node, text, choices)
    return plain


def choices_of(r: Reading, spec: FieldSpec) -> tuple[str, ...]:
    """The values that a field can have, where that is known."""
    if spec.name == "connection":
        return tuple(r.desk.connections)
    if spec.name == "system":
        return tuple(dict.fromkeys((*spec.choices, *r.desk.connections.values())))
    if spec.name == "sla.policy":
        return tuple(name for kind, name in r.definitions if kind == "policy")
    return spec.choices


def no_choice(r: Reading, spec: FieldSpec, node: Node, text: str, choices: tuple[str, ...]) -> None:
    if spec.name in ("connection", "sla.policy"):
        kind = "connection" if spec.name == "connection" else "policy"
        if not r.perhaps_in_broken_file(text):
            r.unknown(node, "TG302", f"there is no {kind} called '{text}'", text, choices)
        return
    meant = nearest(fold(text), choices)
    known = f"there are {', '.join(choices)}" if len(choices) <= MANY else ""
    help = "  ".join(part for part in (f"did you mean '{meant}'?" if meant else "", known) if part)
    r.wrong(node, "TG211", f"'{text}' is not a {spec.name.rpartition('.')[2].replace('_', ' ')}", help=help)


def number(r: Reading, spec: FieldSpec, node: Node) -> float | None:
    found = node.value if isinstance(node, Scalar) and node.plain else None
    if isinstance(found, bool) or not isinstance(found, int | float) or found != found or abs(found) > 1e300:
        r.wrong(node, "TG205", f"'{spec.name}' wants a number", help="write a number like 3 or 1.5, without quotes")
        return None
    return found


def _listed(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    name = r.named("list", node, f"'{operator}'")
    return r.lists.get(name, frozenset()) if name is not None else None


def _rank(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    """A bound: for an ordered choice all the words on its right side, else the number."""
    if spec.type == "number":
        return number(r, spec, node)
    wanted = _one(r, spec, operator, node)
    ranks = [fold(choice) for choice in spec.choices]
    if wanted not in ranks:
        return frozenset()
    at = ranks.index(wanted)
    sides = {"above": ranks[at + 1 :], "at_least": ranks[at:], "below": ranks[:at], "at_most": ranks[: at + 1]}
    if not sides[operator]:
        r.wrong(node, "TG205", f"nothing is {operator} '{wanted}'", help=f"{spec.name} goes from {spec.choices[0]} to {spec.choices[-1]}")
    return frozenset(sides[operator])


def _between(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    if not isinstance(node, Seq) or len(node) != 2:
        r.wrong(node, "TG205", "'between' wants two values", help="write between: [lowest, highest]; both ends are included")
        return None
    low, high = (value(r, spec, item) for item in node)
    if spec.type == "number":
        if low is not None and high is not None and low > high:
            r.wrong(node, "TG205", "the first value of 'between' is above the second", help="write the lower value first")
        return low, high
    ranks = [fold(choice) for choice in spec.choices]
    if low not in ranks or high not in ranks:
        return frozenset()
    if ranks.index(low) > ranks.index(high):
        r.wrong(node, "TG205", "the first value of 'between' is above the second", help="write the lower value first")
    return frozenset(ranks[ranks.index(low) : ranks.index(high) + 1])


def _members(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    """What a set must hold, or the phrases of a text."""
    if operator == "contains" and isinstance(node, Seq):
        r.wrong(node, "TG205", "'contains' wants one value", help="use contains_any or contains_all for several")
        return None
    if spec.type == "set":
        return frozenset(word(r, spec, item) for item in r.scalars(node, f"'{operator}'"))
    return tuple(Needle.of(item.text) for item in r.scalars(node, f"'{operator}'"))


def _edge(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    text = r.text(node, f"'{operator}'")
    if text is None:
        return None
    return Needle.start(text) if operator == "starts_with" else Needle.end(text)


def _pattern(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    text = r.text(node, "'matches'")
    return None if text is None else pattern(r, node, text)


def pattern(r: Reading, node: Node, text: str) -> Any:
    """A compiled RE2 pattern; case counts only where it begins with `(?-i)`. TG212 for one that RE2 does not understand."""
    if len(text) > LONGEST_PATTERN:
        r.wrong(node, "TG212", f"this pattern is longer than {LONGEST_PATTERN} characters", help="use contains_any, or a list")
        return None
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = text.startswith("(?-i)")
    try:
        return re2.compile(text.removeprefix("(?-i)"), options)
    except re2.error as wrong:
        help = "look-around and back-references are not known; put the pattern in single quotes so that \\ stays a \\"
        said = wrong.args[0].decode() if wrong.args and isinstance(wrong.args[0], bytes) else str(wrong)
        r.wrong(node, "TG212", f"this pattern cannot be read: {said}", help=help)
        return None


def _pii(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Wanted:
    return Wanted(kinds_of(r, node, "'contains_pii'"), r.desk.pii)


def kinds_of(r: Reading, node: Node, what: str) -> frozenset[str]:
    """Kinds of personal data, one as a plain value or several in a list."""
    return frozenset(kind for item in r.scalars(node, what) if (kind := r.choice(item, what, KINDS)) is not None)


def _moment(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    return timestamp(r, node, f"'{operator}'")


def _age(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    return duration(r, node, f"'{operator}'", positive=False)


def _flag(r: Reading, spec: FieldSpec, operator: str, node: Node) -> Any:
    return r.boolean(node, f"'{operator}'")


def _was(r: Reading, spec: FieldSpec, operator: str, node: Node) -> frozenset[Value]:
    return frozenset(value(r, spec, item) for item in r.scalars(node, "'was'"))


_VALUES: Mapping[str, Callable[[Reading, FieldSpec, str, Node], Any]] = {
    **dict.fromkeys(("is", "is_not"), _one),
    **dict.fromkeys(("one_of", "not_one_of"), _several),
    **dict.fromkeys(("in_list", "not_in_list"), _listed),
    **dict.fromkeys(("above", "at_least", "below", "at_most"), _rank),
    "between": _between,
    **dict.fromkeys(("contains", "contains_any", "contains_all", "contains_none"), _members),
    **dict.fromkeys(("starts_with", "ends_with"), _edge),
    "matches": _pattern,
    "contains_pii": _pii,
    **dict.fromkeys(("before", "after"), _moment),
    **dict.fromkeys(("older_than", "newer_than"), _age),
    **dict.fromkeys(("empty", "changed"), _flag),
    "was": _was,
}


def words_of(r: Reading, spec: FieldSpec, node: Node) -> frozenset[str]:
    """`from:` and `to:` of an event: folded words, whatever the field's type."""
    return frozenset(_as_word(value(r, spec, item)) for item in r.scalars(node, f"'{spec.name}'"))


def _as_word(found: Any) -> str:
    return str(found).casefold() if isinstance(found, bool) else str(found)
