"""TG412: fields that no connection of a rule can supply, and actions that none can do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.asking import steps_of
from rules.bundle import (
    All,
    AnyOf,
    Assign,
    Condition,
    Desk,
    Named,
    NoneOf,
    Place,
    RaisePriority,
    Restrict,
    Rule,
    RuleSet,
    Say,
    Set,
    Step,
    Sync,
    Tag,
    Test,
)
from rules.lint_overlap import certain, wanted_words
from rules.policy import Policy
from rules.problems import Problem
from rules.reader_context import Reading
from rules.text import folded

_EVERYWHERE = frozenset({"connection", "system", "ref", "url", "subject", "text", "status", "created_at", "updated_at"})
ELSEWHERE = "map it under fields: with 'from', or name the connections that can under ruleset: { connections: [..] }"
_FAMILIES = ("comment.", "sla.", "last_")


@dataclass(frozen=True, slots=True)
class _Want:
    """Something a rule needs, and the connections that have it."""

    place: Place
    what: str  # 'product' cannot be read
    able: frozenset[str]


def abilities(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[Problem]:
    """An error where no connection of the rule can, a note where only some cannot. What is not known of a connection is no finding."""
    for ruleset in rulesets:
        for rule in ruleset.rules:
            if rule.mode != "disabled":
                yield from _of_rule(r, ruleset, rule)
    for policy in r.policies.values():
        yield from _of_policy(r, policy)


def _of_policy(r: Reading, policy: Policy) -> Iterator[Problem]:
    """`on_split: inherit` where no system that the policy is about says what a ticket was split from."""
    clock = next((clock for clock in policy.clocks.values() if clock.switches.on_split == "inherit"), None)
    concerned = _concerned(r.desk, frozenset(r.desk.connections), policy.applies_to)
    if clock is None or not concerned or concerned & _able(r, "split_from", r.desk.reads):
        return
    spot = r.extent(policy.place)
    yield Problem(
        code="TG412",
        level="error",
        message=f"'on_split: inherit' of '{policy.name}' has nothing to inherit from: none of its connections reads 'split_from'",
        place=policy.place,
        end_column=spot.end_column,
        help="say origins: [clones, split from] in a Jira connection, map split_from under fields: with 'from', or remove on_split",
    )


def _of_rule(r: Reading, ruleset: RuleSet, rule: Rule) -> Iterator[Problem]:
    concerned = connections_of(r.desk, ruleset, rule)
    if not concerned:
        return
    seen: set[str] = set()  # one mistake, one message: where a field is tested first
    for want in (*_fields(r, rule.condition), *_work(r, rule)):
        unable = concerned - want.able
        if unable and want.what not in seen:
            seen.add(want.what)
            none, names = unable == concerned, ", ".join(sorted(unable))
            message = f"{want.what} {'by any connection of this rule' if none else 'everywhere'}: not by {names}"
            yield unable_there(r, rule, want.place, message, ELSEWHERE, none=none)


def unable_there(r: Reading, rule: Rule, place: Place, message: str, way_out: str, *, none: bool) -> Problem:
    """An error where `none` of the connections can do what stands at the place, else a note."""
    return Problem(
        code="TG412",
        level="error" if none else "note",
        message=message,
        place=place,
        end_column=r.extent(place).end_column,
        note=f"in rule '{rule.id}'",
        help=way_out,
        rule=rule.id,
    )


def connections_of(desk: Desk, ruleset: RuleSet, rule: Rule) -> frozenset[str]:
    """The connections whose tickets can match, as far as the condition says so for certain."""
    return _concerned(desk, ruleset.connections or frozenset(desk.connections), rule.condition)


def _concerned(desk: Desk, found: frozenset[str], condition: Condition) -> frozenset[str]:
    for test in certain(condition):
        wanted = wanted_words(test)
        if wanted is not None and test.field == "connection":
            found = frozenset(name for name in found if folded([name]) <= wanted)
        elif wanted is not None and test.field == "system":
            found = frozenset(name for name in found if folded([desk.connections.get(name, "")]) <= wanted)
    return found


def _fields(r: Reading, condition: Condition) -> Iterator[_Want]:
    for test in all_tests(condition):
        able = _able(r, test.field, r.desk.reads)
        yield _Want(test.place, f"'{test.field}' cannot be read", able)


def all_tests(condition: Condition) -> Iterator[Test]:
    """Every test in a condition, those of named ones among them."""
    match condition:
        case Test():
            yield condition
        case Named(part=part):
            yield from all_tests(part)
        case All(parts) | AnyOf(parts) | NoneOf(parts):
            for part in parts:
                yield from all_tests(part)


def supplied(field: str, connection: str, reads: Mapping[str, frozenset[str]]) -> bool:
    """Whether a connection fills the field without being told where it keeps it; one of which nothing is known is believed to."""
    if field in _EVERYWHERE or field.startswith(_FAMILIES):
        return True
    return connection not in reads or _among(field, reads[connection])


def _able(r: Reading, field: str, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The connections that have the field; one of which nothing is known is believed to."""
    if known is r.desk.reads and (field in _EVERYWHERE or field.startswith(_FAMILIES)):
        return frozenset(r.desk.connections)
    own = r.fields.get(field.removeprefix("custom.")) if field.startswith("custom.") or field in r.fields else None
    mapped = frozenset(own.remote) if own else frozenset()
    return mapped | frozenset(c for c in r.desk.connections if c not in known or _among(field, known[c]))


def _among(field: str, known: frozenset[str]) -> bool:
    """A connector that reads the requester reads all of the person but the tags, which stand for themselves."""
    if field in known or not field.startswith("requester.") or field == "requester.tags":
        return field in known
    return any(name.partition(".")[0] == "requester" for name in known)


def _work(r: Reading, rule: Rule) -> Iterator[_Want]:
    for step in steps_of(rule):
        yield from _of_step(r, step)


def _of_step(r: Reading, step: Step) -> Iterator[_Want]:
    connections = frozenset(r.desk.connections)
    told = bool(r.desk.writes)  # a desk made by hand, as in tests, says nothing of abilities
    match step.verb:
        case Set() | Assign() | RaisePriority() | Tag() as verb:
            for name in written(verb):
                yield _Want(step.place, f"'{name}' cannot be written", _able(r, name, r.desk.writes))
        case Restrict():
            yield _Want(step.place, "'group' cannot be written", _able(r, "group", r.desk.writes))
        case Say(public=public):
            able = r.desk.replies if public else r.desk.notes
            yield _Want(step.place, f"'{step.name}' cannot be done", able if told else connections)
        case Sync(partner=partner, create_missing=True) if told and partner not in r.desk.creates:
            yield _Want(step.place, f"tickets cannot be created in {partner}, nor", frozenset())


def written(verb: Set | Assign | RaisePriority | Tag) -> Iterator[str]:
    match verb:
        case Set(fields):
            yield from fields
        case Assign(group=group, user=user, table=table):
            yield from ["group"] if group or table else []
            yield from ["assignee"] if user else []
        case RaisePriority():
            yield "priority"
        case Tag():
            yield "tags"
