"""A ticket with some fields as a write left them: what we remember of our own edits."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from rules.plan import Update
from rules.ticket import Channel, Level, Person, Severity, Status, Ticket, Type, Value

WORDS: Mapping[str, Callable[[str], Any]] = {
    "status": Status,
    "type": Type,
    "priority": Level,
    "impact": Level,
    "urgency": Level,
    "severity": Severity,
    "channel": Channel,
}
OWN = frozenset(f.name for f in fields(Ticket)) - {"ref", "version", "created_at", "updated_at", "requester", "custom", "unread", "url"}


def overlaid(ticket: Ticket, values: Mapping[str, Value]) -> Ticket:
    """The ticket with these of our fields; names that no ticket has are left out."""
    plain = {name: _read(ticket, name, value) for name, value in values.items() if name in OWN}
    custom = {name.removeprefix("custom."): value for name, value in values.items() if name.startswith("custom.")}
    if custom:
        plain["custom"] = {**ticket.custom, **custom}
    return replace(ticket, **plain) if plain else ticket


def left_by(update: Update, echo: Mapping[str, Value]) -> dict[str, Value]:
    """The fields as this write left them: what we sent, and what the vendor answered where it said so.

    Of tags only what we added and removed is known here; the caller's ticket has the rest.
    """
    return {**update.fields, **{name: value for name, value in echo.items() if name != "tags"}}


def with_update(ticket: Ticket, update: Update, echo: Mapping[str, Value]) -> Ticket:
    """The ticket as this write left it."""
    tags = (ticket.tags | update.tags.add) - update.tags.remove
    return overlaid(ticket, {**left_by(update, echo), "tags": tags})


def _read(ticket: Ticket, name: str, value: Value) -> Any:
    if name == "assignee":
        return _person(ticket.assignee, value)
    if name in ("tags", "watchers"):
        return value if isinstance(value, frozenset) else frozenset()
    if name in WORDS and isinstance(value, str):
        return _word(WORDS[name], value, getattr(ticket, name))
    return value


def _word(kind: Callable[[str], Any], value: str, otherwise: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        return otherwise


def _person(there: Person | None, value: Value) -> Person | None:
    if value is None or not isinstance(value, str):
        return None
    if there is not None and value in (there.known_as, there.id, there.name, there.email):
        return there
    return Person(email=value) if "@" in value else Person(name=value)
