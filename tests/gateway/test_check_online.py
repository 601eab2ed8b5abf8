"""`check --online`: the systems are asked whether they have what rules, maps and settings name (TG411)."""

from connectors.sandbox import Sample
from gateway.clock import now
from gateway.sandbox.faults import Fault
from gateway.sandbox.host import Served
from tests.gateway.four import secrets
from tests.gateway.program import Desk, Done, Program

RULES = """version: 1
rules:
  - id: a
    when: created
    if: { connection: CONNECTION, type: incident }
    then:
      - STEP
"""


def asked(program: Program, desk: Desk, *more: str) -> list[dict[str, object]]:
    done = program("-C", desk, "check", "--online", "--select", "TG411", "--format", "json", *more)
    return [one for one in done.lines if one["type"] == "finding"]


def test_the_tier_of_a_contract_is_read_where_the_sample_desk_says(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    """A VIP by contract, whose organization stands in no list."""
    (key,) = hosted["zendesk"].sandbox.load(
        [
            Sample(
                subject="Cannot log in", body="Help.", created_at=now(), organization="Adatum", tier="gold", email="mia@adatum.example.com"
            )
        ]
    )
    done = program("-C", four, "plan", "--ticket", f"zendesk-eu:{key}", "--rule", "vip-escalation")
    assert (done.code, "vip-desk" in done.out) == (0, True)


def with_rule(desk: Desk, step: str, connection: str = "zendesk-eu", id: str = "a") -> None:
    desk.write(f"rules/35-{id}.yaml", RULES.replace("CONNECTION", connection).replace("STEP", step).replace("id: a", f"id: {id}"))


def test_the_sample_desk_names_nothing_that_is_not_there(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    done = program("-C", four, "check", "--online", "--strict")
    assert (done.code, "TG411" in done.out) == (0, False)
    assert not any(sandbox.sandbox.effects for sandbox in hosted.values())
    assert not any(secret in done.all for secret in secrets(hosted))


WRONG = [
    ("assign: { group: billing-mars }", "zendesk-eu", "group", "billing-mars"),
    ("assign: { user: nobody@example.com }", "servicenow-it", "active user", "nobody@example.com"),
    ("set: { assignee: noone@example.com }", "salesforce-crm", "active user", "noone@example.com"),
    ("restrict: { group: vault }", "jira-core", "group", "vault"),
    ("sync: { with: jira-core, if_missing: create, create: { project: MARS, issue_type: Bug } }", "zendesk-eu", "project", "MARS"),
    ("sync: { with: jira-core, if_missing: create, create: { project: CORE, Orbit: low } }", "zendesk-eu", "field", "Orbit"),
]
CLOSE = [
    "assign: { group: Billing-EMEA, user: lena@example.com }",
    'set: { group: "{{ ticket.product }}-mars" }',
    "sync: { with: jira-core, if_missing: create, create: { project: CORE, Product: api, title: x } }",
]


def test_what_no_system_has_is_an_error_where_it_stands_and_what_comes_close_is_none(program: Program, four: Desk) -> None:
    for number, (step, connection, _, _) in enumerate(WRONG):
        with_rule(four, step, connection, f"wrong-{number}")
    for number, step in enumerate(CLOSE):
        with_rule(four, step, id=f"close-{number}")
    found = {str(one["rule"]): one for one in asked(program, four)}
    assert set(found) == {f"wrong-{number}" for number in range(len(WRONG))}
    for number, (step, connection, kind, name) in enumerate(WRONG):
        one = found[f"wrong-{number}"]
        there = "jira-core" if "sync" in step else connection
        assert (one["level"], one["message"]) == ("error", f"there is no {kind} '{name}' in {there}")
        line = (four.folder / str(one["file"])).read_text().splitlines()[int(str(one["line"])) - 1]
        assert line[int(str(one["column"])) - 1 : int(str(one["end_column"])) - 1] == name


def test_conditions_tables_maps_and_settings_are_asked_about(program: Program, four: Desk) -> None:
    four.swap("rules/10-definitions.yaml", "jira-core: customfield_10050", "jira-core: customfield_99999")
    four.swap("rules/tables/product-teams.csv", "identity", "identidy")
    four.swap("ticketgate.yaml", "group_field: Group__c", "group_field: Grupp__c")
    with_rule(four, "stop: ticket")
    four.swap("rules/35-a.yaml", "type: incident", "group: [platform, plattform]")
    said = {(str(one["file"]).rpartition("/")[2], one["level"], str(one["message"]).partition(" in ")[0]) for one in asked(program, four)}
    assert ("35-a.yaml", "error", "there is no group 'plattform'") in said
    assert ("10-definitions.yaml", "error", "there is no field 'customfield_99999'") in said
    assert ("ticketgate.yaml", "error", "there is no field 'Grupp__c'") in said
    assert any("'identidy'" in text for _, _, text in said)


def test_what_only_some_systems_have_is_a_note(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    hosted["zendesk"].sandbox.desk.group("late-shift")  # type: ignore[attr-defined]
    with_rule(four, "assign: { group: late-shift }", "[zendesk-eu, servicenow-it]")
    (found,) = asked(program, four)
    assert (found["level"], found["message"]) == ("note", "there is no group 'late-shift' in servicenow-it")


def test_a_system_that_is_silent_is_named_and_stops_no_other(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    hosted["zendesk"].faults.append(Fault(kind="status", status=500, times=10_000))
    (four.folder / ".ticketgate/secrets/salesforce").unlink()
    with_rule(four, "assign: { group: billing-mars }", "[zendesk-eu, salesforce-crm, servicenow-it]")
    found = asked(program, four)
    levels = {str(one["message"]): one["level"] for one in found}
    assert levels == {
        "zendesk-eu could not be asked what it has": "warning",
        "salesforce-crm could not be asked what it has": "warning",
        "there is no group 'billing-mars' in servicenow-it": "note",
    }
    assert "there is no secret called 'salesforce'" in next(str(one["help"]) for one in found if "salesforce" in str(one["message"]))


def told(done: Done) -> tuple[int, bool]:
    return done.code, "TG411" in done.out


def test_without_online_nothing_is_asked_and_a_comment_silences_it(program: Program, four: Desk, hosted: dict[str, Served]) -> None:
    with_rule(four, "assign: { group: billing-mars }")
    for served in hosted.values():
        served.exchanges.clear()
        served.keep_exchanges = True
    assert told(program("-C", four, "check")) == (0, False)
    assert not any(served.exchanges for served in hosted.values())
    assert told(program("-C", four, "check", "--online")) == (1, True)
    four.swap("rules/35-a.yaml", "  - id: a", "  # ticketgate: allow TG411 because the group comes on Monday\n  - id: a")
    assert told(program("-C", four, "check", "--online")) == (0, False)
