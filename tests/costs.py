"""What work costs, said against itself: how long a second lasts is another matter on each machine and beside each neighbour."""

import time
from collections.abc import Callable


def cost(work: Callable[[], object], times: int = 3) -> float:
    """The least of some runs, in seconds of this process's CPU."""
    return min(_once(work) for _ in range(times))


def growth(work: Callable[[int], object], least: int, *, by: int = 4, times: int = 3) -> float:
    """How many times what `work(least)` costs `work(by * least)` does: about `by` where it grows with the length, `by`² with its square."""
    return cost(lambda: work(by * least), times) / cost(lambda: work(least), times)


def _once(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
