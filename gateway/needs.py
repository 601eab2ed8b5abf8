"""What the loaded rules ask of each connection: the uses that its user must be allowed, and the rules that want them."""

from collections.abc import Iterator, Mapping

from rules import engine
from rules.asking import steps_of
from rules.bundle import Assign, Bundle, Link, RaisePriority, Restrict, Rule, Say, Set, Step, Sync, Tag
from rules.lint_abilities import connections_of, written

Needed = Mapping[str, tuple[str, ...]]
"""Rules by use; a use is named as `connectors.inventory.Permission` names it. Reading is needed by nobody in particular."""


def needs(bundle: Bundle) -> dict[str, Needed]:
    """By connection."""
    found: dict[str, dict[str, dict[str, None]]] = {name: {"read": {}} for name in bundle.desk.connections}
    for ruleset in bundle.rulesets:
        for rule in ruleset.rules:
            if rule.mode == "disabled":
                continue
            here = connections_of(bundle.desk, ruleset, rule)
            for connection, use in _of_rule(rule, here):
                found.setdefault(connection, {}).setdefault(use, {})[rule.id] = None
    for name, uses in found.items():
        wants = engine.needs(bundle, name)
        uses |= {use: uses.get(use, {}) for use, wanted in (("comments", wants.comments), ("history", wants.history)) if wanted}
    return {name: {use: tuple(rules) for use, rules in uses.items()} for name, uses in found.items()}


def _of_rule(rule: Rule, here: frozenset[str]) -> Iterator[tuple[str, str]]:
    for step in steps_of(rule):
        partner = step.verb.partner if isinstance(step.verb, Sync) else None
        yield from ((connection, use) for use in _here(step) for connection in here if connection != partner)
        if isinstance(step.verb, Sync):
            yield from ((step.verb.partner, use) for use in _there(step.verb))


def _here(step: Step) -> Iterator[str]:
    """What a step wants of the connection that has the ticket."""
    match step.verb:
        case Set() | Assign() | RaisePriority() | Tag() as verb:
            yield from (f"set {name}" for name in written(verb))
        case Restrict():
            yield "set group"
        case Say(public=public):
            yield "reply" if public else "note"
        case Link(create_missing=made):
            yield from ["note", *(["create"] if made else [])]
        case Sync() as sync:
            yield from _kept_in_step(sync)
            yield from _files(sync, from_partner=True)


def _there(sync: Sync) -> Iterator[str]:
    """What keeping a partner in step wants of its connection."""
    yield from _kept_in_step(sync)
    yield from ["create"] if sync.create_missing else []
    yield from _files(sync, from_partner=False)


def _kept_in_step(sync: Sync) -> Iterator[str]:
    yield from (f"set {name}" for name in sync.fields)
    yield from ["comments", "reply", "note"] if sync.comments else []


def _files(sync: Sync, *, from_partner: bool) -> Iterator[str]:
    """Handing files out, and taking what the other side hands out: of the ticket's own connection, or of the partner's."""
    if sync.attachments is None:
        return
    owner = sync.attachments.owner
    yield from ["attach"] if owner is None or (owner == sync.partner) == from_partner else []
    yield from ["files"] if owner is None or (owner == sync.partner) != from_partner else []
