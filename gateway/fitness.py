"""Whether a desk may take the place of the rules in force: no mistakes in its files, and none of its own tests fails."""

from collections.abc import Sequence

from gateway.desk import Loaded, Unfit
from rules.bundle import Bundle
from rules.problems import errors, ordered
from rules.ticket import replace
from rules.trial import Player, read_trials
from rules.trial_values import Outcome

SHOWN = 5


class FailedTests(Exception):
    """The rules can be read, but tests of the desk fail; the message shows the first of them."""

    def __init__(self, failed: Sequence[Outcome], of: int) -> None:
        super().__init__(_told(failed, of))
        self.failed = failed


def _told(failed: Sequence[Outcome], of: int) -> str:
    lines = [f"{len(failed)} of {of} tests of these rules {'fails' if len(failed) == 1 else 'fail'}:"]
    for outcome in failed[:SHOWN]:
        lines += [f"  ✗ {outcome.name}   {outcome.file}:{outcome.line}", *(f"      {text}" for text in outcome.message.splitlines())]
    if len(failed) > SHOWN:
        lines.append(f"  and {len(failed) - SHOWN} more; `ticketgate test` shows all")
    return "\n".join(lines)


def fit(loaded: Loaded) -> Bundle:
    """The bundle of a desk that may run. Raises `Unfit` with every mistake, those of the test files too, and `FailedTests`."""
    if loaded.bundle is None:
        raise Unfit(loaded)
    trials, problems = read_trials(loaded.sources, loaded.bundle)
    if errors(problems):
        raise Unfit(replace(loaded, problems=ordered([*loaded.problems, *problems])))
    play = Player(loaded.bundle).play
    outcomes = [play(trial) for trial in trials]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        raise FailedTests(failed, len(outcomes))
    return loaded.bundle
