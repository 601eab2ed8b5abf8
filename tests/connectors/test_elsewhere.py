"""Security row S04, files: a redirect is followed to hosts that are known, at addresses that were checked, with nothing of ours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from connectors.addresses import public
from connectors.base import ConnectorSettings
from connectors.elsewhere import Elsewhere, is_among
from connectors.errors import NotFound, Redirected, Rejected, Transient, Unauthorized
from connectors.transport import asking, mounted
from tests.conftest import NetworkIsShut
from tests.connectors.certificates import Authority, site
from tests.connectors.shelf import Shelf, shelf

SECRET = "canary-secret"
KNOWN = ("*.files.example.com",)


def loopback(address: Any) -> bool:
    """What these tests allow instead of public addresses: the machine that they run on."""
    return bool(ip_address(str(address)).is_loopback)


@dataclass
class Place:
    """Two hosts, each behind a port and a certificate of its own; `looked_up` are the names that were asked for."""

    system: Shelf
    store: Shelf
    authority: Authority
    addresses: dict[str, list[str]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)

    def url(self, name: str = "a", path: str = "/f?sig=1") -> str:
        return f"https://{name}.files.example.com:{self.store.port}{path}"

    def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        return self.addresses.get(host, ["127.0.0.1"])

    def settings(self, **more: Any) -> ConnectorSettings:
        return ConnectorSettings(
            **{"url": "https://acme.example.com", "content_hosts": (f"*.files.example.com:{self.store.port}",), **more}
        )

    def elsewhere(self, *, most: int = 1000, may: Any = loopback, **more: Any) -> Elsewhere:
        return Elsewhere("here", self.settings(**more), KNOWN, most=most, resolve=self.resolve, may=may)

    def fetched(self, at: str | None = None, *, pages: bool = False, **how: Any) -> bytes:
        got: list[bytes] = []
        self.elsewhere(**how).fetch("downloading a file of 7", at or self.url(), got.append, pages=pages)
        return b"".join(got)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    authority = Authority.made(tmp_path_factory.mktemp("shelf"))
    with shelf(authority.certificate("acme.example.com")) as system, shelf(authority.certificate("a.files.example.com")) as store:
        yield Place(system, store, authority)


@pytest.fixture
def place(servers: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    for one in (servers.system, servers.store):
        one.__dict__.update(Shelf(port=one.port).__dict__)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(servers.authority.file))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Place(servers.system, servers.store, servers.authority)


def test_a_download_that_is_sent_on_brings_the_file_and_nothing_of_ours_leaves_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault row F27: two hosts, the first of which knows our token and sets a cookie; a netrc file knows a password for the second."""
    with shelf() as system, shelf() as store:
        system.answers = [(200, {"set-cookie": "session=1; Path=/"}), (302, {"location": "https://a.files.example.com/f?sig=1"})]
        own, other = (ConnectorSettings(url="https://acme.example.com", via=f"http://127.0.0.1:{one.port}") for one in (system, store))
        session = mounted(requests.Session(), "here", own)
        session.headers["Authorization"] = f"Bearer {SECRET}"
        session.get("https://acme.example.com/tickets/7")

        with asking("here", "downloading", writing=False), pytest.raises(Redirected) as moved:
            session.get("https://acme.example.com/f", stream=True)
        got: list[bytes] = []
        Elsewhere("here", other, KNOWN, most=1000).fetch("downloading", moved.value.to, got.append, pages=False)

        assert b"".join(got) == b"pixels"
        assert [(path, "authorization" in h, "cookie" in h) for path, h in system.asked] == [
            ("/tickets/7", True, False),
            ("/f", True, True),
        ]
        ((path, headers),) = store.asked
        assert (path, headers["host"]) == ("/f?sig=1", "a.files.example.com")
        assert {"authorization", "cookie", "referer"} & set(headers) == set()
        assert SECRET not in str(headers)
        assert "sig=1" not in str(moved.value)


def test_the_certificate_must_be_that_of_the_host_and_the_name_is_looked_up_once(place: Place) -> None:
    assert place.fetched() == b"pixels"
    assert place.looked_up == ["a.files.example.com"]
    assert place.store.asked[0][1]["host"] == f"a.files.example.com:{place.store.port}"

    with pytest.raises(Rejected, match="the certificate there does not hold") as raised:
        place.fetched(place.url("b"))
    assert not isinstance(raised.value, Unauthorized), "the system itself did nothing wrong"
    assert len(place.store.asked) == 1


def test_a_password_that_a_file_of_the_machine_or_the_address_knows_stays_here(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine a.files.example.com login us password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(netrc))

    place.fetched()
    place.fetched(place.url().replace("https://", f"https://us:{SECRET}@"))

    assert [h.get("authorization") for _, h in place.store.asked] == [None, None]


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("http://a.files.example.com/f", "over https alone"),
        ("ftp://a.files.example.com/f", "over https alone"),
        ("file:///etc/passwd", "over https alone"),
        ("https://evil.example.net/f", r"content_hosts: \['evil.example.net'\] to this connection"),
        ("https://files.example.com/f", "not known to hold"),
        ("https://evilfiles.example.com/f", "not known to hold"),
        ("https://a.files.example.com.evil.net/f", "not known to hold"),
        ("https://a.files.example.com@evil.net/f", "evil.net, which is not known"),
        ("https://a.files.example.com:8443/f", "a.files.example.com:8443, which is not known"),
        ("https://evil.net\\.files.example.com/f", "not known to hold"),
        ("https://127.1/f", "not known to hold"),
        ("https://0x7f000001/f", "not known to hold"),
        ("https://[::ffff:169.254.169.254]/f", "not known to hold"),
        ("https://a.files.example.com:99999/f", "an address that is none"),
        ("https://[::1/f", "an address that is none"),
        ("//", "over https alone"),
    ],
)
def test_no_other_host_or_scheme_is_asked(place: Place, at: str, why: str) -> None:
    with pytest.raises(Rejected, match=why) as raised:
        place.fetched(at)
    assert str(raised.value).startswith("here: downloading a file of 7: it lies at ")
    assert place.looked_up == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "100.64.0.1"])
def test_an_address_within_is_not_asked_whatever_name_leads_there(place: Place, address: str) -> None:
    place.addresses["a.files.example.com"] = ["93.184.216.34", address]

    with pytest.raises(Rejected, match="an address within"):
        place.fetched(may=public)
    assert place.store.asked == []


def test_what_is_connected_to_is_the_address_that_was_checked(place: Place) -> None:
    """A name that leads within at the second look is not looked at twice: the guard of these tests names what it was asked for."""
    place.addresses["a.files.example.com"] = ["93.184.216.34"]
    with pytest.raises(NetworkIsShut, match=r"93\.184\.216\.34"):
        place.fetched(may=public)


def test_each_hop_is_checked_anew_and_they_are_counted(place: Place) -> None:
    place.store.answers = [(302, {"location": "/two?sig=2"}), (307, {"location": place.url(path="/three")})]
    assert place.fetched() == b"pixels"
    assert [path for path, _ in place.store.asked] == ["/f?sig=1", "/two?sig=2", "/three"]

    for to, why in (("https://evil.net/", "evil.net"), ("http://127.0.0.1/", "https alone"), ("https://acme.example.com/", "within")):
        place.addresses["acme.example.com"] = ["10.0.0.1"]
        place.store.answers = [(302, {"location": to})]
        with pytest.raises(Rejected, match=why):
            place.fetched()

    asked = len(place.store.asked)
    place.store.answers = [(302, {"location": place.url(path=f"/{n}")}) for n in range(9)]
    with pytest.raises(Rejected, match="more than 3 times"):
        place.fetched()
    assert len(place.store.asked) == asked + 3


def test_more_than_a_file_of_the_system_can_have_is_not_taken(place: Place) -> None:
    place.store.content = bytes(1001)
    with pytest.raises(Rejected, match="more than 1000 bytes"):
        place.fetched()
    assert len(place.fetched(most=1001)) == 1001


def test_a_page_for_people_is_no_file_unless_it_was_asked_for(place: Place) -> None:
    place.store.type = "text/html; charset=utf-8"
    with pytest.raises(Rejected, match="a page for people"):
        place.fetched()
    assert place.fetched(pages=True) == b"pixels"


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (410, NotFound), (401, Rejected), (403, Rejected), (503, Transient)])
def test_a_refusal_there_says_nothing_of_the_system(place: Place, status: int, error: type[Exception]) -> None:
    place.store.answers = [(status, {"retry-after": "7"})]
    with pytest.raises(error, match=rf"a\.files\.example\.com, where it lies, answered {status}") as raised:
        place.fetched()
    assert not isinstance(raised.value, Unauthorized)
    assert getattr(raised.value, "retry_after", 7) == 7


def test_what_breaks_off_and_who_is_not_there_are_tried_again(place: Place) -> None:
    place.store.said_size = 100
    with pytest.raises(Transient, match="the answer was lost"):
        place.fetched()
    with pytest.raises(Transient, match="could not connect"):
        place.fetched("https://a.files.example.com:9/f", content_hosts=("a.files.example.com:9",))
    place.addresses["a.files.example.com"] = []
    with pytest.raises(Transient, match="no address now"):
        place.fetched()


def test_where_there_is_a_proxy_it_looks_the_name_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(place.authority.certificate("a.files.example.com")) as there:
        monkeypatch.setenv("HTTPS_PROXY", there.proxy)
        assert place.fetched("https://a.files.example.com/f") == b"{}"
    assert place.looked_up == []
    assert b"GET /f HTTP/1.1" in there.heard[0]


@pytest.mark.parametrize("host", ["https://files.acme.com", "files.acme.com/x", "*", "*.com", "*.*.com", "Files.acme.com", "a b", ""])
def test_a_host_that_is_none_is_refused_when_read(host: str) -> None:
    with pytest.raises(ValidationError):
        ConnectorSettings(url="https://acme.example.com", content_hosts=(host,))


@pytest.mark.parametrize(
    ("place", "among"), [("a.b.com", True), ("x.a.b.com", True), ("b.com", False), ("ab.com", False), ("a.b.com:8443", False)]
)
def test_a_star_stands_for_what_is_below(place: str, among: bool) -> None:
    assert is_among(place, ("*.b.com",)) is among
