"""The clocks of one pass: which SLA policy applies, how its metrics stand, and when to look again."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rules.ladders import Clocks, Rung
from rules.observation import Observation
from rules.plan import Broken, Stage
from rules.ready import Prepared, Ready
from rules.ticket import Change, replace
from rules.working import Copy


class ClockWork:
    """Everything is worked out when first asked for, and at most once."""

    __slots__ = ("_observation", "_prepared", "now")

    def __init__(self, prepared: Prepared, observation: Observation) -> None:
        self._prepared, self._observation = prepared, observation
        self.now = Clocks(observation, prepared.promises)

    def policy(self) -> str | None:
        """The first policy that applies to the ticket as it came."""
        return next(iter(self.now.standing.policies), None)

    def state(self, name: str) -> str | None:
        """What conditions and texts see as `sla.policy` and `sla.METRIC`."""
        if name == "policy":
            return self.policy()
        clock = self.now.clock(name)
        return clock.state if clock else None

    def before(self, earlier: Iterable[Observation]) -> tuple[Clocks, ...]:
        return tuple(Clocks(observation, self._prepared.promises) for observation in earlier)

    def due(self, ready: Ready, past: Iterable[Clocks]) -> list[Rung]:
        """Stages due by now, or just before an event of this pass, that neither ran nor were passed over; in rising order."""
        found: dict[str, Rung] = {}
        for clocks in (*past, self.now):
            for rung in clocks.rungs(ready.rule):
                if rung.due_at <= clocks.moment and (key := rung.key) not in self._observation.done:
                    found.setdefault(key, rung)
        return sorted(found.values(), key=lambda rung: rung.due_at)

    def broken(self) -> Iterator[Broken]:
        """Every breach of the ticket's clocks, when anybody has asked for a clock."""
        for clock in self.now.measured:
            for breach in clock.breaches:
                target = breach.target.within
                yield Broken(
                    policy=clock.policy,
                    metric=clock.metric,
                    climb=clock.climb,
                    at=breach.at,
                    due_at=breach.due_at,
                    target=target.written if target else "",
                )

    def look_again_at(self, mine: Copy, stages: Iterable[Stage]) -> datetime | None:
        """The next stage or change of a clock's state, on the ticket as this pass leaves it. A ladder that raises waits for nothing."""
        if not self._prepared.ladders:
            return None
        clocks = Clocks(self._as_left(mine), self._prepared.promises) if mine.changes else self.now
        done = self._observation.done | {stage.key for stage in stages}
        return min((at for ready in self._prepared.ladders for at in self._moments(ready, clocks, done)), default=None)

    def _moments(self, ready: Ready, clocks: Clocks, done: frozenset[str]) -> Iterator[datetime]:
        now, only = self._observation.now, ready.ruleset.connections
        if ready.rule.mode == "disabled" or (only and self._observation.ref.connection not in only):
            return
        try:
            yield from [rung.due_at for rung in clocks.rungs(ready.rule) if rung.due_at > now and rung.key not in done]
            yield from [at for at in clocks.changes_at(ready.rule) if at > now]
        except ValueError:  # its calendar ran out of open time; the pass itself reports it where the stage is asked for
            return

    def _as_left(self, mine: Copy) -> Observation:
        now = self._observation.now
        ours = (Change(field=c.field, before=c.before, after=c.after, at=now, ours=True) for c in mine.changes.values())
        return replace(self._observation, ticket=mine.ticket, changes=(*self._observation.changes, *ours))
