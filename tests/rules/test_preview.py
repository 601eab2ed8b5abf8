"""What a change of rules could concern: a ticket that it lets fall ends the same under both."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import Bundle
from rules.engine import Engine
from rules.observation import Event, Kind, Observation
from rules.plan import AddComment, Plan, Update
from rules.preview import concerned
from rules.ticket import Level, Ticket
from tests.builders import NOW, a_ticket
from tests.rules.desks import a_bundle

CONDITIONS = (
    "product: billing",
    "group: b",
    "group: { empty: true }",
    "priority: { at_least: high }",
    "tags: vip",
    "subject: { contains: card }",
    "text: { matches: 'de.?lined' }",
    "none: [{ tags: vip }]",
    "any: [{ group: a }, { priority: { changed: true } }]",
)
STEPS = (
    "assign: { group: a }",
    "assign: { group: b }",
    "set: { priority: high }",
    "set: { product: billing }",
    "raise_priority: { by: 1 }",
    "tag: { add: [vip] }",
    "tag: { remove: [vip] }",
    "note: { text: seen }",
    "stop: ruleset",
)
MORE = ("", ", mode: disabled", ", mode: shadow")
one_rule = st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(STEPS), st.sampled_from((*[""] * 4, *MORE)))
some_rules = st.lists(one_rule, min_size=1, max_size=6)


def bundle_of(rules: dict[int, tuple[str, str, str]], pick: str) -> Bundle:
    texts = (
        f"  - {{ id: r{n}, when: [created, {{ changed: group }}], if: {{ {condition} }}, then: [{{ {step} }}]{more} }}\n"
        for n, (condition, step, more) in sorted(rules.items())
    )
    return a_bundle(f"ruleset: {{ pick: {pick} }}\nrules:\n{''.join(texts)}")


def ends(plan: Plan) -> list[Any]:
    """What is left of a plan without the names under which it is done."""
    return [
        action.fields | {"tags": action.tags} if isinstance(action, Update) else (action.body if isinstance(action, AddComment) else action)
        for action in plan.actions
    ]


tickets = st.builds(
    a_ticket,
    subject=st.sampled_from(("Card declined", "Hello")),
    product=st.sampled_from((None, "billing", "login")),
    group=st.sampled_from((None, "a", "b")),
    priority=st.sampled_from((None, Level.LOW, Level.HIGH)),
    tags=st.frozensets(st.sampled_from(("vip", "x"))),
)


@settings(max_examples=60, deadline=None)
@given(some_rules, one_rule, st.data(), st.lists(tickets, min_size=1, max_size=8))
def test_a_ticket_that_is_not_concerned_ends_the_same(rules: list[Any], other: Any, data: st.DataObject, some: list[Ticket]) -> None:
    old = dict(enumerate(rules))
    place = data.draw(st.integers(0, len(rules)))
    new = {**old, place: other} if data.draw(st.booleans()) else {n: rule for n, rule in old.items() if n != place}
    before, after = bundle_of(old, "all"), bundle_of(new or {9: other}, "all")
    changed = frozenset(f"r{n}" for n in {*old, *(new or {9: other})} if old.get(n) != (new or {9: other}).get(n))
    could = concerned(before, after, changed, NOW).among(some)
    for ticket, one in zip(some, could, strict=True):
        if not one:
            assert ends(Engine(before).evaluate(just_come(ticket))) == ends(Engine(after).evaluate(just_come(ticket)))


def just_come(ticket: Ticket) -> Observation:
    return Observation(ticket=ticket, now=NOW, events=(Event(kind=Kind.CREATED, at=ticket.created_at),))


def test_a_rule_that_makes_another_match_concerns_as_well() -> None:
    old = {1: ("product: billing", "assign: { group: b }", ""), 2: ("group: b", "note: { text: seen }", "")}
    new = old | {2: ("group: b", "tag: { add: [vip] }", "")}
    could = concerned(bundle_of(old, "all"), bundle_of(new, "all"), frozenset({"r2"}), NOW)
    assert could.reads == {"product", "group"}
    assert could.among([a_ticket(product="billing"), a_ticket(group="B"), a_ticket(product="login")]) == [True, True, False]
