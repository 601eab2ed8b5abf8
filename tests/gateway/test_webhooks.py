"""The door for webhooks: what got a 2xx stands in the store, nothing is looked at twice, and whoever knocks learns nothing."""

import http.client
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from connectors.memory import MemoryConnector, MemorySettings
from connectors.pushes import LONGEST, PushSettings, signed
from gateway.clock import now
from gateway.store.opening import opened
from gateway.store.schema import inbox
from gateway.webhooks import Hearing, listening
from tests.gateway.memory_desk import Hands, Office, an_office
from tests.gateway.program import Desk, Program, in_background, until

SECRET = "canary-4711"
BODY = b'{"key": "T-1"}'


class Knocker:
    """Somebody who posts to the door."""

    def __init__(self, port: int, hands: Hands) -> None:
        self.port, self._hands = port, hands

    def post(self, connection: str, body: bytes = BODY, headers: dict[str, str] | None = None, method: str = "POST") -> tuple[int, bytes]:
        there = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            there.request(method, f"/webhooks/{connection}", body, headers or {})
            answer = there.getresponse()
            return answer.status, answer.read()
        finally:
            there.close()

    def push(self, connection: str, delivery: str, body: bytes = BODY, secret: str = SECRET) -> int:
        return self.post(connection, body, dict(signed(secret, body, self._hands.now)) | {"x-ticketgate-delivery": delivery})[0]


@contextmanager
def a_door(office: Office) -> Iterator[Knocker]:
    pushes = PushSettings(secret=SecretStr(SECRET))
    trusting = {name: MemoryConnector(name, system, MemorySettings(pushes=pushes)) for name, system in office.systems.items()}
    deaf = {"deaf": MemoryConnector("deaf")}
    hearing = Hearing(office.gateway.store, trusting | deaf, office.hands)
    with listening(hearing, "127.0.0.1", 0) as port:
        yield Knocker(port, office.hands)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path) as office:
        yield office


def waiting(office: Office) -> list[tuple[str, str]]:
    with office.gateway.store.reading() as db:
        rows = db.execute(sa.select(inbox.c.key, inbox.c.signal).where(inbox.c.signal == "webhook").order_by(inbox.c.id))
        return [(row.key, row.signal) for row in rows]


def test_a_push_makes_its_ticket_be_looked_at_once_however_often_it_comes(office: Office) -> None:
    with a_door(office) as knocker:
        assert [knocker.push("desk", "d-1") for _ in range(3)] == [204, 204, 204]
        assert waiting(office) == [("T-1", "webhook")]
        assert knocker.push("desk", "d-2") == 204
        assert len(waiting(office)) == 2


def test_a_hundred_copies_at_once_are_one(office: Office) -> None:
    with a_door(office) as knocker, ThreadPoolExecutor(20) as many:
        answers = list(many.map(lambda _: knocker.push("desk", "d-1"), range(100)))
        assert set(answers) <= {204, 503}
        assert waiting(office) == [("T-1", "webhook")]


def test_a_push_is_acted_on_without_a_poll(office: Office) -> None:
    office.round()
    ref = office.customer_writes("Printer on fire", type="incident")
    with a_door(office) as knocker:
        knocker.push("desk", "d-1", f'{{"key": "{ref.key}"}}'.encode())
    office.hands.move(seconds=2)

    office.worker("desk").drain()

    assert office.gateway.connectors["desk"].fetch(ref.key).group == "tier-1"


def test_a_delivery_played_again_later_is_remembered(office: Office) -> None:
    with a_door(office) as knocker:
        knocker.push("desk", "d-1")
        office.hands.move(hours=20)
        knocker.push("desk", "d-1")
        assert len(waiting(office)) == 1


def test_who_is_not_believed_cannot_tell_why(office: Office) -> None:
    with a_door(office) as knocker:
        forged = knocker.post("desk", BODY, dict(signed("another", BODY, office.hands.now)))
        stale = knocker.post("desk", BODY, dict(signed(SECRET, BODY, office.hands.now - timedelta(minutes=6))))
        answers = {forged, stale, knocker.post("desk"), knocker.post("nowhere"), knocker.post("deaf"), knocker.post("../desk")}
        assert answers == {(401, b"")}
        assert waiting(office) == []


def test_what_a_trusted_sender_garbled_is_told_to_it(office: Office) -> None:
    with a_door(office) as knocker:
        body = b"[1, 2"
        status, said = knocker.post("desk", body, dict(signed(SECRET, body, office.hands.now)))
        assert (status, said) == (400, b"the body is not JSON in UTF-8")


def test_only_posts_of_a_fit_size_are_read(office: Office) -> None:
    with a_door(office) as knocker:
        assert knocker.post("desk", method="GET")[0] == 405
        assert knocker.post("desk", b"x" * (LONGEST + 1))[0] == 413
        there = http.client.HTTPConnection("127.0.0.1", knocker.port, timeout=10)
        there.request("POST", "/webhooks/desk", iter([b"x" * 65_536] * 17), encode_chunked=True, headers={"transfer-encoding": "chunked"})
        assert there.getresponse().status == 413
        there.close()


def test_a_push_that_cannot_be_kept_is_not_answered_as_if_it_were(office: Office, tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path}/full.db")
    with store.writing() as db:
        db.exec_driver_sql("PRAGMA max_page_count = 1")
    connector = MemoryConnector("desk", None, MemorySettings(pushes=PushSettings(secret=SecretStr(SECRET))))
    with listening(Hearing(store, {"desk": connector}, office.hands), "127.0.0.1", 0) as port:
        big = b'{"key": "' + b"T" * 200_000 + b'"}'
        assert Knocker(port, office.hands).push("desk", "d-1", big) == 503
    store.close()


@pytest.mark.slow
def test_the_daemon_looks_when_it_is_told_however_rarely_it_polls(
    program: Program, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rarely = "poll: 1h, pushes: { secret: '${env:HOOK}' } }\n  other"
    desk.swap("ticketgate.yaml", "poll: 1s }\n  other", rarely)
    desk.write("ticketgate.yaml", (desk.folder / "ticketgate.yaml").read_text(encoding="utf-8") + "server: { port: 0 }\n")
    monkeypatch.setenv("HOOK", SECRET)
    program("-C", desk, "run", "--once")
    log = tmp_path / "log"
    with log.open("w") as file, in_background("-C", desk, "run", log=file):
        until(lambda: "/webhooks/CONNECTION" in log.read_text())
        port = int(re.findall(r"127\.0\.0\.1:(\d+)/webhooks", log.read_text())[0])
        key = desk.customer_writes("Printer on fire")
        hands = Hands(now=now())
        assert Knocker(port, hands).push("desk", "d-1", f'{{"key": "{key}"}}'.encode()) == 204
        until(lambda: desk.system().shown(key)["group"] == "tier-1")
    assert SECRET not in log.read_text()


def test_a_port_that_is_taken_ends_the_command_before_anything_is_done(program: Program, desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        done = program("-C", desk, "run", "--port", there.getsockname()[1])
    assert done.code == 5
    assert "try another --port" in done.err
    assert desk.effects() == []
