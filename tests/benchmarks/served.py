"""A sandbox of one system with many tickets, in a process of its own: prints its address, ends when standard input does."""

import sys
import threading
from datetime import UTC, datetime, timedelta

import orjson

from gateway.clock import now
from gateway.sandbox.host import Served, in_thread
from gateway.sandbox.main import sandbox_for
from gateway.sandbox.samples import samples

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def main(system: str, count: int) -> None:
    sandbox = sandbox_for(system, now)
    sandbox.load(samples(1, count, START + timedelta(days=30), system))
    with in_thread(sandbox) as served:
        print(served[system].address, flush=True)
        served[system].keep_exchanges = True
        for line in sys.stdin:
            print(_asked(served[system], line.strip()), flush=True)


def _asked(served: Served, what: str) -> str:
    """`requests`: what was asked so far, to be asked again by the floor; `forget`: begin anew."""
    if what == "forget":
        served.exchanges.clear()
        return "[]"
    asked = [
        {"method": e.request.method, "url": e.url, "headers": _kept(dict(e.request.headers)), "body": e.request.body.decode()}
        for e in served.exchanges
    ]
    return orjson.dumps(asked).decode()


def _kept(headers: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k in ("authorization", "content-type", "sforce-query-options", "accept")}


if __name__ == "__main__":
    threading.current_thread().name = "served"
    main(sys.argv[1], int(sys.argv[2]))
