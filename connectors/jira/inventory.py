"""What a Jira site says of its fields and of our permissions, in our words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.inventory import Kind, Permission, RemoteField
from connectors.jira.fields import plain
from connectors.mapping import Record

KINDS: Mapping[str, Kind] = {
    **{"string": "text", "option": "choice", "number": "number", "date": "time", "datetime": "time"},
    **{"user": "text", "option-with-child": "text"},
    **{"priority": "choice", "resolution": "choice", "issuetype": "choice", "status": "choice", "version": "choice", "group": "choice"},
}
MEMBERS = frozenset({"string", "option", "component", "version", "group", "user"})  # of a list that reads as a set of words
NEEDS: Mapping[str, frozenset[str]] = {
    "BROWSE_PROJECTS": frozenset({"read", "comments", "history", "files"}),
    "EDIT_ISSUES": frozenset({"set"}),
    "TRANSITION_ISSUES": frozenset({"set status"}),
    "ASSIGN_ISSUES": frozenset({"set assignee"}),
    "ADD_COMMENTS": frozenset({"reply", "note"}),
    "CREATE_ISSUES": frozenset({"create"}),
    "CREATE_ATTACHMENTS": frozenset({"attach"}),
}


def fields(rows: Iterable[Record], screens: Iterable[Record]) -> Iterator[RemoteField]:
    """`rows` are the site's fields, `screens` what the screens on which issues of our projects are made say of some of them."""
    shown: dict[str, list[Record]] = {}
    for screen in screens:
        shown.setdefault(str(screen.get("fieldId")), []).append(screen)
    for row in rows:
        schema, on = row.get("schema") or {}, shown.get(str(row["id"]), [])
        words = {word: None for screen in on for word in map(plain, screen.get("allowedValues") or ()) if word}
        yield RemoteField(
            id=str(row["id"]),
            label=str(row.get("name")),
            kind=_kind(schema),
            type=_type(schema),
            values=tuple(words),
            own=bool(row.get("custom")),
            required=any(screen.get("required") and not screen.get("hasDefaultValue") for screen in on),
        )


def _kind(schema: Record) -> str:
    items = schema.get("items")
    return f"{schema.get('type', '?')} of {items}" if items else str(schema.get("type", "?"))


def _type(schema: Record) -> Kind | None:
    if schema.get("type") == "array":
        return "set" if schema.get("items") in MEMBERS else None
    return KINDS.get(str(schema.get("type")))


def permissions(answers: Iterable[Any]) -> Iterator[Permission]:
    """Of several projects, one that is granted in all of them is granted."""
    told = [answer.get("permissions") or {} for answer in answers if isinstance(answer, Mapping)]
    for name, uses in NEEDS.items():
        granted = bool(told) and all((one.get(name) or {}).get("havePermission") is True for one in told)
        yield Permission(name, granted, uses)
