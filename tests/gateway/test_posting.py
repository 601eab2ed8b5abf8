"""Webhooks that go out: signed, to checked addresses alone, once as far as a receiver can tell, and holding up no ticket."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from socket import inet_aton, inet_ntoa
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.addresses import public, resolved
from connectors.errors import ConnectorError, InDoubt, Rejected, Transient
from gateway.config import EndpointConfig
from gateway.posting import Poster
from gateway.store import actions
from rules.plan import Webhook
from tests.builders import NOW, a_ref
from tests.connectors.certificates import Authority
from tests.gateway.memory_desk import Office, an_office
from tests.gateway.receiver import SECRET, Receiver, receiving

RULES = """
version: 1
rules:
  - id: route
    when: created
    then: [{ assign: { group: tier-1 } }]
  - id: tell-erp
    when: [created, customer_replied]
    then:
      - webhook:
          to: erp
          body: { ticket: "{{ ticket.ref }}", subject: "{{ ticket.subject }}", urgent: true, tags: [a, "b {{ rule.id }}"] }
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def an_endpoint(url: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "secret": SECRET, "allow_private": True, **more}


@pytest.fixture
def office(tmp_path: Path, receiver: Receiver) -> Iterator[Office]:
    with an_office(tmp_path, RULES, endpoint=an_endpoint(receiver.url)) as office:
        office.round()
        yield office


def poster(url: str, *, addresses: list[str] | None = None, **more: Any) -> Poster:
    endpoint = EndpointConfig(url=url, secret=SecretStr(SECRET), **more)
    return Poster({"erp": endpoint}, lambda: NOW, resolved if addresses is None else lambda host, port: addresses or [])


def a_webhook(payload: str = "{}") -> Webhook:
    return Webhook(key="ab" * 32, about=a_ref(), version="1", to="erp", payload=payload, rule="r", place="p")


def states(office: Office) -> list[str]:
    with office.gateway.store.reading() as db:
        return [row.state for row in actions._rows(db) if isinstance(row.action, Webhook)]


def test_a_request_is_signed_and_what_a_customer_wrote_breaks_nothing(office: Office, receiver: Receiver) -> None:
    office.customer_writes('Printer "on fire"\\ \r\nX-Evil: 1 {{7*7}}')
    office.round()
    assert receiver.bodies == [
        {"ticket": "desk:M-1", "subject": 'Printer "on fire"\\ \r\nX-Evil: 1 {{7*7}}', "urgent": True, "tags": ["a", "b tell-erp"]}
    ]
    headers, _ = receiver.came[0]
    assert receiver.genuine()
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"].startswith(headers["webhook-id"])
    assert "x-evil" not in headers


def test_a_request_goes_out_once(office: Office, receiver: Receiver) -> None:
    office.customer_writes()
    office.round()
    office.round()
    assert (len(receiver.came), states(office)) == (1, ["done"])


def test_after_a_lost_answer_it_comes_again_under_the_same_key(office: Office, receiver: Receiver) -> None:
    receiver.answers = [None, 502]
    office.customer_writes()
    office.round()
    assert len(receiver.came) == 3
    assert len(set(receiver.keys)) == 1
    assert all(receiver.genuine(n) for n in range(3))
    assert states(office) == ["done"]


def test_where_a_receiver_knows_no_repetition_a_doubt_is_a_persons(tmp_path: Path, receiver: Receiver) -> None:
    with an_office(tmp_path, RULES, endpoint=an_endpoint(receiver.url, on_doubt="park")) as office:
        office.round()
        receiver.answers = [None]
        office.customer_writes()
        office.round()
        office.round()
        assert (len(receiver.came), states(office)) == (1, ["in_doubt"])


def test_an_endpoint_that_is_down_holds_up_no_ticket_and_gets_all_in_order(office: Office, receiver: Receiver) -> None:
    receiver.answers = [503] * 10
    ref = office.customer_writes("First")
    office.round()
    assert office.shown(ref)["group"] == "tier-1"
    assert states(office) == ["planned"]
    before = len(receiver.came)
    second = office.customer_writes("Second")
    office.hands.move(seconds=5)
    office.daemon().once()
    assert office.shown(second)["group"] == "tier-1", "the ticket goes on"
    assert len(receiver.came) == before, "an endpoint that rests is not asked"

    receiver.answers = []
    office.round(60)
    assert states(office) == ["done", "done"]
    assert [body["subject"] for body in receiver.bodies[-2:]] == ["First", "Second"]


def test_what_nobody_took_for_a_day_is_a_persons(office: Office, receiver: Receiver) -> None:
    receiver.answers = [503] * 100
    office.customer_writes()
    office.round()
    office.round(25 * 3600)
    assert states(office) == ["failed"]


def test_a_refusal_is_not_repeated(office: Office, receiver: Receiver) -> None:
    receiver.answers = [422]
    office.customer_writes()
    office.round()
    office.round()
    assert (len(receiver.came), states(office)) == (1, ["failed"])


@pytest.mark.parametrize("point", ["before-send:2", "after-send:2", "before-commit:2", "after-commit:2"])
def test_a_death_anywhere_loses_no_request_and_repeats_it_only_under_its_key(tmp_path: Path, receiver: Receiver, point: str) -> None:
    class Died(BaseException):
        pass

    name, _, nth = point.partition(":")
    left = [int(nth)]

    def points(at: str) -> None:
        if at == name:
            left[0] -= 1
            if left[0] == 0:
                raise Died

    with an_office(tmp_path, RULES, endpoint=an_endpoint(receiver.url), points=points) as office:
        office.round()
        office.customer_writes()
        with pytest.raises(Died):
            office.round()
        hands, systems = office.hands, office.systems
    with an_office(tmp_path, RULES, endpoint=an_endpoint(receiver.url), hands=hands, systems=systems) as office:
        office.round()
        assert states(office) == ["done"]
        assert 1 <= len(receiver.came) <= 2
        assert len(set(receiver.keys)) == 1


# --- addresses -------------------------------------------------------------------------------------------------------


def as_the_machine_does(host: str, port: int) -> list[str]:
    """What a look-up makes of a number, without asking the network."""
    return [inet_ntoa(inet_aton(host))]


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_an_address_within_is_refused_however_it_is_written(host: str) -> None:
    endpoint = EndpointConfig(url=f"https://{host}/", secret=SecretStr(SECRET))
    with pytest.raises(Rejected, match=r"127\.0\.0\.1, an address within"):
        Poster({"erp": endpoint}, lambda: NOW, as_the_machine_does).post(a_webhook())


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_loopback_is_refused_unless_the_endpoint_allows_it(host: str) -> None:
    with pytest.raises(Rejected, match="an address within"):
        poster(f"https://{host}/").post(a_webhook())


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_no_address_within_is_public(address: str) -> None:
    assert not public(ip_address(address))
    with pytest.raises(Rejected, match="an address within"):
        poster("https://erp.example.com/", addresses=["93.184.216.34", address]).post(a_webhook())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_an_address_of_the_world_is_public(address: str) -> None:
    assert public(ip_address(address))


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(receiver: Receiver) -> None:
    """A name that leads elsewhere at the second look is not looked at twice."""
    asked: list[str] = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.1"]

    url = receiver.url.replace("127.0.0.1", "erp.example.com")
    endpoint = EndpointConfig(url=url, secret=SecretStr(SECRET), allow_private=True)
    Poster({"erp": endpoint}, lambda: NOW, changing).post(a_webhook())
    assert asked == ["erp.example.com"]
    assert receiver.came[0][0]["host"].startswith("erp.example.com:")


def test_a_receiver_is_trusted_by_the_authority_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority.made(tmp_path)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with receiving(authority.certificate("erp.example.com")) as receiver:
        url = receiver.url.replace("127.0.0.1", "erp.example.com")
        here = poster(url, addresses=["127.0.0.1"], allow_private=True)
        with pytest.raises(Rejected, match="certificate"):
            here.post(a_webhook())
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        here.post(a_webhook())
    assert len(receiver.came) == 1


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(302, {"location": receiver.url})]
    with pytest.raises(Rejected, match="a redirect, which is not followed"):
        poster(receiver.url, allow_private=True).post(a_webhook())
    assert len(receiver.came) == 1


def test_nobody_there_is_waited_for() -> None:
    with pytest.raises(Transient, match="could not connect"):
        poster("http://127.0.0.1:9/", allow_private=True).post(a_webhook())


@pytest.mark.parametrize(("on_doubt", "error"), [("retry", Transient), ("park", InDoubt)])
def test_an_answer_has_its_time(receiver: Receiver, on_doubt: Any, error: type[ConnectorError]) -> None:
    receiver.slow = 1.0
    endpoint = EndpointConfig(url=receiver.url, secret=SecretStr(SECRET), allow_private=True, on_doubt=on_doubt)
    with pytest.raises(error, match="its answer was lost"):
        Poster({"erp": endpoint}, lambda: NOW, read=0.2).post(a_webhook())


def test_no_error_holds_the_secret_or_what_was_sent(receiver: Receiver) -> None:
    receiver.answers = [500]
    with pytest.raises(Transient) as error:
        poster(receiver.url, allow_private=True).post(a_webhook('{"canary": 1}'))
    assert SECRET not in str(error.value) + repr(error.value)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://erp.example.com/", "ftp://erp.example.com/", "https://user:pass@erp.example.com/", "https:///hook", "https://x/#y"]
)
def test_addresses_that_cannot_be_right_are_refused_when_read(url: str) -> None:
    with pytest.raises(ValidationError):
        EndpointConfig(url=url, secret=SecretStr(SECRET))
