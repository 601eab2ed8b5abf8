"""A program that takes in webhooks on loopback, as an administrator's own would: it checks signatures and knows repetitions."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from gateway.posting import signature

SECRET = "between-us"


@dataclass
class Receiver:
    """What came, in order. `answers` are given one by one, then 200; None closes the connection without a word."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    slow: float = 0.0

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(body) for _, body in self.came]

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.came]

    def genuine(self, number: int = -1) -> bool:
        headers, body = self.came[number]
        return headers["x-ticketgate-signature"] == signature(SECRET, headers["x-ticketgate-timestamp"], body)


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """A receiver that listens on loopback; with a certificate behind TLS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = receiver.answers.pop(0) if receiver.answers else 200
            time.sleep(receiver.slow)
            if answer is None:
                self.connection.close()
                return
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing: tests look at what came."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"http{'' if certificate is None else 's'}://127.0.0.1:{server.server_address[1]}/hook?from=us"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
