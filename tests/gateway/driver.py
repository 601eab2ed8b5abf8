"""A real process that does what `run --once` or `backfill` does, over a system that it shares by a file: made to be killed.

`python -m tests.gateway.driver once FOLDER` looks at everything there is; `backfill FOLDER` begins or goes on with the one run;
`run FOLDER` is the daemon.
"""

import sys
from pathlib import Path

from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from gateway.assemble import Gateway, put_together
from gateway.clock import now
from gateway.config import Config
from gateway.judging import Asked
from gateway.logs import set_up
from gateway.retrying import Patience
from gateway.store import inbox, runs
from tests.gateway.memory_desk import RULES, a_bundle


def main(command: str, folder: Path) -> None:
    set_up(as_json=True, level="critical")
    system = MemorySystem(folder / "system.json", clock=now)
    connector = MemoryConnector("desk", system, MemorySettings(page_size=4))
    config = Config.model_validate(
        {
            "version": "1",
            "database": "sqlite:///desk.db",
            "connections": {"desk": {"system": "memory"}},
            "channels": {"leads": {"url": "file:notified.jsonl"}},
        }
    )
    gateway = put_together(config, a_bundle(RULES), {"desk": connector}, folder, now, None, Patience(first=0.01))
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
    main(sys.argv[1], Path(sys.argv[2]))
