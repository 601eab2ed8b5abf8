"""Processes to be killed, forked from one that has imported what they need: each starts in milliseconds, and dies alone all the same."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from connectors import BUILT_IN
from gateway.store.leases import LASTS
from tests.gateway import driver

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["tests.gateway.driver", "gateway.cli.app", "gateway.settings", *(place.partition(":")[0] for place in BUILT_IN.values()), "pytest"]
)


class Forked:
    """A process that does what it is given; it ends as its function does."""

    def __init__(self, does: Callable[..., None], *arguments: object) -> None:
        self._process = FORKS.Process(target=does, args=arguments)
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


def driven(command: str, folder: Path, failpoint: str = "", lease: float = LASTS) -> Forked:
    """What `python -m tests.gateway.driver` does."""
    return Forked(_driven, command, folder, failpoint, lease)


def ticketgate(*arguments: str, env: Mapping[str, str]) -> Forked:
    """What the program does, called with these arguments in this environment."""
    return Forked(_ticketgate, arguments, dict(env))


def _driven(command: str, folder: Path, failpoint: str, lease: float) -> None:
    os.environ["TICKETGATE_FAILPOINT"] = failpoint
    driver.main(command, folder, lease)


def _ticketgate(arguments: tuple[str, ...], env: dict[str, str]) -> None:
    from gateway.cli import main

    os.environ.update(env)
    sys.argv = ["ticketgate", *arguments]
    main()
