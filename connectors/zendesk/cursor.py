"""How far the export was read, as text that stands in the store: `2026-03-02T08:16:31Z MTc3MjQzOTM5MS4wfHw0MDQ1fA==`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from msgspec import Struct

from connectors.base import Cursor
from connectors.errors import CursorExpired, Unreadable
from connectors.mapping import Record, moment
from connectors.zendesk.shape import generated
from rules.ticket import replace


@dataclass(frozen=True, slots=True)
class Mark:
    """Zendesk's own opaque cursor, and the newest change seen: where to begin again, should Zendesk not know its cursor any more."""

    at: datetime
    after: str = ""

    @classmethod
    def read(cls, connection: str, text: str) -> Self:
        """Raises `CursorExpired` for a cursor that another connector made."""
        stamp, _, after = text.partition(" ")
        try:
            return cls(moment(stamp), after)
        except ValueError:
            raise CursorExpired(connection, "the stored cursor was not made by the Zendesk connector") from None

    @property
    def text(self) -> Cursor:
        return Cursor(f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {self.after}".strip())

    def moved(self, connection: str, answer: Record) -> "Mark":
        """Where to go on after a page. Raises `Unreadable` for a page that is none, and for one that would be read for ever."""
        tickets, after, end = answer.get("tickets"), answer.get("after_cursor") or self.after, answer.get("end_of_stream")
        if not isinstance(tickets, list) or not isinstance(end, bool) or not isinstance(after, str):
            raise Unreadable(connection, "read what changed: the answer is no page of an export (tickets, after_cursor, end_of_stream)")
        if not end and after == self.after:
            raise Unreadable(connection, "read what changed: the export says that there is more, but its cursor does not move on")
        return replace(self, at=max([self.at, *(_generated(t) for t in tickets[-1:])]), after=after)


def _generated(record: Any) -> datetime:
    """When the export last saw a change of a ticket; the epoch where it does not say."""
    stamp = generated(record, None) if isinstance(record, dict | Struct) else None
    return datetime.fromtimestamp(stamp if isinstance(stamp, int) else 0, UTC)
