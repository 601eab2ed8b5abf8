"""`connector list|test|fields|abilities`, and what `doctor` finds out about each system beyond the sign-in."""

from typing import Any

import yaml

from gateway.cli.ending import Code
from gateway.sandbox.faults import Fault
from gateway.sandbox.host import Served
from tests.gateway.four import SAMPLE_DESK, secrets
from tests.gateway.program import Desk, Program


def told(program: Program, desk: Desk, *asked: str) -> list[dict[str, Any]]:
    done = program("-C", desk, "--format", "json", *asked)
    assert not done.err
    return [one for one in done.lines if "type" in one]


def test_the_connections_are_listed_with_what_they_can_do(program: Program, four: Desk) -> None:
    listed = [one for one in told(program, four, "connector", "list") if one["type"] == "connection"]
    assert [one["connection"] for one in listed] == [name for name, _ in sorted(SAMPLE_DESK.values(), key=lambda one: one[1])]

    can = {one["connection"]: one for one in told(program, four, "connector", "abilities") if one["type"] == "abilities"}
    assert can["zendesk-eu"]["guards"]
    assert not can["jira-core"]["guards"]
    assert can["jira-core"]["coupled"] == {"status": ["resolution"]}
    people = program("-C", four, "connector", "abilities", "salesforce-crm").out
    assert "attaches internal, public" in people
    assert "links   parent, problem" in people


def test_who_asks_nobody_needs_no_secret(program: Program, four: Desk) -> None:
    """A new desk can be told what to set up before anybody gave it a sign-in."""
    (four.folder / ".ticketgate" / "secrets" / "zendesk").unlink()
    for command in ("list", "abilities"):
        assert program("-C", four, "connector", command).code == 0
    hooks = program("-C", four, "connector", "webhooks", "zendesk-eu")
    assert (hooks.code, "ticket_id" in hooks.out) == (Code.FINDINGS, True)
    asked = program("-C", four, "connector", "test")
    assert (asked.code, "there is no secret called 'zendesk'" in asked.err) == (Code.NOT_LOADED, True)


def test_each_connection_is_tried_and_the_worst_is_the_code(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    good = program("-C", four, "connector", "test")
    assert (good.code, good.out.count("✓")) == (0, 4)

    hosted["jira"].faults.append(Fault(kind="status", status=401, times=9))
    hosted["servicenow"].faults.append(Fault(kind="status", status=503, times=9))
    done = program("-C", four, "connector", "test")

    assert (done.code, done.out.count("✓")) == (Code.UNREACHABLE, 2)
    assert program("-C", four, "connector", "test", "jira-core").code == Code.REFUSED_BY_REMOTE
    assert program("-C", four, "connector", "test", "jira-cor").code == Code.NO_SUCH
    assert not any(secret in done.all for secret in secrets(hosted))


def test_what_is_proposed_for_the_fields_is_what_check_accepts(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    done = program("-C", four, "connector", "fields", "jira-core")
    assert (done.code, done.err) == (0, "")

    proposed = yaml.safe_load(done.out)["fields"]
    assert proposed["regions"] == {"type": "set", "from": {"jira-core": "customfield_10056"}}
    four.write("rules/11-proposed.yaml", done.out)
    assert program("-C", four, "check", "--strict").code == 0
    again = program("-C", four, "connector", "fields", "jira-core")
    assert "\nfields:" not in again.out, "what was taken over is not proposed again"
    assert not hosted["jira"].sandbox.effects


def test_what_all_connections_propose_is_one_file(program: Program, four: Desk) -> None:
    done = program("-C", four, "connector", "fields")

    proposed = yaml.safe_load(done.out)["fields"]
    assert sorted(proposed["seats"]["from"]) == sorted(name for name, _ in SAMPLE_DESK.values())
    assert proposed["beta"]["type"] == "boolean"
    assert proposed["beta_2"]["from"] == {"jira-core": "customfield_10060"}, "a choice there: another kind, another field"
    four.write("rules/11-proposed.yaml", done.out)
    assert program("-C", four, "check", "--strict").code == 0


def test_a_field_that_is_not_there_and_words_that_nobody_declared_are_named(program: Program, four: Desk) -> None:
    four.swap("rules/10-definitions.yaml", "customfield_10050", "customfield_19999")

    jira = told(program, four, "connector", "fields", "jira-core")
    zendesk = program("-C", four, "connector", "fields", "zendesk-eu")

    assert {one["field"] for one in jira if one["type"] == "mapped" and not one["there"]} == {"product"}
    assert [one["id"] for one in jira if one["type"] == "required"] == ["summary"]
    assert "Regions" in {one["label"] for one in jira if one["type"] == "unmapped"}
    assert zendesk.code == Code.FINDINGS
    assert "values: does not name: partner" in zendesk.out


def test_doctor_says_what_the_rules_need_and_our_user_may_not(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    good = program("-C", four, "doctor")
    assert good.code == 0, good.all
    assert good.out.count("permissions: all that the rules need") == 4
    assert good.out.count("clock: within") == 4

    four.swap("rules/60-sync.yaml", "          fields: {", "          attachments: { owner: zendesk-eu }\n          fields: {")
    hosted["jira"].sandbox.denied |= {"EDIT_ISSUES", "CREATE_ATTACHMENTS"}  # type: ignore[attr-defined]
    try:
        done = program("-C", four, "doctor", "--connection", "jira-core")
        assert done.code == Code.FINDINGS
        assert "EDIT_ISSUES is missing, which set" in done.out
        assert "vip-escalation" in done.out, done.out
        assert "CREATE_ATTACHMENTS is missing, which attach needs (rules sync-bugs-with-jira)" in done.out
        four.swap("rules/60-sync.yaml", "{ owner: zendesk-eu }", "{ owner: jira-core }")
        there = program("-C", four, "doctor", "--connection", "jira-core").out
        assert "CREATE_ATTACHMENTS" not in there, "it only hands files out"
    finally:
        hosted["jira"].sandbox.denied.clear()  # type: ignore[attr-defined]
