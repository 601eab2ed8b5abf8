"""What is known of a system before it is spoken to is what its connector does."""

from importlib import import_module

import pytest

from connectors import BUILT_IN, DESCRIBED, known, load


@pytest.mark.parametrize("system", BUILT_IN)
def test_what_is_known_of_a_system_is_what_its_connector_says_of_itself(system: str) -> None:
    kind = load(system)

    assert known(system).abilities == kind.abilities
    assert known(system).settings is kind.Settings


@pytest.mark.parametrize(
    ("system", "table"), [("jira", "table"), ("servicenow", "reading"), ("zendesk", "reading"), ("salesforce", "reading")]
)
def test_every_row_of_a_table_is_an_ability(system: str, table: str) -> None:
    rows = import_module(f"connectors.{system}.{table}").TABLE

    assert {row.name for row in rows} <= known(system).abilities.reads
    assert {row.name for row in rows if row.writes} - {"requester"} <= known(system).abilities.writes  # said when a ticket is made


@pytest.mark.parametrize("system", ["teamwork", "json:dumps", "connectors.base:Page"])
def test_what_is_no_connector_is_not_known(system: str) -> None:
    with pytest.raises(LookupError, match=r"system called|is not a connector"):
        known(system)


def test_every_system_that_is_described_is_built_in() -> None:
    assert set(DESCRIBED) < set(BUILT_IN)
