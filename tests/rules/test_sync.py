"""Sync: the three-way table of the house's section 10, comments that are mirrored once, and partners that are made."""

from datetime import timedelta
from typing import Any

import pytest

from rules.bundle import Bundle, SyncField
from rules.engine import evaluate
from rules.observation import Kind, Link, Observation
from rules.pii import Wanted
from rules.plan import AddComment, Agreement, CreateTicket, Plan, Update
from rules.redacting import cleaned
from rules.sync import Base, Side, decide
from rules.ticket import Level, Mention, Role, Status, replace
from tests.builders import NOW, a_comment, a_ticket, an_observation
from tests.rules.desks import a_bundle, a_desk

HERE, THERE = "zendesk-eu:4711", "jira-core:CORE-1"


def rule(*details: str, desk: Any = None) -> Bundle:
    sync = "".join(f"          {line}\n" for line in ("with: jira-core", *details))
    head = "rules:\n  - id: step\n    when: [created, updated, commented]\n    if: { connection: [zendesk-eu, jira-core] }\n    then:\n"
    return a_bundle(f"{head}      - sync:\n{sync}", desk=desk)


def seen(agreed: Any = None, left: Any = None, right: Any = None, comments: Any = (), theirs: Any = (), **fields: Any) -> Observation:
    ticket = a_ticket(HERE, **(left or {}))
    partner = a_ticket(THERE, created_at=ticket.created_at + timedelta(minutes=5), **(right or {}))
    link = Link(partner=partner, agreed=agreed or {}, comments=tuple(theirs), mirrored=fields.pop("mirrored", frozenset()))
    return an_observation(Kind.UPDATED, ticket=ticket, links=(link,), comments=tuple(comments), **fields)


def mirrored(observation: Observation) -> Observation:
    """The same pair, looked at from the other side."""
    (link,) = observation.links
    other = Link(partner=observation.ticket, agreed=link.agreed, comments=observation.comments, mirrored=link.mirrored)
    return replace(observation, ticket=link.partner, comments=link.comments, links=(other,))


def writes(plan: Plan) -> dict[str, dict[str, Any]]:
    return {str(a.target): {c.field: c.after for c in a.changes} for a in plan.actions if isinstance(a, Update)}


LOW, HIGH, URGENT = {"priority": Level.LOW}, {"priority": Level.HIGH}, {"priority": Level.URGENT}


@pytest.mark.parametrize(
    ("agreed", "left", "right", "expected"),
    [
        (LOW, LOW, LOW, {}),
        (LOW, HIGH, LOW, {THERE: {"priority": "high"}}),
        (LOW, LOW, HIGH, {HERE: {"priority": "high"}}),
        (LOW, HIGH, HIGH, {}),
        (LOW, HIGH, URGENT, {}),  # ask: it waits for a person
    ],
)
def test_the_three_way_table(agreed: Any, left: Any, right: Any, expected: Any):
    bundle = rule("fields: { priority: both_ways }")
    observation = seen(agreed, left, right)
    plan = evaluate(observation, bundle)
    assert writes(plan) == expected
    assert writes(evaluate(mirrored(observation), bundle)) == expected


def test_both_sides_changed_to_the_same_is_agreed_and_an_open_conflict_is_not():
    bundle = rule("fields: { priority: both_ways }")
    (agreement,) = evaluate(seen(LOW, HIGH, HIGH), bundle).agreements
    assert agreement.fields == HIGH
    conflict = evaluate(seen(LOW, HIGH, URGENT), bundle)
    assert conflict.agreements == ()
    assert "a person decides" in conflict.notes[0]


def test_what_is_agreed_already_is_not_agreed_again():
    assert evaluate(seen(LOW, LOW, LOW), rule("fields: { priority: both_ways }")).agreements == ()


@pytest.mark.parametrize(("later", "winner"), [("left", "high"), ("right", "urgent")])
def test_the_newest_wins_where_the_policy_says_so(later: str, winner: str):
    left, right = dict(HIGH, updated_at=NOW - timedelta(minutes=2)), dict(URGENT, updated_at=NOW - timedelta(minutes=2))
    (left if later == "left" else right)["updated_at"] = NOW
    bundle = rule("fields: { priority: { direction: both_ways, conflict: newest_wins } }")
    for observation in (seen(LOW, left, right), mirrored(seen(LOW, left, right))):
        plan = evaluate(observation, bundle)
        assert [c["priority"] for c in writes(plan).values()] == [winner]
        assert plan.agreements[0].overruled == {"priority": "high" if winner == "urgent" else "urgent"}


def test_a_conflict_can_have_an_owner():
    bundle = rule("fields: { priority: { direction: both_ways, conflict: { owner: jira-core } } }")
    assert writes(evaluate(seen(LOW, HIGH, URGENT), bundle)) == {HERE: {"priority": "urgent"}}


def test_a_field_with_an_owner_is_written_from_there_and_the_other_side_is_set_back():
    bundle = rule("fields: { priority: { owner: zendesk-eu } }")
    assert writes(evaluate(seen(LOW, HIGH, LOW), bundle)) == {THERE: {"priority": "high"}}
    plan = evaluate(seen(LOW, LOW, URGENT), bundle)
    assert writes(plan) == {THERE: {"priority": "low"}}
    assert plan.agreements[0].overruled == {"priority": "urgent"}


def test_a_field_never_agreed_on_is_agreed_where_equal_and_else_the_older_tickets():
    bundle = rule("status: both_ways", "fields: { priority: both_ways }")
    plan = evaluate(seen({}, {"status": Status.OPEN, **LOW}, {"status": Status.NEW, **LOW}), bundle)
    assert writes(plan) == {THERE: {"status": "open"}}
    assert plan.agreements[0].fields == {"status": "open", "priority": "low"}


def test_sets_are_merged_and_have_no_conflict():
    side = [Side(name, value, NOW, NOW) for name, value in (("a", frozenset("xy")), ("b", frozenset("xz")))]
    assert decide(SyncField(), *side, Base("tags", True, frozenset("x"))).value == frozenset("xyz")
    assert decide(SyncField(), *side, Base("tags", True, frozenset("xz"))).value == frozenset("xy")


def test_a_field_that_one_side_cannot_write_or_read_is_left_alone():
    desk = a_desk(writes={"zendesk-eu": frozenset({"priority"}), "jira-core": frozenset()})
    bundle = replace(rule("fields: { priority: both_ways }"), desk=desk)
    plan = evaluate(seen(LOW, HIGH, LOW), bundle)
    assert (plan.actions, "jira-core cannot write it" in plan.notes[0]) == ((), True)
    unread = seen({"status": "open"}, {"status": Status.OPEN}, {"status": None, "unread": {"status": "Triage"}})
    assert evaluate(unread, rule("status: both_ways")).actions == ()


def test_a_rule_below_the_sync_is_heard_in_the_same_pass():
    text = (
        "rules:\n  - id: step\n    when: updated\n    then: [{ sync: { with: jira-core, fields: { priority: both_ways } } }]\n"
        "  - { id: raise, when: updated, then: [{ set: { priority: urgent } }] }\n"
    )
    plan = evaluate(seen(LOW, HIGH, LOW), a_bundle(text))
    assert writes(plan) == {HERE: {"priority": "urgent"}, THERE: {"priority": "urgent"}}
    assert plan.agreements[0].fields == URGENT


def test_after_the_writes_neither_side_asks_for_anything():
    bundle = rule("status: both_ways", "fields: { priority: { owner: zendesk-eu } }")
    observation = seen({"status": "open", **LOW}, {"status": Status.PENDING, **HIGH}, {"status": Status.OPEN, **URGENT})
    plan = evaluate(observation, bundle)
    agreement: Agreement = plan.agreements[0]
    link = Link(partner=a_ticket(THERE, status=Status.PENDING, **HIGH), agreed=agreement.fields)
    after = replace(observation, ticket=plan.leaves(observation.ticket), links=(link,))
    assert not evaluate(after, bundle)
    assert not evaluate(mirrored(after), bundle)


# --- comments --------------------------------------------------------------------------------------------------------


def copies(plan: Plan) -> list[tuple[str, str, bool]]:
    return [(str(a.target), a.mirrors or "", a.public) for a in plan.actions if isinstance(a, AddComment)]


def test_a_comment_is_mirrored_once_with_its_authors_name_and_its_own_words():
    bundle = rule("comments: both_ways")
    said = a_comment("É urgente!", id="c9")
    plan = evaluate(seen(comments=[said]), bundle)
    (copy,) = plan.actions
    assert copies(plan) == [(THERE, f"{HERE}#c9", True)]
    assert copy.body == f"Ana Lima ({HERE}):\n\nÉ urgente!"
    assert plan.agreements[0].mirrored == {f"{HERE}#c9"}
    again = seen(comments=[said], mirrored=plan.agreements[0].mirrored)
    assert evaluate(again, bundle).actions == evaluate(mirrored(again), bundle).actions == ()


def test_either_side_mirrors_the_same_comment_under_the_same_key():
    bundle, said = rule("comments: both_ways"), a_comment(id="c9")
    from_here, from_there = (evaluate(o, bundle).actions[0] for o in (seen(comments=[said]), mirrored(seen(comments=[said]))))
    assert (from_here.key, from_here.target) == (from_there.key, from_there.target)


def test_a_note_is_never_mirrored_as_a_reply():
    note = a_comment("internal", public=False, role=Role.AGENT)
    assert copies(evaluate(seen(comments=[note]), rule("comments: { direction: both_ways, only: public }"))) == []
    assert [public for *_, public in copies(evaluate(seen(comments=[note]), rule("comments: { direction: both_ways, only: all }")))] == [
        False
    ]


def test_only_a_note_that_was_one_from_the_start_mentions_people_and_where_something_is_cut_out_it_does_not():
    lena = Mention(at=0, text="@Lena", id="L")
    note, reply = (a_comment("@Lena 4111 1111 1111 1111", id="c9", public=public, mentions=(lena,)) for public in (False, True))
    bundle = rule("comments: { direction: both_ways, only: all }")
    (copy,) = evaluate(seen(comments=[note]), bundle).actions
    (mention,) = copy.mentions
    assert (copy.body[mention.at :][:5], mention.text, mention.id) == ("@Lena", "@Lena", "L")
    for desk in (None, a_desk(replies=frozenset({"zendesk-eu"}))):
        (said,) = evaluate(seen(comments=[reply]), rule("comments: both_ways", desk=desk)).actions
        assert (said.public, said.mentions) == (desk is None, ())
    cards = Wanted(frozenset({"payment_card"}))
    assert cleaned(copy, cards, copy.target) == replace(copy, body=copy.body.replace("4111 1111 1111 1111", "[payment_card]"), mentions=())


def test_our_own_words_and_the_tickets_text_are_not_mirrored():
    comments = [a_comment(id="1", ours=True), a_comment("The first words", id="2"), a_comment(id="3", at=NOW - timedelta(hours=1))]
    observation = seen(left={"body": "The first words"}, comments=comments)
    assert copies(evaluate(observation, rule("comments: both_ways"))) == []


def test_with_an_owner_comments_go_one_way():
    bundle = rule("comments: { owner: jira-core }")
    plan = evaluate(seen(comments=[a_comment(id="here")], theirs=[a_comment(id="there")]), bundle)
    assert copies(plan) == [(HERE, f"{THERE}#there", True)]


# --- partners --------------------------------------------------------------------------------------------------------


def test_a_missing_partner_is_made_with_the_fields_kept_in_step_and_the_systems_own_words():
    bundle = rule("if_missing: create", 'create: { project: CORE, epic: "{{ ticket.product }}" }', "fields: { priority: both_ways }")
    ticket = a_ticket(HERE, body="It broke", product="billing", url="https://desk/4711")
    plan = evaluate(an_observation(Kind.CREATED, ticket=ticket), bundle)
    (create,) = plan.actions
    assert isinstance(create, CreateTicket)
    assert create.draft.own == {"project": "CORE", "epic": "billing"}
    assert (create.draft.fields["subject"], create.draft.fields["priority"]) == (ticket.subject, "normal")
    assert "zendesk-eu:4711 https://desk/4711" in create.draft.fields["body"]
    (agreement,) = plan.agreements
    assert (agreement.right.connection, agreement.right.key, agreement.fields) == ("jira-core", "", {"priority": "normal"})


def test_a_partner_is_made_once_and_never_for_a_ticket_of_the_partner_system():
    bundle = rule("if_missing: create", "status: both_ways")
    created = an_observation(Kind.CREATED, ticket=a_ticket(HERE))
    key = evaluate(created, bundle).actions[0].key
    assert evaluate(replace(created, done=frozenset({key})), bundle).actions == ()
    later = evaluate(replace(created, events=(), ticket=replace(created.ticket, version="2")), bundle, only="step")
    assert later.actions[0].key == key
    assert evaluate(an_observation(Kind.CREATED, ticket=a_ticket(THERE)), bundle).actions == ()
    assert evaluate(created, rule("status: both_ways")).actions == ()


def test_on_the_partners_side_only_the_connections_that_the_rule_names_are_partners():
    bundle = rule("fields: { priority: both_ways }")
    other = Link(partner=a_ticket("servicenow-it:INC1", priority=Level.URGENT), agreed=LOW)
    observation = an_observation(Kind.UPDATED, ticket=a_ticket(THERE, priority=Level.LOW), links=(other,))
    assert evaluate(observation, bundle).actions == ()
