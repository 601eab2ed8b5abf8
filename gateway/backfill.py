"""Many tickets judged and changed, a page at a time: resumable, counted, with a brake, and silent to customers unless told otherwise.

A page costs one transaction, and each ticket that is changed its own few. The checkpoint moves when the whole page is behind us,
so a killed run judges at most one page again; what it did of it is known by the ledger and not done twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from traceback import clear_frames
from typing import Any

from connectors.errors import ConnectorError
from gateway.backfill_part import DONE, Part, Progress, State, count_spoilt
from gateway.brake import Brake, Refused
from gateway.collecting import seldom_collecting
from gateway.counting import Counts
from gateway.cycle import Cycle, House
from gateway.judging import Asked, Judge, Judged
from gateway.patient import pages
from gateway.store import audits, runs
from gateway.store.runs import Run
from rules.plan import Plan
from rules.ticket import Ticket, replace


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
                count_spoilt(counts, len(page.spoilt))
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
        state = State(Counts.from_json(run.counts), dict(run.checkpoint))
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

    def _connections(self, run: Run, asked: Asked, state: State, progress: Progress) -> None:
        """Each in its turn; one that refuses us or is silent is left for when the run goes on, and holds up none of the others."""
        failed: list[ConnectorError] = []
        for connection in asked.connections:
            if state.checkpoint.get(connection) != DONE:
                try:
                    Part(self._house, self._cycle, self._brake, run.id, asked, connection).go_on(state, progress)
                except ConnectorError as error:
                    failed.append(error)
        for other in failed[1:]:
            failed[0].add_note(str(other))
        if failed:
            raise failed[0]


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
