"""What the sandbox answers around its records: faults, the headers of a page, values as text."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.sandbox import Answer, Request
from connectors.servicenow.sandbox_tables import KINDS

MESSAGES = {
    400: ("Bad Request", "The request could not be read"),
    401: ("User Not Authenticated", "Required to provide Auth information"),
    403: ("Insufficient rights", "Security constraints prevent access to the requested resource"),
    404: ("No Record found", "Record doesn't exist or ACL restricts the record retrieval"),
    405: ("Method not allowed", "The method is not supported for this resource"),
    429: ("Rate limit exceeded", "Rejected by rate limit rule 'Integration users'"),
}


def kept(name: str, text: str) -> str:
    """A field of days keeps the day of a moment."""
    return text[: len("2026-03-02")] if KINDS.get(name) == "glide_date" else text


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def fault(status: int, message: str = "", detail: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    usual = MESSAGES.get(status, MESSAGES[400])
    error = {"message": message or usual[0], "detail": detail or usual[1]}
    return Answer(status=status, body={"error": error, "status": "failure"}, headers=headers or {})


def paging(url: str, request: Request, limit: int, offset: int, total: int) -> dict[str, str]:
    """`X-Total-Count`, and links to the pages around this one."""
    headers = {"x-total-count": str(total)}
    if request.query.get("sysparm_suppress_pagination_header") == "true":
        return headers
    last = max(total - 1, 0) // limit * limit
    places = {"first": 0, "next": offset + limit, "prev": offset - limit, "last": last}
    links = [f'<{_page(url, request, at)}>;rel="{rel}"' for rel, at in places.items() if 0 <= at <= last]
    return {**headers, "link": ",".join(links)}


def _page(url: str, request: Request, offset: int) -> str:
    query = {**request.query, "sysparm_offset": str(offset)}
    return f"{url}{request.path}?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in query.items())
