"""Fault row F26: who cannot prove to be the system is told nothing, and only a person can end that."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors import load
from connectors.base import Connector
from connectors.errors import ConnectorError, Transient, Unauthorized, Untrusted
from tests.conftest import LOOPBACK
from tests.connectors.certificates import A_DAY, Authority, site
from tests.rigs import OVER_HTTP, Rig, rigged

KEYS = {"jira": "CORE-1", "servicenow": "0" * 32, "zendesk": "1", "salesforce": "5005g0000000001AAA"}


@pytest.fixture(params=OVER_HTTP)
def rig(request: pytest.FixtureRequest) -> Rig:
    with rigged(str(request.param), None) as one:
        return one


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    one = Authority.made(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(one.file))
    return one


def connector(rig: Rig) -> Connector:
    """As a customer has it: no detour, so the way leads through the proxy that the environment names."""
    kind = load(rig.system)
    made = kind.opened("here", kind.Settings(**{**rig.settings(), "via": None}))
    rig.opened.append(made)
    return made


def asked(rig: Rig, proxy: str, monkeypatch: pytest.MonkeyPatch) -> ConnectorError:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConnectorError) as raised:
        connector(rig).fetch(KEYS[rig.system])
    return raised.value


def host(rig: Rig) -> str:
    return str(urlsplit(rig.settings()["url"]).hostname)


@pytest.mark.parametrize(("whose", "good_for"), [("its own", -A_DAY), ("another's", A_DAY)])
def test_a_certificate_that_does_not_hold_stops_the_connection_and_hears_no_secret(
    rig: Rig, authority: Authority, monkeypatch: pytest.MonkeyPatch, whose: str, good_for: timedelta
) -> None:
    """Fault row F26."""
    file = authority.certificate(host(rig) if whose == "its own" else "elsewhere.example.com", good_for)
    with site(file) as there:
        error = asked(rig, there.proxy, monkeypatch)

    assert type(error) is Untrusted
    assert isinstance(error, Unauthorized), "the connection waits for a person"
    assert ("expired" if whose == "its own" else "elsewhere.example.com") in str(error) or "not valid for" in str(error)
    assert (there.asked, there.heard) == (1, [])


def test_a_certificate_of_an_authority_that_nobody_here_trusts_is_the_same(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault row F26."""
    with site(Authority.made(tmp_path).certificate(host(rig))) as there:
        error = asked(rig, there.proxy, monkeypatch)

    assert type(error) is Untrusted
    assert there.heard == []


def test_a_certificate_that_holds_is_trusted_by_the_authority_that_the_environment_names(
    rig: Rig, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(authority.certificate(host(rig))) as there:
        error = asked(rig, there.proxy, monkeypatch)

    assert not isinstance(error, Untrusted), "it answers, if nonsense"
    assert there.heard


def test_nobody_at_the_door_and_a_broken_greeting_are_asked_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault row F26."""
    assert type(asked(rig, "http://127.0.0.1:9", monkeypatch)) is Transient


@pytest.fixture
def names_looked_up() -> Iterator[None]:
    """The machine's own resolver is asked, which the tests' guard forbids."""
    LOOPBACK.open()
    yield
    LOOPBACK.shut()


@pytest.mark.usefixtures("names_looked_up")
def test_a_name_that_nobody_knows_is_asked_for_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault row F26: the name is really looked up, and by its ending never found (RFC 2606)."""
    assert type(asked(rig, "http://proxy.invalid:3128", monkeypatch)) is Transient
