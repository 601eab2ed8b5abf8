"""What a system says of itself when it is asked: its fields, what our user may do there, its own clock, and how much may be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeAlias

from connectors.allowance import Allowance, allowance_of

Kind: TypeAlias = Literal["text", "choice", "set", "number", "time", "boolean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTrigger:
    """An automation of the system's own in the words of our rules: its events, its condition, and its steps, as a rule file has them.

    `left` names what our rules have no words for. Of a trigger whose condition is among that nothing is translated.
    """

    title: str
    when: tuple[str, ...] = ()
    condition: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()
    left: tuple[str, ...] = ()

    @property
    def acts(self) -> bool:
        return bool(self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteField:
    """A field of the system's tickets. `id` is what `from:` of a field's definition names, `own` that the installation added it.

    `type` is ours, None for one that holds nothing we could compare; `kind` is the system's own word for it. `values` are all that a
    choice takes. `required`: nobody makes a ticket there without it.
    """

    id: str
    label: str
    kind: str
    type: Kind | None
    values: tuple[str, ...] = ()
    own: bool = False
    required: bool = False
    writable: bool = True
    named_by: str | None = None  # of a field that refers to another record: what `from:` names to read and write it by that one's name


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that our user may do there or not, as the system calls it, and the uses that need it.

    Uses are `read`, `comments`, `history`, `files` (to be handed out), `attach`, `reply`, `note`, `create`, and `set FIELD` for a field of
    ours; `set` means any of them.
    """

    name: str
    granted: bool
    needed_for: frozenset[str]

    def serves(self, use: str) -> bool:
        return use in self.needed_for or (use.startswith("set ") and "set" in self.needed_for)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the last answer said besides: the system's own moment, and how much of its limit is left, where it tells."""

    at: datetime | None = None
    allowance: Allowance | None = None


def pulse_of(headers: Mapping[str, str]) -> Pulse:
    return Pulse(_moment(headers.get("date")), allowance_of(headers))


def _moment(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC) if date else None
    except ValueError:
        return None
