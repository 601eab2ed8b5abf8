"""All that a rule may look at: one ticket, what is new about it, its partners, its past, and the moment."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from rules.asking import Outcome
from rules.ticket import Attachment, Change, Comment, Ticket, TicketRef, Value


class Kind(StrEnum):
    """What can happen to a ticket between two looks; `sla` and `waiting` are stages that fell due."""

    CREATED = "created"
    UPDATED = "updated"
    CHANGED = "changed"
    COMMENTED = "commented"
    CUSTOMER_REPLIED = "customer_replied"
    AGENT_REPLIED = "agent_replied"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    CLOSED = "closed"
    APPROVAL_ANSWERED = "approval_answered"
    MANUAL = "manual"
    EVERY = "every"


class Answer(Struct, frozen=True, kw_only=True):
    """What came of a question: by whom, or by nobody in time. `step` is where in its rule it was asked."""

    id: str
    rule: str
    step: str
    outcome: Outcome
    question: str = ""
    by: str | None = None
    comment: str | None = None


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a ticket; `change` for changed, resolved, closed and reopened, `comment` for the comment kinds."""

    kind: Kind
    at: datetime
    change: Change | None = None
    comment: Comment | None = None
    rule: str | None = None  # manual: the rule a person named; every: whose moment it is
    answer: Answer | None = None  # approval_answered

    @property
    def occasion(self) -> str:
        """What makes this happening one of a kind: the vendor's moment or the comment's id, never our clock."""
        if self.comment is not None:
            return f"{self.kind}#{self.comment.id}"
        if self.answer is not None:
            return f"{self.kind}#{self.answer.id}"
        what = f":{self.change.field}={_plain(self.change.after)}" if self.change else ""
        return f"{self.kind}{what}@{self.at.isoformat()}"


def _plain(value: Value) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


class Link(Struct, frozen=True, kw_only=True):
    """A partner of the ticket in another connection, as it is now, and the field values on which both last agreed.

    `comments` and `attachments` are the partner's; `mirrored` names those of either side that have their copy, as
    `connection:key#id` and `connection:key#file:id`.
    """

    partner: Ticket
    agreed: Mapping[str, Value] = field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    mirrored: frozenset[str] = frozenset()
    attachments: tuple[Attachment, ...] = ()


class MergedIn(Struct, frozen=True, kw_only=True):
    """A ticket that was merged into this one: when it was created, and when the merge was noticed."""

    created_at: datetime
    at: datetime


class Origin(Struct, frozen=True, kw_only=True):
    """A ticket that this one was split from, with its whole known past: as far as it was known, whatever became of it later."""

    ticket: Ticket
    changes: tuple[Change, ...] = ()
    comments: tuple[Comment, ...] = ()
    merged_in: tuple[MergedIn, ...] = ()


class Observation(Struct, frozen=True, kw_only=True):
    """All that a rule may look at. Save it, and the same rules give the same plan for ever.

    `changes` and `comments` are the whole known past of the ticket, by time; `done` holds the keys of stages that ran or were
    passed over and of once-only actions; `limits` counts, for a limit's key, the moments at which it was used.
    """

    ticket: Ticket
    now: datetime
    events: tuple[Event, ...] = ()
    changes: tuple[Change, ...] = ()
    comments: tuple[Comment, ...] = ()
    attachments: tuple[Attachment, ...] = ()  # only of a ticket whose files a rule keeps in step with a partner
    links: tuple[Link, ...] = ()
    elsewhere: frozenset[str] = frozenset()  # connections in which its partners, or theirs in turn, are
    merged_in: tuple[MergedIn, ...] = ()
    origins: tuple[Origin, ...] = ()  # what it was split from, what that was split from, and so on
    done: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)  # what only the store can answer; see rules/questions.py
    redact: frozenset[str] = frozenset()  # kinds of personal data that leave us no more of the ticket, or of a partner
    paused: frozenset[str] = frozenset()  # rules that a person, or a limit of theirs, has stopped
    paging: frozenset[str] = frozenset()  # who is being called out about it, as `paging_key` names it
    looked_at: datetime | None = None  # when it was last looked at; moments well before that are behind it
    adopted: bool = False  # first contact with an old ticket: no events, stages behind it are passed over

    @property
    def ref(self) -> TicketRef:
        return self.ticket.ref
