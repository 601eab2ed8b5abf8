"""Where a target ends: so much counted time after the start, or so many business days."""

from datetime import datetime, timedelta
from typing import Literal

from rules.policy import Target
from rules.promises import Ruling
from rules.run import NO_TIME, Run


def judged(
    run: Run, ruling: Ruling, boundary: Literal["close", "next_open"] = "close", counted: timedelta | None = None
) -> tuple[datetime | None, timedelta]:
    """The deadline, and the counted time that the target gives; in business days the open time between start and first deadline.

    `counted` is what the run has counted altogether, where that is known already.
    """
    within = ruling.target.within
    if within is not None and by_days(ruling.target):
        first = day_deadline(ruling, run.started_at)
        due, amount = _due_by_days(run, ruling, first), ruling.calendar.elapsed(run.started_at, first)
    else:
        amount = within.time if within is not None else NO_TIME
        due = _due(run, ruling, amount, counted)
    return (ruling.calendar.next_open(due) if due is not None and boundary == "next_open" else due), amount


def by_days(target: Target) -> bool:
    return target.within is not None and (bool(target.within.days) or target.end_of_day or target.by is not None)


def deadline(run: Run, ruling: Ruling, boundary: Literal["close", "next_open"] = "close") -> datetime | None:
    """The earliest moment at which the target is used up; None while the clock is held before it. Of a stopped one, where it was."""
    return judged(run, ruling, boundary)[0]


def _due(run: Run, ruling: Ruling, amount: timedelta, counted: timedelta | None) -> datetime | None:
    if run.stopped_at is not None and counted is not None and counted < amount:
        return ruling.calendar.add(run.stopped_at, amount - counted)
    at = run.reached(amount)
    if at is not None or run.stopped_at is None:
        return at
    left = amount - run.elapsed(run.stopped_at)
    return ruling.calendar.add(run.stopped_at, left) if left > NO_TIME else run.stopped_at


def day_deadline(ruling: Ruling, start: datetime) -> datetime:
    """So many business days on at the same time of day, at the hour named, or at the end of that day."""
    calendar, target = ruling.calendar, ruling.target
    days = target.within.days if target.within else 0
    if not days and (target.by is not None or target.end_of_day):
        start = calendar.next_open(start)
    day = calendar.add_days(start, days)
    if target.end_of_day:
        return calendar.end_of_day(calendar.local_date(day))
    if target.by is not None:
        return calendar.at_time(calendar.local_date(day), target.by)
    return calendar.add(day, target.within.time) if target.within and target.within.time else day


def _due_by_days(run: Run, ruling: Ruling, first: datetime) -> datetime | None:
    """The open time of the pauses before the deadline is added to it afterwards."""
    if run.runs_until(first):
        return first
    due, paused = first, NO_TIME
    for start, end in run.pauses():
        if start > due:
            break
        if end is None:
            return None
        paused += ruling.calendar.elapsed(start, end)
        due = ruling.calendar.add(first, paused) if paused else first
    return due
