"""Progress of long work: a bar on a terminal, a line every 30 seconds elsewhere, as JSON with `--format json`. Always on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import orjson

from gateway.cli.forecast import Forecast
from gateway.cli.options import Options
from gateway.clock import now as wall_now

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY = 30.0  # seconds between lines where there is no terminal
Told: TypeAlias = Callable[[int, str], None]
"""Called with how many are done, and a few words on where it stands."""


@contextmanager
def shown(chosen: Options, what: str, total: int | None = None, before: int = 0) -> Iterator[Told]:
    """Hands out a function to call. `total`: about how many there are; `before`: how many an earlier start did. `--quiet` shows nothing."""
    forecast = Forecast(total, before, time.monotonic())
    if chosen.quiet:
        yield lambda _done, _words: None
    elif sys.stderr.isatty() and not chosen.as_json:
        with _bar(chosen, what, forecast) as told:
            yield told
    else:
        yield _lines(what, forecast, as_json=chosen.as_json)


@contextmanager
def _bar(chosen: Options, what: str, forecast: Forecast) -> Iterator[Told]:
    with _columns(chosen) as bar:
        task = bar.add_task(what, total=forecast.total, words="")

        def told(done: int, words: str) -> None:
            bar.update(task, completed=done, words=f"{forecast.said(done, time.monotonic(), wall_now()).lstrip('; ')}  {words}")

        yield told


def _columns(chosen: Options) -> "Progress":
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f} tickets"), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[words]}"), console=chosen.err(), transient=True)


def _lines(what: str, forecast: Forecast, *, as_json: bool) -> Told:
    """How many, how fast, and where; with JSON the first page is told as well, so that a reader knows how much there is."""
    last = forecast.began if not as_json else -EVERY

    def told(done: int, words: str) -> None:
        nonlocal last
        at = time.monotonic()
        if at - last >= EVERY:
            last = at
            sys.stderr.write(_as_json(what, forecast, done, at) if as_json else _line(what, forecast, done, words, at))
            sys.stderr.flush()

    return told


def _line(what: str, forecast: Forecast, done: int, words: str, at: float) -> str:
    took = at - forecast.began
    pace = f"{(done - forecast.before) / took:.0f} a second" if took else "just begun"
    return f"{what}: {done:,} tickets{forecast.said(done, at, wall_now())}, after {took:.0f} s, {pace}. {words}\n"


def _as_json(what: str, forecast: Forecast, done: int, at: float) -> str:
    said = {"type": "progress", "what": what, **forecast.as_json(done, at, wall_now())}
    return orjson.dumps(said).decode() + "\n"
