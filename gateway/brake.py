"""A batch that would change far more tickets than usual is refused before anything of it is written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connectors.errors import Transient, Unauthorized
from rules.plan import Plan
from rules.ticket import Ticket


class Refused(Exception):
    """Refused for safety; the message says what would let it through."""


@dataclass(frozen=True, slots=True)
class Brake:
    """At most `tickets` may be changed by one batch."""

    tickets: int = 500

    def would_change(self, batch: Iterable[Ticket], plan: Callable[[Ticket], Plan]) -> int:
        """How many tickets of the batch their plans would change; counting stops when the limit is passed.

        One that cannot be judged counts: it is parked when its own turn comes. Raises what a connection that does not answer raises.
        """
        count = 0
        for ticket in batch:
            count += _would_change(ticket, plan)
            if count > self.tickets:
                break
        return count

    def check(self, changes: int, remedy: str) -> None:
        """Raises `Refused` when the batch goes beyond the limit."""
        if changes > self.tickets:
            raise Refused(f"more than {self.tickets} tickets would change, which is what brake: allows; {remedy}")


def _would_change(ticket: Ticket, plan: Callable[[Ticket], Plan]) -> bool:
    try:
        return bool(plan(ticket))
    except (Transient, Unauthorized):
        raise
    except Exception:
        return True
