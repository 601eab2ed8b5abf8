"""Where `run` takes in the systems' webhooks: as `server` of the file says, or the options."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.config import Config, ServerConfig
    from gateway.daemon import Daemon


def server(config: "Config", host: str | None, port: int | None) -> "ServerConfig | None":
    """Where to listen; None for nowhere. The options win over the file, and either is enough."""
    from gateway.config import ServerConfig

    if config.server is None and host is None and port is None:
        return None
    said = config.server or ServerConfig()
    return ServerConfig(host=host or said.host, port=said.port if port is None else port)


@contextmanager
def door(found: "Gateway", daemon: "Daemon", server: "ServerConfig | None") -> Iterator[None]:
    """Open while the daemon runs; a port that is taken ends the command before anything was done."""
    import structlog

    from gateway.webhooks import listening

    if server is None:
        yield
        return
    try:
        with listening(found.hearing, server.host, server.port, daemon.wake) as port:
            structlog.get_logger().info("webhooks are taken in", address=f"http://{server.host}:{port}/webhooks/CONNECTION")
            yield
    except OSError as error:
        raise Ended(Code.UNREACHABLE, f"cannot listen at {server.host}:{server.port}: {error.strerror}; try another --port") from None
