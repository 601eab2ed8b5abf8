"""Many tickets held against the index one after the other, of which nothing else is known."""

from collections.abc import Callable
from typing import TypeAlias

from rules.index import Index
from rules.look import Look
from rules.observation import Kind
from rules.ticket import Ticket

Sieve: TypeAlias = Callable[[Ticket], bool]


def sieve(index: Index, kind: Kind, look: Look) -> Sieve:
    """Whether a rule could match at an event of that kind; False is certain.

    `look` lends its observation and its desk, and shows the ticket asked for last. For one thread.
    """
    among = index.among((kind,))
    if not among:
        return lambda ticket: False

    def could_act(ticket: Ticket) -> bool:
        look.ticket = ticket  # and not `see`: nothing here asks the look for what it keeps of a ticket
        return bool(index.standing(among, look)[0])

    return could_act
