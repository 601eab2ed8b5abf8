"""A whole gateway over one system's own sandbox, through its SDK: polls, looks and writes in this process, on a test's clock."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Connector
from connectors.shared import Shared
from gateway.assemble import Gateway, put_together
from gateway.budget import StoredMeter
from gateway.config import Config
from gateway.retrying import Patience
from gateway.store import inbox, tickets
from gateway.store.actions import Row, of_ticket
from gateway.store.tickets import Seen
from gateway.worker import Worker
from rules.bundle import Bundle, Desk
from rules.problems import errors
from rules.reader import check
from rules.ticket import TicketRef
from tests.gateway.memory_desk import no_holidays
from tests.rigs import LONG_ENOUGH, Rig

NAME = "here"
NONE: Mapping[str, Connector] = {}
RULES = """
version: 1
rules:
  - id: said-on-closing
    when: { changed: { field: status, to: [resolved, closed] } }
    then:
      - note: { text: "It is over." }
"""


def a_bundle(systems: Mapping[str, str], there: Mapping[str, Connector], rules: str) -> Bundle:
    """Rules for these connections, each of its system."""
    names = frozenset(there)
    desk = Desk(
        connections=dict(systems),
        channels=frozenset(),
        on_call=frozenset(),
        endpoints=frozenset(),
        reads={name: one.abilities.reads for name, one in there.items()},
        writes={name: one.abilities.writes for name, one in there.items()},
        replies=names,
        notes=names,
        creates=names,
        attaches={name: one.abilities.attaches for name, one in there.items()},
    )
    bundle, problems = check({"rules/10-all.yaml": rules}, desk, no_holidays)
    assert not errors(problems), errors(problems)
    assert bundle is not None
    return bundle


@dataclass
class Over:
    """The gateway, and the rig whose system it reads."""

    gateway: Gateway
    rig: Rig
    connector: Connector

    def ref(self, key: str) -> TicketRef:
        return TicketRef(NAME, key)

    def round(self, later: timedelta = LONG_ENOUGH) -> Any:
        """Time passes; then the connection is polled, and all that waits is looked at until nothing does."""
        self.rig.later(later)
        summary = self.gateway.daemon().once()
        for _ in range(8):
            with self.gateway.store.reading() as db:
                if not inbox.depth(db):
                    break
            self.rig.later(timedelta(minutes=2))
            for name in self.gateway.house.connectors:
                self.worker(name).drain()
        return summary

    def read(self) -> None:
        """What the daemon does between two sleeps: a poll, a part of the sweep, alarms, and all that is due."""
        self.gateway.signals.poll(NAME, self.gateway.cycle.book)
        self.gateway.signals.sweep(NAME)
        self.gateway.signals.ring()
        self.worker().drain()

    def waits(self) -> bool:
        with self.gateway.store.reading() as db:
            return bool(inbox.depth(db))

    def worker(self, name: str = NAME) -> Worker:
        return Worker(self.gateway.house, self.gateway.cycle, name, self.gateway.brake)

    def seen(self, key: str) -> Seen | None:
        with self.gateway.store.reading() as db:
            return tickets.seen(db, self.ref(key))

    def is_gone(self, key: str) -> bool:
        with self.gateway.store.reading() as db:
            return tickets.is_gone(db, self.ref(key))

    def actions(self, key: str) -> list[Row]:
        with self.gateway.store.reading() as db:
            return of_ticket(db, self.ref(key))


@contextlib.contextmanager
def a_gateway(
    rig: Rig,
    folder: Path,
    rules: str = RULES,
    local: Any = None,
    points: Any = None,
    people: Any = None,
    beside: Mapping[str, Connector] = NONE,
    **settings: Any,
) -> Iterator[Over]:
    """`local` is our own clock, where it differs from the system's; `people` are settings by which somebody is found there;
    `beside` are memory systems that it reads as well.

    Requests are counted in the store, as the product's are.
    """
    clock = local or rig.clock
    meter = StoredMeter(f"sqlite:///{folder / 'desk.db'}", NAME, wall=clock, steady=lambda: clock().timestamp())
    connector = rig.connector(shared=Shared(meter=meter), **settings)
    there, systems = {NAME: connector, **beside}, {NAME: rig.system, **dict.fromkeys(beside, "memory")}
    known = {name: {"system": system} for name, system in systems.items()}
    config = Config.model_validate({"version": "1", "database": "sqlite:///desk.db", "connections": known, "brake": {"tickets": 10_000}})

    def sleep(seconds: float) -> None:
        rig.later(timedelta(seconds=seconds))

    bundle, who = a_bundle(systems, there, rules), {NAME: people} if people is not None else {}
    made = put_together(config, bundle, there, folder, clock, None, Patience(sleep=sleep), clock, points, people=who)
    try:
        yield Over(made, rig, connector)
    finally:
        made.store.close()


def offset(rig: Rig, by: timedelta) -> Any:
    """A clock of ours that differs from the system's."""

    def ours() -> datetime:
        return rig.clock() + by

    return ours
