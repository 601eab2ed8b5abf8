"""The vendor's door: what was read of a record becomes ours where every value is of its field's type, and else a `ValueError`.

msgspec checks here, and not pydantic as at the other doors: our nouns are its structs, and it does the same in a tenth of the time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_type_hints

import msgspec

from rules.ticket import Comment, Ticket

VALUES = (str, int, float, datetime, frozenset, type(None))
"""What a field of an installation's own may hold: `rules.ticket.Value`, which is too wide a choice for msgspec to tell apart."""


def _checked_fields() -> list[tuple[str, Any, Any]]:
    hints = {**get_type_hints(Ticket), "custom": dict[str, Any]}
    return [(f.name, hints[f.name], _default(f)) for f in msgspec.structs.fields(Ticket)]


def _default(f: msgspec.structs.FieldInfo) -> Any:
    return f.default if f.default_factory is msgspec.NODEFAULT else msgspec.field(default_factory=f.default_factory)


def checked(names: Iterable[str]) -> Any:
    """A struct of these fields of a ticket, in their order; only those are told apart whose types can be."""
    return msgspec.defstruct("Ticket", [one for one in _checked_fields() if one[0] in names], gc=False)


Checked: Any = checked(Ticket.__struct_fields__)
"""All of them."""


def ticket(values: Mapping[str, Any]) -> Ticket:
    """Raises `ValueError` naming the field, never its text."""
    found = _converted(values, Checked)
    for name, value in found.custom.items():
        if not isinstance(value, VALUES):
            raise ValueError(f"custom.{name}: {type(value).__name__} is nothing that a field holds")
    return Ticket(*msgspec.structs.astuple(found))


def comment(values: Mapping[str, Any]) -> Comment:
    """As `ticket`."""
    found: Comment = _converted(values, Comment)
    return found


def _converted(values: Mapping[str, Any], kind: Any) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$.")
        raise ValueError(f"{place.rstrip('`')}: {_without_text(said)}" if place else _without_text(said)) from None


def _without_text(said: str) -> str:
    """msgspec repeats the word that an enumeration does not have."""
    return said if not said.startswith("Invalid enum value") else "Invalid enum value"
