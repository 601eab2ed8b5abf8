"""SLA policies and calendars as an administrator writes them, in their complete form; and what is refused, with its place."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rules.bundle import ALWAYS, Bundle, On, Span
from rules.metrics import is_word, short_form
from rules.observation import Kind
from rules.policy import FromField, FromTable, Mark, Policy
from rules.reader import check
from tests.rules.desks import a_bundle, a_desk

LADDER = "rules: [{ id: x, when: { sla: resolution }, stages: [{ at: 50%, then: [{ tag: { add: [x] } }] }] }]"
OFFICE = 'calendars: { office: { timezone: UTC, open: { mon-fri: "09:00-17:00" } } }'


def policy(body: str, more: str = "") -> Policy:
    (found,) = a_bundle(f"sla_policies: {{ p: {{ applies_to: {{ type: bug }}, {body} }} }}\n{OFFICE}\n{more}").policies
    return found


def problems(text: str) -> list[tuple[str, int, str]]:
    _, found = check({"rules/10-x.yaml": "version: 1\n" + text}, a_desk(), lambda country, region, years: frozenset())
    return [(p.code, p.place.line, p.message) for p in found if p.level == "error"]


def test_the_short_form_is_the_complete_form_written_shorter():
    short = policy("calendar: office, pause_in: [pending], targets: { urgent: { first_response: 15m }, low: { first_response: 1d } }")
    targets = "[{ if: { priority: urgent }, within: 15m }, { if: { priority: low }, within: 1d }]"
    long = policy(f"calendar: office, clocks: {{ first_response: {{ pause: {{ status: [pending] }}, targets: {targets} }} }}")
    one, other = short.clocks["first_response"], long.clocks["first_response"]
    assert [t.within for t in one.targets] == [t.within for t in other.targets]
    assert [t.condition.value for t in one.targets] == [t.condition.value for t in other.targets]
    assert (one.pause.field, one.pause.operator, one.pause.value) == (other.pause.field, other.pause.operator, other.pause.value)
    assert (one.start, one.stop, one.switches) == (other.start, other.stop, other.switches)


def test_a_clock_says_only_what_differs_from_the_built_in_one():
    clock = policy("clocks: { resolution: { kind: ola, reset: { when: { changed: product } }, targets: [{ within: 3 business days }] } }")
    resolution = clock.clocks["resolution"]
    assert resolution.start == (Mark((On(Kind.CREATED),)),)
    assert resolution.reset == (Mark((On(Kind.CHANGED, "product"),)),)
    assert (resolution.kind, resolution.targets[0].within) == ("ola", Span(days=3, business=True, written="3 business days"))


def test_the_nearest_switch_wins():
    body = "on_reopen: restart, breach_memory: recompute, clocks: { resolution: { on_reopen: ignore, targets: [{ within: 4h }] } }"
    switches = (
        policy(body, "sla_defaults: { on_reopen: new_instance, deadline_boundary: next_open, max_backdate: 3d }")
        .clocks["resolution"]
        .switches
    )
    assert (switches.on_reopen, switches.breach_memory, switches.deadline_boundary) == ("ignore", "recompute", "next_open")
    assert switches.max_backdate == timedelta(days=3)


def test_targets_take_an_hour_or_the_end_of_the_day_and_none_is_none():
    lines = '[{ if: { priority: low }, within: null }, { within: 1 business days, by: "16:00" }, { within: 2d, end_of_day: true }]'
    none, by, end = policy(f"clocks: {{ resolution: {{ targets: {lines} }} }}").clocks["resolution"].targets
    assert none.within is None
    assert (by.by, by.written) == (16 * 60, "1 business days by 16:00")
    assert end.end_of_day


def test_a_clock_of_ones_own_is_known_to_conditions_ladders_and_texts():
    own = "clocks: { since_contact: { start: { when: customer_replied }, stop: { when: agent_replied }, targets: [{ within: 4h }] } }"
    rules = """
rules:
  - { id: a, when: created, if: { sla.since_contact: running }, then: [{ note: { text: "{{ sla.since_contact }}" } }] }
  - { id: b, when: { sla: since_contact }, stages: [{ at: 50%, then: [{ tag: { add: [x] } }] }] }
"""
    assert "since_contact" in policy(own, rules).clocks
    assert "since_contact" in a_bundle(f"sla_policies: {{ p: {{ applies_to: {{ type: bug }}, {own} }} }}").clocks


def test_the_calendar_may_come_from_a_field_or_a_table():
    text = f"""
{OFFICE}
fields: {{ support_calendar: {{ type: text }} }}
tables: {{ group-calendars: {{ file: tables/c.csv, keys: [group] }} }}
sla_policies:
  p:
    applies_to: {{ type: bug }}
    calendar_from: [custom.support_calendar, {{ table: group-calendars, match: [group], column: calendar }}, office]
    targets: {{ low: {{ resolution: 1d }} }}
"""
    files = {"rules/10-x.yaml": "version: 1\n" + text, "rules/tables/c.csv": "group,calendar\nnight,office\n"}
    made, _ = check(files, a_desk(), lambda country, region, years: frozenset())
    assert isinstance(made, Bundle)
    assert made.policies[0].calendar_from == (
        FromField("custom.support_calendar"),
        FromTable("group-calendars", ("group",), "calendar"),
        "office",
    )
    files["rules/tables/c.csv"] = "group,calendar\nnight,ofice\n"
    _, found = check(files, a_desk(), lambda country, region, years: frozenset())
    assert [(p.code, p.help) for p in found if p.level == "error"] == [("TG302", "did you mean 'office'?")]


def test_versions_of_a_calendar_hold_from_their_dates_on():
    text = """
calendars:
  office:
    timezone: Europe/Berlin
    versions:
      - { valid_from: 2024-01-01, open: { mon-fri: "09:00-17:00" } }
      - valid_from: 2025-01-01
        open: { mon-fri: ["09:00-12:00", "13:00-18:00"] }
        holidays: { extra: ["02-29", 2025-01-06] }
        leap_fallback: feb28
"""
    office = a_bundle(text).calendars["office"]
    assert office.elapsed(datetime(2024, 12, 31, tzinfo=UTC), datetime(2025, 1, 1, 22, tzinfo=UTC)) == timedelta(hours=16)
    assert not office.has_open_time(date(2025, 1, 6))
    assert not office.has_open_time(date(2025, 2, 28))
    assert office.has_open_time(date(2024, 2, 29))
    assert office.changes_after(datetime(2024, 6, 1, tzinfo=UTC)) == datetime(2024, 12, 31, 23, tzinfo=UTC)
    assert office.as_of(datetime(2024, 6, 1, tzinfo=UTC)).has_open_time(date(2025, 1, 6))


@pytest.mark.parametrize(
    ("text", "code", "line", "said"),
    [
        ("calendars: { c: { timezone: UTC, open: {} } }", "TG205", 2, "never open"),
        (
            'calendars: { c: { timezone: UTC, open: { mon: "9:00-10:00" }, closures: [{ from: 1990-01-01, to: 2190-01-01 }] } }',
            "TG205",
            2,
            "never open",
        ),
        ('calendars: { c: { timezone: Mars/Base, open: { mon: "09:00-10:00" } } }', "TG205", 2, "no time zone called 'Mars/Base'"),
        ('calendars: { c: { timezone: UTC, open: { mon: ["09:00-12:00", "11:00-13:00"] } } }', "TG205", 2, "overlap"),
        ('calendars: { c: { timezone: UTC, open: { mon: "09:00-12:00", mon-tue: "09:00-12:00" } } }', "TG301", 2, "mon has hours twice"),
        ('calendars: { c: { timezone: UTC, open: { mon: "09:00-12:00" }, leap_fallback: feb30 } }', "TG211", 2, "feb30"),
        (
            'calendars:\n  c:\n    timezone: UTC\n    versions:\n      - { valid_from: 2025-01-01, open: { mon: "09:00-12:00" } }\n'
            '      - { valid_from: 2024-01-01, open: { mon: "09:00-12:00" } }',
            "TG205",
            7,
            "stands below",
        ),
        (
            'calendars: { c: { timezone: UTC, open: {}, versions: [{ valid_from: 2024-01-01, open: { mon: "9:00-12:00" } }] } }',
            "TG207",
            2,
            "beside 'versions'",
        ),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(text: str, code: str, line: int, said: str):
    found = problems(text)
    assert [p for p in found if p[:2] == (code, line) and said in p[2]], found


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("match: some, targets: { low: { resolution: 1d } }", "TG211", "'some'"),
        ("calendar: office, calendar_from: [office], targets: { low: { resolution: 1d } }", "TG207", "either 'calendar' or"),
        ("calendar_from: [ofice], targets: { low: { resolution: 1d } }", "TG302", "no calendar called 'ofice'"),
        ("clocks: { mine: { targets: [{ within: 1h }] } }", "TG206", "wants 'start'"),
        ("clocks: { Mine-1: { targets: [{ within: 1h }] } }", "TG210", "cannot be the name of a clock"),
        ("clocks: { resolution: { start: { when: manual }, targets: [{ within: 1h }] } }", "TG203", "cannot follow this event"),
        ("clocks: { resolution: { start: {}, targets: [{ within: 1h }] } }", "TG206", "'when', 'if' or both"),
        ("clocks: { resolution: { start: { when: created, retroactive: priority }, targets: [{ within: 1h }] } }", "TG204", "no moment"),
        ("clocks: { resolution: { pause: { status: { changed: true } }, targets: [{ within: 1h }] } }", "TG204", "cannot decide"),
        ("clocks: { resolution: { pause: { sla.first_response: running }, targets: [{ within: 1h }] } }", "TG204", "worked out from it"),
        ("clocks: { resolution: { targets: [{ within: 0m }] } }", "TG209", "0m"),
        ("clocks: { resolution: { targets: [{ within: 1w }] } }", "TG209", "1w"),
        ("clocks: { resolution: { targets: [{ hours: calendar }] } }", "TG206", "wants 'within'"),
        ('clocks: { resolution: { targets: [{ within: 4h, by: "16:00" }] } }', "TG205", "whole business days"),
        ('clocks: { resolution: { targets: [{ within: 1d, by: "16:00", end_of_day: true }] } }', "TG207", "either 'by' or"),
        ("clocks: { resolution: { targets: [{ within: 2 business days, hours: calendar }] } }", "TG205", "not by the wall clock"),
        ("targets: { low: { resolution: 1d } }, clocks: { resolution: { targets: [{ within: 1h }] } }", "TG301", "targets twice"),
        ("pause_in: [pending]", "TG206", "wants 'targets'"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(body: str, code: str, said: str):
    found = problems(f"sla_policies:\n  p: {{ applies_to: {{ type: bug }}, {body} }}\n{OFFICE}\n")
    assert [p for p in found if p[:2] == (code, 3) and said in p[2]], found


def test_unknown_defaults_are_refused_where_they_stand():
    assert problems("sla_defaults:\n  breach_memory: sticky\n  breech_memory: sticky") == [
        ("TG201", 4, "there is no key called 'breech_memory' here")
    ]


def test_a_policy_built_by_hand_is_the_one_that_is_read():
    made = short_form("p", {"low": {"resolution": Span(time=timedelta(hours=1))}})
    assert made.applies_to == ALWAYS
    assert made.clocks["resolution"].targets[0].condition == is_word("priority", "low")
