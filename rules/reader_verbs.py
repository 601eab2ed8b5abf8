"""The steps of `then:`: one function for each verb, from its details to a value."""

from collections.abc import Callable, Mapping
from typing import Any

from rules.bundle import Assign, RaisePriority, Restrict, Say, Set, Step, Stop, Tag, Tell, Verb
from rules.fields import FieldSpec, nearest
from rules.nodes import Map, Node, Scalar
from rules.reader_asking import PEOPLE, read_approval, read_page, read_webhook
from rules.reader_conditions import choices_of, kinds_of, no_choice, number
from rules.reader_context import RESERVED, Reading, Written
from rules.reader_link import read_link
from rules.reader_sync import read_sync
from rules.reader_texts import LANGUAGE, compile_text, has_placeholders, template_named
from rules.reader_values import timestamp
from rules.templates import Template
from rules.text import fold
from rules.ticket import Level, Value

_LEVELS = tuple(map(str, Level))
_NEVER_EMPTY = frozenset({"status", "subject"})
VERB_SYNONYMS = {
    **dict.fromkeys(("comment", "answer", "respond", "auto_reply"), "reply"),
    **dict.fromkeys(("route", "assign_to", "set_group"), "assign"),
    **dict.fromkeys(("update", "set_field", "change"), "set"),
    **dict.fromkeys(("tags", "add_tag", "add_tags", "label"), "tag"),
    **dict.fromkeys(("internal_note", "add_note"), "note"),
    **dict.fromkeys(("alert", "message", "send", "email"), "notify"),
    **dict.fromkeys(("escalate", "priority", "bump_priority"), "raise_priority"),
    **dict.fromkeys(("call", "pager", "call_out"), "page"),
    **dict.fromkeys(("ask", "approve", "question"), "approval"),
    **dict.fromkeys(("mirror", "synchronize"), "sync"),
    **dict.fromkeys(("break", "end", "halt"), "stop"),
}


def steps(r: Reading, node: Node) -> tuple[Step, ...]:
    """The steps of a `then:`; those that are wrong are reported and left out."""
    return tuple(made for item in r.seq(node, "'then'") if (made := _step(r, item)) is not None)


def _step(r: Reading, node: Node) -> Step | None:
    if not isinstance(node, Map) or not node.entries:
        _no_step(r, node)
        return None
    (name, entry), *more = node.entries.items()
    for other, second in more:
        hint = f"begin '{other}' on a line of its own with '- '" if other in VERBS else f"indent '{other}' below '{name}'"
        r.wrong(second.key, "TG208", f"this step has two verbs, '{name}' and '{other}'", help=hint)
    if name not in VERBS:
        _no_verb(r, entry.key)
        return None
    before = len(r.problems)
    place = r.spot(entry.key)
    verb = VERBS[name](r, entry.key, entry.value)
    wrong = any(problem.level == "error" for problem in r.problems[before:])
    return None if verb is None or wrong else Step(verb, name, place)


def _no_step(r: Reading, node: Node) -> None:
    if isinstance(node, Map):
        r.wrong(node, "TG206", "this step has no verb", help="write - verb: details")
        return
    word = node.text if isinstance(node, Scalar) else ""
    help = f"write - {word}: with its details" if word in VERBS else "write - verb: details"
    r.wrong(node, "TG205", "a step is a verb with its details", help=help)


def _no_verb(r: Reading, key: Scalar) -> None:
    if key.text in RESERVED:
        r.wrong(key, "TG203", f"'{key.text}' is kept for a later release", help="all that there are: ticketgate explain verbs")
        return
    meant = nearest(key.text, VERBS, VERB_SYNONYMS)
    help = f"did you mean '{meant}'?" if meant else "all that there are: ticketgate explain verbs"
    r.wrong(key, "TG203", f"there is no verb called '{key.text}'", help=help)


def only_one(r: Reading, node: Map, first: str, second: str, what: str) -> bool:
    """Whether at most one of two keys is there; TG207 at the second of them."""
    if first in node and second in node:
        keys = sorted((node.entries[first].key, node.entries[second].key), key=lambda key: (key.line, key.column))
        said = f"{what} has either '{first}' or '{second}'"
        r.wrong(keys[1], "TG207", said, help="keep one of the two", related=(keys[0].spot("the first"),))
        return False
    return True


def sets(r: Reading, verb: str, field: str, node: Node, value: Value) -> None:
    """Remember for lint that the rule being read sets a field here."""
    if r.rule is not None:
        r.writes.append(Written(r.rule, field, value, verb, node.spot()))


# --- assign ----------------------------------------------------------------------------------------------------------


def _assign(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'assign'", ("group", "user", "from_table", "otherwise", "strategy"))
    if node is None or not only_one(r, node, "group", "from_table", "'assign'"):
        return None
    if not any(name in node for name in ("group", "user", "from_table", "strategy")):
        r.wrong(node, "TG206", "'assign' wants a group, a user or a table", help="write assign: { group: billing }")
    only_one(r, node, "user", "strategy", "'assign'")
    if "otherwise" in node and "from_table" not in node:
        r.wrong(
            node.entries["otherwise"].key, "TG206", "'otherwise' wants 'from_table' beside it", help="use group: for a group that is known"
        )
    group, user, otherwise = (_name(r, node, name) for name in ("group", "user", "otherwise"))
    table, match, column = _from_table(r, t) if (t := node.get("from_table")) else (None, (), None)
    _remember_assign(r, node, group, user)
    strategy: Any = r.choice(s, "'strategy'", ("keep", "round_robin", "least_open")) if (s := node.get("strategy")) else None
    return Assign(group=group, user=user, table=table, match=match, column=column, otherwise=otherwise, strategy=strategy)


def _remember_assign(r: Reading, node: Map, group: str | None, user: str | None) -> None:
    asked = (("group", "group", group), ("from_table", "group", None), ("user", "assignee", user), ("strategy", "assignee", None))
    for name, field, value in asked:
        if name in node:
            sets(r, "assign", field, node.entries[name].value, value)


def _name(r: Reading, node: Map, key: str) -> str | None:
    value = node.get(key)
    text = r.text(value, f"'{key}'") if value is not None else None
    if text is not None and value is not None and has_placeholders(text):
        r.wrong(value, "TG205", f"'{key}' wants a name without placeholders", help="placeholders are for 'set' and for texts")
    return text


def _from_table(r: Reading, value: Node) -> tuple[str | None, tuple[str, ...], str | None]:
    node = r.map(value, "'from_table'", ("table", "match", "column"))
    if node is None:
        return None, (), None
    wanted, column = r.need(node, "table", "'from_table'"), r.need(node, "column", "'from_table'")
    name = r.named("table", wanted, "'table'") if wanted is not None else None
    table = r.tables.get(name) if name is not None else None
    matched = r.scalars(m, "'match'") if (m := node.get("match")) else []
    fields = tuple(spec.name for item in matched if (spec := r.field_spec(item)))
    if table is not None and column is not None:
        _column(r, column, table.name, table.columns)
        fields = fields or _keys_as_fields(r, node, table.keys)
        if matched and len(matched) != len(table.keys):
            keys = ", ".join(table.keys)
            r.wrong(
                node.entries["match"].value,
                "TG205",
                f"'match' names {len(matched)} fields, the table has the keys {keys}",
                help="name a field for each key",
            )
    return name, fields, column.text if isinstance(column, Scalar) else None


def _keys_as_fields(r: Reading, node: Map, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Without `match` the table's keys are the fields' names."""
    key = node.entries["table"].key
    return tuple(spec.name for name in keys if (spec := r.field_spec(key, name)))


def _column(r: Reading, node: Node, table: str, columns: tuple[str, ...]) -> None:
    text = r.text(node, "'column'")
    if text is not None and text not in columns:
        r.unknown(node, "TG308", f"table '{table}' has no column '{text}'", text, columns)


# --- set, raise_priority, tag ----------------------------------------------------------------------------------------


def _set(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'set'")
    if node is None:
        return None
    if not node.entries:
        r.wrong(node, "TG206", "'set' names no field", help="write set: { priority: high }")
    fields: dict[str, Value | Template] = {}
    for name, entry in node.entries.items():
        spec = r.field_spec(entry.key)
        if spec is not None and _settable(r, spec, entry.key):
            fields[name] = made = new_value(r, spec, entry.value)
            sets(r, "set", name, entry.value, None if isinstance(made, Template) else made)
    return Set(fields)


def _settable(r: Reading, spec: FieldSpec, key: Scalar) -> bool:
    if not spec.writable:
        help = "use tag: { add: [..] }" if spec.name == "tags" else "it is decided by the system"
        r.wrong(key, "TG204", f"'{spec.name}' cannot be set", help=help)
    return spec.writable


def new_value(r: Reading, spec: FieldSpec, node: Node) -> "Value | Template":
    """What a field is set to: a value of its type, a text with placeholders, or None for `null`."""
    if isinstance(node, Scalar) and node.is_null:
        if spec.name in _NEVER_EMPTY:
            r.wrong(node, "TG205", f"'{spec.name}' cannot be emptied", help="write a value")
        return None
    if spec.type == "set":
        return frozenset(item.text for item in r.scalars(node, f"'{spec.name}'"))
    if spec.type == "boolean":
        return r.boolean(node, f"'{spec.name}'")
    if isinstance(node, Scalar) and has_placeholders(node.text):
        return compile_text(r, node)
    if spec.type == "number":
        return number(r, spec, node)
    return timestamp(r, node, f"'{spec.name}'") if spec.type == "time" else _word(r, spec, node)


def _word(r: Reading, spec: FieldSpec, node: Node) -> str | None:
    text = r.text(node, f"'{spec.name}'", help="to empty a field write null")
    choices = choices_of(r, spec)
    if text is None or not choices:
        return text
    for choice in choices:
        if fold(choice) == fold(text):
            return choice
    no_choice(r, spec, node, text, choices)
    return None


def _raise_priority(r: Reading, key: Scalar, value: Node) -> Verb | None:
    if isinstance(value, Scalar):
        level = r.choice(value, "priority", _LEVELS)
        sets(r, "raise_priority", "priority", value, level)
        return RaisePriority(to=level) if level else None
    node = r.map(value, "'raise_priority'", ("by", "up_to"))
    amount = r.need(node, "by", "'raise_priority'", help="write raise_priority: high, or { by: 1, up_to: urgent }") if node else None
    if node is None or amount is None:
        return None
    by = r.integer(amount, "'by'", 1, len(_LEVELS) - 1)
    top = r.choice(u, "priority", _LEVELS) if (u := node.get("up_to")) else _LEVELS[-1]
    sets(r, "raise_priority", "priority", amount, None)
    return RaisePriority(by=by, up_to=top) if by and top else None


def _tag(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'tag'", ("add", "remove"))
    if node is None:
        return None
    if not node.entries:
        r.wrong(node, "TG206", "'tag' names no tags", help="write tag: { add: [vip] }")
    add, remove = (_tags(r, node, name) for name in ("add", "remove"))
    both = {fold(tag) for tag in add} & {fold(tag) for tag in remove}
    if both:
        r.wrong(node, "TG205", f"'{min(both)}' is added and removed in one step", help="keep one of the two")
    return Tag(frozenset(add), frozenset(remove))


def _tags(r: Reading, node: Map, key: str) -> list[str]:
    value = node.get(key)
    return [item.text for item in r.scalars(value, f"'{key}'")] if value is not None else []


# --- reply, note, notify ---------------------------------------------------------------------------------------------


def _reply(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'reply'", ("template", "text", "language", "public"))
    if node is None:
        return None
    public = node.get("public")
    if public is not None and r.boolean(public, "'public'") is False:
        r.wrong(public, "TG205", "a reply is always public", help="use the verb note for what customers must not read")
    language = _language(r, node)
    template, text = _words(r, node, "'reply'", language)
    return Say(public=True, template=template, text=text, language=language)


def _language(r: Reading, node: Map) -> str:
    value = node.get("language")
    code = r.text(value, "'language'", help="write auto, or a code like de") if value is not None else None
    if code is None or value is None or code == "auto":
        return "auto"
    if not LANGUAGE.fullmatch(code.casefold()):
        r.wrong(value, "TG211", f"'{code}' is not a language", help="write auto, or a code like de or pt-br")
        return "auto"
    if "text" in node:
        r.wrong(
            value,
            "TG205",
            "'language' chooses among a template's files; a text has one language",
            help="remove 'language', or use a template",
        )
    return code.casefold()


def _note(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'note'", ("template", "text"))
    if node is None:
        return None
    template, text = _words(r, node, "'note'", "auto")
    return Say(public=False, template=template, text=text)


def _words(r: Reading, node: Map, what: str, language: str) -> tuple[str | None, Template | None]:
    """A template's name or a text, exactly one of the two."""
    if not only_one(r, node, "template", "text", what):
        return None, None
    if "template" in node:
        return template_named(r, node.entries["template"].value, language), None
    value = r.need(node, "text", what, help="add template: NAME, or text: with what to say")
    if value is None or r.text(value, "'text'") is None or not isinstance(value, Scalar):
        return None, None
    return None, compile_text(r, value)


def _notify(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'notify'", ("to", "template", "text"))
    to = r.need(node, "to", "'notify'", help="add to: with a channel, assignee or team-lead") if node else None
    if node is None or to is None:
        return None
    names = tuple(name for item in r.scalars(to, "'to'") if (name := _recipient(r, item)) is not None)
    template, text = _words(r, node, "'notify'", "auto")
    return Tell(to=names, template=template, text=text)


def _recipient(r: Reading, node: Scalar) -> str | None:
    if node.text in r.desk.on_call:
        r.wrong(node, "TG302", f"'{node.text}' is on call, not a channel", help=f"call them out: page: {{ to: {node.text}, text: .. }}")
        return None
    known = (*PEOPLE, *sorted(r.desk.channels))
    return r.member(node, "'to'", "channel", known, "channels stand in ticketgate.yaml; assignee and team-lead are always there")


def _stop(r: Reading, key: Scalar, value: Node) -> Verb | None:
    scope: Any = r.choice(value, "'stop'", ("ruleset", "ticket"))
    return Stop(scope) if scope else None


def _restrict(r: Reading, key: Scalar, value: Node) -> Verb | None:
    node = r.map(value, "'restrict'", ("group", "redact"))
    group = r.need(node, "group", "'restrict'", help="add group: with those who may see it") if node else None
    if node is None or group is None:
        return None
    name = _name(r, node, "group")
    kinds = kinds_of(r, k, "'redact'") if (k := node.get("redact")) is not None else frozenset[str]()
    sets(r, "restrict", "group", group, name)
    return Restrict(name, kinds) if name else None


def _link(r: Reading, key: Scalar, value: Node) -> Verb | None:
    return read_link(r, value)


def _page(r: Reading, key: Scalar, value: Node) -> Verb | None:
    return read_page(r, value)


def _approval(r: Reading, key: Scalar, value: Node) -> Verb | None:
    return read_approval(r, value, steps)


def _webhook(r: Reading, key: Scalar, value: Node) -> Verb | None:
    return read_webhook(r, value)


def _sync(r: Reading, key: Scalar, value: Node) -> Verb | None:
    return read_sync(r, value)


VERBS: Mapping[str, Callable[[Reading, Scalar, Node], Verb | None]] = {
    "assign": _assign,
    "set": _set,
    "raise_priority": _raise_priority,
    "tag": _tag,
    "reply": _reply,
    "note": _note,
    "notify": _notify,
    "page": _page,
    "approval": _approval,
    "webhook": _webhook,
    "sync": _sync,
    "link": _link,
    "restrict": _restrict,
    "stop": _stop,
}
