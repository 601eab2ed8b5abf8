"""How far a site was read: the moment and id of the newest issue seen, as text that outlives Jira's page tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from connectors.base import Cursor
from connectors.mapping import moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Watermark:
    """`updated` of the newest issue seen, and its id; no id where none was seen yet."""

    updated: datetime
    id: str = ""

    @classmethod
    def parse(cls, cursor: Cursor) -> Self:
        """Raises `ValueError` for a cursor that is none of ours."""
        stamp, slash, id = cursor.partition("/")
        if not slash:
            raise ValueError("it has no '/'")
        return cls(moment(stamp), id)

    @property
    def cursor(self) -> Cursor:
        return Cursor(f"{self.updated.astimezone(UTC).isoformat(timespec='milliseconds')}/{self.id}")


def epoch_ms(at: datetime) -> int:
    """Whole milliseconds since 1970, rounded down: the only form in which JQL takes a moment in no account's time zone."""
    return (at - EPOCH) // MILLISECOND


def jql(start: datetime, projects: tuple[str, ...]) -> str:
    """Everything touched at or after `start`, oldest first, ties by key."""
    within = f"project in ({', '.join(projects)}) AND " if projects else ""
    return f"{within}updated >= {epoch_ms(start)} ORDER BY updated ASC, key ASC"
