"""Which failures to wait on, and how long: the one retry of the house, for `Transient` alone."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import tenacity

from connectors.errors import Transient
from gateway.clock import Sleep
from gateway.store.connections import Standing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker waits for one call: at most `tries`, `longest` seconds at a time and `budget` seconds in all.

    A vendor that asks for more than `longest` is not waited for: the call ends with its `Transient`, and the caller pauses the
    connection. `sleep` waits for real seconds.
    """

    tries: int = 5
    first: float = 0.5
    longest: float = 20.0
    budget: float = 60.0
    sleep: Sleep = field(default=time.sleep)

    def __call__(self, ask: Callable[[], T]) -> T:
        """What `ask` gives, asked again after each `Transient` as long as there is patience; then that `Transient`."""
        policy = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            wait=self._wait,
            stop=self._enough,
            sleep=self.sleep,
            reraise=True,
        )
        return policy(ask)

    def after(self, error: Transient, tries: int, longest: float) -> float | None:
        """The seconds to wait after so many failures in a row, of at most `longest` where the vendor named them; None: no more patience."""
        asked = error.retry_after
        if tries >= self.tries or (asked or 0.0) > longest:
            return None
        return asked if asked is not None else min(self.longest, self.first * 2.0 ** (tries - 1))

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """The vendor's own time where it gave one; else twice as long each time. Jittered, so that not all come back at once."""
        asked = _asked(state)
        if asked is not None:
            return asked + random.uniform(0.0, 0.1 * asked)  # noqa: S311 - spreads requests, guards nothing
        doubled = min(self.longest, self.first * 2.0 ** int(state.attempt_number - 1))
        return float(doubled) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, guards nothing

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        waited = state.idle_for + (_asked(state) or 0.0)
        return state.attempt_number >= self.tries or (_asked(state) or 0.0) > self.longest or waited > self.budget


def _asked(state: tenacity.RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, Transient) else None


class Halted(Transient):
    """A person has stopped writing there: it waits until somebody lets it go on, and no connection is to blame."""


def not_while_it_rests(there: Standing, now: datetime) -> None:
    """Raises `Transient`, with what is left of the pause, for a connection of which nothing may be asked at `now` (the wall's time)."""
    if there.rests(now):
        seconds = (there.paused_until - now).total_seconds() if there.paused_until else None
        raise Transient(there.connection, there.error or "the connection rests", seconds)


def rest_after(error: Transient) -> float:
    """For how many seconds a connection rests when patience is at its end: as the vendor asked, else half a minute."""
    return error.retry_after if error.retry_after is not None else 30.0


def probed(there: Standing, error: Transient) -> Transient:
    """The failure of a connection that was paused and has not answered since: it says to wait for a whole rest, so nobody tries again."""
    if there.state != "paused" or error.retry_after is not None:
        return error
    return Transient(error.connection, error.message, rest_after(error))
