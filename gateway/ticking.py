"""Jobs that come round again: APScheduler is the ticking clock, and a watch keeps it right when somebody sets the machine's clock.

APScheduler goes by the wall's time: put back by an hour, it would stand still for an hour. So the wall's clock is held against the
steady one, and when they have jumped apart every job is moved with it. A machine that slept makes each job run once, not once for
each time it missed. No job holds anything that would be lost with it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from gateway.clock import Clock, Steady, now, steady

Job: TypeAlias = Callable[[], float]
"""Does its work; the seconds after which it wants to be asked again."""
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MANY = 1_000_000
WATCH = 1.0
"""Seconds between two comparisons of the clocks."""
SLACK = timedelta(seconds=2)
"""So far they may drift between two comparisons: a clock that is corrected little by little has not jumped."""


def each(seconds: float, work: Callable[[], object], steady: Steady = steady) -> Job:
    """The work, begun so often; at once again when it took longer than that."""

    def job() -> float:
        begun = steady()
        work()
        return max(seconds - (steady() - begun), 0.0)

    return job


@dataclass(slots=True)
class Watch:
    """Notices that the wall's clock was set."""

    wall: Clock = now
    steady: Steady = steady
    apart: timedelta | None = None

    def jumped(self) -> timedelta:
        """By how much the wall's clock was set since the last time; nothing when it runs like the steady one."""
        at = self.wall() - EPOCH - timedelta(seconds=self.steady())
        before, self.apart = self.apart, at
        return at - before if before is not None and abs(at - before) > SLACK else timedelta(0)


@contextmanager
def ticking(jobs: Mapping[str, Job], stop: threading.Event, watch: Watch | None = None) -> Iterator[None]:
    """All jobs by their names, from now on; leaving sets `stop` and waits for those that are at work."""
    ticks = _Ticks(jobs, stop, watch or Watch())
    watching = threading.Thread(target=ticks.watched, name="clock-watch")
    ticks.start()
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()
        ticks.end()


class _Ticks:
    """APScheduler with each job's next time by the steady clock beside it."""

    def __init__(self, jobs: Mapping[str, Job], stop: threading.Event, watch: Watch) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        # A job asks for its next time as the last thing it does. APScheduler would drop it for good if that time came before it noticed
        # that the job has ended, so it may believe that many run; a thread for each, so that slow systems do not hold up the leases.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": MANY}
        threads = {"default": ThreadPoolExecutor(len(jobs) + 1)}
        self._scheduler: BackgroundScheduler = BackgroundScheduler(job_defaults=defaults, executors=threads, timezone="UTC")
        self._jobs, self._stop, self._watch = jobs, stop, watch
        self._due: dict[str, float] = {}

    def start(self) -> None:
        self._watch.jumped()
        for name in self._jobs:
            self._again(name, 0.0)
        self._scheduler.start()

    def end(self) -> None:
        """Paused first, and asked something: its loop is then surely not within a round, in which a shutdown would lose it a job."""
        self._scheduler.pause()
        self._scheduler.get_jobs()
        self._scheduler.shutdown(wait=True)

    def watched(self) -> None:
        """Until the end: when the wall's clock was set, every job is told anew when it is due."""
        while not self._stop.wait(WATCH):
            if self._watch.jumped():
                self._told_anew()

    def _told_anew(self) -> None:
        from apscheduler.jobstores.base import JobLookupError

        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # it has begun meanwhile, and will say itself when it wants to be asked again
                job.modify(next_run_time=self._by_the_wall(job.id))

    def _again(self, name: str, seconds: float) -> None:
        """The job once, after so many seconds; then again when it says."""
        self._due[name] = self._watch.steady() + seconds
        self._scheduler.add_job(self._run, "date", [name], run_date=self._by_the_wall(name), id=name, replace_existing=True)

    def _run(self, name: str) -> None:
        if not self._stop.is_set():
            after = self._jobs[name]()
            if not self._stop.is_set():
                self._again(name, after)

    def _by_the_wall(self, name: str) -> datetime:
        return self._watch.wall() + timedelta(seconds=max(self._due[name] - self._watch.steady(), 0.0))
