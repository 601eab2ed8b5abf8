"""Customers, agents, failing systems and crashes in any order; afterwards the model, a few lines of Python, must agree with the system."""

import contextlib
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from connectors.errors import InDoubt, Stale, Transient, Unreadable
from connectors.memory import Failure
from connectors.memory_system import MemorySystem
from gateway.failpoint import NAMES
from rules.ticket import TicketRef
from tests.gateway.memory_desk import Hands, Office, an_office

GROUPS = ["second-line", "billing", "vip"]
STATUSES = ["open", "pending", "resolved"]
METHODS = ["update", "comment", "fetch", "comments", "changed", "applied_comment"]
ERRORS = [Transient("desk", "503"), InDoubt("desk", "lost"), Unreadable("desk", "half a body"), Stale("desk", "409")]
LATE = [n for n in NAMES if n not in ("before-page", "after-page")]


class Killed(BaseException):
    """The process is gone; nothing of it runs on but what the tests' own cleaning needs."""


@dataclass
class Points:
    """Kills at the nth pass over a point."""

    name: str = ""
    left: int = 0

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.left -= 1
            if self.left == 0:
                raise Killed(name)


@dataclass
class Expected:
    """What people did to one ticket."""

    group: str | None = None
    status: str = "new"
    urgent: int = 0
    last: bool = False  # whether the newest reply is urgent; of several in one look the newest is the rule's occasion


@dataclass
class World:
    """What outlives a process: the systems, the clock, the folder."""

    folder: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)
    hands: Hands = field(default_factory=Hands)
    tickets: dict[str, Expected] = field(default_factory=dict)


class Desk(RuleBasedStateMachine):
    """One connection, the rules of `memory_desk`, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.systems = {"desk": MemorySystem(clock=self.world.hands)}
        self.points = Points()
        self._open()
        self.office.round()

    def _open(self) -> None:
        self._entered: Any = an_office(Path(self.world.folder.name), hands=self.world.hands, systems=self.systems, points=self.points)
        self.office: Office = self._entered.__enter__()

    def _close(self) -> None:
        self._entered.__exit__(None, None, None)

    @rule()
    def customer_writes(self) -> None:
        self.world.hands.move(seconds=1)
        self.world.tickets[self.office.customer_writes().key] = Expected()

    @precondition(lambda self: self.world.tickets)
    @rule(data=st.data(), urgent=st.booleans())
    def customer_replies(self, data: st.DataObject, urgent: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.tickets)))
        self.world.hands.move(seconds=1)
        self.office.reply(TicketRef("desk", key), "This is urgent" if urgent else "Any news?")
        self.world.tickets[key].urgent += urgent
        self.world.tickets[key].last = urgent

    @precondition(lambda self: self.world.tickets)
    @rule(data=st.data(), group=st.sampled_from(GROUPS))
    def agent_routes(self, data: st.DataObject, group: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.tickets)))
        self.world.hands.move(seconds=1)
        self.office.edit(TicketRef("desk", key), group=group)
        self.world.tickets[key].group = group

    @precondition(lambda self: self.world.tickets)
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def agent_works(self, data: st.DataObject, status: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.tickets)))
        self.world.hands.move(seconds=1)
        self.office.edit(TicketRef("desk", key), status=status)
        self.world.tickets[key].status = status

    @rule(method=st.sampled_from(METHODS), error=st.sampled_from(ERRORS), after=st.booleans())
    def something_will_fail(self, method: str, error: Exception, after: bool) -> None:
        writes = method in ("update", "comment")
        if isinstance(error, InDoubt) and not writes:
            return
        if isinstance(error, Stale) and method != "update":
            return
        happened = after and writes and isinstance(error, (InDoubt, Unreadable))
        self.office.connectors["desk"].failures.append(Failure(error, method, happened))

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.office.round(seconds)

    @rule(point=st.sampled_from(LATE), nth=st.integers(1, 3))
    def the_process_is_killed(self, point: str, nth: int) -> None:
        self.points.name, self.points.left = point, nth
        with contextlib.suppress(Killed):
            self.office.round()
        self.points.name = ""
        failures = self.office.connectors["desk"].failures
        self._close()
        self._open()
        self.office.connectors["desk"].failures += failures

    @invariant()
    def nothing_is_ever_said_twice(self) -> None:
        said = Counter((e.kind, e.key) for e in self.systems["desk"].effects)
        for key, expected in self.world.tickets.items():
            assert said["reply", key] <= 1
            assert said["note", key] <= expected.urgent

    def teardown(self) -> None:
        try:
            self.office.connectors["desk"].failures.clear()
            for _ in range(3):
                self.office.round(120)
            self._compared()
        finally:
            self._close()
            self.world.folder.cleanup()

    def _compared(self) -> None:
        said = Counter((e.kind, e.key) for e in self.systems["desk"].effects)
        for key, expected in self.world.tickets.items():
            ref = TicketRef("desk", key)
            shown = self.office.shown(ref)
            assert said["reply", key] == 1, f"{key} was not answered"
            assert said["note", key] >= int(expected.last), f"{key}: an urgent answer was overlooked"
            assert shown["group"] == (expected.group or "tier-1"), f"{key}: somebody's routing was lost"
            assert shown["status"] == expected.status, f"{key}: somebody's status was lost"
            assert not self.office.gateway.cycle.plan(self.office.connectors["desk"].fetch(key)), f"{key} is not settled"


def test_whatever_happens_nothing_is_lost_repeated_or_overwritten() -> None:
    found_is_enough = [Phase.explicit, Phase.reuse, Phase.generate]  # the steps are few as they are
    quick = settings(
        max_examples=700,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=found_is_enough,
        database=None,
    )
    run_state_machine_as_test(Desk, settings=quick)
