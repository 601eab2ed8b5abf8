"""A condition as a tree of frozen values: tests of fields, groups of them, and what asks something else than the ticket."""

from datetime import timedelta
from typing import Any, Literal, TypeAlias

from msgspec import Struct

FieldType: TypeAlias = Literal["text", "choice", "ordered_choice", "reference", "set", "number", "time", "boolean"]


class Place(Struct, frozen=True):
    """Where something was written: file relative to the desk, line and column from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


class Test(Struct, frozen=True):
    """One field held against one operator. `value` is ready to compare: text folded, durations as timedelta, patterns compiled.

    The short forms are already spelled out: `product: billing` is `is`, a list is `one_of`; on a set they are `contains` and
    `contains_any`. `written` is what a person wrote, for explanations.
    """

    field: str
    operator: str
    value: Any
    type: FieldType
    written: str = ""
    place: Place = NOWHERE


class All(Struct, frozen=True):
    parts: tuple["Condition", ...]


class AnyOf(Struct, frozen=True):
    parts: tuple["Condition", ...]


class NoneOf(Struct, frozen=True):
    parts: tuple["Condition", ...]


class Named(Struct, frozen=True):
    """`use: name`, with what the name stands for."""

    name: str
    part: "Condition"


class CalendarIs(Struct, frozen=True):
    calendar: str
    state: Literal["open", "closed", "holiday"]
    place: Place = NOWHERE


class Similar(Struct, frozen=True):
    """Enough known tickets, this one among them, have the same values in these fields and were made within that time of each other."""

    same: tuple[str, ...]
    within: timedelta
    at_least: int
    among: "Condition | None" = None
    written: str = ""
    place: Place = NOWHERE

    @property
    def name(self) -> str:
        """Under which its answer stands among the facts of an observation."""
        return f"similar {self.written}"

    @property
    def kept_as(self) -> str:
        """What of a ticket is compared, whatever the time: under this name the store keeps it."""
        among = self.written.partition(" among ")[2]
        return ", ".join(self.same) + (f" among {among}" if among else "")


Condition: TypeAlias = Test | All | AnyOf | NoneOf | Named | CalendarIs | Similar
ALWAYS = All(())
