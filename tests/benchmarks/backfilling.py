"""A backfill in a process of its own: prints its seconds of CPU without start-up, its memory on the way, and its counts."""

import resource
import sys
import time
from pathlib import Path

import orjson

from gateway.assemble import assembled
from gateway.counting import Counts
from gateway.judging import Asked
from gateway.logs import set_up
from gateway.settings import running


def main(desk: str) -> None:
    set_up(as_json=False, level="error")
    memory: dict[int, float] = {}

    def progress(counts: Counts) -> None:
        memory[counts.seen] = resident()

    with assembled(running(Path(desk))) as gateway:
        run = gateway.backfill.begin(Asked(connections=tuple(gateway.connectors)))
        began = time.process_time()
        counts = gateway.backfill.go_on(run, progress)
        cpu = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = {"cpu": cpu, "peak": peak, "memory": {str(k): v for k, v in memory.items()}, "counts": counts.as_json()}
    print(orjson.dumps(said).decode())


def resident() -> float:
    """Memory of this process now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


if __name__ == "__main__":
    main(sys.argv[1])
