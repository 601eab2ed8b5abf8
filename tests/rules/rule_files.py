"""Rule files as text, for tests of the reader: what an administrator would have in the folder."""

from collections.abc import Mapping
from datetime import date

from rules.bundle import Bundle, Desk
from rules.problems import Problem
from rules.reader import check

DESK = Desk(
    connections={"zendesk-eu": "zendesk", "jira-core": "jira", "salesforce-crm": "salesforce", "servicenow-it": "servicenow"},
    channels=frozenset({"vip-alerts", "sla-alerts"}),
    groups={"billing-dach": "lena@example.com"},
    on_call=frozenset({"support-oncall"}),
)


def holidays(country: str, region: str | None, years: range) -> frozenset[date]:
    """Christmas in Germany, and nothing else anywhere."""
    if country != "DE" or region not in (None, "BY"):
        raise LookupError(country)
    return frozenset(date(year, 12, 25) for year in years)


def in_desk(rules: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The text as the one rule file of a desk with a template `ack` in English and German."""
    return {
        "rules/30-routing.yaml": rules,
        "templates/ack/en.md": "Hello {{ ticket.requester.name | first_name }}",
        "templates/ack/de.md": "Hallo {{ ticket.requester.name | first_name }}",
        **(more or {}),
    }


A_RULE = "  - id: a-rule\n    when: created\n    then: [{ tag: { add: [seen] } }]\n"


def a_file(body: str, *, rules: str = A_RULE) -> str:
    """A rule file with these keys, and a rule so that it is not empty."""
    return f"version: 1\n{body}\nrules:\n{rules}"


def rule_file(condition: str = "", then: str = "- tag: { add: [seen] }", when: str = "created", more: str = "") -> str:
    """A file of one rule; `condition` is YAML on one line, with or without its braces."""
    lines = ["version: 1", "rules:", "  - id: a-rule", f"    when: {when}"]
    inline = condition if condition.startswith(("{", "[")) else f"{{ {condition} }}"
    lines += [f"    if: {inline}"] if condition else []
    lines += ["    then:", f"      {then}"] if then else []
    lines += [f"    {line}" for line in more.splitlines()]
    return "\n".join(lines) + "\n"


def problems(files: Mapping[str, str], desk: Desk = DESK) -> list[Problem]:
    """Errors and warnings; notes say little in a desk of one rule."""
    return [problem for problem in check(files, desk, holidays)[1] if problem.level != "note"]


def codes(rules: str, desk: Desk = DESK, more: Mapping[str, str] | None = None) -> list[str]:
    return [problem.code for problem in problems(in_desk(rules, more), desk)]


def the_problem(rules: str, desk: Desk = DESK, more: Mapping[str, str] | None = None) -> Problem:
    """The one problem that is there."""
    (found,) = problems(in_desk(rules, more), desk)
    return found


def bundle(rules: str, desk: Desk = DESK, more: Mapping[str, str] | None = None) -> Bundle:
    made, found = check(in_desk(rules, more), desk, holidays)
    assert made is not None, found
    return made
