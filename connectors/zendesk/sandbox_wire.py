"""What the Zendesk sandbox's answers are wrapped in: refusals, limits, pages, and the place of an export."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from connectors.sandbox import Answer, Request


class Refusal(Exception):
    """Said with a status other than 2xx."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        super().__init__(f"{status}")
        self.answer = Answer(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def refusal(status: int, error: str, description: str, **more: Any) -> Refusal:
    return Refusal(status, {"error": error, "description": description, **more})


def invalid(field_name: str, description: str, error: str = "InvalidValue") -> Refusal:
    """422 as Zendesk says it of one field."""
    details = {field_name: [{"description": description, "error": error}]}
    return refusal(422, "RecordInvalid", "Record validation errors", details=details)


NOT_FOUND = ("RecordNotFound", "Not found")
NOT_SIGNED_IN = {"error": "Couldn't authenticate you"}
EXPIRED = {
    "error": "invalid_token",
    "error_description": "The access token provided is expired, revoked, malformed or invalid for other reasons.",
}
STALE = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again."


@dataclass
class Window:
    """So many requests in so many seconds, counted from the first one."""

    limit: int
    seconds: int
    begun: datetime | None = None
    used: int = 0

    def take(self, now: datetime) -> None:
        """Counts one. Raises a 429 with the seconds to wait when the window is full."""
        if self.begun is None or (now - self.begun).total_seconds() >= self.seconds:
            self.begun, self.used = now, 0
        if self.used >= self.limit:
            body = {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}
            raise Refusal(429, body, retry_after=str(self.left(now)))
        self.used += 1

    def left(self, now: datetime) -> int:
        """Whole seconds until it opens anew."""
        return max(1, ceil(self.seconds - (now - self.begun).total_seconds())) if self.begun else self.seconds

    def headers(self, now: datetime) -> dict[str, str]:
        limit, remaining = str(self.limit), str(max(0, self.limit - self.used))
        said = {"x-rate-limit": limit, "x-rate-limit-remaining": remaining, "ratelimit-limit": limit, "ratelimit-remaining": remaining}
        return {**said, "ratelimit-reset": str(self.left(now))}


@dataclass
class Windows:
    """One window for each name, made when first needed."""

    limit: int
    seconds: int
    held: dict[str, Window] = field(default_factory=dict)

    def take(self, name: str, now: datetime) -> None:
        self.held.setdefault(name, Window(self.limit, self.seconds)).take(now)


def listed(request: Request, url: str, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list: by cursor when `page[size]` is asked for, else by number."""
    if "page[size]" not in request.query and "page[after]" not in request.query:
        return _numbered(request, url, name, records)
    size = min(100, max(1, _whole(request.query.get("page[size]", "100"))))
    at = _place(request.query.get("page[after]"))
    more = at + size < len(records)
    after = coded(str(at + size)) if records else None
    links = {"prev": None, "next": f"{url}?page%5Bafter%5D={after}&page%5Bsize%5D={size}" if more else None}
    meta = {"has_more": more, "after_cursor": after, "before_cursor": coded(str(at)) if records else None}
    return {name: records[at : at + size], "meta": meta, "links": links}


def _numbered(request: Request, url: str, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    size, page = min(100, max(1, _whole(request.query.get("per_page", "100")))), max(1, _whole(request.query.get("page", "1")))
    shown = records[(page - 1) * size : page * size]
    following = f"{url}?page={page + 1}&per_page={size}" if page * size < len(records) else None
    before = f"{url}?page={page - 1}&per_page={size}" if page > 1 else None
    return {name: shown, "next_page": following, "previous_page": before, "count": len(records)}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise refusal(400, "InvalidPaginationParameter", f"'{text}' is not a number") from None


def _place(cursor: str | None) -> int:
    return _whole(decoded(cursor, "InvalidPaginationParameter")) if cursor else 0


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decoded(cursor: str, error: str = "InvalidCursor") -> str:
    try:
        return base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise refusal(400, error, "the cursor is not valid") from None


def place_of(query: Mapping[str, str], withheld_from: int) -> tuple[int, int]:
    """After which (generated_timestamp, ticket) an export goes on. A start must be older than the last minute."""
    if "cursor" in query:
        stamp, _, rest = decoded(query["cursor"]).partition("||")
        return int(_number(stamp)), int(_number(rest.rstrip("|")))
    if "start_time" not in query:
        raise refusal(400, "InvalidValue", "start_time or cursor is required")
    start = int(_number(query["start_time"]))
    if start > withheld_from:
        raise refusal(422, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
    return start, 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise refusal(400, "InvalidCursor", "the cursor is not valid") from None
