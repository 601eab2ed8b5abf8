"""All clocks of one ticket by walking: the past is read once, and each track walks through it."""

from datetime import datetime

from rules.calendar import Calendar
from rules.climb import Climb
from rules.climbing import Chosen, Climbing
from rules.inheriting import gone_on, origin_of, unknown
from rules.observation import Observation
from rules.past import Doubt, LookBack, Past, past_of
from rules.promises import Promises, Ruling, Track


class Walk:
    """The past is read when a track first asks for it."""

    def __init__(self, promises: Promises, observation: Observation) -> None:
        self._promises, self._observation = promises, observation
        self._made: tuple[Past, LookBack, Chosen] | None = None
        self._origin: Walk | None = None

    def _ready(self) -> tuple[Past, LookBack, Chosen]:
        if self._made is None:
            bundle = self._promises.bundle
            look = LookBack(self._observation, calendars=bundle.calendars, systems=bundle.desk.connections)
            self._made = past_of(self._observation), look, Chosen(self._promises, look)
        return self._made

    def climbs(self, track: Track) -> list[Climb]:
        return Climbing(self._promises, track, *self._ready(), self._inherit).walked()

    def _inherit(self, track: Track, ruling: Ruling, at: datetime) -> Climb | None:
        """The clock of the ticket that this one was split from, walked up to the split, as it goes on here."""
        if self._observation.ticket.split_from is None:
            return None
        walk = self._origins_walk()
        went = walk.climbs(track) if walk is not None else []
        return gone_on(walk._observation.ref, went[-1], ruling, at) if walk is not None and went else None

    def _origins_walk(self) -> "Walk | None":
        if self._origin is None and (origin := origin_of(self._observation)) is not None:
            self._origin = Walk(self._promises, origin)
        doubts = self._ready()[0].doubts
        if self._origin is None and not any(doubt.kind == "origin_unknown" for doubt in doubts):
            doubts.append(unknown(self._observation))
        return self._origin

    def ends(self) -> tuple[tuple[str, ...], Calendar]:
        """The policies that apply as the ticket is now, and the calendar of the first of them, else the desk's."""
        past, look, _ = self._ready()
        look.stand_at(past.steps[-1])
        options = self._promises.applying(look)
        names = tuple(dict.fromkeys(option.policy.name for option in options))
        return names, options[0].calendar(look) if options else self._promises.calendar

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        return tuple(self._made[0].doubts) if self._made is not None else ()

    def forget(self) -> None:
        """Done with: a look's caches and the look know each other."""
        if self._made is not None:
            self._made[1].forget()
        if self._origin is not None:
            self._origin.forget()
