"""What a report is: rows of figures, and beside them the clock, the period, the population and what was left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from rules.calendar import Calendar
from rules.figures import Spread
from rules.lives import Life

Cell: TypeAlias = str | int | float | timedelta | None
Kind: TypeAlias = Literal["text", "count", "amount", "share"]


@dataclass(frozen=True, slots=True)
class Column:
    """`amount` cells are durations, `share` cells lie between 0 and 1."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A value: every way to show it shows the same. `drawn` names the columns of its chart, against those of text."""

    name: str
    title: str
    clock: str
    period: str
    population: str
    excluded: tuple[tuple[str, int], ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    drawn: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # what a reader of the figures must know besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is asked: from `since` until before `until`. `group` says into which row a ticket goes, `by` how it is called."""

    since: datetime
    until: datetime
    now: datetime
    by: str | None = None
    group: Callable[[Life], str] = field(default=lambda life: "all")
    hours: Calendar | None = None  # business time as well, where the desk has a default calendar
    hours_name: str = ""
    one_touch: timedelta = timedelta(days=7)
    repeat_key: Callable[[Life], tuple[str, ...] | None] = field(default=lambda life: None)
    repeat_named: str = ""
    repeat_within: timedelta = timedelta(days=30)

    @property
    def named(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"

    def within(self, at: datetime | None) -> bool:
        return at is not None and self.since <= at < self.until

    def groups(self, lives: Sequence[Life]) -> dict[str, list[Life]]:
        """All of them, then each group of its own where one is asked for."""
        from rules.figures import grouped

        parts = grouped(lives, self.group) if self.by else {}
        return {"all": list(lives), **parts}

    def clocks(self) -> list[tuple[str, Callable[[datetime, datetime], timedelta]]]:
        """The ways in which time is counted, by name."""
        counted: list[tuple[str, Callable[[datetime, datetime], timedelta]]] = [("calendar", lambda start, end: end - start)]
        return [*counted, ("business", self.hours.elapsed)] if self.hours is not None else counted

    @property
    def counted(self) -> str:
        business = f"; business: open time of '{self.hours_name}'" if self.hours is not None else ""
        return f"calendar: elapsed time{business}"


SPREAD = (Column("count", "count"), *(Column(name, "amount") for name in ("mean", "median", "p90", "p95")))


def cells(of: Spread) -> tuple[Cell, ...]:
    """A spread in the columns of `SPREAD`."""
    return of.count, of.mean, of.median, of.p90, of.p95
