"""A vendor's token desk, for the sandboxes: access tokens that run out, and refresh tokens that serve once."""

from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox import Clock


class Grants:
    """`first` is the refresh token that a person's authorizing gave. `issued` counts what was given, `refused` what was not."""

    def __init__(self, clock: Clock, life: timedelta, prefix: str, first: str) -> None:
        self.life, self.issued, self.refused = life, 0, 0
        self._clock, self._prefix = clock, prefix
        self._access: dict[str, datetime] = {}
        self._refresh = {first}
        self._closed = False

    def given(self, refresh: str | None = None) -> dict[str, Any] | None:
        """A new token; the refresh token that bought it, and what it had bought before, is spent. None for one that does not serve."""
        if self._closed or (refresh is not None and refresh not in self._refresh):
            self.refused += 1
            return None
        self.issued += 1
        access = f"{self._prefix}-access-{self.issued}-{self._clock().timestamp():.0f}"
        said: dict[str, Any] = {"access_token": access, "expires_in": int(self.life.total_seconds())}
        if refresh is not None:
            self._access.clear()
            self._refresh = {f"{self._prefix}-refresh-{self.issued}"}
            said["refresh_token"] = next(iter(self._refresh))
        self._access[access] = self._clock() + self.life
        return said

    def holds(self, access: str) -> bool:
        return access in self._access and self._clock() < self._access[access]

    def expire(self) -> None:
        """Every access token given out so far is refused from now on; the refresh token still serves."""
        self._access.clear()

    def revoke(self) -> None:
        """Somebody took the app's authorization away."""
        self._access.clear()
        self._closed = True
