"""Rules that can never run, always do or say the same twice: decided without a ticket, and never against one."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from rules.alternatives import MOST
from rules.conditions import Look, compiled
from rules.engine import Engine
from rules.observation import Kind
from rules.reader import check
from rules.ticket import Level, Person, Status
from tests.builders import NOW, a_ticket, an_observation
from tests.rules.rule_files import DESK, holidays, in_desk

NUMBERED = "fields: { score: { type: number } }\n"


def a_set(*conditions, pick="first", when="created", more=None):
    """One rule set; a rule for each condition (empty: no `if`), with lines of its own from `more` by position."""
    text = f"version: 1\n{NUMBERED}ruleset: {{ pick: {pick} }}\nrules:\n"
    for number, condition in enumerate(conditions):
        said = f"    if: {condition}\n" if condition else ""
        text += f"  - id: r{number}\n    when: {when}\n{said}    then: [{{ tag: {{ add: [r{number}] }} }}]\n"
        text += "".join(f"    {line}\n" for line in (more or {}).get(number, ()))
    return text


def findings(text):
    """Code, level and rule of what is said of reach."""
    return [(p.code, p.level, p.rule) for p in check(in_desk(text), DESK, holidays)[1] if p.code in ("TG401", "TG402", "TG403", "TG404")]


NEVER = ("TG401", "error", "r1")


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("{ product: billing }", "{ product: billing, type: bug }"),
        ("{ product: [billing, crm] }", "{ product: billing }"),
        ("{ product: { is_not: crm } }", "{ product: billing }"),
        ("{ product: { is_not: crm } }", "{ product: { empty: true } }"),
        ("{ product: { empty: false } }", "{ product: { starts_with: bill } }"),
        ("{ priority: { at_least: high } }", "{ priority: urgent }"),
        ("{ status: { not_one_of: [resolved, closed] } }", "{ status: [new, open] }"),
        ("{ tags: { contains_any: [vip, gold] } }", "{ tags: vip }"),
        ("{ tags: { contains_none: [spam] } }", "{ tags: { empty: true } }"),
        ("{ tags: { empty: false } }", "{ tags: { contains_all: [vip, gold] } }"),
        ("{ subject: { contains: card } }", "{ subject: { contains: stolen card } }"),
        ("{ subject: { contains_any: [card, iban] } }", "{ subject: { starts_with: card declined } }"),
        ("{ custom.score: { above: 3 } }", "{ custom.score: { between: [4, 9] } }"),
        ("{ created_at: { older_than: 1d } }", "{ created_at: { older_than: 3d } }"),
        ("{ created_at: { before: 2026-03-02 } }", "{ created_at: { before: 2026-03-01 } }"),
        ("{ subject: { matches: 'a+b' } }", "{ subject: { matches: 'a+b' }, product: billing }"),
        ("{ any: [{ product: billing }, { type: bug }] }", "{ type: bug, product: crm }"),
        ("{ none: [{ product: billing }] }", "{ product: crm }"),
        ("{ requester.automated: false }", "{ requester.automated: { is_not: true }, requester.automated: { empty: false } }"),
        ("", "{ product: billing }"),
        ("", ""),
    ],
)
def test_a_rule_below_one_that_catches_all_it_wants_can_never_run(above, below):
    if below.count("requester.automated") == 2:
        below = "{ all: [{ requester.automated: { is_not: true } }, { requester.automated: { empty: false } }] }"
    assert findings(a_set(above, below)) == [NEVER]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("{ product: billing, type: bug }", "{ product: billing }"),
        ("{ product: { is_not: crm } }", "{ product: [billing, crm] }"),
        ("{ product: billing }", "{ product: { is_not: crm } }"),
        ("{ product: { empty: false } }", "{ product: { is_not: crm } }"),
        ("{ tags: [vip, gold] }", "{ tags: [vip, spam] }"),
        ("{ tags: { contains_all: [vip, gold] } }", "{ tags: vip }"),
        ("{ subject: { contains: stolen card } }", "{ subject: { contains: card } }"),
        ("{ subject: { starts_with: card } }", "{ subject: { contains: card } }"),
        ("{ custom.score: { above: 4 } }", "{ custom.score: { at_least: 4 } }"),
        ("{ created_at: { older_than: 3d } }", "{ created_at: { older_than: 1d } }"),
        ("{ subject: { matches: 'a+b' } }", "{ subject: { matches: 'a+bc' } }"),
        ("{ any: [{ product: billing }, { type: bug }] }", "{ type: [bug, task] }"),
        ("{ product: { changed: true } }", "{ product: { changed: false } }"),
    ],
)
def test_a_rule_that_wants_a_little_more_can(above, below):
    assert findings(a_set(above, below)) == []


@pytest.mark.parametrize(
    ("more", "when"),
    [
        ({0: ["mode: shadow"]}, "created"),
        ({0: ["mode: disabled"]}, "created"),
        ({1: ["mode: disabled"]}, "created"),
        ({0: ["limits: { per_ticket: 1 }"]}, "created"),
        ({1: ["react_to_own_changes: true"]}, "updated"),
        ({}, "manual"),
    ],
)
def test_a_rule_that_may_not_end_the_set_covers_no_other(more, when):
    assert findings(a_set("{ product: billing }", "{ product: billing }", when=when, more=more)) == []


def test_other_events_keep_a_rule_in_reach():
    text = a_set("{ type: bug }", "{ type: bug }")
    assert findings(text.replace("when: created", "when: [created, updated]", 1)) == [NEVER]
    assert findings(text.replace("when: created", "when: updated", 1)) == []
    narrow = "when: {{ changed: {{ field: product, to: {} }} }}"
    changed = text.replace("when: created", narrow.format("[a, b]"), 1).replace("when: created", narrow.format("a"))
    assert findings(changed) == [NEVER]
    assert findings(changed.replace("to: a }", "to: [a, c] }")) == []


def test_two_rules_with_different_events_may_see_different_comments():
    text = a_set("{ comment.public: true }", "{ comment.public: true }", when="[commented, updated]")
    assert findings(text) == [NEVER]
    assert findings(text[::-1].replace("[commented, updated]"[::-1], "commented"[::-1], 1)[::-1]) == []


def test_the_message_shows_both_rules_and_a_way_out():
    text = a_set("{ product: billing }", "{ product: billing, requester.tags: vip }")
    (problem,) = [p for p in check(in_desk(text), DESK, holidays)[1] if p.code == "TG401"]
    assert problem.message == "rule 'r1' can never run"
    assert problem.note == "wants: product is billing, and requester.tags contains vip"
    assert (problem.place.line, problem.place.column, problem.end_column) == (9, 5, 11)
    assert (problem.related[0].place.line, problem.related[0].place.column) == (5, 5)
    assert problem.help == "move 'r1' above 'r0', or set 'pick: all' for this rule set"


# --- TG402 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        "{ all: [{ product: billing }, { product: crm }] }",
        "{ product: { is: billing, empty: true } }",
        "{ product: { is: billing, is_not: Billing } }",
        "{ priority: { at_least: high, below: high } }",
        "{ status: { not_one_of: [new, open, pending, on_hold, resolved, closed], empty: false } }",
        "{ tags: { contains: vip, contains_none: [VIP] } }",
        "{ subject: { contains: stolen card, contains_none: [card] } }",
        "{ product: { is: billing, starts_with: crm } }",
        "{ custom.score: { above: 3, at_most: 3 } }",
        "{ created_at: { older_than: 3d, newer_than: 1d } }",
        "{ created_at: { before: 2026-03-01, after: 2026-03-02 } }",
        "{ product: billing, none: [{ product: { empty: false } }] }",
        "{ any: [{ product: { is: a, is_not: a } }, { type: bug, none: [{ type: [bug, task] }] }] }",
        "{ product: { changed: true }, none: [{ product: { changed: true } }] }",
        "{ connection: { not_one_of: [zendesk-eu, jira-core, salesforce-crm, servicenow-it], empty: false } }",
        "{ subject: { matches: 'x', empty: true } }",
    ],
)
def test_a_condition_that_contradicts_itself_is_found(condition):
    assert findings(a_set(condition)) == [("TG402", "error", "r0")]


@pytest.mark.parametrize(
    "condition",
    [
        "{ product: { is_not: billing, empty: true } }",
        "{ priority: { at_least: high, below: urgent } }",
        "{ tags: { contains: vip, contains_none: [gold] } }",
        "{ subject: { contains: card, contains_none: [stolen card] } }",
        "{ custom.score: { at_least: 3, at_most: 3 } }",
        "{ created_at: { older_than: 1d, newer_than: 3d } }",
        "{ any: [{ product: { is: a, is_not: a } }, { type: bug }] }",
        "{ subject: { matches: 'x' }, none: [{ subject: { matches: 'y' } }] }",
    ],
)
def test_a_narrow_condition_is_not(condition):
    assert findings(a_set(condition)) == []


def test_a_contradiction_shows_the_two_tests():
    (problem,) = [p for p in check(in_desk(a_set("{ product: { is: billing, empty: true } }")), DESK, holidays)[1] if p.code == "TG402"]
    assert [spot.note for spot in problem.related] == ["product is billing", "product empty true"]


def test_names_and_lists_are_expanded():
    text = a_set("{ use: closed-shop, product: { not_in_list: ours } }").replace(
        NUMBERED, "lists: { ours: { values: [billing, crm] } }\nconditions: { closed-shop: { product: [Billing, CRM] } }\n"
    )
    assert findings(text) == [("TG402", "error", "r0")]


# --- TG403, TG404 ----------------------------------------------------------------------------------------------------

ALWAYS = "{ any: [{ product: { empty: true } }, { product: { empty: false } }] }"


def test_a_rule_that_always_matches_belongs_last():
    text = a_set("", "{ product: billing }").replace("when: created", "when: [created, updated]", 2)
    assert findings(text.replace("when: [created, updated]", "when: created", 1)) == [("TG403", "warning", "r0")]
    assert findings(a_set("{ product: billing }", "")) == []
    assert findings(a_set("", "{ type: bug }").replace("when: created", "when: resolved", 1)) == []
    assert findings(a_set(ALWAYS, "{ product: billing }", pick="all")) == [("TG403", "warning", "r0")]
    assert findings(a_set("", "{ product: billing }", pick="all")) == []
    assert findings(a_set("{ product: billing }", ALWAYS, pick="all")) == []


def test_two_rules_that_ask_for_the_same_are_found_however_it_is_written():
    assert findings(a_set("{ product: billing }", "{ product: [Billing] }", pick="all")) == [("TG404", "warning", "r1")]
    assert findings(a_set("{ product: billing, type: bug }", "{ type: bug, product: billing }", pick="all")) == [("TG404", "warning", "r1")]
    assert findings(a_set("{ product: billing }", "{ product: crm }", pick="all")) == []
    assert findings(a_set("{ product: billing }", "{ product: billing }", pick="all", more={1: ["mode: shadow"]})) == []


# --- not decided -----------------------------------------------------------------------------------------------------


def test_too_many_alternatives_are_an_honest_note():
    many = ", ".join(f"{{ product: p{n} }}" for n in range(MOST + 1))
    (note,) = findings(a_set(f"{{ any: [{many}] }}", pick="all"))
    assert note == ("TG402", "note", "r0")
    few = ", ".join(f"{{ product: p{n} }}" for n in range(MOST))
    assert findings(a_set(f"{{ any: [{few}] }}", pick="all")) == []


def test_a_rule_that_could_not_be_read_is_not_reasoned_about():
    assert findings(a_set("{ prodct: billing }", "{ prodct: billing }")) == []


# --- the law ---------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["billing", "crm", "Ünits"])
MEMBERS = st.sampled_from(["vip", "gold", "spam"])
PHRASES = st.sampled_from(["card", "stolen card", "card declined"])
NUMBERS = st.sampled_from([1, 2, 3, 4])
AGES = st.sampled_from(["1h", "1d", "3d"])
DATES = st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03"])


def listed(values):
    return st.lists(values, min_size=1, max_size=3).map(lambda items: f"[{', '.join(map(str, items))}]")


def a_test_of(field, **operators):
    one = st.one_of(*(values.map(lambda value, name=name: f"{name}: {value}") for name, values in operators.items()))
    empty = st.sampled_from(["empty: true", "empty: false"])
    parts = st.lists(st.one_of(one, one, empty), min_size=1, max_size=2, unique_by=lambda text: text.partition(":")[0])
    return parts.map(lambda tests: f"{{ {field}: {{ {', '.join(tests)} }} }}")


LEVELS, STATUSES = st.sampled_from(list(map(str, Level))), st.sampled_from(list(map(str, Status)))
TESTS = st.one_of(
    a_test_of("product", is_=WORDS).map(lambda text: text.replace("is_:", "is:")),
    a_test_of("product", is_not=WORDS, one_of=listed(WORDS), not_one_of=listed(WORDS), starts_with=WORDS, contains=WORDS),
    a_test_of("priority", at_least=st.sampled_from(["normal", "high"]), below=st.sampled_from(["high", "urgent"]), one_of=listed(LEVELS)),
    a_test_of("status", one_of=listed(STATUSES), not_one_of=listed(STATUSES)),
    a_test_of("tags", contains=MEMBERS, contains_any=listed(MEMBERS), contains_all=listed(MEMBERS), contains_none=listed(MEMBERS)),
    a_test_of("subject", contains=PHRASES, contains_none=listed(PHRASES), contains_any=listed(PHRASES), ends_with=PHRASES),
    a_test_of("custom.score", above=NUMBERS, at_least=NUMBERS, below=NUMBERS, at_most=NUMBERS, is_not=NUMBERS, not_one_of=listed(NUMBERS)),
    a_test_of("due_at", before=DATES, after=DATES, older_than=AGES, newer_than=AGES),
    st.sampled_from(["{ requester.automated: true }", "{ requester.automated: { is_not: true } }", "{ subject: { matches: 'c' } }"]),
    st.sampled_from(["{ product: { changed: true } }", "{ product: { was: crm } }"]),
)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.tuples(st.sampled_from(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3)).map(
        lambda made: f"{{ {made[0]}: [{', '.join(made[1])}] }}"
    ),
    max_leaves=5,
)
TICKETS = st.builds(
    a_ticket,
    product=st.sampled_from([None, "Billing", "crm", "units", "billing crm", "other"]),
    priority=st.sampled_from([None, *Level]),
    status=st.sampled_from([None, *Status]),
    tags=st.sets(MEMBERS),
    subject=st.sampled_from(["", "stolen card", "my card declined", "card", "card declined by a stolen card"]),
    requester=st.sampled_from([None, Person(automated=True), Person(automated=False)]),
    due_at=st.sampled_from([None, *(NOW + timedelta(hours=hours) for hours in (-96, -72, -30, -24, -12, -1, 0, 13, 40))]),
    custom=st.sampled_from([{}, *({"score": score} for score in (0, 1, 1.5, 2, 3, 4, 5))]),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(["first", "all"]), st.lists(CONDITIONS, min_size=2, max_size=4), st.lists(TICKETS, min_size=25, max_size=25))
def test_no_ticket_contradicts_what_was_said(pick, conditions, tickets):
    text = a_set(*conditions, pick=pick)
    said = findings(text)
    for code, level, _ in said:
        event(f"{code} {level}")
    if not [rule for _, level, rule in said if level != "note"]:
        return
    made, _ = check(in_desk(a_set(*conditions, pick="all").replace("ruleset: { pick: all }", "ruleset: { pick: first }")), DESK, holidays)
    rulesets = made.rulesets if made else silenced(conditions)
    judges = {rule.id: compiled(rule.condition) for ruleset in rulesets for rule in ruleset.rules}
    for ticket in tickets:
        look = Look(an_observation(Kind.CREATED, ticket=ticket))
        held = [id for id, holds in judges.items() if holds(look)]
        for code, level, rule in said:
            if level == "error" and code == "TG402":
                assert rule not in held
            elif code == "TG401" and level == "error":
                assert held[:1] != [rule]
            elif code == "TG403":
                assert rule in held
            elif code == "TG404":
                assert (rule in held) in {other in held for other in judges if other != rule}


def silenced(conditions):
    """The same rules where nothing is refused: each in a set of its own, without the checks of reach."""
    found = []
    for number, condition in enumerate(conditions):
        text = a_set(*[""] * number, condition, pick="all")
        allowed = text.replace("version: 1", "# ticketgate: allow TG401, TG402 because this is a test\nversion: 1")
        made, problems = check(in_desk(allowed), DESK, holidays)
        assert made is not None, problems
        found += [type(made.rulesets[0])(id="x", file="x", order=1, rules=made.rulesets[0].rules[-1:])]
    return found


def test_a_covered_rule_does_not_run_in_the_engine_either():
    text = a_set("{ product: billing }", "{ product: billing, type: incident }").replace(
        "version: 1", "# ticketgate: allow TG401 because the test wants to see it\nversion: 1"
    )
    made, _ = check(in_desk(text), DESK, holidays)
    assert made is not None
    plan = Engine(made).evaluate(an_observation(Kind.CREATED, ticket=a_ticket(product="billing")))
    assert [fired.rule for fired in plan.fired] == ["r0"]
