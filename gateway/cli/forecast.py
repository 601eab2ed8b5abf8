"""When long work ends: by how much there is, and how much was done since it began."""

from dataclasses import dataclass
from datetime import datetime, timedelta

AFTER = 5.0
"""Seconds of work before anything is foretold: the first page says little about the rest."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`total` is about how much there is, None where nobody says; `before` was done by an earlier start, when `began` (seconds) came."""

    total: int | None
    before: int = 0
    began: float = 0.0

    def left(self, done: int, now: float) -> float | None:
        """The seconds that are left at this pace, rests included; None before there is a pace, and where nobody says how much there is."""
        took, here = now - self.began, done - self.before
        if self.total is None or here <= 0 or took < AFTER:
            return None
        return took / here * max(self.total - done, 0)

    def said(self, done: int, now: float, wall: datetime) -> str:
        """` of about 48,000; ends about 14:05Z (in 2 min)`, as far as that can be told."""
        total = f" of about {self.total:,}" if self.total is not None and self.total >= done else ""
        left = self.left(done, now)
        return total + (f"; ends about {wall + timedelta(seconds=left):%H:%M}Z (in {_in_words(left)})" if left is not None else "")

    def as_json(self, done: int, now: float, wall: datetime) -> dict[str, object]:
        left = self.left(done, now)
        ends = wall + timedelta(seconds=left) if left is not None else None
        return {"done": done, "total": self.total, "ends_at": ends.isoformat(timespec="seconds") if ends else None}


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
