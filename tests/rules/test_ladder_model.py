"""Ladders against a plain model that walks minute by minute: each stage once on a climb, and none that fell due is missed.

Whatever happens to the ticket, whenever it is told, however often and by whom it is looked at, and whatever the clock on the wall says.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import Engine
from rules.observation import Event, Kind, Observation
from rules.plan import Plan
from rules.ticket import Change, Comment, Level, Role, Status, Ticket, replace
from tests.builders import a_comment, a_ticket
from tests.rules.desks import a_bundle

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TARGETS = {Level.NORMAL: 100, Level.HIGH: 60, Level.URGENT: 40}
STAGES = {"at 50%": 0.5, "at breach - 15m": -15, "at breach": 1.0, "at breach + 10m": 10}
REPEATS, EVERY = 2, 7
TEXT = """
calendars: { around: { always: true } }
sla_policies:
  standard:
    applies_to: { type: incident }
    calendar: around
    pause_in: [on_hold]
    targets: { normal: { first_response: 100m }, high: { first_response: 60m }, urgent: { first_response: 40m } }
rules:
  - id: climb
    when: { sla: first_response }
    catch_up: CATCH
    stages:
      - { at: 50%, then: [{ note: { text: half } }] }
      - { at: breach - 15m, then: [{ note: { text: soon } }] }
      - { at: breach, then: [{ note: { text: late } }] }
      - { at: breach + 10m, repeat: { every: 7m, times: 2 }, then: [{ note: { text: later } }] }
"""
ENGINES = {how: Engine(a_bundle(TEXT.replace("CATCH", how))) for how in ("latest", "all", "skip")}


@dataclass(frozen=True)
class Deed:
    """Something happens at a minute and is told so many minutes later."""

    minute: int
    what: Any
    told_after: int = 0


Name = tuple[str, int]
whats = st.sampled_from([Status.ON_HOLD, Status.OPEN, Level.NORMAL, Level.HIGH, Level.URGENT]) | st.just("reply")
deeds = st.builds(Deed, st.integers(1, 160), whats, st.sampled_from([0, 0, 0, 5, 40, 200]))
histories = st.lists(deeds, max_size=7, unique_by=lambda deed: deed.minute).map(lambda some: sorted(some, key=lambda deed: deed.minute))
looks = st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0, 0, 0, -60, 60])), max_size=8).map(sorted)


def need(stage: str, again: int, target: int) -> float:
    by = STAGES[stage]
    share = target * by if isinstance(by, float) else target + by
    return max(share, 0) + EVERY * again


def fell_due(history: list[Deed], until: int) -> set[Name]:
    """The specification: which stages were due at some minute of a clock that had not stopped."""
    status, priority, stopped = Status.OPEN, Level.NORMAL, False
    elapsed, due = 0, set[Name]()
    reached: list[bool] = []  # at so many minutes of elapsed time, was it running when it had them?
    for minute in range(until + 1):
        for deed in (deed for deed in history if deed.minute == minute):
            status, priority = (
                deed.what if isinstance(deed.what, Status) else status,
                deed.what if isinstance(deed.what, Level) else priority,
            )
            stopped = stopped or deed.what == "reply"
        if stopped:
            return due
        running = status != Status.ON_HOLD
        reached += [False] * (elapsed + 1 - len(reached))
        reached[elapsed] = reached[elapsed] or running
        names = [(stage, again) for stage in STAGES for again in range(REPEATS + 1 if stage == "at breach + 10m" else 1)]
        for name in names:
            if any(reached[elapsed_then] for elapsed_then in range(int(need(*name, TARGETS[priority])), len(reached))):
                due.add(name)
        elapsed += running
    return due


class Life:
    """A ticket that is looked at again and again; what runs is kept, as the store keeps it."""

    def __init__(self, engine: Engine, history: list[Deed]) -> None:
        self.engine, self.history = engine, history
        self.done = frozenset[str]()
        self.behind: Counter[Name] = Counter()
        self.seen: set[Deed] = set()

    def look(self, minute: int, wall: int) -> None:
        """`wall` minutes off. A second daemon looks at the same moment, and finds the same."""
        told = [deed for deed in self.history if deed.minute + deed.told_after <= minute]
        news = [deed for deed in told if deed not in self.seen]
        self.seen |= set(told)
        seen = self._observed(told, news, START + (minute + wall) * MINUTE)
        plan, twin = self.engine.evaluate(seen), self.engine.evaluate(seen)
        assert [stage.key for stage in plan.stages] == [stage.key for stage in twin.stages]
        self._keep(plan)

    def _keep(self, plan: Plan) -> None:
        again: Counter[str] = Counter()
        for stage in plan.stages:
            assert stage.key not in self.done, "a stage is behind the ticket once"
            self.done |= {stage.key}
            self.behind[(stage.name, self._nth(stage.name))] += 1
            again[stage.name] += 1

    def _nth(self, name: str) -> int:
        return sum(n for (stage, _), n in self.behind.items() if stage == name)

    def _observed(self, told: list[Deed], news: list[Deed], now: datetime) -> Observation:
        changes, comments, ticket = self._past(told)
        mine = {START + deed.minute * MINUTE for deed in news}
        events = [Event(kind=Kind.CHANGED, at=c.at, change=c) for c in changes if c.at in mine]
        events += [Event(kind=Kind.AGENT_REPLIED, at=c.at, comment=c) for c in comments if c.at in mine]
        in_order = tuple(sorted(events, key=lambda event: event.at))
        return Observation(ticket=ticket, now=now, changes=tuple(changes), comments=tuple(comments), done=self.done, events=in_order)

    def _past(self, told: list[Deed]) -> tuple[list[Change], list[Comment], Ticket]:
        ticket = a_ticket(created_at=START, updated_at=START, status=Status.OPEN, priority=Level.NORMAL)
        changes, comments = [], []
        for deed in told:
            at = START + deed.minute * MINUTE
            if deed.what == "reply":
                comments.append(a_comment(id=str(deed.minute), role=Role.AGENT, at=at))
                continue
            name = "status" if isinstance(deed.what, Status) else "priority"
            if getattr(ticket, name) != deed.what:
                changes.append(Change(field=name, before=getattr(ticket, name), after=deed.what, at=at))
                ticket = replace(ticket, **{name: deed.what}, updated_at=at)
        return changes, comments, ticket


@settings(max_examples=150, deadline=None)
@given(histories, looks, st.sampled_from(sorted(ENGINES)))
def test_each_stage_is_behind_the_ticket_once_and_none_that_fell_due_is_missed(
    history: list[Deed], looked: list[tuple[int, int]], how: str
) -> None:
    life = Life(ENGINES[how], history)
    for minute, wall in looked:
        life.look(minute, wall)
    life.look(600, 0)
    life.look(600, 0)
    assert set(life.behind.values()) <= {1}
    assert fell_due(history, 600) <= set(life.behind), "none is missed"


told_at_once = histories.map(lambda some: [replace(deed, told_after=0) for deed in some])


@settings(max_examples=150, deadline=None)
@given(told_at_once, st.lists(st.integers(1, 400), max_size=8).map(sorted))
def test_with_everything_told_at_once_exactly_what_fell_due_is_behind_the_ticket(history: list[Deed], looked: list[int]) -> None:
    life = Life(ENGINES["all"], history)
    for minute in (*looked, 600):
        life.look(minute, 0)
    assert set(life.behind) == fell_due(history, 600)
