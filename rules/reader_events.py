"""`when:` events by name, changes of a field, and the clocks that ladders follow."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from rules.bundle import Every, On, OnSla, OnWaiting, Trigger
from rules.events import COMPARED, REQUESTER
from rules.fields import FieldSpec, nearest
from rules.nodes import Map, Node, Scalar, Seq
from rules.observation import Kind
from rules.reader_calendars import days_of
from rules.reader_conditions import words_of
from rules.reader_context import RESERVED, Reading
from rules.ticket import Status

_EVENTS = {str(kind): kind for kind in Kind if kind != Kind.EVERY}
_LADDERS = ("sla", "waiting")
WITH_DETAILS = {
    "changed": "{ changed: priority }",
    "sla": "{ sla: first_response }",
    "waiting": "{ waiting: { status: pending } }",
    "every": '{ every: { at: "07:00" } }',
}
EVENT_NAMES = (*_EVENTS, *_LADDERS)
EVENT_SYNONYMS = {
    **dict.fromkeys(("create", "new", "opened", "ticket_created"), "created"),
    **dict.fromkeys(("update", "modified", "edited"), "updated"),
    **dict.fromkeys(("change",), "changed"),
    **dict.fromkeys(("comment", "comment_added"), "commented"),
    **dict.fromkeys(("customer_reply", "customer_replies", "customer_commented"), "customer_replied"),
    **dict.fromkeys(("agent_reply", "agent_replies"), "agent_replied"),
    **dict.fromkeys(("solved", "resolve"), "resolved"),
    **dict.fromkeys(("close",), "closed"),
    **dict.fromkeys(("daily", "schedule", "at", "cron"), "every"),
    **dict.fromkeys(("reopen", "reopens"), "reopened"),
}
SINCE = ("status_change", "last_customer_reply", "last_agent_reply", "last_update")
HAPPENS_TO = frozenset((*COMPARED, "assignee", *(f"requester.{part}" for part in REQUESTER)))


def read_when(r: Reading, node: Map) -> tuple[Trigger, ...]:
    value = r.need(node, "when", "a rule", help="add when: created, or another event")
    if value is None:
        return ()
    items = r.seq(value, "'when'") if isinstance(value, Seq) else [value]
    triggers = tuple(made for item in items if (made := trigger(r, item)) is not None)
    if any(isinstance(made, OnSla | OnWaiting) for made in triggers) and len({type(made) for made in triggers}) > 1:
        r.wrong(value, "TG205", "a rule that follows a clock has no other event", help="make a rule of each event")
    return triggers


def trigger(r: Reading, node: Node) -> Trigger | None:
    """One event: a word, or a map with one key."""
    if isinstance(node, Scalar):
        return _event_word(r, node)
    event = r.map(node, "an event")
    if event is None or len(event) != 1:
        if event is not None:
            r.wrong(node, "TG205", "an event is one word or one key", help="begin each event of a list with '- '")
        return None
    ((name, entry),) = event.entries.items()
    if name in DETAILED:
        return DETAILED[name](r, entry.value)
    if name in _EVENTS:
        r.wrong(entry.key, "TG205", f"'{name}' is written without details", help=f"write {name}")
        return None
    _no_event(r, entry.key)
    return None


def _event_word(r: Reading, node: Scalar) -> Trigger | None:
    if node.text in WITH_DETAILS:
        r.wrong(node, "TG206", f"'{node.text}' wants to know of what", help=f"write {WITH_DETAILS[node.text]}")
        return None
    if node.text in _EVENTS:
        return On(_EVENTS[node.text])
    if r.text(node, "'when'", help="write created, or another event") is not None:
        _no_event(r, node)
    return None


def _no_event(r: Reading, node: Scalar) -> None:
    if node.text in RESERVED:
        r.wrong(node, "TG203", f"'{node.text}' is kept for a later release", help="all that there are: ticketgate explain events")
        return
    meant = nearest(node.text, EVENT_NAMES, EVENT_SYNONYMS)
    help = f"did you mean '{meant}'?" if meant else "all that there are: ticketgate explain events"
    r.wrong(node, "TG203", f"there is no event called '{node.text}'", help=help)


def _changed(r: Reading, node: Node) -> Trigger | None:
    if isinstance(node, Scalar):
        spec = _changing(r, node)
        return On(Kind.CHANGED, spec.name) if spec else None
    details = r.map(node, "'changed'", ("field", "from", "to"))
    field = r.need(details, "field", "'changed'") if details else None
    if details is None or field is None:
        return None
    spec = _changing(r, field) if isinstance(field, Scalar) else None
    if spec is None:
        return None
    was, to = (words_of(r, spec, value) if (value := details.get(key)) else frozenset[str]() for key in ("from", "to"))
    return On(Kind.CHANGED, spec.name, was, to)


def _changing(r: Reading, node: Scalar) -> FieldSpec | None:
    spec = r.field_spec(node)
    if spec is not None and spec.name not in HAPPENS_TO and not spec.name.startswith("custom."):
        r.wrong(
            node, "TG204", f"'changed' does not work on '{spec.name}'", help="name a field of the ticket itself; for comments use commented"
        )
        return None
    return spec


def _every(r: Reading, node: Node) -> Trigger | None:
    details = r.map(node, "'every'", ("at", "days", "calendar"))
    at = r.need(details, "at", "'every'", help='add at: "07:00"') if details else None
    if details is None or at is None:
        return None
    text = r.text(at, "'at'", help='write at: "07:00"')
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip()) if text else None
    if text is not None and found is None:
        r.wrong(at, "TG205", f"'{text}' is no time of day", help='write at: "07:00"; there are 00:00 to 23:59')
    days = frozenset(day for item in r.scalars(d, "'days'") for day in days_of(r, item)) if (d := details.get("days")) else frozenset[int]()
    calendar = r.named("calendar", c, "'calendar'") if (c := details.get("calendar")) else None
    if found is None or text is None:
        return None
    return On(Kind.EVERY, every=Every(int(found[1]) * 60 + int(found[2]), days, calendar, text.strip()))


def _sla(r: Reading, node: Node) -> Trigger | None:
    if isinstance(node, Scalar):
        metric = r.choice(node, "a metric", r.metrics)
        return OnSla(metric) if metric else None
    details = r.map(node, "'sla'", ("metric", "policy"))
    value = r.need(details, "metric", "'sla'") if details else None
    if details is None or value is None:
        return None
    metric = r.choice(value, "a metric", r.metrics)
    policy = r.named("policy", p, "'policy'") if (p := details.get("policy")) else None
    return OnSla(metric, policy) if metric else None


def _waiting(r: Reading, node: Node) -> Trigger | None:
    details = r.map(node, "'waiting'", ("status", "since", "calendar"))
    value = r.need(details, "status", "'waiting'") if details else None
    if details is None or value is None:
        return None
    words = tuple(map(str, Status))
    statuses = frozenset(word for item in r.scalars(value, "'status'") if (word := r.choice(item, "status", words)) is not None)
    since: Any = r.choice(s, "'since'", SINCE) if (s := details.get("since")) else None
    calendar = r.named("calendar", c, "'calendar'") if (c := details.get("calendar")) else None
    return OnWaiting(statuses, since or "status_change", calendar)


DETAILED: Mapping[str, Callable[[Reading, Node], Trigger | None]] = {"changed": _changed, "sla": _sla, "waiting": _waiting, "every": _every}
