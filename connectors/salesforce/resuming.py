"""A reading that was refused in the middle goes on where it was when it is asked again."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.base import Cursor

if TYPE_CHECKING:
    from connectors.salesforce.session import Session


class Resuming:
    """What a reading was told already, until it reaches its end: nothing of it is asked again by the attempt that goes on with it.

    A poll asks about comments, e-mails and posts before it comes to the cases, and a new attempt begins `overlap` before the cursor: where
    every second request is refused, it would hear of the same comments each time and never come to the cases.

    What was told may wait here for as long as the system refuses. It says which comments there were then; later ones are behind the
    mark that comes of it, so the next reading finds them. Records of cases are not kept: they would show an older case as news.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._at: datetime | Cursor | None = None
        self._told: dict[str, dict[str, Any]] = {}
        self._ended: dict[str, datetime] = {}

    def begins(self, since: datetime | Cursor) -> None:
        """A reading from `since`, which goes on with the last one where that came so far and no further."""
        if since != self._at:
            self.paged(None)
        self._at = since

    def query(self, what: str, soql: str, *, size: int = 2000) -> dict[str, Any]:
        """As `Session.query`, and raises what that raises; the same question is asked once until a page comes of it."""
        if soql not in self._told:
            self._told[soql] = self._session.query(what, soql, size=size)
        return self._told[soql]

    def paged(self, cursor: Cursor | None) -> None:
        """A page is ready: what led to it is done with, and whoever goes on does so from its cursor. None: it was the last one."""
        self._told.clear()
        self._at = cursor
        if cursor is None:
            self._ended.clear()

    def ended(self, table: str) -> datetime | None:
        """Up to when this reading has heard of a table; None where it has not come to its end."""
        return self._ended.get(table)

    def end(self, table: str, upto: datetime) -> datetime:
        self._ended[table] = upto
        return upto
