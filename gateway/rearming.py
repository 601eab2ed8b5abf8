"""Clocks in flight under new rules, or under a rule that was resumed: when each known ticket is to be looked at, worked out afresh.

Everything needed is in the store: no system is asked. An alarm is only ever set earlier; one that rings for nothing costs a look.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from gateway.clock import Clock
from gateway.gathering import Gatherer
from gateway.rulebook import Rulebook
from gateway.store import tickets
from gateway.store.opening import Store
from rules.bundle import Bundle
from rules.ladders import follows_a_clock
from rules.ticket import TicketRef

BATCH = 200


def other_clocks(before: Bundle, after: Bundle) -> bool:
    """Whether clocks, or what is done at their stages, may be others than they were."""
    return _clocked(before) != _clocked(after)


def _clocked(bundle: Bundle) -> object:
    ladders = [rule for ruleset in bundle.rulesets for rule in ruleset.rules if follows_a_clock(rule)]
    return ladders, (bundle.policies, bundle.calendars, bundle.desk.default_calendar) if ladders else ()


def rearmed(
    store: Store, gatherer: Gatherer, book: Rulebook, clock: Clock, *, overdue: bool, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Sets the alarms that must ring earlier than they would; of how many tickets it did.

    Without `overdue` a stage that is behind already rings for nobody: a rule just written must not act on all that lies about, but on
    what comes, and on a ticket when there is news of it.
    """
    count = 0
    for connection in book.bundle.desk.connections:
        with store.reading() as db:
            refs = tickets.open_refs(db, connection)
        for start in range(0, len(refs), BATCH):
            if stopping():
                return count
            due = [(ref, at) for ref, at in _due(gatherer, book, refs[start : start + BATCH], clock(), overdue)]
            with store.writing() as db:
                count += sum(tickets.look_sooner(db, ref, at) for ref, at in due)
    return count


def _due(gatherer: Gatherer, book: Rulebook, refs: list[TicketRef], now: datetime, overdue: bool) -> Iterator[tuple[TicketRef, datetime]]:
    """A ticket whose comments or history the rules of now want and those of then did not is looked at as soon as a clock of it runs."""
    for ref in refs:
        found = gatherer.remembered(ref, book)
        if found is None:
            continue
        plan = book.evaluate(found.observation)
        if (plan.look_again_at is not None and not found.heard) or (overdue and plan.stages):
            yield ref, now
        elif plan.look_again_at is not None:
            yield ref, plan.look_again_at
