"""What is written is read back equal, whatever it holds."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.codec import action_from, from_json, glance_at, ticket_from, ticket_json, to_json, values_from
from rules.asking import OUTCOMES
from rules.observation import Answer, Event, Kind, Link, Observation
from rules.plan import (
    AddComment,
    Agreement,
    Ask,
    Call,
    CreateTicket,
    Draft,
    Failure,
    FieldChange,
    Fired,
    Notify,
    Page,
    Plan,
    Receipt,
    Stage,
    Update,
    Webhook,
)
from rules.ticket import Change, Channel, Comment, Level, Person, Role, Severity, Status, Ticket, TicketRef, Type, replace
from tests.builders import a_ticket

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyz-_.", min_size=1, max_size=8)
maybe = st.none() | words
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
sets = st.frozensets(words, max_size=3)
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | floats | words | moments | sets
refs = st.builds(TicketRef, names, words)
many = {"max_size": 2}
people = st.builds(Person, id=maybe, name=maybe, email=maybe, organization=maybe, tags=sets, language=maybe, automated=st.booleans())


tickets = st.builds(
    Ticket,
    ref=refs,
    subject=words,
    status=st.none() | st.sampled_from(Status),
    created_at=moments,
    updated_at=moments,
    version=words,
    body=maybe,
    type=st.none() | st.sampled_from(Type),
    priority=st.none() | st.sampled_from(Level),
    severity=st.none() | st.sampled_from(Severity),
    channel=st.none() | st.sampled_from(Channel),
    requester=st.none() | people,
    assignee=st.none() | people,
    tags=sets,
    watchers=sets,
    due_at=st.none() | moments,
    custom=st.dictionaries(names, values, max_size=3),
    unread=st.dictionaries(names, words, max_size=2),
)
comments = st.builds(
    Comment,
    id=words,
    at=moments,
    text=words,
    public=st.booleans(),
    role=st.sampled_from(Role),
    author=st.none() | people,
    ours=st.booleans(),
)
answers = st.builds(Answer, id=words, rule=words, step=words, outcome=st.sampled_from(OUTCOMES), question=words, by=maybe, comment=maybe)
changes = st.builds(Change, field=names, before=values, after=values, at=moments, by=maybe, ours=st.booleans())
events = st.builds(
    Event,
    kind=st.sampled_from(Kind),
    at=moments,
    change=st.none() | changes,
    comment=st.none() | comments,
    rule=maybe,
    answer=st.none() | answers,
)
about = {"key": words, "about": refs, "rule": words, "place": words}
actions = st.one_of(
    st.builds(
        Update,
        key=words,
        target=refs,
        version=words,
        changes=st.lists(st.builds(FieldChange, field=names, before=values, after=values, rule=words, place=words), **many).map(tuple),
    ),
    st.builds(AddComment, key=words, target=refs, version=words, body=words, public=st.booleans(), rule=words, place=words, mirrors=maybe),
    st.builds(
        CreateTicket,
        key=words,
        connection=names,
        draft=st.builds(Draft, fields=st.dictionaries(names, values, **many), own=st.dictionaries(names, words, **many)),
        partner_of=refs,
        version=words,
        rule=words,
        place=words,
    ),
    st.builds(Notify, key=words, about=refs, version=words, to=words, asked_for=words, text=words, rule=words, place=words, template=maybe),
    st.builds(Notify, **about, version=words, to=words, asked_for=words, text=words, asks=words),
    st.builds(Page, **about, version=words, to=words, urgency=words, text=words),
    st.builds(Call, **about, page=words, to=words, turn=st.integers(1, 200), text=words),
    st.builds(Webhook, **about, version=words, to=words, payload=words),
    st.builds(Ask, **about, version=words, ask=words, to=words, question=words, step=words, at=moments, due_at=moments),
)
agreements = st.builds(Agreement, left=refs, right=refs, fields=st.dictionaries(names, values), mirrored=sets)
plans = st.builds(
    Plan,
    ref=refs,
    version=words,
    bundle=words,
    at=moments,
    events=st.lists(words, **many).map(tuple),
    actions=st.lists(actions, max_size=3).map(tuple),
    fired=st.lists(st.builds(Fired, rule=words, occasion=words, stage=maybe), **many).map(tuple),
    failures=st.lists(st.builds(Failure, rule=words, place=words, reason=words), **many).map(tuple),
    stages=st.lists(st.builds(Stage, key=words, rule=words, name=words, due_at=moments, ran=st.booleans()), **many).map(tuple),
    agreements=st.lists(st.builds(Agreement, left=refs, right=refs, fields=st.dictionaries(names, values), mirrored=sets), **many).map(
        tuple
    ),
    left=st.none() | tickets,
    look_again_at=st.none() | moments,
    notes=st.lists(words, **many).map(tuple),
)
observations = st.builds(
    Observation,
    ticket=tickets,
    now=moments,
    events=st.lists(events, **many).map(tuple),
    changes=st.lists(changes, **many).map(tuple),
    comments=st.lists(comments, **many).map(tuple),
    links=st.lists(st.builds(Link, partner=tickets, agreed=st.dictionaries(names, values), mirrored=sets), **many).map(tuple),
    done=sets,
    limits=st.dictionaries(names, st.lists(moments, **many).map(tuple), **many),
    paging=sets,
    adopted=st.booleans(),
)


@given(tickets)
def test_a_ticket_survives(ticket: Ticket) -> None:
    assert from_json(Ticket, to_json(ticket)) == ticket


elsewhere = st.timezones().map(lambda zone: datetime(2026, 3, 2, 9, 30, tzinfo=zone))


@given(tickets, st.none() | elsewhere)
def test_a_ticket_survives_with_moments_of_any_zone_and_its_own_fields_types(ticket: Ticket, due_at: datetime | None) -> None:
    own = {"at": due_at, "set": frozenset({"b", "a"})} if due_at else {}
    one = replace(ticket, due_at=due_at, impact=Level.HIGH, url="u", custom={**ticket.custom, **own})
    again = ticket_from(ticket_json(one))

    assert again == one
    assert {name: type(value) for name, value in again.custom.items()} == {name: type(value) for name, value in one.custom.items()}


@given(tickets)
def test_a_ticket_is_written_the_same_each_time_and_kept_without_its_body_for_figures(ticket: Ticket) -> None:
    assert ticket_json(ticket) == to_json(ticket) == ticket_json(replace(ticket, tags=frozenset(sorted(ticket.tags, reverse=True))))
    assert ticket_from(ticket_json(ticket, body=False)) == replace(ticket, body=None)


@given(tickets, st.frozensets(st.sampled_from(Ticket.__struct_fields__), max_size=5))
def test_a_glance_at_a_stored_ticket_has_the_fields_asked_for_its_name_and_its_status(ticket: Ticket, fields: frozenset[str]) -> None:
    within = orjson.loads(to_json(Observation(ticket=ticket, now=ticket.updated_at)))["ticket"]
    for stored in (ticket_json(ticket), orjson.dumps(within)):
        glance = glance_at(fields)(stored)
        assert [getattr(glance, name) for name in (*fields, "ref", "status")] == [
            getattr(ticket, name) for name in (*fields, "ref", "status")
        ]


@given(tickets)
def test_a_ticket_that_stood_within_another_value_can_be_read_by_itself(ticket: Ticket) -> None:
    within = orjson.loads(to_json(Observation(ticket=ticket, now=ticket.updated_at)))["ticket"]

    assert ticket_from(orjson.dumps(within)) == ticket


@pytest.mark.parametrize("custom", [{"seats": 2**70}, {"note": "a\udfffb"}])
def test_what_the_store_cannot_hold_of_a_ticket_is_refused(custom: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ticket_json(a_ticket(custom=custom))


@given(observations)
def test_an_observation_survives(observation: Observation) -> None:
    assert from_json(Observation, to_json(observation)) == observation


@given(plans)
def test_a_plan_survives(plan: Plan) -> None:
    assert from_json(Plan, to_json(plan)) == plan


@given(actions)
def test_an_action_survives_with_its_kind(action: Any) -> None:
    assert action_from(to_json(action)) == action
    assert type(action_from(to_json(action))) is type(action)


@given(st.dictionaries(names, values))
def test_values_survive_with_their_types(fields: dict[str, Any]) -> None:
    again = values_from(to_json(fields))
    assert again == fields
    assert {k: type(v) for k, v in again.items()} == {k: type(v) for k, v in fields.items()}


def test_what_an_older_release_wrote_takes_the_defaults() -> None:
    assert from_json(Receipt, b'{"id": "1"}') == Receipt(id="1")


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_is_refused_and_not_changed(text: str) -> None:
    with pytest.raises(TypeError):
        to_json(Person(name=text))
