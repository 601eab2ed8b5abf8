"""The sandbox's search index: it learns of a write only some time after it, and hands out pages by opaque tokens that run out."""

import base64
import binascii
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from connectors.jira.sandbox_issues import State, milliseconds
from connectors.jira.sandbox_jql import ORDERS, Query

TOKEN_LIFE = timedelta(days=7)
BY_UPDATED = (("updated", False), ("key", False))
MANY = 50  # changes after which sorting anew is cheaper than moving each

Place = tuple[int, str, int, str]


class TokenError(ValueError):
    """A page token that is not ours, belongs to another query, or ran out."""


class Index:
    """What a search can see. `lag`: how long after a write it still sees what was before. `step`: the finest moment that it knows."""

    def __init__(self, lag: timedelta, step: timedelta) -> None:
        self.lag, self.generation, self._step = lag, 0, step // timedelta(milliseconds=1)
        self._waiting: deque[tuple[datetime, str, State | None]] = deque()
        self._seen: dict[str, State] = {}
        self._order: list[Place] = []

    def put(self, at: datetime, state: State) -> None:
        self._waiting.append((at, state.id, state))

    def drop(self, at: datetime, id: str) -> None:
        self._waiting.append((at, id, None))

    def settle(self, now: datetime, *, all: bool = False) -> None:
        """Takes in the writes that are old enough by now."""
        due: list[tuple[str, State | None]] = []
        while self._waiting and (all or self._waiting[0][0] + self.lag <= now):
            _, id, state = self._waiting.popleft()
            due.append((id, state))
        for id, state in due:
            self._take(id, state, sort=len(due) <= MANY)
        if len(due) > MANY:
            self._order = sorted(map(self._place, self._seen.values()))

    def _take(self, id: str, state: State | None, *, sort: bool) -> None:
        old = self._seen.pop(id, None)
        if sort and old is not None:
            del self._order[bisect_left(self._order, self._place(old))]
        if state is not None:
            self._seen[id] = state
            if sort:
                insort(self._order, self._place(state))

    def page(self, query: Query, jql: str, token: str | None, size: int, now: datetime) -> tuple[list[State], str | None]:
        """The next states and the token for those after them. Raises `TokenError`."""
        self.settle(now)
        start = self._opened(token, jql, now) if token else None
        found: list[State] = []
        if query.order == BY_UPDATED:
            matching = self._forward(query, start)
        else:
            matching = iter(self._sorted(query)[int(start[0]) if start else 0 :])
        for state in matching:
            if len(found) == size:
                place: Any = self._place(found[-1]) if query.order == BY_UPDATED else ((start[0] if start else 0) + size,)
                return found, self._sealed(place, jql, now)
            found.append(state)
        return found, None

    def count(self, query: Query) -> int:
        return sum(1 for state in self._seen.values() if query.part.holds(state))

    def _forward(self, query: Query, start: Any) -> Iterator[State]:
        """By `updated`, then key: after the place of the last issue given, so that nothing is skipped when others move on."""
        first = bisect_left(self._order, (query.part.since or 0, "", 0, ""))
        if start is not None:
            first = max(first, bisect_left(self._order, (*start[:3], start[3] + "\0")))
        for at in range(first, len(self._order)):
            state = self._seen[self._order[at][3]]
            if query.part.holds(state):
                yield state

    def slice(self, query: Query, start: int, size: int, now: datetime) -> tuple[list[State], int]:
        """The states from this place on, and how many there are in all."""
        self.settle(now)
        found = list(self._forward(query, None)) if query.order == BY_UPDATED else self._sorted(query)
        return found[start : start + size], len(found)

    def _place(self, state: State) -> Place:
        return milliseconds(state.updated) // self._step * self._step, state.project, state.number, state.id

    def _sorted(self, query: Query) -> list[State]:
        found = [s for s in self._seen.values() if query.part.holds(s)]
        for field, descending in reversed(query.order):
            found.sort(key=ORDERS[field], reverse=descending)
        return found

    def _sealed(self, place: Any, jql: str, now: datetime) -> str:
        said = orjson.dumps([self.generation, milliseconds(now), hash_of(jql), list(place)])
        return base64.urlsafe_b64encode(said[::-1]).decode()

    def _opened(self, token: str, jql: str, now: datetime) -> Any:
        try:
            generation, issued, query, place = orjson.loads(base64.b64decode(token, b"-_", validate=True)[::-1])
        except (binascii.Error, orjson.JSONDecodeError, ValueError, TypeError):
            raise TokenError("The provided next page token is invalid.") from None
        if generation != self.generation or query != hash_of(jql) or milliseconds(now) - issued > TOKEN_LIFE / timedelta(milliseconds=1):
            raise TokenError("The provided next page token is invalid or has expired.")
        return place


def hash_of(jql: str) -> int:
    return binascii.crc32(jql.encode())
