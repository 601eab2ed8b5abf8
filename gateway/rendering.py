"""A template as a customer or colleague would read it: with the data of a ticket, real or made up, in each language it has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.asking import steps_of
from rules.bundle import NOWHERE, Bundle, Rule, Say, Tell
from rules.look import Look
from rules.observation import Observation
from rules.templates import RenderProblem, Template
from rules.ticket import Channel, Level, Person, Severity, Status, Ticket, TicketRef, Type, Value, replace
from rules.wording import context

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANA = Person(id="1", name="Ana Lima", email="ana@example.com", organization="Northwind", language="en", tags=frozenset({"vip"}))
LENA = Person(id="2", name="Lena Vogt", email="lena@example.com")
SLA = {
    "metric": "first_response",
    "policy": "standard",
    "state": "running",
    "target": timedelta(hours=1),
    "due_at": NOW + timedelta(minutes=15),
    "elapsed": timedelta(minutes=45),
    "remaining": timedelta(minutes=15),
}
COMMENT = {"author": "Ana Lima", "role": "customer", "public": True, "text": "It still fails.", "at": NOW}
APPROVAL = {"by": "ana@example.com", "outcome": "approved", "question": "May it go on?", "comment": "Go ahead."}
EXAMPLE = Ticket(
    ref=TicketRef("desk", "48213"),
    subject="Card declined at checkout",
    body="It has failed since this morning.",
    status=Status.OPEN,
    type=Type.INCIDENT,
    resolution="duplicate",
    priority=Level.HIGH,
    severity=Severity.SEV3,
    impact=Level.NORMAL,
    urgency=Level.HIGH,
    product="billing",
    language="en",
    channel=Channel.EMAIL,
    error_code="E402",
    requester=ANA,
    group="billing-emea",
    assignee=LENA,
    tags=frozenset({"billing"}),
    watchers=frozenset({"lena@example.com"}),
    created_at=NOW - timedelta(hours=2),
    updated_at=NOW,
    due_at=NOW + timedelta(hours=6),
    url="https://desk.example.com/48213",
    version="1",
)
ANYTHING: Mapping[str, Value] = {"number": 3, "time": NOW, "boolean": True, "set": frozenset({"one", "two"})}
"""What a custom field of such a type holds in a made-up ticket, where its values are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One template in one language. `empty` are the placeholders that print nothing for this ticket; `wrong` says why there is no text."""

    name: str
    language: str
    text: str = ""
    empty: tuple[str, ...] = ()
    wrong: str = ""


def users(bundle: Bundle, name: str) -> tuple[Rule, ...]:
    """The rules that say it."""
    every = (rule for ruleset in bundle.rulesets for rule in ruleset.rules)
    return tuple(rule for rule in every if any(isinstance(s.verb, Say | Tell) and s.verb.template == name for s in steps_of(rule)))


def previews(bundle: Bundle, name: str, ticket: Ticket | None, now: datetime, language: str | None = None) -> Iterator[Preview]:
    """In every language it has, or in the one named. Without a ticket one is made up in which no field is empty."""
    rule = next(iter(users(bundle, name)), Rule(id="a-rule", place=NOWHERE, triggers=(), name="A rule", owner="an owner"))
    for code, template in sorted(bundle.templates[name].items()):
        if language is None or code.casefold() == language.casefold().replace("_", "-"):
            yield _preview(name, code, template, _data(bundle, rule, ticket, now, code))


def _preview(name: str, language: str, template: Template, data: Mapping[str, Any]) -> Preview:
    try:
        text = template.render(data).strip()
    except RenderProblem as problem:
        return Preview(name=name, language=language, wrong=str(problem))
    empty = tuple(one for one in sorted(template.names) if _value(data, one) in (None, "", []) and not _excused(template.text, one))
    return Preview(name=name, language=language, text=text, empty=empty)


def _data(bundle: Bundle, rule: Rule, ticket: Ticket | None, now: datetime, language: str) -> dict[str, Any]:
    shown = ticket or example(bundle, language)
    metrics = dict.fromkeys(bundle.clocks, "running")
    look = Look(Observation(ticket=shown, now=now), calendars=bundle.calendars, systems=bundle.desk.connections)
    known = context(look, rule)
    if ticket is not None:
        return known
    replies = {"last_customer_reply_at": NOW, "last_agent_reply_at": NOW - timedelta(hours=1)}
    about = {name: value for name, value in _said_of(rule).items() if value is not None}
    data = {**known, "sla": {**metrics, **SLA}, "comment": COMMENT, "approval": APPROVAL}
    return {**data, "ticket": {**known["ticket"], **replies}, "rule": {**dict.fromkeys(known["rule"], "an owner"), **about}}


def _said_of(rule: Rule) -> dict[str, str | None]:
    return {"id": rule.id, "name": rule.name or rule.id, "description": rule.description, "owner": rule.owner}


def example(bundle: Bundle, language: str) -> Ticket:
    """A ticket of which nothing is empty, the desk's own fields among it."""
    connection = next(iter(bundle.desk.connections), "desk")
    custom: dict[str, Value] = {
        name: field.values[0] if field.values else ANYTHING.get(field.type, name) for name, field in bundle.fields.items()
    }
    return replace(EXAMPLE, ref=TicketRef(connection, "48213"), language=language, custom=custom)


def _value(data: Mapping[str, Any], dotted: str) -> Any:
    found: Any = data
    for part in dotted.split("."):
        found = found[part] if isinstance(found, Mapping) and part in found else None
    return found


def _excused(text: str, name: str) -> bool:
    """Whether the text says what stands there instead: `| default(..)`, or asks first whether there is something."""
    said = re.escape(name)
    return bool(re.search(rf"\{{\{{[^}}]*(?<![\w.]){said}(?![\w.])[^}}]*\|\s*default|\{{%\s*(el)?if\b[^%]*(?<![\w.]){said}(?![\w.])", text))
