"""What a sandbox can be told to be, besides failing now and then: its clock wrong, its limits low, its caller's rights few."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from connectors.sandbox import Answer, Clock, Request, Sandbox
from connectors.transport import is_write

GRAINS = {"second": 1, "minute": 60}
TOKENS = ("/oauth/tokens", "/oauth/token", "/oauth_token.do", "/services/oauth2/token")


class Shifted:
    """The clock of a sandbox: `offset` ahead of (or behind) the given one, and no finer than `grain`."""

    def __init__(self, clock: Clock) -> None:
        self.inner = clock
        self.offset = timedelta(0)
        self.grain: Literal["second", "minute"] | None = None

    def __call__(self) -> datetime:
        now = self.inner() + self.offset
        if self.grain is None:
            return now
        return now - timedelta(seconds=now.timestamp() % GRAINS[self.grain])


@dataclass
class RateLimit:
    """At most `most` requests in `per` seconds of the sandbox's clock; whoever asks for more is told to wait `wait` seconds."""

    most: int
    per: float = 60.0
    wait: float = 30.0
    taken: deque[datetime] = field(default_factory=deque)
    until: datetime | None = None

    def refuses(self, now: datetime) -> float | None:
        """Seconds that are left to wait, where this request is too many."""
        if self.until is not None and now < self.until:
            return (self.until - now).total_seconds()
        while self.taken and now - self.taken[0] >= timedelta(seconds=self.per):
            self.taken.popleft()
        if len(self.taken) < self.most:
            self.taken.append(now)
            return None
        self.until = now + timedelta(seconds=self.wait)
        return self.wait


@dataclass
class Switches:
    """How a sandbox behaves until it is told otherwise. `breaches` are requests that came although their sender had been told to wait."""

    limit: RateLimit | None = None
    scopes: frozenset[str] | None = None  # of `read` and `write`; None: all
    void: set[str] = field(default_factory=set)  # what stood in `authorization` and holds no more
    breaches: list[str] = field(default_factory=list)

    def answer(self, sandbox: Sandbox, request: Request) -> Answer | None:
        """What is answered instead of what the sandbox would; None where nothing of this concerns the request."""
        limited = self._limited(sandbox, request)
        if limited is not None:
            return limited
        if request.headers.get("authorization") in self.void:
            return sandbox.answer(unsigned(request))
        if self.scopes is not None and not request.path.endswith(TOKENS):
            needed = "write" if is_write(request.method, request.path) else "read"
            return None if needed in self.scopes else sandbox.forbidden(f"the scope '{needed}' was not granted")
        return None

    def _limited(self, sandbox: Sandbox, request: Request) -> Answer | None:
        if self.limit is None:
            return None
        told, now = self.limit.until, sandbox.clock()
        wait = self.limit.refuses(now)
        if wait is None:
            return None
        if told is not None and now < told:
            self.breaches.append(f"{request.method} {request.path}, {wait:g} s too early")
        return Answer(status=429, body={"error": "too many requests"}, headers={"retry-after": f"{wait:g}"})

    def set(self, sandbox: Sandbox, said: dict[str, Any]) -> dict[str, Any]:
        """As `POST /_sandbox/switches` names them. Raises `ValueError` for one that is not there, and for a clock that cannot be set."""
        strange = said.keys() - {"clock_offset", "truncate_timestamps", "rate_limit", "scopes"}
        if strange:
            raise ValueError(f"there is no switch {', '.join(sorted(strange))}")
        if said.keys() & {"clock_offset", "truncate_timestamps"}:
            self._clock_set(sandbox.clock, said)
        if "rate_limit" in said:
            self.limit = RateLimit(**said["rate_limit"]) if said["rate_limit"] else None
        if "scopes" in said:
            self.scopes = None if said["scopes"] is None else frozenset(said["scopes"])
        return said

    def _clock_set(self, clock: Clock, said: dict[str, Any]) -> None:
        if not isinstance(clock, Shifted):
            raise ValueError("the clock of this sandbox cannot be set")
        clock.offset = timedelta(seconds=said.get("clock_offset", clock.offset.total_seconds()))
        clock.grain = said.get("truncate_timestamps", clock.grain)
        if clock.grain not in (None, *GRAINS):
            raise ValueError(f"truncate_timestamps is one of {', '.join(GRAINS)}")


def unsigned(request: Request) -> Request:
    """The same from somebody who shows nothing: so each vendor refuses in its own words."""
    return replace(request, headers={name: value for name, value in request.headers.items() if name != "authorization"})
