"""A system to test a connector against: its own sandbox over a real socket, with a clock that the test moves; memory against itself."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors import BUILT_IN, load
from connectors.base import Connector, Cursor, Custom, Page
from connectors.jira.sandbox_data_center import DataCenterSandbox
from connectors.memory import MemoryConnector, MemorySettings
from connectors.memory_system import MemorySystem
from connectors.sandbox import Answer, Deed, Effect, Request, Sample, Sandbox
from connectors.shared import Shared
from gateway.sandbox.faults import Fault, encoded
from gateway.sandbox.host import Served, in_thread
from gateway.sandbox.main import sandbox_class, sandbox_for
from gateway.sandbox.switches import Shifted, Switches
from rules.ticket import replace

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_ENOUGH = timedelta(minutes=12)  # longer than any vendor's index lags or export withholds
ROWS: Mapping[str, str] = {**{system: system for system in BUILT_IN}, "jira-data-center": "jira"}
"""The table of connectors that the suites run over, by row its system: one may be served in more than one way."""
SERVED_AS: Mapping[str, type[Sandbox]] = {"jira-data-center": DataCenterSandbox}
OTHERWISE: Mapping[str, Mapping[str, Any]] = {"jira-data-center": {"deployment": "data_center"}}
"""What its connection says besides, where a system is served in another way than its usual one."""
ROWS_OVER_HTTP = tuple(row for row in ROWS if row != "memory")
OVER_HTTP = tuple(system for system in BUILT_IN if system != "memory")

CUSTOM = {
    "jira": (Custom("product", "customfield_10050", "choice"), Custom("language", "customfield_10051", "choice")),
    "servicenow": (Custom("product", "u_product"), Custom("language", "u_language")),
    "zendesk": (Custom("product", "360000000101", "choice"), Custom("language", "360000000102", "choice")),
    "salesforce": (Custom("product", "Product__c", "choice"), Custom("language", "Language__c", "choice")),
}
"""The two fields that every sandbox keeps as custom fields, as the sample desk declares them."""

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "jira": {"project": ["CORE"], "group_field": "customfield_10052"},
    "salesforce": {"group_field": "Group__c"},
}
"""What a connection of the sample desk says besides `url`, `via` and `sign_in`, where the system needs it."""

WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "jira": {"status": {"Waiting for customer": "pending", "Blocked": "on_hold"}},
    "salesforce": {"status": {"Waiting on Customer": "pending"}},
}
OWN: Mapping[str, Mapping[str, str]] = {"jira": {"project": "CORE", "issue_type": "Bug"}}
"""What only the system itself knows of a ticket to be made."""

HIGH = {
    "jira": ('"name":"High"', '"name":"Sky-high"'),
    "servicenow": ('"priority":"2"', '"priority":"Sky-high"'),
    "zendesk": ('"priority":"high"', '"priority":"Sky-high"'),
    "salesforce": ('"Priority":"High"', '"Priority":"Sky-high"'),
}
"""How high priority stands in an answer, and an unknown word in its place."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Rewritten:
    """A sandbox whose answers are changed on their way out, as bytes: what its own pages would never allow."""

    def __init__(self, inner: Any, swaps: Mapping[str, str]) -> None:
        self._inner, self._swaps = inner, swaps

    def answer(self, request: Request) -> Answer:
        answer: Answer = self._inner.answer(request)
        if isinstance(answer.body, Iterator):  # a file
            return answer
        body, headers = encoded(answer)
        for old, new in self._swaps.items():
            body = body.replace(old.encode(), new.encode())
        return replace(answer, body=body if answer.body is not None else None, headers=headers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass
class Rig:
    """One system under test. `connector()` opens another connector to it; all of them are closed at the end."""

    system: str
    clock: Clock
    sandbox: Any  # a Sandbox, or a MemorySystem
    served: Served | None = None
    opened: list[Connector] = field(default_factory=list)
    rewritten: bool = False  # answers are not the sandbox's own any more
    row: str = ""  # of the table

    def connector(self, *, read_only: bool = False, shared: Shared | None = None, **settings: Any) -> Connector:
        made = self._memory(read_only, settings) if self.served is None else self._over_http(read_only, shared, settings)
        self.opened.append(made)
        return made

    def _memory(self, read_only: bool, settings: dict[str, Any]) -> Connector:
        return MemoryConnector("here", self.sandbox, MemorySettings(**settings), read_only=read_only)

    def _over_http(self, read_only: bool, shared: Shared | None, settings: dict[str, Any]) -> Connector:
        cls = load(self.system)
        assert self.served is not None
        own, custom = cls.Settings(**self.settings(**settings)), CUSTOM.get(self.system, ())
        return cls.opened("here", own, custom, read_only=read_only, shared=shared)

    def settings(self, **more: Any) -> dict[str, Any]:
        """The connection as `ticketgate.yaml` would say it."""
        via = self.served.address if self.served else None
        words = {**WORDS.get(self.system, {}), **more.pop("words", {})}
        known = {"url": self.sandbox.url(), "via": via, "sign_in": self.sandbox.sign_in(), "words": words}
        sized = {} if "page_size" in load(self.system).Settings.model_fields else {"page_size": None}
        said = {**known, **SETTINGS.get(self.system, {}), **OTHERWISE.get(self.row, {}), **more}
        return {name: value for name, value in said.items() if name not in sized}

    def secrets(self) -> list[str]:
        """What must appear nowhere."""
        if self.served is None:
            return []
        return [value for name, value in self.sandbox.sign_in().items() if any(w in name for w in ("secret", "token", "password"))]

    def load(self, *samples: Sample) -> list[str]:
        """Tickets that are there already; the clock is then well after all of them."""
        return list(self.sandbox.load(samples))

    def people(self, kind: str, key: str, text: str = "", *, by: str = "agent", into: str = "", **fields: Any) -> str:
        deed: Any = Deed(kind=kind, key=key, by=by, text=text, into=into, fields=fields)  # type: ignore[arg-type]
        return str((self.served or self.sandbox).people(deed))

    def effects(self) -> list[Effect]:
        return list(self.sandbox.effects)

    def later(self, by: timedelta = timedelta(seconds=2)) -> None:
        self.clock.advance(by)

    def fault(self, kind: str, **how: Any) -> None:
        assert self.served is not None, "memory has no wire that could break"
        self.served.faults.append(Fault(kind=kind, **how))  # type: ignore[arg-type]

    def rewrite(self, swaps: Mapping[str, str]) -> None:
        """From now on the answers are changed on their way out."""
        assert self.served is not None
        self.rewritten = True
        self.served.sandbox = Rewritten(self.sandbox, swaps)  # type: ignore[assignment]


@contextlib.contextmanager
def served(row: str) -> Iterator[Served | None]:
    """The port of a row's system, for as many sandboxes one after another as a module has tests; None for memory."""
    if row == "memory":
        yield None
        return
    with in_thread(sandbox_for(ROWS[row], Clock())) as hosted:
        yield hosted[ROWS[row]]


@contextlib.contextmanager
def rigged(row: str, port: Served | None, **how: Any) -> Iterator[Rig]:
    """A fresh, empty system behind `port`; without one it answers only those who call it directly. `how` are the sandbox's settings."""
    clock = Clock()
    shifted = Shifted(clock)
    kind = MemorySystem if row == "memory" else SERVED_AS.get(row) or sandbox_class(row)
    rig = Rig(ROWS[row], clock, kind(clock=shifted, **how), port, row=row)
    if port is not None:
        port.sandbox = rig.sandbox
        port.keep_exchanges = True
        port.faults.clear()
        port.switches = Switches()
        port.webhooks = None
        port.exchanges.clear()
    yield rig
    for connector in rig.opened:
        connector.close()


def a_sample(subject: str = "Card declined at checkout", *, age: float = 60, **fields: Any) -> Sample:
    """A ticket that was there before the test began, `age` minutes old."""
    return Sample(
        **{"subject": subject, "body": "It has failed since this morning.", "created_at": START - timedelta(minutes=age), **fields}
    )


def some_samples(count: int, **fields: Any) -> list[Sample]:
    """Tickets a minute apart, of which the middle third was made at one moment."""
    middle = range(count // 3, 2 * count // 3)
    ages = [count - (middle.start if n in middle else n) for n in range(count)]
    return [a_sample(f"Ticket {n}", age=60 + age, **fields) for n, age in enumerate(ages)]


def read(connector: Connector, since: datetime | Cursor) -> list[Page]:
    """All pages to the end; a reading that never ends is a failure."""
    pages = []
    for page in connector.changed(since):
        pages.append(page)
        assert len(pages) < 200, "the reading does not end"
    return pages


def keys_of(pages: Iterable[Page]) -> list[str]:
    return [t.ref.key for page in pages for t in page.tickets]


def revealed(secrets: Iterable[str], *things: object) -> list[str]:
    """Which of the secrets can be read in the text of these things."""
    told = " ".join(f"{thing!r} {thing!s} {vars(thing) if hasattr(thing, '__dict__') else ''}" for thing in things)
    return [secret for secret in secrets if secret in told]


def plain(secret: Any) -> str:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else str(secret)
