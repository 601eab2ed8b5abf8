"""Two linked systems, people on both sides, polls, restarts, crashes in any order; at rest both must say the same, by the policy."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed
from gateway.store import links
from rules.ticket import TicketRef
from tests.gateway.memory_desk import Hands, Office, an_office, settled
from tests.gateway.test_model import LATE, Killed, Points

IN_STEP = """
version: 1
rules:
  - id: in-step
    when: [created, updated, commented]
    if: { connection: [desk, core], tags: { contains: engineering } }
    then:
      - sync:
          with: core
          if_missing: create
          status: { owner: core }
          fields: { priority: both_ways }
          comments: { direction: both_ways, only: public }
          conflict: newest_wins
"""
SIDES = ("desk", "core")
STATUSES = ["open", "pending", "resolved"]
PRIORITIES = ["low", "normal", "high", "urgent"]


@dataclass
class Matter:
    """What people did about one matter: words by whether they are public, and the priorities they gave since it last came to rest."""

    status: str = "new"
    priority: str = "normal"
    given: list[tuple[str, str]] = field(default_factory=list)  # side and priority, in order
    last_deed: str = "desk"
    public: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def allowed(self) -> set[str]:
        """The priorities that the policy may come to: what one of the sides gave last.

        The last one given holds, if its side was the last to be touched at all and nobody had given it before: a value that went
        there and back is no change, and of the far side only the moment of its last change is known.
        """
        if not self.given:
            return {self.priority}
        last, seen_before = dict(self.given), {self.priority, *(value for _, value in self.given[:-1])}
        side, value = self.given[-1]
        certain = side == self.last_deed and value not in seen_before
        return {value} if certain else {*last.values()}

    def agreed_on(self, priority: str) -> None:
        """Both sides say this now, and did not before: it is what the next edit is an edit of."""
        assert priority in self.allowed(), f"{self.given} became {priority}"
        self.priority, self.given = priority, []


class Pairs(RuleBasedStateMachine):
    """`desk` where customers write, `core` where engineers work. The process may die at any point of its path."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.hands = Hands()
        self.systems = {name: MemorySystem(clock=self.hands) for name in SIDES}
        self.matters: dict[TicketRef, Matter] = {}
        self.said = 0
        self.points = Points()
        self._open()
        self.office.round()

    def _open(self) -> None:
        self._entered: Any = an_office(Path(self.folder.name), IN_STEP, SIDES, hands=self.hands, systems=self.systems, points=self.points)
        self.office: Office = self._entered.__enter__()

    def _close(self) -> None:
        self._entered.__exit__(None, None, None)

    def _ends(self, ref: TicketRef) -> dict[str, TicketRef]:
        with self.office.gateway.store.reading() as db:
            pairs = links.of_ticket(db, ref)
        return {end.connection: end for end in (ref, *(pair.partner_of(ref) for pair in pairs))}

    def _chosen(self, data: st.DataObject) -> tuple[Matter, TicketRef]:
        """One of the matters, and one of its ends; a moment goes by."""
        ref = data.draw(st.sampled_from(sorted(self.matters)))
        ends = self._ends(ref)
        end = ends[data.draw(st.sampled_from(sorted(ends)))]
        self.hands.move(seconds=1)
        self.matters[ref].last_deed = end.connection
        return self.matters[ref], end

    @precondition(lambda self: len(self.matters) < 3)
    @rule()
    def customer_writes(self) -> None:
        self.hands.move(seconds=1)
        self.matters[self.office.customer_writes(tags=("engineering",), priority="normal")] = Matter()

    @precondition(lambda self: self.matters)
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def somebody_sets_the_status(self, data: st.DataObject, status: str) -> None:
        matter, end = self._chosen(data)
        self.office.edit(end, status=status)
        matter.status = status if end.connection == "core" else matter.status

    @precondition(lambda self: self.matters)
    @rule(data=st.data(), priority=st.sampled_from(PRIORITIES))
    def somebody_sets_the_priority(self, data: st.DataObject, priority: str) -> None:
        matter, end = self._chosen(data)
        if self.office.shown(end)["priority"] != priority:
            self.office.edit(end, priority=priority)
            matter.given.append((end.connection, priority))

    @precondition(lambda self: self.matters)
    @rule(data=st.data(), last=st.sampled_from(SIDES), priorities=st.permutations(PRIORITIES))
    def both_sides_set_the_priority(self, data: st.DataObject, last: str, priorities: list[str]) -> None:
        """One after the other, before either is told of it."""
        matter, end = self._chosen(data)
        ends, new = self._ends(end), [p for p in priorities if p != self.office.shown(end)["priority"]]
        for side, priority in zip(sorted(ends, key=lambda side: side == last), new, strict=False):
            self.gives(matter, ends[side], priority)

    def gives(self, matter: Matter, end: TicketRef, priority: str) -> None:
        self.hands.move(seconds=1)
        self.office.edit(end, priority=priority)
        matter.given.append((end.connection, priority))
        matter.last_deed = end.connection

    @precondition(lambda self: self.matters)
    @rule(data=st.data(), by=st.sampled_from(["customer", "agent"]))
    def somebody_answers(self, data: st.DataObject, by: str) -> None:
        matter, end = self._chosen(data)
        self.said += 1
        matter.public.append(f"Word {self.said}.")
        self.office.reply(end, matter.public[-1], by)

    @precondition(lambda self: self.matters)
    @rule(data=st.data())
    def an_agent_takes_a_note(self, data: st.DataObject) -> None:
        matter, end = self._chosen(data)
        self.said += 1
        matter.notes.append((end.connection, f"Note {self.said}."))
        self.systems[end.connection].people(Deed(kind="note", key=end.key, by="agent", text=matter.notes[-1][1]))

    @rule(side=st.sampled_from(SIDES))
    def a_side_is_polled(self, side: str) -> None:
        self.hands.move(seconds=1)
        self.office.gateway.signals.poll(side, self.office.gateway.cycle.book)

    @rule(side=st.sampled_from(SIDES))
    def a_worker_works(self, side: str) -> None:
        self.hands.move(seconds=2)
        with self._watched():
            self.office.worker(side).drain()

    @rule(point=st.sampled_from(LATE), nth=st.integers(1, 3))
    def it_is_killed(self, point: str, nth: int) -> None:
        self.points.name, self.points.left = point, nth
        with self._watched(), contextlib.suppress(Killed):
            self.office.round()
        self.points.name = ""
        self._close()
        self._open()

    @rule()
    def it_is_started_again(self) -> None:
        self._close()
        self._open()

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Of matters that were brought together meanwhile it is known what both sides agree on."""
        apart = [ref for ref in self.matters if len(self._priorities(ref)) > 1]
        yield
        for ref in apart:
            if len(now := self._priorities(ref)) == 1:
                self.matters[ref].agreed_on(*now)

    def _priorities(self, ref: TicketRef) -> set[str]:
        return {self.office.shown(end)["priority"] for end in self._ends(ref).values()}

    @rule()
    def it_comes_to_rest(self) -> None:
        for _ in range(2):
            self.office.round()
        for ref, matter in self.matters.items():
            ends = self._ends(ref)
            assert sorted(ends) == sorted(SIDES), f"{ref} has no partner"
            self._agree(matter, *ends.values())
            self._spoken(matter, ends)
        self._nothing_more_is_written()

    def _agree(self, matter: Matter, one: TicketRef, other: TicketRef) -> None:
        left, right = self.office.shown(one), self.office.shown(other)
        assert left["status"] == right["status"] == matter.status, "the engineers own the status"
        assert left["priority"] == right["priority"]
        matter.agreed_on(left["priority"])

    def _spoken(self, matter: Matter, ends: dict[str, TicketRef]) -> None:
        texts = {side: list(self._texts(end)) for side, end in ends.items()}
        for side in SIDES:
            for word in matter.public:
                assert [public for text, public in texts[side] if text == word] == [True], f"{word} on {side}"
            notes = sorted(text for text, public in texts[side] if not public)
            assert notes == sorted(note for where, note in matter.notes if where == side), f"notes on {side}"
            assert len(texts[side]) == len(matter.public) + len(notes), f"more was said on {side} than people did"

    def _texts(self, end: TicketRef) -> Iterator[tuple[str, bool]]:
        """What stands there, each without the line that says whose words it copies."""
        for comment in self.office.shown(end)["comments"]:
            yield comment["text"].splitlines()[-1], comment["public"]

    def _nothing_more_is_written(self) -> None:
        before = self._written()
        self.office.round()
        settled(self.office)
        assert self._written() == before, "the two push each other"

    def _written(self) -> list[int]:
        return [len(self.office.effects(side)) for side in SIDES]

    def teardown(self) -> None:
        try:
            self.it_comes_to_rest()
        finally:
            self._close()
            self.folder.cleanup()


def test_one_side_s_word_goes_over_and_of_both_sides_the_last_holds() -> None:
    """What the random steps come to now and then, once for each side."""
    pairs = Pairs()
    try:
        pairs.customer_writes()
        pairs.it_comes_to_rest()
        [(ref, matter)] = pairs.matters.items()
        for first, last in (SIDES, SIDES[::-1]):
            ends = pairs._ends(ref)
            pairs.gives(matter, ends[first], "high")
            pairs.gives(matter, ends[last], "urgent")
            pairs.it_comes_to_rest()
            pairs.gives(matter, ends[first], "low")
            pairs.it_comes_to_rest()
    finally:
        pairs.teardown()


def test_two_linked_systems_come_to_rest_saying_the_same() -> None:
    found_is_enough = [Phase.explicit, Phase.reuse, Phase.generate]  # the steps are few as they are
    quick = settings(
        max_examples=18,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=found_is_enough,
        database=None,
    )
    run_state_machine_as_test(Pairs, settings=quick)
