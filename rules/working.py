"""The working copy of a pass: the ticket as the rules so far leave it, and what they asked for, until it becomes a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.bundle import Place
from rules.plan import Action, Agreement, CreateTicket, FieldChange, Restriction, Update, key_of
from rules.text import fold
from rules.ticket import Channel, Level, Person, Severity, Status, Ticket, TicketRef, Type, Value, replace

_WORDS: Mapping[str, Any] = {
    "status": Status,
    "type": Type,
    "channel": Channel,
    "severity": Severity,
    **dict.fromkeys(("priority", "impact", "urgency"), Level),
}
_AS_WRITTEN = frozenset({"subject", "body", "resolution"})


@dataclass(frozen=True, slots=True)
class Asker:
    """The rule on whose behalf something is asked for, and where it says so."""

    rule: str
    place: Place


def value_of(ticket: Ticket, name: str) -> Value:
    """A writable field's value, as a plan states it: people by what they are known as."""
    if name.startswith("custom."):
        return ticket.custom.get(name[7:])
    if name == "assignee":
        return ticket.assignee.known_as if ticket.assignee else None
    return getattr(ticket, name)  # type: ignore[no-any-return]


def with_value(ticket: Ticket, name: str, value: Value) -> Ticket:
    """The ticket with one field set. Raises `ValueError` for a word that the field does not have."""
    if name.startswith("custom."):
        return replace(ticket, custom={**ticket.custom, name[7:]: value})
    if name == "assignee":
        return replace(ticket, assignee=person_named(value))
    fields: dict[str, Any] = {name: fitting(name, value)}
    return replace(ticket, **fields)


def fitting(name: str, value: Value) -> Value:
    """The value as the field holds it: one of its words, a moment, an unset field for an empty text."""
    if value is None or value == "":
        return "" if name == "subject" else None
    if name in _WORDS:
        try:
            return _WORDS[name](fold(str(value)))  # type: ignore[no-any-return]
        except ValueError:
            raise ValueError(f"'{value}' is not a {name}; there are {', '.join(_WORDS[name])}") from None
    if name == "due_at" and isinstance(value, str):
        return _moment(value)
    return value


def alike(name: str, one: Value, other: Value) -> bool:
    """Whether writing one over the other would change nothing: names and words compare folded, texts as written."""
    if isinstance(one, str) and isinstance(other, str) and name not in _AS_WRITTEN:
        return fold(one) == fold(other)
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return frozenset(map(fold, one)) == frozenset(map(fold, other))
    return one == other or (_empty(one) and _empty(other))


class Copy:
    """One ticket while a pass works on it, with the changes wanted so far and the rule that wanted each last."""

    __slots__ = ("changes", "original", "ticket")

    def __init__(self, ticket: Ticket) -> None:
        self.original = self.ticket = ticket
        self.changes: dict[str, FieldChange] = {}

    def set(self, name: str, value: Value, asker: Asker, note: str = "") -> bool:
        """Whether that changed anything."""
        value = value if name.startswith("custom.") else fitting(name, value)
        if self.says(name, value):
            return False
        self.ticket = with_value(self.ticket, name, value)
        before, after = value_of(self.original, name), value_of(self.ticket, name)
        self.changes[name] = FieldChange(field=name, before=before, after=after, rule=asker.rule, place=str(asker.place), note=note)
        return True

    def says(self, name: str, value: Value) -> bool:
        """Whether the field says so already; an assignee may be named by address, name or id."""
        person = self.ticket.assignee if name == "assignee" else None
        if person is not None and isinstance(value, str):
            return fold(value) in {fold(known) for known in (person.email, person.name, person.id) if known}
        return alike(name, value_of(self.ticket, name), value)

    def update(self) -> Update | None:
        """The net changes in one write; None when the ticket is as it was."""
        net = tuple(c for c in self.changes.values() if not alike(c.field, c.before, c.after))
        if not net:
            return None
        ref, version = self.original.ref, self.original.version
        content = (f"{c.field}={_written(c.after)}" for c in sorted(net, key=lambda c: c.field))
        return Update(key=key_of("update", str(ref), version, *content), target=ref, version=version, changes=net)

    def twin(self) -> "Copy":
        twin = Copy(self.original)
        twin.ticket, twin.changes = self.ticket, dict(self.changes)
        return twin


class Wanted:
    """All that a pass has asked for so far. A twin is taken before each rule, to go back to when the rule fails."""

    __slots__ = ("actions", "agreed", "agreements", "mine", "notes", "partners", "restricts", "said", "turns", "untold", "used")

    def __init__(self, ticket: Ticket) -> None:
        self.mine = Copy(ticket)
        self.partners: dict[TicketRef, Copy] = {}
        self.actions: list[Action] = []
        self.agreements: dict[TicketRef, Agreement] = {}
        self.agreed: dict[TicketRef, dict[str, Value]] = {}
        self.notes: list[str] = []
        self.untold: list[str] = []  # whom `notify` named and nobody stood behind
        self.restricts: list[Restriction] = []
        self.turns: list[str] = []  # rules whose `round_robin` gave out a turn
        self.said = 0  # public replies
        self.used: list[str] = []  # limits that the rule at work uses up besides its own

    def in_order(self) -> list[Action]:
        """Tickets are made before anything is said."""
        return sorted(self.actions, key=lambda action: not isinstance(action, CreateTicket))

    def twin(self) -> "Wanted":
        twin = Wanted(self.mine.original)
        twin.mine = self.mine.twin()
        twin.partners = {ref: copy.twin() for ref, copy in self.partners.items()}
        twin.actions, twin.notes, twin.used, twin.said = list(self.actions), list(self.notes), list(self.used), self.said
        twin.untold = list(self.untold)
        twin.turns, twin.restricts = list(self.turns), list(self.restricts)
        twin.agreements = dict(self.agreements)
        twin.agreed = {ref: dict(fields) for ref, fields in self.agreed.items()}
        return twin


def person_named(value: Value) -> Person | None:
    """Somebody of whom only the address or the name is known."""
    if not value:
        return None
    return Person(email=str(value)) if "@" in str(value) else Person(name=str(value))


def _empty(value: Value) -> bool:
    return value is None or value == "" or value == frozenset()


def _written(value: Value) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"due_at needs a time zone; '{text}' has none")
    return at
