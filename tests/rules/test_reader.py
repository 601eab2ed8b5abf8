"""From text to a bundle: every code of the grammar provoked, and a near miss that is accepted."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.bundle import (
    Assign,
    Limits,
    Moment,
    On,
    OnSla,
    OnWaiting,
    Place,
    RaisePriority,
    Rate,
    Say,
    Set,
    Span,
    Stop,
    Sync,
    SyncField,
    Tag,
    Tell,
)
from rules.metrics import is_one_of
from rules.nodes import read
from rules.observation import Kind
from rules.problems import Mistakes, Problem, rendered, summary
from rules.reader import bundle_hash, check, parse, reading_for
from rules.reader_conditions import condition
from rules.ticket import replace
from tests.rules.rule_files import A_RULE, DESK, a_file, bundle, codes, holidays, in_desk, problems, rule_file, the_problem

TABLE = {"rules/tables/teams.csv": "product,language,team\nbilling,de,billing-dach\nbilling,*,billing\n,*,triage\n"}
WITH_TABLE = "tables: { teams: { file: tables/teams.csv, keys: [product, language] } }"
OFFICE = 'calendars: { office: { timezone: Europe/Berlin, open: { mon-fri: "09:00-17:00" } } }'
GOLD = "sla_policies: { gold: { applies_to: { type: incident }, targets: { high: { resolution: 4h } } } }"


def verb(then):
    (step,) = bundle(rule_file(then=then) + WITH_TABLE + "\n", more=TABLE).rulesets[0].rules[0].steps
    return step.verb


def rule(text, **kwargs):
    return bundle(text, **kwargs).rulesets[0].rules[0]


def ladder(when, stages, more=""):
    return f"version: 1\nrules:\n  - id: a-ladder\n    when: {when}\n    stages: {stages}\n{more}\n"


STEP = "then: [{ tag: { add: [x] } }]"


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "made"),
    [
        ("- assign: { group: Billing, user: ana@example.com }", Assign(group="Billing", user="ana@example.com")),
        (
            "- assign: { from_table: { table: teams, match: [product, language], column: team }, otherwise: triage }",
            Assign(table="teams", match=("product", "language"), column="team", otherwise="triage"),
        ),
        ("- assign: { from_table: { table: teams, column: team } }", Assign(table="teams", match=("product", "language"), column="team")),
        ("- set: { priority: HIGH, product: 007, assignee: null }", Set({"priority": "high", "product": "007", "assignee": None})),
        ("- set: { due_at: 2026-03-02T10:00:00+01:00 }", Set({"due_at": datetime(2026, 3, 2, 9, tzinfo=UTC)})),
        ("- raise_priority: high", RaisePriority(to="high")),
        ("- raise_priority: { by: 2, up_to: high }", RaisePriority(by=2, up_to="high")),
        ("- raise_priority: { by: 1 }", RaisePriority(by=1, up_to="urgent")),
        ("- tag: { add: [a, B], remove: c }", Tag(frozenset({"a", "B"}), frozenset({"c"}))),
        ("- reply: { template: ack }", Say(public=True, template="ack")),
        ("- reply: { template: ack, language: de, public: true }", Say(public=True, template="ack", language="de")),
        ("- note: { template: ack }", Say(public=False, template="ack")),
        (
            "- notify: { to: [vip-alerts, assignee, team-lead], template: ack }",
            Tell(to=("vip-alerts", "assignee", "team-lead"), template="ack"),
        ),
        ("- stop: ticket", Stop("ticket")),
        (
            "- sync: { with: jira-core, if_missing: create, create: { project: CORE }, status: { owner: jira-core }, comments: both_ways }",
            Sync(
                partner="jira-core",
                create_missing=True,
                create={"project": "CORE"},
                fields={"status": SyncField(owner="jira-core")},
                comments=SyncField(),
            ),
        ),
        (
            "- sync: { with: jira-core, conflict: newest_wins, comments: { direction: both_ways, only: all },"
            " fields: { priority: both_ways, assignee: { direction: both_ways, conflict: { owner: zendesk-eu } } } }",
            Sync(
                partner="jira-core",
                fields={"priority": SyncField(conflict="newest_wins"), "assignee": SyncField(conflict="zendesk-eu")},
                comments=SyncField(conflict="newest_wins"),
                public_comments_only=False,
            ),
        ),
    ],
)
def test_a_verb_is_read_as_a_value(then, made):
    assert verb(then) == made


def test_texts_with_placeholders_are_compiled():
    made = verb('- note: { text: "{{ ticket.subject }} by {{ rule.name }}" }')
    assert made.text.names == {"ticket.subject", "rule.name"}
    assert verb('- set: { resolution: "{{ ticket.product }}" }').fields["resolution"].names == {"ticket.product"}


@pytest.mark.parametrize(
    ("when", "triggers"),
    [
        ("created", (On(Kind.CREATED),)),
        ("[customer_replied, manual]", (On(Kind.CUSTOMER_REPLIED), On(Kind.MANUAL))),
        ("{ changed: priority }", (On(Kind.CHANGED, "priority"),)),
        (
            "[{ changed: { field: status, from: [new, open], to: resolved } }]",
            (On(Kind.CHANGED, "status", frozenset({"new", "open"}), frozenset({"resolved"})),),
        ),
    ],
)
def test_events_are_read(when, triggers):
    assert rule(rule_file(when=when)).triggers == triggers


def test_a_ladder_on_an_sla_clock_is_read():
    stages = f"[{{ at: 75%, {STEP} }}, {{ at: breach, {STEP} }}, {{ at: breach + 30m, {STEP}, repeat: {{ every: 2h, times: 2 }} }}]"
    made = rule(ladder("{ sla: { metric: resolution, policy: gold } }", stages, GOLD))
    assert made.triggers == (OnSla("resolution", "gold"),)
    assert [(stage.name, stage.at) for stage in made.stages] == [
        ("at 75%", Moment(percent=75, written="75%")),
        ("at breach", Moment(written="breach")),
        ("at breach + 30m", Moment(offset=timedelta(minutes=30), written="breach + 30m")),
    ]
    assert (made.stages[2].repeat_every, made.stages[2].repeat_times) == (timedelta(hours=2), 2)


def test_a_waiting_ladder_is_read():
    stages = f"[{{ after: 1h30m, {STEP} }}, {{ after: 3d, {STEP} }}, {{ after: 4 business hours, {STEP} }}]"
    made = rule(ladder("{ waiting: { status: [pending, on_hold], since: last_agent_reply, calendar: office } }", stages, OFFICE))
    assert made.triggers == (OnWaiting(frozenset({"pending", "on_hold"}), "last_agent_reply", "office"),)
    assert [stage.after for stage in made.stages] == [
        Span(time=timedelta(minutes=90), written="1h30m"),
        Span(time=timedelta(days=3), written="3d"),
        Span(time=timedelta(hours=4), business=True, written="4 business hours"),
    ]


def test_targets_count_days_of_the_calendar():
    targets = "{ high: { first_response: 4h, resolution: 3d }, low: { first_response: 2 business days, resolution: 1d4h } }"
    (policy,) = bundle(
        a_file(f"sla_policies: {{ gold: {{ applies_to: {{ type: bug }}, pause_in: [pending], targets: {targets} }} }}")
    ).policies
    assert [t.within for t in policy.clocks["first_response"].targets] == [
        Span(time=timedelta(hours=4), written="4h"),
        Span(days=2, business=True, written="2 business days"),
    ]
    assert [t.within for t in policy.clocks["resolution"].targets] == [
        Span(days=3, written="3d"),
        Span(time=timedelta(hours=4), days=1, written="1d4h"),
    ]
    assert policy.clocks["resolution"].pause == is_one_of("status", frozenset({"pending"}))


def test_a_rule_keeps_what_it_says_about_itself():
    limits = "limits: { per_ticket: 1, per_requester: 2 per 12h }"
    more = f"name: A name\ndescription: Why\nowner: desk\nmode: shadow\n{limits}\nreact_to_own_changes: true"
    made = rule(rule_file(more=more))
    assert (made.name, made.description, made.owner, made.mode) == ("A name", "Why", "desk", "shadow")
    assert made.limits == Limits(per_ticket=Rate(1), per_requester=Rate(2, timedelta(hours=12)))
    assert made.react_to_own_changes


def test_the_mode_of_the_set_is_the_upper_bound():
    modes = {}
    for outer in ("live", "shadow", "disabled"):
        for inner in ("live", "shadow", "disabled"):
            text = rule_file(more=f"mode: {inner}") + f"ruleset: {{ mode: {outer} }}\n"
            modes[outer, inner] = rule(text).mode
    assert modes["shadow", "live"] == modes["live", "shadow"] == "shadow"
    assert modes["disabled", "live"] == modes["shadow", "disabled"] == "disabled"
    assert modes["live", "live"] == "live"


def test_sets_run_by_their_order_then_by_path():
    body = "version: 1\n{}rules:\n  - id: r{}\n    when: created\n    then: [{{ stop: ticket }}]\n"
    files = {
        "rules/90-z.yaml": body.format("ruleset: { order: 5 }\n", 1),
        "rules/b.yaml": body.format("", 2),
        "rules/10-a.yml": body.format("", 3),
        "rules/deep/a.yaml": body.format("", 4),
        "rules/_off.yaml": "nonsense: [",
        "rules/.hidden/x.yaml": "nonsense: [",
        "rules/routing.test.yaml": "nonsense: [",
        "ticketgate.yaml": "nonsense: [",
    }
    made = parse(files, DESK, holidays)
    assert [(s.file, s.order, s.id) for s in made.rulesets] == [
        ("rules/90-z.yaml", 5, "z"),
        ("rules/10-a.yml", 10, "a"),
        ("rules/b.yaml", 500, "b"),
        ("rules/deep/a.yaml", 500, "a"),
    ]


def test_lists_tables_fields_and_templates_are_in_the_bundle():
    text = a_file(
        f"{WITH_TABLE}\nlists: {{ vips: {{ file: vips.txt }} }}\n"
        "fields: { tier: { type: choice, values: [gold], from: { zendesk-eu: Tier } } }",
        rules="  - id: a-rule\n    when: created\n    if: { subject: { in_list: vips } }\n    then: [{ stop: ticket }]\n",
    )
    made = bundle(text, more={**TABLE, "rules/vips.txt": "\N{BYTE ORDER MARK}Café\n\n  Two  Words \r\n"})
    assert made.rulesets[0].rules[0].condition.value == {"cafe", "two words"}
    assert [row.cells["team"] for row in made.tables["teams"].rows] == ["billing-dach", "billing", "triage"]
    assert [row.line for row in made.tables["teams"].rows] == [2, 3, 4]
    assert made.fields["tier"].remote == {"zendesk-eu": "Tier"}
    assert sorted(made.templates["ack"]) == ["de", "en"]


def test_a_calendar_is_built():
    text = (
        "calendars:\n  office:\n    timezone: Europe/Berlin\n"
        "    open: { mon-thu: ['08:00-12:00', '13:00-18:00'], sat-sun: '22:00-06:00' }\n"
        "    holidays: { country: DE, region: BY, years: 2026-2027, extra: [2026-06-01, '12-31'], except: [2026-12-25] }\n"
        "    overrides: { 2026-12-24: ['09:00-12:00'], 2026-12-23: [] }\n"
        "    closures: [{ from: 2026-06-03T13:00, to: 2026-06-03T15:00 }]\n"
    )
    calendar = bundle(a_file(text)).calendars["office"]
    assert sorted(calendar.weekly) == [0, 1, 2, 3, 5, 6]
    assert calendar.weekly[0] == ((480, 720), (780, 1080))
    assert calendar.weekly[6] == ((1320, 360),)
    assert {day.isoformat() for day in calendar.holidays} == {"2026-06-01", "2027-12-25"}
    assert calendar.recurring == {(12, 31)}
    assert not calendar.is_open(datetime(2026, 6, 3, 12, 0, tzinfo=UTC))
    assert bundle(a_file("calendars: { c: { always: true } }")).calendars["c"].always


# --- what is refused -------------------------------------------------------------------------------------------------

RULES = [
    (rule_file(more="wehn: x"), "TG201"),
    (rule_file(more="expr: x"), "TG201"),
    ("version: 1\nrulez: []\n", "TG201"),
    ("version: 1\npacks: []\n", "TG201"),
    ("version: 1\nsla_defaults: {}\n", ""),
    ("version: 1\nruleset: { pikc: first }\nrules: []\n", "TG201"),
    ("rules:\n" + A_RULE, "TG206"),
    ("version: 2\nrules:\n" + A_RULE, "TG107"),
    ("version: '1'\nrules:\n" + A_RULE, ""),
    ("rules:\n" + A_RULE + "version: 1\n", ""),
    ("", "TG206"),
    ("- a\n", "TG205"),
    ("version: 1\n", ""),
    ("version: 1\nrules:\n", ""),
    ("version: 1\nrules: {}\n", "TG205"),
    ("version: 1\nruleset: { pick: best }\n", "TG211"),
    ("version: 1\nruleset: { order: soon }\n", "TG205"),
    ("version: 1\nruleset: { connections: [zendesk-eu, nowhere] }\n", "TG302"),
    ("version: 1\nruleset: { id: Bad Id }\n", "TG210"),
    (rule_file(when="creatd"), "TG203"),
    (rule_file(when="{ every: { at: '10:00' } }"), ""),
    (rule_file(when="approval_answered"), ""),
    (rule_file(when="changed"), "TG206"),
    (rule_file(when="{ changed: prioritty }"), "TG202"),
    (rule_file(when="{ changed: comment.text }"), "TG204"),
    (rule_file(when="{ changed: { field: status, to: nowhere } }"), "TG211"),
    (rule_file(when="{ created: x }"), "TG205"),
    (rule_file(when="{ created: x, updated: y }"), "TG205"),
    (rule_file(when="[]"), "TG205"),
    (rule_file(when=""), "TG205"),
    ("version: 1\nrules:\n  - id: a\n    then: [{ stop: ticket }]\n", "TG206"),
    ("version: 1\nrules:\n  - when: created\n    then: [{ stop: ticket }]\n", "TG206"),
    ("version: 1\nrules:\n  - id: a\n    when: created\n", "TG206"),
    ("version: 1\nrules:\n  - id: a\n    when: created\n    then: []\n", "TG205"),
    ("version: 1\nrules:\n  - id: Not_A_Slug\n    when: created\n    then: [{ stop: ticket }]\n", "TG210"),
    ("version: 1\nrules:\n  - id: " + "a" * 64 + "\n    when: created\n    then: [{ stop: ticket }]\n", "TG210"),
    ("version: 1\nrules:\n  - id: " + "a" * 63 + "\n    when: created\n    then: [{ stop: ticket }]\n", ""),
    ("version: 1\nrules:\n" + A_RULE + A_RULE, "TG301"),
    (rule_file(more="mode: alive"), "TG211"),
    (rule_file(more="limits: { per_ticket: often }"), "TG209"),
    (rule_file(more="limits: { per_ticket: 1 per fortnight }"), "TG209"),
    (rule_file(more="limits: { per_ticket: 0 }"), "TG209"),
    (rule_file(more="limits: { per_hour: 1 }"), "TG201"),
    (rule_file(more="limits: { total: 5, when_reached: explode }"), "TG211"),
    (rule_file(more="limits: { when_reached: pause_rule }"), "TG206"),
    (rule_file(more="limits: { total: 5, when_reached: skip }"), ""),
    (rule_file(more="catch_up: all"), "TG206"),
    (rule_file(more="react_to_own_changes: maybe"), "TG205"),
    (rule_file(more="name:"), "TG205"),
    (rule_file(more="stages: [{ at: breach, then: [{ stop: ticket }] }]"), "TG207"),
    (ladder("created", f"[{{ at: breach, {STEP} }}]"), "TG206"),
    ("version: 1\nrules:\n  - id: a\n    when: { sla: resolution }\n    then: [{ stop: ticket }]\n", "TG206"),
    (ladder("[created, { sla: resolution }]", f"[{{ at: breach, {STEP} }}]"), "TG205"),
    (ladder("{ sla: resolutoin }", f"[{{ at: breach, {STEP} }}]"), "TG211"),
    (ladder("{ sla: { metric: resolution, policy: nobody } }", f"[{{ at: breach, {STEP} }}]"), "TG302"),
    (ladder("{ sla: {} }", f"[{{ at: breach, {STEP} }}]"), "TG206"),
    (ladder("sla", f"[{{ at: breach, {STEP} }}]"), "TG206"),
    (ladder("{ sla: resolution }", f"[{{ after: 3d, {STEP} }}]"), "TG205"),
    (ladder("{ sla: resolution }", f"[{{ at: soon, {STEP} }}]"), "TG209"),
    (ladder("{ sla: resolution }", f"[{{ at: breach + 0m, {STEP} }}]"), "TG209"),
    (ladder("{ sla: resolution }", "[{ at: breach }]"), "TG206"),
    (ladder("{ sla: resolution }", f"[{{ {STEP} }}]"), "TG206"),
    (ladder("{ sla: resolution }", f"[{{ at: breach, {STEP} }}, {{ at: breach, {STEP} }}]"), "TG301"),
    (ladder("{ sla: resolution }", f"[{{ at: breach, {STEP}, deliver: at_night }}]"), "TG211"),
    (ladder("{ waiting: { status: pending } }", f"[{{ after: 1h, {STEP}, deliver: business_hours }}]"), "TG206"),
    (ladder("{ sla: resolution }", f"[{{ at: breach, {STEP}, deliver: now, repeat: {{ every: 1h, times: 3 }} }}]"), ""),
    (ladder("{ sla: resolution }", f"[{{ at: breach, {STEP}, repeat: {{ every: 1h }} }}]"), "TG206"),
    (ladder("{ waiting: { since: last_update } }", f"[{{ after: 3d, {STEP} }}]"), "TG206"),
    (ladder("{ waiting: { status: parked } }", f"[{{ after: 3d, {STEP} }}]"), "TG211"),
    (ladder("{ waiting: { status: pending, since: easter } }", f"[{{ after: 3d, {STEP} }}]"), "TG211"),
    (ladder("{ waiting: { status: pending, calendar: nowhere } }", f"[{{ after: 3d, {STEP} }}]"), "TG302"),
    (ladder("{ waiting: { status: pending } }", f"[{{ at: breach, {STEP} }}]"), "TG205"),
    (ladder("{ waiting: { status: pending } }", f"[{{ after: 4 business hours, {STEP} }}]"), "TG206"),
    (ladder("{ waiting: { status: pending } }", f"[{{ after: 3 days, {STEP} }}]"), "TG209"),
    (ladder("{ waiting: { status: pending } }", f"[{{ after: 2w, {STEP} }}]"), ""),
]


@pytest.mark.parametrize(("text", "expected"), RULES)
def test_a_rule_is_read_or_refused_with_its_code(text, expected):
    assert codes(text) == expected.split()


STEPS = [
    ("- asign: { group: x }", "TG203"),
    ("- page: { to: support-oncall }", "TG206"),
    ("- link: { to: problem }", ""),
    ("- link: { to: problem, if_missing: create, create: { title: x } }", ""),
    ("- link: { to: sibling }", "TG211"),
    ("- link: { to: duplicate }", "TG206"),
    ("- link: { if_missing: create }", "TG206"),
    ("- link: { to: problem, create: { title: x } }", "TG206"),
    ("- restrict: { group: trust, redact: [iban, payment_card] }", ""),
    ("- restrict: { redact: [iban] }", "TG206"),
    ("- restrict: { group: trust, redact: [names] }", "TG211"),
    ("- approval: { ask: x }", "TG206 TG206 TG206 TG302"),
    ("- webhook: { to: erp }", "TG206 TG302"),
    ("- wait: 3d", "TG203"),
    ("- { stop: ticket, note: { text: x } }", "TG208"),
    ("- stop", "TG205"),
    ("- {}", "TG206"),
    ("- stop: everything", "TG211"),
    ("- assign: billing", "TG205"),
    ("- assign: {}", "TG206"),
    ("- assign: { group: x, strategy: least_open }", ""),
    ("- assign: { group: x, strategy: fairest }", "TG211"),
    ("- assign: { user: a@example.com, strategy: keep }", "TG207"),
    ("- assign: { group: x, otherwise: y }", "TG206"),
    ("- assign: { group: x, from_table: { table: teams, column: team } }", "TG207"),
    ('- assign: { group: "{{ ticket.product }}" }', "TG205"),
    ("- assign: { from_table: { table: temas, column: team } }", "TG302"),
    ("- assign: { from_table: { table: teams, column: group } }", "TG308"),
    ("- assign: { from_table: { table: teams, match: [product], column: team } }", "TG205"),
    ("- assign: { from_table: { table: teams, match: [prodct, language], column: team } }", "TG202"),
    ("- assign: { from_table: { table: teams } }", "TG206"),
    ("- set: {}", "TG206"),
    ("- set: { prioritty: high }", "TG202"),
    ("- set: { priority: hihg }", "TG211"),
    ("- set: { created_at: 2026-01-01 }", "TG204"),
    ("- set: { tags: [a] }", "TG204"),
    ("- set: { status: null }", "TG205"),
    ("- set: { group: null }", ""),
    ('- set: { subject: "{{ ticket.subjet }}" }', "TG303"),
    ('- set: { subject: "{{ ticket.subject" }', "TG303"),
    ("- raise_priority: higher", "TG211"),
    ("- raise_priority: { by: 7 }", "TG205"),
    ("- raise_priority: { up_to: high }", "TG206"),
    ("- tag: {}", "TG206"),
    ("- tag: [a]", "TG205"),
    ("- tag: { add: [a], remove: [A] }", "TG205"),
    ("- reply: { template: akc }", "TG302"),
    ("- reply: {}", "TG206"),
    ("- reply: { template: ack, text: hello }", "TG207"),
    ("- reply: { text: hello, public: false }", "TG205"),
    ("- reply: { template: ack, language: fr }", "TG304"),
    ("- reply: { template: ack, language: klingon-language }", "TG211"),
    ("- reply: { text: hello, language: fr }", "TG205"),
    ("- note: { text: '' }", "TG205"),
    ("- note: { text: '{{ ticket.custom.tier }}' }", "TG303"),
    ("- note: { text: '{{ approval.by }}' }", ""),
    ("- note: { text: '{{ approval.whom }}' }", "TG303"),
    ("- note: { text: '{{ ticket.subject | shout }}' }", "TG303"),
    ("- note: { text: 'costs {5} and 100%' }", ""),
    ("- notify: { template: ack }", "TG206"),
    ("- notify: { to: nobody, template: ack }", "TG302"),
    ("- notify: { to: support-oncall, template: ack }", "TG302"),
    ("- sync: { with: jira, status: both_ways }", "TG302"),
    ("- sync: { with: jira-core }", "TG206"),
    ("- sync: { with: jira-core, status: one_way }", "TG211"),
    ("- sync: { with: jira-core, status: jira-core }", "TG205"),
    ("- sync: { with: jira-core, status: { owner: nobody } }", "TG302"),
    ("- sync: { with: jira-core, fields: { statsu: both_ways } }", "TG202"),
    ("- sync: { with: jira-core, fields: { created_at: both_ways } }", "TG204"),
    ("- sync: { with: jira-core, fields: { tags: both_ways } }", ""),
    ("- sync: { with: jira-core, fields: { status: both_ways }, status: both_ways }", "TG207"),
    ("- sync: { with: jira-core, status: both_ways, create: { project: X } }", "TG206"),
    ("- sync: { with: jira-core, status: both_ways, conflict: fight }", "TG211"),
    ("- sync: { with: jira-core, status: both_ways, comments: { only: public } }", "TG206"),
    ("- note: { text: 'see ${secret:mail}' }", "TG305"),
    ("- note: { text: 'see ${env:HOME}' }", "TG305"),
    ("- note: { text: 'costs ${5}' }", ""),
    ("- note: { text: fine } # not ${secret:mail}", ""),
]


@pytest.mark.parametrize(("then", "expected"), STEPS)
def test_a_step_is_read_or_refused_with_its_code(then, expected):
    assert codes(rule_file(then=then, more="limits: { per_ticket: 1 }") + WITH_TABLE + "\n", more=TABLE) == expected.split()


DEFINITIONS = [
    ("conditions: { Bad Name: { status: new } }", "TG210"),
    ("conditions: { a: }", "TG205"),
    ("lists: { a: { values: [] } }", "TG205"),
    ("lists: { a: { file: nowhere.txt } }", "TG302"),
    ("lists: { a: { file: /etc/passwd } }", "TG302"),
    ("lists: { a: { values: [x], file: y } }", "TG207"),
    ("lists: { a: {} }", "TG206"),
    ("lists: { a: [x] }", "TG205"),
    ("lists: { a: { values: [x] }, a: { values: [y] } }", "TG102"),
    ("tables: { a: { file: tables/nowhere.csv, keys: [product] } }", "TG302"),
    ("tables: { a: { file: tables/teams.csv, keys: [prodct] } }", "TG308"),
    ("tables: { a: { file: tables/teams.csv } }", "TG206"),
    ("tables: { a: { file: tables/broken.csv, keys: [product] } }", "TG205"),
    ("tables: { a: { file: tables/twice.csv, keys: [product] } }", "TG301"),
    ("tables: { a: { file: tables/semicolon.csv, keys: [product] } }", "TG308"),
    ("fields: { Tier: { type: text } }", "TG210"),
    ("fields: { tier: { type: tex } }", "TG211"),
    ("fields: { tier: {} }", "TG206"),
    ("fields: { tier: { type: ordered_choice } }", "TG206"),
    ("fields: { tier: { type: text, from: { nowhere: x } } }", "TG302"),
    ("fields: { priority: { type: text } }", "TG205"),
    ("fields: { product: { type: choice, from: { jira-core: customfield_1 } } }", ""),
    ("fields: { requester.tags: { type: set, from: { jira-core: customfield_1 } } }", ""),
    ("calendars: { c: { timezone: Mars/Base, open: { mon: '09:00-17:00' } } }", "TG205"),
    ("calendars: { c: { timezone: ../../etc/passwd, open: { mon: '09:00-17:00' } } }", "TG205"),
    ("calendars: { c: { open: { mon: '09:00-17:00' } } }", "TG206"),
    ("calendars: { c: { timezone: UTC } }", "TG206"),
    ("calendars: { c: { timezone: UTC, open: {} } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '9-5' } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-24:00' } } }", ""),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-24:30' } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { monday: '09:00-17:00' } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon-wed: '09:00-17:00', tue: '09:00-12:00' } } }", "TG301"),
    ("calendars: { c: { timezone: UTC, open: { mon: ['09:00-12:00', '11:00-17:00'] } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, holidays: { country: XX } } }", "TG302"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, holidays: { country: DE, region: ZZ } } }", "TG302"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, holidays: { region: BY } } }", "TG206"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, holidays: { extra: [tomorrow] } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, holidays: { country: DE, years: soon } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, overrides: { easter: [] } } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, closures: [{ from: 2026-01-02, to: 2026-01-01 }] } }", "TG205"),
    ("calendars: { c: { timezone: UTC, open: { mon: '09:00-17:00' }, closures: [{ from: 2026-01-02 }] } }", "TG206"),
    ("calendars: { c: { always: true, open: { mon: '09:00-17:00' } } }", "TG207"),
    ("calendars: { c: { timezone: UTC, versions: [] } }", "TG205"),
    ("sla_policies: { p: { targets: { high: { resolution: 4h } } } }", "TG206"),
    ("sla_policies: { p: { applies_to: { type: bug } } }", "TG206"),
    ("sla_policies: { p: { applies_to: { type: bug }, targets: { hihg: { resolution: 4h } } } }", "TG211"),
    ("sla_policies: { p: { applies_to: { type: bug }, targets: { high: { resolutoin: 4h } } } }", "TG201"),
    ("sla_policies: { p: { applies_to: { type: bug }, targets: { high: { resolution: 0m } } } }", "TG209"),
    ("sla_policies: { p: { applies_to: { type: bug }, targets: { high: { resolution: 1w } } } }", "TG209"),
    ("sla_policies: { p: { applies_to: { type: bug }, targets: { high: { resolution: soon } } } }", "TG209"),
    ("sla_policies: { p: { applies_to: { type: bug }, calendar: nowhere, targets: { high: { resolution: 4h } } } }", "TG302"),
    ("sla_policies: { p: { applies_to: { type: bug }, pause_in: [parked], targets: { high: { resolution: 4h } } } }", "TG211"),
    ("sla_policies: { p: { applies_to: { type: bug }, clocks: {}, targets: { high: { resolution: 4h } } } }", ""),
]
FILES = {
    **TABLE,
    "rules/tables/broken.csv": "product,team\nbilling,a,b\n",
    "rules/tables/twice.csv": "product,product\nbilling,a\n",
    "rules/tables/semicolon.csv": "product;team\nbilling;a\n",
}


@pytest.mark.parametrize(("text", "expected"), DEFINITIONS)
def test_a_definition_is_read_or_refused_with_its_code(text, expected):
    assert codes(a_file(text), more=FILES) == expected.split()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"templates/hi/en.md": "{{ ticket.subjekt }}"}, ["TG303"]),
        ({"templates/hi/en.md": "{% set x = 1 %}"}, ["TG303"]),
        ({"templates/hi/en.md": "{% for tag in ticket.tags %}{{ tag }} {{ loop.index }}{% endfor %}"}, []),
        ({"templates/hi/en.md": "{{ comment.text }} {{ sla.remaining | duration }} {{ ticket.requester.name }}"}, []),
        ({"templates/Hi There/en.md": "x"}, ["TG210"]),
        ({"templates/hi/english-language.md": "x"}, ["TG211"]),
        ({"templates/hi/en.md": "x ${secret:y}"}, ["TG305"]),
        ({"templates/hi/README": "x", "templates/_draft/en.md": "{{", "templates/hi/en.md": "x"}, []),
    ],
)
def test_template_files_are_checked_where_they_stand(files, expected):
    assert codes(a_file(""), more=files) == expected


def test_a_template_whose_last_resort_is_missing_is_found():
    only_german = {"templates/hallo/de.md": "Hallo"}
    then = rule_file(then="- note: { template: hallo }")
    assert codes(then, more=only_german) == ["TG304"]
    assert codes(then, replace(DESK, default_language="de"), only_german) == []
    assert codes(then, replace(DESK, default_language="de-AT"), only_german) == []


def test_bytes_that_are_not_utf8_are_one_problem():
    for name in ("rules/10-x.yaml", "templates/ack/en.md"):
        for content in (b"version: 1\n# \xff\n", "version: 1\n# \udcff\n"):
            files = {**in_desk(rule_file(then="- note: { template: ack }")), name: content}
            assert [(p.code, p.place.line, p.place.column) for p in check(files, DESK, holidays)[1]] == [("TG106", 2, 3)]


def test_a_field_of_ours_can_be_given_its_values():
    text = rule_file("product: biling") + "fields: { product: { type: choice, values: [billing, shipping], from: { jira-core: p } } }\n"
    assert (the_problem(text).code, the_problem(text).help) == ("TG211", "did you mean 'billing'?  there are billing, shipping")
    assert codes(text.replace("biling", "Billing")) == []


def test_what_is_written_like_rules_elsewhere_can_use_a_bundles_names():
    made = bundle(
        rule_file("{ use: open, custom.tier: gold }") + "conditions: { open: { status: new } }\nfields: { tier: { type: text } }\n"
    )
    found: list[Problem] = []
    r = reading_for(made, found)
    node = read("--where", "{ use: open, custom.tier: silver, status: nwe }", found)
    assert node is not None
    condition(r, node)
    assert [(problem.code, problem.place.column) for problem in found] == [("TG211", 43)]


def test_an_unknown_default_calendar_is_found():
    assert codes(rule_file(), replace(DESK, default_calendar="nowhere")) == ["TG302"]


# --- how problems are told -------------------------------------------------------------------------------------------


def test_all_problems_of_all_files_are_collected():
    files = {
        "rules/10-a.yaml": "version: 1\nrules:\n  - id: one\n    when: creatd\n    then: [{ stpo: ticket }]\n",
        "rules/20-b.yaml": "version: 1\nrules: [\n",
        "rules/30-c.yaml": rule_file("prioritty: high"),
    }
    with pytest.raises(Mistakes) as caught:
        parse(files, DESK, holidays)
    assert [(p.place.file[6:8], p.code) for p in caught.value.problems] == [
        ("10", "TG203"),
        ("10", "TG203"),
        ("20", "TG101"),
        ("30", "TG202"),
    ]


def test_what_a_broken_file_may_define_is_not_called_unknown():
    rules = rule_file("{ use: is-vip, subject: { in_list: nobody } }")
    broken = "version: 1\nconditions:\n  is-vip: { tags: vip\n"
    assert codes(rules, more={"rules/10-x.yaml": broken}) == ["TG101", "TG302"]


def test_a_problem_is_shown_with_its_line_and_a_way_out():
    body = "    if:\n      status: new\n      prioritty: { below: high }\n    then: [{ stop: ticket }]\n"
    text = f"version: 1\nrules:\n  - id: a\n    when: created\n{body}"
    files = in_desk(text)
    assert (
        rendered(problems(files), files)
        == """\
error[TG202]: there is no ticket field called 'prioritty'
 --> rules/30-routing.yaml:7:7
  |
6 |       status: new
7 |       prioritty: { below: high }
  |       ^^^^^^^^^ in the condition of rule 'a'
  |
  = help: did you mean 'priority'?  All fields: ticketgate explain fields
"""
    )


def test_an_operator_that_does_not_fit_says_which_do():
    problem = the_problem(rule_file("product: { at_least: billing }"))
    assert problem.message == "'at_least' does not work on 'product'"
    assert problem.note == "product is a choice without an order"
    assert problem.help.startswith("use 'is' or 'one_of'.  'at_least' is for priority, severity, impact, urgency and numbers")


def test_a_second_definition_shows_the_first():
    problem = the_problem("version: 1\nrules:\n" + A_RULE + A_RULE)
    assert (problem.place.line, problem.related[0].place.line) == (6, 3)


def test_problems_as_json():
    shown = the_problem(rule_file(then="- stpo: ticket")).as_json()
    assert shown == {
        **{"code": "TG203", "level": "error", "message": "there is no verb called 'stpo'", "file": "rules/30-routing.yaml"},
        **{"line": 6, "column": 9, "end_line": 6, "end_column": 13, "rule": "a-rule", "help": "did you mean 'stop'?", "related": []},
    }


def test_at_most_twenty_are_shown_in_full():
    rules = "".join(f"  - id: r{n}\n    when: creatd\n    then: [{{ stop: ticket }}]\n" for n in range(23))
    files = in_desk("version: 1\nrules:\n" + rules)
    found = problems(files)
    assert (len(found), rendered(found, files).count("error[")) == (23, 20)
    assert rendered(found, files).endswith("... and 3 more problems\n")
    assert summary(found, 3, 23, loaded=False) == "23 errors, 0 warnings in 3 files (23 rules).  Nothing was loaded."


def test_an_error_is_shown_however_many_notes_stand_before_it():
    notes = [Problem(code="TG407", level="note", message="'x' is used nowhere", place=Place("a.yaml", line, 1)) for line in range(1, 31)]
    error = Problem(code="TG202", message="there is no ticket field called 'y'", place=Place("b.yaml", 1, 1))
    shown = rendered([*notes, error], {})
    assert (shown.count("note["), shown.count("error[")) == (19, 1)
    assert shown.index("note[") < shown.index("error[")


def test_control_characters_and_wide_letters_do_not_disturb_the_frame():
    text = "a: 漢字\x1b[31m x\n"
    problem = Problem(code="TG101", message="m\x1b", place=Place("f", 1, text.index("x") + 1))
    shown = rendered([problem], {"f": text})
    assert "\x1b" not in shown
    assert "  | " + " " * 13 + "^" in shown


def test_secrets_are_not_read_out():
    shown = rendered(problems(in_desk(rule_file(then="- note: { text: '${secret:mail}' }"))), {})
    assert "ticketgate.yaml" in shown


# --- the hash --------------------------------------------------------------------------------------------------------


def test_the_hash_names_the_content():
    base = bundle(rule_file(), more={"README.md": "x"})
    assert len(base.hash) == 64
    assert bundle(rule_file(), more={"README.md": "y"}).hash == base.hash
    assert bundle(rule_file() + "# a comment\n").hash != base.hash
    assert bundle(rule_file(), replace(DESK, channels=frozenset())).hash != base.hash
    assert bundle(rule_file(), more={"templates/ack/en.md": "changed"}).hash != base.hash


def test_the_hash_does_not_depend_on_the_order_of_anything():
    one = replace(DESK, connections={"a": "jira", "b": "jira"}, channels=frozenset({"x", "y"}))
    other = replace(DESK, connections={"b": "jira", "a": "jira"}, channels=frozenset({"y", "x"}))
    assert bundle_hash({"f": "1", "g": "2"}, one) == bundle_hash({"g": "2", "f": "1"}, other)
