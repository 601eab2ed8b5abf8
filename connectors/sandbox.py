"""What the sandboxes share: a vendor's wire protocol as one pure function over its state, people who act, and a ledger of effects."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

import orjson

Clock: TypeAlias = Callable[[], datetime]

GROUPS = (
    "triage",
    "billing-emea",
    "billing-americas",
    "payments-oncall",
    "platform",
    "mobile",
    "identity",
    "vip-desk",
    "major-incident",
    "trust-and-safety",
)
"""The teams that exist in every sandbox from the start (Jira: values of its group field), so that one rule can route in all."""

AGENTS = (
    ("Lena Vogt", "lena@example.com"),
    ("Max Berger", "max@example.com"),
    ("Ines Costa", "ines@example.com"),
    ("Kenji Mori", "kenji@example.com"),
)
"""The people who work on the desk, in every sandbox from the start."""

MEMBERS: Mapping[str, tuple[str, ...]] = {"vip-desk": ("ines@example.com", "kenji@example.com"), "identity": ("ines@example.com",)}
"""Who belongs to a team, where not everybody of the desk does."""


def members_of(group: str) -> tuple[str, ...]:
    return MEMBERS.get(group, tuple(email for _, email in AGENTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived; header names in lower case, the query's last value for each name."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Raises `ValueError` when the body is not JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: `body` is anything JSON can say, bytes as they are, or an iterator of them; None is no content."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A ticket as people would write it, in our words; a sandbox turns it into its vendor's record. `key` is its own where given."""

    subject: str
    body: str
    created_at: datetime
    requester: str = "Ana Lima"
    email: str = "ana@example.com"
    organization: str | None = None
    language: str = "en"
    type: str = "incident"
    status: str = "new"
    priority: str | None = "normal"
    product: str | None = None
    channel: str = "email"
    group: str | None = None
    assignee: str | None = None  # an agent's e-mail address
    tags: tuple[str, ...] = ()
    tier: str | None = None  # of the customer's contract, for a system that keeps it with its tickets
    key: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something a person does in the vendor's own pages: make a ticket, reply, leave a note, set a field in our words.

    `merge` and `move` are only where the vendor has them (`Sandbox.can`), `clone` where a copy names what it was copied from.
    """

    kind: Literal["create", "reply", "note", "set", "attach", "delete", "merge", "move", "clone"]
    key: str | None = None  # all but create
    into: str = ""  # merge: the ticket that goes on; move: the project
    by: Literal["customer", "agent"] = "agent"
    text: str = ""  # reply, note; attach: the file's name
    # set: status, priority, group, assignee, subject, tags (a list); attach: see sandbox_files.py; reply, note: `mentions`, e-mail
    # addresses, where the system has such
    fields: Mapping[str, Any] = field(default_factory=dict)
    sample: Sample | None = None  # create


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One write that took effect through the interface: what it was, on which ticket, and what was received."""

    n: int
    at: datetime
    kind: Literal["update", "reply", "note", "create", "attach"]
    key: str
    # update: {"fields": as received}; create: {"subject"}; attach: see sandbox_files.py; reply, note: {"id", "body"}, and "called" where
    # somebody is told that it mentions them, by e-mail address
    detail: Mapping[str, Any]


class Sandbox(ABC):
    """One vendor, served locally, with its real weaknesses. `answer` is its whole interface; one caller at a time."""

    system: ClassVar[str]
    can: ClassVar[frozenset[str]] = frozenset()  # of `merge` and `move`: what people can do here besides what they can do everywhere

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.effects: list[Effect] = []

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """The vendor's answer; refuses what is not signed in as the vendor does. Never raises for bad input."""

    @abstractmethod
    def load(self, samples: Iterable[Sample]) -> list[str]:
        """Tickets that are there already, as if people had made them at their `created_at`; returns their keys."""

    @abstractmethod
    def people(self, deed: Deed) -> str:
        """Somebody acts in the vendor's own pages, now; returns the ticket's key, of a move the new one.

        Raises `KeyError` for no such ticket, `ValueError` for what cannot be done here."""

    @abstractmethod
    def shown(self, key: str) -> dict[str, Any]:
        """The ticket's true state for judges: status, priority, group, assignee, tags, subject,
        body (plain text), product and language in our words where they have one,
        and `comments`: a list of {id, public, text, by: customer|agent|api}. Raises `KeyError`."""

    @abstractmethod
    def keys(self) -> list[str]:
        """All tickets, oldest first."""

    @classmethod
    @abstractmethod
    def sign_in(cls) -> dict[str, str]:
        """The `sign_in:` settings that this sandbox accepts, as they stand in `ticketgate.yaml`."""

    @classmethod
    @abstractmethod
    def url(cls) -> str:
        """The vendor-like public address under which clients reach it (through `via`)."""

    @abstractmethod
    def forbidden(self, why: str) -> Answer:
        """How this vendor refuses what the signed-in user may not do."""

    @abstractmethod
    def forget_cursors(self) -> None:
        """What this vendor handed out to read on with is worth nothing any more; one that hands out nothing breaks its next page off."""

    def took_effect(self, kind: Literal["update", "reply", "note", "create"], key: str, **detail: Any) -> None:
        """Writes one line into the ledger of effects."""
        self.effects.append(Effect(n=len(self.effects) + 1, at=self.clock(), kind=kind, key=key, detail=detail))

    def effects_as_json(self) -> list[dict[str, Any]]:
        return [asdict(e) for e in self.effects]
