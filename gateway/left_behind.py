"""What a pass leaves behind once its actions have their outcomes: the ticket, agreements with partners, pages that nobody needs."""

from collections.abc import Iterator, Sequence

from gateway.overlay import with_update
from gateway.store import passes
from gateway.store.actions import Row
from rules.events import COMPARED
from rules.observation import Kind, Observation
from rules.plan import AddComment, Agreement, Attach, CreateTicket, Plan, Update
from rules.sync import answered
from rules.ticket import Ticket, Value, replace
from rules.working import alike, value_of

KEPT = (*COMPARED, "assignee")
"""The fields that a new pair may agree on from the beginning."""
ANSWERS = {Kind.AGENT_REPLIED: "an agent replied", Kind.RESOLVED: "the ticket was resolved", Kind.CLOSED: "the ticket was closed"}
"""What ends a page by itself: somebody is at work on the ticket, or nobody needs to be."""


def answers_a_page(observation: Observation, left: Ticket) -> str | None:
    """Why nobody needs to be called out about the ticket any more, by what happened or what the rules made of it; None: somebody does."""
    if left.settled and not observation.ticket.settled:
        return ANSWERS[Kind.RESOLVED]
    return next((ANSWERS[event.kind] for event in observation.events if event.kind in ANSWERS), None)


def left_by(ticket: Ticket, done: Sequence[Row], *, guarded: bool) -> Ticket:
    """The ticket as our writes left it.

    Its version is that of our update where the vendor itself refuses stale writes: nobody can have come between. Else it stays
    the one we saw, so that the ticket is looked at once more and nobody's edit is missed.
    """
    for row in done:
        if isinstance(row.action, Update) and row.action.target == ticket.ref:
            receipt = row.receipt
            ticket = with_update(ticket, row.action, receipt.echo if receipt else {})
            if guarded and receipt is not None and receipt.version is not None:
                ticket = replace(ticket, version=receipt.version)
    return ticket


def agreed_by(plan: Plan, done: Sequence[Row]) -> Iterator[Agreement]:
    """What both sides of each link now agree on, as far as the writes that it takes were made.

    A partner that is yet to be made has no key; its agreement was kept when it was made.
    """
    made = {row.key for row in done}
    lost = {a.target for a in plan.actions if isinstance(a, Update) and a.key not in made}
    unsaid = {a.mirrors for a in plan.actions if isinstance(a, AddComment) and a.mirrors and a.key not in made}
    unsaid |= {a.origin for a in plan.actions if isinstance(a, Attach) and a.key not in made}
    for agreement in plan.agreements:
        if not agreement.right.key:
            continue
        kept = {} if lost & {agreement.left, agreement.right} else {**agreement.fields, **dict(_answers(agreement, done))}
        yield replace(agreement, fields=kept, mirrored=agreement.mirrored - unsaid)


def _answers(agreement: Agreement, done: Sequence[Row]) -> Iterator[tuple[str, Value]]:
    """What either side made of a value that was written to it, where that is another one."""
    for row in done:
        if isinstance(row.action, Update) and row.action.target in (agreement.left, agreement.right):
            echo = row.receipt.echo if row.receipt else {}
            for name in row.action.fields.keys() & agreement.fields.keys() & echo.keys():
                if not alike(name, echo[name], agreement.fields[name]):
                    yield answered(row.action.target, name), echo[name]


def agreed_at_birth(decided: passes.Pass | None, create: CreateTicket, made: Ticket | None) -> dict[str, Value]:
    """What both sides of a new pair agree on: what it was made with, and whatever else is the same on both sides already.

    So an edit of the new ticket is told from what its system gave it at birth.
    """
    if decided is None:
        return dict(create.draft.fields)
    said = [a for a in decided.plan.agreements if a.left == create.partner_of and a.right.connection == create.connection]
    base = decided.plan.leaves(decided.observation.ticket)
    same = {name: value_of(base, name) for name in KEPT if made is not None and alike(name, value_of(base, name), value_of(made, name))}
    return {**same, **(said[0].fields if said else create.draft.fields)}
