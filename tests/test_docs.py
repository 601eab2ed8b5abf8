"""The guide speaks of everything that exists: a verb, operator, command or connector that nobody can read about is a defect."""

import re
from pathlib import Path

import pytest
import typer.main

from connectors import BUILT_IN
from gateway.cli.app import app
from gateway.config import Config
from rules.conditions import OPERATORS
from rules.observation import Kind

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "config/README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator_stands_in_the_guide(operator: str) -> None:
    assert f"`{operator}`" in GUIDE


@pytest.mark.parametrize("kind", sorted(Kind))
def test_every_event_stands_in_the_guide(kind: str) -> None:
    assert f"`{kind}`" in GUIDE


VERBS = (
    "assign",
    "set",
    "raise_priority",
    "tag",
    "reply",
    "note",
    "notify",
    "page",
    "approval",
    "webhook",
    "sync",
    "link",
    "restrict",
    "stop",
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_stands_in_the_guide(verb: str) -> None:
    assert f"| `{verb}` |" in GUIDE


@pytest.mark.parametrize("key", sorted(Config.model_fields))
def test_every_key_of_the_settings_stands_in_the_guide(key: str) -> None:
    assert f"| `{key}` |" in GUIDE


@pytest.mark.parametrize("system", sorted(BUILT_IN))
def test_every_connector_has_a_section_in_the_guide(system: str) -> None:
    assert f"\n### {system}\n" in GUIDE


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_mentioned_where_a_newcomer_reads(command: str) -> None:
    assert re.search(rf"(ticketgate (-C \S+ )?{command}\b|`{command}`|make {command}\b)", README + GUIDE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command: str) -> None:
    assert typer.main.get_command(app).commands[command].help  # type: ignore[attr-defined]
