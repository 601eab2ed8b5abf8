"""`ticketgate test`: the examples in a desk's tests/, played with a simulated clock; no network, no database."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended, in_words
from gateway.cli.options import Options, options
from gateway.cli.paths import below, within
from gateway.cli.trial_reports import Format, Played, report

if TYPE_CHECKING:
    from rules.bundle import Bundle
    from rules.trial_values import Trial

BETWEEN = 0.3
"""Seconds between two looks at the files."""


def add_to(app: typer.Typer) -> None:
    app.command("test")(play)


def play(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Only the tests in these files or folders.")] = None,
    named: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only tests whose name holds this text.")] = "",
    coverage: Annotated[
        bool, typer.Option("--coverage", help="List rules that no test fires, and single tests inside `any` that never decided anything.")
    ] = False,
    fail_under: Annotated[
        float | None, typer.Option("--fail-under", min=0, max=100, metavar="N", help="End with 1 when fewer than N % of the rules fire.")
    ] = None,
    record: Annotated[
        str | None,
        typer.Option("--record", metavar="REF", help="Write a test from a real ticket, personal data replaced; PATH names the file."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again whenever a file of the desk changes, until Ctrl-C.")] = False,
    format: Annotated[
        Format | None, typer.Option("--format", help="For people, one JSON object a line, or JUnit's XML for a build server.")
    ] = None,
) -> None:
    """Plays the rule tests of the desk. Ends with 1 when one fails, with 3 when the rules or the tests cannot be read."""
    chosen = options(context)
    if record is not None:
        if watch or coverage or fail_under is not None or named:
            raise Ended(Code.USAGE, "--record writes a test and runs that one alone; only a PATH goes with it.")
        from gateway.cli.recording import recorded

        recorded(chosen, record, paths or [])
        return
    below(chosen, paths or [])
    asked = _Asked(paths or [], named, coverage or fail_under is not None, fail_under or 0.0, format or chosen.format)
    if watch:
        _watched(chosen, asked)
    raise Ended(_once(chosen, asked))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which tests, and how to tell of them."""

    paths: Sequence[str]
    named: str
    coverage: bool
    fail_under: float
    format: Format


def _once(chosen: Options, asked: _Asked) -> Code:
    bundle, trials = read(chosen)
    wanted = [t for t in trials if asked.named.casefold() in t.name.casefold() and within(chosen, t.place.file, asked.paths)]
    if not wanted:
        raise Ended(Code.USAGE, "No test was found. They are the *.test.yaml below tests/; config/README.md shows one.")
    played = _played(bundle, wanted, coverage=asked.coverage)
    report(chosen, played, asked.format)
    low = played.covered is not None and played.covered.percent < asked.fail_under
    if low and played.covered is not None:
        chosen.err().print(f"Only {played.covered.percent:.1f} % of the rules fire in a test, not {asked.fail_under:g} %.", style="red")
    return Code.FINDINGS if played.failed or low else Code.DONE


def _played(bundle: "Bundle", trials: "Sequence[Trial]", *, coverage: bool) -> Played:
    from rules.coverage import Coverage
    from rules.trial import Player

    covered = Coverage() if coverage else None
    player, began, outcomes = Player(bundle, covered), time.perf_counter(), []
    for trial in trials:
        start = time.perf_counter()
        outcomes.append((player.play(trial), time.perf_counter() - start))
    return Played(tuple(outcomes), time.perf_counter() - began, covered.of(bundle) if covered else None)


def _watched(chosen: Options, asked: _Asked) -> None:
    """Runs the tests at every change. Ctrl-C ends it, with 130 as everywhere."""
    from gateway.reloading import stamp_of
    from rules.problems import Mistakes

    seen: object = None
    while True:
        now = stamp_of(chosen.desk, chosen.config_file)
        if now == seen:
            time.sleep(BETWEEN)
            continue
        seen = now
        try:
            _once(chosen, asked)
        except (Mistakes, Ended) as error:  # half-written files: the next change may mend them
            chosen.err().print(in_words(error), style="red")
        chosen.err().print("Waiting for changes; Ctrl-C ends it.", style="dim")


def read(chosen: Options) -> "tuple[Bundle, Sequence[Trial]]":
    """The rules and the tests, or every mistake in either. Ends with 3."""
    from gateway.desk import Unfit, load
    from rules.problems import Mistakes, errors, rendered
    from rules.trial import read_trials

    loaded = load(chosen.desk, chosen.config)
    if loaded.bundle is None:
        raise Unfit(loaded)
    trials, problems = read_trials(loaded.sources, loaded.bundle)
    if errors(problems):
        raise Ended(Code.NOT_LOADED, rendered(Mistakes(errors(problems)).problems, loaded.sources))
    return loaded.bundle, trials
