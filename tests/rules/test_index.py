"""The index: what it can hash on, and that it never leaves out a rule that could match."""

import pytest

from rules.index import Index, requirements
from rules.observation import Kind
from tests.builders import a_ticket, an_event, an_observation
from tests.rules.desks import a_bundle


def condition(text: str):
    return (
        a_bundle(f"rules:\n  - id: r\n    when: created\n    if: {text}\n    then: [{{ note: {{ text: n }} }}]\n")
        .rulesets[0]
        .rules[0]
        .condition
    )


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("{ product: Billing, priority: { at_least: high } }", {"product", "priority"}),
        ("{ tags: [vip, gold] }", {"tags"}),
        ("{ all: [{ group: a }, { status: [new, open] }] }", {"group", "status"}),
        ("{ any: [{ product: billing }, { tags: vip }] }", set()),
        ("{ none: [{ product: billing }] }", set()),
        ("{ product: { is_not: billing } }", set()),
        ("{ subject: { contains: card } }", set()),
        ("{ product: { empty: true } }", set()),
        ("{ status: { was: new } }", set()),
        ("{ priority: { changed: true } }", set()),
        ("{ comment.public: false, comment.role: agent }", set()),
    ],
)
def test_only_what_must_hold_is_hashed_on(text: str, fields: set[str]):
    assert {r.field for r in requirements(condition(text))} == fields


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{ tags: [vip, gold] }", True),
        ("{ tags: { contains_all: [vip, x, y] } }", True),
        ("{ tags: silver }", False),
        ("{ product: [LOGIN, billing] }", True),
        ("{ product: login }", False),
        ("{ requester.automated: false }", True),
        ("{ requester.automated: true }", False),
        ("{ priority: { below: high } }", True),
        ("{ group: triage }", False),
        ("{ group: { empty: true } }", True),
        ("{ subject: { contains: declined } }", True),
        ("{ subject: { contains: decline } }", False),
        ("{ subject: { contains_any: [visa, 'at checkout'] } }", True),
        ("{ subject: { contains_all: [visa, card] } }", False),
        ("{ any: [{ group: a }, { subject: { contains: card } }] }", True),
        ("{ any: [{ group: a }, { subject: { contains: visa } }] }", False),
        ("{ any: [{ group: a }, { priority: { changed: true } }] }", True),
        ("{ any: [{ group: a }, { all: [{ tags: vip }, { priority: { changed: true } }] }] }", True),
        ("{ none: [{ product: billing }] }", True),
    ],
)
def test_a_rule_is_found_by_the_value_it_requires(text: str, found: bool):
    from rules.engine import Engine

    bundle = a_bundle("rules: []")
    seen = an_observation(Kind.CREATED, ticket=a_ticket(product="Billing", tags=["x", "VIP", "y"]))
    index = Index([(7, frozenset({Kind.CREATED}), condition(text))])
    assert index.candidates(seen.events, Engine(bundle).look(seen)) == ([7] if found else [])
    assert index.candidates([an_event(Kind.UPDATED)], Engine(bundle).look(seen)) == []
