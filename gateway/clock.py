"""The one clock of the gateway: real, or running fast for the demo. It arrives as a value; nobody else asks what time it is."""

import time
from collections.abc import Callable
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


def running(start: datetime, speed: float, since: float) -> Clock:
    """A clock that stood at `start` when the wall showed `since` (Unix seconds), and runs `speed` times as fast as the wall.

    Two processes with the same three values show the same time: so the sandboxes and the daemon of the demo agree.
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
