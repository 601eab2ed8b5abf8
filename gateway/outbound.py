"""Requests to endpoints that did not answer: they wait for them, in their order, while their tickets go on."""

from contextlib import suppress

from gateway.cycle import Cycle, House
from gateway.holding import Busy
from gateway.store import actions, connections
from gateway.store.actions import target_of


class Outbound:
    """One for a gateway."""

    def __init__(self, house: House, cycle: Cycle) -> None:
        self._house, self._cycle = house, cycle

    def go_on(self) -> int:
        """Sends what waits for an endpoint that may be asked again, the oldest first; how many were tried."""
        resting, tried = set[str](), 0
        with self._house.store.reading() as db:
            rows = actions.unsettled_of(db, "webhook")
        for row in rows:
            target, _ = target_of(row.action)
            if target in resting or self._rests(target):
                resting.add(target)
                continue
            tried += 1
            with suppress(Busy):
                self._cycle.went_on(row)
        return tried

    def _rests(self, target: str) -> bool:
        with self._house.store.reading() as db:
            return connections.standing(db, target).rests(self._house.wall())
