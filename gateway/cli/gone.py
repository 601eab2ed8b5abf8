"""Tickets that are no more: what became of them, and where they go on."""

from typing import TYPE_CHECKING

from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options, line
from gateway.cli.stored import perhaps

if TYPE_CHECKING:
    from connectors.errors import NotFound
    from gateway.store.aliases import Alias
    from gateway.store.opening import Store
    from rules.ticket import TicketRef


def gone_on(chosen: Options, ref: "TicketRef", error: "NotFound") -> "TicketRef":
    """Where a ticket goes on that its system does not have, which is said. Ends with 8 where it does not, or nobody knows."""
    from connectors.errors import Gone
    from gateway.store.aliases import Alias
    from rules.ticket import TicketRef

    if isinstance(error, Gone) and error.key == ref.key:
        said = Alias(ref=ref, into=TicketRef(ref.connection, error.into) if error.into else None, how=error.how, at=None)
    else:
        with perhaps(chosen) as (kept, _):
            found = way(kept, ref) if kept is not None else []
        if not found:
            raise Ended(Code.NO_SUCH, f"{ref.connection} has no ticket {ref.key}.")
        said = found[0]
    if said.into is None:
        raise Ended(Code.NO_SUCH, f"{said}.")
    told(chosen, said)
    return said.into


def way(kept: "Store", ref: "TicketRef") -> "list[Alias]":
    """Step by step from a ticket to where it goes on, as far as we noticed."""
    from gateway.store import aliases

    with kept.reading() as db:
        return aliases.led_to(db, ref)


def told(chosen: Options, said: "Alias") -> None:
    """One step of the way, for people or as a line of JSON."""
    if chosen.as_json:
        line({"type": "gone", "ref": str(said.ref), "how": said.how, "into": said.into and str(said.into), "at": said.at})
    else:
        chosen.out().print(f"{said}.", style="yellow")
