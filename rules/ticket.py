"""The nouns: a ticket as we mean it, whichever system it came from.

They are msgspec's structs and not dataclasses: as frozen, as comparable, but made, read and written in C, which is what lets tens of
thousands of tickets a second go by. None can hold itself, so the garbage collector need not know of them.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeAlias, TypeVar

from msgspec import Struct, field, structs

T = TypeVar("T")

Value: TypeAlias = str | int | float | bool | datetime | frozenset[str] | None
"""What a ticket's field may hold. Text for choices too: `StrEnum` members are text."""


class Type(StrEnum):
    """What a ticket is, in ITIL's meanings."""

    QUESTION = "question"
    INCIDENT = "incident"
    PROBLEM = "problem"
    REQUEST = "request"
    BUG = "bug"
    CHANGE = "change"
    TASK = "task"


class Status(StrEnum):
    """Where a ticket stands; `pending` waits for the requester, `on_hold` for a third party."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


SETTLED = frozenset({Status.RESOLVED, Status.CLOSED})


class Level(StrEnum):
    """The ordered words of priority, impact and urgency, from lowest to highest."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Severity(StrEnum):
    """From lowest to highest."""

    SEV4 = "sev4"
    SEV3 = "sev3"
    SEV2 = "sev2"
    SEV1 = "sev1"


class Channel(StrEnum):
    """The door through which a ticket came in."""

    EMAIL = "email"
    WEB = "web"
    PORTAL = "portal"
    CHAT = "chat"
    PHONE = "phone"
    SOCIAL = "social"
    API = "api"


class Role(StrEnum):
    """Which side a comment's author is on."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"


def replace(value: T, /, **changes: Any) -> T:
    """The same value with other fields, as `dataclasses.replace` says it; for our nouns and for dataclasses alike."""
    if isinstance(value, Struct):
        return structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]  # no noun, so a dataclass


class TicketRef(Struct, frozen=True, order=True, cache_hash=True, gc=False):
    """A ticket's name: the connection that has it, and its key there. Written `connection:key`."""

    connection: str
    key: str

    def __str__(self) -> str:
        return f"{self.connection}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ValueError` when `text` is not `connection:key`."""
        connection, colon, key = text.partition(":")
        if not (connection and colon and key):
            raise ValueError(f"'{text}' is not a ticket's name; write connection:key, like zendesk-eu:4711")
        return cls(connection, key)


class Person(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Somebody on either side. `id` is the system's own; `automated` is true for bounces, auto-replies and bots."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    organization: str | None = None
    tags: frozenset[str] = frozenset()
    language: str | None = None
    automated: bool = False

    @property
    def known_as(self) -> str | None:
        """What a condition compares: the e-mail address, else the name, else the system's id."""
        return self.email or self.name or self.id


class Mention(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody whom the system itself calls in a text: `text` stands there from character `at` on, and means the person `id` there.

    It stands beside the text and never in it, so nothing that anybody types can become one. `id` is what the system mentions people by.
    """

    at: int
    text: str  # as people read it: @Ada Lovelace
    id: str


class Comment(Struct, frozen=True, kw_only=True, gc=False):
    """One reply (`public`) or note. `id` is the system's own and unique within its ticket; `ours`: ticketgate wrote it.

    `speaks_for` is the side of the person whose words a copy of ours repeats from a partner system, `copies` the comment that it repeats.
    `mentions` are in order.
    """

    id: str
    at: datetime
    text: str
    public: bool
    role: Role
    author: Person | None = None
    ours: bool = False
    speaks_for: Role | None = None
    mentions: tuple[Mention, ...] = ()
    copies: str | None = None  # connection:key#comment-id


class Attachment(Struct, frozen=True, kw_only=True, gc=False):
    """One file of a ticket, or of one of its comments, without its bytes. `id` is the system's own and unique within its ticket.

    `public` only where the system says that a customer may see it. `size` is bytes, `type` a media type, both as declared.
    """

    id: str
    name: str
    at: datetime
    public: bool
    size: int | None = None
    type: str | None = None
    checksum: str | None = None  # as the system says it: sha256:… or md5:…
    withheld: str | None = None  # why the system itself does not hand it out: malware was found
    ours: bool = False  # ticketgate attached it
    copies: str | None = None  # connection:key#file:id of the partner's file that it is


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """One field went from `before` to `after`; `at` is the system's stamp. `ours`: ticketgate wrote it."""

    field: str
    before: Value
    after: Value
    at: datetime
    by: str | None = None
    ours: bool = False


class Ticket(Struct, frozen=True, gc=False, omit_defaults=True):
    """One ticket at one moment. Never changed, only replaced. Every moment is aware and in UTC.

    Name the fields when you make one; only those who make a page of tickets at once give them by place.
    """

    ref: TicketRef
    subject: str
    status: Status | None  # None: a word nobody declared, named in `unread`
    created_at: datetime
    updated_at: datetime
    version: str
    body: str | None = None
    type: Type | None = None
    resolution: str | None = None
    priority: Level | None = None
    severity: Severity | None = None
    impact: Level | None = None
    urgency: Level | None = None
    product: str | None = None
    language: str | None = None
    channel: Channel | None = None
    error_code: str | None = None
    requester: Person | None = None
    group: str | None = None
    assignee: Person | None = None
    tags: frozenset[str] = frozenset()
    watchers: frozenset[str] = frozenset()
    due_at: datetime | None = None
    url: str | None = None
    shown_as: str | None = None  # what people call it, where that is not the key: INC0010023
    custom: Mapping[str, Value] = field(default_factory=dict)  # this installation's own fields
    unread: Mapping[str, str] = field(default_factory=dict)  # field: the vendor's word that has no meaning here
    split_from: str | None = None  # the key of the ticket that it was split from, copied from, or follows up

    @property
    def settled(self) -> bool:
        """Nobody has to do anything for it any more."""
        return self.status in SETTLED
