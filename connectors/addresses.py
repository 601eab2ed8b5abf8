"""Addresses of the network: what a name stands for, and whether it is anybody's or one within, where nothing of ours may be sent."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import SOCK_STREAM, getaddrinfo
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], list[str]]

TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""Addresses that stand for others, which may be anybody's."""


def resolved(host: str, port: int) -> list[str]:
    """Every address of a host. Raises `gaierror`."""
    return list(dict.fromkeys(str(found[4][0]) for found in getaddrinfo(host, port, type=SOCK_STREAM)))


def read(address: str) -> Address:
    """An address as a look-up gives it; an interface behind `%` does not count."""
    return ip_address(address.partition("%")[0])


def public(address: Address) -> bool:
    """Whether an address is anybody's: not ours, not the network's around us, not one that stands for such a one."""
    inner = getattr(address, "ipv4_mapped", None)
    if inner is not None:
        return public(inner)
    translated = any(address in network for network in TRANSLATED if network.version == address.version)
    return address.is_global and not address.is_multicast and not translated
