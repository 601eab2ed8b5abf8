"""The command line as a person uses it, for the tests of each story."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

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
