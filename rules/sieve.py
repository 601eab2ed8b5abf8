"""Many tickets held against the rules one after the other, of which nothing else is known."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from rules.index import Index, Standing, Tier
from rules.look import Look
from rules.observation import Kind
from rules.ticket import Ticket

if TYPE_CHECKING:
    from rules.ready import Prepared, Ready

Sieve: TypeAlias = Callable[[Ticket], bool]


def sieve_of(ready: "Ready", look: Look) -> Sieve:
    """Whether one rule could act on a ticket, whatever its `when`. A ladder goes by the clock, so it could on each."""
    if ready.ladder:
        return lambda ticket: True
    index = Index([(0, frozenset({Kind.CREATED}), ready.rule.condition)])
    among = index.among((Kind.CREATED,))
    return lambda ticket: bool(index.standing(among, look.shows(ticket))[0])


class Matcher:
    """Which rules match a ticket at an event of some kind, by their positions in the order in which they run.

    The looks lend their observation and their desk, and show the ticket asked for last: one to the index, which wants nothing of what a
    look keeps of a ticket, and one to the few conditions that it cannot settle. For one thread.
    """

    def __init__(self, prepared: "Prepared", kind: Kind, look: Look, closer: Look) -> None:
        self._rules, self._index, self._look, self._closer = prepared.rules, prepared.index, look, closer
        self._kind = kind
        self._among = prepared.index.among((kind,))

    @cached_property
    def _tiers(self) -> list[Tier]:
        return self._index.tiers(self._kind)

    def could_match(self, ticket: Ticket) -> bool:
        """False is certain. Asks no condition, so it raises nothing."""
        look = self._look.shows(ticket)
        return any(index.standing(among, look, up_to_first=True)[0] for index, among in self._tiers)

    def could_match_any(self, tickets: Sequence[Ticket]) -> list[bool]:
        """`could_match` of each; quicker where there are many."""
        return list(map(bool, self._tier_by_tier(tickets, lambda index, found, ticket: found[0] or None)))

    def _tier_by_tier(self, tickets: Sequence[Ticket], asked: Callable[[Index, Standing, Ticket], int | None]) -> list[int | None]:
        """What is said of each ticket by what stands of a tier; where that is None, the next tier is asked."""
        said: list[int | None] = [None] * len(tickets)
        for index, among in self._tiers:
            left = [n for n, one in enumerate(said) if one is None]
            standings = index.standings(among, self._look, [tickets[n] for n in left], up_to_first=True)
            for n, standing in zip(left, standings, strict=True):
                said[n] = asked(index, standing, tickets[n])
        return said

    def all(self, ticket: Ticket) -> list[int]:
        """All of them, rising. Raises what judging one raises."""
        return self._index.matches(self._index.standing(self._among, self._look.shows(ticket)), ticket, self._judged)

    def all_of(self, tickets: Sequence[Ticket]) -> list[list[int]]:
        """`all` of each; quicker where there are many."""
        found = self._index.standings(self._among, self._look, tickets)
        return [self._index.matches(one, ticket, self._judged) for ticket, one in zip(tickets, found, strict=True)]

    def first(self, ticket: Ticket) -> int | None:
        """The first, as in a set that picks it. Raises what judging one raises."""
        look = self._look.shows(ticket)
        for index, among in self._tiers:
            found = index.first(index.standing(among, look, up_to_first=True), ticket, self._judged)
            if found is not None:
                return found
        return None

    def first_of(self, tickets: Sequence[Ticket]) -> list[int | None]:
        """`first` of each; quicker where there are many."""
        return self._tier_by_tier(tickets, lambda index, found, ticket: index.first(found, ticket, self._judged))

    def _judged(self, ticket: Ticket, position: int) -> bool:
        self._closer.see(ticket)
        return self._rules[position].holds(self._closer)
