"""`ticketgate sla REF`: how every promise to a ticket stands, and the sum that makes its deadline."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gateway.cli.choosing import moment, there
from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, OwnFormat, line, options
from gateway.cli.stored import in_force, ref_of, store
from gateway.clock import now

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store.lives import Known
    from gateway.store.opening import Store
    from rules.bundle import Bundle
    from rules.ticket import TicketRef

OWN = "show"


class OfTicket(TyperGroup):
    """What is no command of its own is a ticket: `sla zendesk-eu:4711`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [OWN, *args]
        return super().resolve_command(ctx, args)


group = typer.Typer(
    cls=OfTicket,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="How promises to tickets stand. `sla REF` shows one ticket's clocks with the sum that makes each deadline; "
    "it takes --at TIME and --format json.",
    subcommand_metavar="REF | COMMAND [ARGS]...",
)


def add_to(app: typer.Typer) -> None:
    group.command(OWN, hidden=True)(sla)
    app.add_typer(group, name="sla")


def sla(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The ticket: connection:key.")],
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Another moment: 2026-03-02T08:00Z, or 24h ago.")] = None,
    own: OwnFormat = None,
) -> None:
    """Every clock of one ticket: counted time, closed hours, pauses, other targets and clock changes, line by line to the deadline.

    It reads the store and asks no system. The counted lines up to the deadline add up to the target.
    """
    from gateway.cli.native import native_json, native_lines
    from gateway.cli.standing import as_json, lines
    from gateway.standing import observed
    from gateway.store import native
    from rules.engine import Engine

    chosen, ticket = options(context, own), ref_of(ref)
    with store(chosen) as (kept, loaded):
        bundle = in_force(chosen, kept, loaded)
        known = _known(chosen, kept, ticket, bundle)
        with kept.reading() as db:
            slas = native.of_ticket(db, ticket)
    moment_asked = _moment(at, known)
    observation = observed(known, moment_asked)
    standing = Engine(bundle).sla(observation)
    if chosen.as_json:
        line(VERSION_LINE)
        for row in (*as_json(observation, standing, bundle), *native_json(slas, standing)):
            line(row)
        return
    out = chosen.out()
    for text, style in (*lines(observation, standing, bundle, heard=known.heard), *native_lines(slas, standing)):
        out.print(text, style=style)


def _known(chosen: Options, kept: "Store", ref: "TicketRef", bundle: "Bundle") -> "Known":
    from gateway.store import lives

    there(ref.connection, bundle.desk.connections)
    with kept.reading() as db:
        found = lives.known(db, ref)
    if found is None:
        raise Ended(Code.NO_SUCH, f"{ref} was never seen. `{chosen.command('status')}` says how far its connection was read.")
    return found


def _moment(at: str | None, known: "Known") -> "datetime":
    asked = moment("--at", at, now()) or now()
    if asked < known.ticket.created_at:
        raise Ended(Code.NO_SUCH, f"{known.ticket.ref} was made later, at {known.ticket.created_at:%Y-%m-%d %H:%M:%S}Z.")
    return asked
