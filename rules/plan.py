"""What a rule asks for, as values: the actions, the plan that holds them, and a connector's receipt."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct, field

from rules.ticket import Attachment, Mention, Role, Ticket, TicketRef, Value


def key_of(*parts: str) -> str:
    """The name under which an action is done at most once: 64 hex digits over its parts, in order."""
    return sha256("\x1f".join(parts).encode()).hexdigest()


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field of an `Update`, with the rule that asked for it. For `tags`, `before` and `after` are whole sets."""

    field: str
    before: Value
    after: Value
    rule: str
    place: str  # rules/30-routing.yaml:5
    note: str = ""  # what a person wants to know besides: product-teams row 14


class Update(Struct, frozen=True, kw_only=True):
    """All fields of one ticket that a pass changes, in one write. Convergent: planned only while the ticket differs."""

    key: str
    target: TicketRef
    version: str  # the target's, on which this was decided
    changes: tuple[FieldChange, ...]

    @property
    def fields(self) -> dict[str, Value]:
        """Field and new value, as a connector's `update` takes them; without `tags`."""
        return {c.field: c.after for c in self.changes if c.field != "tags"}

    @property
    def tags(self) -> "TagChange":
        """The tags to add and to remove; whole sets are never written."""
        for change in self.changes:
            if change.field == "tags":
                return TagChange.between(change.before, change.after)
        return TagChange()


class TagChange(Struct, frozen=True):
    """Tags to add and to remove, so that nobody else's tags are overwritten."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    @classmethod
    def between(cls, before: Value, after: Value) -> "TagChange":
        old = before if isinstance(before, frozenset) else frozenset()
        new = after if isinstance(after, frozenset) else frozenset()
        return cls(new - old, old - new)

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


class AddComment(Struct, frozen=True, kw_only=True):
    """A reply (`public`) or a note on a ticket. Once-only. `mirrors`: the comment elsewhere of which this is the copy.

    `mentions` are those of a note that is copied to a note, by where they stand in `body`, with the ids of the system it comes from.
    """

    key: str
    target: TicketRef
    version: str
    body: str
    public: bool
    rule: str
    place: str
    template: str | None = None
    language: str | None = None
    mirrors: str | None = None  # connection:key#comment-id
    speaks_for: Role | None = None  # whose words a copy repeats
    mentions: tuple[Mention, ...] = ()

    @property
    def mark(self) -> str:
        return self.key[:32]


class Attach(Struct, frozen=True, kw_only=True):
    """A file of one ticket is attached to its partner. Once-only, also by its content: what is there already is not sent again.

    `largest` is the most bytes that may be carried, whatever was declared.
    """

    key: str
    target: TicketRef
    version: str
    source: TicketRef
    file: Attachment
    name: str  # safe in any file system
    public: bool
    largest: int
    rule: str
    place: str

    @property
    def mark(self) -> str:
        return self.key[:32]

    @property
    def origin(self) -> str:
        """Under which name a pair remembers that it was settled."""
        return file_name(self.source, self.file.id)


def from_a_third(copied: str | None, target: TicketRef) -> bool:
    """Whether what we wrote is the copy of something, and that did not come from the very ticket it would go to."""
    return copied is not None and copied.rpartition("#")[0] != str(target)


def file_name(ref: TicketRef, id: str) -> str:
    """A file of a ticket as a pair remembers it, apart from the names of comments."""
    return f"{ref}#file:{id}"


class Draft(Struct, frozen=True, kw_only=True):
    """A ticket to be made: our fields, and the target system's own words for what only it knows (project, issue_type)."""

    fields: Mapping[str, Value]
    own: Mapping[str, str] = field(default_factory=dict)


class CreateTicket(Struct, frozen=True, kw_only=True):
    """A new ticket in another connection, linked to `partner_of`. Once-only."""

    key: str
    connection: str
    draft: Draft
    partner_of: TicketRef
    version: str  # of `partner_of`
    rule: str
    place: str
    relation: str | None = None  # problem or parent of tickets like `partner_of`; None: its partner, kept in step

    @property
    def mark(self) -> str:
        return self.key[:32]


class Notify(Struct, frozen=True, kw_only=True):
    """A message to a channel or a person of `ticketgate.yaml`. Once-only. `to`: a channel's name or an e-mail address."""

    key: str
    about: TicketRef
    version: str
    to: str
    asked_for: str  # the word in the rule: assignee, team-lead, or a channel's name
    text: str
    rule: str
    place: str
    template: str | None = None
    not_before: datetime | None = None  # of a stage that minds business hours: the next opening
    asks: str | None = None  # the approval that it asks for


def joining_key(ref: TicketRef, relation: str) -> str:
    """The name of a joining: a ticket is joined once by a relation, whichever ticket's pass asks for it."""
    return key_of("join", str(ref), relation)


class JoinTicket(Struct, frozen=True, kw_only=True):
    """A ticket is joined to another as its problem, duplicate or parent. Once-only for a relation.

    `to` is known, or it is the ticket that the action `made_by` makes. `native`: by the link of the system where both are, beside
    what we remember and the notes that say so, which are an action of their own.
    """

    key: str
    ticket: TicketRef
    version: str
    relation: str
    rule: str
    place: str
    to: TicketRef | None = None
    made_by: str | None = None
    native: bool = False

    @property
    def marks(self) -> tuple[str, str]:
        """Of the notes on either side."""
        return key_of(self.key, "here")[:32], key_of(self.key, "there")[:32]


class Page(Struct, frozen=True, kw_only=True):
    """Whoever is on call is called out, until somebody acknowledges. Once-only; it opens what `Call`s then carry out."""

    key: str
    about: TicketRef
    version: str
    to: str  # a name under `on_call:`
    urgency: str
    text: str
    rule: str
    place: str
    not_before: datetime | None = None  # as of a `Notify`

    @property
    def id(self) -> str:
        return self.key[:10]


class Call(Struct, frozen=True, kw_only=True):
    """One call of a page, to one person or pager. Once-only. The rules ask for none: the pager makes them, one for each turn."""

    key: str
    about: TicketRef
    page: str  # its id
    to: str  # a name under `on_call:` that has an address, or an e-mail address
    turn: int
    text: str
    rule: str
    place: str


class Webhook(Struct, frozen=True, kw_only=True):
    """A signed request to another program. Once-only, as far as its endpoint can tell: it knows a repetition by the key."""

    key: str
    about: TicketRef
    version: str
    to: str  # a name under `endpoints:`
    payload: str  # JSON
    rule: str
    place: str
    not_before: datetime | None = None  # as of a `Notify`

    @property
    def id(self) -> str:
        return self.key[:32]


class Ask(Struct, frozen=True, kw_only=True):
    """A question that stays open until somebody answers or its time is over. Once-only; a `Notify` says it to those who are asked.

    `at` is when it was decided and `due_at` when its time is over, both as the rules saw it.
    """

    key: str
    about: TicketRef
    version: str
    ask: str  # the word in the rule
    to: str  # whom that means: a channel's name or an e-mail address
    question: str
    step: str
    at: datetime
    due_at: datetime
    rule: str
    place: str
    not_before: datetime | None = None  # as of a `Notify`

    @property
    def id(self) -> str:
        return self.key[:10]


Action: TypeAlias = Update | AddComment | Attach | CreateTicket | JoinTicket | Notify | Page | Call | Ask | Webhook
"""Closed: a new action is a type error wherever it is not handled."""


class Agreement(Struct, frozen=True, kw_only=True):
    """What both sides of a link agree on once the actions of its plan are done: the base of the next comparison."""

    left: TicketRef
    right: TicketRef
    fields: Mapping[str, Value]
    mirrored: frozenset[str] = frozenset()  # connection:key#comment-id and connection:key#file:id, on either side
    overruled: Mapping[str, str] = field(default_factory=dict)  # field: what the conflict policy set aside


class Stage(Struct, frozen=True, kw_only=True):
    """A rung of a ladder that ran or was passed over in this pass; `key` is rule, climb and stage."""

    key: str
    rule: str
    name: str  # at 75% | after 3d
    due_at: datetime
    ran: bool
    why: str = ""  # of one that did not run: skipped by catch_up, its condition did not hold, adopted


class Broken(Struct, frozen=True, kw_only=True):
    """A promise whose deadline passed with its clock running: a fact for ever, with the target that it was judged against."""

    policy: str
    metric: str
    climb: str
    at: datetime
    due_at: datetime
    target: str


class Fired(Struct, frozen=True, kw_only=True):
    """A rule that acted in this pass (or would have: `shadow`, `limited`), and on which occasion."""

    rule: str
    occasion: str
    how: str = "live"  # live | shadow | limited
    stage: str | None = None
    used: tuple[str, ...] = ()  # keys of the limits that it used up once, at the plan's `at`; see rules/limits.py


class Restriction(Struct, frozen=True):
    """A rule restricted the ticket: personal data of these kinds leaves us no more of it, from this pass on."""

    rule: str
    kinds: frozenset[str]


class Failure(Struct, frozen=True, kw_only=True):
    """A rule whose evaluation raised: it alone was skipped, and this says why."""

    rule: str
    place: str
    reason: str


class Plan(Struct, frozen=True, kw_only=True):
    """All that one pass over one ticket asks for. A value: print it, compare it, keep it, throw it away."""

    ref: TicketRef
    version: str
    bundle: str  # hash of the rules that decided
    at: datetime
    events: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    fired: tuple[Fired, ...] = ()
    failures: tuple[Failure, ...] = ()
    stages: tuple[Stage, ...] = ()
    broken: tuple[Broken, ...] = ()  # promises to the ticket that were broken by now, as far as its clocks were asked
    agreements: tuple[Agreement, ...] = ()
    left: Ticket | None = None  # the ticket as this plan leaves it; None: as it was
    look_again_at: datetime | None = None
    untold: tuple[str, ...] = ()  # whom `notify` named and nobody stood behind: assignee, of a ticket without one
    notes: tuple[str, ...] = ()  # what was left undone and why: a reply to a robot, the hourly limit
    restricts: tuple[Restriction, ...] = ()
    redact: frozenset[str] = frozenset()  # kinds of personal data that are not shown of this ticket, nor copied
    turns: tuple[str, ...] = ()  # rules whose `round_robin` gave out a turn, once for each
    paused: tuple[str, ...] = ()  # rules whose limit was reached and that act no more from now on

    def leaves(self, ticket: Ticket) -> Ticket:
        """The ticket as this plan leaves it, which is what is remembered as last seen: our own edits are not news."""
        return self.left or ticket

    def __bool__(self) -> bool:
        return bool(self.actions)


class Receipt(Struct, frozen=True, kw_only=True):
    """A vendor's answer to a write.

    `id` names what was made (a comment's or ticket's id), `version` is the target's afterwards where the vendor says it,
    `echo` holds the fields we wrote, and those the vendor couples to them, as they stand after the write. `notes` are what `why`
    says of it: what was written otherwise than it was asked for.
    """

    id: str | None = None
    key: str | None = None  # of a created ticket
    version: str | None = None
    echo: Mapping[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
