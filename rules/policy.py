"""What a desk promises: SLA policies, their clocks and targets, as frozen values."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, TypeAlias

from msgspec import Struct, field

from rules.bundle import ALWAYS, NOWHERE, Condition, On, Place, Span

Counted: TypeAlias = Literal["business", "calendar"]
OnReopen: TypeAlias = Literal["resume", "restart", "new_instance", "ignore"]
OnTargetChange: TypeAlias = Literal["carry", "restart", "new_instance"]


class Mark(Struct, frozen=True):
    """`{ when?, if? }`: an event at which the condition holds; without events, the moment from which the condition holds."""

    on: tuple[On, ...] = ()
    holds: "Condition | None" = None


class Target(Struct, frozen=True):
    """One line of `targets`. `within` None: there is no promise to such tickets.

    In business days, `by` (minutes after midnight) or the end of that day may be the hour; else the time of day is kept.
    """

    within: Span | None
    condition: Condition = ALWAYS
    hours: Counted = "business"
    by: int | None = None
    end_of_day: bool = False

    @property
    def written(self) -> str:
        """As a person reads it: 4h; 1 business days by 16:00."""
        amount = self.within.written if self.within else "none"
        hour = f" by {self.by // 60:02}:{self.by % 60:02}" if self.by is not None else " by the end of the day" if self.end_of_day else ""
        return f"{amount}{hour}"


class FromTable(Struct, frozen=True):
    """`{ table, match, column }`: the calendar that a table names for a ticket."""

    table: str
    match: tuple[str, ...]
    column: str


class FromField(Struct, frozen=True):
    """A field of the ticket that names its calendar."""

    field: str


Selector: TypeAlias = FromTable | FromField | str


class Switches(Struct, frozen=True, kw_only=True):
    """How a clock behaves where the vendors differ; each may stand in `sla_defaults`, a policy or a clock, the nearest wins."""

    deadline_boundary: Literal["close", "next_open"] = "close"
    calendar_change: Literal["from_change", "retroactive"] = "from_change"
    breach_memory: Literal["sticky", "recompute"] = "sticky"
    counts_as_reply: "Condition | None" = None  # None: a public word of an agent
    on_target_change: OnTargetChange = "carry"
    carry_pauses: bool = True
    on_reopen: OnReopen = "resume"
    reopen_window: timedelta | None = None
    on_merge: Literal["cancel", "earliest_start"] = "cancel"
    on_split: Literal["fresh", "inherit"] = "fresh"
    on_unmatch: Literal["cancel", "keep"] = "cancel"
    agent_initiated: Literal["skip", "normal"] = "skip"
    max_backdate: timedelta | None = None
    clock_start: Literal["created", "next_open"] = "created"


class ClockSpec(Struct, frozen=True, kw_only=True):
    """One clock of a policy. It runs from `start` to `stop` or `cancel`, while `run_while` holds and `pause` does not.

    `resume`: once paused, it stays so until this holds. `reset` ends it and starts it anew. `retroactive` names the field that
    holds its true start.
    """

    name: str
    start: tuple[Mark, ...]
    stop: tuple[Mark, ...] = ()
    reset: tuple[Mark, ...] = ()
    cancel: tuple[Mark, ...] = ()
    run_while: "Condition | None" = None
    pause: "Condition | None" = None
    resume: "Condition | None" = None
    repeat: Literal["none", "independent", "sequential"] = "none"
    retroactive: str | None = None
    targets: tuple[Target, ...] = ()
    kind: Literal["sla", "ola", "underpinning"] = "sla"
    switches: Switches = Switches()
    place: Place = NOWHERE


class Policy(Struct, frozen=True, kw_only=True):
    """An SLA policy. Of those that say `match: first` the first that applies is taken, and every one besides that says `all`."""

    name: str
    applies_to: Condition = ALWAYS
    match: Literal["first", "all"] = "first"
    calendar: str | None = None
    calendar_from: tuple[Selector, ...] = ()
    clocks: Mapping[str, ClockSpec] = field(default_factory=dict)
    place: Place = NOWHERE
