"""One ticket's promises by what the store knows of it: no system is asked."""

from datetime import datetime

from gateway.store.lives import Known
from gateway.untold import origin, whole_past
from rules.observation import Observation
from rules.past import as_of


def observed(known: Known, at: datetime) -> Observation:
    """The ticket and its past as they stood at `at`; our own writes that no history tells are among the changes."""
    seen = Observation(
        ticket=known.ticket,
        now=at,
        changes=whole_past(known),
        comments=known.comments,
        merged_in=known.merged_in,
        origins=tuple(map(origin, known.origins)),
    )
    return as_of(seen, at)
