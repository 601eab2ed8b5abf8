"""Rules on `every`: which of their moments have come for a ticket, and when the next one will."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rules.bundle import Every
from rules.ladders import LATE
from rules.moments import following, latest
from rules.observation import Event, Kind, Observation
from rules.plan import Fired, Stage, key_of
from rules.ready import Prepared, Ready
from rules.ticket import Status, Ticket


@dataclass(frozen=True, slots=True)
class Due:
    """A moment of a rule that has come."""

    rule: str
    every: Every
    at: datetime
    key: str

    @property
    def event(self) -> Event:
        return Event(kind=Kind.EVERY, at=self.at, rule=self.rule)

    def stage(self, fired: Iterable[Fired], why: str = "") -> Stage:
        """What came of it, so that it comes once."""
        ran = any(one.rule == self.rule and one.how == "live" for one in fired)
        name = f"every {self.every.written}"
        return Stage(key=self.key, rule=self.rule, name=name, due_at=self.at, ran=ran, why="" if ran else why or "it did not act")


class Recurring:
    """Worked out for one observation; a ticket that is closed has none."""

    def __init__(self, prepared: Prepared, observation: Observation) -> None:
        self._prepared, self._observation = prepared, observation
        self._calendars, self._default = prepared.bundle.calendars, prepared.bundle.desk.default_calendar

    def due(self) -> list[Due]:
        """Of each rule the last moment that has come, when it is not behind the ticket: after an outage at most that one."""
        if not self._prepared.recurring or self._observation.ticket.status == Status.CLOSED:
            return []
        found = [self._due(ready, every) for ready in self._mine() for every in everies(ready)]
        return sorted((due for due in found if due is not None), key=lambda due: due.at)

    def _due(self, ready: Ready, every: Every) -> Due | None:
        seen, id = self._observation, ready.rule.id
        at = latest(every, self._calendars, self._default, seen.now)
        behind = seen.ticket.created_at if seen.looked_at is None else max(seen.ticket.created_at, seen.looked_at - LATE)
        if at is None or at <= behind:
            return None
        key = key_of(str(seen.ref), id, "every", at.isoformat())
        return None if key in seen.done else Due(id, every, at, key)

    def next_at(self, ticket: Ticket) -> datetime | None:
        """When to look again at the ticket as a pass leaves it."""
        if not self._prepared.recurring or ticket.status == Status.CLOSED:
            return None
        ahead = (following(every, self._calendars, self._default, self._observation.now) for r in self._mine() for every in everies(r))
        return min((at for at in ahead if at is not None), default=None)

    def _mine(self) -> Iterator[Ready]:
        here = self._observation.ref.connection
        for ready in self._prepared.recurring:
            only = ready.ruleset.connections
            if (not only or here in only) and (ready.beside is None or here in ready.beside):
                yield ready


def everies(ready: Ready) -> Iterator[Every]:
    for on in ready.ons:
        if on.every is not None:
            yield on.every
