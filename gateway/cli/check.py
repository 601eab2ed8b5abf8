"""`ticketgate check`: everything that is wrong in the files of a desk, at once."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.paths import below, within

if TYPE_CHECKING:
    from gateway.checking import Found
    from rules.problems import Problem

STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "place": "blue",
    "frame": "dim",
    "caret": "red",
    "help": "green",
}


def add_to(app: typer.Typer) -> None:
    app.command("check")(check)


def check(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Show only findings in these files or folders.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors for the exit code.")] = False,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the systems for the groups, users, projects and fields that are named (TG411).")
    ] = False,
    select: Annotated[
        list[str] | None, typer.Option("--select", metavar="CODE", help="Only findings of this code, or that begin so.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="CODE", help="No findings of this code, or that begin so.")
    ] = None,
    format: Annotated[
        Literal["text", "json", "sarif", "github"] | None,
        typer.Option("--format", help="For people, one JSON object a line, SARIF 2.1.0, or annotations in a workflow's log."),
    ] = None,
) -> None:
    """Reads every file of the desk and reports all problems, each with its place and a way out. Touches no ticket.

    Needs neither network nor secret but with --online, which only reads; a system that does not answer is named.
    """
    from gateway.collecting import seldom_collecting

    chosen = options(context)
    below(chosen, paths or [])
    _known([*(select or []), *(ignore or [])])
    with seldom_collecting():
        from gateway.checking import found_in
        from rules.problems import ordered

        found = found_in(chosen.desk, chosen.config)
    everything = ordered((*found.problems, *_of_systems(chosen))) if online and found.loaded else found.problems
    wanted = [p for p in everything if _wanted(p, paths or [], select or [], ignore or [], chosen)]
    _told(wanted, found, chosen, format or chosen.format)
    counted = ("error", "warning") if strict else ("error",)
    raise Ended(Code.FINDINGS if any(p.level in counted for p in wanted) else Code.DONE)


def _wanted(problem: "Problem", paths: Sequence[str], select: Sequence[str], ignore: Sequence[str], chosen: Options) -> bool:
    code, file = problem.code, problem.place.file
    if select and not code.startswith(tuple(select)):
        return False
    if ignore and code.startswith(tuple(ignore)):
        return False
    return within(chosen, file, paths)


def _known(codes: Sequence[str]) -> None:
    """Ends with 2 for a code that there is not: what it selects would be nothing, which looks like a clean desk."""
    from gateway.topics.codes import CODES

    for code in codes:
        if not any(known.startswith(code) for known in CODES):
            hint = "say --select or --ignore once for each code" if "," in code else "ticketgate explain --list shows all"
            raise Ended(Code.USAGE, f"There is no code that begins with '{code}'; {hint}.")


def _of_systems(chosen: Options) -> "Sequence[Problem]":
    """What the systems do not have, less what a comment silences."""
    from gateway.desk import load
    from gateway.logs import set_up
    from gateway.online import missing
    from rules.lint_allowed import allowances, unsilenced
    from rules.reader import rule_files

    loaded = load(chosen.desk, chosen.config)
    if loaded.bundle is None:
        return ()
    set_up(as_json=False, level="critical")
    allowed, _ = allowances({file: loaded.sources[file] for file in rule_files(loaded.sources)}, loaded.bundle.rulesets)
    return unsilenced(missing(loaded), allowed)


def _told(problems: "Sequence[Problem]", found: "Found", chosen: Options, format: str) -> None:
    from gateway.cli.findings import annotations, sarif

    if format == "json":
        _as_json(problems, found)
    elif format == "sarif":
        line(sarif(problems, _base(chosen)))
    elif format == "github":
        for annotation in annotations(problems, _base(chosen)):
            typer.echo(annotation)
    else:
        _as_text(problems, found, chosen)


def _base(chosen: Options) -> str:
    """The desk's folder as seen from here, for programs that look for files from where they stand."""
    folder = Path(os.path.relpath(chosen.desk)).as_posix()
    return "" if folder == "." else f"{folder}/"


def _as_text(problems: Sequence["Problem"], found: "Found", chosen: Options) -> None:
    from rules.problems import pieces, summary

    if problems:
        out = chosen.out()
        for text, style in pieces(problems, found.sources):
            out.print(text, style=STYLES.get(style, ""), end="")
        out.print()
    if not chosen.quiet:
        typer.echo(summary(problems, len(found.sources), found.rules, loaded=found.loaded))


def _as_json(problems: Sequence["Problem"], found: "Found") -> None:
    line(VERSION_LINE)
    for problem in problems:
        line({"type": "finding", **problem.as_json()})
    counts = {level: sum(p.level == level for p in problems) for level in ("error", "warning", "note")}
    line({"type": "summary", "files": len(found.sources), "loaded": found.loaded, **{f"{k}s": v for k, v in counts.items()}})
