"""A sandbox of one system with many tickets, in a process of its own: prints its address, ends when standard input does."""

import sys
import threading
from datetime import UTC, datetime, timedelta

import orjson

from connectors.sandbox import Sample
from gateway.clock import now
from gateway.sandbox.host import Served, in_thread
from gateway.sandbox.main import sandbox_for
from gateway.sandbox.samples import samples
from rules.ticket import replace

LONGER = {"jira": 250, "servicenow": 1920}
"""Bytes that the samples' bodies lack to make records of the sizes that the vendors send: 2.6 and 2.8 kB, as Zendesk's and Salesforce's
are 2.0 and 1.1 kB already."""
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def main(system: str, count: int) -> None:
    """No two tickets have the same subject, as on a desk: the rules remember short texts that come again."""
    sandbox = sandbox_for(system, now)
    made = enumerate(samples(1, count, START + timedelta(days=30), system))
    sandbox.load([believable(replace(s, subject=f"{s.subject} ({n})"), LONGER.get(system, 0)) for n, s in made])
    with in_thread(sandbox) as served:
        print(served[system].address, flush=True)
        served[system].keep_exchanges = True
        for line in sys.stdin:
            print(_asked(served[system], line.strip()), flush=True)


def believable(sample: Sample, more: int) -> Sample:
    """The sample with a body that goes on for so many bytes, as people's and monitors' messages do."""
    told = f" {sample.body}".encode()
    longer = (told * (more // len(told) + 1))[:more].decode(errors="ignore")
    return replace(sample, body=sample.body + longer)


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
