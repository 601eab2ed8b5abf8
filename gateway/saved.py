"""A plan kept in a file: written by `plan -o FILE`, read by a person, carried out by `apply FILE`, action by action or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import orjson

from connectors.errors import ConnectorError, Gone, NotFound, Transient, Unauthorized, became
from gateway.backfill import nobody
from gateway.backfill_part import Progress
from gateway.brake import Brake, Refused
from gateway.counting import Counts
from gateway.cycle import Cycle, House
from gateway.holding import Busy
from gateway.store import actions, audits, runs
from gateway.store.codec import from_json, to_json
from rules.observation import Observation
from rules.plan import AddComment, Plan
from rules.ticket import Ticket, TicketRef, replace

Silent: TypeAlias = dict[str, ConnectorError]
"""Connections that refused us or did not answer, each with its error."""
FORMAT = "1.0"
CHANGED, NO_MORE = "changed since the plan was made", "deleted, merged or moved since the plan was made"
MOVED = 0.05
"""A plan of which a greater share of tickets has moved on is refused as stale."""


class NotAPlan(ValueError):
    """The file is not one that `ticketgate plan -o` wrote; the message says where it goes wrong."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One ticket as the plan saw it, and what is to be done about it."""

    ticket: Ticket
    plan: Plan


def write(path: Path, decided: Iterable[tuple[Ticket, Plan]]) -> int:
    """Writes the plans, one JSON object a line, and puts the file in place when it is whole; returns how many."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    try:
        with new.open("wb") as file:
            count = _written(file, decided)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return count


def _written(file: BinaryIO, decided: Iterable[tuple[Ticket, Plan]]) -> int:
    count = 0
    file.write(orjson.dumps({"type": "version", "format": FORMAT}) + b"\n")
    for ticket, plan in decided:
        line = {"type": "plan", "ticket": orjson.Fragment(to_json(ticket)), "plan": orjson.Fragment(to_json(plan))}
        file.write(orjson.dumps(line) + b"\n")
        count += 1
    file.write(orjson.dumps({"type": "summary", "plans": count}) + b"\n")
    return count


def read(path: Path) -> list[Decided]:
    """Raises `NotAPlan` for anything else than a whole plan file."""
    found: list[Decided] = []
    ended = False
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        said = _line(path, number, line)
        if number == 1 and said.get("type") != "version":
            raise NotAPlan(f"{path}: its first line should name the format, so it is not a whole plan; make the plan again")
        match said.get("type"):
            case "version" if str(said.get("format")).split(".")[0] != FORMAT.split(".")[0]:
                raise NotAPlan(f"{path}: format {said.get('format')} was written by another release; make the plan again")
            case "plan":
                found.append(_decided(path, number, said))
            case "summary":
                ended = said.get("plans") == len(found)
    if not ended:
        raise NotAPlan(f"{path} is not whole: its last line should say how many plans it holds; make the plan again")
    return found


def _line(path: Path, number: int, line: bytes) -> dict[str, object]:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise NotAPlan(f"{path}:{number}: this is not JSON, so it is no whole plan ({error}); make the plan again") from None
    if not isinstance(said, dict):
        raise NotAPlan(f"{path}:{number}: every line of a plan is an object; make the plan again")
    return said


def _decided(path: Path, number: int, said: dict[str, object]) -> Decided:
    try:
        return Decided(from_json(Ticket, orjson.dumps(said["ticket"])), from_json(Plan, orjson.dumps(said["plan"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAPlan(f"{path}:{number}: this is not a plan ({type(error).__name__}); make the plan again") from None


class Saved:
    """Carries out plans that were kept."""

    def __init__(self, house: House, cycle: Cycle, brake: Brake) -> None:
        self._house, self._cycle, self._brake = house, cycle, brake

    def apply(
        self,
        decided: list[Decided],
        *,
        replies: bool = True,
        max_changes: int | None = None,
        who: str = "cli",
        progress: Progress = nobody,
        silent: Silent | None = None,
    ) -> Counts:
        """Exactly the plans' actions, each ticket looked at again before it is written.

        A ticket that has moved on is skipped and counted; one whose system refuses us or does not answer is pending, and `silent` gets
        that system's error. Raises `Refused` before anything is written when more than one in
        twenty has, or when the brake does not let that many through. Applying twice does nothing the second time.
        """
        limit = self._brake.tickets if max_changes is None else max_changes
        fresh = [d for d in decided if not self._known(d.plan)]
        if len(fresh) > limit:
            raise Refused(f"{len(fresh)} tickets would change, brake: allows {limit}; --max-changes {len(fresh)} lets the plan through")
        silent = {} if silent is None else silent
        moved = [why for d in fresh if (why := self._moved_on(d, silent))]
        if len(moved) > MOVED * len(fresh):
            raise Refused(_stale(moved, len(fresh)))
        return self._carry(decided, replies, who, progress, silent)

    def _carry(self, decided: list[Decided], replies: bool, who: str, progress: Progress, silent: Silent) -> Counts:
        counts, run = Counts(), self._begun(who, len(decided))
        for one in decided:
            self._one(one if replies else _quiet(one, counts), run, counts, silent)
            progress(counts)
        counts.check()
        with self._house.store.writing() as db:
            runs.ended(db, run, "done", counts.as_json(), self._house.clock())
        return counts

    def _begun(self, who: str, plans: int) -> str:
        at = self._house.clock()
        with self._house.store.writing() as db:
            run = runs.begin(db, "apply", {"plans": plans}, at)
            audits.noted(db, at, who, "plan applied", run)
        return run

    def _one(self, one: Decided, run: str, counts: Counts, silent: Silent) -> None:
        counts.seen += 1
        if not one.plan or self._known(one.plan):
            counts.unchanged += 1
            return
        match self._moved_on(one, silent):
            case None:
                counts.pending += 1
            case "":
                self._carried(one, run, counts, silent)
            case why:
                counts.skipped[CHANGED if why == CHANGED else NO_MORE] += 1

    def _carried(self, one: Decided, run: str, counts: Counts, silent: Silent) -> None:
        seen = Observation(ticket=one.ticket, now=one.plan.at, adopted=True)
        try:
            outcome = self._cycle.carried(one.ticket, seen, one.plan, run)
        except Busy:
            counts.skipped["in other hands"] += 1
            return
        counts.planned(one.plan)
        if outcome.stale:
            counts.skipped[CHANGED] += 1
        elif outcome.rest is not None:
            counts.pending += 1
            silent[outcome.rest.connection] = outcome.rest
        elif outcome.failed:
            counts.failed += 1
        elif outcome.in_doubt:
            counts.pending += 1
        else:
            counts.changed += 1

    def _known(self, plan: Plan) -> bool:
        """Whether the ledger has every action of the plan already."""
        keys = [what.key for what in plan.actions]
        with self._house.store.reading() as db:
            return bool(keys) and actions.known_keys(db, keys) == frozenset(keys)

    def _moved_on(self, one: Decided, silent: Silent) -> str | None:
        """Why it is not as the plan saw it, empty where it is; None when its system does not say.

        A system that was silent once is not asked again.
        """
        ref = one.ticket.ref
        if ref.connection in silent:
            return None
        try:
            return "" if self._cycle.fetched(ref).version == one.ticket.version else CHANGED
        except Gone as error:
            return f"{ref} was {became(error.how, error.into and str(TicketRef(ref.connection, error.into)))}"
        except NotFound:
            return f"{ref} was {became('missing', None)}"
        except (Transient, Unauthorized) as error:
            silent[ref.connection] = error
            return None


def _stale(moved: list[str], of: int) -> str:
    """The first few that are no more are named: they will not come back for the next plan."""
    said = f"{len(moved)} of {of} tickets have changed since the plan was made, so it is stale; make it again"
    ended = [why for why in moved if why != CHANGED]
    return f"{said} ({'; '.join(ended[:3])}{', and others' if len(ended) > 3 else ''})" if ended else said


def _quiet(one: Decided, counts: Counts) -> Decided:
    """The same without what customers would read."""
    kept = tuple(what for what in one.plan.actions if not (isinstance(what, AddComment) and what.public))
    counts.replies_left_out += len(one.plan.actions) - len(kept)
    return replace(one, plan=replace(one.plan, actions=kept))
