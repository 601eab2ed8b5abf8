"""`ticketgate pause` and `ticketgate resume`: all writing, everywhere or at one connection."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.choosing import there
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, line, options
from gateway.cli.stored import store, who

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.store.opening import Store

Where = Annotated[str | None, typer.Argument(metavar="[CONNECTION]", help="Only there; else everywhere.")]


def add_to(app: typer.Typer) -> None:
    app.command("pause")(pause)
    app.command("resume")(resume)


def pause(
    context: typer.Context, connection: Where = None, reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = ""
) -> None:
    """Stops all writing and sending at once, everywhere or at one connection. Reading goes on; what rules want waits."""
    from gateway.clock import now
    from gateway.store import audits, halts

    chosen, name = options(context), who(None)
    if not reason.strip():
        raise Ended(Code.USAGE, "--reason is missing: say why, for those who find it stopped.")
    with store(chosen) as (kept, loaded):
        if connection is not None:
            there(connection, loaded.config.connections if loaded.config else {})
        with kept.writing() as db:
            halts.stop(db, connection or halts.EVERYWHERE, reason, name, now())
            audits.noted(db, now(), name, "writing paused", f"{connection or 'everywhere'}: {reason}")
    where = f"at {connection}" if connection else "everywhere"
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "pause", "connection": connection, "reason": reason, "who": name})
    else:
        again = chosen.command(f"resume {connection}" if connection else "resume")
        chosen.out().print(f"Writing is stopped {where}. To let it go on: {again}", style="yellow")


def resume(
    context: typer.Context,
    connection: Where = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; for the audit trail.")] = "",
) -> None:
    """Lets writing go on that was stopped: what waited is decided afresh."""
    from gateway.clock import now
    from gateway.store import audits, halts

    chosen, name = options(context), who(None)
    with store(chosen) as (kept, _), kept.writing() as db:
        stopped = halts.go_on(db, connection or halts.EVERYWHERE)
        left = [str(one) for one in halts.all_of(db)]
        if stopped:
            audits.noted(db, now(), name, "writing resumed", f"{connection or 'everywhere'}: {reason}")
    where = f"at {connection}" if connection else "everywhere"
    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "resume", "connection": connection, "stopped": stopped, "left": left})
        return
    chosen.out().print(f"Writing goes on {where}." if stopped else f"Writing was not stopped {where}.")
    for one in left:
        chosen.out().print(f"Still: {one}.", style="yellow")


def not_halted(kept: "Store", connections: "Iterable[str]") -> None:
    """Ends with 7 where a person has stopped writing to one of these."""
    from gateway.store import halts

    with kept.reading() as db:
        found = [halt for name in connections if (halt := halts.at(db, name)) is not None]
    if found:
        raise Ended(Code.UNSAFE, f"Nothing was done: {found[0]}. `ticketgate resume` lets it go on.")
