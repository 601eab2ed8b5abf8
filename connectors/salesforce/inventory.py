"""What an organization says of Case and of the objects beside it, in our words: what it describes is what our user may see and do."""

from collections.abc import Iterable, Iterator, Mapping

from connectors.inventory import Kind, Permission, RemoteField
from connectors.mapping import Record, Table

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "textarea", "email", "phone", "url", "reference", "id", "encryptedstring"), "text"),
    **dict.fromkeys(("picklist", "combobox"), "choice"),
    **dict.fromkeys(("double", "int", "currency", "percent", "long"), "number"),
    **{"multipicklist": "set", "date": "time", "datetime": "time", "boolean": "boolean"},
}
SAID: Mapping[str, Mapping[str, tuple[str, frozenset[str]]]] = {
    "comment": {"CaseComment": ("create", frozenset({"reply", "note"}))},
    "feed": {"FeedItem": ("create", frozenset({"reply", "note"}))},
    "email": {"CaseComment": ("create", frozenset({"note"})), "EmailMessage": ("create", frozenset({"reply"}))},
}
"""What our user must be able to make, by what our replies are: an e-mail that is sent is logged as an EmailMessage."""
BESIDE: Mapping[str, tuple[str, frozenset[str]]] = {
    "CaseHistory": ("query", frozenset({"history"})),
}


def fields(rows: Iterable[Record]) -> Iterator[RemoteField]:
    for row in rows:
        active = (choice for choice in row.get("picklistValues") or () if choice.get("active"))
        yield RemoteField(
            id=str(row["name"]),
            label=str(row.get("label")),
            kind=str(row.get("type")),
            type=KINDS.get(str(row.get("type"))),
            values=tuple(str(choice["value"]) for choice in active),
            own=bool(row.get("custom")),
            required=bool(row.get("createable")) and not row.get("nillable") and not row.get("defaultedOnCreate"),
            writable=bool(row.get("updateable")),
        )


def around(replies: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The objects beside Case, what we must be able to do with each, and what for."""
    return {**SAID[replies], **BESIDE}


def permissions(
    case: Record, beside: Mapping[str, Record | None], replies: str, table: Table, kept: Mapping[str, str | None]
) -> Iterator[Permission]:
    """`beside` are the descriptions of the objects around Case, None for one that we may not see; `kept` names the fields of Case that
    hold what is no row of the table, such as tags."""
    yield Permission("read Case", bool(case.get("queryable")), frozenset({"read"}))
    yield Permission("create Case", bool(case.get("createable")), frozenset({"create"}))
    yield Permission("edit Case", bool(case.get("updateable")), frozenset({"set"}))
    for name, (verb, uses) in around(replies).items():
        found = beside.get(name)
        yield Permission(f"{verb} {name}", bool(found and found.get(f"{verb}able")), uses)
    editable = {str(row["name"]): bool(row.get("updateable")) for row in case.get("fields") or ()}
    for ours, theirs in {**{row.name: row.writes for row in table}, **kept}.items():
        if theirs:
            yield Permission(f"edit {theirs}", editable.get(theirs, False), frozenset({f"set {ours}"}))
