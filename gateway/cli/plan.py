"""`ticketgate plan` and `ticketgate apply`: what the rules would do to real tickets, and doing exactly that."""

import os
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.choosing import there
from gateway.cli.ending import Code, Ended, worst
from gateway.cli.options import VERSION_LINE, Options, agreed, line, options, said
from gateway.cli.stored import ref_of
from rules.ticket import replace

if TYPE_CHECKING:
    from connectors.errors import NotFound
    from gateway.assemble import Gateway
    from gateway.counting import Counts
    from gateway.judging import Asked
    from gateway.saved import Decided
    from rules.plan import Plan
    from rules.ticket import Ticket, TicketRef


def add_to(app: typer.Typer) -> None:
    app.command("plan")(plan)
    app.command("apply")(apply)


def plan(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="Tickets touched since: 24h ago, or a moment.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Tickets not touched since then.")] = None,
    ticket: Annotated[list[str] | None, typer.Option("--ticket", metavar="REF", help="Only this one; may be repeated.")] = None,
    connection: Annotated[list[str] | None, typer.Option("--connection", metavar="NAME", help="Only this one; may be repeated.")] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="YAML", help="Only tickets for which this holds, as under if:.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="ID", help="Ask this rule alone, whatever its when:.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Read at most so many tickets.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Keep the plan, for `apply`.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 10 when something would change.")] = False,
) -> None:
    """A dry run: each ticket is judged as if it had just come, and what the rules would do is shown. Reads only; nothing can be written."""
    from gateway.cli.choosing import asked_for
    from gateway.cli.connecting import gateway
    from gateway.counting import Counts

    chosen, counts, began, failed = options(context), Counts(), time.monotonic(), list[Exception]()
    _writable(output)
    with gateway(chosen, read_only=True, long=True) as found:
        asked = asked_for(found, connections=connection or (), since=since, until=until, rule=rule, where=where, limit=limit, replies=True)
        plans = _named(found, asked, ticket, counts) if ticket else _each(found, asked, counts, failed)
        _shown_and_kept(chosen, _watched(chosen, plans, counts), output)
    _summary(chosen, counts, time.monotonic() - began, output)
    said(chosen, failed)
    ended = Code.PENDING if exit_code and counts.changed else Code.PARTLY if counts.failed else Code.DONE
    raise Ended(worst(failed) if failed else ended)


def _writable(output: Path | None) -> None:
    """Ends with 2 before anything is read when the plan could not be kept."""
    if output is not None and (output.is_dir() or not output.parent.is_dir() or not os.access(output.parent, os.W_OK)):
        raise Ended(Code.USAGE, f"-o {output}: nothing can be written there; name a file in a folder of yours.")


def _each(found: "Gateway", asked: "Asked", counts: "Counts", failed: list[Exception]) -> "Iterator[tuple[Ticket, Plan]]":
    """Connection by connection: one that refuses us or is silent is noted in `failed`, and the others are read all the same."""
    from connectors.errors import ConnectorError

    for name in asked.connections:
        if asked.limit is not None and counts.seen >= asked.limit:
            return
        try:
            yield from found.backfill.plans(replace(asked, connections=(name,)), counts)
        except ConnectorError as error:
            failed.append(error)


def _named(found: "Gateway", asked: "Asked", refs: list[str], counts: "Counts") -> "Iterator[tuple[Ticket, Plan]]":
    """The tickets named, one by one. Ends with 8 for one that is not there."""
    from connectors.errors import NotFound

    for ref in map(ref_of, dict.fromkeys(refs)):
        there(ref.connection, found.connectors)
        try:
            yield from found.backfill.plans_of([found.cycle.fetched(ref)], asked, counts)
        except NotFound as error:
            raise Ended(Code.NO_SUCH, _no_more(ref, error)) from None


def _no_more(ref: "TicketRef", error: "NotFound") -> str:
    """Nothing is planned about a ticket that is no more; where it went is another ticket."""
    from connectors.errors import Gone, became

    if not isinstance(error, Gone) or error.key != ref.key:
        return f"{ref.connection} has no ticket {ref.key}."
    if error.into is None:
        return f"{ref} was {became(error.how, None)}: nothing is done about it any more."
    into = f"{ref.connection}:{error.into}"
    return f"{ref} was {became(error.how, into)}: nothing is done about it any more. Plan the one where it goes on: --ticket {into}"


def _watched(chosen: Options, plans: "Iterator[tuple[Ticket, Plan]]", counts: "Counts") -> "Iterator[tuple[Ticket, Plan]]":
    from gateway.cli.progress import shown

    with shown(chosen, "plan") as told:
        for one in plans:
            told(counts.seen, f"{counts.changed:,} would change")
            yield one


def _shown_and_kept(chosen: Options, plans: "Iterator[tuple[Ticket, Plan]]", output: Path | None) -> None:
    """Prints each plan as it comes, and keeps all of them where a file was named."""
    from gateway import saved

    if chosen.as_json:
        line(VERSION_LINE)
    told = (_told(chosen, ticket, plan) for ticket, plan in plans)
    if output is None:
        for _ in told:
            pass
    else:
        saved.write(output, told)


def _told(chosen: Options, ticket: "Ticket", plan: "Plan") -> "tuple[Ticket, Plan]":
    from gateway.cli.render import as_json, headline, lines

    if chosen.as_json:
        line(as_json(plan))
    else:
        out = chosen.out()
        out.print(headline(ticket, plan.redact), style="bold")
        for text in lines(plan):
            out.print(text)
        out.print()
    return ticket, plan


def _summary(chosen: Options, counts: "Counts", seconds: float, output: Path | None) -> None:
    from gateway.cli.choosing import counted

    if chosen.as_json:
        line({"type": "summary", "seconds": round(seconds, 1), **counts.as_json()})
        return
    skipped = f" Skipped: {counted(counts.skipped)}." if counts.skipped else ""
    many = counted({"tickets": counts.seen}) if counts.seen else "0 tickets"
    typer.echo(f"{many} read in {seconds:.0f} s, {counts.changed:,} would change.{skipped}")
    if counts.changed:
        typer.echo(f"  {counted(counts.actions)}")
    carry = chosen.command(f"apply {shlex.quote(str(output))}") if output else ""
    typer.echo(f"Nothing was written.  To carry it out: {carry}" if output else "Nothing was written.")


def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plan that `plan -o` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    max_changes: Annotated[
        int | None, typer.Option("--max-changes", min=1, metavar="N", help="Instead of brake: in ticketgate.yaml.")
    ] = None,
    replies: Annotated[bool, typer.Option("--replies/--no-replies", help="Whether customers get the replies of the plan.")] = True,
    rate: Annotated[str | None, typer.Option("--rate", metavar="N/s", help="At most so many tickets a second.")] = None,
) -> None:
    """Carries out exactly what a plan says. Tickets that changed since are skipped; with more than 5 % of them nothing is written."""
    from connectors.errors import ConnectorError
    from gateway.cli.connecting import gateway
    from gateway.cli.halting import not_halted
    from gateway.cli.progress import shown

    chosen = options(context)
    decided = _read(file)
    agreed(chosen, f"Write what {file} says to {len(decided)} tickets?", yes=yes)
    pace, silent = _pace(_a_second(rate)), dict[str, ConnectorError]()
    with gateway(chosen, long=True) as found, shown(chosen, "apply") as told:
        not_halted(found.store, sorted({one.ticket.ref.connection for one in decided}))

        def progress(counts: "Counts") -> None:
            told(counts.seen, f"{counts.changed:,} changed")
            pace()

        try:
            counts = found.saved.apply(decided, replies=replies, max_changes=max_changes, progress=progress, silent=silent)
            found.pager.ring()
        except KeyboardInterrupt:
            again = chosen.command(f"apply {shlex.quote(str(file))}")
            raise Ended(Code.INTERRUPTED, f"Interrupted; what was written is recorded. The same command does the rest: {again}") from None
    _applied(chosen, counts)
    said(chosen, list(silent.values()))
    partly = counts.failed or counts.pending or counts.skipped
    raise Ended(worst(list(silent.values())) if silent else Code.PARTLY if partly else Code.DONE)


def _read(file: Path) -> "list[Decided]":
    """Ends with 2 for anything else than a plan that is whole."""
    from gateway import saved

    if not file.is_file():
        raise Ended(Code.USAGE, f"There is no file {file}.")
    try:
        return saved.read(file)
    except saved.NotAPlan as error:
        raise Ended(Code.USAGE, str(error)) from None
    except OSError as error:
        raise Ended(Code.USAGE, f"{file} cannot be read: {error.strerror}.") from None


def _a_second(rate: str | None) -> float | None:
    """`5/s` or `5`. Ends with 2 for anything else."""
    if rate is None:
        return None
    try:
        number = float(rate.removesuffix("/s"))
    except ValueError:
        number = 0.0
    if not 0.001 <= number < float("inf"):
        raise Ended(Code.USAGE, f"--rate {rate}: write how many tickets a second, like 5/s.")
    return number


def _pace(rate: float | None) -> Callable[[], None]:
    """A function that waits until the next ticket's turn."""
    next_at = [time.monotonic()]

    def wait() -> None:
        if rate:
            next_at[0] += 1 / rate
            time.sleep(max(0.0, next_at[0] - time.monotonic()))

    return wait


def _applied(chosen: Options, counts: "Counts") -> None:
    from gateway.cli.choosing import counted

    if chosen.as_json:
        line(VERSION_LINE)
        line({"type": "summary", **counts.as_json()})
    else:
        skipped = f" ({counted(counts.skipped)})" if counts.skipped else ""
        typer.echo(
            f"{counts.seen:,} tickets in the plan = {counts.changed:,} changed + {counts.unchanged:,} unchanged + "
            f"{counts.skipped.total():,} skipped{skipped} + {counts.failed:,} failed + {counts.pending:,} pending."
        )
