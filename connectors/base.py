"""All that a ticket system is ever asked, in our words. A base class that declares and never calls its subclass."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NewType, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import Unsupported
from connectors.files import Sink, Upload
from connectors.inventory import Permission, Pulse, RemoteField, RemoteTrigger
from connectors.pushes import Heard, Hooks, Push, PushSettings
from connectors.shared import Shared
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Attachment, Change, Comment, Person, Ticket, Value

Cursor = NewType("Cursor", str)
"""How far a connection was read. Only the connector that made it can read it; it stands in the store as it is."""

NO_TAGS = TagChange()
NOBODY: frozenset[str] = frozenset()

HOST = r"^(\*\.[a-z0-9-]+\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?$"
"""A host as settings name it, in small letters; `*.` before at least two names stands for all below them."""

VIA = r"^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$"
"""A loopback address, where a sandbox answers."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]
"""How long is waited for a system. None at all, or for ever, is no way to ask one; `nan` is refused as well."""

FALLBACK = "name who gets such tickets under fallback_assignee: of this connection"
"""The way out that is told where nobody is there by the name of an assignee."""

Thing: TypeAlias = Literal["group", "user", "project", "field"]
"""What a system has of its own and rules, maps and settings name: its teams, the people who work in it, its projects and fields."""


class ConnectorSettings(BaseModel):
    """What every connection may say in `ticketgate.yaml`; each connector adds its own `sign_in`.

    `url` is the vendor's public address. `via` sends the bytes to a loopback address instead (sandboxes, tests): the SDK
    still sees `url`. `words` is `{field: {their word: ours}}` and adds to or replaces the connector's own. `people` is who is who in this
    system (`{as rules and other systems name them: as this one does}`), `fallback_assignee` has the tickets of those it does not have.
    `content_hosts` are hosts that may hold its files besides those known of the vendor: `files.acme.com`, `*.acme.com`, `acme.com:8443`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    url: str
    via: str | None = Field(default=None, pattern=VIA)
    words: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    people: Mapping[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    fallback_assignee: str | None = Field(default=None, min_length=1)
    content_hosts: tuple[Annotated[str, Field(pattern=HOST)], ...] = ()
    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 30.0
    total_timeout: Seconds = 120.0  # over a whole answer: a read timeout alone never ends a dribble
    four_byte_letters: bool = True  # false: its database refuses them (MySQL's utf8), so that emoji and their like are named in words
    pushes: PushSettings | None = None  # how the system's webhooks prove themselves; None: it sends none, and none is believed

    @property
    def reads_besides(self) -> frozenset[str]:
        """Our fields that the system is asked for because these settings say so."""
        return frozenset()

    def named(self) -> Iterator[tuple[str, Thing, str]]:
        """What of the system's own these settings name: the key, the kind of thing, and its name."""
        yield from (("people", "user", name) for name in self.people.values())
        if self.fallback_assignee is not None:
            yield "fallback_assignee", "user", self.fallback_assignee

    def person(self, name: str) -> str:
        """Somebody as this system names them; `name` itself where `people` does not say otherwise. Case does not count."""
        return next((there for known, there in self.people.items() if known.casefold() == name.casefold()), name)

    def notices(self) -> tuple[str, ...]:
        """What a person should know about these settings before it hurts; `doctor` says it."""
        return ()


@dataclass(frozen=True, slots=True)
class Custom:
    """A field of this installation: `name` stands behind `custom.` (or is one of ours), `remote` is the vendor's name of it."""

    name: str
    remote: str
    type: Literal["text", "choice", "ordered_choice", "set", "number", "time", "boolean"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a system can do, as data: `check` warns by it and the contract tests hold the connector to it.

    `reads` and `writes` name our fields (`tags` among them); `coupled` names the fields that the vendor changes together
    with a written one.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    coupled: Mapping[str, frozenset[str]] = field(default_factory=dict)
    replies: bool = False
    notes: bool = False
    creates: bool = False
    comments: bool = False
    history: bool = False
    attachments: bool = False  # it lists the files of a ticket and hands them out
    attaches: frozenset[str] = frozenset()  # of `public` and `internal`: how a file can be attached
    links: frozenset[str] = (
        frozenset()
    )  # of `problem`, `duplicate` and `parent`: those for which tickets have the system's own link (`link`)
    tells: frozenset[str] = frozenset()  # of `deletions`, `merges` and `moves`: what `changed` itself brings
    sweeps: bool = False  # what it does not tell is found by asking after tickets (`present`)
    pushes: bool = False  # the system can tell us of changes (`heard`)
    members: bool = False  # it can list who belongs to a group
    slas: bool = False  # the system keeps SLA clocks of its own and tells how they stand (`native_slas`)
    knows: frozenset[Thing] = frozenset()  # what the system can be asked for by name (`known`)
    describes: bool = False  # the system can be asked for its fields and for our permissions (`fields`, `permissions`, `pulse`)
    mentions: bool = False  # a note can call people who work there (`comment`), and who they are can be asked (`person`, `mentionable`)
    guards: bool = False  # the vendor itself refuses a stale write; else read-compare-write with a race left over


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeSla:
    """How the system's own clock of one SLA stands. `name` is its name there, `metric` ours where the name says which one it is."""

    name: str
    metric: str | None
    state: Literal["running", "paused", "ended", "cancelled"]
    breached: bool
    started_at: datetime | None = None
    due_at: datetime | None = None
    stopped_at: datetime | None = None


def metric_named(name: str) -> str | None:
    """Which of our metrics an SLA of that name is about, as the systems' own samples are named; None where the name does not say."""
    words = name.casefold()
    if "respon" in words or "first reply" in words:
        return "first_response"
    return "resolution" if "resol" in words or "close" in words else None


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A record that could not be read: it alone is parked with this reason, its page goes on."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """Tickets, oldest change first, and the cursor that goes on after them. `last`: caught up, nothing newer was there."""

    tickets: tuple[Ticket, ...]
    cursor: Cursor
    last: bool = False
    spoilt: tuple[Spoilt, ...] = ()
    gone: tuple[str, ...] = ()  # keys of tickets that the vendor says were deleted
    merged: Mapping[str, str | None] = field(default_factory=dict)  # by key: the ticket it was merged into; None: only `fetch` says
    moved: Mapping[str, str] = field(default_factory=dict)  # by old key: the key it has now
    ids: Mapping[str, str] = field(default_factory=dict)  # by key: what stays the same where a ticket's key can change


class Connector(ABC):
    """One ticket system, spoken to in our words.

    Every method raises only `connectors.errors`; none retries. Not safe for several threads at once: the gateway hands a
    connection to one thread at a time. A write carries a `mark` (32 hex digits) by which `applied_*` finds it again.
    """

    Settings: ClassVar[type[ConnectorSettings]] = ConnectorSettings
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, connection: str) -> None:
        self.connection = connection

    @classmethod
    @abstractmethod
    def opened(
        cls,
        connection: str,
        settings: ConnectorSettings,
        custom: tuple[Custom, ...] = (),
        *,
        read_only: bool = False,
        shared: Shared | None = None,
    ) -> Self:
        """A connector ready to be asked; imports its SDK here, sends nothing yet. `read_only`: refuses to write below the SDK.

        `shared` is what it has in common with others who ask the same system; nothing, without one.
        """

    @abstractmethod
    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        """Tickets touched at or after `since`, oldest first, one page held at a time.

        From a datetime: everything from that moment on. From a cursor: everything since, with the overlap that this vendor
        needs, so tickets already seen come again and the caller knows them by their version. Ends with a page that says `last`,
        which may be empty and whose cursor is where the next poll goes on.
        """

    @abstractmethod
    def fetch(self, key: str) -> Ticket:
        """The ticket as it is now. Raises `NotFound`, and `Gone` where the system says what became of it."""

    def present(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Of these tickets (at most a hundred), those that are there, each with the key that it has now."""
        raise Unsupported(self.connection, "present")

    def count(self, since: datetime) -> int | None:
        """About how many tickets `changed(since)` brings, as the system counts them; None where it does not say."""
        return None

    def raw(self, key: str) -> Mapping[str, Any]:
        """The ticket's record as the system itself sends it, for people who compare. Raises `NotFound`."""
        raise Unsupported(self.connection, "raw")

    def check_sign_in(self) -> str:
        """Who we are signed in as, as the system names us. Raises `Unauthorized`."""
        raise Unsupported(self.connection, "check_sign_in")

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        """Set our `fields` and change `tags`, in one write where the vendor has one. Raises `Stale` if no longer at `version`.

        `group` is a name, `assignee` an e-mail address or name, None empties. The receipt has the new version and the echo.
        """
        raise Unsupported(self.connection, "update")

    def comment(self, key: str, body: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        """Add a reply (`public`) or a note, written in Markdown and sent in the system's own form, cut with a notice where it is too long.

        `called` are the ids of those whom a note may mention (`[@Ada](mention:ID)`); anybody else there, and all in a reply, is a name.
        The receipt's `id` is the id that `comments` gives it later, `version` the ticket's."""
        raise Unsupported(self.connection, "comment")

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        """Make a ticket; the receipt's `key` is its key. The draft's body is Markdown, as that of a comment is."""
        raise Unsupported(self.connection, "create")

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        """The receipt of `comment`, when what it wrote is there; None when it surely is not. Ask before repeating."""
        raise Unsupported(self.connection, "applied_comment")

    def applied_create(self, mark: str) -> Receipt | None:
        """The receipt of `create`, when what it made is there; None when it surely is not. Ask before repeating."""
        raise Unsupported(self.connection, "applied_create")

    def link(self, key: str, relation: str, other: str) -> Receipt:
        """Joins the ticket to another by the system's own link, as its problem, the original of a duplicate or its parent.

        The same link again changes nothing; one to a third ticket is never taken away for it. Raises `Rejected` where the two do not fit.
        """
        raise Unsupported(self.connection, f"link {relation}")

    def linked(self, key: str, relation: str, other: str) -> bool:
        """Whether that link is there. Ask before repeating."""
        raise Unsupported(self.connection, f"linked {relation}")

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        """Replies and notes made at or after `since`, oldest first; ours carry `ours=True` where a mark says so."""
        raise Unsupported(self.connection, "comments")

    def person(self, id: str) -> Person | None:
        """Whom a mention (`Comment.mentions`) means by this id; None where nobody is there by it. Only reads."""
        raise Unsupported(self.connection, "person")

    def mentionable(self, who: str) -> str | None:
        """The id by which a note mentions the one active person with this e-mail address; None for nobody, for several, and in any doubt.

        `who` may also be a name where the connection's `people` says that this is somebody's there. Only reads.
        """
        raise Unsupported(self.connection, "mentionable")

    def attachments(self, key: str) -> tuple[Attachment, ...]:
        """The files of a ticket and of its comments, oldest first, without their bytes. One whose audience is not known is not `public`."""
        raise Unsupported(self.connection, "attachments")

    def download(self, key: str, file: Attachment, into: Sink) -> None:
        """Hands the bytes of a file to `into`, part by part as they come; what `into` raises ends it.

        Raises `NotFound` for one that is no more, and `Rejected` where something else than the file came.
        """
        raise Unsupported(self.connection, "download")

    def attach(self, key: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        """Attaches a file, read part by part as it is sent. The receipt's `id` is the id that `attachments` gives it later.

        Raises `Rejected`, and sends nothing, where one that is not `public` would be shown to a customer.
        """
        raise Unsupported(self.connection, "attach")

    def history(self, key: str) -> tuple[Change, ...]:
        """Changes of our fields (status at least), oldest first, as finely as the system can tell."""
        raise Unsupported(self.connection, "history")

    def members(self, group: str) -> tuple[str, ...]:
        """Who belongs to a group, each by e-mail address, else name; nobody for a group that is not there."""
        raise Unsupported(self.connection, "members")

    def known(self, kind: Thing, names: Iterable[str]) -> frozenset[str]:
        """Those of these names that the system has, as a write would find them: by exactly one that is in use. Only reads.

        A name of which the system cannot say so counts as one that it has.
        """
        raise Unsupported(self.connection, "known")

    def fields(self) -> tuple[RemoteField, ...]:
        """All fields that tickets have there, as the system and the screens of our projects say it. Only reads."""
        raise Unsupported(self.connection, "fields")

    def permissions(self) -> tuple[Permission, ...]:
        """What our user may do there, as far as the system says so without a try. Only reads."""
        raise Unsupported(self.connection, "permissions")

    def triggers(self) -> tuple[RemoteTrigger, ...]:
        """The system's own automations of tickets that are active, in the order in which it runs them. Only reads."""
        raise Unsupported(self.connection, "triggers")

    def pulse(self) -> Pulse:
        """What the last answer said besides; asks nothing."""
        raise Unsupported(self.connection, "pulse")

    def native_slas(self, key: str) -> tuple[NativeSla, ...]:
        """How the system's own SLA clocks of a ticket stand; none where it has none, or we may not read them."""
        raise Unsupported(self.connection, "native_slas")

    def close(self) -> None:
        """Let go of the connections held open."""

    def hooks(self) -> Hooks:
        """What to set up in the system so that it tells us of changes. Asks nobody, and needs no secret."""
        raise Unsupported(self.connection, "hooks")

    def heard(self, push: Push) -> Heard:
        """Which tickets a push speaks of, once it has proved who sent it. Asks nothing of the system.

        Raises `Forged` (also where the connection says nothing under `pushes`) and `Garbled`, which are no `ConnectorError`s.
        """
        raise Unsupported(self.connection, "heard")
