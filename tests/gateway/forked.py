"""Processes to be killed, forked from one that has imported what they need: each starts in milliseconds, and dies alone all the same."""

import multiprocessing
import os
import signal
from pathlib import Path

from tests.gateway import driver

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.gateway.driver", "pytest"])


class Forked:
    """A process that does what `python -m tests.gateway.driver` does."""

    def __init__(self, command: str, folder: Path, failpoint: str = "", lease: float = driver.LASTS) -> None:
        self._process = FORKS.Process(target=_driven, args=(command, folder, failpoint, lease))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def runs(self) -> bool:
        return self._process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        if self.runs():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float = 60.0) -> int:
        """How it ended: a signal's number below zero. Fails when it did not."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "it did not end"
        return self._process.exitcode


def _driven(command: str, folder: Path, failpoint: str, lease: float) -> None:
    os.environ["TICKETGATE_FAILPOINT"] = failpoint
    driver.main(command, folder, lease)
