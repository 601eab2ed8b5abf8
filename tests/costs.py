"""What work costs, said against itself: how long a second lasts is another matter on each machine and beside each neighbour."""

import gc
import math
import time
from collections.abc import Callable


def cost(work: Callable[[], object], times: int = 3) -> float:
    """The least of some runs, in seconds of this process's CPU."""
    return min(_once(work) for _ in range(times))


def growth(work: Callable[[int], object], least: int, *, by: int = 4, times: int = 3) -> float:
    """How many times what `work(least)` costs `work(by * least)` does: about `by` where it grows with the length, `by`² with its square.

    Neighbours only ever add to a cost, so what looks like more than growth with the length is measured again, twice at most.
    """
    large = small = math.inf
    for _ in range(3):
        large, small = min(large, cost(lambda: work(by * least), times)), min(small, cost(lambda: work(least), times))
        if large < NEAR * by * small:
            break
    return large / small


NEAR = 1.5


def _once(work: Callable[[], object]) -> float:
    """What this process held before is kept out of the garbage collector's walks: they would be counted as work."""
    gc.freeze()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.unfreeze()
