"""Progress of long work: a bar on a terminal, a line every 30 seconds elsewhere. Always on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.cli.options import Options

EVERY = 30.0  # seconds between lines where there is no terminal


@contextmanager
def shown(chosen: Options, what: str) -> Iterator[Callable[[int, str], None]]:
    """Hands out a function to call with how many are done, and a few words on where it stands. `--quiet` shows nothing."""
    if chosen.quiet:
        yield lambda _done, _words: None
    elif sys.stderr.isatty() and not chosen.as_json:
        with _bar(chosen, what) as told:
            yield told
    else:
        yield _lines(what)


@contextmanager
def _bar(chosen: Options, what: str) -> Iterator[Callable[[int, str], None]]:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} tickets"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[words]}"), console=chosen.err(), transient=True) as bar:
        task = bar.add_task(what, total=None, words="")
        yield lambda done, words: bar.update(task, completed=done, words=words)


def _lines(what: str) -> Callable[[int, str], None]:
    """The vendors say no total, so there is no percentage: how many, how fast, and where."""
    began = time.monotonic()
    last = [began]

    def told(done: int, words: str) -> None:
        now = time.monotonic()
        if now - last[0] >= EVERY:
            last[0] = now
            sys.stderr.write(f"{what}: {done:,} tickets after {now - began:.0f} s, {done / (now - began):.0f} a second. {words}\n")
            sys.stderr.flush()

    return told
