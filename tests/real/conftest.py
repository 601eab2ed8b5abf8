"""Where the real files lie: in the folder named by TICKETGATE_REAL_DATA. Without it these tests are skipped, and say so."""

from pathlib import Path

import pytest

from tests.real.messages import VARIABLE, check_for, real_data
from tests.real.spec_check import SpecCheck

WITHOUT = f"set {VARIABLE} to the folder of real files to run this"


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real files."""
    folder = real_data()
    if folder is None:
        pytest.skip(WITHOUT)
    return folder


@pytest.fixture(scope="module")
def check(request: pytest.FixtureRequest, real: Path) -> SpecCheck:
    """The document of the module's `SYSTEM`, with our overrides."""
    found = check_for(request.module.SYSTEM)
    if found is None:
        pytest.skip(f"{real.name} holds no document of {request.module.SYSTEM}")
    return found
