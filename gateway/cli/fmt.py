"""`ticketgate fmt`: rule and test files in their tidy form, saying what they said before."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.paths import below, within

if TYPE_CHECKING:
    from gateway.desk import Loaded


def add_to(app: typer.Typer) -> None:
    app.command("fmt")(fmt)


def fmt(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Only these files or folders.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 when a file is not in its tidy form.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Raise files of an older version to this one, or of none to version 1.")
    ] = False,
) -> None:
    """Puts the keys of rules and tests in order and short maps on one line; comments stay, and the meaning is compared before and after.

    A file with errors is left alone.
    """
    from gateway.desk import load

    chosen = options(context)
    below(chosen, paths or [])
    loaded = load(chosen.desk, chosen.config)
    wanted = {file: text for file, text in loaded.sources.items() if _ours(file) and within(chosen, file, paths or [])}
    if not wanted:
        raise Ended(Code.USAGE, "No rule or test file was found there.")
    changed, refused = _tidy(loaded, wanted, upgrade)
    if not (check or diff):
        _write(chosen, changed)
    _told(chosen, wanted, changed, refused, shown=diff, kept=check or diff)
    raise Ended(Code.FINDINGS if refused or (changed and (check or diff)) else Code.DONE)


def _ours(file: str) -> bool:
    return file.startswith(("rules/", "tests/")) and file.endswith((".yaml", ".yml"))


def _tidy(loaded: "Loaded", wanted: Mapping[str, str], upgrade: bool) -> tuple[dict[str, str], dict[str, str]]:
    """New texts of the files that change, and why others are left alone."""
    from rules.problems import errors
    from rules.tidy import Unreadable, tidied, upgraded
    from rules.trial import read_trials

    found = [*loaded.problems, *(read_trials(loaded.sources, loaded.bundle)[1] if loaded.bundle else ())]
    wrong = {p.place.file: p for p in reversed(errors(found)) if not (upgrade and p.code == "TG206" and "'version'" in p.message)}
    changed: dict[str, str] = {}
    refused: dict[str, str] = {}
    for file, text in wanted.items():
        if file in wrong:
            refused[file] = f"{wrong[file].place.line}: {wrong[file].code} {wrong[file].message}"
            continue
        try:
            made = tidied(file, upgraded(file, text) if upgrade else text)
        except Unreadable:
            refused[file] = "1: it cannot be read"
            continue
        if made != text:
            changed[file] = made
    return changed, refused


def _write(chosen: Options, changed: Mapping[str, str]) -> None:
    from gateway.whole_file import put

    for file, text in changed.items():
        put(chosen.desk / file, text.encode())


def _told(
    chosen: Options, wanted: Mapping[str, str], changed: Mapping[str, str], refused: Mapping[str, str], *, shown: bool, kept: bool
) -> None:
    if chosen.as_json:
        line(VERSION_LINE)
        for file in wanted:
            how = "refused" if file in refused else "tidied" if file in changed and not kept else "untidy" if file in changed else "tidy"
            line({"type": "file", "file": file, "outcome": how, "why": refused.get(file)})
        return
    out = chosen.out()
    for text, style in _lines(wanted, changed, shown):
        out.print(text, style=style)
    for file, why in refused.items():
        chosen.err().print(f"{file}:{why}\n  {file} was left alone: mend it first; ticketgate check shows the place.", style="red")
    if not chosen.quiet and not shown:
        verb = "would be tidied" if kept else "tidied"
        tidy = len(wanted) - len(refused)
        of = f"{len(wanted)} file" if len(wanted) == 1 else f"{len(wanted)} files"
        typer.echo(f"{len(changed)} of {of} {verb}." if changed else "1 file is tidy." if tidy == 1 else f"{tidy} files are tidy.")


def _lines(wanted: Mapping[str, str], changed: Mapping[str, str], shown: bool) -> Iterator[tuple[str, str]]:
    for file, text in changed.items():
        if not shown:
            yield file, "bold"
            continue
        before, after = wanted[file].splitlines(), text.splitlines()
        yield from _coloured([*unified_diff(before, after, f"a/{file}", f"b/{file}", lineterm="")])


def _coloured(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for text in lines:
        yield text, styles.get(text[:1], "")
