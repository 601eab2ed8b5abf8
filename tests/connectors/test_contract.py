"""The contract, held by every connector of the table and by memory."""

from collections.abc import Iterator

import pytest

from connectors.base import Connector
from gateway.sandbox.host import Served
from tests.contract import *  # noqa: F403
from tests.contract_attachments import *  # noqa: F403
from tests.contract_faults import *  # noqa: F403
from tests.contract_fields import *  # noqa: F403
from tests.contract_inventory import *  # noqa: F403
from tests.contract_links import *  # noqa: F403
from tests.contract_mentions import *  # noqa: F403
from tests.contract_once import *  # noqa: F403
from tests.contract_secrecy import *  # noqa: F403
from tests.contract_slas import *  # noqa: F403
from tests.contract_writing import *  # noqa: F403
from tests.real.messages import check_for, wrong_with
from tests.rigs import ROWS, Rig, rigged


@pytest.fixture(scope="module", params=list(ROWS))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rig(system: str, port: Served | None) -> Iterator[Rig]:
    """Each message of each test is held against the vendor's document, where the folder of real files has one."""
    with rigged(system, port) as one:
        yield one
        check = None if one.rewritten else check_for(system)
        assert check is None or port is None or wrong_with(check, port.exchanges) == []


@pytest.fixture
def connector(rig: Rig) -> Connector:
    return rig.connector()
