"""The open time of some years in a row, ready to be asked: how much of it lies between two moments, and where an amount of it ends."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.opening import Spans, merged, moment

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Index:
    """Open spans of the years `first` to `last` with the open time before each, in UTC. `bases` are the starts less that time.

    Moments and not numbers: comparing two moments in one zone costs no more, and turning them into numbers and back more than the rest.
    """

    first: int
    last: int
    lo: datetime
    hi: datetime
    starts: list[datetime]
    ends: list[datetime]
    sums: list[timedelta]
    bases: list[datetime]

    @classmethod
    def over(cls, first: int, last: int, year: Callable[[int], Spans], instant: Callable[[datetime], int]) -> "Index":
        spans = [(moment(s), moment(e)) for s, e in merged(span for y in range(first, last + 1) for span in year(y))]
        sums, total = [], NOTHING
        for start, end in spans:
            sums.append(total)
            total += end - start
        lo, hi = instant(datetime(first, 1, 1)), instant(datetime(last + 1, 1, 1))  # noqa: DTZ001 - wall time
        bases = [start - before for (start, _), before in zip(spans, sums, strict=True)]
        return cls(first, last, moment(lo), moment(hi), [s for s, _ in spans], [e for _, e in spans], sums, bases)

    def position(self, t: datetime) -> timedelta:
        """Open time before `t`, counted from the start of the index."""
        i = bisect_right(self.starts, t) - 1
        return min(t, self.ends[i]) - self.bases[i] if i >= 0 else NOTHING

    def between(self, a: datetime, b: datetime) -> timedelta:
        """Open time from `a` to `b`: two positions, without the calls."""
        starts, ends, bases = self.starts, self.ends, self.bases
        i, j = bisect_right(starts, a) - 1, bisect_right(starts, b) - 1
        if j < 0:
            return NOTHING
        until = (b if b < ends[j] else ends[j]) - bases[j]
        return until - ((a if a < ends[i] else ends[i]) - bases[i]) if i >= 0 else until

    def reached(self, t: datetime, amount: timedelta) -> datetime | None:
        """The earliest moment at which so much open time has passed since `t`; None when these years have too little."""
        i = bisect_right(self.starts, t) - 1
        wanted = amount + ((t if t < self.ends[i] else self.ends[i]) - self.bases[i]) if i >= 0 else amount
        i = bisect_left(self.sums, wanted) - 1
        if i < 0:
            return None
        end = self.bases[i] + wanted
        return end if end <= self.ends[i] else None
