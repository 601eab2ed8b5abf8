"""One ticket's promises by what the store knows of it: no system is asked."""

from datetime import datetime

from gateway.gathering import untold
from gateway.store.lives import Known
from rules.observation import Observation
from rules.past import as_of


def observed(known: Known, at: datetime) -> Observation:
    """The ticket and its past as they stood at `at`; our own writes that no history tells are among the changes."""
    changes = (*known.changes, *untold(known.wrote, known.changes))
    by_time = tuple(sorted(changes, key=lambda change: change.at))
    seen = Observation(ticket=known.ticket, now=at, changes=by_time, comments=known.comments, merged_in=known.merged_in)
    return as_of(seen, at)
