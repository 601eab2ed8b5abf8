"""What a ServiceNow instance says of its fields and of our roles, in our words."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from connectors.inventory import Kind, Permission, RemoteField
from connectors.mapping import Record

DICTIONARY = "name,element,column_label,internal_type,mandatory,read_only,reference"
CHOICES = "element,value"
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "reference", "translated_text", "html", "url", "email", "phone_number_e164", "journal_input"), "text"),
    **dict.fromkeys(("integer", "float", "decimal", "longint", "percent_complete"), "number"),
    **dict.fromkeys(("glide_date_time", "glide_date", "due_date"), "time"),
    **{"glide_list": "set", "boolean": "boolean"},
}
WRITERS = frozenset({"itil", "sn_incident_write", "admin"})  # roles, each of which may work on incidents
BESIDE: Mapping[str, frozenset[str]] = {
    "sys_journal_field": frozenset({"comments", "reply", "note"}),
    "sys_audit": frozenset({"history"}),
    "sys_user_group": frozenset({"set group"}),
    "sys_user": frozenset({"set assignee"}),
}
"""Tables beside the ticket's, and what cannot be done by somebody who may not read them."""


def fields(rows: Iterable[Record], choices: Iterable[Record]) -> Iterator[RemoteField]:
    """Of a table and of `task`, which it extends; what the table itself says of a field goes first."""
    words: dict[str, dict[str, None]] = {}
    for choice in choices:
        words.setdefault(str(choice["element"]), {})[str(choice["value"])] = None
    seen: set[str] = set()
    for row in rows:
        element = str(row["element"])
        if element and element not in seen:
            seen.add(element)
            yield _field(row, tuple(words.get(element, ())))


def _field(row: Record, words: tuple[str, ...]) -> RemoteField:
    kind = str(row["internal_type"])
    return RemoteField(
        id=str(row["element"]),
        label=str(row["column_label"] or row["element"]),
        kind=kind,
        type="choice" if words and KINDS.get(kind) in ("text", "number") else KINDS.get(kind),
        values=words,
        own=str(row["element"]).startswith(("u_", "x_")),
        required=row["mandatory"] == "true",
        writable=row["read_only"] != "true",
        named_by=f"{row['element']}.name" if kind == "reference" and row.get("reference") else None,
    )


def permissions(roles: Iterable[str], readable: Callable[[str], bool]) -> Iterator[Permission]:
    """By our roles, and by what of the tables beside the ticket's can be read; what else an access rule forbids shows only in a write."""
    uses = frozenset({"set", "reply", "note", "create", "attach"})
    yield Permission(f"a role of {', '.join(sorted(WRITERS))}", not WRITERS.isdisjoint(roles), uses)
    for table, uses in BESIDE.items():
        yield Permission(f"reading {table}", readable(table), uses)
