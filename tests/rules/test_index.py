"""The index: it finds what the conditions themselves say, whatever the rules and the ticket."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.branches import branches
from rules.bundle import Condition
from rules.conditions import holds
from rules.index import Index
from rules.look import Look
from rules.observation import Kind, Observation
from tests.builders import a_ticket, an_event, an_observation
from tests.rules.conditions import OFFICE, conditions, observations
from tests.rules.desks import CONNECTIONS, a_bundle


def condition(text: str) -> Condition:
    return (
        a_bundle(f"rules:\n  - id: r\n    when: created\n    if: {text}\n    then: [{{ note: {{ text: n }} }}]\n")
        .rulesets[0]
        .rules[0]
        .condition
    )


def look_at(seen: Observation) -> Look:
    return Look(seen, seen.events[0], calendars={"office": OFFICE}, systems=CONNECTIONS, sla=lambda metric: None)


def says(condition: Condition, look: Look) -> bool | str:
    """What the plain evaluator says: it holds, it does not, or what was raised."""
    try:
        return holds(condition, look)
    except Exception as problem:
        return type(problem).__name__


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(conditions, min_size=1, max_size=12), st.lists(observations, min_size=1, max_size=4))
def test_it_finds_exactly_the_rules_whose_conditions_hold(some: list[Condition], seen: list[Observation]):
    kinds = frozenset(Kind)
    index = Index(((n, kinds, one) for n, one in enumerate(some)), front=3)
    among = index.among(kinds)
    for one in seen:
        look = look_at(one)
        plain = [says(condition, look) for condition in some]
        judged: Any = lambda _, position, plain=plain: plain[position] is True  # noqa: E731
        found = list(index.candidates(one.events, look))
        assert found == sorted(set(found))
        due = {n for n, said in enumerate(plain) if said is not False}
        assert due <= set(found)
        standing = index.standing(among, look)
        match = [n for n, said in enumerate(plain) if said is True]
        assert index.matches(standing, one.ticket, judged) == match
        first = match[0] if match else None
        assert index.first(standing, one.ticket, judged) == first
        asked = (tier.first(tier.standing(those, look, up_to_first=True), one.ticket, judged) for tier, those in index.tiers(Kind.CREATED))
        assert next((found for found in asked if found is not None), None) == first
        for after in found:
            behind = list(index.candidates(one.events, look, after))
            assert behind == sorted(set(behind))
            assert {n for n in due if n > after} <= set(behind) <= set(range(after + 1, len(some)))
    a_page_is_seen_like_each_ticket(index, seen)


def a_page_is_seen_like_each_ticket(index: Index, seen: list[Observation]) -> None:
    look, among, tickets = look_at(seen[0]), index.among(Kind), [one.ticket for one in seen]
    for up_to_first in (False, True):
        alone = [index.standing(among, look.shows(ticket), up_to_first=up_to_first) for ticket in tickets]
        twice = index.standings(among, look, [*tickets, *tickets], up_to_first=up_to_first)  # what is kept of one says the same of the next
        assert twice == [*alone, *alone]


SUBJECTS = ["Köln: E12 refused", "E13 カード", "Größe falsch", "plain E12", "déjà vu", "cafe\u0301 E13", "", "E1２"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{ subject: { matches: 'E1[23]' } }", [0, 1, 3, 5, 7]),
        ("{ subject: { matches: 'カー' } }", [1]),
        ("{ subject: { contains: groesse } }", []),
        ("{ subject: { contains_any: [grosse, deja] } }", [2, 4]),
        ("{ subject: { contains: 'cafe e13' } }", [5]),
    ],
)
def test_a_page_of_texts_in_any_script_is_looked_into_like_each_of_them(text: str, found: list[int]) -> None:
    seen = [an_observation(Kind.CREATED, ticket=a_ticket(subject=subject)) for subject in SUBJECTS]
    index = Index([(7, frozenset({Kind.CREATED}), condition(text))])
    standing = index.standings(index.among([Kind.CREATED]), look_at(seen[0]), [one.ticket for one in seen])
    assert [n for n, (one, _) in enumerate(standing) if one] == found
    a_page_is_seen_like_each_ticket(index, seen)


@pytest.mark.parametrize("pattern", ["x*", "^ *$", "[^x]*"])
@pytest.mark.parametrize("body", [None, "", " ", "\u3000", "x", "y"])
def test_a_pattern_that_nothing_satisfies_is_not_found_in_an_empty_field(pattern: str, body: str | None) -> None:
    for text in (f"{{ body: {{ matches: '{pattern}' }} }}", f"{{ none: [{{ body: {{ matches: '{pattern}' }} }}] }}"):
        wanted, seen = condition(text), an_observation(Kind.CREATED, ticket=a_ticket(body=body))
        index = Index([(7, frozenset({Kind.CREATED}), wanted)])
        standing, doubt = index.standing(index.among([Kind.CREATED]), look_at(seen))
        assert (bool(standing), doubt) == (says(wanted, look_at(seen)), 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{ tags: [vip, gold] }", True),
        ("{ tags: { contains_all: [vip, x, y] } }", True),
        ("{ tags: { contains_all: [vip, z] } }", False),
        ("{ tags: silver }", False),
        ("{ tags: { contains_none: [vip] } }", False),
        ("{ product: [LOGIN, billing] }", True),
        ("{ product: login }", False),
        ("{ product: { is_not: login } }", True),
        ("{ product: { is_not: billing } }", False),
        ("{ requester.automated: false }", True),
        ("{ requester.automated: true }", False),
        ("{ priority: { below: high } }", True),
        ("{ group: triage }", False),
        ("{ group: { empty: true } }", True),
        ("{ product: { empty: true } }", False),
        ("{ subject: { contains: declined } }", True),
        ("{ subject: { contains: decline } }", False),
        ("{ subject: { contains_any: [visa, 'at checkout'] } }", True),
        ("{ subject: { contains_all: [visa, card] } }", False),
        ("{ subject: { matches: 'clin' } }", True),
        ("{ subject: { matches: '\\bclin\\b' } }", False),
        ("{ subject: { matches: 'visa|master' } }", False),
        ("{ created_at: { older_than: 1h } }", True),
        ("{ created_at: { older_than: 2h } }", False),
        ("{ any: [{ group: a }, { subject: { contains: card } }] }", True),
        ("{ any: [{ group: a }, { subject: { contains: visa } }] }", False),
        ("{ any: [{ group: a }, { priority: { changed: true } }] }", True),
        ("{ any: [{ group: a }, { all: [{ tags: vip }, { priority: { changed: true } }] }] }", True),
        ("{ none: [{ product: billing }] }", False),
        ("{ none: [{ all: [{ product: billing }, { group: a }] }] }", True),
    ],
)
def test_only_what_could_match_is_evaluated(text: str, found: bool):
    seen = an_observation(Kind.CREATED, ticket=a_ticket(product="Billing", tags=["x", "VIP", "y"]))
    index = Index([(7, frozenset({Kind.CREATED}), condition(text))])
    assert list(index.candidates(seen.events, look_at(seen))) == ([7] if found else [])
    assert list(index.candidates([an_event(Kind.UPDATED)], look_at(seen))) == []


def test_a_condition_with_too_many_branches_is_left_to_judgement():
    many = ", ".join(f"{{ any: [{{ tags: a{n} }}, {{ group: b{n} }}] }}" for n in range(9))
    (one,) = [a for a in branches(condition(f"{{ product: billing, all: [{many}] }}")) if a.literals[0].test.field == "product"][:1]
    assert one.unsure
    assert len(branches(condition(f"{{ all: [{many}] }}"))) <= 64


def test_a_value_that_is_not_of_its_type_leaves_every_rule_that_asks_for_it_to_judgement():
    desk = "fields: { seats: { type: number, from: { zendesk-eu: seats } } }\n"
    text = "rules:\n  - { id: r, when: created, if: { product: login, custom.seats: { above: 3 } }, then: [{ note: { text: n } }] }\n"
    rule = a_bundle(desk + text).rulesets[0].rules[0]
    index = Index([(0, frozenset({Kind.CREATED}), rule.condition)])
    for seats, found in ((5, []), (5.0, []), ("5", []), ("many", [0]), (float("nan"), [0])):
        seen = an_observation(Kind.CREATED, ticket=a_ticket(product="billing", custom={"seats": seats}))
        assert list(index.candidates(seen.events, look_at(seen))) == found
