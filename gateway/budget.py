"""One request budget for each connection, shared by the daemon, the command line and backfills through the store.

A process takes a small portion of requests at a time, good for a second, and asks the store again when it is used up: so a request
costs no transaction, and a limit that one process met stops the others within that second. What is left is the system's own figure,
from its latest answer; the portions of other processes that were not asked yet are not in it, so several processes together may go
beyond a limit by what they hold, at most a twentieth of what is left each. Then the system's 429 is the last word.
"""

import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog

from connectors.allowance import Allowance
from connectors.errors import Transient
from gateway.clock import Clock, Sleep, Steady, steady
from gateway.clock import now as wall_now
from gateway.store import budgets
from gateway.store.budgets import Budget
from gateway.store.opening import Store, WrongStore, opened

GOOD_FOR = 1.0  # seconds
PORTION, PARTS = 100, 20  # the most at a time, and how many portions there should be left
NEARLY = 0.1  # of a limit: from there on each answer is written down at once
LONGEST = 900.0  # seconds that long work waits for its turn before it gives up until somebody resumes it
A_SLICE = 5.0  # seconds between two looks whether the turn has come


class StoredMeter:
    """Counts one connection's requests. `long` work, as a backfill is, leaves a reserve and waits its turn itself when it only reads.

    A write never waits here: the lease on its ticket could run out meanwhile. Like live work it is told how long, by `Transient`.
    """

    def __init__(
        self,
        url: str,
        connection: str,
        *,
        long: bool = False,
        wall: Clock = wall_now,
        steady: Steady = steady,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._url, self._connection, self._long = url, connection, long
        self._wall, self._steady, self._sleep = wall, steady, sleep
        self._store: Store | None = None
        self._heard: tuple[Allowance, datetime] | None = None
        self._portion, self._until = 0, 0.0
        self._window: datetime | None = None  # of which the portion was taken

    def before(self, *, writing: bool) -> None:
        """Raises `Transient` where the system allows no request now, or none of this work's."""
        if self._portion > 0 and self._steady() < self._until:
            self._portion -= 1
            return
        waited = 0.0
        while True:
            budget = self._taken()
            wait = self._wait(budget)
            if wait is None:
                return
            if writing or not self._long or waited + wait > LONGEST:
                raise Transient(self._connection, self._said(budget), wait)
            if not waited:
                structlog.get_logger().warning("waiting for requests", connection=self._connection, reason=self._said(budget))
            self._sleep(min(wait, A_SLICE))
            waited += min(wait, A_SLICE)

    def after(self, allowance: Allowance | None, closed_for: float | None) -> None:
        """A refusal, and what is nearly used up, is written down at once; the rest with the next portion."""
        if allowance is not None:
            self._heard = allowance, self._wall()
            self._portion = self._portion if self._window is not None else 0  # taken before anything was known of a limit
        tight = allowance is not None and allowance.left is not None and allowance.share <= NEARLY
        if closed_for or tight:
            self._noted(closed_for)

    def close(self) -> None:
        if self._store is not None:
            with suppress(sa.exc.OperationalError), self._store.unfenced() as db:
                self._return(db)
                self._tell(db)
            self._store.close()
            self._store = None

    def _taken(self) -> Budget:
        """The budget as it stands, with a portion of it taken where there is one."""
        self._until = self._steady() + GOOD_FOR
        if not self._kept():
            self._portion = PORTION
            return Budget(connection=self._connection)
        try:
            with self._opened().unfenced() as db:
                self._return(db)
                self._tell(db)
                budget = budgets.of(db, self._connection)
                self._take(db, budget)
        except (sa.exc.OperationalError, WrongStore):  # the store is busy, full or damaged: who needs it says so; asking goes on
            budget, self._portion = Budget(connection=self._connection), 1
        self._portion = max(self._portion - 1, 0)
        return budget

    def _take(self, db: sa.Connection, budget: Budget) -> None:
        self._portion = 0 if self._wait(budget) is not None else self._size(budget)
        self._window = budget.resets_at if self._portion and budget.known(self._wall()) else None
        if self._window is not None:
            budgets.took(db, self._connection, self._portion)

    def _return(self, db: sa.Connection) -> None:
        """What is left of the portion, unless its window is over."""
        if self._portion > 0 and self._window is not None:
            budgets.gave_back(db, self._connection, self._portion, self._window)
        self._portion, self._window = 0, None

    def _size(self, budget: Budget) -> int:
        if not budget.known(self._wall()):
            return PORTION
        return max(1, min(PORTION, ((budget.left or 0) - budget.kept(long=self._long)) // PARTS))

    def _wait(self, budget: Budget) -> float | None:
        now = self._wall()
        until = budget.rests_until(now, long=self._long)
        return None if until is None else max((until - now).total_seconds(), 0.0)

    def _said(self, budget: Budget) -> str:
        until = budget.rests_until(self._wall(), long=self._long)
        again = f"; the next may leave at {until:%H:%M:%S}Z" if until else ""
        if budget.known(self._wall()) and budget.left:
            return f"{budget.left:,} of {budget.limit:,} requests are left, which are kept for live work{again}"
        return f"the system allows no more requests for now{again}"

    def _noted(self, closed_for: float | None) -> None:
        if not self._kept():
            return
        try:
            with self._opened().unfenced() as db:
                self._return(db)
                self._tell(db)
                if closed_for:
                    budgets.closed(db, self._connection, self._wall() + timedelta(seconds=closed_for))
        except (sa.exc.OperationalError, WrongStore):
            return  # the caller hears of the refusal all the same

    def _tell(self, db: sa.Connection) -> None:
        if self._heard is not None:
            budgets.heard(db, self._connection, *self._heard)
        self._heard = None

    def _kept(self) -> bool:
        """Whether there is a store; none is begun for a budget."""
        return self._store is not None or Path(self._url.partition(":///")[2]).exists()

    def _opened(self) -> Store:
        if self._store is None:
            self._store = opened(self._url)
        return self._store
