"""The network is shut for every test but for loopback."""

import socket

import pytest

from tests.conftest import NetworkIsShut


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_nothing_beyond_this_machine_can_be_reached(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as one, pytest.raises(NetworkIsShut, match="loopback only"):
        one.connect(address)


def test_no_name_beyond_this_machine_is_looked_up() -> None:
    with pytest.raises(NetworkIsShut):
        socket.getaddrinfo("acme.example.com", 443)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_what_replays_a_recording_opens_no_connection_at_all(sockets_shut: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as one, pytest.raises(NetworkIsShut):
        one.connect(server.getsockname())
