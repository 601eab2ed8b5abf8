"""One climb of a clock as time: the stretches in which it ran, each with the calendar that counted it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from rules.calendar import Calendar

NO_TIME = timedelta(0)


class Stretch(Struct, frozen=True):
    """The clock ran from `since` to `until` (None: it runs now), and `calendar` says how much of that counts."""

    since: datetime
    until: datetime | None
    calendar: Calendar


class Run(Struct, frozen=True):
    """The start of a climb, its stretches by time, and its stop."""

    started_at: datetime
    stretches: tuple[Stretch, ...]
    stopped_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.stopped_at is None and bool(self.stretches) and self.stretches[-1].until is None

    def runs_until(self, at: datetime) -> bool:
        """Whether it ran from its start to that moment without a pause."""
        first = self.stretches[0] if self.stretches else None
        return first is not None and first.since == self.started_at and (first.until is None or at <= first.until)

    def pauses(self) -> Iterator[tuple[datetime, datetime | None]]:
        """The stretches between its start and its stop in which it did not run; an open end: it is paused now."""
        last: datetime | None = self.started_at
        for stretch in self.stretches:
            if last is not None and last < stretch.since:
                yield last, stretch.since
            last = stretch.until
        if last is not None and last != self.stopped_at:
            yield last, self.stopped_at

    def elapsed(self, now: datetime) -> timedelta:
        """Counted time, up to `now`."""
        if len(self.stretches) == 1 and self.stretches[0].until is None:
            return self.stretches[0].calendar.elapsed(self.stretches[0].since, now)
        total = NO_TIME
        for stretch in self.stretches:
            total += stretch.calendar.elapsed(stretch.since, now if stretch.until is None else min(stretch.until, now))
        return total

    def real(self, now: datetime) -> timedelta:
        """Time by the wall clock in which it ran, up to `now`."""
        ends = (now if stretch.until is None else min(stretch.until, now) for stretch in self.stretches)
        return sum((max(end - stretch.since, NO_TIME) for stretch, end in zip(self.stretches, ends, strict=True)), NO_TIME)

    def open(self, calendar: Calendar, now: datetime) -> timedelta:
        """Open time of one calendar in which it ran, up to `now`."""
        ends = (now if stretch.until is None else min(stretch.until, now) for stretch in self.stretches)
        return sum((calendar.elapsed(stretch.since, end) for stretch, end in zip(self.stretches, ends, strict=True)), NO_TIME)

    def reached(self, amount: timedelta) -> datetime | None:
        """The earliest moment at which so much time has counted; None when it was held or stopped before.

        What happens at that very moment comes first: a pause or stop then means that it was not reached.
        """
        for stretch in self.stretches:
            if stretch.until is None:
                return stretch.calendar.add(stretch.since, amount)
            counted = stretch.calendar.elapsed(stretch.since, stretch.until)
            if counted >= amount:
                at = stretch.calendar.add(stretch.since, amount)
                if at < stretch.until:
                    return at
            amount -= counted
        return None
