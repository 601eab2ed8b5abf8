"""The rules and tickets of the benchmark folder, a plain tree and a plain dictionary, in ticketgate's own language.

What stands where: `org` is the requester's organization, `text` the body, `system` the connection, `product` the field of that name,
`region`, `plan` and all numbers are custom fields; the status `solved` is `resolved`. Substrings are not words: `contains` and
`contains_any` become the pattern that means the same, and so does `regex`, whose syntax RE2 shares.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import re2

from rules.bundle import All, AnyOf, Assign, Bundle, Condition, Desk, FieldType, NoneOf, On, Place, Rule, RuleSet, Step, Test
from rules.observation import Kind, Observation
from rules.ticket import Channel, Level, Person, Status, Ticket, TicketRef, Type

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIELDS: Mapping[str, tuple[str, FieldType]] = {
    "system": ("connection", "choice"),
    "type": ("type", "choice"),
    "status": ("status", "choice"),
    "priority": ("priority", "ordered_choice"),
    "channel": ("channel", "choice"),
    "language": ("language", "text"),
    "group": ("group", "reference"),
    "org": ("requester.organization", "text"),
    "tags": ("tags", "set"),
    "subject": ("subject", "text"),
    "text": ("body", "text"),
    "custom.product": ("product", "text"),
    "custom.region": ("custom.region", "choice"),
    "custom.plan": ("custom.plan", "choice"),
    **{name: (f"custom.{name}", "number") for name in ("age_hours", "updated_hours", "reopens", "replies")},
    **{f"custom.{name}": (f"custom.{name}", "number") for name in ("seats", "mrr", "csat")},
}
OPERATORS = {
    "eq": "is",
    "ne": "is_not",
    "in": "one_of",
    "nin": "not_one_of",
    "gt": "above",
    "ge": "at_least",
    "lt": "below",
    "le": "at_most",
    "between": "between",
    "has_any": "contains_any",
    "has_all": "contains_all",
    "contains": "matches",
    "contains_any": "matches",
    "regex": "matches",
}
STATUSES: Mapping[str, Status] = {**{str(status): status for status in Status}, "solved": Status.RESOLVED}
TYPES, LEVELS, CHANNELS = ({str(word): word for word in words} for words in (Type, Level, Channel))


def bundle(rules: Iterable[Mapping[str, Any]]) -> Bundle:
    """One rule set in which all match; each rule assigns a group."""
    made = tuple(_rule(n, rule) for n, rule in enumerate(rules))
    desk = Desk(connections={name: name for name in ("zendesk", "jira", "servicenow", "github")})
    return Bundle(hash="0" * 64, rulesets=(RuleSet(id="all", file="rules/10-all.yaml", order=10, rules=made),), desk=desk)


def _rule(n: int, rule: Mapping[str, Any]) -> Rule:
    place = Place("rules/10-all.yaml", n)
    step = Step(Assign(group=rule["then"]["route"]), "assign", place)
    return Rule(id=rule["id"], place=place, triggers=(On(Kind.CREATED),), condition=condition(rule["when"]), steps=(step,))


def condition(tree: Mapping[str, Any]) -> Condition:
    if "all" in tree:
        return All(tuple(map(condition, tree["all"])))
    if "any" in tree:
        return AnyOf(tuple(map(condition, tree["any"])))
    if "not" in tree:
        return NoneOf((condition(tree["not"]),))
    name, kind = FIELDS[tree["field"]]
    return Test(name, OPERATORS[tree["op"]], _value(tree["op"], _ours(name, tree["value"])), kind, f"{name} {tree['op']}")


def _ours(name: str, value: Any) -> Any:
    return value if name != "status" else str(STATUSES[value]) if isinstance(value, str) else [str(STATUSES[one]) for one in value]


def _value(op: str, value: Any) -> Any:
    if op in ("contains", "contains_any", "regex"):
        return pattern(value if op == "regex" else "|".join(map(re.escape, [value] if op == "contains" else value)))
    if op == "between":
        return tuple(value)
    return frozenset(value) if isinstance(value, list) else value


def pattern(text: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    return re2.compile(text, options)


def ticket(plain: Mapping[str, Any]) -> Ticket:
    custom = plain["custom"]
    return Ticket(
        ref=TicketRef(plain["system"], "1"),
        subject=plain["subject"],
        body=plain["text"],
        status=STATUSES[plain["status"]],
        type=TYPES[plain["type"]],
        priority=LEVELS[plain["priority"]],
        channel=CHANNELS[plain["channel"]],
        language=plain["language"],
        group=plain["group"] or None,
        product=custom["product"],
        requester=Person(organization=plain["org"]),
        tags=frozenset(plain["tags"]),
        created_at=NOW,
        updated_at=NOW,
        version="1",
        custom={
            "region": custom["region"],
            "plan": custom["plan"],
            "seats": custom["seats"],
            "mrr": custom["mrr"],
            "csat": custom["csat"],
            "age_hours": plain["age_hours"],
            "updated_hours": plain["updated_hours"],
            "reopens": plain["reopens"],
            "replies": plain["replies"],
        },
    )


def just_come(one: Ticket) -> Observation:
    return Observation(ticket=one, now=NOW, adopted=True)
