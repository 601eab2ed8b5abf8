"""What every command knows: which desk, which format, how talkative."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.ending import Code, Ended, in_words

if TYPE_CHECKING:
    from rich.console import Console


FILE = "ticketgate.yaml"


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
        """The desk's folder: `-C`, else the current folder when it holds `ticketgate.yaml`, else `./config`, else that of `-c`.

        Ends with 3 when there is none, or not the file that `-c` names.
        """
        if self.config and not self.config.exists():
            raise Ended(Code.NOT_LOADED, f"There is no file {self.config}; -c and TICKETGATE_CONFIG name a ticketgate.yaml.")
        folder = self.project or self._around()
        if self.config and folder.is_dir():
            return folder
        if not os.path.exists(folder / FILE):  # where pathlib raises for a folder that is closed to us, this says no
            looked = (folder / FILE).absolute()
            raise Ended(Code.NOT_LOADED, f"There is no desk here: {looked} does not exist.\nUse -C DIR, or make one: ticketgate init DIR")
        return folder

    def _around(self) -> Path:
        near = next((folder for folder in (Path(), Path("config")) if os.path.exists(folder / FILE)), None)
        return near or (self.config.parent if self.config else Path("config"))

    @property
    def config_file(self) -> Path:
        return self.config or self.desk / FILE

    def command(self, rest: str) -> str:
        """A command about this very desk, ready to be typed: `ticketgate -C my-desk status`."""
        project = f" -C {shlex.quote(str(self.project))}" if self.project else ""
        config = f" -c {shlex.quote(str(self.config))}" if self.config else ""
        return f"ticketgate{project}{config} {rest}"

    @property
    def as_json(self) -> bool:
        return self.format == "json"

    def out(self) -> "Console":
        """Results: standard output, coloured only on a terminal or when asked to."""
        return _console(self.color, stderr=False)

    def err(self) -> "Console":
        """Progress, questions and failures: standard error."""
        return _console(self.color, stderr=True)


OwnFormat = Annotated[Literal["text", "json"] | None, typer.Option("--format", help="As before the command: text, or json.")]
"""For commands that are asked for JSON by themselves; elsewhere the option stands before the command."""


def options(context: typer.Context, own: Literal["text", "json"] | None = None) -> Options:
    """The options that the program was started with; `own` is the format that the command itself was given."""
    found = context.find_object(Options)
    if found is None:
        raise Ended(Code.USAGE, "the command was started without its options")
    return found if own is None else replace(found, format=own)


def _console(color: str, *, stderr: bool) -> "Console":
    from gateway.cli.console import Plain

    forced = {"always": True, "never": False, "auto": None}[color]
    plain = color == "never" or (color == "auto" and bool(os.environ.get("NO_COLOR")))
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    return Plain(
        stderr=stderr,
        force_terminal=forced,
        color_system="standard" if forced else "auto",  # `--color always` also where TERM knows no colours, as in a CI's log
        no_color=plain,
        highlight=False,
        markup=False,
        emoji=False,
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


def said(chosen: Options, failed: Sequence[Exception]) -> None:
    """What went wrong at single connections, on standard error, with what to do."""
    for error in failed:
        chosen.err().print(in_words(error), style="red")


def line(said: Mapping[str, object]) -> None:
    """One JSON object on a line of standard output, in UTF-8 whatever the terminal speaks."""
    import orjson

    text = orjson.dumps(said, option=orjson.OPT_NON_STR_KEYS, default=str).decode() + "\n"
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)
    sys.stdout.flush()


VERSION_LINE = {"type": "version", "format": "1.0"}
