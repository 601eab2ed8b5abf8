"""Jira's limits as a switch: requests of one method in a second, and writes to one issue in two; breaches are recorded."""

import re
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from connectors.sandbox import Answer, Request

SHOWN = 100  # what the headers name where no limit is switched on
ON_ONE_ISSUE = re.compile(r"/rest/api/3/issue/([^/]+)(/.*)?")


class Limits:
    """None switches a limit off. `breaches` are the moments at which somebody asked in spite of a 429."""

    def __init__(self, burst: int | None, per_issue: int | None) -> None:
        self._burst, self._per_issue = burst, per_issue
        self._used: dict[str, deque[datetime]] = defaultdict(deque)
        self._closed_until: datetime | None = None
        self.breaches: list[datetime] = []

    def headers(self) -> Mapping[str, str]:
        limit = self._burst or SHOWN
        left = limit - max((len(used) for name, used in self._used.items() if "/" not in name), default=0)
        near = {"X-RateLimit-NearLimit": "true"} if left < limit / 5 else {}
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(left, 0)), **near}

    def refused(self, request: Request, now: datetime) -> Answer | None:
        """The 429 for a request too many; else it is counted."""
        if self._closed_until is not None and now < self._closed_until:
            self.breaches.append(now)
        if self._burst is not None and self._over(request.method, self._burst, timedelta(seconds=1), now):
            return self._closed("jira-burst-based", timedelta(seconds=1), now)
        hit = ON_ONE_ISSUE.fullmatch(request.path) if self._per_issue is not None and request.method != "GET" else None
        if hit is not None and self._over(f"/{hit[1]}", self._per_issue or 0, timedelta(seconds=2), now):
            return self._closed("jira-per-issue-on-write", timedelta(seconds=2), now)
        return None

    def _over(self, name: str, most: int, within: timedelta, now: datetime) -> bool:
        used = self._used[name]
        while used and used[0] <= now - within:
            used.popleft()
        if len(used) >= most:
            return True
        used.append(now)
        return False

    def _closed(self, reason: str, wait: timedelta, now: datetime) -> Answer:
        self._closed_until = now + wait
        headers = {
            "Retry-After": str(int(wait.total_seconds())),
            "RateLimit-Reason": reason,
            "X-RateLimit-Limit": str(self._burst or self._per_issue),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": (now + wait).isoformat(timespec="seconds"),
        }
        return Answer(status=429, body={"errorMessages": ["Rate limit exceeded."], "errors": {}}, headers=headers)
