"""The command line as a person uses it, for the tests of each story."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway.sandbox.host import Served
from tests.gateway.four import four_sandboxes, sample_desk
from tests.gateway.program import Desk, Program, a_desk


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Program]:
    """`program("-C", folder, "plan")` in an empty folder, without any TICKETGATE_ variable."""
    monkeypatch.chdir(tmp_path)
    yield Program(capsys, monkeypatch)
    structlog.reset_defaults()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A small desk over two systems that lie in files."""
    return a_desk(tmp_path / "desk")


@pytest.fixture(scope="module")
def hosted() -> Iterator[dict[str, Served]]:
    """Sandboxes of the four systems."""
    with four_sandboxes() as served:
        yield served


@pytest.fixture
def four(hosted: dict[str, Served], tmp_path: Path) -> Iterator[Desk]:
    """The sample desk before them."""
    yield sample_desk(tmp_path / "four", hosted)
    for served in hosted.values():
        served.faults.clear()
