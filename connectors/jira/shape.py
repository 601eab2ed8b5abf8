"""A page of issues decoded in C to the very fields that we read: avatars, icons and addresses, most of what Jira sends, are stepped over.

A page of any other shape is decoded to whatever it holds, and its issues are read one at a time.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import orjson
from msgspec import Struct, defstruct

from connectors.jira.adf import Part
from connectors.jira.dialect import People
from connectors.mapping import Field, Kept
from rules.ticket import replace

TEXT = str | None
NAMED = {"type": "issuetype", "priority": "priority", "resolution": "resolution"}
"""Our fields whose value is the name of something."""


class Named(Struct, gc=False, omit_defaults=True):
    """A type, a priority or a resolution."""

    name: str


class Category(Struct, gc=False, omit_defaults=True):
    """What a status comes to."""

    key: TEXT = None


class Stand(Struct, gc=False, omit_defaults=True):
    """The status of an issue."""

    name: TEXT = None
    statusCategory: Category | None = None  # noqa: N815 - Jira's own key

    @property
    def word(self) -> tuple[TEXT, TEXT]:
        """Its name, and the key of its category."""
        return self.name, None if self.statusCategory is None else self.statusCategory.key


class Shape:
    """The fields of an issue that are read, those of this site (`own`, by their ids) among them, as one class.

    `own` may be names of any kind until the site has told its ids.
    """

    def __init__(self, own: Iterable[str], people: People) -> None:
        standing, names = _standing(people), list(dict.fromkeys(own))
        self._whole = not {name for name, *_ in standing}.isdisjoint(names)  # one of them is read as a field of the site's too
        its_own: dict[str, str] = {} if self._whole else {f"own{n}": name for n, name in enumerate(names)}
        optional: list[Any] = [(name, Any, None) for name in its_own]
        fields = defstruct("Fields", [*standing, *optional], rename=its_own, kw_only=True, gc=False, omit_defaults=True)
        issue: Any = defstruct("Issue", [("id", str), ("key", str), ("fields", fields)], gc=False)
        place: list[Any] = [(name, Any, None) for name in ("nextPageToken", "isLast", "total")]
        page: Any = defstruct("Page", [("issues", list[issue]), *place])
        self._issue, self._page = issue, msgspec.json.Decoder(page).decode

    def is_it(self, issue: object) -> bool:
        return issue.__class__ is self._issue

    def decoded(self, content: bytes) -> Any:
        """A page of a search. Raises `ValueError` for what is no JSON."""
        if self._whole:
            return orjson.loads(content)
        try:
            page = self._page(content)
        except (ValueError, RecursionError):
            return orjson.loads(content)
        return {name: getattr(page, name) for name in page.__struct_fields__}


def _standing(people: People) -> list[Any]:
    """What is read of every issue."""
    keys: list[Any] = [(key, str) if key == people.lasting else (key, TEXT, None) for key in people.keys]
    user: Any = defstruct("User", keys, kw_only=True, gc=False, omit_defaults=True)
    needed = [("summary", str), ("status", Stand), ("created", str), ("updated", str)]
    named = [(name, Named | None, None) for name in ("issuetype", "resolution", "priority")]
    persons = [(name, user | None, None) for name in ("reporter", "assignee")]
    return [
        *needed,
        ("description", Part | TEXT, None),
        *named,
        *persons,
        ("labels", tuple[str, ...] | None, None),
        ("duedate", TEXT, None),
    ]


def of_shape(row: Field) -> Field:
    """The row as it reads from the fields of an issue of this shape."""
    if row.name in NAMED and callable(row.reads):
        return replace(row, reads=f"{NAMED[row.name]}.name")
    return replace(row, convert=Kept(row.convert).__getitem__) if row.reads == "labels" and row.convert else row


def plain(issue: Any) -> Any:
    """The issue as any other answer holds it."""
    return msgspec.to_builtins(issue) if isinstance(issue, Struct) else issue


def known(issue: Any) -> tuple[str, str]:
    """An issue of any shape as it was given: its id and the stamp that tells its version; what is none, and nothing."""
    if isinstance(issue, Struct):
        return issue.id, issue.fields.updated  # type: ignore[attr-defined]  # of a class made by `Shape`
    fields = issue.get("fields") if isinstance(issue, dict) else None
    return (str(issue.get("id")), str(fields.get("updated"))) if isinstance(fields, dict) else (repr(issue), "")
