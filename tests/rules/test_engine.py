"""Section 9 of the language page, sentence by sentence: one observation and the rules in force give one plan."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bundle import Bundle, RuleSet
from rules.engine import Engine, Needs, NoSuchRule, evaluate, explain, needs
from rules.observation import Kind, Observation
from rules.plan import AddComment, Notify, Plan, Update
from rules.ticket import Level, Person, Status, replace
from tests.builders import ANA, NOW, a_change, a_comment, a_ticket, an_event, an_observation
from tests.costs import growth
from tests.rules.desks import a_bundle, a_desk

HELLO = {"ack/en": "Hello {{ ticket.requester.name }}", "ack/pt": "Olá {{ ticket.requester.name | first_name }}"}


def fields(plan: Plan) -> dict[str, Any]:
    return {c.field: c.after for action in plan.actions if isinstance(action, Update) for c in action.changes}


def said(plan: Plan) -> list[str]:
    return [action.body for action in plan.actions if isinstance(action, AddComment)]


ODD = "TG401 TG402 TG403 TG409"
"""What a person would hardly mean, and the engine must do all the same."""


def rules(*bodies: str, pick: str = "all", **more: Any) -> Bundle:
    listed = "".join(f"\n  - id: rule-{n}\n    {body}" for n, body in enumerate(bodies, 1))
    return a_bundle(f"ruleset: {{ pick: {pick} }}\nrules:{listed}\n", allow=ODD, **more)


def settled(plan: Plan, seen: Observation, bundle: Bundle) -> Plan:
    """The plan at the next look, after this one was carried out and nothing else happened."""
    done = seen.done | {s.key for s in plan.stages} | {a.key for a in plan.actions if not isinstance(a, Update)}
    return evaluate(replace(seen, ticket=plan.leaves(seen.ticket), events=(), done=done), bundle)


# --- events and order ------------------------------------------------------------------------------------------------


def test_a_rule_runs_once_in_a_pass_and_its_occasion_is_the_latest_event_it_names():
    bundle = rules("when: [created, customer_replied]\n    then: [{ note: { text: '{{ comment.text }}' } }]")
    events = (an_event(), an_event(Kind.CUSTOMER_REPLIED, comment=a_comment("one", id="1")))
    later = an_event(Kind.CUSTOMER_REPLIED, comment=a_comment("two", id="2"))
    assert said(evaluate(an_observation(*events, later), bundle)) == ["two"]


def test_a_rule_sees_what_earlier_rules_planned_and_the_later_wins():
    bundle = rules(
        "when: created\n    then: [{ set: { priority: high } }, { assign: { group: a } }]",
        "when: created\n    if: { priority: high }\n    then: [{ assign: { group: b } }]",
    )
    assert fields(evaluate(an_observation(Kind.CREATED), bundle)) == {"priority": "high", "group": "b"}


def test_pick_first_stops_the_set_and_not_the_next_one():
    first = "ruleset: { pick: first }\nrules:\n" + "".join(
        f"  - {{ id: {name}, when: created, then: [{{ tag: {{ add: [{name}] }} }}] }}\n" for name in ("one", "two")
    )
    second = "rules:\n  - { id: three, when: created, then: [{ tag: { add: [three] } }] }\n"
    plan = evaluate(an_observation(Kind.CREATED), a_bundle(first, second, allow=ODD))
    assert fields(plan)["tags"] == {"one", "three"}


@pytest.mark.parametrize(("scope", "expected"), [("ruleset", {"one", "three"}), ("ticket", {"one"})])
def test_stop_skips_the_rest_of_the_set_or_of_the_event(scope: str, expected: set[str]):
    first = (
        f"rules:\n  - {{ id: one, when: created, then: [{{ tag: {{ add: [one] }} }}, {{ stop: {scope} }}] }}\n"
        "  - { id: two, when: created, then: [{ tag: { add: [two] } }] }\n"
    )
    second = "rules:\n  - { id: three, when: created, then: [{ tag: { add: [three] } }] }\n"
    assert fields(evaluate(an_observation(Kind.CREATED), a_bundle(first, second)))["tags"] == expected


def test_the_net_changes_go_out_in_one_update_before_anything_is_said():
    bundle = rules(
        "when: created\n    then: [{ reply: { template: ack } }, { tag: { add: [a] } }, { notify: { to: chat, text: x } }]",
        "when: created\n    then: [{ set: { priority: high } }, { note: { text: n } }]",
        templates=HELLO,
    )
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert [type(action).__name__ for action in plan.actions] == ["Update", "AddComment", "Notify", "AddComment"]


def test_what_comes_back_to_where_it_was_is_no_change():
    bundle = rules("when: created\n    then: [{ set: { priority: high } }]", "when: created\n    then: [{ set: { priority: normal } }]")
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert (plan.actions, plan.left) == ((), None)


def test_nothing_is_planned_where_nothing_differs_and_names_compare_folded():
    bundle = rules("when: created\n    then: [{ assign: { group: Billing } }, { tag: { add: [VIP] } }]")
    ticket = a_ticket(group="billing", tags=["vip"])
    assert not evaluate(an_observation(Kind.CREATED, ticket=ticket), bundle)


def test_a_changed_event_can_name_the_field_and_its_values():
    bundle = rules("when: { changed: { field: status, from: open, to: pending } }\n    then: [{ tag: { add: [x] } }]")
    hit = an_event(Kind.CHANGED, change=a_change("status", Status.OPEN, Status.PENDING))
    miss = an_event(Kind.CHANGED, change=a_change("status", Status.NEW, Status.PENDING))
    other = an_event(Kind.CHANGED, change=a_change("group", "open", "pending"))
    assert evaluate(an_observation(hit), bundle)
    assert not evaluate(an_observation(miss, other), bundle)


def test_without_events_no_rule_runs():
    assert not evaluate(an_observation(), rules("when: created\n    then: [{ tag: { add: [x] } }]"))


# --- once only -------------------------------------------------------------------------------------------------------


def test_a_key_that_was_used_is_not_planned_again_and_another_event_has_another_key():
    bundle = rules("when: customer_replied\n    then: [{ note: { text: seen } }]")
    one, two = (an_event(Kind.CUSTOMER_REPLIED, comment=a_comment(id=id)) for id in ("1", "2"))
    key = evaluate(an_observation(one), bundle).actions[0].key
    assert not evaluate(an_observation(one, done=frozenset({key})), bundle)
    assert evaluate(an_observation(two, done=frozenset({key})), bundle)


def test_an_update_has_another_key_at_another_version_or_with_other_values():
    bundle = rules("when: created\n    then: [{ set: { priority: high } }]")
    keys = {evaluate(an_observation(Kind.CREATED, ticket=a_ticket(version=v)), bundle).actions[0].key for v in ("1", "2")}
    other = rules("when: created\n    then: [{ set: { priority: urgent } }]")
    assert len(keys | {evaluate(an_observation(Kind.CREATED), other).actions[0].key}) == 3


# --- replies ---------------------------------------------------------------------------------------------------------

REPLY = "when: [created, customer_replied]\n    then: [{ reply: { template: ack } }]"


def test_a_reply_is_in_the_tickets_language_else_the_requesters_else_the_desks():
    bundle = rules(REPLY, templates=HELLO)
    assert said(evaluate(an_observation(Kind.CREATED), bundle)) == ["Olá Ana"]
    assert said(evaluate(an_observation(Kind.CREATED, ticket=a_ticket(language="en-GB")), bundle)) == ["Hello Ana Lima"]
    assert said(evaluate(an_observation(Kind.CREATED, ticket=a_ticket(requester=Person(name="Jo", language="ja"))), bundle)) == ["Hello Jo"]


def test_a_reply_never_answers_a_robot():
    bundle = rules(REPLY, templates=HELLO)
    robot = replace(ANA, automated=True)
    plans = [
        evaluate(an_observation(Kind.CREATED, ticket=a_ticket(requester=robot)), bundle),
        evaluate(an_observation(an_event(Kind.CUSTOMER_REPLIED, comment=a_comment(author=robot))), bundle),
    ]
    assert [plan.actions for plan in plans] == [(), ()]
    assert all("automated" in plan.notes[0] for plan in plans)


def test_a_ticket_gets_one_reply_an_hour_from_all_rules_together():
    bundle = rules(REPLY, REPLY, templates=HELLO)
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert len(said(plan)) == 1
    assert "hour" in plan.notes[0]
    (key,) = plan.fired[0].used
    again = an_event(Kind.CUSTOMER_REPLIED, comment=a_comment(id="9"))
    lately = {key: (NOW - timedelta(minutes=59),)}
    earlier = {key: (NOW - timedelta(minutes=60),)}
    assert said(evaluate(an_observation(again, limits=lately), bundle)) == []
    assert len(said(evaluate(an_observation(again, limits=earlier), bundle))) == 1


def test_a_rule_with_its_own_limit_for_a_ticket_follows_that_one():
    bundle = rules(REPLY + "\n    limits: { per_ticket: 2 per 1h }", templates=HELLO)
    seen = an_observation(an_event(Kind.CUSTOMER_REPLIED, comment=a_comment(id="9")))
    used = evaluate(seen, bundle).fired[0].used
    assert len(said(evaluate(replace(seen, limits=dict.fromkeys(used, (NOW - timedelta(minutes=1),))), bundle))) == 1
    full = dict.fromkeys(used, (NOW - timedelta(minutes=1), NOW - timedelta(minutes=2)))
    limited = evaluate(replace(seen, limits=full), bundle)
    assert (limited.actions, limited.fired[0].how, limited.fired[0].used) == ((), "limited", ())


def test_a_requesters_limit_slides_and_is_half_open():
    bundle = rules(REPLY + "\n    limits: { per_requester: 1 per 12h }", templates=HELLO)
    seen = an_observation(Kind.CREATED)
    (key,) = [k for k in evaluate(seen, bundle).fired[0].used if "requester" in k]
    assert not evaluate(replace(seen, limits={key: (NOW - timedelta(hours=12) + timedelta(seconds=1),)}), bundle)
    assert evaluate(replace(seen, limits={key: (NOW - timedelta(hours=12),)}), bundle)
    assert key in Engine(bundle).limits(seen.ticket)


def test_without_replies_the_rest_is_still_done():
    bundle = rules("when: created\n    then: [{ reply: { template: ack } }, { tag: { add: [x] } }]", templates=HELLO)
    plan = evaluate(an_observation(Kind.CREATED), bundle, replies=False)
    assert (said(plan), fields(plan)) == ([], {"tags": {"x"}})


def test_a_connection_that_cannot_reply_gets_none():
    bundle = rules(REPLY, templates=HELLO, desk=a_desk(replies=frozenset({"jira-core"})))
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert (plan.actions, bool(plan.notes)) == ((), True)


# --- verbs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("high", Level.LOW, "high"),
        ("high", Level.URGENT, "urgent"),
        ("high", None, "high"),
        ("{ by: 1, up_to: urgent }", Level.HIGH, "urgent"),
        ("{ by: 2, up_to: high }", Level.LOW, "high"),
        ("{ by: 1, up_to: high }", Level.URGENT, "urgent"),
        ("{ by: 1, up_to: urgent }", None, "high"),
    ],
)
def test_raise_priority_never_lowers(verb: str, before: Level | None, after: str):
    bundle = rules(f"when: created\n    then: [{{ raise_priority: {verb} }}]")
    ticket = a_ticket(priority=before)
    assert evaluate(an_observation(Kind.CREATED, ticket=ticket), bundle).leaves(ticket).priority == after


@pytest.mark.parametrize(
    ("product", "language", "group"),
    [
        ("Billing", "de", "billing-dach"),
        ("billing", "fr", "billing-world"),
        ("billing", None, "billing-nolang"),
        ("other", "de", "german"),
        ("other", "fr", "triage"),
    ],
)
def test_the_row_that_says_most_wins_and_otherwise_is_for_the_rest(product: str, language: str | None, group: str):
    verb = "assign: { from_table: { table: teams, match: [product, language], column: team }, otherwise: triage }"
    bundle = with_table(f"  - {{ id: r, when: created, then: [{{ {verb} }}] }}")
    plan = evaluate(an_observation(Kind.CREATED, ticket=a_ticket(product=product, language=language)), bundle)
    assert fields(plan)["group"] == group


def with_table(rule: str) -> Bundle:
    from rules.reader import parse

    table = "product,language,team\n*,de,german\nbilling,*,billing-world\nbilling,,billing-nolang\nbilling,de,billing-dach\n"
    head = "version: 1\ntables: { teams: { file: teams.csv, keys: [product, language] } }\nrules:\n"
    return parse({"rules/10.yaml": head + rule, "rules/teams.csv": table}, a_desk(), lambda *_: frozenset())


def test_set_fills_placeholders_and_leaves_what_the_connection_cannot_write():
    desk = a_desk(writes={"zendesk-eu": frozenset({"subject"})})
    bundle = rules('when: created\n    then: [{ set: { subject: "[{{ ticket.priority }}] {{ ticket.subject }}" } }]', desk=desk)
    assert fields(evaluate(an_observation(Kind.CREATED), bundle))["subject"] == "[normal] Card declined at checkout"
    bundle = replace(rules("when: created\n    then: [{ set: { priority: high } }]"), desk=desk)
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert (plan.actions, bool(plan.notes)) == ((), True)


def test_notify_finds_the_assignee_and_the_groups_lead_and_notes_when_there_is_nobody():
    bundle = rules("when: created\n    then: [{ notify: { to: [assignee, team-lead, chat], text: hear } }]")
    ticket = a_ticket(group="Billing", assignee="lena@example.com")
    plan = evaluate(an_observation(Kind.CREATED, ticket=ticket), bundle)
    told = [(a.asked_for, a.to) for a in plan.actions if isinstance(a, Notify)]
    assert told == [("assignee", "lena@example.com"), ("team-lead", "lead@example.com"), ("chat", "chat")]
    assert len({a.key for a in plan.actions}) == 3
    alone = evaluate(an_observation(Kind.CREATED), bundle)
    assert [a.asked_for for a in alone.actions if isinstance(a, Notify)] == ["chat"]
    assert len(alone.notes) == 2


def test_tags_are_added_and_removed_and_nobody_elses_are_touched():
    bundle = rules("when: created\n    then: [{ tag: { add: [new], remove: [Old] } }]")
    plan = evaluate(an_observation(Kind.CREATED, ticket=a_ticket(tags=["old", "kept"])), bundle)
    assert (plan.actions[0].tags.add, plan.actions[0].tags.remove) == ({"new"}, {"old"})


# --- modes, failures, the manual form --------------------------------------------------------------------------------


def test_a_shadow_rule_is_recorded_seen_by_nobody_and_stops_nothing():
    bundle = rules(
        "when: created\n    mode: shadow\n    then: [{ set: { priority: urgent } }]",
        "when: created\n    if: { priority: urgent }\n    then: [{ tag: { add: [wrong] } }]",
        "when: created\n    then: [{ tag: { add: [right] } }]",
        pick="first",
    )
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert fields(plan) == {"tags": {"right"}}
    assert [(f.rule, f.how) for f in plan.fired] == [("rule-1", "shadow"), ("rule-3", "live")]


def test_a_disabled_rule_is_as_if_it_were_not_there():
    bundle = rules("when: created\n    mode: disabled\n    then: [{ tag: { add: [x] } }]")
    assert evaluate(an_observation(Kind.CREATED), bundle).fired == ()


def test_a_limited_rule_does_not_stop_its_set():
    bundle = rules(
        "when: created\n    limits: { total: 1 per 1h }\n    then: [{ tag: { add: [one] } }]",
        "when: created\n    then: [{ tag: { add: [two] } }]",
        pick="first",
    )
    plan = evaluate(an_observation(Kind.CREATED, limits={"limit:rule-1:total": (NOW,)}), bundle)
    assert fields(plan) == {"tags": {"two"}}


def test_a_rule_that_raises_is_skipped_whole_and_shown_and_the_others_go_on():
    bundle = rules(
        "when: created\n    then: [{ tag: { add: [half] } }, { reply: { text: '{% if ticket.subject > 3 %}x{% endif %}' } }]",
        "when: created\n    then: [{ tag: { add: [done] } }]",
    )
    plan = evaluate(an_observation(Kind.CREATED), bundle)
    assert fields(plan) == {"tags": {"done"}}
    assert [f.rule for f in plan.failures] == ["rule-1"]


def test_only_asks_that_rule_alone_whatever_its_when():
    bundle = rules(
        "when: resolved\n    if: { priority: normal }\n    then: [{ tag: { add: [x] } }]",
        "when: created\n    then: [{ tag: { add: [y] } }]",
    )
    seen = an_observation(Kind.CREATED)
    assert fields(evaluate(seen, bundle, only="rule-1")) == {"tags": {"x"}}
    assert not evaluate(replace(seen, ticket=a_ticket(priority=Level.LOW)), bundle, only="rule-1")
    with pytest.raises(NoSuchRule):
        evaluate(seen, bundle, only="rule-9")


def test_a_manual_rule_runs_when_a_person_named_it_and_not_otherwise():
    bundle = rules("when: manual\n    then: [{ tag: { add: [x] } }]")
    assert not evaluate(an_observation(Kind.CREATED), bundle)
    assert evaluate(an_observation(an_event(Kind.MANUAL, rule="rule-1")), bundle)
    assert not evaluate(an_observation(an_event(Kind.MANUAL, rule="other")), bundle)


def test_a_rule_that_reacts_to_our_own_changes_gets_a_further_pass():
    bundle = rules(
        "when: created\n    then: [{ set: { priority: high } }]",
        "when: { changed: priority }\n    then: [{ tag: { add: [deaf] } }]",
        "when: { changed: priority }\n    react_to_own_changes: true\n    then: [{ tag: { add: [heard] } }]",
    )
    assert fields(evaluate(an_observation(Kind.CREATED), bundle)) == {"priority": "high", "tags": {"heard"}}


def test_rules_that_set_each_other_off_stop_after_three_rounds():
    flip = [
        f"when: {{ changed: {{ field: priority, to: {a} }} }}\n    react_to_own_changes: true\n"
        f"    then: [{{ set: {{ priority: {b} }} }}, {{ note: {{ text: x }} }}]"
        for a, b in (("low", "high"), ("high", "low"))
    ]
    plan = evaluate(an_observation(Kind.CREATED), rules("when: created\n    then: [{ set: { priority: low } }]", *flip))
    assert 0 < len(said(plan)) <= 3


def test_a_set_for_some_connections_leaves_the_others_alone():
    bundle = a_bundle("ruleset: { connections: [jira-core] }\nrules:\n  - { id: r, when: created, then: [{ tag: { add: [x] } }] }\n")
    assert not evaluate(an_observation(Kind.CREATED), bundle)
    assert evaluate(an_observation(Kind.CREATED, ticket=a_ticket("jira-core:A-1")), bundle)


# --- laws ------------------------------------------------------------------------------------------------------------

CONDITIONS = (
    "product: billing",
    "tags: [vip, gold]",
    "priority: { at_least: high }",
    "status: { not_one_of: [resolved] }",
    "group: { empty: true }",
    "subject: { contains: card }",
    "connection: zendesk-eu",
    "comment.public: true",
    "any: [{ product: billing }, { tags: vip }]",
    "any: [{ all: [{ group: a }, { subject: { contains_any: [visa, card] } }] }, { group: b }]",
    "text: { contains_any: [visa, 'does not work'] }",
    "body: { contains: カード }",
    "none: [{ priority: urgent }]",
)
VERBS = (
    "set: { priority: high }",
    "set: { product: billing }",
    "set: { subject: 'Visa refused', body: 新しいカード }",
    "tag: { add: [vip] }",
    "tag: { remove: [vip] }",
    "assign: { group: a }",
    "assign: { group: b }",
    "raise_priority: { by: 1, up_to: urgent }",
    "note: { text: n }",
    "reply: { text: r }",
)
EVENTS = ("created", "[created, updated]", "customer_replied", "[created, updated]")


def body(when: str, conditions: list[str], mode: str, verbs: list[str]) -> str:
    steps = ", ".join(f"{{ {verb} }}" for verb in verbs)
    return f"when: {when}\n    if: {{ {', '.join(conditions)} }}\n    mode: {mode}\n    then: [{steps}]"


bodies = st.builds(
    body,
    st.sampled_from(EVENTS),
    st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=2, unique_by=lambda c: c.partition(":")[0]),
    st.sampled_from(["live"] * 6 + ["shadow", "disabled"]),
    st.lists(st.sampled_from(VERBS), min_size=1, max_size=3, unique=True),
)
bundles = st.builds(lambda some, pick: rules(*some, pick=pick), st.lists(bodies, min_size=1, max_size=6), st.sampled_from(["first", "all"]))
tickets = st.builds(
    a_ticket,
    product=st.sampled_from([None, "Billing", "login"]),
    tags=st.frozensets(st.sampled_from(["vip", "Gold", "x"])),
    priority=st.sampled_from([None, *Level]),
    status=st.sampled_from([Status.NEW, Status.RESOLVED]),
    group=st.sampled_from([None, "a"]),
    subject=st.sampled_from(["Card declined at checkout", "Discarded", "VISA: card"]),
    body=st.sampled_from([None, "カードが使えません", "No visa"]),
)
observations = st.builds(
    lambda ticket, kinds: an_observation(
        *(an_event(k, comment=a_comment() if k == Kind.CUSTOMER_REPLIED else None) for k in kinds), ticket=ticket
    ),
    tickets,
    st.lists(st.sampled_from([Kind.CREATED, Kind.UPDATED, Kind.CUSTOMER_REPLIED]), min_size=1, max_size=3, unique=True),
)


@settings(max_examples=300, deadline=None)
@given(bundles, observations)
def test_the_index_changes_nothing_but_the_cost(bundle: Bundle, seen: Observation):
    assert explain(seen, bundle).plan == evaluate(seen, bundle)  # explaining asks every rule, without the index


@settings(max_examples=100, deadline=None)
@given(bundles, observations)
def test_after_a_plan_was_carried_out_nothing_is_left_to_do(bundle: Bundle, seen: Observation):
    plan = evaluate(seen, bundle)
    assert not settled(plan, seen, bundle)
    assert evaluate(seen, bundle) == plan


@settings(max_examples=60, deadline=None)
@given(bundles, observations)
def test_a_pass_that_is_repeated_after_a_crash_uses_the_same_keys(bundle: Bundle, seen: Observation):
    plan = evaluate(seen, bundle)
    done = frozenset(a.key for a in plan.actions if not isinstance(a, Update))
    assert all(isinstance(a, Update) for a in evaluate(replace(seen, done=done), bundle).actions)


# --- what must be asked for ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("when: created\n    then: [{ tag: { add: [x] } }]", Needs()),
        ("when: customer_replied\n    then: [{ tag: { add: [x] } }]", Needs(comments=True)),
        ("when: created\n    if: { text: { contains: x } }\n    then: [{ tag: { add: [x] } }]", Needs(comments=True)),
        ("when: created\n    then: [{ note: { text: '{{ ticket.last_agent_reply_at }}' } }]", Needs(comments=True)),
        ("when: created\n    then: [{ note: { text: '{{ sla.resolution }}' } }]", Needs(comments=True, history=True)),
        ("when: reopened\n    then: [{ tag: { add: [x] } }]", Needs(history=True)),
        ("when: { waiting: { status: pending } }\n    stages: [{ after: 1d, then: [{ tag: { add: [x] } }] }]", Needs(history=True)),
        ("when: { sla: resolution }\n    stages: [{ at: breach, then: [{ tag: { add: [x] } }] }]", Needs(comments=True, history=True)),
        (
            "when: created\n    then: [{ sync: { with: jira-core, status: both_ways, comments: both_ways } }]",
            Needs(comments=True, links=True),
        ),
        ("when: customer_replied\n    mode: disabled\n    then: [{ tag: { add: [x] } }]", Needs()),
        ("when: customer_replied\n    if: { connection: jira-core }\n    then: [{ tag: { add: [x] } }]", Needs()),
    ],
)
def test_only_what_a_rule_looks_at_is_asked_for(rule: str, expected: Needs):
    assert needs(rules(rule), "zendesk-eu") == expected


# --- why -------------------------------------------------------------------------------------------------------------


def test_an_explanation_tells_of_every_rule_what_decided():
    bundle = rules(
        "when: created\n    if: { product: billing, priority: urgent }\n    then: [{ tag: { add: [x] } }]",
        "when: updated\n    then: [{ tag: { add: [x] } }]",
        "when: created\n    then: [{ assign: { group: triage } }, { notify: { to: chat, text: x } }]",
        "when: created\n    then: [{ tag: { add: [late] } }]",
        pick="first",
    )
    (told,) = explain(an_observation(Kind.CREATED), bundle).sets
    assert [rule.what for rule in told.rules] == ["condition", "no_event", "fired", "not_looked_at"]
    missed, acted = told.rules[0], told.rules[2]
    assert [(part.written, part.held) for part in missed.condition.parts] == [("product is billing", False), ("priority is urgent", None)]
    assert [change.field for change in acted.changes] == ["group"]
    assert [type(action).__name__ for action in acted.actions] == ["Notify"]


def test_a_hundred_rules_that_do_not_match_cost_what_one_does():
    one = rules("when: created\n    if: { product: p, status: [new, open] }\n    then: [{ tag: { add: [x] } }]")
    made = one.rulesets[0].rules[0]
    from rules.bundle import All

    many = tuple(
        replace(
            made,
            id=f"rule-{n}",
            condition=All(tuple(replace(t, value=f"p{n}") if t.field == "product" else t for t in made.condition.parts)),
        )
        for n in range(100)
    )
    seen = an_observation(Kind.CREATED, ticket=a_ticket(product="q"))
    engines = {n: Engine(replace(one, rulesets=(RuleSet(id="s", file="f", order=1, rules=many[:n]),))) for n in (1, 100)}

    def judged(rules: int) -> None:
        for _ in range(200):
            engines[rules].evaluate(seen)

    assert growth(judged, 1, by=100) < 4, "the index passes over them all at once"


def test_a_reacting_rule_sees_our_change_in_its_conditions() -> None:
    bundle = a_bundle("""
    rules:
      - { id: a, when: { changed: group }, then: [{ set: { priority: urgent } }] }
      - id: b
        when: { changed: priority }
        react_to_own_changes: true
        if: { priority: { changed: true, was: normal } }
        then: [{ note: { text: B } }]
    """)
    change = a_change("group", None, "x")
    seen = an_observation(an_event(Kind.CHANGED, change=change), an_event(Kind.UPDATED), ticket=a_ticket(group="x"))
    assert [f.rule for f in evaluate(seen, bundle).fired] == ["a", "b"]
