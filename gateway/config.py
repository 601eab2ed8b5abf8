"""What `ticketgate.yaml` may say. The models alone; `desk.py` reads the file, `settings.py` adds the environment."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from rules.pii_ids import COUNTRIES

SLUG = r"^[a-z][a-z0-9-]{0,62}$"
PEOPLE = "people"
"""The channel that reaches one person by e-mail."""

LONGEST = timedelta(days=36_525)  # as in rules; what is further from now than this has no year to be in
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """`90s`, `1h30m`, `3d` as a timedelta, up to the hundred years that rules may name. Raises `ValueError`."""
    parts = re.findall(r"(\d+)([smhdw])", text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError("a duration looks like 30s, 5m or 1h30m")
    try:
        found = sum((timedelta(**{_UNITS[u]: int(n)}) for n, u in parts), timedelta())
    except OverflowError:
        found = timedelta.max
    if found > LONGEST:
        raise ValueError("a duration is a hundred years at most")
    return found


Duration = Annotated[timedelta, BeforeValidator(lambda said: said if isinstance(said, timedelta) else duration(str(said)))]


def _sqlite(address: str) -> str:
    """The address may hold a password, so it is not repeated."""
    if not address.removeprefix("sqlite:///") or not address.startswith("sqlite:///"):
        raise ValueError("this release keeps its store in SQLite; write sqlite:///PATH")
    return address


def _country(code: str) -> str:
    if code.lower() not in COUNTRIES:
        raise ValueError(f"there is no check of national ids for it; there are {', '.join(sorted(COUNTRIES))}")
    return code.lower()


Country = Annotated[str, AfterValidator(_country)]
Database = Annotated[str, AfterValidator(_sqlite)]


class Strict(BaseModel):
    """A key that is not in the model is a mistake, and nothing is changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ConnectionConfig(BaseModel):
    """One configured instance of a system. What the connector itself wants (`url`, `sign_in` ...) is checked by its own settings."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    system: str
    poll: Duration = timedelta(seconds=60)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Without what is the connector's own: a sign-in is in it."""
        yield from (("system", self.system), ("poll", self.poll))

    @property
    def own(self) -> dict[str, Any]:
        """What the connector's `Settings` are made of."""
        return dict(self.__pydantic_extra__ or {})


class ChannelConfig(Strict):
    """Where `notify` goes: an apprise address, which is a secret, or `file:PATH` for lines of JSON beside the desk.

    `members` are the e-mail addresses of those who may answer an approval that asks the channel; without them anybody may.
    """

    url: SecretStr
    members: tuple[str, ...] = ()


class MemberConfig(Strict):
    """One place in a chain: another on-call name or an e-mail address, and how long it is waited for."""

    to: str
    wait: Duration


class OnCallConfig(Strict):
    """Whom `page` calls: one address, or a chain that is gone through `loops` times until somebody acknowledges."""

    url: SecretStr | None = None
    chain: tuple[MemberConfig, ...] = ()
    loops: int = Field(default=1, ge=1, le=50)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.url is None) is not bool(self.chain):
            raise ValueError("write either url: with an address, or chain: with a list of { to, wait }")
        if self.url is not None and self.loops != 1:
            raise ValueError("loops: is for a chain; an address is called once")
        return self


class EndpointConfig(Strict):
    """Where `webhook` goes, and the secret that both sides sign with. `on_doubt`: what is done when an answer is lost.

    An address within (loopback, private, link-local ..) is refused unless `allow_private` is said, which lets plain http through as well.
    """

    url: str
    secret: SecretStr
    on_doubt: Literal["retry", "park"] = "retry"
    allow_private: bool = False

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        url = urlsplit(self.url)
        if not url.hostname or url.scheme not in ("http", "https") or url.username or url.password or url.fragment:
            raise ValueError("url: wants https://HOST/PATH without a user or a fragment; what is secret belongs into secret:")
        if url.scheme == "http" and not self.allow_private:
            raise ValueError("url: wants https; plain http is for receivers within, with allow_private: true")
        return self


class GroupConfig(Strict):
    """A team; `lead` is the e-mail address that `team-lead` means, `members` those whom `assign` with a strategy chooses among."""

    lead: str | None = None
    members: tuple[str, ...] = ()


class PiiConfig(Strict):
    """Personal data: the countries whose national ids count, all that are known unless it says otherwise."""

    national_id: frozenset[Country] = COUNTRIES


class BrakeConfig(Strict):
    """A batch that would change more tickets than this stops."""

    tickets: int = Field(default=500, ge=1)


class RetentionConfig(Strict):
    """How long the records of passes are kept, by which `why` explains them; the ledger of what was written is kept for ever."""

    traces: Duration = timedelta(days=90)


def percent(said: object) -> object:
    """`20%`, or a plain number. Raises `ValueError`."""
    if not isinstance(said, str):
        return said
    if not re.fullmatch(r"\d{1,3}(\.\d+)?\s*%?", said.strip()):
        raise ValueError("a share looks like 20%")
    return float(said.strip().rstrip("% "))


class ReloadConfig(Strict):
    """New rules are first held against what was seen lately; when more tickets than that would end differently, a person says yes."""

    replay: Duration = timedelta(hours=24)
    stop_if_changed: Annotated[float, BeforeValidator(percent), Field(ge=0, le=100)] = 20.0


class ServerConfig(Strict):
    """Where the systems' webhooks are taken in. `host` is an address of this machine: its own loopback unless told otherwise."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)


class RepeatConfig(Strict):
    """Tickets with the same fields, opened so shortly one after the other, are repeats."""

    match: tuple[str, ...] = Field(default=("requester.email",), min_length=1)
    within: Duration = timedelta(days=30)


class FiguresConfig(Strict):
    """Where reports find what the systems keep in fields of their own, and what they call a repeat.

    `opened_at` and `resolved_at` name fields that hold a moment, `sla_met` one that says whether the system itself found its SLA met.
    """

    opened_at: str = "created_at"
    resolved_at: str | None = None
    sla_met: str | None = None
    one_touch: Duration = timedelta(days=7)
    repeat: RepeatConfig = RepeatConfig()

    @property
    def fields(self) -> frozenset[str]:
        """All fields that it names."""
        return frozenset((self.opened_at, self.resolved_at or "", self.sla_met or "", *self.repeat.match))


class Config(Strict):
    """The whole file."""

    version: Literal["1", 1] = 1
    database: Database = "sqlite:///.ticketgate/desk.db"
    default_language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    default_calendar: str | None = None
    connections: Mapping[Annotated[str, Field(pattern=SLUG)], ConnectionConfig] = Field(default_factory=dict)
    channels: Mapping[Annotated[str, Field(pattern=SLUG)], ChannelConfig] = Field(default_factory=dict)
    on_call: Mapping[Annotated[str, Field(pattern=SLUG)], OnCallConfig] = Field(default_factory=dict)
    endpoints: Mapping[Annotated[str, Field(pattern=SLUG)], EndpointConfig] = Field(default_factory=dict)
    groups: Mapping[str, GroupConfig] = Field(default_factory=dict)
    pii: PiiConfig = PiiConfig()
    brake: BrakeConfig = BrakeConfig()
    retention: RetentionConfig = RetentionConfig()
    reload: ReloadConfig | None = None
    server: ServerConfig | None = None
    figures: FiguresConfig = FiguresConfig()
