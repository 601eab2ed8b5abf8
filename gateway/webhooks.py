"""The door for the systems' webhooks: `POST /webhooks/CONNECTION`. What is believed goes into the inbox before it is answered.

The look itself comes later, by the connection's worker; so an answer takes as long as one small transaction. A connection that does not
exist, one that expects no pushes and a forged push are answered alike: whoever knocks learns nothing.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import sqlalchemy as sa
import structlog

from connectors.base import Connector
from connectors.pushes import LONGEST, Forged, Garbled, Heard, Push
from gateway.clock import Clock
from gateway.store import deliveries, inbox
from gateway.store.opening import Store
from rules.ticket import TicketRef

PATIENCE = 10.0
"""Seconds in which a whole request must have come."""
AT_ONCE = 64
"""Requests that are served at a time; one more is told to come back."""
Wake: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


NO = Reply(401)
BUSY = Reply(503, headers=(("retry-after", "5"),))


class Hearing:
    """Hears pushes and remembers them. Safe for several threads: it asks no system anything."""

    def __init__(self, store: Store, connectors: Mapping[str, Connector], wall: Clock) -> None:
        self._store, self._connectors, self._wall = store, connectors, wall
        self._log = structlog.get_logger()

    def hear(self, connection: str, push: Push) -> Reply:
        """Answers 2xx only for what stands in the store. Raises nothing."""
        connector = self._connectors.get(connection)
        if connector is None or not connector.abilities.pushes:
            self._log.warning("a webhook for a connection that takes none", connection=connection[:60])
            return NO
        try:
            heard = connector.heard(push)
        except Forged as error:
            self._log.warning("a webhook that is not believed", connection=connection, reason=str(error))
            return NO
        except Garbled as error:
            self._log.warning("a webhook that cannot be read", connection=connection, reason=str(error))
            return Reply(400, str(error).encode())
        return self._kept(connection, heard, push)

    def _kept(self, connection: str, heard: Heard, push: Push) -> Reply:
        if heard.ignored is not None:
            tell = self._log.debug if heard.known else self._log.warning
            tell("a webhook of no use", connection=connection, reason=heard.ignored)
        try:
            with self._store.writing() as db:
                if deliveries.is_first(db, connection, heard.delivery, push.at):
                    inbox.put_pushed(db, [TicketRef(connection, key) for key in heard.keys], push.at, heard.delivery)
        except sa.exc.OperationalError as error:  # busy, or the disk is full: the system sends it again
            self._log.error(
                "a webhook could not be kept; its sender is told to send it again", connection=connection, reason=str(error.orig)
            )
            return BUSY
        return Reply(200, heard.answer, (("content-type", "text/xml"),)) if heard.answer else Reply(204)

    def push(self, scope: Mapping[str, Any], body: bytes) -> Push:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        return Push(headers, body, self._wall(), query)


class _TooLarge(Exception):
    pass


class Door:
    """The ASGI application."""

    def __init__(self, hearing: Hearing, wake: Wake) -> None:
        self._hearing, self._wake = hearing, wake

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await _answered(send, await self._reply(scope, receive))

    async def _reply(self, scope: Mapping[str, Any], receive: Any) -> Reply:
        connection = scope["path"].removeprefix("/webhooks/")
        if connection == scope["path"]:
            return Reply(404)
        if scope["method"] != "POST":
            return Reply(405, headers=(("allow", "POST"),))
        try:
            body = await asyncio.wait_for(_body(scope, receive), PATIENCE)
        except _TooLarge:
            return Reply(413)
        except TimeoutError:
            return Reply(408)
        reply = await asyncio.to_thread(self._hearing.hear, connection, self._hearing.push(scope, body))
        if reply.status < 300:
            self._wake(connection)
        return reply


async def _body(scope: Mapping[str, Any], receive: Any) -> bytes:
    """At most `LONGEST` bytes; what claims to be longer is not read at all, what proves to be no further than that."""
    claimed = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"0")
    if claimed.isdigit() and int(claimed) > LONGEST:
        raise _TooLarge
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > LONGEST:
            raise _TooLarge
    return b"".join(parts)


async def _answered(send: Any, reply: Reply) -> None:
    lines = [(name.encode(), value.encode()) for name, value in reply.headers]
    if reply.status != 204:
        lines.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": lines})
    await send({"type": "http.response.body", "body": reply.body})


@contextmanager
def listening(hearing: Hearing, host: str, port: int, wake: Wake = lambda connection: None) -> Iterator[int]:
    """The door, open while the context lasts, on a thread of its own; gives the port. Raises `OSError` when it is taken."""
    import socket

    import uvicorn

    there = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    settings: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none", "server_header": False}
    config = uvicorn.Config(Door(hearing, wake), limit_concurrency=AT_ONCE, timeout_keep_alive=5, timeout_graceful_shutdown=5, **settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [there]}, name="webhooks", daemon=True)
    thread.start()
    try:
        yield there.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        there.close()
