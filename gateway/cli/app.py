"""The commands and the options that all of them share."""

import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from types import FrameType
from typing import Annotated, Any, Literal, cast

import typer

from gateway.cli import (
    approvals,
    backfill,
    check,
    completion,
    connections,
    daemon,
    database,
    demo,
    diff,
    doctor,
    explain,
    fmt,
    halting,
    holidays,
    init,
    pages,
    plan,
    reload,
    report,
    rules,
    sandbox,
    schema,
    secret,
    sla,
    sla_ahead,
    status,
    template,
    ticket,
    trials,
    why,
)
from gateway.cli.ending import Code, code_of, in_words
from gateway.cli.options import Options
from gateway.cli.streams import printable
from gateway.collecting import begun

USAGE = cast(
    "type[typer.BadParameter]", typer.BadParameter.__mro__[2]
)  # Typer brings a Click of its own, whose base for wrong usage it does not hand out
SHARED = ("-C", "--project", "-c", "--config", "--format", "-q", "--quiet", "-v", "--verbose", "--color", "--no-input")
app = typer.Typer(
    name="ticketgate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for group in (
    init,
    demo,
    sandbox,
    check,
    explain,
    fmt,
    schema,
    holidays,
    sla,
    sla_ahead,
    trials,
    plan,
    backfill,
    daemon,
    reload,
    diff,
    why,
    rules,
    ticket,
    connections,
    status,
    report,
    halting,
    pages,
    approvals,
    doctor,
    secret,
    template,
    database,
    completion,
):
    group.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ticketgate {version('ticketgate')}")
        raise typer.Exit


@app.callback()
def shared(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(
            "-C", "--project", metavar="DIR", help="The desk's folder. Else this folder when it holds ticketgate.yaml, else ./config."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("-c", "--config", metavar="FILE", envvar="TICKETGATE_CONFIG", help="Instead of the desk's ticketgate.yaml."),
    ] = None,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="For people, or one JSON object a line.")] = "text",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only results and failures.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="More of what happens.")] = False,
    color: Annotated[Literal["auto", "always", "never"], typer.Option("--color", help="NO_COLOR is respected.")] = "auto",
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask: what would need an answer ends with code 7.")] = False,
    shows_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version, and nothing else.")
    ] = False,
) -> None:
    """Reads tickets from several systems, holds them against rules in YAML, and routes, answers, escalates and keeps them in step.

    Each command has its own --help.

    Exit codes: 0 done, 1 findings, 2 usage, 3 not loaded, 4 refused by a system, 5 unreachable, 6 partly done, 7 refused for safety, 8 no
    such thing, 10 changes are pending, 70 a defect of ticketgate, 130 interrupted, 143 stopped.
    """
    begun()
    context.obj = Options(project, config, format, quiet, verbose, color, no_input)


def ended_with(program: typer.Typer, args: Sequence[str] | None = None) -> int:
    """Runs the program with `args`, else with those it was started with; says on standard error why it ended; returns the exit code."""
    with _stoppable() as stopped:
        code = _ended(program, args)
    if code != Code.INTERRUPTED:
        return code
    return Code.STOPPED if stopped else code


def _ended(program: typer.Typer, args: Sequence[str] | None) -> int:
    completion.ready()
    try:
        code = program(args=args, standalone_mode=False, prog_name="ticketgate")
    except (typer.Abort, KeyboardInterrupt):
        return _said(Code.INTERRUPTED, "Interrupted.")
    except USAGE as error:
        return _said(Code.USAGE, _shown(error))
    except Exception as error:  # the top of the program: what is known gets its code, the rest is a defect and says so
        known = code_of(error)
        return _defect(error) if known is None else _said(known, in_words(error))
    if code == Code.INTERRUPTED:
        return _said(Code.INTERRUPTED, "Interrupted.")
    return code if isinstance(code, int) else Code.DONE


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """SIGTERM ends a command as Ctrl-C does: in good order. What is handed out is not empty afterwards when it came."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _shown(error: Any) -> str:
    """Click's own words; an option that stands behind the command but belongs before it is explained."""
    from io import StringIO

    said = StringIO()
    error.show(file=said)
    name = getattr(error, "option_name", None)
    hint = f"\n{name} stands before the command: ticketgate {name} ... COMMAND" if name in SHARED else ""
    return _in_our_words(said.getvalue().rstrip()) + hint


def _in_our_words(said: str) -> str:
    """Without the words in which the parser speaks of its own types."""
    said = said.replace(": Value error, ", ": ")
    said = re.sub(r"Error: Invalid value for (.+?): ", r"Error: \1: ", said)
    said = re.sub(r"Input should be greater than or equal to (\S+)", r"\1 is the least", said)
    said = re.sub(r"Input should be less than or equal to (\S+)", r"\1 is the most", said)
    said = re.sub(r"Input should be a valid integer[^\n]*", "write a whole number", said)
    return re.sub(r"Input should be ('[^\n]*)", r"write \1", said)


def _defect(error: Exception) -> int:
    """A mistake of ours: where it is, and nothing of what the program held at that moment. With -v the log has the way there."""
    import structlog

    from gateway.logs import set_up

    if not structlog.is_configured():
        set_up(as_json=False, level="debug" if {"-v", "--verbose"} & set(sys.argv) else "warning")
    place = [frame for frame in extract_tb(error.__traceback__) if "/site-packages/" not in frame.filename][-1]
    structlog.get_logger().debug("a defect of ticketgate", exc_info=error)
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return _said(
        Code.DEFECT,
        f"This is a defect of ticketgate, not of your files: {type(error).__name__} in {where}. Please report it; -v shows more.",
    )


def _said(code: Code, message: str) -> int:
    if message:
        sys.stderr.write(printable(message.rstrip()) + "\n")
        sys.stderr.flush()
    return code
