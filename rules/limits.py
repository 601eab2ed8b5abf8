"""How often a rule may act: sliding windows over the moments at which it did, counted by keys that the gateway stores.

A limit's key is `limit:RULE:ticket:REF`, `limit:RULE:requester:WHO` or `limit:RULE:total`; that of the one reply per ticket and hour
is `replies:REF`. `Observation.limits` brings the moments for a key, `Fired.used` names the keys that a plan used up at its `at`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rules.bundle import Limits, Rate, Rule
from rules.observation import Observation
from rules.text import fold
from rules.ticket import Ticket

REPLIES = Rate(1, timedelta(hours=1))


def rates(rule: Rule, ticket: Ticket) -> dict[str, Rate]:
    """The limits of a rule on this ticket by their keys."""
    return dict(_rates(rule.id, rule.limits, ticket))


def keys(rule: Rule, ticket: Ticket) -> tuple[str, ...]:
    """The limits that one run of `rule` on `ticket` uses up."""
    return tuple(rates(rule, ticket))


def replies_key(ticket: Ticket) -> str:
    return f"replies:{ticket.ref}"


def reached(rule: Rule, ticket: Ticket, observation: Observation, used: list[str]) -> str | None:
    """The first of the rule's limits that leaves no room now, as it is written; `used` are the keys already used up in this pass."""
    return next((_written(key, rate) for key, rate in _rates(rule.id, rule.limits, ticket) if full(key, rate, observation, used)), None)


def _written(key: str, rate: Rate) -> str:
    which = {"ticket": "per_ticket", "requester": "per_requester"}.get(key.split(":")[2], "total")
    return f"{which}: {rate.written or rate.times}"


def full(key: str, rate: Rate, observation: Observation, used: list[str]) -> bool:
    """Whether the window is full. Windows slide and are half open: done at 10:00 under `1 per 12h`, possible again at 22:00."""
    since = datetime.min.replace(tzinfo=observation.now.tzinfo) if rate.per is None else observation.now - rate.per
    return sum(at > since for at in observation.limits.get(key, ())) + used.count(key) >= rate.times


def _rates(rule: str, limits: Limits, ticket: Ticket) -> Iterator[tuple[str, Rate]]:
    if limits.per_ticket:
        yield f"limit:{rule}:ticket:{ticket.ref}", limits.per_ticket
    person = ticket.requester
    known = (fold(person.email) if person.email else person.id or person.name) if person else None
    if limits.per_requester and known:
        yield f"limit:{rule}:requester:{known}", limits.per_requester
    if limits.total:
        yield f"limit:{rule}:total", limits.total
