"""A whole gateway over memory systems, for tests: real store, real rules, no network, clocks that tests move."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from connectors.sandbox import Deed, Sample
from gateway.assemble import Gateway, put_together
from gateway.config import Config
from gateway.retrying import Patience
from gateway.store import inbox
from gateway.worker import Worker
from rules.bundle import Bundle, Desk
from rules.problems import errors
from rules.reader import check
from rules.ticket import TicketRef

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

RULES = """
version: 1
rules:
  - id: route
    when: created
    if: { type: incident, group: { empty: true } }
    then:
      - assign: { group: tier-1 }
  - id: acknowledge
    when: created
    then:
      - reply: { text: "We have it." }
  - id: urgent-words
    when: customer_replied
    if: { comment.text: { contains: urgent } }
    then:
      - set: { priority: urgent }
      - note: { text: "The customer is in a hurry." }
      - notify: { to: leads, text: "Please look." }
"""


ON_CALL: dict[str, Any] = {
    "pager": {"url": "file:paged.jsonl"},
    "duty": {"chain": [{"to": "pager", "wait": "10m"}, {"to": "max@example.com", "wait": "15m"}], "loops": 2},
}


def no_holidays(country: str, region: str | None, years: Any) -> frozenset[date]:
    return frozenset()


def a_bundle(rules: str = RULES, connections: tuple[str, ...] = ("desk",)) -> Bundle:
    """Rules as an administrator writes them, for memory systems."""
    able = MemoryConnector.abilities
    names = frozenset(connections)
    desk = Desk(
        connections=dict.fromkeys(connections, "memory"),
        channels=frozenset({"leads", "people"}),
        on_call=frozenset(ON_CALL),
        endpoints=frozenset({"erp"}),
        reads=dict.fromkeys(connections, able.reads),
        writes=dict.fromkeys(connections, able.writes),
        replies=names,
        notes=names,
        creates=names,
        attaches=dict.fromkeys(connections, able.attaches),
        links=dict.fromkeys(connections, able.links),
    )
    bundle, problems = check({"rules/10-all.yaml": rules}, desk, no_holidays)
    assert not errors(problems), errors(problems)
    assert bundle is not None
    return bundle


@dataclass
class Hands:
    """The clocks of a test: both stand still until they are moved; sleeping moves them."""

    now: datetime = START
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@dataclass
class Office:
    """A gateway, its systems and its clock."""

    gateway: Gateway
    systems: Mapping[str, MemorySystem]
    connectors: Mapping[str, MemoryConnector]
    hands: Hands
    folder: Path

    def customer_writes(self, subject: str = "Printer on fire", connection: str = "desk", **fields: Any) -> TicketRef:
        """A new ticket, made now."""
        sample = Sample(subject=subject, body="Help.", created_at=self.hands.now, **fields)
        return TicketRef(connection, self.systems[connection].people(Deed(kind="create", by="customer", sample=sample)))

    def reply(self, ref: TicketRef, text: str, by: Any = "customer") -> None:
        self.systems[ref.connection].people(Deed(kind="reply", key=ref.key, by=by, text=text))

    def edit(self, ref: TicketRef, **fields: Any) -> None:
        self.systems[ref.connection].people(Deed(kind="set", key=ref.key, by="agent", fields=fields))

    def round(self, seconds: float = 30.0) -> Any:
        """Time passes, then every connection is polled and everything that waits is looked at, until nothing waits."""
        self.hands.move(seconds=seconds)
        summary = self.daemon().once()
        for _ in range(5):
            self.hands.move(seconds=2)
            with self.gateway.store.reading() as db:
                waits = inbox.depth(db)
            for name in waits:
                self.worker(name).drain()
        return summary

    def daemon(self) -> Any:
        return self.gateway.daemon()

    def worker(self, connection: str = "desk") -> Worker:
        return Worker(self.gateway.house, self.gateway.cycle, connection, self.gateway.brake)

    def shown(self, ref: TicketRef) -> dict[str, Any]:
        return self.systems[ref.connection].shown(ref.key)

    def effects(self, connection: str = "desk", kind: str | None = None) -> list[Any]:
        return [e for e in self.systems[connection].effects if kind in (None, e.kind)]

    def notified(self, file: str = "notified.jsonl") -> list[dict[str, Any]]:
        path = self.folder / file
        return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@contextmanager
def an_office(
    folder: Path,
    rules: str = RULES,
    connections: tuple[str, ...] = ("desk",),
    *,
    hands: Hands | None = None,
    systems: Mapping[str, MemorySystem] | None = None,
    brake: int = 500,
    page_size: int = 100,
    on_pass: Any = None,
    points: Any = None,
    connector: type[MemoryConnector] = MemoryConnector,
    endpoint: Mapping[str, Any] | None = None,
) -> Iterator[Office]:
    """Opened and closed; the systems and the clock may outlive it, to see what a new start finds."""
    hands = hands or Hands()
    systems = systems or {name: MemorySystem(clock=hands) for name in connections}
    there = {name: connector(name, systems[name], MemorySettings(page_size=page_size)) for name in connections}
    config = Config.model_validate(
        {
            "version": "1",
            "database": "sqlite:///desk.db",
            "connections": {name: {"system": "memory"} for name in connections},
            "channels": {
                "leads": {"url": "file:notified.jsonl", "members": ["ana@example.com"]},
                "people": {"url": "file:mailed.jsonl"},
            },
            "on_call": ON_CALL,
            "endpoints": {"erp": endpoint} if endpoint else {},
            "brake": {"tickets": brake},
        }
    )
    patience = Patience(sleep=hands.sleep)
    gateway = put_together(config, a_bundle(rules, connections), there, folder, hands, on_pass, patience, wall=hands, points=points)
    try:
        yield Office(gateway, systems, there, hands, folder)
    finally:
        gateway.close()


def settled(office: Office) -> None:
    """After everything was handled there is nothing left to do."""
    for name, connector in office.connectors.items():
        keys = office.systems[name].keys()
        for key in keys:
            assert not office.gateway.cycle.plan(connector.fetch(key)), f"{name}:{key} is not settled"
