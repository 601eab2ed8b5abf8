"""The one clock of the gateway: real, or another for the demo and for tests. It arrives as a value; nobody else asks what time it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""

Sleep: TypeAlias = Callable[[float], None]
"""Waits for real seconds."""

Steady: TypeAlias = Callable[[], float]
"""Seconds that only ever go forward, whoever sets the machine's clock."""


def now() -> datetime:
    """The wall's time."""
    return datetime.now(UTC)


def tick() -> int:
    """Nanoseconds of the machine's own clock, however fast another is made to run: tells one moment of a process from the next."""
    return time.time_ns()


def steady() -> float:
    """Seconds since the machine was started, its sleep included: the same for all its processes, and nobody sets it."""
    return time.clock_gettime(BOOT) if BOOT is not None else time.monotonic()


BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def real() -> Clock:
    return now


@dataclass(slots=True)
class Skipping:
    """A clock that runs like another one, and skips what it is told to: in the demo, the minutes in which nothing happens."""

    under: Clock
    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return self.under() + self.ahead

    def skip(self, by: timedelta) -> None:
        """Raises `ValueError` for a way back: what was stamped would be to come."""
        if by < timedelta(0):
            raise ValueError("a clock must go forward")
        self.ahead += by


def running(start: datetime, speed: float, since: float) -> Clock:
    """A clock that stood at `start` when the wall showed `since` (Unix seconds), and runs `speed` times as fast as the wall.

    Two processes with the same three values show the same time: so the sandboxes and the daemon agree.
    """
    if speed <= 0:
        raise ValueError(f"a clock must go forward; its speed was {speed:g}")

    def shown() -> datetime:
        return start + timedelta(seconds=(time.time() - since) * speed)

    return shown


def written(start: datetime, speed: float, since: float) -> str:
    """The three values of a running clock as text, for the environment of another process."""
    return f"{start.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}@{speed:g}x@{since!r}"


def starting(start: datetime, speed: float) -> str:
    """A clock that stands at `start` now, as text."""
    return written(start, speed, time.time())


def from_text(text: str | None) -> Clock:
    """The clock that `written` described; the real one for nothing. Raises `ValueError` with the form that is understood."""
    if not text:
        return now
    try:
        start, speed, since = text.split("@")
        moment = datetime.fromisoformat(start)
        return running(moment if moment.tzinfo else moment.replace(tzinfo=UTC), float(speed.removesuffix("x")), float(since))
    except ValueError:
        raise ValueError(f"'{text}' is not a clock; write START@SPEEDx@UNIX-SECONDS, like 2026-03-02T08:00:00Z@120x@1772438400") from None
