"""The daemon: polls at their intervals, alarms, one worker for each connection, new rules when they are fit, an orderly end.

Several may run on one store: each connection is read by one of them, and each ticket is in one hand.
"""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import FrameType
from typing import TypeAlias

import sqlalchemy as sa
import structlog

from connectors.errors import Transient, Unauthorized
from gateway.answering import caught_up
from gateway.brake import Brake
from gateway.cycle import Cycle, House, failed_with
from gateway.holding import Fenced
from gateway.in_force import ran_before
from gateway.outbound import Outbound
from gateway.pager import Pager
from gateway.questions import Questions
from gateway.rearming import other_clocks, rearmed
from gateway.reloading import Taken, ended_stages
from gateway.rulebook import Rulebook
from gateway.signals import Polled, Signals
from gateway.store import audits, bundles, connections, deliveries, hits, passes, reloading
from gateway.ticking import Job, each, ticking
from gateway.worker import Drained, Worker
from rules.bundle import Bundle
from rules.ticket import TicketRef

Reload: TypeAlias = Callable[[Bundle], Taken | None]

SWEEP = 1.0
"""The longest sleep, in seconds, between two looks at the alarms (the clock may be set meanwhile, another process may set an alarm),
and between two looks of a worker that nobody woke."""
RELOAD = 2.0
"""Seconds between two looks at the files of the desk."""
BEAT = 5.0
"""Seconds between two signs of life."""
TIDY = 600.0
"""Seconds between two looks for what is kept no longer."""
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}


@dataclass(slots=True)
class Summary:
    """What one round of all connections did, and what went wrong, by connection."""

    polled: dict[str, Polled] = field(default_factory=dict)
    drained: dict[str, Drained] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)


class Daemon:
    """Runs until it is told to stop. One connection's failure is its own."""

    def __init__(
        self,
        house: House,
        cycle: Cycle,
        signals: Signals,
        brake: Brake,
        polls: Mapping[str, timedelta],
        reload: Reload | None = None,
        traces: timedelta = timedelta(days=90),
        *,
        pager: Pager,
        outbound: Outbound,
    ) -> None:
        """`traces`: how long the records of passes are kept."""
        self._traces = traces
        self._house, self._cycle, self._signals, self._polls, self._reload = house, cycle, signals, polls, reload
        self._pager, self._outbound, self._questions = pager, outbound, Questions(house)
        self._stop = threading.Event()
        self._stopped_by: int | None = None
        self._awake = {name: threading.Event() for name in polls}
        self._workers = {name: Worker(house, cycle, name, brake, self._stop.is_set) for name in polls}
        self._log = structlog.get_logger()

    def once(self) -> Summary:
        """Settles what was left over, polls every connection, looks at everything that waits, and ends."""
        summary = Summary()
        self._recover()
        self.renew()
        for name in self._polls:
            summary.polled[name], error = self.poll(name)
            if error is not None:
                summary.errors[name] = error
        self._house.holds.let_go()
        self.sweep()
        for name, worker in self._workers.items():
            if not self._stop.is_set():
                summary.drained[name] = worker.drain()
        self._pager.ring()
        self._outbound.go_on()
        return summary

    def run(self, drain: float | None = None, leave: Callable[[int], object] = os._exit) -> int:
        """Until SIGTERM, SIGINT or `stop`; the ticket in hand is finished. Returns the exit code: 143, 130, or 0.

        What is not finished `drain` seconds later is left as a kill would leave it, for the next start to carry on: `leave` ends us.
        """
        gc.collect()
        gc.freeze()
        with self._signals_caught():
            self._recover()
            threads = [threading.Thread(target=self._work, args=(name,), name=f"worker-{name}") for name in self._polls]
            for thread in threads:
                thread.start()
            with ticking(self._jobs(), self._stop):
                self._stop.wait()
                ending = self._given_up(drain, leave)
                for awake in self._awake.values():
                    awake.set()
                for thread in threads:
                    thread.join()
        self._house.holds.let_go()
        with self._house.store.writing() as db:
            reloading.beat(db, None)
        ending.cancel()
        self._log.info("stopped")
        return self._code

    @property
    def _code(self) -> int:
        return CODES.get(signal.Signals(self._stopped_by), 0) if self._stopped_by else 0

    def _given_up(self, drain: float | None, leave: Callable[[int], object]) -> threading.Timer:
        """Ends us when that time is over, unless it is cancelled before."""

        def over() -> None:
            self._log.error("what is in hand did not end in time; the next start carries it on", drain=f"{drain:g}s")
            leave(self._code)

        timer = threading.Timer(drain or 0.0, over)
        timer.daemon = True
        if drain is not None:
            timer.start()
        return timer

    def stop(self) -> None:
        """From any thread: end in good order."""
        self._stop.set()

    def wake(self, name: str) -> None:
        """There is something new in a connection's inbox."""
        if name in self._awake:
            self._awake[name].set()

    def poll(self, name: str) -> tuple[Polled, Exception | None]:
        """One poll of one connection, unless another process reads it. What goes wrong is written down, and is its own."""
        with self._house.store.reading() as db:
            resting = connections.standing(db, name).rests(self._house.wall())
        if resting:
            return Polled(), None
        try:
            with self._house.holds.keeping(TicketRef(name, "")) as mine:
                return self._polled(name) if mine else (Polled(), None)
        except Fenced:
            self._log.warning("another process reads the connection now", connection=name)
            return Polled(), None
        finally:
            self._awake[name].set()

    def _polled(self, name: str) -> tuple[Polled, Exception | None]:
        try:
            polled = self._signals.poll(name, self._cycle.book)
            self._signals.sweep(name)
            return polled, None
        except Fenced:
            raise
        except (Transient, Unauthorized) as error:
            self._workers[name].rest(error)
            return Polled(), error
        except Exception as error:  # an answer that makes no sense: the cursor stays, the next poll tries again
            with self._house.store.writing() as db:
                connections.failing(db, name, failed_with(error), self._house.wall())
            self._log.error("poll failed", connection=name, reason=failed_with(error))
            return Polled(), error

    def sweep(self) -> float:
        """Alarms whose moment has come, and questions whose time is over; the seconds until the next one, as far as can be told now."""
        if self._signals.ring() + self._questions.expire():
            for awake in self._awake.values():
                awake.set()
        following = self._signals.following()
        left = (following - self._house.clock()).total_seconds() if following is not None else SWEEP
        return min(max(left, 0.0), SWEEP)

    def renew(self) -> bool:
        """Puts new rules into force between two passes, when there are any that are fit; whether there were."""
        before = self._cycle.book.bundle
        taken = self._reload(before) if self._reload else None
        if taken is None or taken.bundle.hash == before.hash:
            return False
        book = Rulebook(taken.bundle)
        caught_up(self._house.store, book, self._house.clock())
        self._cycle.book = book
        with self._house.store.writing() as db:
            self._in_force(db, taken.how, taken.who, before)
        self._arm(before)
        self._signals.retry_words()
        self._questions.keep_asked(taken.bundle)
        self._ask_the_brake_again()
        self._log.info("new rules in force", bundle=taken.bundle.short, how=taken.how)
        return True

    def beat(self) -> None:
        """A sign that we are here, for those who ask us for something."""
        with self._house.store.writing() as db:
            reloading.beat(db, self._house.wall())

    def _recover(self) -> None:
        left = sum(worker.recover() for worker in self._workers.values())
        if left:
            self._log.info("settling what was left over", tickets=left)
        self._signals.retry_words()
        self._questions.keep_asked(self._cycle.book.bundle)
        self._ask_the_brake_again()
        caught_up(self._house.store, self._cycle.book, self._house.clock())
        with self._house.store.writing() as db:
            before = ran_before(db, self._cycle.book.bundle.hash)
            self._in_force(db, "started", "daemon", before)
        self._arm(before)
        self.tidy()

    def _arm(self, before: Bundle | None) -> None:
        """The next moments of the rules in force; where their clocks are others than those of the rules before, of every ticket."""
        book, house = self._cycle.book, self._house
        self._signals.arm(book)
        if before is not None and other_clocks(before, book.bundle):
            count = rearmed(house.store, house.gatherer, book, house.clock, overdue=False, stopping=self._stop.is_set)
            self._log.info("clocks in flight go by the new rules", tickets_sooner=count)

    def tidy(self) -> None:
        """Drops what is kept no longer: a few thousand records at a time, so that nobody waits for it."""
        before = self._house.clock() - self._traces
        dropped = 1
        while dropped and not self._stop.is_set():
            with self._house.store.writing() as db:
                dropped = passes.forget_before(db, before)
        with self._house.store.writing() as db:
            bundles.forget_before(db, before)
            deliveries.forget_before(db, self._house.wall() - deliveries.KEPT)

    def _in_force(self, db: sa.Connection, how: str, who: str, before: Bundle | None) -> None:
        """Writes down what we judge by from now on, that its rules could match, and what ends with the rules before."""
        bundle, now = self._cycle.book.bundle, self._house.clock()
        bundles.put_in_force(db, bundle.hash, now, who=who, how=how)
        hits.known(db, [rule.id for ruleset in bundle.rulesets for rule in ruleset.rules], now)
        if before is not None:
            audits.noted(db, now, who, "rules in force", f"{bundle.hash} ({how})")
            for stage in ended_stages(before, bundle):
                audits.noted(db, now, who, "stage ended", f"{stage}: the rules in force since now do not have it ({bundle.short})")

    def _ask_the_brake_again(self) -> None:
        held = sum(worker.ask_again() for worker in self._workers.values())
        if held:
            self._log.info("asking the brake anew about what it held", signals=held)

    def _work(self, name: str) -> None:
        """The life of one worker."""
        while not self._stop.is_set():
            self._awake[name].wait(SWEEP)
            self._awake[name].clear()
            try:
                self._workers[name].drain()
            except Exception as error:  # the store is full or locked: nothing is lost, and it may pass
                self._log.error("worker failed", connection=name, reason=failed_with(error))
                self._stop.wait(SWEEP)

    def _jobs(self) -> dict[str, Job]:
        polls = {f"poll-{name}": each(every.total_seconds(), partial(self.poll, name)) for name, every in self._polls.items()}
        own = {"pager": each(SWEEP, self._pager.ring), "reload": each(RELOAD, self.renew), "beat": each(BEAT, self.beat)}
        own |= {"tidy": each(TIDY, self.tidy), "outbound": each(SWEEP, self._outbound.go_on)}
        leases = each(self._house.holds.renewal, self._house.holds.renew)
        return {name: self._quietly(job) for name, job in {**polls, "sweep": self.sweep, **own, "leases": leases}.items()}

    def _quietly(self, job: Job) -> Job:
        """A job whose failure is logged by us and tried again."""

        def run() -> float:
            try:
                return job()
            except Exception as error:
                self._log.error("job failed", reason=failed_with(error))
                return SWEEP

        return run

    @contextmanager
    def _signals_caught(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask for an orderly end; a second one is as rude as it always was."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._asked_to_stop) for number in CODES}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped_by = number
        self._stop.set()
        signal.signal(number, signal.SIG_DFL)
