"""Tickets that no rule is asked about, though their status is known: those of our own write tests."""

from gateway.store import actions
from gateway.store.opening import Store
from rules.ticket import TicketRef

WHY = "made by a write test"


def passed_over(store: Store, ref: TicketRef) -> bool:
    """Whether it is one, by the ledger."""
    with store.reading() as db:
        return ref.key in actions.write_tests(db, ref.connection)
