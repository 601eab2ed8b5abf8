"""`ticketgate report NAME`: figures over what the store knows."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.choosing import moment
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.stored import in_force, store
from gateway.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.reports.report import Report


def add_to(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    context: typer.Context,
    name: Annotated[
        Literal["sla", "response", "resolution", "backlog", "repeat", "volume"],
        typer.Argument(help="Promises kept; first replies; resolutions, reopened and one-touch; what is open; what comes again; each day."),
    ],
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="From then on: 30d ago, or a moment like 2026-03-02.")] = "30d",
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Before then; else now.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="FIELD", help="A row for each value of a field, like group.")] = None,
    format: Annotated[Literal["table", "csv", "json", "xlsx"], typer.Option("--format", help="xlsx wants -o.")] = "table",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there.")] = None,
) -> None:
    """Counts over the tickets that the store knows; no system is asked. Says its clock, its period, of what, and what was left out.

    Amounts are hours in CSV and xlsx, seconds in JSON; a median and the 90th and 95th in a hundred stand beside each mean.
    """
    import gc

    from gateway.reports.showing import as_csv, as_json, as_text, as_workbook

    chosen = options(context)
    kind = "json" if chosen.as_json and format == "table" else format
    if kind == "xlsx" and output is None:
        raise Ended(Code.USAGE, "A workbook goes into a file: add -o FILE.xlsx.")
    gc.disable()  # ten thousands of tickets, all in use until the end: looking for garbage among them takes half the time
    found = _made(chosen, name, since, until, by)
    if kind == "json" and output is None:
        line(VERSION_LINE)
        line(as_json(found))
    elif kind == "xlsx" and output is not None:
        _kept(output, lambda: as_workbook(found, output))
    else:
        import orjson

        text = {"csv": as_csv, "table": as_text}[kind](found) if kind != "json" else orjson.dumps(as_json(found)).decode()
        _told(chosen, text, output, table=kind == "table")


def _made(chosen: Options, name: str, since: str, until: str | None, by: str | None) -> "Report":
    from gateway.reports.asking import Desk, NoSuchField, reported

    with store(chosen) as (kept, loaded):
        bundle = in_force(chosen, kept, loaded)
        if loaded.config is None:
            raise ValueError("in_force has ended with the mistakes of the files")
        at = now()
        start, end = moment("--since", since, at) or at - timedelta(days=30), moment("--until", until, at) or at
        if start >= end:
            raise Ended(Code.USAGE, f"--since {since} is not before --until {until or 'now'}.")
        try:
            desk = Desk(bundle, loaded.config.figures)
            asked = desk.asked(start, end, at, by)
        except NoSuchField as error:
            raise Ended(Code.USAGE if "--by" in str(error) else Code.NOT_LOADED, f"{error}.") from None
        with kept.reading() as db:
            return reported(name, desk, asked, db)


def _told(chosen: Options, text: str, output: Path | None, *, table: bool) -> None:
    if output is not None:
        _kept(output, lambda: output.write_bytes((text + ("\n" if table else "")).encode()))
    elif table:
        chosen.out().print(text)
    else:
        typer.echo(text, nl=False)


def _kept(output: Path, write: "Callable[[], object]") -> None:
    try:
        write()
    except OSError as error:
        raise Ended(Code.UNREACHABLE, f"{output} cannot be written: {error.strerror or error}.") from None
