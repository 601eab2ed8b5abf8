"""A host that holds files, behind TLS on this machine, as a vendor's content host does: it says what it was asked, headers and all."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Shelf:
    """`answers` are given one by one, then 200 and `content`. `said_size` is the length that is told, where it is not the true one."""

    port: int = 0
    content: bytes = b"pixels"
    type: str = "image/png"
    said_size: int | None = None
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path and headers, names in lower case


def _handler(shelf: Shelf) -> Any:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers = shelf.answers.pop(0) if shelf.answers else (200, {"content-type": shelf.type})
            body = shelf.content if status == 200 else b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body) if shelf.said_size is None else shelf.said_size))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keeps quiet."""

    return Handler


@contextlib.contextmanager
def shelf(certificate: Path | None = None) -> Iterator[Shelf]:
    """Behind TLS with that certificate; without one in plain http, as a sandbox is."""
    one = Shelf()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(one))
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    one.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
