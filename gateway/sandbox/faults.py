"""What can go wrong between a sandbox and its client, on request: refusals, delays, and answers lost in each way they get lost."""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from connectors.sandbox import Answer, Deed, Request

FaultKind = Literal[
    "apply_then_drop",
    "drop_before_apply",
    "apply_then_reset",
    "apply_then_hang",
    "delay",
    "dribble",
    "status",
    "retry_after",
    "html_login",
    "truncate",
    "expire_token_after",
    "invalidate_cursor",
    "mutate_between_pages",
]
LOGIN_PAGE = b"<html><body>Please sign in</body></html>"


@dataclass
class Fault:
    """What goes wrong with matching requests: after the first `skip`, for the next `times`, or each nth (`every`).

    `status` answers that status with `headers` and `body` and applies nothing, `retry_after` 429 with that header, whatever it says;
    `delay` waits `seconds` and goes on as usual; `dribble` sends a byte of the body, or of the `head`, each `seconds`.
    `expire_token_after` voids the sign-in of the request that it strikes, `invalidate_cursor` whatever was handed out to read on with;
    `mutate_between_pages` has somebody do `deed` right after the answer.
    """

    kind: FaultKind
    method: str = ".*"  # a pattern over the whole method
    path: str = ""  # a pattern found anywhere in the path
    skip: int = 0
    times: int = 1
    every: int = 1  # of the requests after those, each nth
    status: int = 500
    seconds: float = 0.0
    head: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    retry_after: str | None = None
    deed: Deed | None = None

    def strikes(self, request: Request) -> bool:
        """Whether this request is hit; counts down."""
        if self.times <= 0 or not re.fullmatch(self.method, request.method) or not re.search(self.path, request.path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.skip = self.every - 1
        self.times -= 1
        return True

    @property
    def refusal(self) -> Answer | None:
        """What is answered instead, for the kinds that apply nothing and answer something."""
        match self.kind:
            case "status":
                return Answer(status=self.status, body=self.body, headers=self.headers)
            case "retry_after":
                told = {} if self.retry_after is None else {"retry-after": self.retry_after}
                return Answer(status=429, body=self.body or {"error": "too many requests"}, headers={**told, **self.headers})
            case "html_login":
                return Answer(body=LOGIN_PAGE, headers={"content-type": "text/html"})
        return None


def encoded(answer: Answer) -> tuple[bytes, dict[str, str]]:
    """The answer's bytes and headers as they go out."""
    if isinstance(answer.body, Iterator):  # a file: it was sent in parts, or is not sent at all
        return b"", dict(answer.headers)
    body = answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else orjson.dumps(answer.body)
    kind = {} if answer.body is None else {"content-type": "application/json;charset=UTF-8"}
    return body, {**kind, **{k.lower(): v for k, v in answer.headers.items()}}


async def broken(fault: Fault, answer: Answer, transport: Any, receive: Any, send: Any) -> None:
    """The effect was applied; its answer is lost in one of the ways in which answers get lost."""
    body, _ = encoded(answer)
    match fault.kind:
        case "apply_then_reset":
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        case "apply_then_hang":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone(receive), fault.seconds)
            transport.close()
        case "truncate":
            await _start(send, len(body) + 1000)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()
        case "dribble" if fault.head:
            await _head_dribbled(body, fault.seconds, transport)
            await gone(receive)
        case "dribble":
            await _start(send, len(body))
            await _dribbled(body, fault.seconds, transport, send)
        case _:
            transport.close()


async def _dribbled(body: bytes, seconds: float, transport: Any, send: Any) -> None:
    for at in range(len(body)):
        if transport.is_closing():
            return
        await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
        await asyncio.sleep(seconds)
    await send({"type": "http.response.body", "body": b""})


async def _head_dribbled(body: bytes, seconds: float, transport: Any) -> None:
    """Past the server, which sends a head whole; the body follows at once."""
    for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body):
        if transport.is_closing():
            return
        transport.write(bytes([byte]))
        await asyncio.sleep(seconds)
    transport.write(body)


async def _start(send: Any, length: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def gone(receive: Any) -> None:
    """Returns when the client's connection is closed, so that the server does not wonder where its answer is."""
    while (await receive())["type"] != "http.disconnect":
        pass
