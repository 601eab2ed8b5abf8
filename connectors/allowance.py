"""How much a system still allows, as its answers say it: each vendor's own headers, read into one value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeAlias

Headers: TypeAlias = Mapping[str, str]
"""By name, whatever its case."""

LONGEST_WAIT = 3600.0  # seconds; what a system asks for beyond that is cut to this
SHORTEST = 5.0  # seconds; a shorter window is over before a budget could be kept, and a 429 in it costs a second
A_MINUTE, AN_HOUR = 60.0, 3600.0
A_LOOK = 900.0  # seconds; a rolling day tells no moment: so long until it is worth asking again
PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many requests (or points) in a window that ends in `resets_in` seconds. `left` is None where the system keeps it to itself."""

    limit: int
    left: int | None
    resets_in: float

    @property
    def share(self) -> float:
        """How much of it is left, for telling the tightest of several."""
        return 1.0 if self.left is None else self.left / max(self.limit, 1)


class Meter(Protocol):
    """Who counts the requests of one connection, for all who ask that system."""

    def before(self, *, writing: bool) -> None:
        """Right before a request leaves. Raises `Transient`, with the seconds to wait, where none may leave now."""

    def after(self, allowance: Allowance | None, closed_for: float | None) -> None:
        """What an answer said: what is left, and for how many seconds the system wants no request at all."""

    def close(self) -> None:
        """No request follows."""


def allowance_of(headers: Headers) -> Allowance | None:
    """The tightest that these headers tell of; None where they tell of none, or of windows too short to plan with."""
    told = {name.lower(): value for name, value in headers.items() if "limit" in name.lower()}
    if not told:
        return None
    told["date"] = headers.get("date", "")
    found = [one for read in READERS if (one := read(told)) is not None and one.resets_in >= SHORTEST]
    return min(found, key=lambda one: one.share, default=None)


def closed_for(status: int, headers: Headers) -> float | None:
    """For how many seconds the system wants no request of ours, by the status and `Retry-After`; None where it says nothing of that.

    Jira's limit on writes to one issue closes that issue alone.
    """
    if status not in (429, 503) or "per-issue" in headers.get("ratelimit-reason", ""):
        return None
    return retry_after(headers.get("retry-after"), headers.get("date"))


def retry_after(header: str | None, date: str | None = None) -> float | None:
    """Seconds to wait, from whole or broken seconds or an HTTP date (reckoned from the answer's own `date`, never our clock).

    None for nothing or nonsense. Never negative, at most an hour.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - parsedate_to_datetime(date or "")).total_seconds()
        except (TypeError, ValueError):
            return None
    return None if seconds != seconds else min(max(seconds, 0.0), LONGEST_WAIT)  # NaN is nonsense too


def _structured(headers: Headers) -> Allowance | None:
    """Jira's points: `RateLimit: "quota";r=LEFT;t=SECONDS`, and `RateLimit-Policy: "quota";q=LIMIT;w=SECONDS`; on trial with `Beta-`."""
    for prefix in ("", "beta-"):
        told, policy = _items(headers.get(f"{prefix}ratelimit")), _items(headers.get(f"{prefix}ratelimit-policy"))
        found = [_quota(item, policy.get(name, {})) for name, item in told.items() if "r" in item]
        if found:
            return min(found, key=lambda one: one.share)
    return None


def _quota(told: Mapping[str, int], policy: Mapping[str, int]) -> Allowance:
    limit = policy.get("q", max(told["r"], 1))
    return Allowance(limit, told["r"], _within(float(told.get("t", policy.get("w", 0)))))


def _items(header: str | None) -> dict[str, dict[str, int]]:
    parts = (part.strip() for part in (header or "").split(","))
    return {part.partition(";")[0].strip('" '): {k: int(v) for k, v in PARAMETER.findall(part)} for part in parts if part}


def _by_seconds(headers: Headers) -> Allowance | None:
    """Zendesk's: `ratelimit-limit`, `-remaining`, and `-reset` in seconds."""
    limit, left, reset = (_whole(headers.get(f"ratelimit-{name}")) for name in ("limit", "remaining", "reset"))
    return None if limit is None or left is None or reset is None else Allowance(limit, left, _within(float(reset)))


def _by_minute(headers: Headers) -> Allowance | None:
    """Zendesk's older ones, which do not say when their minute ends."""
    limit, left = _whole(headers.get("x-rate-limit")), _whole(headers.get("x-rate-limit-remaining"))
    return None if limit is None or left is None else Allowance(limit, left, A_MINUTE)


def _by_moment(headers: Headers) -> Allowance | None:
    """`X-RateLimit-*`: Jira says `-Remaining`, and `-Reset` in a refusal, Data Center its interval. ServiceNow lets us count."""
    limit, left = _whole(headers.get("x-ratelimit-limit")), _whole(headers.get("x-ratelimit-remaining"))
    if limit is None:
        return None
    interval = _whole(headers.get("x-ratelimit-interval-seconds"))
    ends = until_reset(headers)
    resets_in = ends if ends is not None else interval
    return None if resets_in is None else Allowance(limit, left, _within(float(resets_in)))


def _by_day(headers: Headers) -> Allowance | None:
    """Salesforce's `api-usage=18/5000`, over a day that rolls."""
    found = re.search(r"(?<!-)\bapi-usage=(\d+)/(\d+)", headers.get("sforce-limit-info", ""))
    return None if found is None else Allowance(int(found[2]), max(int(found[2]) - int(found[1]), 0), A_LOOK)


READERS: tuple[Callable[[Headers], Allowance | None], ...] = (_structured, _by_seconds, _by_minute, _by_moment, _by_day)


def _whole(text: str | None) -> int | None:
    try:
        return max(int(text), 0) if text is not None else None
    except ValueError:
        return None


def until_reset(headers: Headers) -> float | None:
    """Seconds until `X-RateLimit-Reset`, ISO 8601 or UNIX seconds, reckoned from the answer's own `Date`, never our clock."""
    text = headers.get("x-ratelimit-reset")
    if text is None:
        return None
    try:
        now = parsedate_to_datetime(headers.get("date") or "")
        then = datetime.fromtimestamp(float(text), UTC) if text.replace(".", "", 1).isdigit() else datetime.fromisoformat(text)
        return _within((then - now).total_seconds())
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _within(seconds: float) -> float:
    return min(max(seconds, 0.0), AN_HOUR)
