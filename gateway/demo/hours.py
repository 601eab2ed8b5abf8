"""How time passes in the demo: as on the wall, but the minutes in which nothing happens are skipped.

A clock that simply ran faster would be at the deadlines before a busy machine has done what comes before them. So it is put forward, by
a minute or two, only when every system was read and nothing waits: the demo takes longer there, and shows the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.clock import Skipping
from gateway.store import connections, inbox, tickets
from gateway.store.opening import Store

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=2)
"""Of a skip: Zendesk tells of a change when it is a minute old."""


@dataclass(slots=True)
class Hours:
    """Time for the gateway and, by `elsewhere`, for the sandboxes; `skips` counts how often some was skipped."""

    store: Store
    clock: Skipping
    elsewhere: Callable[[timedelta], None]
    skips: int = 0
    since: datetime = field(init=False)  # what has happened until then must be heard first

    def __post_init__(self) -> None:
        self.happened()

    def happened(self) -> None:
        """Somebody did something just now."""
        self.since = self.clock()

    def go_on(self) -> bool:
        """Skips what comes before the next alarm, unless somebody would miss something by it; whether it did."""
        if not self._all_heard() or self.waiting():
            return False
        self.skip(min(max(self._until_an_alarm(), SHORTEST), LONGEST))
        return True

    def skip(self, by: timedelta) -> None:
        self.clock.skip(by)
        self.elsewhere(by)
        self.skips += 1
        self.happened()

    def waiting(self) -> int:
        """Tickets that wait to be looked at, or whose alarm rings."""
        with self.store.reading() as db:
            return sum(inbox.depth(db).values()) + len(tickets.ringing(db, self.clock()))

    def _until_an_alarm(self) -> timedelta:
        with self.store.reading() as db:
            following = tickets.next_alarm(db, self.clock())
        return following - self.clock() if following else LONGEST

    def _all_heard(self) -> bool:
        with self.store.reading() as db:
            return all(one.polled_at is not None and one.polled_at >= self.since for one in connections.all_of(db))
