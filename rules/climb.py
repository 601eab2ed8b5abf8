"""One run of a clock, and how it came to stand as it does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from rules.policy import Target
from rules.promises import Ruling
from rules.run import Run, Stretch
from rules.ticket import TicketRef, Value

How: TypeAlias = Literal["stopped", "cancelled", "merged", "not_applicable", "superseded"]
"""How a climb came to its end; a stopped one was met or breached."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A target by which the clock was judged for a time; `due_at` is where its deadline lay when it was replaced."""

    target: Target
    since: datetime
    until: datetime
    due_at: datetime | None
    breached: bool


class Inherited(Struct, frozen=True):
    """A clock went on at `at` where that of the ticket stood from which its own was split. `ended_at`: that one had been settled then."""

    origin: TicketRef
    at: datetime
    ended_at: datetime | None = None


class Climb(Struct):
    """One run of a clock, while it is walked."""

    instance: int
    started_at: datetime
    ruling: Ruling
    since: datetime  # from when this ruling holds
    stretches: list[Stretch] = []
    ended_at: datetime | None = None
    how: How | None = None
    by_settling: bool = False  # it stopped because the ticket was settled, so that a reopening concerns it
    paused: bool = False  # between a pause and the `resume` that it waits for
    superseded: list[Superseded] = []
    ended: list[tuple[datetime, Run, datetime]] = []  # earlier stops of a clock that resumed, and when it did
    held: dict[str, Value] = {}  # what targets are chosen by, where ticketgate itself changed it
    inherited: Inherited | None = None

    @property
    def active(self) -> bool:
        return self.ended_at is None

    def run(self) -> Run:
        return Run(self.started_at, tuple(self.stretches), self.ended_at)

    def turn(self, at: datetime, runs: bool) -> None:
        """From `at` on it runs, or rests."""
        at = max(at, self.started_at)
        open_now = bool(self.stretches) and self.stretches[-1].until is None
        if runs and not open_now:
            self._begin(at)
        elif not runs and open_now:
            self._close(at)

    def _begin(self, at: datetime) -> None:
        last = self.stretches[-1] if self.stretches else None
        if last is not None and last.until == at and last.calendar is self.ruling.calendar:
            self.stretches[-1] = Stretch(last.since, None, last.calendar)
        else:
            self.stretches.append(Stretch(at, None, self.ruling.calendar))

    def _close(self, at: datetime) -> None:
        last = self.stretches.pop()
        if last.since < at:
            self.stretches.append(Stretch(last.since, at, last.calendar))

    def end(self, at: datetime, how: How) -> None:
        self.turn(at, False)
        self.ended_at, self.how = max(at, self.started_at), how
