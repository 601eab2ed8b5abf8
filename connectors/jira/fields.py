"""A site's own fields: found by id or name in `/field`, read by the declared type, written as their schema wants it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.base import Custom
from connectors.jira import adf
from connectors.jira.dialect import Texts
from connectors.mapping import Field, Unwritable, moment_or_day
from rules.ticket import Value

GROUP = "Group"  # the custom field that holds the group where `group_field` names none
TEXT_AREA = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"
CHILD = " / "  # between an option and the one within it
YES = frozenset({"yes", "true", "1"})
NO = frozenset({"no", "false", "0"})


@dataclass(frozen=True, slots=True)
class Own:
    """One field of a site: `name` is ours (`group`, `custom.contract`), `id` and `label` Jira's, `schema` what `/field` says of it."""

    name: str
    id: str
    type: str
    schema: Mapping[str, Any]
    label: str = ""

    def field(self) -> Field:
        return Field(name=self.name, reads=self.id, writes=self.id, convert=lambda value: read(value, self.type))


def found(rows: Sequence[Mapping[str, Any]], customs: Iterable[Custom], group_field: str | None, ours: frozenset[str]) -> tuple[Own, ...]:
    """The fields that an installation declared, looked up in the answer of `/field`; `ours` are the names that stand without `custom.`.

    Raises `LookupError`, naming the field and the remedy, when one is not there or its name is not unique.
    """
    own = [_own(rows, c.name if c.name in ours else f"custom.{c.name}", c.remote, c.type) for c in customs]
    if any(o.name == "group" for o in own):
        return tuple(own)
    if group_field is not None:
        return (*own, _own(rows, "group", group_field, "text", "group_field: of this connection"))
    named = [row for row in rows if row.get("name") == GROUP and row.get("custom")]
    return (*own, Own("group", str(named[0]["id"]), "text", named[0].get("schema") or {}, GROUP)) if len(named) == 1 else tuple(own)


def _own(rows: Sequence[Mapping[str, Any]], name: str, remote: str, type: str, where: str = "") -> Own:
    """`where` is the key that names it, else it is `from:` of the field's definition."""
    where = where or f"from: of {name.removeprefix('custom.')}, under fields: in a rule file,"
    hits = [row for row in rows if row.get("id") == remote] or [row for row in rows if row.get("name") == remote]
    if not hits:
        raise LookupError(f"this site has no field '{remote}'; {where} takes its id or its name as Jira shows it")
    if len(hits) > 1:
        ids = ", ".join(sorted(str(row.get("id")) for row in hits))
        raise LookupError(f"this site has several fields called '{remote}'; {where} takes the id: one of {ids}")
    return Own(name, str(hits[0]["id"]), type, hits[0].get("schema") or {}, str(hits[0].get("name") or ""))


def plain(value: Any) -> str | None:
    """The word a person sees: of an option its value (`Europe / Spain` of one within another), of a group or version its name, of a
    user the e-mail address, else the name, of a document its text."""
    if isinstance(value, dict):  # for each of a page's values: asking whether it is a Mapping takes five times as long
        if value.get("type") == "doc":
            return adf.text(value)
        said = value.get("value") or value.get("emailAddress") or value.get("name") or value.get("displayName")
        child = plain(value["child"]) if isinstance(value.get("child"), dict) else None
        return None if said is None else f"{said}{CHILD}{child}" if child else str(said)
    if isinstance(value, list):
        return ", ".join(sorted(word for word in map(plain, value) if word)) or None
    return None if value is None else str(value)


def read(value: Any, type: str) -> Value:
    """A field's value in the declared type. Raises `ValueError` when it cannot be that."""
    match type:
        case "set":
            many = value if isinstance(value, list) else [value]
            return frozenset(word for word in map(plain, many) if word)
        case "number":
            return value if isinstance(value, int | float) and not isinstance(value, bool) else float(str(plain(value)))
        case "time":
            return moment_or_day(str(value))
        case "boolean":
            return _truth(value)
    return plain(value)


def _truth(value: Any) -> bool:
    word = str(plain(value)).casefold()
    if isinstance(value, bool) or word in YES | NO:
        return value is True or word in YES
    raise ValueError(f"'{word}' is neither yes nor no")


def written(schema: Mapping[str, Any], value: Any, texts: Texts) -> Any:
    """A value as the field's schema wants it in a write. Raises `Unwritable` for a kind of field that cannot be written by a word."""
    if value is None:
        return None
    kind = schema.get("type")
    if kind == "array":
        many = sorted(value) if isinstance(value, frozenset | set) else value if isinstance(value, list | tuple) else [value]
        return [_one(schema.get("items"), schema, item, texts) for item in many]
    return _one(kind, schema, value, texts)


def _one(kind: Any, schema: Mapping[str, Any], value: Any, texts: Texts) -> Any:
    if isinstance(value, Mapping):
        return value  # an administrator who wrote Jira's own shape is taken at their word
    match kind:
        case "option" | "option-with-child":
            parent, cut, child = _word(value).partition(CHILD if kind != "option" else "\0")
            return {"value": parent, **({"child": {"value": child}} if cut else {})}
        case "resolution" | "priority" | "group" | "version" | "component" | "issuetype" | "securitylevel":
            return {"name": _word(value)}
        case "number":
            return value
        case "date":
            return value.date().isoformat() if isinstance(value, datetime) else str(value)
        case "datetime":
            return stamp(value) if isinstance(value, datetime) else str(value)
        case "string" | "any" | "team" | None:
            return texts.area(_word(value)) if schema.get("custom") == TEXT_AREA else _word(value)
    raise Unwritable(f"a field of Jira's kind '{kind}' cannot be written from here")


def _word(value: Any) -> str:
    return ("Yes" if value else "No") if isinstance(value, bool) else str(value)


def stamp(moment: datetime) -> str:
    """A moment as Jira writes it: `2026-03-02T08:16:31.456+0000`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"
