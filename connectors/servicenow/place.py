"""How far a ServiceNow connection was read, and the text of a cursor that says so."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from connectors.base import Cursor
from connectors.servicenow.query import moment, stamp
from rules.ticket import replace


@dataclass(frozen=True, slots=True)
class Place:
    """How far a connection was read, as the text of a cursor.

    `key` names the last record of an unfinished read, which goes on right after it; without one the read was finished and the next
    begins at `at` with the overlap. `begun` is the system's moment at which the read began: whatever was stamped after it may have
    been written behind our back and is read again. `gone` is the last deletion seen, its stamp and sys_id. `labelled` is the moment
    from which label rows were not looked at yet, where they are the tags.
    """

    at: str
    key: str = ""
    begun: str = ""
    gone: tuple[str, str] = ("", "")
    labelled: str = ""

    @property
    def cursor(self) -> Cursor:
        return Cursor("|".join((self.at, self.key, self.begun, *self.gone, *((self.labelled,) if self.labelled else ()))))

    @classmethod
    def of(cls, since: datetime | Cursor, overlap: int) -> Self:
        """Raises `ValueError` for a text that no place was written as."""
        if isinstance(since, datetime):
            return cls(stamp(since), gone=(stamp(since), ""))
        at, key, begun, deleted, last, *labelled = since.split("|")
        first = at if key else stamp(moment(at) - timedelta(seconds=overlap))
        (rows,) = labelled or ("",)
        return cls(first, key, begun, (deleted, last), rows and stamp(moment(rows)))

    def finished(self) -> "Place":
        return replace(self, at=min(self.at, self.begun or self.at), key="", begun="")

    def labels_from(self, overlap: int) -> str:
        """The moment from which rows of labels are looked at: those made before a first read began were read with their tickets."""
        return stamp(moment(self.labelled or self.begun or self.at) - timedelta(seconds=overlap))
