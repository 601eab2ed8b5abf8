"""Named places at which a test can end the process as kill -9 does. They do nothing unless the environment names one.

`TICKETGATE_FAILPOINT=after-send` kills at the first pass over that point, `after-send:3` at the third; `after-send:1:stop` stops the
process there, as a machine that sleeps does, until somebody lets it go on.
"""

import os
import signal
from dataclasses import dataclass

NAMES = (
    "after-poll",
    "before-intend",
    "after-intend",
    "before-send",
    "after-send",
    "before-commit",
    "after-commit",
    "before-saw",
    "after-saw",
    "after-turn",
    "before-page",
    "after-page",
)
"""All points, in the order in which one ticket passes them; the last two are a backfill's, the one before them is the pager's."""

FILE_NAMES = ("file-intended", "file-sent")
"""Between `before-send` and `after-send` of a file: its checksum is known and recorded; it was sent."""


@dataclass
class _Countdown:
    name: str = ""
    left: int = 0
    ends_by: signal.Signals = signal.SIGKILL

    @classmethod
    def of_environment(cls) -> "_Countdown":
        name, nth, how = (*os.environ.get("TICKETGATE_FAILPOINT", "").split(":"), "", "")[:3]
        return cls(name, int(nth or 1), signal.SIGSTOP if how == "stop" else signal.SIGKILL)


def points() -> "Points":
    """The points of this process, with the environment's choice read once."""
    return Points(_Countdown.of_environment())


class Points:
    """Call it with a point's name where the process may die in a test."""

    def __init__(self, countdown: _Countdown) -> None:
        self._countdown = countdown

    def __call__(self, name: str) -> None:
        if name != self._countdown.name:
            return
        self._countdown.left -= 1
        if self._countdown.left == 0:
            os.kill(os.getpid(), self._countdown.ends_by)


def never(name: str) -> None:
    """For those who need no points."""
