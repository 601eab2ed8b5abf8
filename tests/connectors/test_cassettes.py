"""The conversations as they were recorded, replayed with every socket shut; `pytest --record SYSTEM` makes the recordings again.

They are played under the vendor's public address, through the vendor's own SDK: what was recorded is what the SDK still sends.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vcr.errors import CannotOverwriteExistingCassetteException

from connectors import load
from connectors.base import Connector
from tests import conversations
from tests.cassettes import FOLDER, tape, told_by
from tests.rigs import CUSTOM, ROWS, ROWS_OVER_HTTP, rigged, served

LARGEST = 200_000  # bytes that a person may still want to read


@pytest.fixture(params=ROWS_OVER_HTTP)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[*conversations.ALL, *conversations.OF_FILES])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connector(request: pytest.FixtureRequest, system: str, name: str) -> Iterator[Connector]:
    """Speaks to the sandbox while recording, else to the recording, with the network shut."""
    path = FOLDER / system / f"{name}.yaml"
    if name in conversations.OF_FILES and system not in conversations.ROWS_OF_FILES:
        pytest.skip("its files are on no cassette")
    if request.config.getoption("--record") in (system, "all"):
        path.unlink(missing_ok=True)
        with served(system) as port, rigged(system, port) as rig:
            rig.load(*conversations.the_tickets())
            with tape(rig.sandbox.url(), recording=True).use_cassette(str(path)):
                yield rig.connector(page_size=conversations.PAGE_SIZE)
        return
    request.getfixturevalue("sockets_shut")
    with tape("", recording=False).use_cassette(str(path)) as played:
        with replaying(system) as one:
            yield one
        assert played.all_played, "the conversation is shorter than its recording"


@pytest.fixture
def conversation(name: str) -> Callable[[Connector, str], None]:
    return {**conversations.ALL, **conversations.OF_FILES}[name]


class replaying:  # noqa: N801  # read as a verb
    """A connector to the vendor's public address, as a connection of the sample desk would be without `via`."""

    def __init__(self, system: str) -> None:
        with rigged(system, None) as rig:
            said = rig.settings(page_size=conversations.PAGE_SIZE)
        cls = load(ROWS[system])
        self._connector = cls.opened("here", cls.Settings(**{k: v for k, v in said.items() if k != "via"}), CUSTOM.get(ROWS[system], ()))

    def __enter__(self) -> Connector:
        return self._connector

    def __exit__(self, *_: object) -> None:
        self._connector.close()


def test_a_recorded_conversation_goes_as_it_went(connector: Connector, conversation: Callable[[Connector, str], None], system: str) -> None:
    conversation(connector, ROWS[system])


def recordings() -> list[Path]:
    return sorted(FOLDER.rglob("*.*"))


@pytest.mark.parametrize("path", recordings(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_recording_tells_a_secret_or_names_this_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    for system in ROWS_OVER_HTTP:
        assert told_by(text, secrets_of(system)) == []
    assert "127.0.0.1" not in text
    assert "localhost" not in text
    assert "uthorization" not in text or path.suffix == ".md"


def secrets_of(system: str) -> dict[str, str]:
    with rigged(system, None) as rig:
        return {name: value for name, value in rig.sandbox.sign_in().items() if any(w in name for w in ("secret", "token", "password"))}


def test_a_secret_would_be_noticed_in_each_of_its_spellings() -> None:
    secrets = {"password": 'p"s&w=rd'}

    assert told_by('{"password": "p\\"s&w=rd"}', secrets)
    assert told_by("password=p%22s%26w%3Drd&x=1", secrets)
    assert told_by("Basic dXNlcjpwInMmdz1yZA==", secrets, ["user"])
    assert not told_by("password=scrubbed", secrets)


@pytest.mark.parametrize("path", [p for p in recordings() if p.suffix == ".yaml"], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_recording_is_small_enough_to_be_read(path: Path) -> None:
    assert path.stat().st_size < LARGEST


def test_a_conversation_that_changed_is_refused(sockets_shut: None) -> None:
    """Asked from another moment on, the first question is not the recorded one."""
    path = FOLDER / "servicenow" / "reads_two_pages.yaml"

    with tape("", recording=False).use_cassette(str(path)), replaying("servicenow") as one:
        asked = one.changed(conversations.START)
        with pytest.raises(CannotOverwriteExistingCassetteException):
            next(asked)
