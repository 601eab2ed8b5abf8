"""When the garbage of cycles is looked for: seldom, where much is made at once and nothing of it is cyclic."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def begun() -> None:
    """A command begins: what the start has made is there to stay and is not looked at again; from now on there may be garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """The cyclic garbage collector is a fifth of the cost of a large read or of a short run, in which next to nothing is cyclic."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
