"""The formulas of reports: a middle and its spread beside the mean, shares and ages."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TypeVar

T = TypeVar("T")

AGES = tuple(timedelta(days=n) for n in (1, 3, 7, 14, 30))
"""Where one bucket of ages ends and the next begins."""
AGE_NAMES = ("0-1 d", "1-3 d", "3-7 d", "7-14 d", "14-30 d", "> 30 d")


@dataclass(frozen=True, slots=True)
class Spread:
    """`count` amounts. A percentile is the smallest amount that so many in a hundred do not exceed (the nearest rank)."""

    count: int
    mean: timedelta | None = None
    median: timedelta | None = None
    p90: timedelta | None = None
    p95: timedelta | None = None


def spread(amounts: Iterable[timedelta]) -> Spread:
    """Of nothing, only the count."""
    found = sorted(amounts)
    if not found:
        return Spread(0)
    middle = (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2
    return Spread(len(found), sum(found, timedelta()) / len(found), middle, rank(found, 90), rank(found, 95))


def rank(found: Sequence[timedelta], percent: int) -> timedelta:
    """Of amounts in rising order, that at the nearest rank."""
    return found[max(ceil(len(found) * percent / 100), 1) - 1]


def share(part: int, whole: int) -> float | None:
    """Between 0 and 1; None of nothing."""
    return part / whole if whole else None


def ages(amounts: Iterable[timedelta]) -> tuple[int, ...]:
    """How many are in each bucket of `AGES`; a border belongs to the older one."""
    found = [0] * (len(AGES) + 1)
    for amount in amounts:
        found[sum(amount >= border for border in AGES)] += 1
    return tuple(found)


def grouped(items: Iterable[T], by: Callable[[T], str]) -> dict[str, list[T]]:
    """The items by what `by` says of them, the most frequent first, then by name."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for item in items:
        found[by(item)].append(item)
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))
