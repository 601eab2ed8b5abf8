"""`ticketgate completion`: what a shell needs to complete commands and options with the tab key."""

import os
from typing import Annotated, Literal

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, line, options

VARIABLE = "_TICKETGATE_COMPLETE"
"""Set by the shell's script when it asks for completions."""
BY_HAND = "ticketgate completion powershell >> $PROFILE"


def add_to(app: typer.Typer) -> None:
    app.command("completion")(completion)


def completion(
    context: typer.Context,
    shell: Annotated[Literal["bash", "zsh", "fish", "powershell"], typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
    install: Annotated[bool, typer.Option("--install", help="Set it up in your own start files, instead of printing it.")] = False,
) -> None:
    """Prints what a shell needs to complete commands and options with the tab key; --install sets it up for you."""
    from typer import completion as shells

    chosen = options(context)
    if not install:
        typer.echo(shells.get_completion_script(prog_name="ticketgate", complete_var=VARIABLE, shell=shell))  # type: ignore[attr-defined]
        return
    if shell == "powershell":  # to set that up would mean to loosen its policy for scripts, which is not ours to do
        raise Ended(Code.USAGE, f"In PowerShell, set it up yourself: {BY_HAND}")
    try:
        _, path = shells.install(shell=shell, prog_name="ticketgate", complete_var=VARIABLE)  # type: ignore[attr-defined]
    except OSError as error:
        raise Ended(Code.USAGE, f"{error.filename} cannot be written: {error.strerror}.") from None
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "completion", "shell": shell, "file": str(path)})
    elif not chosen.quiet:
        typer.echo(f"Wrote {path}. It takes effect in the next {shell} that you open.")


def ready() -> None:
    """Where a shell asks for completions, it is answered in its own way."""
    if VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
