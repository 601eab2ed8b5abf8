"""A page of issues decoded to the very keys that we read: avatars, icons and addresses, most of what Jira sends, are stepped over.

What is left are plain records, read like any other. A page of any other shape is decoded to whatever it holds.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Required, TypedDict

import msgspec
import orjson

from connectors.jira.dialect import People


class Named(TypedDict, total=False):
    """A type, a priority or a resolution."""

    name: Any


class Category(TypedDict, total=False):
    """What a status comes to."""

    key: Any


class Status(TypedDict, total=False):
    """Where an issue stands."""

    name: Any
    statusCategory: Category | None


WHOLE = ("summary", "description", "labels", "created", "updated", "duedate")
PARTS: Mapping[str, Any] = {
    "issuetype": Named | None,
    "status": Status | None,
    "resolution": Named | None,
    "priority": Named | None,
}
PERSONS = ("reporter", "assignee")


def page_decoder(own: Iterable[str], people: People) -> Callable[[bytes], Any]:
    """From an answer's bytes to a page whose issues hold what the table reads, and the site's `own` fields as they are.

    It raises `ValueError` for what is no JSON.
    """
    made: Any = TypedDict  # of names that are known when a site has told its fields
    user = made("User", {**dict.fromkeys(people.keys, Any), people.lasting: Required[Any]}, total=False)  # what is none is read as it came
    persons = dict.fromkeys(PERSONS, user | None)
    fields = made("Fields", {**PARTS, **persons, **dict.fromkeys((*WHOLE, *own), Any)}, total=False)
    issue: Any = made("Issue", {"id": Any, "key": Any, "fields": fields}, total=False)
    page = made("Page", {"issues": list[issue], "nextPageToken": Any, "isLast": Any, "total": Any}, total=False)
    read = msgspec.json.Decoder(page).decode

    def decoded(content: bytes) -> Any:
        try:
            return read(content)
        except ValueError:
            return orjson.loads(content)

    return decoded
