"""One class for each thing the caller can do about a failure."""

from datetime import datetime
from typing import Literal


class ConnectorError(Exception):
    """What was attempted, on which ticket, and what the vendor answered. Never holds a secret."""

    def __init__(self, connection: str, message: str) -> None:
        super().__init__(f"{connection}: {message}")
        self.connection = connection
        self.message = message


class Transient(ConnectorError):
    """Nothing happened: wait (at least `retry_after` seconds, where the vendor says so) and ask again."""

    def __init__(self, connection: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(connection, message)
        self.retry_after = retry_after


class InDoubt(ConnectorError):
    """A write went out and its answer was lost: ask (`Connector.applied`) before repeating it."""


class Stale(ConnectorError):
    """Somebody else changed the ticket since it was read: look again."""


class NotFound(ConnectorError):
    """Not there, or not there yet."""


class Gone(NotFound):
    """It is no more, as the system says: `deleted`, `merged` into another, `moved` under another key, or `left` for where we do not read.

    `into` is the key where it goes on.
    """

    def __init__(self, connection: str, key: str, how: Literal["deleted", "merged", "moved", "left"], into: str | None = None) -> None:
        super().__init__(connection, f"{key} was {became(how, into)}")
        self.key, self.how, self.into = key, how, into


def became(how: str, into: str | None) -> str:
    """`merged into 42`, as people read it; `missing` is what the system does not explain."""
    said = {"merged": f"merged into {into}", "moved": f"moved and is {into} now", "left": f"moved to {into}, which is not read here"}
    return said.get(how, "deleted" if how == "deleted" else "deleted, or is no longer shown to us")


class Rejected(ConnectorError):
    """Understood and refused: tell a person, go on with the next ticket."""


class Unauthorized(ConnectorError):
    """Credentials refused: stop this connection, keep the others."""


class Untrusted(Unauthorized):
    """Who answered could not prove to be the system (a certificate that ran out, or another's): nothing was sent, and as `Unauthorized`."""


class Unreadable(ConnectorError):
    """An answer that is not what the vendor documents: nothing of it was used, the cursor stays."""


class Redirected(Unreadable):
    """The system sent us elsewhere, to the address `to`, which may hold a token: only a download goes there, by `elsewhere.py`."""

    def __init__(self, connection: str, message: str, to: str) -> None:
        super().__init__(connection, message)
        self.to = to


class Unsupported(ConnectorError):
    """Our own mistake: the plan ignored the connector's abilities."""


class CursorExpired(ConnectorError):
    """The vendor no longer knows the cursor: read again from the last watermark; duplicates are absorbed.

    `since` is that watermark, where the cursor held it.
    """

    def __init__(self, connection: str, message: str, since: datetime | None = None) -> None:
        super().__init__(connection, message)
        self.since = since


class WriteRefused(ConnectorError):
    """A dry run tried to write: refused below the SDK, nothing was sent."""
