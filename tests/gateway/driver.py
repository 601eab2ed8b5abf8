"""A real process that does what `run --once` or `backfill` does, over a system that it shares by a file: made to be killed.

`python -m tests.gateway.driver once FOLDER [LEASE]` looks at everything there is; `backfill FOLDER` begins or goes on with the one run;
`run FOLDER` is the daemon. LEASE is in seconds. Each reading of the system is a line of FOLDER/polls: the moment and the process.
FOLDER/rules.yaml takes the place of the usual rules.
"""

import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from connectors.base import Cursor, Page
from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from gateway.assemble import Gateway, put_together
from gateway.clock import now
from gateway.config import Config
from gateway.judging import Asked
from gateway.logs import set_up
from gateway.retrying import Patience
from gateway.store import inbox, runs
from gateway.store.leases import LASTS
from tests.gateway.memory_desk import RULES, a_bundle

CALLS_OUT = """
  - id: call-out
    when: customer_replied
    if: { comment.text: { contains: urgent } }
    then: [{ page: { to: pager, text: "Please look." } }]
"""


class Told(MemoryConnector):
    """Says in a file when it was read."""

    folder: Path

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        with (self.folder / "polls").open("ab", buffering=0) as file:
            file.write(f"{time.monotonic()} {os.getpid()}\n".encode())
        return super().changed(since)


def main(command: str, folder: Path, lease: float = LASTS) -> None:
    set_up(as_json=True, level="critical")
    system = MemorySystem(folder / "system.json", clock=now)
    connector = Told("desk", system, MemorySettings(page_size=4))
    connector.folder = folder
    config = Config.model_validate(
        {
            "version": "1",
            "database": "sqlite:///desk.db",
            "connections": {"desk": {"system": "memory", "poll": "1s"}},
            "channels": {"leads": {"url": "file:notified.jsonl"}},
            "on_call": {"pager": {"url": "file:paged.jsonl"}},
        }
    )
    own = folder / "rules.yaml"
    rules = own.read_text(encoding="utf-8") if own.exists() else RULES + CALLS_OUT
    gateway = put_together(config, a_bundle(rules), {"desk": connector}, folder, now, None, Patience(first=0.01), lease=lease)
    (folder / "started").touch()
    try:
        if command == "run":
            sys.exit(gateway.daemon().run())
        {"once": _once, "backfill": _backfill}[command](gateway)
    finally:
        gateway.close()


def _once(gateway: Gateway) -> None:
    """Until nothing waits."""
    while True:
        gateway.daemon().once()
        with gateway.store.reading() as db:
            if not inbox.depth(db):
                return


def _backfill(gateway: Gateway) -> None:
    with gateway.store.reading() as db:
        left = [run for run in runs.newest(db) if run.state != "done"]
    run = left[0] if left else gateway.backfill.begin(Asked(connections=("desk",), replies=True))
    gateway.backfill.go_on(run)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float((*sys.argv, LASTS)[3]))
