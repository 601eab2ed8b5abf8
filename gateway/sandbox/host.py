"""Serves sandboxes on loopback: one port for each, one event loop and so one order of effects, faults on request.

Beside the vendor's own paths each port answers under `/_sandbox/`: `effects`, `requests`, `tickets`, `shown/KEY` (GET), `people` and
`faults` (POST), for judges and tests. Those need no sign-in: the host only ever listens on loopback.
"""

import asyncio
import contextlib
import dataclasses
import re
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

import orjson
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.sandbox import Answer, Deed, Request, Sample, Sandbox

FaultKind = Literal[
    "apply_then_drop", "drop_before_apply", "apply_then_reset", "apply_then_hang", "delay", "dribble", "status", "html_login", "truncate"
]


@dataclass
class Fault:
    """What goes wrong with matching requests: after the first `skip`, for the next `times`.

    `status` answers that status with `headers` and `body` and applies nothing; `delay` waits `seconds` and goes on as usual.
    """

    kind: FaultKind
    method: str = ".*"  # a pattern over the whole method
    path: str = ""  # a pattern found anywhere in the path
    skip: int = 0
    times: int = 1
    status: int = 500
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def strikes(self, request: Request) -> bool:
        """Whether this request is hit; counts down."""
        if self.times <= 0 or not re.fullmatch(self.method, request.method) or not re.search(self.path, request.path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it was received and the answer that was given (None: the connection was broken)."""

    request: Request
    url: str
    answer: Answer | None


class Served:
    """One sandbox behind one port."""

    def __init__(self, sandbox: Sandbox, listener: socket.socket) -> None:
        self.sandbox, self.listener = sandbox, listener
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.keep_exchanges = False
        self.requests = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = await _received(scope, receive)
        if request.path.startswith("/_sandbox/"):
            await _send(send, self._control(request))
            return
        self.requests += 1
        fault = next((f for f in self.faults if f.strikes(request)), None)
        answer = await self._faulty(fault, request, scope, send) if fault else self.sandbox.answer(request)
        self._keep(request, scope, answer)
        if answer is not None:
            await _send(send, answer)

    def _keep(self, request: Request, scope: Mapping[str, Any], answer: Answer | None) -> None:
        if self.keep_exchanges:
            query = scope["query_string"].decode()
            self.exchanges.append(Exchange(request, request.path + (f"?{query}" if query else ""), answer))

    async def _faulty(self, fault: Fault, request: Request, scope: Mapping[str, Any], send: Any) -> Answer | None:
        """Carries the fault out; None when the connection was broken or the answer already sent."""
        match fault.kind:
            case "delay":
                await asyncio.sleep(fault.seconds)
                return self.sandbox.answer(request)
            case "status":
                return Answer(status=fault.status, body=fault.body, headers=fault.headers)
            case "html_login":
                return Answer(body=b"<html><body>Please sign in</body></html>", headers={"content-type": "text/html"})
            case "drop_before_apply":
                scope["extensions"]["ticketgate.transport"].close()
                return None
        answer = self.sandbox.answer(request)
        await _broken(fault, answer, scope["extensions"]["ticketgate.transport"], send)
        return None

    def _control(self, request: Request) -> Answer:
        what = unquote(request.path.removeprefix("/_sandbox/"))
        try:
            return Answer(body=self._controlled(request.method, what, request))
        except (KeyError, ValueError, TypeError) as error:
            return Answer(status=400, body={"error": f"{type(error).__name__}: {error}"})

    def _controlled(self, method: str, what: str, request: Request) -> Any:
        match method, what:
            case "GET", "effects":
                return self.sandbox.effects_as_json()
            case "GET", "requests":
                return {"requests": self.requests}
            case "GET", "tickets":
                return self.sandbox.keys()
            case "GET", "now":
                return {"now": self.sandbox.clock()}
            case "GET", _ if what.startswith("shown/"):
                return self.sandbox.shown(what.removeprefix("shown/"))
            case "POST", "people":
                return {"key": self.sandbox.people(_deed(request.json()))}
            case "POST", "faults":
                self.faults.append(Fault(**request.json()))
                return {"faults": len(self.faults)}
            case "DELETE", "faults":
                self.faults.clear()
                return {"faults": 0}
        raise ValueError(f"there is nothing at {method} {what}")


def _deed(said: dict[str, Any]) -> Deed:
    sample = said.pop("sample", None)
    if sample is not None:
        stamps = {k: datetime.fromisoformat(v) for k, v in sample.items() if k.endswith("_at") and v}
        sample = Sample(**{**sample, **stamps, "tags": tuple(sample.get("tags", ()))})
    return Deed(**said, sample=sample)


def as_json(deed: Deed) -> dict[str, Any]:
    """A deed as `POST /_sandbox/people` takes it."""
    said: dict[str, Any] = orjson.loads(orjson.dumps(dataclasses.asdict(deed)))
    return said


async def _received(scope: Mapping[str, Any], receive: Any) -> Request:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
        headers={k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
        body=b"".join(parts),
    )


def encoded(answer: Answer) -> tuple[bytes, dict[str, str]]:
    """The answer's bytes and headers as they go out."""
    body = answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else orjson.dumps(answer.body)
    kind = {} if answer.body is None else {"content-type": "application/json;charset=UTF-8"}
    return body, {**kind, **{k.lower(): v for k, v in answer.headers.items()}}


async def _send(send: Any, answer: Answer) -> None:
    body, headers = encoded(answer)
    lines = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    if answer.status != 204:
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _broken(fault: Fault, answer: Answer, transport: Any, send: Any) -> None:
    """The effect was applied; its answer is lost in one of the ways in which answers get lost."""
    body, _ = encoded(answer)
    match fault.kind:
        case "apply_then_reset":
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        case "apply_then_hang":
            await asyncio.sleep(fault.seconds)
            transport.close()
        case "truncate":
            await _start(send, len(body) + 1000)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()
        case "dribble":
            await _start(send, len(body))
            for at in range(len(body)):
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
                await asyncio.sleep(fault.seconds)
            await send({"type": "http.response.body", "body": b""})
        case _:
            transport.close()


async def _start(send: Any, length: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


class Breakable(H11Protocol):
    """Gives the application its own transport, so that it can break it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})["ticketgate.transport"] = self.transport
            await inner(scope, receive, send)

        self.app = with_transport


def bound(port: int = 0) -> socket.socket:
    """A listener on loopback: bind first, tell the ports, then serve."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


async def serve(served: list[Served], stop: asyncio.Event) -> None:
    """All of them on this loop until `stop` is set."""
    servers = [_server(one) for one in served]
    tasks = [asyncio.create_task(s.serve(sockets=[one.listener])) for s, one in zip(servers, served, strict=True)]
    await stop.wait()
    for server in servers:
        server.should_exit = True
        server.force_exit = True
    await asyncio.gather(*tasks, return_exceptions=True)


def _server(served: Served) -> uvicorn.Server:
    config = uvicorn.Config(
        served,
        http=Breakable,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        date_header=True,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]  # the process decides when it stops
    return server


@contextlib.contextmanager
def in_thread(*sandboxes: Sandbox) -> Iterator[dict[str, Served]]:
    """Serves them from a thread of this process, for tests and the demo: by system, with `address`, `faults` and `exchanges`."""
    served = [Served(s, bound()) for s in sandboxes]
    for one in served:
        one.listener.listen(128)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(served, stop)), name="sandboxes", daemon=True)
    thread.start()
    try:
        yield {one.sandbox.system: one for one in served}
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
        for one in served:
            one.listener.close()
