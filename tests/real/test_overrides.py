"""Each of our overrides of a vendor's document: the document is too strict or too loose without it, and stays strict with it."""

from pathlib import Path
from typing import Any

import pytest

from tests.real import test_spec_jira, test_spec_servicenow, test_spec_zendesk
from tests.real.messages import DOCUMENTS, check_for, check_without
from tests.real.spec_check import Override

SHOWN = {module.SYSTEM: module.GOOD_AND_DAMAGED for module in (test_spec_jira, test_spec_servicenow, test_spec_zendesk)}
CASES = [pytest.param(system, *case, id=f"{system}-{case[0].__name__}") for system, cases in SHOWN.items() for case in cases]


@pytest.mark.parametrize(("system", "override", "good", "damaged"), CASES)
def test_each_override_is_needed_and_refuses_a_damaged_message(
    system: str, override: Override, good: Any, damaged: Any, real: Path
) -> None:
    with_it, without = check_for(system), check_without(override, system, real)

    assert with_it is not None
    assert good(with_it) == []
    assert damaged(with_it) != []
    assert good(without) != [] or damaged(without) == []


@pytest.mark.parametrize("system", SHOWN)
def test_every_override_has_its_damaged_message(system: str) -> None:
    assert {override for override, _, _ in SHOWN[system]} == set(DOCUMENTS[system][1])
