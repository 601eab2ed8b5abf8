"""What every command knows: which desk, which format, how talkative."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from gateway.cli.ending import Code, Ended

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Options:
    """The global options, as given."""

    project: Path | None
    config: Path | None
    format: Literal["text", "json"]
    quiet: bool
    verbose: bool
    color: Literal["auto", "always", "never"]
    no_input: bool

    @property
    def desk(self) -> Path:
        """The desk's folder: `-C`, else the current folder when it holds `ticketgate.yaml`, else `./config`. Ends with 3 without one."""
        folder = self.project or (Path() if Path("ticketgate.yaml").exists() else Path("config"))
        if not (self.config or (folder / "ticketgate.yaml").exists()):
            looked = (folder / "ticketgate.yaml").resolve()
            raise Ended(Code.NOT_LOADED, f"There is no desk here: {looked} does not exist.\nUse -C DIR, or make one: ticketgate init DIR")
        return folder

    @property
    def config_file(self) -> Path:
        return self.config or self.desk / "ticketgate.yaml"

    @property
    def as_json(self) -> bool:
        return self.format == "json"

    def out(self) -> "Console":
        """Results: standard output, coloured only on a terminal or when asked to."""
        return _console(self.color, stderr=False)

    def err(self) -> "Console":
        """Progress, questions and failures: standard error."""
        return _console(self.color, stderr=True)


def options(context: typer.Context) -> Options:
    """The options that the program was started with."""
    found = context.find_object(Options)
    if found is None:
        raise Ended(Code.USAGE, "the command was started without its options")
    return found


def _console(color: str, *, stderr: bool) -> "Console":
    from rich.console import Console

    forced = {"always": True, "never": False, "auto": None}[color]
    plain = color == "never" or (color == "auto" and bool(os.environ.get("NO_COLOR")))
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    return Console(
        stderr=stderr,
        force_terminal=forced,
        no_color=plain,
        highlight=False,
        markup=False,
        soft_wrap=True,
        width=None if terminal else 200,
    )


def agreed(chosen: Options, question: str, *, yes: bool) -> None:
    """Returns when a person (or `--yes`) agrees; ends with 7 when nobody can answer or the answer is no."""
    if yes:
        return
    if chosen.no_input or not sys.stdin.isatty():
        raise Ended(Code.UNSAFE, f"{question}\nNobody can answer here, so nothing was done. Say --yes to answer beforehand.")
    if not typer.confirm(question, err=True):
        raise Ended(Code.UNSAFE, "Nothing was done.")


def line(said: Mapping[str, object]) -> None:
    """One JSON object on a line of standard output."""
    import orjson

    sys.stdout.write(orjson.dumps(said, option=orjson.OPT_NON_STR_KEYS, default=str).decode() + "\n")
    sys.stdout.flush()


VERSION_LINE = {"type": "version", "format": "1.0"}
