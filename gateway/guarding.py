"""The guard of new rules: the last hours judged again by them, and how many tickets would have ended differently."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.store import passes
from gateway.store.opening import Store
from rules.bundle import Bundle
from rules.engine import Engine
from rules.plan import Action, Plan, Update
from rules.ticket import TicketRef

NAMED = 5
"""Tickets that are named in a reason."""
_ITS_OWN = frozenset({"key", "version", "rule", "place"})
"""What tells two actions apart that do the same."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The tickets that had a pass, and those of them that would have ended differently."""

    tickets: frozenset[TicketRef]
    changed: tuple[TicketRef, ...]

    @property
    def percent(self) -> float:
        return 100.0 * len(self.changed) / len(self.tickets) if self.tickets else 0.0


def replayed(store: Store, bundle: Bundle, since: datetime) -> Replayed:
    """Every recorded look since then, with all that it saw, judged by these rules. Runs of a backfill are left out."""
    engine = Engine(bundle)
    met: set[TicketRef] = set()
    changed: dict[TicketRef, None] = {}
    with store.reading() as db:
        for one in passes.since(db, since):
            met.add(one.ref)
            if one.ref not in changed and list(_ends(engine.evaluate(one.observation))) != list(_ends(one.plan)):
                changed[one.ref] = None
    return Replayed(frozenset(met), tuple(changed))


def reason(store: Store, bundle: Bundle, now: datetime, replay: timedelta, percent: float) -> str:
    """Why the bundle must wait for a person's yes; empty when it need not."""
    found = replayed(store, bundle, now - replay)
    if found.percent <= percent:
        return ""
    some = ", ".join(map(str, found.changed[:NAMED])) + (" ..." if len(found.changed) > NAMED else "")
    share = f"{len(found.changed)} of {len(found.tickets)} tickets ({found.percent:.0f} %)"
    return f"{share} would have ended differently, more than {percent:g} %: {some}"


def _ends(plan: Plan) -> Iterator[Any]:
    """What a plan does to the world, whichever rule asked for it."""
    for action in plan.actions:
        yield type(action).__name__, dict(_does(action))


def _does(action: Action) -> Iterator[tuple[str, Any]]:
    if isinstance(action, Update):
        yield "target", action.target
        yield from sorted((change.field, change.after) for change in action.changes)
        return
    for name in action.__struct_fields__:
        if name not in _ITS_OWN:
            yield name, getattr(action, name)
