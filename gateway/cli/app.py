"""The commands and the options that all of them share."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from gateway.cli import backfill, check, daemon, demo, doctor, init, plan, sandbox, status, ticket, trials, why
from gateway.cli.ending import Code, code_of
from gateway.cli.options import Options

USAGE = cast(
    "type[typer.BadParameter]", typer.BadParameter.__mro__[2]
)  # Typer brings a Click of its own, whose base for wrong usage it does not hand out
app = typer.Typer(
    name="ticketgate",
    help="Reads tickets from several systems, holds them against rules in YAML, and routes, answers, escalates and keeps them in step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for group in (init, demo, sandbox, check, trials, plan, backfill, daemon, why, ticket, status, doctor):
    group.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
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
    """Each command has its own --help.

    Exit codes: 0 done, 1 findings, 2 usage, 3 not loaded, 4 refused by a system, 5 unreachable, 6 partly done, 7 refused for safety, 8 no
    such thing, 10 changes are pending, 130 interrupted, 143 stopped.
    """
    context.obj = Options(project, config, format, quiet, verbose, color, no_input)


def ended_with(program: typer.Typer) -> int:
    """Runs the program; says on standard error why it ended, in words; returns the exit code."""
    try:
        code = program(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return _said(Code.INTERRUPTED, "Interrupted.")
    except USAGE as error:
        error.show()
        return Code.USAGE
    except BrokenPipeError:
        sys.stderr.close()
        return Code.DONE
    except Exception as error:  # the top of the program: what is known gets its code, the rest is a defect and shows itself
        known = code_of(error)
        if known is None:
            raise
        return _said(known, str(error))
    return code if isinstance(code, int) else Code.DONE


def _said(code: Code, message: str) -> int:
    if message:
        sys.stderr.write(message.rstrip() + "\n")
    return code
