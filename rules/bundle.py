"""The rules in force, as frozen values: what the reader makes of an administrator's files and the engine evaluates."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field

from rules.asking import Approval, CallOut, Post
from rules.condition_tree import ALWAYS as ALWAYS
from rules.condition_tree import NOWHERE as NOWHERE
from rules.condition_tree import All as All
from rules.condition_tree import AnyOf as AnyOf
from rules.condition_tree import CalendarIs as CalendarIs
from rules.condition_tree import Condition as Condition
from rules.condition_tree import FieldType as FieldType
from rules.condition_tree import Named as Named
from rules.condition_tree import NoneOf as NoneOf
from rules.condition_tree import Place as Place
from rules.condition_tree import Similar as Similar
from rules.condition_tree import Test as Test
from rules.observation import Kind
from rules.pii_ids import COUNTRIES
from rules.ticket import Value

if TYPE_CHECKING:
    from rules.calendar import Calendar
    from rules.policy import Policy
    from rules.templates import Template


# --- when ------------------------------------------------------------------------------------------------------------


class Every(Struct, frozen=True):
    """A time of day, in minutes after midnight. `days` of the week from 0, Monday; empty: all. The calendar's zone, and its open days."""

    minutes: int
    days: frozenset[int] = frozenset()
    calendar: str | None = None
    written: str = ""  # 07:00


class On(Struct, frozen=True):
    """An event by name; `field`, `was` and `to` only for `changed` (empty: any), `every` only for that."""

    kind: Kind
    field: str | None = None
    was: frozenset[str] = frozenset()  # folded
    to: frozenset[str] = frozenset()  # folded
    every: Every | None = None


class OnSla(Struct, frozen=True):
    metric: str
    policy: str | None = None


class OnWaiting(Struct, frozen=True):
    status: frozenset[str]
    since: Literal["status_change", "last_customer_reply", "last_agent_reply", "last_update"] = "status_change"
    calendar: str | None = None


Trigger: TypeAlias = On | OnSla | OnWaiting


# --- spans and moments -----------------------------------------------------------------------------------------------


class Span(Struct, frozen=True):
    """An amount of time as written: `time` plus whole `days`; `business` where it said so. `w` and `d` outside targets are time."""

    time: timedelta = timedelta(0)
    days: int = 0  # of a target that a calendar counts: business days; else of 24 hours
    business: bool = False
    written: str = ""


class Moment(Struct, frozen=True):
    """When a stage of an SLA ladder falls due: a share of the target, or the breach and an offset from it."""

    percent: int | None = None
    offset: timedelta = timedelta(0)  # of breach, may be negative; open time where a calendar counts
    written: str = ""


# --- verbs -----------------------------------------------------------------------------------------------------------


class Assign(Struct, frozen=True):
    """`table` looks the group up by the fields of `match`; `otherwise` is the group when no row matches.

    `strategy` chooses somebody among the group's members; without a group, the one that the ticket has.
    """

    group: str | None = None
    user: str | None = None
    table: str | None = None
    match: tuple[str, ...] = ()
    column: str | None = None
    otherwise: str | None = None
    strategy: Literal["keep", "round_robin", "least_open"] | None = None


class Set(Struct, frozen=True):
    """Fields and their new values; a `Template` where placeholders stand in the text."""

    fields: Mapping[str, "Value | Template"]


class RaisePriority(Struct, frozen=True):
    to: str | None = None
    by: int = 0
    up_to: str = "urgent"


class Tag(Struct, frozen=True):
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


class Say(Struct, frozen=True):
    """`reply` (public) and `note`: a template by name, or a text."""

    public: bool
    template: str | None = None
    text: "Template | None" = None
    language: str = "auto"


class Tell(Struct, frozen=True):
    """`notify`: channels, `assignee`, `team-lead`."""

    to: tuple[str, ...]
    template: str | None = None
    text: "Template | None" = None


class SyncField(Struct, frozen=True):
    """How one field is kept in step; `owner` None is both ways, then `conflict` decides: ask, newest_wins, or a connection."""

    owner: str | None = None
    conflict: str = "ask"


class SyncFiles(Struct, frozen=True):
    """Which files of a ticket go to its partner; `owner` None is both ways. `types` empty: any; else media types and endings of names."""

    owner: str | None = None
    public_only: bool = True
    largest: int = 20 * 1024 * 1024  # bytes of one file
    at_most: int = 20  # files of one ticket, the oldest first
    types: tuple[str, ...] = ()  # image/*, application/pdf, .log
    place: Place = NOWHERE


class Sync(Struct, frozen=True):
    partner: str  # the connection of `with`
    create_missing: bool = False
    create: Mapping[str, "str | Template"] = field(default_factory=dict)
    fields: Mapping[str, SyncField] = field(default_factory=dict)  # status among them
    comments: SyncField | None = None
    public_comments_only: bool = True
    attachments: SyncFiles | None = None


class Restrict(Struct, frozen=True):
    """Limits who sees the ticket, and keeps personal data of these kinds out of whatever leaves us of it."""

    group: str
    redact: frozenset[str] = frozenset()


Relation: TypeAlias = Literal["problem", "duplicate", "parent"]


class Link(Struct, frozen=True):
    """Joins the ticket to another: the problem, the original of a duplicate, or the parent that the alike ones have."""

    to: Relation
    create_missing: bool = False
    create: Mapping[str, "str | Template"] = field(default_factory=dict)


class Stop(Struct, frozen=True):
    scope: Literal["ruleset", "ticket"]


Verb: TypeAlias = Assign | Set | RaisePriority | Tag | Say | Tell | CallOut | Approval | Post | Sync | Link | Restrict | Stop


class Step(Struct, frozen=True):
    verb: Verb
    name: str  # as the administrator writes it: assign, reply ...
    place: Place


class StageSpec(Struct, frozen=True):
    """A rung: `at` for an SLA ladder, `after` for a waiting one."""

    name: str  # at 75% | at breach + 30m | after 3d
    steps: tuple[Step, ...]
    place: Place
    at: Moment | None = None
    after: Span | None = None
    repeat_every: timedelta | None = None
    repeat_times: int = 0
    deliver: Literal["now", "business_hours"] = "now"  # when messages to people go out


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """At most `times` in every sliding `per`; without `per`, ever."""

    times: int
    per: timedelta | None = None
    written: str = dataclasses.field(default="", compare=False)  # 1 per 12h


class Limits(Struct, frozen=True):
    per_ticket: Rate | None = None
    per_requester: Rate | None = None
    total: Rate | None = None
    when_reached: Literal["skip", "pause_rule"] = "skip"

    @property
    def pauses(self) -> bool:
        """Whether the rule acts no more once a limit is reached, until a person resumes it."""
        return self.when_reached == "pause_rule"


Mode: TypeAlias = Literal["live", "shadow", "disabled"]


class Rule(Struct, frozen=True, kw_only=True):
    """One rule. Either `steps`, or `stages` of a ladder; `mode` already has the upper bound of its set."""

    id: str
    place: Place
    triggers: tuple[Trigger, ...]
    condition: Condition = ALWAYS
    steps: tuple[Step, ...] = ()
    stages: tuple[StageSpec, ...] = ()
    name: str | None = None
    description: str | None = None
    owner: str | None = None
    mode: Mode = "live"
    limits: Limits = Limits()
    catch_up: Literal["latest", "all", "skip"] = "latest"
    react_to_own_changes: bool = False


class RuleSet(Struct, frozen=True, kw_only=True):
    """The rules of one file, in order."""

    id: str
    file: str
    order: int
    rules: tuple[Rule, ...]
    pick: Literal["first", "all"] = "all"
    title: str | None = None
    connections: frozenset[str] = frozenset()  # empty: all


# --- definitions -----------------------------------------------------------------------------------------------------


class TableRow(Struct, frozen=True, kw_only=True):
    cells: Mapping[str, str]  # as written
    line: int


class LookupTable(Struct, frozen=True, kw_only=True):
    """Rows by keys; `*` matches anything, a blank cell only an empty field. The most specific row wins, then the first."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    place: Place = NOWHERE


class CustomField(Struct, frozen=True, kw_only=True):
    name: str
    type: FieldType
    values: tuple[str, ...] = ()
    remote: Mapping[str, str] = field(default_factory=dict)  # connection: the vendor's name of the field
    place: Place = NOWHERE


class Desk(Struct, frozen=True, kw_only=True):
    """What the rules may name out of `ticketgate.yaml`, handed to the reader as a value.

    `reads`, `writes`, `replies`, `notes` and `creates` say what each connection's connector can do (TG412).
    """

    connections: Mapping[str, str] = field(default_factory=dict)  # name: system
    channels: frozenset[str] = frozenset()
    groups: Mapping[str, str] = field(default_factory=dict)  # group: its lead's e-mail address
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # group: those whom `strategy` chooses among
    on_call: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()
    default_language: str = "en"
    default_calendar: str | None = None
    counted: frozenset[str] = frozenset()  # fields of this desk that reports read
    pii: frozenset[str] = COUNTRIES  # whose national ids `contains_pii` knows
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    writes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    replies: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()
    creates: frozenset[str] = frozenset()
    attaches: Mapping[str, frozenset[str]] = field(
        default_factory=dict
    )  # connection: of `public` and `internal`, how files can be attached
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)  # connection: relations for which it has a link of its own


class Bundle(Struct, frozen=True, kw_only=True):
    """All rules and definitions in force. `hash` names their content: files and desk together, 64 hex digits."""

    hash: str
    rulesets: tuple[RuleSet, ...] = ()  # in the order in which they run
    policies: tuple["Policy", ...] = ()
    calendars: Mapping[str, "Calendar"] = field(default_factory=dict)
    tables: Mapping[str, LookupTable] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, "Template"]] = field(default_factory=dict)  # name: language: template
    fields: Mapping[str, CustomField] = field(default_factory=dict)
    desk: Desk = Desk()

    @property
    def short(self) -> str:
        return self.hash[:7]

    @property
    def clocks(self) -> tuple[str, ...]:
        """Every metric that a policy promises, those of the desk's own among them."""
        return tuple(dict.fromkeys(name for policy in self.policies for name in policy.clocks))

    def rule(self, id: str) -> Rule | None:
        return next((r for s in self.rulesets for r in s.rules if r.id == id), None)
