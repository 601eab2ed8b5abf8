"""What an organization says of Case and of the objects beside it, in our words: what it describes is what our user may see and do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from connectors.inventory import Kind, Permission, RemoteField
from connectors.mapping import Record, Table

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "textarea", "email", "phone", "url", "reference", "id", "encryptedstring"), "text"),
    **dict.fromkeys(("picklist", "combobox"), "choice"),
    **dict.fromkeys(("double", "int", "currency", "percent", "long"), "number"),
    **{"multipicklist": "set", "date": "time", "datetime": "time", "boolean": "boolean"},
}
Right: TypeAlias = tuple[str, str, frozenset[str]]
"""An object beside Case, `create` or `query`, and what for."""
SAID: Mapping[str, tuple[Right, ...]] = {
    "comment": (("CaseComment", "create", frozenset({"reply", "note"})),),
    "feed": (("FeedItem", "create", frozenset({"reply", "note"})),),
    "email": (("CaseComment", "create", frozenset({"note"})), ("EmailMessage", "create", frozenset({"reply"}))),
}
"""What our user must be able to make, by what our replies are: an e-mail that is sent is logged as an EmailMessage."""
BESIDE: tuple[Right, ...] = (
    ("CaseHistory", "query", frozenset({"history"})),
    ("ContentDocumentLink", "query", frozenset({"files"})),
    ("ContentVersion", "query", frozenset({"files"})),
    ("ContentVersion", "create", frozenset({"attach"})),
    ("ContentDocumentLink", "create", frozenset({"attach"})),
)
"""Both are named under "Supported Calls" of the Object Reference with create() and query(); who may do what, their description tells."""


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


def around(replies: str) -> frozenset[str]:
    """The objects beside Case that we must be able to do something with."""
    return frozenset(name for name, _, _ in (*SAID[replies], *BESIDE))


def permissions(
    case: Record, beside: Mapping[str, Record | None], replies: str, table: Table, kept: Mapping[str, str | None]
) -> Iterator[Permission]:
    """`beside` are the descriptions of the objects around Case, None for one that we may not see; `kept` names the fields of Case that
    hold what is no row of the table, such as tags."""
    yield Permission("read Case", bool(case.get("queryable")), frozenset({"read"}))
    yield Permission("create Case", bool(case.get("createable")), frozenset({"create"}))
    yield Permission("edit Case", bool(case.get("updateable")), frozenset({"set"}))
    for name, verb, uses in (*SAID[replies], *BESIDE):
        found = beside.get(name)
        yield Permission(f"{verb} {name}", bool(found and found.get(f"{verb}able")), uses)
    editable = {str(row["name"]): bool(row.get("updateable")) for row in case.get("fields") or ()}
    for ours, theirs in {**{row.name: row.writes for row in table}, **kept}.items():
        if theirs:
            yield Permission(f"edit {theirs}", editable.get(theirs, False), frozenset({f"set {ours}"}))
