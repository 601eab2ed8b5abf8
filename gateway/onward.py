"""How a change goes on from partner to partner: what a pass wrote to a ticket is no news there, so its further partners are told here.

Pairs are made one by one, each with a new ticket and never where the matter has one, so they form no ring. But owners on two ends may
overrule each other for ever by way of what is between them: a change goes on so many systems far, and then a person is told.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog

from gateway.store import audits, inbox, links, parked
from gateway.store.actions import Row
from rules.plan import AddComment, Attach, CreateTicket, Update
from rules.ticket import TicketRef

PARTNER = "partner"
"""The signal that a ticket has got a partner, which is to be brought into step with it."""
ONWARD = "onward"
"""The signal that a partner's pass wrote to a ticket: `onward-2` where that one was the second to hear of a change."""
IN_STEP = "in-step"
"""The name under which such passes stand in the ledger, with the hops behind it: they are no looks, and answer no news."""
MOST = 3
"""Hops that a change may go on: fault row F42."""
HOPS = {PARTNER: 0, **{f"{ONWARD}-{n}": n for n in range(1, MOST + 1)}}
"""How far a change has come by the signal that tells of it."""
TOO_FAR = (
    f"a change went on through {MOST} systems and would go further, so it was stopped here: sync rules that give one field to two owners "
    "overrule each other for ever; let one connection own it in all of them"
)


def hops_of_signals(signals: Iterable[str]) -> int | None:
    """How far the change has come that these signals tell of: 0 for a partner of one's own, None where they tell of neither."""
    return max((HOPS[signal] for signal in signals if signal in HOPS), default=None)


def run_name(hops: int) -> str:
    return f"{IN_STEP}-{hops}"


def hops_of_run(run: str) -> int:
    """0 for any other run."""
    name, _, hops = run.rpartition("-")
    return int(hops) if name == IN_STEP else 0


def written_beyond(db: sa.Connection, ref: TicketRef, done: Sequence[Row], *, makes_more: bool) -> dict[TicketRef, bool]:
    """The tickets to be brought into step after a pass over `ref`; whether each is another one, to which the pass wrote.

    `makes_more`: one without further partners may get one.
    """
    made = [row for row in done if isinstance(row.action, CreateTicket) and row.action.relation is None]
    wrote = {row.action.target for row in done if isinstance(row.action, Update | AddComment | Attach)} - {ref}
    new = {TicketRef(row.action.connection, row.receipt.key) for row in made if row.receipt and row.receipt.key}  # type: ignore[union-attr]
    others = {one for one in wrote | new if makes_more or len(links.of_ticket(db, one)) > 1}
    return {**({ref: False} if made else {}), **dict.fromkeys(sorted(others), True)}


def go_on(db: sa.Connection, by: TicketRef, to: dict[TicketRef, bool], hops: int, at: datetime) -> None:
    """They are looked at for the sake of their partners, unless the change has come too far: then a person is told."""
    for ref, other in to.items():
        if other and hops == MOST:
            parked.park(db, ref.connection, ref.key, "link", TOO_FAR, at)
            audits.noted(db, at, "ticketgate", "change stopped", f"{by} to {ref}: {TOO_FAR}")
            structlog.get_logger().error("change stopped", ref=str(ref), reason=TOO_FAR)
        else:
            inbox.put_refs(db, [ref], at, f"{ONWARD}-{hops + 1}" if other else PARTNER)
