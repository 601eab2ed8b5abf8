"""`init --from CONNECTION`: Zendesk's triggers become shadow rules where they mean the same, and are named where they do not."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from connectors.zendesk.reading import Beside
from connectors.zendesk.sandbox import ZendeskSandbox
from connectors.zendesk.triggers import trigger_of
from gateway.cli.ending import Code
from gateway.sandbox.host import Served
from tests.gateway.program import Desk, Program

FILE = "rules/90-from-zendesk-eu.yaml"


def a_trigger(title: str, every: list[Any], actions: list[Any], some: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    """As Zendesk's own document has it."""
    conditions = {
        "all": [dict(zip(("field", "operator", "value"), one, strict=True)) for one in every],
        "any": [dict(zip(("field", "operator", "value"), one, strict=True)) for one in some or []],
    }
    stamps = {"created_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T08:00:00Z"}
    rest = {"id": 25, "active": True, "position": 1, "default": False, "description": None, "category_id": "10026", **stamps}
    said = [dict(zip(("field", "value"), one, strict=True)) for one in actions]
    return {**rest, "title": title, "raw_title": title, "url": "https://acme.zendesk.com/api/v2/triggers/25.json", **more} | {
        "conditions": conditions,
        "actions": said,
    }


@pytest.fixture
def zendesk(hosted: dict[str, Served]) -> Iterator[ZendeskSandbox]:
    sandbox = hosted["zendesk"].sandbox
    assert isinstance(sandbox, ZendeskSandbox)
    yield sandbox
    sandbox.desk.triggers.clear()


def test_triggers_become_shadow_rules_that_pass_check_and_what_is_left_is_named(
    program: Program, four: Desk, zendesk: ZendeskSandbox
) -> None:
    group, agent = next(iter(zendesk.desk.groups.values())), next(u for u in zendesk.desk.users.values() if u["role"] == "agent")
    zendesk.desk.triggers += [
        a_trigger(
            "Rechnungen: für die Buchhaltung",
            [["update_type", "is", "Create"], ["status", "less_than", "solved"], ["subject_includes_word", "includes", "Rechnung invoice"]],
            [["group_id", str(group["id"])], ["assignee_id", str(agent["id"])], ["current_tags", "billing auto"], ["priority", "high"]],
            [["via_id", "is", "4"], ["current_tags", "includes", "vip"]],
            position=2,
        ),
        a_trigger(
            "Notify the requester\n  - id: injected",
            [["update_type", "is", "Change"], ["comment_is_public", "is", "true"], ["assignee_id", "is_not", ""]],
            [["notification_user", ["requester_id", "Re", "Hi {{ticket.id}}"]], ["notification_user", ["assignee_id", "News", "Look."]]],
            position=1,
        ),
        a_trigger("Only for Ana", [["requester_id", "is", "current_user"]], [["status", "solved"]], position=3),
        a_trigger("Asleep", [], [["status", "solved"]], active=False),
    ]

    done = program("-C", four, "init", "--from", "zendesk-eu")

    assert done.code == 0, done.all
    text = (four.folder / FILE).read_text(encoding="utf-8")
    rules = yaml.safe_load(text)["rules"]
    assert [(rule["id"], rule["mode"]) for rule in rules] == [
        ("notify-the-requester-id-injected", "shadow"),
        ("rechnungen-fur-die-buchhaltung", "shadow"),
    ]
    assert rules[1]["when"] == ["created"]
    assert rules[1]["if"] == {
        "all": [{"status": {"one_of": ["new", "open", "pending", "on_hold"]}}, {"subject": {"contains_any": ["Rechnung", "invoice"]}}],
        "any": [{"channel": {"is": "email"}}, {"tags": {"contains_any": ["vip"]}}],
    }
    assert rules[1]["then"] == [
        {"assign": {"group": group["name"]}},
        {"assign": {"user": agent["email"]}},
        {"tag": {"add": ["billing", "auto"]}},
        {"set": {"priority": "high"}},
    ]
    assert rules[0]["then"] == [{"notify": {"to": "assignee", "text": "News: Look."}}]
    assert "# not taken over: notification_user requester_id Re Hi {{ticket.id}}" in text
    assert "# Not taken over: Only for Ana" in text
    assert "#   requester_id is current_user" in text
    assert "Asleep" not in text
    assert "not taken over: Only for Ana" in done.out
    assert "Triggers: 1 taken over, 1 in part, 1 not." in done.out
    assert program("-C", four, "check", "--strict").code == 0
    assert program("-C", four, "init", "--from", "zendesk-eu").code == Code.UNSAFE
    assert program("-C", four, "init", "--from", "zendesk-eu", "--force").code == 0
    assert not zendesk.effects


@pytest.mark.parametrize(
    ("name", "why"), [("jira-core", "automation rules"), ("servicenow-it", "programs"), ("salesforce-crm", "programs")]
)
def test_other_systems_say_why_nothing_can_be_taken_over(program: Program, four: Desk, name: str, why: str) -> None:
    done = program("-C", four, "init", "--from", name)
    assert done.code == Code.USAGE
    assert why in done.err
    assert program("-C", four, "init", "--from", "nowhere").code == Code.NO_SUCH


@pytest.mark.parametrize(
    "condition",
    [
        ["status", "changed", ""],
        ["status", "value", "solved"],
        ["group_id", "is", "current_groups"],
        ["group_id", "is", "4711"],
        ["via_id", "is", "0"],
        ["subject_includes_word", "is", "a phrase"],
        ["type", "is", "riddle"],
        ["update_type", "is", "Never"],
        ["comment_is_public", "is", "true"],
        ["custom_fields_360", "is", "x"],
    ],
    ids=str,
)
def test_a_trigger_with_a_condition_that_has_no_words_here_is_not_taken_over_at_all(condition: list[str]) -> None:
    found = trigger_of(a_trigger("t", [["priority", "is", "high"], condition], [["status", "open"]]), Beside({}))
    assert not found.acts
    assert condition[0] in found.left[0]


def test_what_says_when_a_trigger_runs_cannot_stand_among_alternatives() -> None:
    either = [["update_type", "is", "Create"], ["priority", "is", "high"]]
    assert not trigger_of(a_trigger("t", [], [["status", "open"]], either), Beside({})).acts


def test_a_title_that_is_no_word_is_a_rule_all_the_same(program: Program, four: Desk, zendesk: ZendeskSandbox) -> None:
    for title in ("1. 票", "1. 票", "票: # }{ '\""):
        zendesk.desk.triggers.append(a_trigger(title, [["priority", "is", ""]], [["priority", "low"]]))

    assert program("-C", four, "init", "--from", "zendesk-eu").code == 0
    rules = yaml.safe_load((four.folder / FILE).read_text(encoding="utf-8"))["rules"]
    assert [rule["id"] for rule in rules] == ["trigger-1", "trigger-1-2", "trigger"]


def test_a_zendesk_without_triggers_gives_an_empty_file(program: Program, four: Desk, zendesk: ZendeskSandbox) -> None:
    assert program("-C", four, "init", "--from", "zendesk-eu").code == 0
    assert program("-C", four, "check").code == 0
