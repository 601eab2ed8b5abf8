"""What breaches next, and how promises would have been kept under other policies: the same clocks, asked of all tickets."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.reports.verdicts import LEFT_OUT
from gateway.standing import observed
from gateway.store.lives import Known
from rules.engine import Engine
from rules.observation import Observation
from rules.sla import SlaClock
from rules.ticket import Ticket


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A promise that is broken at `clock.due_at` unless something happens."""

    ticket: Ticket
    clock: SlaClock


@dataclass(frozen=True, slots=True)
class Ahead:
    """The nearest first. `late`: clocks that run beyond their deadline already; `unknown`: open tickets whose history was never read."""

    found: tuple[AtRisk, ...]
    late: int
    unknown: int


def at_risk(known: Iterable[Known], engine: Engine, now: datetime, within: timedelta) -> Ahead:
    """Clocks that run and whose deadline is at most `within` ahead."""
    found, late, unknown = [], 0, 0
    for one in (one for one in known if not one.ticket.settled):
        if not one.heard:
            unknown += 1
            continue
        for clock in engine.sla(observed(one, now)).present:
            late += clock.state == "breached" and not clock.over
            if clock.state == "running" and clock.due_at is not None and clock.due_at <= now + within:
                found.append(AtRisk(one.ticket, clock))
    return Ahead(tuple(sorted(found, key=lambda risk: (risk.clock.due_at or now, risk.ticket.ref))), late, unknown)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one promise to one ticket stands: `met`, `breached`, `running` or `none`."""

    metric: str
    state: str
    policy: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """One ticket under the rules in force and under others."""

    ticket: Ticket
    was: tuple[Outcome, ...]
    would: tuple[Outcome, ...]

    @property
    def differs(self) -> Iterator[tuple[str, str, str]]:
        """Metric, how it is, how it would be."""
        before, after = _by_metric(self.was), _by_metric(self.would)
        for metric in sorted({*before, *after}):
            if (was := before.get(metric, "none")) != (would := after.get(metric, "none")):
                yield metric, was, would


@dataclass(frozen=True, slots=True)
class Kept:
    """Compliance of one metric in one group of tickets, as it is and as it would be; counts of ended clocks."""

    name: str
    metric: str
    was: tuple[int, int]  # met, of
    would: tuple[int, int]


def replayed(known: Iterable[Known], present: Engine, other: Engine, since: datetime, now: datetime) -> tuple[list[Replayed], int]:
    """Tickets opened since then, and how many there are whose history was never read."""
    found, unknown = [], 0
    for one in (one for one in known if one.ticket.created_at >= since):
        if not one.heard:
            unknown += 1
            continue
        seen = observed(one, now)
        found.append(Replayed(one.ticket, tuple(_outcomes(present, seen)), tuple(_outcomes(other, seen))))
    return found, unknown


def _outcomes(engine: Engine, seen: Observation) -> Iterator[Outcome]:
    for clock in engine.sla(seen).clocks:
        if clock.state not in LEFT_OUT:
            state = "breached" if clock.has_breached else "met" if clock.over else "running"
            yield Outcome(clock.metric, state, clock.policy)


def _by_metric(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Of several instances the worst: breached, then running, then met."""
    worst = ("met", "running", "breached")
    found: dict[str, str] = {}
    for outcome in outcomes:
        known = found.get(outcome.metric, "met")
        found[outcome.metric] = max(known, outcome.state, key=worst.index)
    return found


def kept(tickets: Sequence[Replayed], field: str) -> list[Kept]:
    """By a field's values, and by metric; `all` first."""
    parts: dict[str, list[Replayed]] = {"all": list(tickets)}
    for one in tickets:
        parts.setdefault(f"{field} {getattr(one.ticket, field) or '(empty)'}", []).append(one)
    rows = []
    for name, part in parts.items():
        metrics = sorted({outcome.metric for one in part for outcome in (*one.was, *one.would)})
        for metric in metrics:
            rows.append(Kept(name, metric, _share([one.was for one in part], metric), _share([one.would for one in part], metric)))
    return rows


def _share(outcomes: Iterable[Iterable[Outcome]], metric: str) -> tuple[int, int]:
    states = [outcome.state for some in outcomes for outcome in some if outcome.metric == metric and outcome.state != "running"]
    return states.count("met"), len(states)
