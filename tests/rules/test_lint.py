"""Findings about rules that are well formed: each provoked, each with a near miss, and silenced with a reason."""

import pytest

from rules.reader import check
from rules.ticket import replace
from tests.rules.rule_files import DESK, a_file, holidays, in_desk

FULL = frozenset({"status", "type", "priority", "group", "assignee", "tags", "requester", "subject", "body", "channel"})
ABLE = replace(
    DESK,
    reads=dict.fromkeys(DESK.connections, FULL),
    writes=dict.fromkeys(DESK.connections, FULL),
    replies=frozenset(DESK.connections),
    notes=frozenset(DESK.connections),
    creates=frozenset(DESK.connections),
)


def findings(text, desk=DESK, more=None):
    """Code and line of everything said about the rule file."""
    made, found = check(in_desk(text, more), desk, holidays)
    assert made is not None or any(problem.level == "error" for problem in found)
    return [(problem.code, problem.place.line) for problem in found if problem.place.file.startswith("rules/")]


def codes(text, desk=DESK, more=None):
    return [code for code, _ in findings(text, desk, more)]


def levels(text, desk=DESK, more=None):
    return [(p.code, p.level) for p in check(in_desk(text, more), desk, holidays)[1] if p.place.file.startswith("rules/")]


def rules(*bodies, head=""):
    """One file of several rules: each body is what stands below the id, on lines of its own."""
    text = f"version: 1\n{head}rules:\n"
    for number, body in enumerate(bodies):
        text += f"  - id: r{number}\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return text


# --- TG405 -----------------------------------------------------------------------------------------------------------


def sets(field, value, when="created", condition="", extra=""):
    lines = [f"when: {when}"] + ([f"if: {{ {condition} }}"] if condition else []) + [f"then: [{{ set: {{ {field}: {value} }} }}{extra}]"]
    return "\n".join(lines)


def test_two_rules_that_set_one_field_are_found_at_the_later_value():
    text = rules(sets("priority", "high"), sets("priority", "low"))
    assert findings(text) == [("TG405", 8)]
    (problem,) = [p for p in check(in_desk(text), DESK, holidays)[1] if p.code == "TG405"]
    assert (problem.place.column, problem.related[0].place.line, problem.level) == (31, 5, "warning")


@pytest.mark.parametrize(
    "text",
    [
        rules(sets("priority", "high"), sets("priority", "high")),
        rules(sets("priority", "high"), sets("group", "x")),
        rules(sets("priority", "high"), sets("priority", "low"), head="ruleset: { pick: first }\n"),
        rules(sets("priority", "high"), sets("priority", "low", when="updated")),
        rules(sets("priority", "high", condition="type: bug"), sets("priority", "low", condition="type: incident")),
        rules(sets("priority", "high", condition="type: bug"), sets("priority", "low", condition="type: { not_one_of: [bug] }")),
        rules(
            sets("priority", "high", condition="product: { empty: true }"), sets("priority", "low", condition="product: { empty: false }")
        ),
        rules(sets("group", "a"), sets("group", "b", condition="group: { empty: true }")),
        rules(sets("priority", "high", extra=", { stop: ticket }"), sets("priority", "low")),
        rules(sets("priority", "high", extra=", { stop: ruleset }"), sets("priority", "low")),
        rules(sets("priority", "high"), sets("priority", "low") + "\nmode: shadow"),
        rules(sets("priority", "high"), "when: created\nthen: [{ raise_priority: high }]"),
        rules(sets("priority", "high", when="{ changed: type }"), sets("priority", "low", when="{ changed: product }")),
        rules(
            sets("priority", "high", when="{ changed: { field: type, to: bug } }"),
            sets("priority", "low", when="{ changed: { field: type, to: task } }"),
        ),
    ],
)
def test_rules_that_cannot_meet_are_not_warned_about(text):
    assert "TG405" not in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        rules(sets("group", "a"), "when: created\nthen: [{ assign: { group: b } }]"),
        rules(sets("priority", "high", when="{ changed: type }"), sets("priority", "low", when="updated")),
        rules(sets("priority", "high", when="{ changed: status }"), sets("priority", "low", when="resolved")),
        rules(sets("priority", "high", when="customer_replied"), sets("priority", "low", when="commented")),
        rules(sets("priority", "high", condition="type: bug"), sets("priority", "low", condition="type: [bug, task]")),
        rules("when: created\nthen: [{ raise_priority: high }]", sets("priority", "low")),
    ],
)
def test_rules_that_can_meet_are(text):
    assert codes(text) == ["TG405"]


# --- TG406, TG413 ----------------------------------------------------------------------------------------------------


def test_a_reply_without_a_limit_is_found_at_the_verb():
    assert findings(rules("when: created\nthen:\n  - tag: { add: [x] }\n  - reply: { template: ack }")) == [("TG406", 7)]


@pytest.mark.parametrize(
    "text",
    [
        rules("when: created\nthen: [{ reply: { template: ack } }]\nlimits: { per_ticket: 1 }"),
        rules("when: created\nthen: [{ note: { template: ack } }]"),
        rules("when: { waiting: { status: pending } }\nstages: [{ after: 3d, then: [{ reply: { template: ack } }] }]"),
        rules("when: created\nmode: disabled\nthen: [{ reply: { template: ack } }]"),
    ],
)
def test_a_limited_reply_a_note_and_a_ladder_are_not(text):
    assert "TG406" not in codes(text)


def test_steps_after_stop_are_found_at_the_first_of_them():
    assert findings(rules("when: created\nthen:\n  - stop: ticket\n  - tag: { add: [x] }\n  - tag: { add: [y] }")) == [("TG413", 7)]
    assert findings(rules("when: created\nthen:\n  - tag: { add: [x] }\n  - stop: ticket")) == []


# --- TG407 -----------------------------------------------------------------------------------------------------------


def test_what_nothing_uses_is_noted():
    unused = (
        "lists: { l: { values: [x] } }\nconditions: { c: { status: new } }\nfields: { f: { type: text } }\n"
        "calendars: { cal: { always: true } }\nsla_policies: { p: { applies_to: { type: bug }, targets: { high: { resolution: 4h } } } }"
    )
    assert levels(a_file(unused)) == [("TG407", "note")] * 4
    (note,) = [p for p in check(in_desk(a_file("")), DESK, holidays)[1] if p.place.file.startswith("templates/")]
    assert note.code == "TG407"


def test_what_something_uses_is_not():
    used = (
        "lists: { l: { values: [x] } }\nconditions: { c: { subject: { in_list: l } } }\n"
        "fields: { f: { type: text } }\ncalendars: { cal: { always: true } }"
    )
    rule = (
        "  - id: a\n    when: created\n    if: { use: c, calendar: { cal: open } }\n"
        "    then: [{ note: { text: '{{ ticket.custom.f }}' } }]\n"
    )
    assert codes(a_file(used, rules=rule)) == []
    assert codes(a_file("calendars: { cal: { always: true } }"), replace(DESK, default_calendar="cal")) == []


def test_a_misspelt_name_does_not_make_the_right_one_unused():
    text = a_file(
        "conditions: { open: { status: new } }", rules="  - id: a\n    when: created\n    if: { use: opne }\n    then: [{ stop: ticket }]\n"
    )
    assert codes(text) == ["TG302"]


# --- TG408, TG409 ----------------------------------------------------------------------------------------------------


def ladder(*moments, key="at", when="{ sla: resolution }", target="4h"):
    policy = f"sla_policies: {{ p: {{ applies_to: {{ type: bug }}, targets: {{ high: {{ resolution: {target} }} }} }} }}\n"
    stages = ", ".join(f"{{ {key}: {moment}, then: [{{ tag: {{ add: [x] }} }}] }}" for moment in moments)
    return rules(f"when: {when}\nstages: [{stages}]", head=policy)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ladder("breach", "75%"), True),
        (ladder("75%", "50%"), True),
        (ladder("75%", "breach", "100%"), True),
        (ladder("breach + 1h", "breach + 30m"), True),
        (ladder("75%", "breach - 2h"), True),
        (ladder("75%", "breach - 2h", target="20h"), False),
        (ladder("50%", "75%", "breach - 15m", "breach", "breach + 30m"), False),
        (ladder("3d", "2d", key="after", when="{ waiting: { status: pending } }"), True),
        (ladder("1d", "48h", "3d", key="after", when="{ waiting: { status: pending } }"), False),
    ],
)
def test_stages_stand_in_rising_order(text, found):
    assert ("TG408" in codes(text)) is found


def test_two_syncs_with_different_owners_chase_each_other():
    one = "when: updated\nthen: [{ sync: { with: jira-core, fields: { priority: { owner: zendesk-eu } } } }]"
    other = "when: updated\nthen: [{ sync: { with: jira-core, fields: { priority: { owner: jira-core } } } }]"
    assert levels(rules(one, other)) == [("TG409", "error")]
    assert codes(rules(one, one)) == []


# --- TG412 -----------------------------------------------------------------------------------------------------------


def test_a_field_that_no_connection_has_is_an_error_and_one_that_some_lack_a_note():
    product = rules("when: created\nif: { product: x }\nthen: [{ tag: { add: [x] } }]")
    assert levels(product, ABLE) == [("TG412", "error")]
    some = replace(ABLE, reads={**ABLE.reads, "jira-core": FULL | {"product"}})
    assert levels(product, some) == [("TG412", "note")]
    assert levels(product.replace("product: x", "product: x, connection: jira-core"), some) == []
    assert levels(product.replace("rules:", "ruleset: { connections: [jira-core] }\nrules:"), some) == []


def test_a_field_that_some_lack_is_told_once_for_a_rule_however_often_it_is_asked():
    twice = "if: { product: { contains: x, empty: false }, any: [{ product: x }, { priority: low }] }"
    able = replace(ABLE, reads={**ABLE.reads, "jira-core": FULL | {"product"}})
    assert levels(rules(f"when: created\n{twice}\nthen: [{{ tag: {{ add: [x] }} }}]"), able) == [("TG412", "note")]


def test_clocks_that_would_go_on_with_an_origin_that_no_connection_tells_are_an_error():
    def policy(applies_to, head=""):
        clock = "clocks: { resolution: { on_split: inherit, targets: [{ within: 4h }] } }"
        return f"version: 1\n{head}sla_policies: {{ p: {{ applies_to: {{ {applies_to} }}, {clock} }} }}\n"

    assert ("TG412", "error") in levels(policy("type: bug"), ABLE)
    some = replace(ABLE, reads={**ABLE.reads, "jira-core": FULL | {"split_from"}})
    assert "TG412" not in codes(policy("type: bug"), some)
    assert "TG412" not in codes(policy("connection: jira-core"), some)
    assert "TG412" in codes(policy("connection: zendesk-eu"), some)
    mapped = "fields: { split_from: { type: text, from: { zendesk-eu: '360001' } } }\n"
    assert codes(policy("connection: zendesk-eu", mapped), ABLE) == []


def carries(files, condition="connection: zendesk-eu"):
    body = f"when: updated\nif: {{ {condition} }}\nthen: [{{ sync: {{ with: jira-core, attachments: {files} }} }}]"
    return rules(body)


def takes(**attaches):
    return replace(ABLE, attaches={name.replace("_", "-"): frozenset(can) for name, can in attaches.items()})


def test_files_that_could_go_nowhere_are_an_error_at_their_key_and_one_closed_way_is_a_note():
    (problem,) = [p for p in check(in_desk(carries("both_ways")), takes(), holidays)[1] if p.code == "TG412"]
    assert (problem.code, problem.level, problem.place.line, problem.place.column) == ("TG412", "error", 6, 39)
    assert "jira-core, zendesk-eu" in problem.message
    assert "owner: CONNECTION" in problem.help

    one = takes(jira_core=["public"])
    assert levels(carries("both_ways"), one) == [("TG412", "note")]
    assert levels(carries("{ owner: zendesk-eu }"), one) == []
    assert levels(carries("{ owner: jira-core }"), one) == [("TG412", "error")]
    assert levels(carries("both_ways"), takes(jira_core=["public"], zendesk_eu=["public"])) == []
    assert levels(carries("both_ways"), DESK) == [], "of a desk of which nothing is known"


def test_internal_files_that_would_stay_behind_are_a_note():
    public = takes(jira_core=["public"], zendesk_eu=["public", "internal"])
    found = check(in_desk(carries("{ direction: both_ways, only: all }")), public, holidays)[1]
    (problem,) = [p for p in found if p.code == "TG412"]
    assert (problem.level, problem.message) == ("note", "internal files stay behind: jira-core would show them to customers")
    assert levels(carries("{ direction: { owner: jira-core }, only: all }"), public) == []
    assert levels(carries("{ direction: both_ways, only: public }"), public) == []


def test_a_mapped_field_can_be_supplied():
    text = rules(
        "when: created\nif: { product: x, custom.tier: y, connection: jira-core }\nthen: [{ tag: { add: [x] } }]",
        head="fields: { product: { type: text, from: { jira-core: p } }, tier: { type: text, from: { jira-core: t } } }\n",
    )
    assert levels(text, ABLE) == []


@pytest.mark.parametrize(
    "condition",
    [
        "subject: x",
        "requester.email: x",
        "text: { contains: x }",
        "comment.text: x",
        "sla.policy: { empty: true }",
        "created_at: { older_than: 1d }",
    ],
)
def test_what_every_connection_has_is_no_finding(condition):
    assert levels(rules(f"when: commented\nif: {{ {condition} }}\nthen: [{{ tag: {{ add: [x] }} }}]"), ABLE) == []


@pytest.mark.parametrize(
    ("then", "desk", "found"),
    [
        ("set: { severity: sev1 }", ABLE, [("TG412", "error")]),
        ("tag: { add: [x] }", replace(ABLE, writes={**ABLE.writes, "jira-core": frozenset()}), [("TG412", "note")]),
        ("note: { template: ack }", replace(ABLE, notes=frozenset()), [("TG412", "error")]),
        ("note: { template: ack }", ABLE, []),
        (
            "sync: { with: jira-core, if_missing: create, status: both_ways }",
            replace(ABLE, creates=frozenset({"zendesk-eu"})),
            [("TG412", "error")],
        ),
        ("sync: { with: jira-core, if_missing: create, status: both_ways }", ABLE, []),
        ("set: { severity: sev1 }", DESK, []),
    ],
)
def test_an_action_that_cannot_be_done_is_found(then, desk, found):
    assert levels(rules(f"when: created\nthen: [{{ {then} }}]"), desk) == found


# --- silenced --------------------------------------------------------------------------------------------------------

REPLY = "when: created\nthen: [{ reply: { template: ack } }]"


def above(text, comment):
    return text.replace("  - id: r0", f"  {comment}\n  - id: r0")


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# ticketgate: allow TG406 because the mailbox only receives forms", []),
        ("# ticketgate: allow TG405, TG406 because of the forms", []),
        ("# ticketgate: allow TG406 the mailbox only receives forms", []),
        ("# ticketgate: allow TG413 because of another thing", ["TG406"]),
        ("# ticketgate: allow TG406", ["TG206", "TG406"]),
        ("# ticketgate: allow TG406 because", ["TG206", "TG406"]),
        ("# ticketgate: allow everything because I say so", ["TG206", "TG406"]),
        ("# a comment about TG406", ["TG406"]),
    ],
)
def test_a_finding_is_silenced_with_a_reason(comment, expected):
    assert codes(above(rules(REPLY), comment)) == expected


def test_a_comment_above_version_silences_the_whole_file_and_only_that():
    comment = "# ticketgate: allow TG406 because of the forms\n"
    text = rules(REPLY, REPLY)
    assert codes(comment + text) == []
    assert codes(text, more={"rules/10-x.yaml": comment + "version: 1\nrules: []\n"}) == ["TG406", "TG406"]


def test_a_comment_silences_its_own_rule_only():
    assert codes(above(rules(REPLY, REPLY), "# ticketgate: allow TG406 because of the forms")) == ["TG406"]


def test_a_comment_silences_what_is_found_of_its_rule_in_a_condition_of_another_file():
    shared = {"rules/10-x.yaml": "version: 1\nconditions: { dear: { product: x } }\n"}
    text = rules("when: created\nif: { use: dear }\nthen: [{ tag: { add: [x] } }]")
    comment = "# ticketgate: allow TG412 because no system has it"
    assert codes(text, ABLE, more=shared) == ["TG412"]
    assert codes(above(text, comment), ABLE, more=shared) == []


def test_a_comment_above_nothing_is_found():
    assert codes(rules(REPLY) + "# ticketgate: allow TG406 because of the forms\n") == ["TG406", "TG206"]


def test_an_error_of_the_grammar_cannot_be_silenced():
    text = above(rules("when: created\nif: { prioritty: x }\nthen: [{ stop: ticket }]"), "# ticketgate: allow TG202 because I say so")
    assert "TG202" in codes(text)
