"""What a Zendesk account says of its ticket fields and of the user that we are, in our words."""

from collections.abc import Iterable, Iterator, Mapping

from connectors.inventory import Kind, Permission, RemoteField
from connectors.mapping import Record

READING = ("read", "comments", "history", "files")
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("text", "textarea", "regexp", "partialcreditcard", "subject", "description", "lookup"), "text"),
    **dict.fromkeys(("tagger", "status", "priority", "tickettype", "basic_priority", "custom_status"), "choice"),
    **{"multiselect": "set", "integer": "number", "decimal": "number", "date": "time", "checkbox": "boolean"},
}


def fields(rows: Iterable[Record]) -> Iterator[RemoteField]:
    """`required` is what an agent must fill to solve a ticket: Zendesk asks nothing of its interface."""
    for row in rows:
        options = row.get("custom_field_options") or row.get("system_field_options") or ()
        yield RemoteField(
            id=str(row["id"]),
            label=str(row.get("title")),
            kind=str(row.get("type")),
            type=KINDS.get(str(row.get("type"))),
            values=tuple(str(option["value"]) for option in options),
            own=bool(row.get("removable")),
            required=bool(row.get("required")),
            writable=bool(row.get("active", True)),
        )


def permissions(me: Record) -> Iterator[Permission]:
    """Of an agent by the flags of the user; what a custom role forbids besides shows only in a write."""
    agent = me.get("role") in ("agent", "admin") and not me.get("suspended")
    yield Permission("an agent or admin", agent, frozenset({*READING, "set", "note", "reply", "create", "attach"}))
    yield Permission("public comments (only_private_comments is off)", not me.get("only_private_comments"), frozenset({"reply"}))
    seen = me.get("ticket_restriction") in (None, "organization")
    yield Permission("all tickets (ticket_restriction is none)", seen, frozenset({"read"}))
