"""`ticketgate test`: the examples in a desk's tests/, played with a simulated clock; no network, no database."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.paths import below, within

if TYPE_CHECKING:
    from rules.bundle import Bundle
    from rules.trial_values import Outcome, Trial


def add_to(app: typer.Typer) -> None:
    app.command("test")(play)


def play(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Only the tests in these files or folders.")] = None,
    named: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only tests whose name holds this text.")] = "",
    format: Annotated[
        Literal["text", "json"] | None, typer.Option("--format", help="As the option of the same name before the command.")
    ] = None,
) -> None:
    """Plays the rule tests of the desk. Ends with 1 when one fails, with 3 when the rules or the tests cannot be read."""
    from rules.trial import run

    chosen, began = options(context), time.monotonic()
    below(chosen, paths or [])
    bundle, trials = _read(chosen)
    wanted = [t for t in trials if named.casefold() in t.name.casefold() and within(chosen, t.place.file, paths or [])]
    if not wanted:
        raise Ended(Code.USAGE, "No test was found. They are the *.test.yaml below tests/; config/README.md shows one.")
    outcomes = [run(trial, bundle) for trial in wanted]
    if (format or chosen.format) == "json":
        _as_json(outcomes)
    else:
        _as_text(chosen, outcomes, time.monotonic() - began)
    raise Ended(Code.DONE if all(o.passed for o in outcomes) else Code.FINDINGS)


def _read(chosen: Options) -> "tuple[Bundle, Sequence[Trial]]":
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


def _as_text(chosen: Options, outcomes: "Sequence[Outcome]", seconds: float) -> None:
    out = chosen.out()
    for outcome in outcomes:
        if outcome.passed and not chosen.quiet:
            out.print(f"✓ {outcome.name}", style="green")
        if not outcome.passed:
            out.print(f"✗ {outcome.name}   {outcome.file}:{outcome.line}", style="bold red")
            for text in outcome.message.splitlines():
                out.print(f"    {text}")
    failed = sum(not o.passed for o in outcomes)
    if failed or not chosen.quiet:
        out.print()
    out.print(f"{len(outcomes) - failed} passed, {failed} failed in {seconds:.2f} s.", style="bold red" if failed else "bold green")


def _as_json(outcomes: "Sequence[Outcome]") -> None:
    line(VERSION_LINE)
    for o in outcomes:
        outcome = "passed" if o.passed else "error" if o.error else "failed"
        line({"type": "test", "name": o.name, "file": o.file, "line": o.line, "outcome": outcome, "message": o.message})
    failed = sum(not o.passed for o in outcomes)
    line({"type": "summary", "passed": len(outcomes) - failed, "failed": failed})
