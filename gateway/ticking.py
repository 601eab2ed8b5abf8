"""Jobs that come round again, each in a thread of its own, by a clock that nobody sets.

Neither a clock that is put forward or back nor a machine that slept for a night makes up for what it missed: a job runs once, then
after its interval. (APScheduler, which goes by the wall's time, stood still for an hour when the clock was put back by one.)
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

Job: TypeAlias = Callable[[], float]
"""Does its work; the seconds after which it wants to be asked again."""


def each(seconds: float, work: Callable[[], object]) -> Job:
    """The work, begun so often; at once again when it took longer than that."""

    def job() -> float:
        begun = time.monotonic()
        work()
        return max(seconds - (time.monotonic() - begun), 0.0)

    return job


@contextmanager
def ticking(jobs: Mapping[str, Job], stop: threading.Event) -> Iterator[None]:
    """All jobs by their names, from now until `stop`; leaving waits for those that are at work, and sets it."""

    def again(job: Job) -> None:
        while not stop.is_set():
            stop.wait(job())

    threads = [threading.Thread(target=again, args=(job,), name=name) for name, job in jobs.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
