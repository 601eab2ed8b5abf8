"""Many tickets judged and changed, a page at a time: resumable, counted, with a brake, and silent to customers unless told otherwise.

A page costs one transaction, and each ticket that is changed its own few. The checkpoint moves when the whole page is behind us,
so a killed run judges at most one page again; what it did of it is known by the ledger and not done twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from traceback import clear_frames
from typing import Any, TypeAlias

from connectors.base import Cursor, Page
from connectors.errors import ConnectorError
from gateway.brake import Brake, Refused
from gateway.collecting import seldom_collecting
from gateway.counting import Counts
from gateway.cycle import Cycle, House, undeclared
from gateway.holding import Busy
from gateway.joined_pages import joined
from gateway.judging import UNKNOWN, Asked, Judge, Judged, linked_among
from gateway.ledger import Outcome
from gateway.patient import pages
from gateway.store import actions, audits, connections, parked, runs, tickets
from gateway.store.runs import Run
from rules.plan import Plan
from rules.ticket import Ticket, TicketRef, replace

Progress: TypeAlias = Callable[[Counts], None]


def nobody(counts: Counts) -> None:
    """Progress that nobody watches."""


class NoSuchRun(LookupError):
    """There is no run of that name, or it has come to its end."""


class Backfill:
    """Plans and carries out over all tickets of some connections."""

    def __init__(self, house: House, cycle: Cycle, brake: Brake) -> None:
        self._house, self._cycle, self._brake = house, cycle, brake

    def plans(self, asked: Asked, counts: Counts) -> Iterator[tuple[Ticket, Plan]]:
        """A dry run: every ticket that would change, with its plan. Reads only; `counts` fills up as it goes."""
        for connection in asked.connections:
            for page in pages(self._house.connectors[connection], asked.since, self._house.patience):
                yield from self.plans_of(page.tickets, asked, counts)
                _count_spoilt(counts, len(page.spoilt))
                if asked.limit is not None and counts.seen >= asked.limit:
                    return
        counts.check()

    def plans_of(self, some: Sequence[Ticket], asked: Asked, counts: Counts) -> Iterator[tuple[Ticket, Plan]]:
        """As `plans`, for tickets in hand."""
        left = len(some) if asked.limit is None else max(0, asked.limit - counts.seen)
        for judged in Judge(self._house, self._cycle, asked).page(some[:left]):
            _count_plan(counts, judged)
            if judged.acts and judged.plan is not None:
                yield judged.ticket, judged.plan

    def begin(self, asked: Asked, who: str = "cli") -> Run:
        """A new run, written down; carry it out with `go_on`."""
        at = self._house.clock()
        with self._house.store.writing() as db:
            name = runs.begin(db, "backfill", _said(asked), at)
            audits.noted(db, at, who, "backfill begun", name)
        return self.found(name)

    def found(self, id: str) -> Run:
        """Raises `NoSuchRun` for one that is not there or has ended."""
        with self._house.store.reading() as db:
            run = runs.found(db, id)
        if run is None or run.kind != "backfill" or run.state == "done":
            raise NoSuchRun(f"there is no backfill '{id}' that could go on; `ticketgate status` lists the runs")
        return run

    def asked_by(self, run: Run) -> Asked:
        """What a run was asked for, as it was begun."""
        said = dict(run.options)
        moments = {name: datetime.fromisoformat(said[name]) if said[name] else None for name in ("since", "until")}
        return Asked(**{**said, **moments, "connections": tuple(said["connections"])})

    def expected(self, run: Run) -> int | None:
        """About how many tickets the whole run sees, by what the systems say; None where one does not, or does not answer."""
        asked, found = self.asked_by(run), list[int | None]()
        for connection in asked.connections:
            with suppress(ConnectorError):
                found.append(self._house.connectors[connection].count(asked.since))
        known = [count for count in found if count is not None]
        return sum(known) if len(known) == len(asked.connections) else None

    def go_on(self, run: Run, progress: Progress = nobody, max_changes: int | None = None) -> Counts:
        """From the beginning, or from where it was left, to its end. Its state says how it ended: done, held, interrupted, failed.

        Raises `Refused` when the brake stops it, the connectors' errors, and KeyboardInterrupt; the run can go on after each.
        """
        asked = self.asked_by(run)
        asked = asked if max_changes is None else replace(asked, max_changes=max_changes)
        state = _State(Counts.from_json(run.counts), dict(run.checkpoint))
        ended = "failed"
        try:
            with seldom_collecting():
                self._connections(run, asked, state, progress)
            ended = "done"
        except Refused:
            ended = "held"
            raise
        except KeyboardInterrupt as interrupted:
            ended = "interrupted"
            clear_frames(interrupted.__traceback__)  # one that fell between BEGIN and our `with` keeps the write lock as long as they stand
            raise
        finally:
            with self._house.store.writing() as db:
                runs.ended(db, run.id, ended, state.counts.as_json(), self._house.clock())
        return state.counts

    def _connections(self, run: Run, asked: Asked, state: "_State", progress: Progress) -> None:
        """Each in its turn; one that refuses us or is silent is left for when the run goes on, and holds up none of the others."""
        failed: list[ConnectorError] = []
        for connection in asked.connections:
            if state.checkpoint.get(connection) != DONE:
                try:
                    _Connection(self._house, self._cycle, self._brake, run.id, asked, connection).go_on(state, progress)
                except ConnectorError as error:
                    failed.append(error)
        for other in failed[1:]:
            failed[0].add_note(str(other))
        if failed:
            raise failed[0]


AFRESH = 3
"""How often a ticket is judged anew when somebody else changes it meanwhile."""
DONE = "done"
"""The checkpoint of a connection that was read to its end; others are `at:CURSOR`."""


@dataclass(slots=True)
class _State:
    """How far a run is. Counts and checkpoint change together, when a page is behind us, as they do in the store."""

    counts: Counts
    checkpoint: dict[str, Any]


MANY = 500
"""Keys in one question to the store."""
NOWHERE = Cursor("")
"""Of a part of a page: its end is no place to go on from."""


class _Known(Exception):
    """A page holds tickets that this run has counted, that the live path has looked at, or that have a partner."""


class _Connection:
    """One connection's part of a run."""

    def __init__(self, house: House, cycle: Cycle, brake: Brake, run: str, asked: Asked, connection: str) -> None:
        self._house, self._cycle, self._run, self._asked, self._name = house, cycle, run, asked, connection
        self._limit = brake.tickets if asked.max_changes is None else asked.max_changes
        self._judge = Judge(house, cycle, asked)
        self._done_before: frozenset[str] = frozenset()

    def go_on(self, state: _State, progress: Progress) -> None:
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

    def _page(self, page: Page, state: _State) -> None:
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
        self._behind(page, [j.ticket for j in judged], judged, acting, counts, state)

    def _quiet_page(self, page: Page, state: _State) -> bool:
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
            self._behind(page, page.tickets, stirred, (), counts, state, all_new=True)
        except _Known:
            return False
        return True

    def _behind(
        self,
        page: Page,
        passed: Sequence[Ticket],
        judged: Sequence[Judged],
        acting: Sequence[Judged],
        counts: Counts,
        state: _State,
        *,
        all_new: bool = False,
    ) -> None:
        _count_spoilt(counts, len(page.spoilt))
        counts.check()
        reached = {self._name: DONE if page.last else f"at:{page.cursor}"} if page.cursor else {}
        checkpoint = {**state.checkpoint, **reached}
        self._store(page, passed, judged, acting, counts, checkpoint, all_new=all_new)
        state.counts, state.checkpoint = counts, checkpoint

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

    def _store(
        self,
        page: Page,
        passed: Sequence[Ticket],
        judged: Sequence[Judged],
        acting: Sequence[Judged],
        counts: Counts,
        checkpoint: dict[str, Any],
        *,
        all_new: bool,
    ) -> None:
        """The page is behind us: the tickets that were `passed`, the counts and the checkpoint in one transaction.

        Of tickets that were merely passed nothing stands in `judged`. Raises `_Known`, and keeps nothing.
        """
        at = self._house.clock()
        with self._house.store.writing() as db:
            if all_new and linked_among(db, page.tickets):
                raise _Known
            known = tickets.versions(db, self._name, [j.ticket.ref.key for j in acting]) if acting else {}
            unknown = [t for t in passed if t.ref.key not in known] if known else passed
            if tickets.saw_page(db, unknown, at, looked=False, run=self._run) < len(passed):
                if all_new:
                    raise _Known
                tickets.count(db, self._run, self._name, [t.ref.key for t in passed])
            for ticket in (j.ticket for j in judged if j.skipped == UNKNOWN):
                parked.park(db, self._name, ticket.ref.key, "word", undeclared(ticket), at, ticket.version)
            for spoilt in page.spoilt:
                parked.park(db, self._name, spoilt.key, "unreadable", spoilt.reason, at)
            runs.went_on(db, self._run, counts.as_json(), checkpoint)


def _count_plan(counts: Counts, judged: Judged) -> None:
    """A dry run's counting: what would change counts as changed."""
    counts.seen += 1
    if judged.skipped is not None:
        counts.skipped[judged.skipped] += 1
    elif judged.error is not None:
        counts.failed += 1
    elif judged.acts and judged.plan is not None:
        counts.changed += 1
        counts.planned(judged.plan)
    else:
        counts.unchanged += 1


def _count_spoilt(counts: Counts, spoilt: int) -> None:
    if spoilt:
        counts.seen += spoilt
        counts.skipped["unreadable"] += spoilt


def _said(asked: Asked) -> dict[str, Any]:
    return {
        "connections": list(asked.connections),
        "since": asked.since.isoformat(),
        "until": asked.until.isoformat() if asked.until else None,
        "rule": asked.rule,
        "replies": asked.replies,
        "max_changes": asked.max_changes,
        "batch": asked.batch,
    }


def _batches(page: Page, size: int | None) -> Iterator[Page]:
    """The page in parts of so many tickets. Only its last part has the cursor: before it the page is begun again, less what was counted."""
    if size is None or len(page.tickets) <= size:
        yield page
        return
    last = (len(page.tickets) - 1) // size * size
    for start in range(0, last, size):
        yield Page(page.tickets[start : start + size], NOWHERE)
    yield replace(page, tickets=page.tickets[last:])
