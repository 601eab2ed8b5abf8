"""A ticket with some fields as a write left them: what we remember of our own edits."""

from collections.abc import Mapping

from rules.plan import Update
from rules.ticket import Ticket, Value
from rules.working import with_value

OWN = frozenset(Ticket.__struct_fields__) - {"ref", "version", "created_at", "updated_at", "requester", "custom", "unread", "url"}


def overlaid(ticket: Ticket, values: Mapping[str, Value]) -> Ticket:
    """The ticket with these of our fields; names and words that no ticket has are left out."""
    for name, value in values.items():
        if name not in OWN and not name.startswith("custom."):
            continue
        if name == "assignee" and _is_there(ticket, value):
            continue
        try:
            ticket = with_value(ticket, name, value)
        except ValueError:
            continue  # the vendor answered with a word that has no meaning here
    return ticket


def with_update(ticket: Ticket, update: Update, echo: Mapping[str, Value]) -> Ticket:
    """The ticket as this write left it: what we sent, and over it what the vendor says stands there now.

    Of tags only those that we added and removed are ours to tell; the ticket in hand has the others.
    """
    tags = (ticket.tags | update.tags.add) - update.tags.remove
    told = {name: value for name, value in echo.items() if name != "tags"}
    return overlaid(ticket, {**update.fields, **told, "tags": tags})


def _is_there(ticket: Ticket, value: Value) -> bool:
    person = ticket.assignee
    return person is not None and value in (person.known_as, person.id, person.name, person.email)
