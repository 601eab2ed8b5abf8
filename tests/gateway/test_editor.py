"""Completing and complaining in a real editor's language server, over the schema of the sample desk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.desk import load
from gateway.schema.installing import install
from tests.gateway.language_server import VARIABLE, Editor, command
from tests.gateway.program import ROOT

pytestmark = pytest.mark.skipif(
    command() is None,
    reason=f"there is no yaml-language-server on the path or in {VARIABLE} (npm install yaml-language-server), or no node",
)
HEAD = "# yaml-language-server: $schema=../.ticketgate/rules.schema.json\nversion: 1\nrules:\n  - id: a\n    when: created\n"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = Path(
        shutil.copytree(ROOT / "config", tmp_path_factory.mktemp("editor") / "desk", ignore=shutil.ignore_patterns(".ticketgate"))
    )
    own = "version: 1\nfields: { seats: { type: choice, values: [few, many] } }\n"
    (folder / "rules/05-own.yaml").write_text(own, encoding="utf-8")
    install(load(folder))
    started = command()
    assert started is not None
    made = Editor(started, folder)
    yield made
    made.close()


def offered(editor: Editor, name: str, text: str) -> list[str]:
    """What is offered where the text ends."""
    whole = HEAD + text
    return editor.completions(editor.opened(f"rules/{name}.yaml", whole), whole.count("\n"), len(whole.rpartition("\n")[2]))


def test_the_fields_are_offered_in_a_condition(editor: Editor) -> None:
    found = offered(editor, "91-fields", "    if:\n      ")
    assert {"priority", "requester.organization", "any", "use", "custom.contract_tier", "custom.seats"} <= set(found)


def test_the_verbs_are_offered_in_a_step(editor: Editor) -> None:
    assert {"assign", "reply", "sync", "stop"} <= set(offered(editor, "92-verbs", "    then:\n      - "))


def test_the_groups_channels_and_lists_of_this_desk_are_offered(editor: Editor) -> None:
    assert "payments-oncall" in offered(editor, "93-group", "    then:\n      - assign:\n          group: ")
    assert "vip-alerts" in offered(editor, "94-channel", "    then:\n      - notify:\n          to: ")
    assert "zendesk-eu" in offered(editor, "95-connection", "    if:\n      connection: ")


def test_the_operators_that_suit_a_field_are_offered_and_no_others(editor: Editor) -> None:
    found = offered(editor, "96-operators", "    if:\n      priority:\n        ")
    assert "at_least" in found
    assert "older_than" not in found
    assert "contains" not in found
    assert {"few", "many"} <= set(offered(editor, "99-own", "    if:\n      custom.seats: "))


def test_the_sample_desk_gives_no_complaint(editor: Editor) -> None:
    for file in sorted((ROOT / "config/rules").glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        headed = text if text.startswith("# yaml-language-server") else HEAD.partition("\n")[0] + "\n" + text
        assert editor.complaints(editor.opened(f"rules/97-{file.name}", headed)) == []


def test_a_mistake_is_told_in_one_short_line(editor: Editor) -> None:
    address = editor.opened("rules/98-wrong.yaml", HEAD + "    if: { prioritty: high }\n    then: [{ stop: ticket }]\n")
    assert editor.complaints(address) == ["Property prioritty is not allowed."]
