"""The desks of one idea each under config/examples: sound, and held to their own tests."""

import shutil
from pathlib import Path

import pytest

from tests.gateway.program import Program

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
DESKS = sorted(path.parent for path in EXAMPLES.glob("*/ticketgate.yaml"))


def test_the_native_sla_of_each_vendor_can_be_written() -> None:
    assert {"jira", "servicenow", "zendesk", "salesforce"} <= {desk.name for desk in DESKS}


@pytest.mark.parametrize("desk", DESKS, ids=lambda desk: desk.name)
def test_an_example_desk_is_sound_and_passes_its_own_tests(program: Program, tmp_path: Path, desk: Path) -> None:
    own = Path(shutil.copytree(desk, tmp_path / desk.name))
    checked = program("-C", own, "check", "--strict")
    assert checked.code == 0, checked.all
    tried = program("-C", own, "test")
    assert tried.code == 0, tried.all
    assert "0 failed" in tried.all
