"""Serves sandboxes on loopback: one port for each, one event loop and so one order of effects, faults on request.

Beside the vendor's own paths each port answers under `/_sandbox/`: `effects`, `requests`, `breaches`, `tickets`, `now`, `shown/KEY` (GET),
`people`, `faults`, `switches` and `skip` (POST), for judges and tests. Those need no sign-in: the host only ever listens on loopback.
"""

import asyncio
import contextlib
import dataclasses
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.sandbox import Answer, Deed, Request, Sample, Sandbox
from gateway.clock import Skipping
from gateway.sandbox.faults import Fault as Fault
from gateway.sandbox.faults import FaultKind as FaultKind
from gateway.sandbox.faults import broken, encoded, gone
from gateway.sandbox.pushing import Webhooks
from gateway.sandbox.switches import Shifted, Switches

QUIET = ("expire_token_after", "invalidate_cursor", "mutate_between_pages")
MOST_EXCHANGES = 50_000  # kept; older ones are dropped, so that a sandbox that runs for days stays small


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it was received and the answer that was given (None: the connection was broken).

    `faulty`: a fault gave the answer, not the sandbox.
    """

    request: Request
    url: str
    answer: Answer | None
    faulty: bool = False
    at: float = 0.0  # seconds of the monotonic clock, when the request had arrived


class Served:
    """One sandbox behind one port."""

    def __init__(self, sandbox: Sandbox, listener: socket.socket) -> None:
        self.sandbox, self.listener = sandbox, listener
        self.faults: list[Fault] = []
        self.exchanges: deque[Exchange] = deque(maxlen=MOST_EXCHANGES)
        self.keep_exchanges = False
        self.switches = Switches()
        self.webhooks: Webhooks | None = None
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
        arrived = time.monotonic()
        fault = self._fault(request)
        answer = await self._faulty(fault, request, scope, receive, send) if fault else self._answer(request)
        self._keep(request, scope, answer, arrived, faulty=fault is not None)
        if answer is not None:
            await _send(send, answer)
        elif not (fault and fault.kind == "dribble"):
            await gone(receive)

    def _answer(self, request: Request) -> Answer:
        """As the sandbox answers, within what it was told to be; the answer's date is the sandbox's own."""
        return self._dated(self.switches.answer(self.sandbox, request) or self.sandbox.answer(request))

    def _dated(self, answer: Answer) -> Answer:
        date = format_datetime(self.sandbox.clock().astimezone(UTC), usegmt=True)
        return dataclasses.replace(answer, headers={"date": date, **answer.headers})

    def _fault(self, request: Request) -> Fault | None:
        """The fault that strikes; those that are spent are forgotten."""
        found = next((f for f in self.faults if f.strikes(request)), None)
        self.faults[:] = [f for f in self.faults if f.times > 0]
        return found

    def _keep(self, request: Request, scope: Mapping[str, Any], answer: Answer | None, arrived: float, *, faulty: bool) -> None:
        if self.keep_exchanges:
            query = scope["query_string"].decode()
            self.exchanges.append(Exchange(request, request.path + (f"?{query}" if query else ""), answer, faulty, arrived))

    async def _faulty(self, fault: Fault, request: Request, scope: Mapping[str, Any], receive: Any, send: Any) -> Answer | None:
        """Carries the fault out; None when the connection was broken or the answer already sent."""
        if fault.refusal is not None:
            return self._dated(fault.refusal)
        if fault.kind in QUIET:
            return self._quietly(fault, request)
        transport = scope["extensions"]["ticketgate.transport"]
        if fault.kind == "drop_before_apply":
            transport.close()
            return None
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            return self._answer(request)
        await broken(fault, self._answer(request), transport, receive, send)
        return None

    def _quietly(self, fault: Fault, request: Request) -> Answer:
        """Nothing is wrong with the connection: the world behind it has changed."""
        if fault.kind == "expire_token_after":
            self.switches.void.add(request.headers.get("authorization", ""))
        if fault.kind == "invalidate_cursor":
            self.sandbox.forget_cursors()
        answer = self._answer(request)
        if fault.deed is not None:
            self.people(fault.deed)
        return answer

    def people(self, deed: Deed) -> str:
        """Somebody acts in the vendor's own pages, and a webhook tells of it where there is one."""
        key = self.sandbox.people(deed)
        if self.webhooks is not None:
            self.webhooks.about(key, self.sandbox.clock())
        return key

    def _control(self, request: Request) -> Answer:
        what, _, rest = request.path.removeprefix("/_sandbox/").partition("/")
        known = {**self._seen(rest), **self._done(request)}
        if (request.method, what) not in known:
            return Answer(status=404, body={"error": f"there is nothing at {request.method} {what}"})
        try:
            return Answer(body=known[request.method, what]())
        except (KeyError, ValueError, TypeError) as error:
            return Answer(status=400, body={"error": f"{type(error).__name__}: {error}"})

    def _seen(self, rest: str) -> dict[tuple[str, str], Callable[[], Any]]:
        return {
            ("GET", "effects"): self.sandbox.effects_as_json,
            ("GET", "requests"): lambda: {"requests": self.requests},
            ("GET", "tickets"): self.sandbox.keys,
            ("GET", "breaches"): lambda: self.switches.breaches,
            ("GET", "now"): lambda: {"now": self.sandbox.clock()},
            ("GET", "shown"): lambda: self.sandbox.shown(rest),
        }

    def _done(self, request: Request) -> dict[tuple[str, str], Callable[[], Any]]:
        return {
            ("POST", "people"): lambda: {"key": self.people(_deed(request.json()))},
            ("POST", "faults"): lambda: self._expect([*self.faults, _fault(request.json())]),
            ("POST", "switches"): lambda: self.switches.set(self.sandbox, request.json()),
            ("DELETE", "faults"): lambda: self._expect([]),
            ("POST", "skip"): lambda: self._skip(timedelta(seconds=request.json()["seconds"])),
        }

    def _skip(self, by: timedelta) -> dict[str, datetime]:
        """The clock skips so much, for all sandboxes that go by it."""
        clock = self.sandbox.clock.inner if isinstance(self.sandbox.clock, Shifted) else self.sandbox.clock
        if not isinstance(clock, Skipping):
            raise ValueError("the clock of this sandbox only ticks")
        clock.skip(by)
        return {"now": clock()}

    def _expect(self, faults: list[Fault]) -> dict[str, int]:
        self.faults[:] = faults
        return {"faults": len(faults)}


def _fault(said: dict[str, Any]) -> Fault:
    return Fault(**{**said, "deed": _deed(said["deed"]) if said.get("deed") else None})


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


async def _send(send: Any, answer: Answer) -> None:
    if isinstance(answer.body, Iterator):
        await _in_parts(send, answer, answer.body)
        return
    body, headers = encoded(answer)
    lines = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    if answer.status != 204:
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _in_parts(send: Any, answer: Answer, parts: Iterator[bytes]) -> None:
    """As it is made, so that half a gigabyte is never whole in memory."""
    lines = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Breakable(H11Protocol):
    """Gives the application its own transport, so that it can break it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})["ticketgate.transport"] = self.transport
            await inner(scope, receive, send)

        self.app = with_transport


class Obedient(uvicorn.Server):
    """Leaves the signals alone: the process decides when it stops."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


def bound(port: int = 0) -> socket.socket:
    """A listener on loopback: bind first, tell the ports, then serve."""
    # asyncio switches Nagle off only where it sees the protocol named; without it every answer waits 40 ms for an acknowledgement
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
        date_header=False,
        server_header=False,
    )
    return Obedient(config)


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
