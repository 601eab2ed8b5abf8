"""Reports over as many backfilled incidents as the real log has: each of them reads all that the store knows and counts it."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from gateway.config import FiguresConfig
from gateway.reports.asking import REPORTS, Desk, reported
from gateway.store import tickets
from gateway.store.opening import Store, opened
from rules.bundle import Bundle, CustomField
from rules.ticket import Level, Person, Status, Ticket, TicketRef, Type
from tests.benchmarks.figures import Figure

INCIDENTS = 24_918
BEGAN, NOW = datetime(2016, 2, 29, tzinfo=UTC), datetime(2017, 3, 1, tzinfo=UTC)
FIGURES = FiguresConfig.model_validate({"opened_at": "custom.opened_at", "resolved_at": "custom.resolved_at", "sla_met": "custom.made_sla"})
FIELDS = {
    name: CustomField(name=name, type=type) for name, type in (("opened_at", "time"), ("resolved_at", "time"), ("made_sla", "boolean"))
}
ROUNDS = 3


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        store = opened(f"sqlite:///{Path(folder)}/desk.db")
        try:
            _fill(store)
            for name in REPORTS:
                seconds = min(_seconds(store, name) for _ in range(ROUNDS))
                yield Figure(f"report {name} over {INCIDENTS:,} incidents", seconds, "s", limit=3)
        finally:
            store.close()


def _seconds(store: Store, name: str) -> float:
    """CPU of one report, grouped, as the command makes it."""
    began = time.process_time()
    desk = Desk(Bundle(hash="", fields=FIELDS), FIGURES)
    with store.reading() as db:
        found = reported(name, desk, desk.asked(BEGAN, NOW, NOW, "group"), db)
    spent = time.process_time() - began
    if not found.rows and name not in ("response", "backlog"):
        raise RuntimeError(f"report {name} counted nothing")
    return spent


def _fill(store: Store) -> None:
    random = Random(1)
    some = [_incident(n, random) for n in range(INCIDENTS)]
    for start in range(0, INCIDENTS, 1000):
        with store.writing() as db:
            tickets.saw_page(db, some[start : start + 1000], NOW, looked=False)


def _incident(n: int, random: Random) -> Ticket:
    """Closed, of one of seventy groups; one in sixteen does not say when it was resolved, four of ten missed their SLA."""
    opened_at = BEGAN + timedelta(minutes=random.randrange(350 * 24 * 60))
    resolved_at = opened_at + timedelta(minutes=random.randrange(20_000)) if random.random() < 0.94 else None
    return Ticket(
        ref=TicketRef("log", f"{n:032x}"),
        subject=f"Incident {n}",
        status=Status.CLOSED,
        type=Type.INCIDENT,
        priority=random.choice([*Level]),
        group=f"Group {random.randrange(70)}",
        requester=Person(email=f"caller.{random.randrange(5000)}@example.com"),
        created_at=opened_at,
        updated_at=resolved_at or opened_at,
        version="7",
        custom={"opened_at": opened_at, "resolved_at": resolved_at, "made_sla": random.random() < 0.634},
    )
