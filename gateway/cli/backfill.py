"""`ticketgate backfill`: goes over the tickets that are there already; resumable, and silent to customers unless told otherwise."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.ending import Code, Ended, in_words, worst
from gateway.cli.options import VERSION_LINE, Options, agreed, line, options

if TYPE_CHECKING:
    from gateway.assemble import Gateway
    from gateway.counting import Counts
    from gateway.judging import Asked
    from gateway.store.runs import Run


def add_to(app: typer.Typer) -> None:
    app.command("backfill")(backfill)


def backfill(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="Tickets touched since: 30d ago, or a moment.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Tickets not touched since then.")] = None,
    connection: Annotated[list[str] | None, typer.Option("--connection", metavar="NAME", help="Only this one; may be repeated.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="ID", help="Ask this rule alone, whatever its when:.")] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, metavar="N", help="Tickets between two checkpoints; else a page of the system's.")
    ] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="ID", help="Go on with an interrupted run.")] = None,
    replies: Annotated[
        bool | None,
        typer.Option(
            "--send-replies/--no-replies",
            help="Whether people hear of it: replies, notifications, pages, approvals. By default nobody does.",
        ),
    ] = None,
    max_changes: Annotated[
        int | None, typer.Option("--max-changes", min=1, metavar="N", help="Instead of brake: in ticketgate.yaml.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Judges every ticket as if it had just come, and carries out what the rules ask for. Asks first. Ctrl-C is safe: --resume goes on."""
    from gateway.cli.halting import not_halted
    from gateway.cli.starting import unpinned

    chosen = options(context)
    if resume is not None and (since or until or connection or rule or batch or replies is not None):
        raise Ended(Code.USAGE, "--resume goes on with what was asked for then; only --max-changes and --yes go with it.")
    with unpinned(chosen) as found:
        not_halted(found.store, connection or found.connectors)
        if resume is not None:
            run = _found(chosen, found, resume)
            agreed(chosen, f"Go on with {run.id}?", yes=yes)
        else:
            which = {"connections": connection or (), "since": since, "until": until, "rule": rule}
            run = _begun(chosen, found, yes=yes, **which, replies=bool(replies), max_changes=max_changes, batch=batch)
        counts = _carried_out(chosen, found, run, max_changes)
    raise Ended(_ended(chosen, run.id, counts))


def _begun(chosen: Options, found: "Gateway", *, yes: bool, **which: Any) -> "Run":
    from gateway.cli.choosing import asked_for

    asked = asked_for(found, **which)
    agreed(chosen, _question(asked), yes=yes)
    return found.backfill.begin(asked)


def _ended(chosen: Options, run: str, counts: "Counts") -> Code:
    _told(chosen, run, counts)
    return Code.PARTLY if counts.failed or counts.pending else Code.DONE


def _between(asked: "Asked") -> str:
    from gateway.judging import BEGINNING

    since = "from the beginning" if asked.since == BEGINNING else f"touched since {asked.since:%Y-%m-%d %H:%M}Z"
    return since + (f" and not since {asked.until:%Y-%m-%d %H:%M}Z" if asked.until else "")


def _found(chosen: Options, found: "Gateway", id: str) -> "Run":
    from gateway.backfill import NoSuchRun

    try:
        return found.backfill.found(id)
    except NoSuchRun:
        said = f"There is no backfill '{id}' that could go on; `{chosen.command('status')}` lists the runs."
        raise Ended(Code.NO_SUCH, said) from None


def _question(asked: "Asked") -> str:
    rule = f"rule {asked.rule}" if asked.rule else "all rules"
    replies = "replies ARE SENT to customers" if asked.replies else "no replies to customers, no messages to anybody"
    which = f"every ticket of {', '.join(asked.connections)} {_between(asked)}"
    return f"Hold {which} against {rule} and write what they ask for ({replies})?"


def _carried_out(chosen: Options, found: "Gateway", run: "Run", max_changes: int | None) -> "Counts":
    """Ends with 130 when interrupted, with 7 when the brake stops it, with 4 or 5 when a system fails; each says how to go on."""
    from connectors.errors import ConnectorError
    from gateway.brake import Refused
    from gateway.cli.progress import shown
    from gateway.counting import Counts

    go_on = chosen.command(f"backfill --resume {run.id}")
    try:
        total, before = found.backfill.expected(run), Counts.from_json(run.counts).seen
        with shown(chosen, f"backfill {run.id}", total, before) as told:
            counts = found.backfill.go_on(run, lambda c: told(c.seen, f"{c.changed:,} changed, {c.failed:,} failed"), max_changes)
        found.pager.ring()
        return counts
    except KeyboardInterrupt:
        code, said = Code.INTERRUPTED, f"Interrupted; what was done is kept. To go on: {go_on}"
    except Refused as error:
        code, said = (
            Code.UNSAFE,
            f"{error}".partition(";")[0]
            + (f". Nothing more was written.\nLook at `{chosen.command('plan')}`, then let it through: {go_on} --max-changes N"),
        )
    except ConnectorError as error:
        code, said = worst([error]), f"{in_words(error)}\nWhat was done is kept. To go on: {go_on}"
    _told(chosen, run.id, _so_far(found, run))
    raise Ended(code, said)


def _so_far(found: "Gateway", run: "Run") -> "Counts":
    from gateway.counting import Counts

    return Counts.from_json(found.backfill.found(run.id).counts)


def _told(chosen: Options, run: str, counts: "Counts") -> None:
    from gateway.cli.choosing import counted

    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "summary", "run": run, **counts.as_json()})
        return
    out = chosen.out()
    skipped = f" ({counted(counts.skipped)})" if counts.skipped else ""
    out.print(
        f"{counts.seen:,} tickets seen = {counts.changed:,} changed + {counts.unchanged:,} unchanged + "
        f"{counts.skipped.total():,} skipped{skipped} + {counts.failed:,} failed + {counts.pending:,} pending."
    )
    out.print(f"Asked for: {counted(counts.actions)}.")
    if counts.replies_left_out:
        out.print(f"{counts.replies_left_out:,} replies to customers were left out; --send-replies sends them.")
    if counts.failed or counts.pending:
        out.print(f"What failed or is pending: {chosen.command('status')}", style="yellow")
