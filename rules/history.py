"""Which value of a field stood when, over a ticket's life."""

from dataclasses import dataclass
from datetime import datetime

from rules.observation import Observation
from rules.ticket import SETTLED, Status, Value


@dataclass(frozen=True, slots=True)
class Stood:
    """A field had this value from `since` on, until the next one."""

    since: datetime
    value: Value


def stood(observation: Observation, name: str) -> tuple[Stood, ...]:
    """What the field was over the ticket's life up to now, each value with its beginning; the first one began with the ticket.

    Rows that do not lead up to the present value are completed by one at the ticket's last update.
    """
    ticket, now = observation.ticket, observation.now
    present = getattr(ticket, name)
    rows = sorted((c for c in observation.changes if c.field == name and c.at <= now), key=lambda c: c.at)
    values = [Stood(ticket.created_at, rows[0].before if rows else _at_first(name, present))]
    values += [Stood(max(row.at, ticket.created_at), row.after) for row in rows]
    if values[-1].value != present:
        values.append(Stood(max(values[-1].since, min(ticket.updated_at, now)), present))
    return tuple(values)


def stay_since(life: tuple[Stood, ...], statuses: frozenset[str]) -> datetime | None:
    """When the present stay among `statuses` began; moving between two of them is not leaving."""
    since = None
    for stay in life:
        since = (since or stay.since) if stay.value in statuses else None
    return since


def _at_first(name: str, present: Value) -> Value:
    """What a field without history was at the beginning: a settled ticket was once new, the rest is taken as it is."""
    return Status.NEW if name == "status" and present in SETTLED else present
