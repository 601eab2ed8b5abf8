"""Tickets in this process's hands: leases that are renewed while the work goes on, and a fence before everything that it writes.

A process may stand still at any moment (a laptop that sleeps, a machine that is moved) and wake up after its lease ran out. Then
its ticket may be in other hands: the store refuses what it still wants to write, and no request leaves.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.clock import Steady, steady
from gateway.store import leases
from gateway.store.leases import LASTS, Hold
from gateway.store.opening import Store
from rules.ticket import TicketRef


class Busy(Exception):
    """Somebody else has the ticket, or its partner, in hand: try again in a moment."""


class Fenced(Busy):
    """We stood still for so long that somebody else may have the ticket: nothing is written or sent any more."""


@dataclass(slots=True)
class _Held:
    """A lease that we have, until when as far as we know."""

    hold: Hold
    until: float


class Holds:
    """The leases of one process. `steady` is a clock that nobody sets; `lasts` seconds is how long a lease holds unrenewed."""

    def __init__(self, store: Store, lasts: float = LASTS, steady: Steady = steady) -> None:
        self._store, self._lasts, self._steady = store, lasts, steady
        self._mine = threading.local()
        self._all: dict[int, _Held] = {}
        self._kept: dict[TicketRef, _Held] = {}

    @property
    def renewal(self) -> float:
        """Seconds after which leases want to be renewed."""
        return self._lasts / 3

    @contextmanager
    def taking(self, which: Callable[[sa.Connection], Sequence[TicketRef]]) -> Iterator[None]:
        """The tickets that `which` finds are this thread's, and its writes are fenced meanwhile. Raises `Busy`, and `Fenced` later."""
        with self._store.writing() as db:
            held = self._taken(db, which(db), str(threading.get_ident()))
        if held is None:
            raise Busy
        self._all[id(held)] = held
        try:
            with self._fenced(held):
                yield
        finally:
            del self._all[id(held)]
            with self._store.writing() as db:
                leases.give_back(db, held.hold)

    @contextmanager
    def keeping(self, ref: TicketRef) -> Iterator[bool]:
        """As `taking`, of a thing that this process keeps in hand afterwards, until `let_go`. False: somebody else has it."""
        held = self._kept.get(ref)
        if held is None or not self._extended(held):
            with self._store.writing() as db:
                held = self._taken(db, [ref], "kept")
        if held is None:
            self._kept.pop(ref, None)
            yield False
            return
        self._kept[ref] = held
        with self._fenced(held):
            yield True

    def let_go(self) -> None:
        """Gives back what was kept."""
        while self._kept:
            _, held = self._kept.popitem()
            with self._store.writing() as db:
                leases.give_back(db, held.hold)

    def renew(self) -> int:
        """Extends everything in hand; how many leases were lost to others."""
        held = [*self._all.values(), *self._kept.values()]
        return sum(not self._extended(one) for one in held)

    def fit(self) -> None:
        """Raises `Fenced` when this thread's lease ran out by now: to be asked right before a request leaves."""
        held: _Held | None = getattr(self._mine, "held", None)
        if held is not None and held.until <= self._steady():
            raise Fenced

    def _taken(self, db: sa.Connection, refs: Sequence[TicketRef], name: str) -> _Held | None:
        now = self._steady()
        hold = leases.take(db, refs, leases.holder(name), now, self._lasts)
        return _Held(hold, now + self._lasts) if hold is not None else None

    @contextmanager
    def _fenced(self, held: _Held) -> Iterator[None]:
        self._mine.held = held
        try:
            with self._store.fenced(lambda db: self._still(db, held)):
                yield
        finally:
            self._mine.held = None

    def _still(self, db: sa.Connection, held: _Held) -> None:
        """Within a transaction: the lease is ours, and is renewed when half of it is gone."""
        late = self._steady() + self._lasts / 2 >= held.until
        until = self._steady() + self._lasts
        if not (leases.extend(db, held.hold, until) if late else leases.stands(db, held.hold)):
            held.until = 0.0
            raise Fenced
        if late:
            held.until = until

    def _extended(self, held: _Held) -> bool:
        until = self._steady() + self._lasts
        with self._store.unfenced() as db:
            if not leases.extend(db, held.hold, until):
                held.until = 0.0
                return False
        held.until = until
        return True
