"""Fault row F26: who cannot prove to be the system is told nothing, and only a person can end that."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors import load
from connectors.base import Connector
from connectors.errors import ConnectorError, Transient, Unauthorized, Untrusted
from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from gateway.store import connections, tickets
from rules.plan import Draft
from rules.ticket import TicketRef
from tests.conftest import LOOPBACK
from tests.connectors.certificates import A_DAY, Authority, site
from tests.connectors.faulty import standing, urgent
from tests.over import NAME, Over, a_gateway
from tests.rigs import OVER_HTTP, Rig, a_sample, rigged, served

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
    """Fault row F26. Without the variables that name authorities: where they are set, `requests` looks whatever a session was told."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
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


@pytest.fixture
def desk(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Over]:
    """A system behind TLS that a proxy leads to, and another beside it."""
    with served("servicenow") as port, rigged("servicenow", port) as rig:
        assert port is not None
        beside = {"other": MemoryConnector("other", MemorySystem(clock=rig.clock), MemorySettings())}
        with (
            site(authority.certificate(host(rig)), port.listener.getsockname()[1]) as there,
            a_gateway(rig, tmp_path, via=None, beside=beside) as desk,
        ):
            monkeypatch.setenv("HTTPS_PROXY", there.proxy)
            yield desk


def both_change(desk: Over) -> tuple[str, str]:
    """A ticket there becomes urgent, and one is made beside it."""
    key = desk.rig.load(a_sample())[0]
    desk.round()
    desk.rig.people("set", key, priority="urgent")
    other = desk.gateway.connectors["other"].create(Draft(fields={"subject": "Beside"}), mark="0" * 32).key
    return key, str(other)


@pytest.mark.usefixtures("names_looked_up")
@pytest.mark.parametrize("way", ["http://proxy.invalid:3128", "http://127.0.0.1:9"], ids=["no such name", "nobody there"])
def test_a_system_that_is_not_found_holds_up_no_other_and_is_read_again_by_itself(
    desk: Over, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Fault row F26: the going on."""
    key, other = both_change(desk)
    right = os.environ["HTTPS_PROXY"]
    monkeypatch.setenv("HTTPS_PROXY", way)
    desk.round()
    assert (standing(desk).state, urgent(desk, key)) == ("paused", [])
    assert "could not connect" in str(standing(desk).error)
    assert known(desk, other)

    monkeypatch.setenv("HTTPS_PROXY", right)
    desk.round(timedelta(seconds=31))
    assert (standing(desk).state, urgent(desk, key)) == ("ok", [key])


def test_a_certificate_that_ran_out_stops_that_connection_alone_until_a_person_starts_it(
    desk: Over, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault row F26: mended is not enough, as nobody knows who answered meanwhile."""
    key, other = both_change(desk)
    right = os.environ["HTTPS_PROXY"]
    with site(authority.certificate(host(desk.rig), -A_DAY)) as expired:
        monkeypatch.setenv("HTTPS_PROXY", expired.proxy)
        desk.round()
        desk.round()
        assert (expired.asked, expired.heard) == (1, [])
    monkeypatch.setenv("HTTPS_PROXY", right)
    desk.round()
    assert (standing(desk).state, urgent(desk, key)) == ("stopped", [])
    assert "the certificate there does not hold" in str(standing(desk).error)
    assert known(desk, other)

    with desk.gateway.store.writing() as db:
        connections.started(db, NAME)
    desk.round()
    assert (standing(desk).state, urgent(desk, key)) == ("ok", [key])


def known(desk: Over, other: str) -> bool:
    with desk.gateway.store.reading() as db:
        return tickets.seen(db, TicketRef("other", other)) is not None
