"""The straight way to a ticket's clocks, where nothing but its status and people's words moved them. Most tickets are such.

One policy, target and calendar then rule a clock all along, found by the ticket's present values and remembered by them; its start and
stop are events alone; and it runs or rests by the status. `climbing.py` says what is right: a test holds this way to it over random
policies and pasts. Whatever this way does not know it leaves to that walk, by answering None.
"""

from collections.abc import Sequence

from msgspec import Struct

from rules.beats import SETTLING, SIGNS, Beat, Plain, plain
from rules.calendar import Calendar
from rules.climb import Climb
from rules.climbing import Chosen
from rules.leaves import fields_of, judges_time
from rules.look import Look
from rules.observation import Kind, Observation
from rules.past import LookBack
from rules.promises import Plan, Promises, Ruling, Signal, Track
from rules.ticket import Value, replace

_REOPENED, _AGENT = SIGNS[Kind.REOPENED], SIGNS[Kind.AGENT_REPLIED]
_STATUS = frozenset({"status"})
_MOST = 10_000  # rulings remembered; then they are found afresh


class Straight(Struct):
    """One clock of a policy made ready for this way: the events that start and stop it, as bits, and the statuses in which it runs."""

    ruling: Ruling | None  # None: there is no such clock
    start: int = 0
    stop: int = 0
    again: bool = False
    waits: bool = False  # of a ticket that an agent opened it awaits the customer
    runs: dict[Value, bool] = {}
    inherits: bool = False  # of a ticket that was split from another it may go on with that one's clock

    def climbs(self, seen: Observation, past: Plain) -> list[Climb] | None:
        if self.ruling is None:
            return []
        if (self.waits and past.opened_by_agent) or (self.inherits and seen.ticket.split_from is not None):
            return None
        for _, rank, _, _, status in past.beats:
            if rank <= 0 and status not in self.runs:
                self.runs[status] = _runs(self.ruling.plan, seen, status)
        return self._walked(past.beats, self.ruling)

    def _walked(self, beats: Sequence[Beat], ruling: Ruling) -> list[Climb] | None:
        found: list[Climb] = []
        climb: Climb | None = None
        settled = runs = running = False
        for at, rank, _, signs, status in beats:
            if rank <= 0:
                runs = self.runs[status]
            if settled and signs & _REOPENED:
                return None
            if climb is not None and signs & self.stop:
                climb.end(at, "stopped")
                climb, settled = None, bool(signs & SETTLING)
            if climb is None and signs & self.start and (self.again or not found):
                climb, settled, running = Climb(len(found) + 1, at, ruling, at), False, False
                found.append(climb)
            if climb is not None and runs is not running:
                climb.turn(at, runs)
                running = runs
        return found


class Ruled(Struct):
    """What holds for every ticket with the same values of the fields that decide: its policies, and each track's way."""

    policies: tuple[str, ...]
    calendar: Calendar
    ways: tuple[Straight | None, ...]


def ruled(promises: Promises, seen: Observation) -> tuple[Ruled, Plain] | None:
    """What rules the ticket all along, and its past; None where one of them is not plain."""
    past = plain(seen) if promises.reads is not None else None
    if past is None or promises.reads is None or not promises.decisive.isdisjoint(past.changed):
        return None
    if past.settles and _perhaps_merged(promises, seen, past):
        return None
    ticket = seen.ticket
    key = tuple([read(ticket) for read in promises.reads])
    found = promises.ruled.get(key)
    if found is None:
        if len(promises.ruled) >= _MOST:
            promises.ruled.clear()
        found = promises.ruled[key] = _found(promises, seen)
    return found, past


def _perhaps_merged(promises: Promises, seen: Observation, past: Plain) -> bool:
    return not past.changed.isdisjoint(("resolution", "tags")) or promises.merged(Look(seen))


def _found(promises: Promises, seen: Observation) -> Ruled:
    look = LookBack(seen, calendars=promises.bundle.calendars, systems=promises.bundle.desk.connections)
    options, chosen = promises.applying(look), Chosen(promises, look)
    ways = tuple(None if track.always else _way(track, chosen.found(track)) for track in promises.tracks)
    calendar = options[0].calendar(look) if options else promises.calendar
    look.forget()
    return Ruled(tuple(dict.fromkeys(option.policy.name for option in options)), calendar, ways)


def _way(track: Track, ruling: Ruling | None) -> Straight | None:
    if ruling is None:
        return Straight(None)
    plan = ruling.plan
    start, stop = _signs(plan.start.events), _signs(plan.stop.events)
    replies = (start or 0) | (stop or 0)
    if start is None or stop is None or not _is_plain(plan) or (plan.counts is not None and replies & _AGENT):
        return None
    waits = track.name == "first_response" and plan.spec.switches.agent_initiated != "normal"
    if waits and plan.counts is not None:
        return None
    return Straight(ruling, start, stop, plan.spec.repeat != "none", waits, {}, plan.spec.switches.on_split != "fresh")


def _is_plain(plan: Plan) -> bool:
    """Neither reset nor cancel, no condition that starts or stops it, no true start elsewhere, and the status alone moves it."""
    spec = plan.spec
    marks = bool(plan.start.levels or plan.stop.levels or plan.reset.any or plan.cancel.any)
    moving = [c for c in (spec.run_while, spec.pause) if c is not None]
    by_status = all(fields_of(c) <= _STATUS and not judges_time(c) for c in moving)
    moved = spec.retroactive is not None or spec.switches.on_merge != "cancel"
    return by_status and not marks and spec.resume is None and spec.repeat != "sequential" and not moved


def _signs(signals: Sequence[Signal]) -> int | None:
    """The events as bits; None where one is no bit, or asks for more than that it happened."""
    if any(signal.holds is not None or not signal.kinds <= SIGNS.keys() for signal in signals):
        return None
    return sum(SIGNS[kind] for kind in frozenset[Kind]().union(*(signal.kinds for signal in signals)))


def _runs(plan: Plan, seen: Observation, status: Value) -> bool:
    look = Look(seen, ticket=replace(seen.ticket, status=status))
    return not (plan.pauses is not None and plan.pauses(look)) and (plan.runs is None or plan.runs(look))
