"""One connection's part of a backfill: its pages, each judged, carried out and stored before the next is asked for."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from connectors.base import Cursor, Page
from gateway.brake import Brake, Refused
from gateway.counting import Counts
from gateway.cycle import Cycle, House, undeclared
from gateway.holding import Busy
from gateway.joined_pages import joined
from gateway.judging import UNKNOWN, Asked, Judge, Judged, linked_among
from gateway.ledger import Outcome
from gateway.patient import pages
from gateway.store import actions, connections, parked, runs, tickets
from rules.plan import Plan
from rules.ticket import Ticket, TicketRef, replace

Progress: TypeAlias = Callable[[Counts], None]

AFRESH = 3
"""How often a ticket is judged anew when somebody else changes it meanwhile."""
DONE = "done"
"""The checkpoint of a connection that was read to its end; others are `at:CURSOR`."""


@dataclass(slots=True)
class State:
    """How far a run is. Counts and checkpoint change together, when a page is behind us, as they do in the store."""

    counts: Counts
    checkpoint: dict[str, Any]


MANY = 500
"""Keys in one question to the store."""
NOWHERE = Cursor("")
"""Of a part of a page: its end is no place to go on from."""


@dataclass(frozen=True, slots=True)
class _Done:
    """A page that is behind us: the tickets that were `passed`, and of them those that were judged, with the counts after it.

    Of tickets that were merely passed nothing stands in `judged`. `all_new`: no ticket of it was known, which the store holds us to.
    """

    page: Page
    passed: Sequence[Ticket]
    judged: Sequence[Judged]
    counts: Counts
    acting: Sequence[Judged] = ()
    all_new: bool = False


class _Known(Exception):
    """A page holds tickets that this run has counted, that the live path has looked at, or that have a partner."""


class Part:
    """One connection's part of a run."""

    def __init__(self, house: House, cycle: Cycle, brake: Brake, run: str, asked: Asked, connection: str) -> None:
        self._house, self._cycle, self._run, self._asked, self._name = house, cycle, run, asked, connection
        self._limit = brake.tickets if asked.max_changes is None else asked.max_changes
        self._judge = Judge(house, cycle, asked)
        self._done_before: frozenset[str] = frozenset()

    def go_on(self, state: State, progress: Progress) -> None:
        """All pages that are left. This may be the connection's first read: what is made from now on is news for the daemon."""
        with self._house.store.writing() as db:
            connections.connected(db, self._name, self._house.clock())
        self._settled()
        with self._house.store.reading() as db:
            self._done_before = actions.refs_of_run(db, self._run, self._name)
        at = state.checkpoint.get(self._name)
        since = Cursor(str(at).removeprefix("at:")) if at else self._asked.since
        for page in joined(pages(self._house.connectors[self._name], since, self._house.patience)):
            self._house.points("before-page")
            for part in _batches(page, self._asked.batch):
                self._page(part, state)
                progress(state.counts)
            self._house.points("after-page")

    def _page(self, page: Page, state: State) -> None:
        """Most pages of most runs hold nothing to do and nothing known: those cost one judgement and one transaction."""
        self._cycle.keep(page.tickets)
        if not self._done_before and page.tickets and self._quiet_page(page, state):
            return
        fresh, linked = self._fresh(page)
        begun = [Judged(t) for t in fresh if t.ref.key in self._done_before]  # decided once already: never again by what we made of it
        judged = [*begun, *self._judge.page([t for t in fresh if t.ref.key not in self._done_before] if begun else fresh, linked)]
        acting = [j for j in judged if j.plan is not None and j.acts]
        quiet = [j for j in judged if not j.acts] if acting else judged
        self._braked(state.counts, len(acting))
        counts = Counts.from_json(state.counts.as_json())
        self._count_quiet(quiet, counts)
        for one in acting:
            self._carry(one, counts)
        if page.last:
            self._count_unshown({j.ticket.ref.key for j in judged}, counts)
        self._behind(_Done(page, [j.ticket for j in judged], judged, counts, acting), state)

    def _quiet_page(self, page: Page, state: State) -> bool:
        """Whether the page is behind us: no rule wants to act, none has a partner, and the store recorded each as new to this run.

        A ticket that this run has counted, or the live path has looked at, makes the store record fewer: then nothing is kept.
        """
        stirred = list(self._judge.stirred(page.tickets))
        if any(j.acts for j in stirred):
            return False
        counts = Counts.from_json(state.counts.as_json())
        self._count_quiet(stirred, counts)
        still = len(page.tickets) - len(stirred)
        counts.seen, counts.unchanged = counts.seen + still, counts.unchanged + still
        try:
            self._behind(_Done(page, page.tickets, stirred, counts, all_new=True), state)
        except _Known:
            return False
        return True

    def _behind(self, done: _Done, state: State) -> None:
        count_spoilt(done.counts, len(done.page.spoilt))
        done.counts.check()
        reached = {self._name: DONE if done.page.last else f"at:{done.page.cursor}"} if done.page.cursor else {}
        checkpoint = {**state.checkpoint, **reached}
        self._store(done, checkpoint)
        state.counts, state.checkpoint = done.counts, checkpoint

    def _fresh(self, page: Page) -> tuple[list[Ticket], frozenset[TicketRef]]:
        """The tickets that this run has not counted yet, and those with a partner: each is judged once, however often it changes."""
        with self._house.store.reading() as db:
            known = tickets.counted(db, self._run, self._name, [t.ref.key for t in page.tickets])
            fresh = [t for t in page.tickets if t.ref.key not in known] if known else list(page.tickets)
            return fresh, linked_among(db, fresh)

    def _braked(self, counts: Counts, acting: int) -> None:
        """Stops before the page that would go beyond the limit."""
        if counts.changed + counts.pending + acting > self._limit:
            raise Refused(
                f"more than {self._limit} tickets would change; look at `ticketgate plan`, then go on with "
                f"`ticketgate backfill --resume {self._run} --max-changes N`"
            )

    def _count_quiet(self, quiet: Sequence[Judged], counts: Counts) -> None:
        """Those that need no change. What this run changed before it was interrupted is quiet now, and counts as changed."""
        counts.seen += len(quiet)
        done_before = self._done_before
        for judged in quiet:
            if judged.skipped is not None:
                counts.skipped[judged.skipped] += 1
            elif judged.error is not None:
                counts.failed += 1
            elif done_before and judged.ticket.ref.key in done_before:
                counts.changed += 1
            else:
                counts.unchanged += 1

    def _count_unshown(self, shown: set[str], counts: Counts) -> None:
        """What this run changed before it was interrupted, and the vendor shows no more, or not yet: Zendesk withholds a minute."""
        unshown = sorted(self._done_before - shown)
        with self._house.store.reading() as db:
            counted = {
                key for n in range(0, len(unshown), MANY) for key in tickets.counted(db, self._run, self._name, unshown[n : n + MANY])
            }
        counts.seen += len(unshown) - len(counted)
        counts.changed += len(unshown) - len(counted)

    def _carry(self, judged: Judged, counts: Counts) -> None:
        """One ticket's plan, intended and carried out; judged anew when somebody was faster. Raises when the system is silent."""
        counts.seen += 1
        for _ in range(AFRESH):
            if judged.plan is None or judged.observation is None or not judged.plan:
                counts.unchanged += 1
                return
            try:
                outcome = self._cycle.carried(judged.ticket, judged.observation, judged.plan, self._run)
            except Busy:
                break
            if not outcome.stale:
                self._count(judged.plan, outcome, counts)
                return
            judged = next(iter(self._judge.page([self._cycle.fetched(judged.ticket.ref)])))
        counts.pending += 1

    def _count(self, plan: Plan, outcome: Outcome, counts: Counts) -> None:
        counts.planned(plan)
        if outcome.rest is not None and outcome.rest.connection == self._name:
            raise outcome.rest
        if outcome.rest is not None or outcome.in_doubt:
            counts.pending += 1
        elif outcome.failed:
            counts.failed += 1
        elif outcome.done:
            counts.changed += 1
        else:
            counts.unchanged += 1  # all of it was refused before, at this very version

    def _settled(self) -> None:
        """What an interrupted run left without outcome is settled first."""
        with self._house.store.reading() as db:
            left = [ref for ref in actions.unsettled_refs(db) if ref.connection == self._name]
        for ref in left:
            with suppress(Busy):
                self._cycle.settle(ref)

    def _store(self, done: _Done, checkpoint: dict[str, Any]) -> None:
        """The tickets that were passed, the counts and the checkpoint in one transaction. Raises `_Known`, and keeps nothing."""
        at, page, counts = self._house.clock(), done.page, done.counts
        with self._house.store.writing() as db:
            if done.all_new and linked_among(db, page.tickets):
                raise _Known
            known = tickets.versions(db, self._name, [j.ticket.ref.key for j in done.acting]) if done.acting else {}
            unknown = [t for t in done.passed if t.ref.key not in known] if known else done.passed
            if tickets.saw_page(db, unknown, at, looked=False, run=self._run) < len(done.passed):
                if done.all_new:
                    raise _Known
                tickets.count(db, self._run, self._name, [t.ref.key for t in done.passed])
            for ticket in (j.ticket for j in done.judged if j.skipped == UNKNOWN):
                parked.park(db, self._name, ticket.ref.key, "word", undeclared(ticket), at, ticket.version)
            for spoilt in page.spoilt:
                parked.park(db, self._name, spoilt.key, "unreadable", spoilt.reason, at)
            runs.went_on(db, self._run, counts.as_json(), checkpoint)


def count_spoilt(counts: Counts, spoilt: int) -> None:
    if spoilt:
        counts.seen += spoilt
        counts.skipped["unreadable"] += spoilt


def _batches(page: Page, size: int | None) -> Iterator[Page]:
    """The page in parts of so many tickets. Only its last part has the cursor: before it the page is begun again, less what was counted."""
    if size is None or len(page.tickets) <= size:
        yield page
        return
    last = (len(page.tickets) - 1) // size * size
    for start in range(0, last, size):
        yield Page(page.tickets[start : start + size], NOWHERE)
    yield replace(page, tickets=page.tickets[last:])
