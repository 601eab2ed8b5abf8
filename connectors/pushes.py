"""What a system pushes to us: checked for who sent it and when, and read for one thing, which ticket it speaks of.

A push only says *look at this ticket*; what became of the ticket is asked of the system itself. So a forged push can at worst make us
look, a late or doubled one costs a request, and a lost one is healed by the next poll.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

LONGEST = 1_048_576
"""Bytes of a body; what is longer is refused unread. The vendors' own limits lie well below."""
WINDOW = timedelta(minutes=5)
"""How far a push's signed stamp may lie from our clock. Deliveries are remembered for longer, so none can be played again."""


class PushSettings(BaseModel):
    """How pushes of a connection prove who sent them. `previous` is good as well, while a secret is being changed.

    `by`: `signature` is the system's own scheme, or ours where it has none; `secret` is for tenants that cannot sign: the secret
    itself stands in the header `X-Ticketgate-Secret` or, where no header can be set (Jira Cloud's own pages), in the query as
    `secret`. `organization` is Salesforce's 18-character id, which its outbound messages bear.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    secret: SecretStr
    previous: SecretStr | None = None
    by_secret: bool = False
    organization: str | None = None

    @property
    def keys(self) -> tuple[bytes, ...]:
        return tuple(one.get_secret_value().encode() for one in (self.secret, self.previous) if one is not None)


@dataclass(frozen=True, slots=True)
class Push:
    """One request as it arrived: the very bytes of its body, at a moment of our clock. Names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    at: datetime
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a push says. `delivery` is its own name, by which a second copy is known; `keys` are the tickets to look at.

    Without keys, `ignored` says why, and `known` whether it is a kind of push that we know and have no use for. `answer` is what the
    sender must be told besides 2xx.
    """

    delivery: str
    keys: tuple[str, ...] = ()
    ignored: str | None = None
    known: bool = True
    answer: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What an administrator sets up in a system so that it pushes: where, for which events, how it signs, and what to send.

    `told` reads a body alone, whoever sent it, to try recordings out; it raises `Garbled`. Nothing that arrives is ever read by it.
    """

    where: str
    events: tuple[str, ...]
    signed_by: str
    headers: tuple[str, ...]  # those that bear the proof
    told: Callable[[Push], Heard]
    body: str | None = None  # where the administrator writes it; None: the system has its own
    notes: tuple[str, ...] = ()


OUR_HEADERS = ("X-Ticketgate-Signature", "X-Ticketgate-Timestamp")
BY_US = "Base64 of HMAC-SHA256 with the secret, over X-Ticketgate-Timestamp (ISO 8601, UTC) followed by the body"


class Forged(Exception):
    """Not to be believed: the reason is for our log alone, the sender is told nothing but no."""


class Garbled(Exception):
    """Sent by whom it should be, and still not to be read: the reason is for a person."""


def trusted(settings: PushSettings | None) -> PushSettings:
    """Raises `Forged` for a connection that expects no pushes: what cannot be proved is not believed."""
    if settings is None:
        raise Forged("this connection says nothing under `pushes`, so no push can prove who sent it")
    return settings


def verified_secret(push: Push, settings: PushSettings) -> None:
    """The secret itself, in a header or in the query. Raises `Forged`."""
    said = (push.headers.get("x-ticketgate-secret") or push.query.get("secret") or "").encode()
    if not any([hmac.compare_digest(said, key) for key in settings.keys]):
        raise Forged("the secret is missing or wrong")


def verified_hex(push: Push, settings: PushSettings, header: str) -> None:
    """`sha256=` with the hex HMAC of the body, as Jira signs (and WebSub before it). Raises `Forged`."""
    said = push.headers.get(header, "").encode()
    right = [b"sha256=" + hmac.new(key, push.body, hashlib.sha256).hexdigest().encode() for key in settings.keys]
    if not any([hmac.compare_digest(said, one) for one in right]):
        raise Forged(f"the signature in {header} is missing or wrong")


def verified_base64(push: Push, settings: PushSettings, header: str, stamp_header: str) -> None:
    """Base64 of the HMAC over stamp and body, as Zendesk signs, and by our contract ServiceNow and Salesforce. Raises `Forged`."""
    stamp, said = push.headers.get(stamp_header, ""), push.headers.get(header, "").encode()
    right = [base64.b64encode(hmac.new(key, stamp.encode() + push.body, hashlib.sha256).digest()) for key in settings.keys]
    if not any([hmac.compare_digest(said, one) for one in right]):
        raise Forged(f"the signature in {header} is missing or wrong")
    in_window(stamp, push.at, stamp_header)


def in_window(stamp: str, now: datetime, where: str, window: timedelta = WINDOW) -> None:
    """Raises `Forged` for a stamp that is none, or too far from `now`. ISO 8601, or seconds since 1970."""
    try:
        at = datetime.fromtimestamp(int(stamp), UTC) if stamp.isdecimal() else datetime.fromisoformat(stamp)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        away = abs(now - at)
    except (ValueError, OverflowError, OSError):
        raise Forged(f"{where} holds no moment") from None
    if away > window:
        raise Forged(f"{where} is {away.total_seconds():.0f} s from our clock; up to {window.total_seconds():.0f} s are taken")


def decoded(push: Push) -> dict[str, Any]:
    """The body as JSON's object. Raises `Garbled` for anything else, whatever it is made of."""
    try:
        said = json.loads(push.body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Garbled("the body is not JSON in UTF-8") from None
    if not isinstance(said, dict):
        raise Garbled("the body is not a JSON object")
    return said


def part(said: Mapping[str, Any], *names: str) -> Any:
    """What stands at a path, None where something on the way is missing or of another kind."""
    for name in names:
        said = said.get(name) if isinstance(said, dict) else None  # type: ignore[assignment]
    return said


def delivery_of(push: Push, *headers: str) -> str:
    """The delivery's own name where its system gives one, else a digest of what was said."""
    named = next((push.headers[name] for name in headers if push.headers.get(name)), None)
    return named[:200] if named else "sha256:" + hashlib.sha256(push.body).hexdigest()


def by_our_contract(push: Push, settings: PushSettings) -> dict[str, Any]:
    """The body of a push that a tenant made for us (`config/README.md`, "Webhooks"): signed our way, or with the secret itself.

    Raises `Forged` and `Garbled`.
    """
    if settings.by_secret:
        verified_secret(push, settings)
    else:
        verified_base64(push, settings, "x-ticketgate-signature", "x-ticketgate-timestamp")
    return decoded(push)


def signed(secret: str, body: bytes, at: datetime) -> Iterator[tuple[str, str]]:
    """The headers that our contract asks of a sender: for sandboxes, and for whoever builds one."""
    stamp = at.astimezone(UTC).isoformat(timespec="seconds")
    yield "x-ticketgate-timestamp", stamp
    yield "x-ticketgate-signature", base64.b64encode(hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()).decode()
