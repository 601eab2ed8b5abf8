"""Jira Service Management's own interface, on either deployment: addresses, lists by pages, and what is not ours to read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from connectors.errors import NotFound, Rejected, Unauthorized, Unreadable
from connectors.jira.paths import part
from connectors.mapping import Record

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession

API = "{server}/rest/servicedeskapi/{path}"
A_PAGE = 50
NOT_OURS = (NotFound, Rejected, Unauthorized)  # of this interface alone: a token may be good for the rest of the site only


def request(key: str, *rest: str) -> str:
    """The path of a request or of something under it; a key can never climb out of its place."""
    return "/".join(("request", *map(part, (key, *rest))))


def rows(session: "JiraSession", what: str, path: str, **params: str) -> Iterator[Record]:
    """What stands on all pages of a list."""
    start, last = 0, False
    while not last:
        page = session.ask(what, "GET", path, {**params, "start": start, "limit": A_PAGE}, base=API)
        if not isinstance(page, dict) or not isinstance(page.get("values"), list):
            raise Unreadable(session.connection, f"{what}: the answer is no page of a list")
        yield from page["values"]
        start, last = start + len(page["values"]), page.get("isLastPage") is not False or not page["values"]
