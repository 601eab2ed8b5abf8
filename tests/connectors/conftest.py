"""What the suites over several systems share: a module names its systems by a fixture `system`."""

from collections.abc import Iterator

import pytest

from gateway.sandbox.host import Served
from tests.rigs import Rig, rigged, served


@pytest.fixture(scope="module")
def port(system: str) -> Iterator[Served | None]:
    with served(system) as one:
        yield one


@pytest.fixture
def rig(system: str, port: Served | None) -> Iterator[Rig]:
    with rigged(system, port) as one:
        yield one
