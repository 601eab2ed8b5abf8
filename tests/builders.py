"""Values for tests: each builder takes only what the test is about, and fills in the rest with something believable."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.bundle import Place, Rule, Step, Trigger, Verb
from rules.observation import Event, Kind, Observation
from rules.ticket import Change, Comment, Level, Person, Role, Status, Ticket, TicketRef, Type

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday at noon
ANA = Person(id="c1", name="Ana Lima", email="ana@example.com", language="pt")
LENA = Person(id="a1", name="Lena Vogt", email="lena@example.com")


def a_ref(text: str = "zendesk-eu:4711") -> TicketRef:
    return TicketRef.parse(text)


def a_ticket(ref: str | TicketRef = "zendesk-eu:4711", **fields: Any) -> Ticket:
    """A new incident, an hour old. Tags and watchers may be any collection, a person an e-mail address."""
    known: dict[str, Any] = {
        "subject": "Card declined at checkout",
        "status": Status.NEW,
        "type": Type.INCIDENT,
        "priority": Level.NORMAL,
        "requester": ANA,
        "created_at": NOW - timedelta(hours=1),
        "version": "1",
        **fields,
    }
    known.setdefault("updated_at", known["created_at"])
    for name in ("tags", "watchers"):
        known[name] = frozenset(known.get(name, ()))
    for name in ("requester", "assignee"):
        if isinstance(known.get(name), str):
            known[name] = Person(email=known[name])
    return Ticket(ref=TicketRef.parse(ref) if isinstance(ref, str) else ref, **known)


def a_comment(text: str = "It still does not work.", **fields: Any) -> Comment:
    """A customer's public reply, made now."""
    public = fields.get("public", True)
    role = fields.get("role", Role.CUSTOMER if public else Role.AGENT)
    author = ANA if role == Role.CUSTOMER else LENA
    return Comment(**{"id": "c-1", "at": NOW, "public": public, "role": role, "author": author, "text": text, **fields})


def a_change(field: str = "status", before: Any = Status.NEW, after: Any = Status.OPEN, **fields: Any) -> Change:
    return Change(**{"field": field, "before": before, "after": after, "at": NOW, **fields})


def an_event(kind: Kind = Kind.CREATED, **fields: Any) -> Event:
    """An event now; one of a comment or a change takes its moment from it."""
    about = fields.get("comment") or fields.get("change")
    return Event(**{"kind": kind, "at": about.at if about else NOW, **fields})


def an_observation(*events: Event | Kind, ticket: Ticket | None = None, **fields: Any) -> Observation:
    """A look at a ticket; without events, one at which nothing was new."""
    happened = tuple(e if isinstance(e, Event) else an_event(e) for e in events)
    return Observation(**{"ticket": ticket or a_ticket(), "now": NOW, "events": happened, **fields})


def a_rule(*verbs: Verb, when: tuple[Trigger, ...] = (), **fields: Any) -> Rule:
    """A live rule with one step for each verb."""
    place = fields.get("place", Place("rules/30-routing.yaml", 5))
    steps = tuple(Step(verb, type(verb).__name__.lower(), place) for verb in verbs)
    return Rule(**{"id": "a-rule", "place": place, "triggers": when, "steps": steps, **fields})


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping without some of its keys."""
    return {k: v for k, v in values.items() if k not in names}
