"""A rule test as a value: what is given, what happens step by step, and what is expected of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct, field

from rules.asking import Outcome as Answered
from rules.bundle import Condition, On, Place
from rules.ticket import Value

Fields: TypeAlias = Mapping[str, Value]
"""Ticket fields by their dotted names, as written; None is unset."""

LISTS = ("fired", "not_fired", "replies", "notes", "notified", "paged", "synced", "linked", "approvals", "webhooks")
"""What may be expected as a list of names."""


class Happening(Struct, frozen=True):
    """An event of a test: the trigger that it is the least of; `rule` for a manual one, `outcome` and `by` for an answer."""

    on: On
    rule: str | None = None
    outcome: Answered | None = None
    by: str | None = None


class Expectation(Struct, frozen=True, kw_only=True):
    """What must have happened since the step before. A list is None where nothing is asked, empty for `none`."""

    place: Place
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ticket: "Condition | None" = None
    exactly: bool = False


class TrialStep(Struct, frozen=True, kw_only=True):
    """One look, `at` after the test's `now`: what a person changed, what happened, and what is expected then."""

    at: timedelta
    place: Place
    event: Happening | None = None
    fields: Fields = field(default_factory=dict)
    expect: Expectation | None = None


class Earlier(Struct, frozen=True, kw_only=True):
    """An earlier state: the fields that changed `at` that moment."""

    at: datetime
    fields: Fields


class Trial(Struct, frozen=True, kw_only=True):
    """One test case. `rules` restricts it to those; empty: all."""

    name: str
    place: Place
    now: datetime
    steps: tuple[TrialStep, ...]
    fields: Fields = field(default_factory=dict)
    history: tuple[Earlier, ...] = ()
    others: tuple[Fields, ...] = ()
    rules: frozenset[str] = frozenset()
    suite: str | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a test. `message` says what was expected and what happened instead; `fired` is for coverage."""

    name: str
    file: str
    line: int
    passed: bool
    message: str = ""
    error: bool = False  # it could not be run to its end
    fired: frozenset[str] = frozenset()
    suite: str | None = None
