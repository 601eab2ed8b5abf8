"""`page`, `approval` and `webhook`: who is called out, asked or told, and what waits for the answer."""

from collections.abc import Callable
from typing import Any, TypeAlias

from rules.asking import OUTCOMES, Approval, CallOut, Post
from rules.bundle import Span, Step
from rules.nodes import Map, Node, Scalar
from rules.reader_bodies import read_body
from rules.reader_context import Reading
from rules.reader_texts import compile_text
from rules.reader_values import span
from rules.templates import Template

PEOPLE = ("assignee", "team-lead")
ReadSteps: TypeAlias = Callable[[Reading, Node], tuple[Step, ...]]
_APPROVAL = ("ask", "within", "calendar", "question", *OUTCOMES)


def read_page(r: Reading, value: Node) -> CallOut | None:
    node = r.map(value, "'page'", ("to", "urgency", "text"))
    if node is None:
        return None
    to, text = r.need(node, "to", "'page'", help="add to: with a name under on_call:"), _text(r, node, "text", "'page'")
    urgency: Any = r.choice(u, "'urgency'", ("high", "low")) if (u := node.get("urgency")) else "high"
    name = _on_call(r, to) if to is not None else None
    return CallOut(to=name, text=text, urgency=urgency) if name and text and urgency else None


def _on_call(r: Reading, node: Node) -> str | None:
    name = r.text(node, "'to'", help="page one name; a chain of people stands under on_call: in ticketgate.yaml")
    if name in r.desk.channels and name not in r.desk.on_call:
        r.wrong(
            node, "TG302", f"'{name}' is a channel, nobody who is on call", help="notify it, or put it under on_call: in ticketgate.yaml"
        )
        return None
    return r.member(node, "'to'", "on-call name", r.desk.on_call, "they stand under on_call: in ticketgate.yaml") if name else None


def read_approval(r: Reading, value: Node, read_steps: ReadSteps) -> Approval | None:
    node = r.map(value, "'approval'", _APPROVAL)
    if node is None:
        return None
    ask, within = r.need(node, "ask", "'approval'", help="add ask: with a channel or a person"), _within(r, node)
    question = _text(r, node, "question", "'approval'")
    if not any(outcome in node for outcome in OUTCOMES):
        r.wrong(node, "TG206", "'approval' does nothing with the answer", help="add approved:, denied: or no_answer: with steps")
    name = asked(r, ask) if ask is not None else None
    calendar = r.named("calendar", c, "'calendar'") if (c := node.get("calendar")) else None
    lists = {outcome: _waiting(r, node, outcome, read_steps) for outcome in OUTCOMES}
    if not (name and within and question):
        return None
    return Approval(ask=name, within=within, question=question, calendar=calendar, **lists)


def asked(r: Reading, node: Node) -> str | None:
    """A channel, `assignee`, `team-lead`, or one person's e-mail address."""
    name = r.text(node, "'ask'", help="ask one channel or person; several people are the members of a channel")
    if name is None or "@" in name:
        return name
    known = (*PEOPLE, *sorted(r.desk.channels))
    return r.member(node, "'ask'", "channel", known, "channels stand in ticketgate.yaml; a person is asked by e-mail address")


def read_webhook(r: Reading, value: Node) -> Post | None:
    node = r.map(value, "'webhook'", ("to", "body"))
    if node is None:
        return None
    to = r.need(node, "to", "'webhook'", help="add to: with a name under endpoints: in ticketgate.yaml")
    body = r.need(node, "body", "'webhook'", help='add body: { ticket: "{{ ticket.ref }}" }')
    name = r.member(to, "'to'", "endpoint", r.desk.endpoints, "they stand under endpoints: in ticketgate.yaml") if to is not None else None
    made = read_body(r, body) if body is not None else None
    return Post(to=name, body=made) if name and made else None


def _within(r: Reading, node: Map) -> Span | None:
    value = r.need(node, "within", "'approval'", help="add within: 4 business hours, after which no_answer is done")
    made = span(r, value, "'within'") if value is not None else None
    if made is not None and value is not None and made.business and not _counts_somewhere(r, node):
        help = "add calendar: beside it, or default_calendar: to ticketgate.yaml"
        r.wrong(value, "TG206", "business time wants a calendar", help=help)
    return made


def _counts_somewhere(r: Reading, node: Map) -> bool:
    return "calendar" in node or r.desk.default_calendar is not None or any(policy.calendar for policy in r.policies.values())


def _waiting(r: Reading, node: Map, outcome: str, read_steps: ReadSteps) -> tuple[Step, ...]:
    """What waits for an answer is done in another pass, so it sets no field twice in this one (TG405)."""
    value, before = node.get(outcome), len(r.writes)
    made = read_steps(r, value) if value is not None else ()
    del r.writes[before:]
    return made


def _text(r: Reading, node: Map, key: str, what: str) -> Template | None:
    value = r.need(node, key, what)
    if value is None or r.text(value, f"'{key}'") is None or not isinstance(value, Scalar):
        return None
    return compile_text(r, value)
