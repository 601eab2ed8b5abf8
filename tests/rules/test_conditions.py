"""Conditions against their semantics spelled out plainly, one operator after the other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.bundle import All, AnyOf, NoneOf
from rules.bundle import Test as OneTest
from rules.calendar import Calendar
from rules.conditions import OPERATORS, Look, compiled, explain, holds
from rules.fields import FIELDS, getter, nearest, spec_of
from rules.observation import Kind
from rules.reasons import deciding
from rules.ticket import Level, Person, Role, Status, replace
from tests.builders import LENA, NOW, a_change, a_comment, a_ticket, an_event, an_observation
from tests.rules.rule_files import DESK, bundle, codes, rule_file, the_problem

DEFINITIONS = """\
lists:
  vips: { values: [Northwind, Café Zürich, ＡＢＣ] }
fields:
  tier: { type: ordered_choice, values: [bronze, silver, gold], from: { zendesk-eu: Tier } }
  seats: { type: number, from: { zendesk-eu: Seats } }
  beta: { type: boolean, from: { zendesk-eu: Beta } }
  regions: { type: set, from: { zendesk-eu: Regions } }
  signed_at: { type: time, from: { zendesk-eu: Signed } }
calendars:
  office: { timezone: Europe/Berlin, open: { mon-fri: "09:00-17:00" }, holidays: { country: DE } }
conditions:
  open: { status: { not_one_of: [resolved, closed] } }
"""


def read(text: str) -> Any:
    """The condition as the reader makes it of one line of YAML."""
    made = bundle(rule_file(text) + DEFINITIONS)
    return made.rulesets[0].rules[0].condition


def look(observation: Any = None, **fields: Any) -> Look:
    return Look(observation or an_observation(ticket=a_ticket(**fields)), calendars={"office": OFFICE}, systems=DESK.connections)


OFFICE = Calendar(timezone="Europe/Berlin", weekly={day: ((540, 1020),) for day in range(5)})

CASES = [
    # text
    ("subject: card  DECLINED at checkout", {}, True),
    ("subject: card", {}, False),
    ("subject: { is_not: card }", {}, True),
    ("product: [billing, Café]", {"product": "CAFE"}, True),
    ("product: { not_one_of: [billing] }", {"product": "Billing"}, False),
    ("subject: { contains: card }", {}, True),
    ("subject: { contains: car }", {}, False),
    ("subject: { contains_any: [nothing, 'at checkout'] }", {}, True),
    ("subject: { contains_all: [card, checkout] }", {}, True),
    ("subject: { contains_all: [card, nothing] }", {}, False),
    ("subject: { contains_none: [nothing, void] }", {}, True),
    ("subject: { contains_none: [nothing, card] }", {}, False),
    ("subject: { starts_with: card }", {}, True),
    ("subject: { starts_with: declined }", {}, False),
    ("subject: { ends_with: at checkout }", {}, True),
    ("subject: { matches: 'DECL?INED.*out$' }", {}, True),
    ("subject: { matches: '(?-i)declined' }", {}, True),
    ("subject: { matches: '(?-i)DECLINED' }", {}, False),
    ("requester.organization: { in_list: vips }", {"requester": Person(organization="cafe zurich")}, True),
    ("requester.organization: { in_list: vips }", {"requester": Person(organization="abc")}, True),
    ("requester.organization: { not_in_list: vips }", {"requester": Person(organization="Alpine")}, True),
    # choices and references
    ("channel: email", {"channel": "email"}, True),
    ("status: [new, open]", {}, True),
    ("connection: zendesk-eu", {}, True),
    ("system: [jira, zendesk]", {}, True),
    ("system: jira", {}, False),
    ("group: billing dach", {"group": "Billing  DACH"}, True),
    ("assignee: LENA@example.com", {"assignee": LENA}, True),
    # ordered choices
    ("priority: { at_least: normal }", {"priority": Level.NORMAL}, True),
    ("priority: { above: normal }", {"priority": Level.NORMAL}, False),
    ("priority: { above: normal }", {"priority": Level.URGENT}, True),
    ("priority: { below: high }", {"priority": Level.NORMAL}, True),
    ("priority: { at_most: high }", {"priority": Level.HIGH}, True),
    ("priority: { between: [normal, high] }", {"priority": Level.HIGH}, True),
    ("priority: { between: [normal, high] }", {"priority": Level.URGENT}, False),
    ("priority: { at_least: normal, below: high }", {"priority": Level.HIGH}, False),
    ("custom.tier: { at_least: silver }", {"custom": {"tier": "Gold"}}, True),
    ("severity: { at_least: sev2 }", {"severity": "sev1"}, True),
    # sets
    ("tags: vip", {"tags": ["VIP", "x"]}, True),
    ("tags: [gold, vip]", {"tags": ["vip"]}, True),
    ("tags: { contains_all: [gold, vip] }", {"tags": ["vip"]}, False),
    ("tags: { contains_all: [gold, vip] }", {"tags": ["vip", "gold", "x"]}, True),
    ("tags: { contains_none: [gold, vip] }", {"tags": ["vip"]}, False),
    ("tags: { in_list: vips }", {"tags": ["x", "northwind"]}, True),
    ("tags: { not_in_list: vips }", {"tags": ["x", "northwind"]}, False),
    # numbers and booleans
    ("custom.seats: 5", {"custom": {"seats": 5.0}}, True),
    ("custom.seats: { above: 5 }", {"custom": {"seats": 5}}, False),
    ("custom.seats: { at_least: 5 }", {"custom": {"seats": 5}}, True),
    ("custom.seats: { between: [1, 5] }", {"custom": {"seats": 5}}, True),
    ("custom.seats: { below: 4.5 }", {"custom": {"seats": "4"}}, True),
    ("custom.seats: [1, 2]", {"custom": {"seats": 2}}, True),
    ("custom.beta: true", {"custom": {"beta": True}}, True),
    ("custom.beta: { is_not: true }", {"custom": {"beta": False}}, True),
    ("requester.automated: false", {}, True),
    # time: NOW is 2026-03-02T12:00Z
    ("created_at: { older_than: 1h }", {}, True),
    ("created_at: { older_than: 1h1s }", {}, False),
    ("created_at: { newer_than: 1h }", {}, False),
    ("created_at: { newer_than: 61m }", {}, True),
    ("created_at: { before: 2026-03-02T12:00:00+01:00 }", {}, False),
    ("created_at: { before: 2026-03-02T11:00:01Z }", {}, True),
    ("created_at: { after: 2026-03-02T10:59:59Z }", {}, True),
    ("created_at: { after: 2026-03-02T11:00:00Z }", {}, False),
    ("created_at: { after: 2026-03-02 }", {}, True),
    # groups, names, calendars
    ("{ all: [{ status: new }, { type: incident }] }", {}, True),
    ("{ any: [{ status: open }, { type: incident }] }", {}, True),
    ("{ none: [{ status: open }, { type: incident }] }", {}, False),
    ("{ none: [{ status: open }, { type: bug }] }", {}, True),
    ("{ use: open, type: incident }", {}, True),
    ("{ use: [open] }", {"status": Status.CLOSED}, False),
    ("{ calendar: { office: open } }", {}, True),
    ("{ calendar: { office: closed } }", {}, False),
    ("{ calendar: { office: holiday } }", {}, False),
]


@pytest.mark.parametrize(("text", "fields", "held"), CASES, ids=[f"{text}-{held}" for text, _, held in CASES])
def test_a_condition_holds_as_the_language_page_says(text, fields, held):
    made = read(text)
    assert compiled(made)(look(**fields)) is held
    assert explain(made, look(**fields)).held is held


EMPTY = {"requester": None, "priority": None, "status": None, "type": None}
ON_EMPTY = [
    *(
        (f"product: {{ {op} }}", False)
        for op in ("is: x", "one_of: [x]", "in_list: vips", "contains: x", "contains_any: [x]", "contains_all: [x]")
    ),
    *((f"product: {{ {op} }}", False) for op in ("starts_with: x", "ends_with: x", "matches: '.*'", "empty: false", "was: x")),
    *((f"product: {{ {op} }}", True) for op in ("is_not: x", "not_one_of: [x]", "not_in_list: vips", "contains_none: [x]", "empty: true")),
    *(
        (f"priority: {{ {op} }}", False)
        for op in ("above: low", "at_least: low", "below: high", "at_most: urgent", "between: [low, urgent]")
    ),
    *((f"tags: {{ {op} }}", False) for op in ("contains: x", "contains_any: [x]", "contains_all: [x]", "in_list: vips", "was: x")),
    *((f"tags: {{ {op} }}", True) for op in ("contains_none: [x]", "not_in_list: vips", "empty: true")),
    *((f"custom.seats: {{ {op} }}", False) for op in ("above: 1", "at_least: 0", "below: 9", "at_most: 9", "between: [0, 9]", "is: 0")),
    *((f"due_at: {{ {op} }}", False) for op in ("before: 2030-01-01", "after: 2000-01-01", "older_than: 1s", "newer_than: 900d")),
    ("requester.automated: false", False),
    ("requester.automated: { is_not: true }", True),
    ("requester.email: { empty: true }", True),
    ("body: { empty: true }", True),
]


@pytest.mark.parametrize(("text", "held"), ON_EMPTY)
def test_an_empty_field_is_settled_first(text, held):
    assert compiled(read(text))(look(**EMPTY)) is held


def test_blank_text_and_no_members_are_empty():
    assert holds(read("body: { empty: true }"), look(body=" \n "))
    assert holds(read("tags: { empty: true }"), look(tags=[]))
    assert holds(read("custom.beta: { empty: false }"), look(custom={"beta": False}))


def test_text_is_the_subject_and_the_newest_customer_message():
    said = (
        a_comment("first", at=NOW - timedelta(minutes=9)),
        a_comment("stolen card", at=NOW - timedelta(minutes=5)),
        a_comment("an agent", role=Role.AGENT),
        a_comment("a robot", author=Person(automated=True)),
        a_comment("ours", ours=True),
        a_comment("a note", public=False, role=Role.CUSTOMER),
    )
    seen = look(an_observation(ticket=a_ticket(body="the first message"), comments=said))
    assert seen.values["text"] == "Card declined at checkout\nstolen card"
    assert seen.values["last_customer_reply_at"] == NOW - timedelta(minutes=5)
    assert look(body="the first message").values["text"] == "Card declined at checkout\nthe first message"


def test_comment_fields_are_those_of_the_event_that_is_the_occasion():
    first, second = (an_event(Kind.COMMENTED, comment=a_comment(text)) for text in ("one", "two"))
    seen = Look(an_observation(first, second), first)
    assert seen.values["comment.text"] == "one"
    assert (seen.values["comment.role"], seen.values["comment.author"]) == ("customer", "ana@example.com")
    seen.on(second)
    assert seen.folded["comment.text"] == "two"
    seen.on(None)
    assert seen.values["comment.text"] is None
    assert seen.values["subject"] == "Card declined at checkout"


def test_a_rule_sees_what_earlier_rules_planned():
    seen = look()
    assert holds(read("group: { empty: true }"), seen)
    seen.see(replace(seen.ticket, group="Billing"))
    assert holds(read("group: billing"), seen)


def test_changed_and_was_speak_of_what_was_last_seen():
    event = an_event(Kind.CHANGED, change=a_change("priority", Level.LOW, Level.NORMAL))
    seen = look(an_observation(event, ticket=a_ticket(tags=["vip"])))
    assert holds(read("priority: { changed: true, was: low }"), seen)
    assert holds(read("priority: { was: [low, high] }"), seen)
    assert not holds(read("priority: { was: normal }"), seen)
    assert holds(read("status: { changed: false, was: new }"), seen)
    assert holds(read("tags: { was: [gold, vip] }"), seen)


def test_at_created_everything_that_is_not_empty_changed_and_was_empty():
    seen = look(an_observation(Kind.CREATED))
    assert holds(read("priority: { changed: true }"), seen)
    assert holds(read("product: { changed: false }"), seen)
    assert not holds(read("priority: { was: normal }"), seen)


def test_sla_fields_ask_the_clocks():
    seen = Look(an_observation(), sla={"policy": "gold", "resolution": "running"}.get)
    assert (seen.values["sla.policy"], seen.values["sla.resolution"], seen.values["sla.first_response"]) == ("gold", "running", None)


def test_what_a_condition_raises_is_not_swallowed():
    broken = look(custom={"seats": "many"})
    for text in ("custom.seats: { above: 1 }", "{ none: [{ custom.seats: 5 }] }", "{ any: [{ status: open }, { custom.seats: [1] }] }"):
        with pytest.raises(ValueError, match="not a number"):
            compiled(read(text))(broken)


def test_every_field_of_the_table_can_be_read():
    seen = look()
    for name in FIELDS:
        getter(name)(seen)
    with pytest.raises(KeyError):
        getter("nonsense")
    with pytest.raises(KeyError):
        getter("requester.nonsense")


def test_an_operator_fits_exactly_the_types_of_the_table():
    ticks = {
        "text": "is is_not one_of not_one_of in_list not_in_list starts_with ends_with matches contains_pii"
        " contains contains_any contains_all contains_none",
        "choice": "is is_not one_of not_one_of in_list not_in_list",
        "reference": "is is_not one_of not_one_of in_list not_in_list",
        "ordered_choice": "is is_not one_of not_one_of above at_least below at_most between",
        "set": "in_list not_in_list contains contains_any contains_all contains_none",
        "number": "is is_not one_of not_one_of above at_least below at_most between",
        "time": "before after older_than newer_than",
        "boolean": "is is_not",
    }
    for kind, names in ticks.items():
        assert {op for op, types in OPERATORS.items() if kind in types} == {*names.split(), "empty", "changed", "was"}, kind


VALUES = {
    "contains_pii": "iban",
    "in_list": "vips",
    "not_in_list": "vips",
    "matches": "x",
    "older_than": "1d",
    "newer_than": "1d",
    "empty": "true",
    "changed": "true",
}
SAMPLES = {
    **{"subject": "x", "channel": "email", "group": "x", "priority": "normal", "tags": "x"},
    **{"custom.seats": "3", "created_at": "2026-01-01", "requester.automated": "true"},
}


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize("field", sorted(SAMPLES))
def test_an_operator_on_the_wrong_type_is_found_when_the_file_is_read(field, operator):
    value = VALUES.get(operator, SAMPLES[field])
    value = f"[{value}, {value}]" if operator == "between" else value
    kind = "number" if field == "custom.seats" else FIELDS[field].type
    expected = [] if kind in OPERATORS[operator] else ["TG204"]
    assert codes(rule_file(f"{{ {field}: {{ {operator}: {value} }} }}") + DEFINITIONS) == expected


# --- told ------------------------------------------------------------------------------------------------------------


def test_an_explanation_says_what_was_seen_and_what_was_not_looked_at():
    made = read(
        "{ any: [{ requester.organization: { in_list: vips } }, { custom.tier: [gold, silver] }], use: open, priority: { below: high } }"
    )
    told = explain(made, look(requester=Person(organization="Alpine"), custom={"tier": "bronze"}))
    group, named, priority = told.parts
    assert (told.held, group.written, group.held) == (False, "any", False)
    assert [(part.written, part.seen) for part in group.parts] == [
        ("requester.organization in_list vips", "'Alpine' is not in the list (3 values)"),
        ("custom.tier is gold or silver", "'bronze'"),
    ]
    assert (named.written, named.held, named.parts) == ("use open", None, ())
    assert (priority.written, priority.held) == ("priority below high", None)


def test_the_tests_that_kept_a_condition_from_holding_can_be_named():
    made = read("{ status: new, any: [{ type: bug }, { tags: vip }], none: [{ status: closed }] }")
    assert [result.written for result in deciding(explain(made, look()), held=False)] == ["type is bug", "tags contains vip"]
    made = read("{ none: [{ status: open }, { status: new }] }")
    assert [result.written for result in deciding(explain(made, look()), held=False)] == ["status is new"]


def test_groups_without_parts_are_settled():
    assert holds(All(()), look())
    assert not holds(AnyOf(()), look())
    assert holds(NoneOf(()), look())


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("prioritty: high", "TG202"),
        ("custom.unknown: x", "TG202"),
        ("subject: { contians: x }", "TG203"),
        ("priority: hihg", "TG211"),
        ("channel: pigeon", "TG211"),
        ("status: [new, opened]", "TG211"),
        ("custom.tier: platinum", "TG211"),
        ("connection: zendesk-us", "TG302"),
        ("requester.automated: maybe", "TG205"),
        ("requester.automated: yes", "TG205"),
        ("custom.seats: many", "TG205"),
        ("custom.seats: '5'", "TG205"),
        ("created_at: { before: yesterday }", "TG205"),
        ("created_at: { before: 2026-02-30 }", "TG205"),
        ("created_at: { older_than: 3 days }", "TG209"),
        ("subject: { matches: '(' }", "TG212"),
        ("subject: { matches: '(?=x)y' }", "TG212"),
        ("subject: { contains: [a, b] }", "TG205"),
        ("subject: { is: [a, b] }", "TG205"),
        ("subject: []", "TG205"),
        ("subject:", "TG205"),
        ("subject: ''", "TG205"),
        ("subject: {}", "TG206"),
        ("{}", "TG206"),
        ("[]", "TG205"),
        ("[{ status: new }]", "TG205"),
        ("{ any: { status: new } }", "TG205"),
        ("{ any: [] }", "TG205"),
        ("priority: { above: urgent }", "TG205"),
        ("priority: { between: [high, low] }", "TG205"),
        ("priority: { between: high }", "TG205"),
        ("custom.seats: { between: [9, 1] }", "TG205"),
        ("tags: { in_list: vipps }", "TG302"),
        ("{ use: nobody }", "TG302"),
        ("{ calendar: { ofice: open } }", "TG302"),
        ("{ calendar: { office: shut } }", "TG211"),
        ("{ similar: { same: [product], within: 1d } }", "TG206"),
        ("subject: { contains_pii: passport }", "TG211"),
        ("{ expr: 'a > b' }", "TG201"),
    ],
)
def test_a_wrong_condition_has_its_code(text, code):
    assert codes(rule_file(text) + DEFINITIONS) == [code]


def test_the_help_names_what_was_probably_meant():
    assert "did you mean 'priority'?" in the_problem(rule_file("prioritty: high")).help
    assert "did you mean 'group'?" in the_problem(rule_file("assignee_group: x")).help
    assert "requester.organization" in the_problem(rule_file("organization: x")).help
    assert "did you mean 'contains_any'?" in the_problem(rule_file("tags: { contain_any: x }")).help
    assert "contains_any" in the_problem(rule_file("tags: { contains: [a, b] }")).help


def test_a_distant_name_is_no_suggestion():
    assert nearest("frobnicate", FIELDS) is None
    assert nearest("bdy", FIELDS) == "body"
    assert spec_of("sla.nonsense", {}) is None


def test_a_moment_without_zone_is_in_the_default_calendars_zone():
    desk = replace(DESK, default_calendar="office")
    made = bundle(rule_file("created_at: { before: 2026-03-02 }") + DEFINITIONS, desk)
    test = made.rulesets[0].rules[0].condition
    assert isinstance(test, OneTest)
    assert test.value == datetime(2026, 3, 1, 23, 0, tzinfo=UTC)


def test_a_circle_of_names_is_found_where_it_closes():
    text = rule_file("{ use: a }") + "conditions:\n  a: { use: b }\n  b: { all: [{ use: a }] }\n"
    problem = the_problem(text)
    assert (problem.code, problem.place.line) == ("TG307", 10)
    assert codes(rule_file("{ use: a }") + "conditions:\n  a: { use: b }\n  b: { status: new }\n") == []
