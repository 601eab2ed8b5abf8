"""What it costs to keep the record of a pass, beside deciding it: CPU in one process, over 1,000 rules and a store on disk.

The record is what the rules saw and what they decided; the tree of every rule and test is worked out of it when somebody asks. Deciding
is what the path does before anything is written: asking the store what it knows of the ticket, and the rules what they want.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from gateway.gathering import just_come
from gateway.store import passes
from gateway.store.opening import Store, opened
from rules.engine import Engine
from rules.observation import Observation
from rules.plan import Plan
from rules.ticket import replace
from tests.benchmarks import desk_like
from tests.benchmarks.figures import Figure
from tests.benchmarks.foreign import NOW
from tests.gateway.memory_desk import Office, an_office

RULES, TICKETS = 1_000, 300


def figures() -> Iterator[Figure]:
    maker = desk_like.Maker(7)
    engine = Engine(desk_like.bundle(maker.rules(RULES)))
    seen = [just_come(ticket, NOW) for ticket in maker.tickets(TICKETS)]
    plans = [engine.evaluate(one) for one in seen]
    judged = _each(seen, engine.evaluate)
    traced = _each(seen[:20], engine.explain)
    with tempfile.TemporaryDirectory() as folder:
        store = opened(f"sqlite:///{folder}/desk.db")
        stored = _stored(store, list(zip(seen, plans, strict=True)))
        store.close()
    observed = _observed()
    yield Figure(f"judging alone, {RULES:,} rules", judged, "µs")
    yield Figure("observing: what the store knows of a ticket", observed, "µs")
    yield Figure("storing the record of a pass", stored, "µs", judged + observed, goal=1.0, remark="floor: deciding = observing + judging")
    yield Figure("storing it, beside working out the tree of every rule", stored, "µs", traced, goal=1.0, remark="floor: explaining")


def _each(some: Sequence[Observation], work: Callable[[Observation], object]) -> float:
    """Microseconds of CPU for one, the best of five rounds."""
    return min(_timed(lambda: [work(one) for one in some]) for _ in range(5)) / len(some) * 1e6


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _stored(store: Store, some: Sequence[tuple[Observation, Plan]]) -> float:
    """As the path does it: the record goes into the transaction that records the look."""
    best = float("inf")
    for round_ in range(5):
        with store.writing() as db:
            took = _timed(lambda: [passes.record(db, f"{round_}-{n}", seen, plan) for n, (seen, plan) in enumerate(some)])  # noqa: B023
        best = min(best, took)
    return best / len(some) * 1e6


def _observed() -> float:
    with tempfile.TemporaryDirectory() as folder, an_office(Path(folder)) as office:
        return _asked(office)


def _asked(office: Office) -> float:
    """A ticket that was seen before and has changed since, which is what most looks are about."""
    refs = [office.customer_writes(f"Fire {n}") for n in range(30)]
    office.round()
    tickets = [office.connectors["desk"].fetch(ref.key) for ref in refs]
    moved = [replace(t, version=f"{t.version}+", updated_at=t.updated_at + timedelta(minutes=1)) for t in tickets]
    gatherer, book = office.gateway.house.gatherer, office.gateway.cycle.book
    return min(_timed(lambda: [gatherer.gathered(t, book) for t in moved]) for _ in range(5)) / len(moved) * 1e6
