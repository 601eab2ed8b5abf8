"""What a text may say: the data behind its placeholders, and the language in which it is said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rules.bundle import Bundle, Rule
from rules.fields import METRICS, newest_reply
from rules.look import Look
from rules.observation import Answer
from rules.sla import SlaClock
from rules.templates import Template
from rules.ticket import Comment, Person, Role, Ticket

_PLAIN = (
    *("subject", "body", "status", "type", "resolution", "priority", "severity", "impact", "urgency", "product", "language"),
    *("channel", "error_code", "group", "created_at", "updated_at", "due_at", "url"),
)
_PERSON = ("name", "email", "organization", "language", "automated")
SLA_NAMES = frozenset({"sla.metric", "sla.state", "sla.target", "sla.due_at", "sla.elapsed", "sla.remaining"})
"""What a text may say about the clock of its ladder; empty elsewhere. `sla.policy` and `sla.METRIC` are fields."""
APPROVAL_NAMES = frozenset({"approval.by", "approval.outcome", "approval.question", "approval.comment"})
"""What a text may say about the answer that set off its steps; empty elsewhere."""
RULE_NAMES = frozenset({"rule.id", "rule.name", "rule.description", "rule.owner"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """A template by its name and the language in which it exists."""

    name: str
    language: str
    template: Template


def context(look: Look, rule: Rule, clock: SlaClock | None = None) -> dict[str, Any]:
    """The data for a text: `ticket.*` by the names of conditions, `rule.*`, `sla.*`, `comment.*`, `approval.*`. Plain values only."""
    return {
        "ticket": _ticket(look),
        "rule": {"id": rule.id, "name": rule.name or rule.id, "description": rule.description, "owner": rule.owner},
        "sla": _Sla(look, clock),
        "comment": _comment(look.event.comment if look.event else None),
        "approval": _approval(look.event.answer if look.event else None),
    }


def languages(ticket: Ticket, asked: str, default: str) -> Iterator[str]:
    """The languages to try, best first: the one named, or for `auto` the ticket's, then the requester's; then the desk's."""
    wanted = (ticket.language, ticket.requester.language if ticket.requester else None) if asked == "auto" else (asked,)
    for language in (*wanted, default):
        if language:
            code = language.casefold().replace("_", "-")
            yield code
            yield code.partition("-")[0]


def chosen(bundle: Bundle, name: str, ticket: Ticket, asked: str) -> Chosen:
    """The template in the best language it has. Raises `ValueError` when the chain of languages reaches none."""
    variants = {
        language.casefold().replace("_", "-"): (language, template) for language, template in bundle.templates.get(name, {}).items()
    }
    for code in languages(ticket, asked, bundle.desk.default_language):
        if code in variants:
            return Chosen(name, *variants[code])
    raise ValueError(
        f"template '{name}' is not there in any language that would do; add templates/{name}/{bundle.desk.default_language}.md"
    )


def _ticket(look: Look) -> dict[str, Any]:
    ticket, observation = look.ticket, look.observation
    data: dict[str, Any] = {name: getattr(ticket, name) for name in _PLAIN}
    customer, agent = newest_reply(observation, Role.CUSTOMER), newest_reply(observation, Role.AGENT)
    data |= {
        "ref": str(ticket.ref),
        "key": ticket.ref.key,
        "shown_as": ticket.shown_as or ticket.ref.key,
        "connection": ticket.ref.connection,
        "system": look.systems.get(ticket.ref.connection),
        "assignee": ticket.assignee.known_as if ticket.assignee else None,
        "requester": _person(ticket.requester),
        "tags": sorted(ticket.tags),
        "watchers": sorted(ticket.watchers),
        "text": f"{ticket.subject}\n{customer.text if customer else ticket.body or ''}",
        "last_customer_reply_at": customer.at if customer else None,
        "last_agent_reply_at": agent.at if agent else None,
        "custom": _Known({name: _plain(value) for name, value in ticket.custom.items()}),
    }
    return {name: str(value) if isinstance(value, str) else value for name, value in data.items()}


def _person(person: Person | None) -> dict[str, Any]:
    return {name: getattr(person, name, None) for name in _PERSON} | {"tags": sorted(person.tags) if person else []}


def _comment(comment: Comment | None) -> dict[str, Any]:
    if comment is None:
        return dict.fromkeys(("author", "role", "public", "text", "at"))
    author = comment.author.name or comment.author.known_as if comment.author else None
    return {"author": author, "role": str(comment.role), "public": comment.public, "text": comment.text, "at": comment.at}


def _approval(answer: Answer | None) -> dict[str, Any]:
    return {name: getattr(answer, name, None) for name in ("by", "outcome", "question", "comment")}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


class _Known(dict[str, Any]):
    """Custom fields: which there are was checked with the rules, so one that this ticket lacks is empty."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> None:
        return None


class _Sla(Mapping[str, Any]):
    """The clock of the ladder at work, and how each metric stands; worked out when asked for."""

    def __init__(self, look: Look, clock: SlaClock | None) -> None:
        self._look, self._clock = look, clock

    def __getitem__(self, name: str) -> datetime | timedelta | str | None:
        if f"sla.{name}" not in SLA_NAMES:
            return self._look.sla(name)
        if self._clock is None:
            return None
        written = self._clock.ruling.target.written
        return written or self._clock.amount if name == "target" else getattr(self._clock, name)

    def __contains__(self, name: object) -> bool:
        """Which clocks there are was checked with the rules."""
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(("policy", *METRICS))

    def __len__(self) -> int:
        return 1 + len(METRICS)
