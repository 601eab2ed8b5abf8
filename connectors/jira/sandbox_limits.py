"""Jira's limits as a switch: requests of one method in a second, and writes to one issue in two; breaches are recorded.

Data Center has neither, but a bucket of requests for each user, which an administrator fills anew at an interval.
"""

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


INTERVAL = timedelta(seconds=60)


class Bucket(Limits):
    """Data Center's: so many requests, and as many anew at each interval. Every answer tells how it stands.

    Source: Atlassian's "Adjusting your code for rate limiting" of Jira Data Center.
    """

    def __init__(self, most: int | None) -> None:
        super().__init__(most, None)
        self._most, self._asked = most, 0
        self._began: datetime | None = None

    def headers(self) -> Mapping[str, str]:
        most = self._most or SHOWN
        told = {
            "Limit": most,
            "Remaining": max(most - self._asked, 0),
            "Interval-Seconds": INTERVAL // timedelta(seconds=1),
            "FillRate": most,
        }
        return {**{f"X-RateLimit-{name}": str(value) for name, value in told.items()}, "Retry-After": "0"}

    def refused(self, request: Request, now: datetime) -> Answer | None:
        if self._most is None:
            return None
        if self._began is None or now >= self._began + INTERVAL:
            self._began, self._asked = now, 0
        if self._asked < self._most:
            self._asked += 1
            return None
        if self._closed_until is not None and now < self._closed_until:
            self.breaches.append(now)
        self._closed_until = self._began + INTERVAL
        wait = str(max(int((self._closed_until - now).total_seconds()), 1))
        return Answer(status=429, body={"message": "Rate limit exceeded."}, headers={**self.headers(), "Retry-After": wait})
