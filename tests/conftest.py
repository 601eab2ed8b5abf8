"""Fixtures for all tests. The network is shut but for loopback, so that no test can reach a real system by accident."""

import ipaddress
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

pytest.register_assert_rewrite(
    "tests.contract",
    "tests.contract_writing",
    "tests.contract_attachments",
    "tests.contract_faults",
    "tests.contract_fields",
    "tests.contract_inventory",
    "tests.contract_once",
    "tests.contract_secrecy",
    "tests.conversations",
)


class NetworkIsShut(RuntimeError):
    """A test tried to reach something that is not this machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", metavar="SYSTEM", default=None, help="make the cassettes of SYSTEM (or `all`) again, against its sandbox")


def on_loopback(address: Any) -> bool:
    """Whether a socket's address is this machine: a Unix socket, or a loopback address or name."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "")


def _guarded(real: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        if not on_loopback(address):
            raise NetworkIsShut(f"tests speak to loopback only, not to {address}")
        return real(self, address)

    return connect


def _looked_up(real: Any) -> Any:
    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not on_loopback((name, 0)):
            raise NetworkIsShut(f"tests look up loopback only, not {name}")
        return real(host, *args, **kwargs)

    return getaddrinfo


class _Loopback:
    """Shuts the network for the whole run, collection included: this plugin is there before the first test is imported."""

    kept = (socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo)

    def shut(self) -> None:
        connect, connect_ex, getaddrinfo = self.kept
        socket.socket.connect = _guarded(connect)  # type: ignore[method-assign]
        socket.socket.connect_ex = _guarded(connect_ex)  # type: ignore[method-assign]
        socket.getaddrinfo = _looked_up(getaddrinfo)

    def open(self) -> None:
        socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo = self.kept  # type: ignore[method-assign]


LOOPBACK = _Loopback()


def pytest_configure(config: pytest.Config) -> None:
    LOOPBACK.shut()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # behind `&` in a script; the programs that tests interrupt would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    LOOPBACK.open()


@pytest.fixture
def sockets_shut() -> Iterator[None]:
    """No connection at all, not even to this machine: what replays a recording needs none."""

    def refused(self: socket.socket, address: Any) -> Any:
        raise NetworkIsShut(f"this test opens no connection, not even to {address}")

    before = socket.socket.connect
    socket.socket.connect = refused  # type: ignore[method-assign]
    yield
    socket.socket.connect = before  # type: ignore[method-assign]
