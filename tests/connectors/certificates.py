"""A vendor's address behind TLS on this machine: our own authority, certificates that hold or do not, and a proxy that leads there."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

A_DAY = timedelta(days=1)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


def _name(said: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, said)])


@dataclass(frozen=True)
class Authority:
    """Signs for hosts; `file` is what a client must trust."""

    key: ec.EllipticCurvePrivateKey
    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        one = cls(key, folder)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        one.file.write_bytes(one._signed("Test authority", key, A_DAY, constraints).public_bytes(serialization.Encoding.PEM))
        return one

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def certificate(self, host: str, good_for: timedelta = A_DAY) -> Path:
        """A file with a certificate for `host` and its key; one that is `good_for` less than nothing has run out."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(host, key, good_for, x509.SubjectAlternativeName([x509.DNSName(host)]))
        shape = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(serialization.Encoding.PEM, shape, serialization.NoEncryption())
        file = self.folder / f"{host}.pem"
        file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        return file

    def _signed(self, said: str, key: ec.EllipticCurvePrivateKey, good_for: timedelta, more: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        unsigned = x509.CertificateBuilder(_name("Test authority"), _name(said), key.public_key(), x509.random_serial_number())
        dated = unsigned.not_valid_before(now - 30 * A_DAY).not_valid_after(now + good_for)
        return dated.add_extension(more, critical=False).sign(self.key, hashes.SHA256())


class Site:
    """Whatever address is asked for through `proxy`, this certificate answers. `heard` is what came through TLS, credentials and all.

    What is read there is nothing, or what the sandbox behind `port` of this machine answers; only requests without a body.
    """

    def __init__(self, certificate: Path, port: int | None = None) -> None:
        self._port = port
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.heard: list[bytes] = []
        self.asked = 0

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), client:
                client.settimeout(5)
                self._one(client)

    def _one(self, client: socket.socket) -> None:
        client.recv(65536)  # CONNECT host:443
        self.asked += 1
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self._tls.wrap_socket(client, server_side=True) as inside:
            self.heard.append(inside.recv(65536))
            inside.sendall(ANSWER if self._port is None else self._told(self._port, self.heard[-1]))

    def _told(self, port: int, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            behind.sendall(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
            return b"".join(iter(lambda: behind.recv(65536), b""))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@contextlib.contextmanager
def site(certificate: Path, port: int | None = None) -> Iterator[Site]:
    one = Site(certificate, port)
    thread = threading.Thread(target=one.serve, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.close()
        thread.join(5)
