"""Many tickets at once: what the sieve lets fall, no rule could have acted on."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import Bundle
from rules.columns import MOST
from rules.engine import Engine
from rules.observation import Event, Kind, Observation
from rules.ticket import Ticket
from tests.builders import NOW, a_ticket
from tests.rules.desks import a_bundle

TEXTS = ("Card declined", "carte refusée", "カードが使えません", "C++ crash", "card-declined", "kartenlos", "ﬁle lost")
CONDITIONS = (
    "subject: { contains: card }",
    "subject: { contains_any: [Zebra, 'card declined', refusee] }",
    "subject: { contains_all: [declined, card] }",
    "text: { contains: カード }",
    "text: { contains_any: ['++', file] }",
    "tags: [vip, gold]",
    "product: { empty: true }",
    "any: [{ product: billing }, { all: [{ tags: vip }, { subject: { contains: crash } }] }]",
    "any: [{ subject: { contains: declined } }, { priority: { changed: true } }]",
    "none: [{ tags: vip }]",
    "status: { not_one_of: [new] }",
)


SEATS = "fields: { seats: { type: number, from: { zendesk-eu: seats, jira-core: seats, servicenow-it: seats } } }\n"


def bundle_of(*conditions: str, more: str = "") -> Bundle:
    rules = "".join(
        f"\n  - id: r{n}\n    when: created\n    if: {{ {c} }}\n    then: [{{ tag: {{ add: [x] }} }}]" for n, c in enumerate(conditions)
    )
    return a_bundle(f"{more}rules:{rules}\n")


def just_come(ticket: Ticket) -> Observation:
    return Observation(ticket=ticket, now=NOW, events=(Event(kind=Kind.CREATED, at=ticket.created_at),), adopted=True)


tickets = st.builds(
    a_ticket,
    subject=st.sampled_from(TEXTS) | st.text(max_size=8),
    body=st.none() | st.sampled_from(TEXTS),
    product=st.sampled_from([None, "Billing", "login"]),
    tags=st.frozensets(st.sampled_from(["VIP", "Gold", "x"])),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=4, unique=True), st.lists(tickets, min_size=1, max_size=6))
def test_what_it_lets_fall_gives_an_empty_plan(conditions: list[str], some: list[Ticket]):
    engine = Engine(bundle_of(*conditions))
    could_act = engine.sieve(just_come(some[0]))
    for ticket in [*some, *some]:  # and what was found out of a ticket says the same of the next one like it
        plan = engine.evaluate(just_come(ticket))
        assert could_act(ticket) or not (plan.actions or plan.fired or plan.failures)


@pytest.mark.parametrize(
    ("condition", "fields", "could"),
    [
        ("subject: { contains: card }", {"subject": "Discard it"}, False),
        ("subject: { contains: card }", {"subject": "CARD!"}, True),
        ("subject: { contains_any: [a b, c] }", {"subject": "a b?"}, True),
        ("subject: { contains: カード }", {"subject": "新しいカード"}, True),
        ("subject: { contains: '++' }", {"subject": "c++"}, True),
        ("any: [{ tags: vip }, { group: a }]", {"tags": {"Vip"}}, True),
        ("any: [{ tags: vip }, { group: a }]", {"tags": {"x"}, "group": "b"}, False),
        ("any: [{ tags: vip }, { group: { is_not: a } }]", {"tags": {"x"}, "group": "a"}, False),
        ("status: { not_one_of: [closed] }, any: [{ tags: vip }, { requester.organization: acme }]", {"tags": {"x"}}, False),
        ("custom.seats: { above: 3 }, product: billing", {"product": "x"}, False),
        ("custom.seats: { above: 3 }, product: billing", {"product": "x", "custom": {"seats": "many"}}, True),
        ("product: billing, custom.seats: { above: 3 }", {"product": "x"}, False),
    ],
)
def test_what_it_can_tell(condition: str, fields: Mapping[str, Any], could: bool):
    engine = Engine(bundle_of(condition, more=SEATS))
    ticket = a_ticket(**{"subject": "s", **fields})
    assert engine.sieve(just_come(ticket))(ticket) is could


def test_a_failure_in_front_of_a_value_is_seen_whatever_the_value():
    seen = just_come(a_ticket(product="login", custom={"seats": "many"}))
    engine = Engine(bundle_of("custom.seats: { above: 3 }, product: billing", more=SEATS))
    assert engine.evaluate(seen).failures == engine.explain(seen).plan.failures != ()


def test_it_keeps_no_more_than_so_many_values_in_mind():
    engine = Engine(bundle_of("group: a"))
    could_act = engine.sieve(just_come(a_ticket()))
    assert not any(could_act(a_ticket(group=f"g{n}")) for n in range(MOST + 10))
    assert could_act(a_ticket(group="A"))
