"""Every switch of a sandbox changes what a plain client sees: one that knows nothing of our connectors, and repeats a request of theirs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import get_args

import httpx
import orjson
import pytest

from connectors.base import Connector
from connectors.pushes import Push
from connectors.sandbox import Deed
from gateway.sandbox.host import FaultKind
from gateway.sandbox.pushing import Webhooks
from gateway.sandbox.switches import RateLimit
from tests.contract import LONG_AGO
from tests.rigs import LONG_ENOUGH, ROWS_OVER_HTTP, Rig, a_sample, read, some_samples

SECRET = "canary-4711"


@pytest.fixture(scope="module", params=ROWS_OVER_HTTP)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Client:
    """Repeats requests that a connector made, as bytes over a socket."""

    rig: Rig
    read: tuple[str, str, dict[str, str]]
    write: tuple[str, str, dict[str, str], bytes]

    def list(self, timeout: float = 5.0) -> httpx.Response:
        method, url, headers = self.read
        return httpx.request(method, url, headers=headers, timeout=timeout)

    def say(self, timeout: float = 5.0) -> httpx.Response:
        method, url, headers, body = self.write
        return httpx.request(method, url, headers=headers, content=body, timeout=timeout)

    @property
    def effects(self) -> int:
        return len(self.rig.effects())


@pytest.fixture
def client(rig: Rig) -> Client:
    """Knows a list of tickets and a note, from what the connector sent; the answers were good."""
    rig.load(*some_samples(4))
    rig.later(LONG_ENOUGH)
    connector, port = rig.connector(page_size=2), rig.served
    assert port is not None
    key = rig.sandbox.keys()[0]
    read(connector, LONG_AGO)
    pages = [e for e in port.exchanges if e.answer is not None and b"Ticket " in orjson.dumps(e.answer.body)]
    connector.comment(key, "Hello", public=False, mark="0123456789abcdef0123456789abcdef")
    writes = [e for e in port.exchanges if e.request.method in ("POST", "PATCH", "PUT") and b"Hello" in e.request.body]
    page, write = pages[0], writes[0]
    return Client(
        rig,
        (page.request.method, f"{port.address}{page.url}", _headers(dict(page.request.headers))),
        (write.request.method, f"{port.address}{write.url}", _headers(dict(write.request.headers)), unguarded(write.request.body)),
    )


def unguarded(body: bytes) -> bytes:
    """The same note without Zendesk's guard, so that it may be sent again as it is."""
    return body.replace(b'"safe_update":true', b'"safe_update":false')


def _headers(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in ("authorization", "content-type", "host", "accept")}


def lost(ask: Callable[[], httpx.Response]) -> bool:
    try:
        ask()
    except httpx.TransportError:
        return True
    return False


def test_a_plain_client_sees_good_answers_at_first(client: Client) -> None:
    before = client.effects
    assert (client.list().status_code, client.say().is_success, client.effects) == (200, True, before + 1)


@pytest.mark.parametrize(("kind", "applied"), [("apply_then_drop", 1), ("drop_before_apply", 0)])
def test_an_answer_gets_lost_after_or_before_it_took_effect(client: Client, kind: str, applied: int) -> None:
    before = client.effects
    client.rig.fault(kind)
    assert (lost(client.say), client.effects - before) == (True, applied)
    assert client.say().is_success


def test_delay(client: Client) -> None:
    client.rig.fault("delay", seconds=0.15)
    begun = time.monotonic()
    assert client.list().status_code == 200
    assert time.monotonic() - begun >= 0.15


def test_dribble(client: Client) -> None:
    client.rig.fault("dribble", seconds=0.02)
    method, url, headers = client.read
    parts = []
    with httpx.stream(method, url, headers=headers) as answer:
        for part in answer.iter_raw():
            parts.append(part)
            if len(parts) == 3:
                break
    assert [len(part) for part in parts] == [1, 1, 1]


def test_status(client: Client) -> None:
    before = client.effects
    client.rig.fault("status", status=503, headers={"Retry-After": "3"}, body={"error": "maintenance"})
    answer = client.say()
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (503, "3", {"error": "maintenance"})
    assert client.effects == before


@pytest.mark.parametrize("said", ["7", "-1", "1.5", "soon", "1000000000", "Mon, 02 Mar 2026 12:00:30 GMT", None])
def test_retry_after(client: Client, said: str | None) -> None:
    client.rig.fault("retry_after", retry_after=said)
    answer = client.list()
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, said)


def test_html_login(client: Client) -> None:
    client.rig.fault("html_login")
    answer = client.list()
    assert (answer.status_code, answer.headers["content-type"], b"sign in" in answer.content) == (200, "text/html", True)


def test_truncate(client: Client) -> None:
    client.rig.fault("truncate")
    assert lost(client.list)


def test_expire_token_after(client: Client) -> None:
    client.rig.fault("expire_token_after", skip=2)
    assert [client.list().status_code for _ in range(4)] == [200, 200, 401, 401]


def test_invalidate_cursor(client: Client) -> None:
    """Jira, Zendesk and Salesforce know the place no more; ServiceNow, which hands out none, breaks its next page off.

    A Jira Data Center hands out none either: another issue stands at the place.
    """
    rig, method, (_, url, headers) = client.rig, client.read[0], client.read
    counted = url.replace("startAt=0", "startAt=1")
    following = _following(client)
    stood = httpx.request(method, counted, headers=headers).json()
    rig.fault("invalidate_cursor")
    if rig.row == "jira-data-center":
        assert client.list().json()["issues"][0]["key"] != stood["issues"][0]["key"]
        assert httpx.request(method, counted, headers=headers).json()["issues"][0]["key"] != stood["issues"][0]["key"]
    elif following is None:
        assert "error" in httpx.request(method, url, headers=headers).json()
    else:
        assert httpx.request(method, following, headers=headers).status_code == 400


def _following(client: Client) -> str | None:
    """The address of a second page, as the vendor itself hands it out."""
    port = client.rig.served
    assert port is not None
    _, url, headers = client.read
    match client.rig.row:
        case "jira":
            return f"{url}&nextPageToken={client.list().json()['nextPageToken']}"
        case "zendesk":
            return f"{port.address}/api/v2/incremental/tickets/cursor.json?cursor={client.list().json()['after_cursor']}"
        case "salesforce":
            client.rig.sandbox.pages.most = 2
            query = "SELECT Id FROM Case ORDER BY Id"
            first = httpx.get(f"{url.partition('?')[0]}", params={"q": query}, headers=headers).json()
            return f"{port.address}{first['nextRecordsUrl']}"
    return None


def test_mutate_between_pages(client: Client) -> None:
    rig = client.rig
    key = rig.sandbox.keys()[0]
    rig.fault("mutate_between_pages", deed=Deed(kind="set", key=key, fields={"priority": "urgent"}))
    before = rig.sandbox.shown(key)["priority"]
    shown = client.list()
    assert (shown.status_code, before != "urgent", rig.sandbox.shown(key)["priority"]) == (200, True, "urgent")


@pytest.mark.parametrize("seconds", [-600, 600])
def test_clock_offset(client: Client, seconds: float) -> None:
    rig = client.rig
    assert rig.served is not None
    rig.served.switches.set(rig.sandbox, {"clock_offset": seconds})
    key = rig.people("set", rig.sandbox.keys()[1], priority="urgent")
    rig.later(LONG_ENOUGH)
    changed = rig.connector().fetch(key).updated_at
    assert abs(changed - (rig.clock() - LONG_ENOUGH) - timedelta(seconds=seconds)) <= timedelta(seconds=1)


def test_truncate_timestamps(client: Client) -> None:
    rig = client.rig
    assert rig.served is not None
    rig.later(timedelta(seconds=37))
    rig.served.switches.set(rig.sandbox, {"truncate_timestamps": "minute"})
    rig.people("set", rig.sandbox.keys()[1], priority="urgent")
    rig.later(LONG_ENOUGH)
    assert rig.connector().fetch(rig.sandbox.keys()[1]).updated_at.second == 0


def test_rate_limit_refuses_and_writes_down_who_does_not_wait(client: Client) -> None:
    rig = client.rig
    assert rig.served is not None
    rig.served.switches.limit = RateLimit(most=2, per=60, wait=30)
    answers = [client.list() for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "30"
    assert rig.served.switches.breaches == []
    client.list()
    assert len(httpx.get(f"{rig.served.address}/_sandbox/breaches").json()) == 1
    rig.later(timedelta(seconds=61))
    assert client.list().status_code == 200


def test_scopes(client: Client) -> None:
    rig, before = client.rig, client.effects
    assert rig.served is not None
    httpx.post(f"{rig.served.address}/_sandbox/switches", json={"scopes": ["read"]}).raise_for_status()
    assert (client.list().status_code, client.say().status_code, client.effects) == (200, 403, before)


def test_a_switch_that_is_not_there_is_refused(client: Client) -> None:
    assert client.rig.served is not None
    answer = httpx.post(f"{client.rig.served.address}/_sandbox/switches", json={"gravity": 1})
    assert (answer.status_code, "gravity" in answer.text) == (400, True)


def test_every_switch_stands_in_the_readme() -> None:
    told = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    webhooks = {f"{name}_webhook" for name in ("drop", "duplicate", "reorder")}
    names = {*get_args(FaultKind), "clock_offset", "truncate_timestamps", "rate_limit", "scopes", *webhooks}
    assert [name for name in sorted(names) if f"`{name}`" not in told] == []


# Webhooks


def pushed(rig: Rig, deeds: int = 10, **how: object) -> tuple[list[str], list[str], Webhooks]:
    """The keys that people acted on, those that the webhooks speak of as the connector hears them, and who sent them."""
    heard: list[str] = []
    connector: Connector = rig.connector(pushes={"secret": SECRET})

    def send(headers: object, body: bytes) -> None:
        heard.extend(connector.heard(Push(dict(headers), body, rig.clock())).keys)  # type: ignore[call-overload]

    assert rig.served is not None
    rig.served.webhooks = webhooks = Webhooks(rig.system, SECRET, send, **how)  # type: ignore[arg-type]
    keys = rig.load(*[a_sample(f"Ticket {n}") for n in range(deeds)])
    for key in keys:
        rig.people("set", key, priority="urgent")
    webhooks.flush()
    return keys, heard, webhooks


def test_webhooks_tell_of_each_ticket_in_order(rig: Rig) -> None:
    keys, heard, _ = pushed(rig)
    assert heard == keys


def test_duplicate_webhook(rig: Rig) -> None:
    keys, heard, _ = pushed(rig, duplicate=1)
    assert heard == [key for key in keys for _ in range(2)]


def test_reorder_webhook(rig: Rig) -> None:
    keys, heard, _ = pushed(rig, reorder=True)
    assert (sorted(heard), heard != keys) == (sorted(keys), True)


def test_drop_webhook(rig: Rig) -> None:
    keys, heard, webhooks = pushed(rig, drop=0.3)
    assert 0 < webhooks.dropped == len(keys) - len(heard)
