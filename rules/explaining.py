"""Why a rule did or did not act, as plain values; how they are shown is the command line's business."""

from typing import Literal, TypeAlias

from msgspec import Struct

from rules.bundle import Mode, Place
from rules.conditions import Result
from rules.plan import Action, FieldChange, Plan

What: TypeAlias = Literal[
    "fired",
    "shadow",
    "limited",
    "failed",
    "condition",
    "no_event",
    "no_stage",
    "passed_over",
    "disabled",
    "paused",
    "other_connection",
    "not_looked_at",
]
"""What came of a rule: `condition` did not hold; `no_event` that it names happened, `no_stage` fell due; `passed_over` by catch_up or
at adoption; `paused` by its limit or by a person; `not_looked_at` because the set had picked its first match, or a `stop` ended it."""


class Considered(Struct, frozen=True, kw_only=True, gc=False):
    """One rule in one pass: what came of it, which test decided, and what it asked for."""

    rule: str
    place: Place
    what: What
    mode: Mode
    name: str | None = None
    occasion: str | None = None
    stage: str | None = None
    condition: Result | None = None
    changes: tuple[FieldChange, ...] = ()  # what it asked for on this ticket, net of nothing: each as this rule wanted it
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""  # of a failure, a limit, a passed-over stage


class ConsideredSet(Struct, frozen=True, kw_only=True):
    """A rule set with its rules in order."""

    id: str
    file: str
    pick: str
    title: str | None
    rules: tuple[Considered, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """A pass with its trace: every rule that was considered, and the plan that came of it."""

    plan: Plan
    sets: tuple[ConsideredSet, ...]
    policy: str | None = None  # the SLA policy that applies

    def count(self, *whats: What) -> int:
        return sum(rule.what in whats for ruleset in self.sets for rule in ruleset.rules)
