"""All tickets of a desk's one connection read in a process of its own, by us or by its SDK: prints CPU, memory, sockets and how many."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from gateway.assemble import assembled
from gateway.collecting import seldom_collecting
from gateway.logs import set_up
from gateway.settings import running
from tests.benchmarks.backfilling import resident

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def main(desk: str, how: str, times: str) -> None:
    set_up(as_json=False, level="error")
    memory: dict[str, float] = {}
    seen, most, looking = 0, 0, 0.0
    with assembled(running(Path(desk))) as gateway, seldom_collecting():
        (connector,) = gateway.connectors.values()
        connector.check_sign_in()
        began = time.process_time()
        for _ in range(int(times)):
            for page in _pages(connector, how):
                seen += len(page)
                looked = time.process_time()
                memory[str(seen)], most = resident(), max(most, sockets())
                looking += time.process_time() - looked
        cpu = time.process_time() - began - looking  # our looking at this process is no part of reading
    print(orjson.dumps({"cpu": cpu, "seen": seen, "memory": memory, "sockets": most}).decode())


def _pages(connector: Any, how: str) -> Iterator[Sequence[Any]]:
    if how == "ours":
        return (page.tickets for page in connector.changed(BEGINNING))
    sdk: Callable[[Any], Iterator[Sequence[Any]]] = SDKS[type(connector._connector).__name__]
    return sdk(connector._connector)


def _by_zenpy(connector: Any) -> Iterator[Sequence[Any]]:
    zenpy = connector._session._signed_in()
    start = int(BEGINNING.timestamp())
    yield list(zenpy.tickets.incremental(start_time=start, paginate_by_time=False, include="users,groups,organizations", per_page=1000))


def _by_jira(connector: Any) -> Iterator[Sequence[Any]]:
    sdk, more = connector._session._sdk, None
    jql = "updated >= 946684800000 ORDER BY updated ASC, key ASC"
    while True:
        found = sdk.enhanced_search_issues(jql, nextPageToken=more, maxResults=100, fields=connector._issues.asked, use_post=True)
        yield found
        more = found.nextPageToken
        if not more:
            return


def _by_pysnow(connector: Any) -> Iterator[Sequence[Any]]:
    table = connector._session._client.resource(api_path="/table/incident")
    table.parameters.exclude_reference_link = True
    asked, done = connector._asked.split(","), 0
    while found := list(table.get(query="ORDERBYsys_id", fields=asked, limit=1000, offset=done).all()):
        yield found
        done += len(found)


def _by_simple_salesforce(connector: Any) -> Iterator[Sequence[Any]]:
    sf = connector._session._signed_in()
    yield list(sf.query_all_iter(f"{connector._select} ORDER BY SystemModstamp, Id"))


SDKS: dict[str, Callable[[Any], Iterator[Sequence[Any]]]] = {
    "ZendeskConnector": _by_zenpy,
    "JiraConnector": _by_jira,
    "ServiceNowConnector": _by_pysnow,
    "SalesforceConnector": _by_simple_salesforce,
}


def sockets() -> int:
    """Open sockets of this process (Linux)."""
    return sum(os.readlink(entry.path).startswith("socket:") for entry in os.scandir("/proc/self/fd") if os.path.islink(entry.path))


if __name__ == "__main__":
    main(*sys.argv[1:])
