"""The total deadline of an answer, from its first byte to its last: a read timeout alone never ends one that comes byte by byte."""

import io
import socket
import time
from functools import partial
from http.client import HTTPResponse
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool


class Punctual(HTTPAdapter):
    """Every answer is there whole `within` so many seconds after its request, its head included, or is a read timeout."""

    def __init__(self, within: float, **how: Any) -> None:
        self._kinds: dict[Any, Any] = {kind: _timed(kind, within) for kind in (HTTPConnection, HTTPSConnection)}
        super().__init__(**how)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:
        """What `requests` asks for a connection; one of another kind (a recorder's) is left as it is."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self._kinds.get(pool.ConnectionCls, pool.ConnectionCls)
        return cast(ConnectionPool, pool)


def _timed(kind: type[HTTPConnection], within: float) -> type[HTTPConnection]:
    return type(kind.__name__, (kind,), {"response_class": partial(_Answer, within=within)})


class _Answer(HTTPResponse):
    """As the standard library reads it, off a socket that runs out of time."""

    def __init__(self, sock: socket.socket, *args: Any, within: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Hurried(sock, self.fp.detach(), time.monotonic() + within))


class _Hurried(io.RawIOBase):
    """What a socket brings until the moment `end` of the monotonic clock; waiting for the next bytes ends then too."""

    def __init__(self, sock: socket.socket, inner: io.RawIOBase, end: float) -> None:
        self._sock, self._inner, self._end = sock, inner, end

    def readinto(self, into: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took longer than the total deadline")
        patience = self._sock.gettimeout()
        if patience is None or left < patience:
            self._sock.settimeout(left)
        return self._inner.readinto(into)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._inner.fileno()

    def close(self) -> None:
        self._inner.close()
        super().close()
