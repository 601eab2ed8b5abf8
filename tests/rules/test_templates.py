"""Texts with placeholders: what they may say, what they refuse, and that data is never a template."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.templates import LONGEST, RenderProblem, Template, TemplateProblem
from rules.wording import context
from tests.builders import a_comment, a_rule, a_ticket, an_event, an_observation
from tests.rules.desks import a_bundle


def test_placeholders_name_fields_the_way_conditions_do():
    template = Template.compile("Dear {{ ticket.requester.name | first_name }}, {{ ticket.ref }} is {{ ticket.priority }}.")
    look = looked(a_ticket())
    assert template.names == {"ticket.requester.name", "ticket.ref", "ticket.priority"}
    assert template.render(context(look, a_rule())) == "Dear Ana, zendesk-eu:4711 is normal."


def test_an_empty_field_is_no_text_and_a_set_lists_its_members():
    template = Template.compile("[{{ ticket.product }}] {{ ticket.tags }} {{ ticket.product | default('nothing') }}")
    assert template.render(context(looked(a_ticket(tags=["b", "a"])), a_rule())) == "[] a, b nothing"


def test_the_comment_of_the_event_and_the_rule_can_be_named():
    event = an_event(comment=a_comment("Help!"))
    template = Template.compile("{{ rule.name }}: {{ comment.author }} said {{ comment.text }}")
    assert template.render(context(looked(a_ticket(), event), a_rule(id="watch", name="Watch"))) == "Watch: Ana Lima said Help!"


def test_what_a_customer_wrote_is_never_a_template():
    body = "{{ 7 * 7 }}{% for x in y %}"
    assert Template.compile("> {{ ticket.body }}").render(context(looked(a_ticket(body=body)), a_rule())) == f"> {body}"


def test_a_custom_field_that_the_ticket_lacks_is_empty():
    assert Template.compile("<{{ ticket.custom.tier }}>").render(context(looked(a_ticket()), a_rule())) == "<>"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{{ ticket.subject", 1),
        ("one\n{{ ticket.subject | shout }}", 2),
        ("\n\n{% set x = 1 %}", 3),
        ("{{ ticket.subject.upper() }}", 1),
        ("{% include 'other' %}", 1),
        ("{% for x in ticket.tags recursive %}{% endfor %}", 1),
        ("{{ 2 ** 900 }}", 1),
        ("{{ _steps_left }}", 1),
        ("{{ ticket.tags | counted }}", 1),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(text: str, line: int):
    with pytest.raises(TemplateProblem) as refused:
        Template.compile(text, "templates/ack/en.md")
    assert refused.value.line == line


def test_lines_count_from_where_the_text_begins_in_its_file():
    with pytest.raises(TemplateProblem) as refused:
        Template.compile("a\n{{ b", "rules/30.yaml", line=12)
    assert refused.value.line == 13


@pytest.mark.parametrize(
    "text",
    [
        "{{ ticket.nothing_like_it }}",
        "{{ ticket.__class__ }}",
        "{{ ticket.items }}",
        "{{ 'a' * 100000000 }}",
        "{% for a in ticket.body %}{% for b in ticket.body %}.{% endfor %}{% endfor %}",
        "{{ ticket.created_at | date('%9999999d') }}",
    ],
)
def test_a_rendering_that_goes_wrong_ends_with_a_clear_error(text: str):
    with pytest.raises(RenderProblem, match="ack/en"):
        Template.compile(text, "ack/en").render(context(looked(a_ticket(body="x" * 2000)), a_rule()))


def test_a_text_has_a_greatest_length():
    text = "{% for a in ticket.body %}" + "." * 200 + "{% endfor %}"
    with pytest.raises(RenderProblem, match=str(LONGEST)):
        Template.compile(text).render(context(looked(a_ticket(body="x" * 2000)), a_rule()))


def test_filters():
    data = {"at": datetime(2026, 3, 2, 9, tzinfo=UTC), "span": timedelta(hours=2, minutes=30), "who": "Silva, Ana", "long": "one two three"}
    text = "{{ at | date('%d.%m. %H:%M', 'Europe/Berlin') }}|{{ span | duration }}|{{ -90 | duration }}"
    text += "|{{ who | first_name }}|{{ long | truncate(9) }}"
    assert Template.compile(text).render(data) == "02.03. 10:00|2h 30m|-1m 30s|Ana|one two…"


def looked(ticket, *events):
    from rules.engine import Engine

    look = Engine(a_bundle("rules: []")).look(an_observation(*events, ticket=ticket))
    look.on(events[0] if events else None)
    return look
