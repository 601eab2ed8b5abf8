"""What changed in a table of ServiceNow, page by page: records, labels where they are the tags, and deletions."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.base import Cursor, Custom, Page, Spoilt
from connectors.columns import all_of, part
from connectors.errors import CursorExpired, NotFound, Rejected, Transient, Unreadable
from connectors.servicenow.labels import Labels
from connectors.servicenow.place import Place
from connectors.servicenow.query import after, stamp_of
from connectors.servicenow.reading import asked_for, table_for, ticket_reader
from connectors.servicenow.settings import ServiceNowSettings
from connectors.servicenow.shape import Shape, page_reader, plain
from rules.ticket import replace

if TYPE_CHECKING:
    from connectors.servicenow.session import ServiceNowSession


class Changes:
    """Reads one table on from where it was read to. `labels` are asked only where they are the tags."""

    def __init__(
        self, session: "ServiceNowSession", settings: ServiceNowSettings, custom: tuple[Custom, ...], labels: Labels | None
    ) -> None:
        self.connection = session.connection
        self._session, self._settings, self._labels = session, settings, labels
        table = table_for(settings, custom)
        self._asked = asked_for(settings, custom)
        self._ticket = ticket_reader(self.connection, settings, table)
        self._shape = Shape(table)
        self._tickets = page_reader(self.connection, settings, table, self._shape)
        self._page_size, self._sees_deletions = settings.page_size, settings.deletions

    def since(self, moment: datetime | Cursor) -> Iterator[Page]:
        """By key, in the order of (`sys_updated_on`, `sys_id`): stamps are whole seconds, and a page border may fall into one.

        A short page is not the end (records that we may not read are dropped after the limit is applied): an empty one is.
        """
        place = self._place(moment)
        while rows := self._rows_after(place):
            place = self._moved(place, rows[-1])
            yield self._page(rows, place)
        if self._labels is not None:
            asked_at = stamp_of(self._session.date)  # before the rows are asked for: what comes meanwhile is for the next time
            yield from self._labelled(self._labels, place)
            place = replace(place, labelled=asked_at or place.labels_from(0))
        gone = self._deleted(place)
        place = replace(place, gone=(gone[-1]["sys_created_on"], gone[-1]["sys_id"]) if gone else place.gone)
        yield Page((), place.finished().cursor, last=True, gone=tuple(row["documentkey"] for row in gone))

    def _labelled(self, labels: Labels, place: Place) -> Iterator[Page]:
        """Those that got a label since they were last looked for; the cursor stays until all of them were told."""
        what = "reading what got a label"
        for keys in labels.put_since(place.labels_from(self._settings.overlap)):
            scope = f"{self._settings.query}^" if self._settings.query else ""
            query = f"{scope}sys_idIN{','.join(keys)}^ORDERBYsys_updated_on^ORDERBYsys_id"
            yield self._page(self._session.rows(what, self._settings.table, query, self._asked, len(keys), self._shape.decoded), place)

    def _place(self, since: datetime | Cursor) -> Place:
        try:
            return Place.of(since, self._settings.overlap)
        except ValueError:
            raise CursorExpired(self.connection, "the cursor is none that this connector writes: reading again") from None

    def _moved(self, place: Place, last: Any) -> Place:
        at, key = part(last, "sys_updated_on"), part(last, "sys_id")
        if not isinstance(at, str) or not isinstance(key, str) or not key or (at, key) == (place.at, place.key):
            raise Unreadable(self.connection, "reading what changed: the pages do not go on (records without sys_updated_on or sys_id)")
        begun = place.begun or max(stamp_of(self._session.date), at)  # it is at least as late as the newest stamp it showed us
        return replace(place, at=at, key=key, begun=begun)

    def _rows_after(self, place: Place) -> list[Any]:
        """A page that the system broke off (its time for one request ran out) is asked for at half its size the next time."""
        query = after("sys_updated_on", place.at, place.key, self._settings.query)
        try:
            rows = self._session.rows(
                "reading what changed", self._settings.table, query, self._asked, self._page_size, self._shape.decoded
            )
        except Transient:
            self._page_size = max(self._page_size // 2, min(50, self._page_size))
            raise
        self._page_size = min(self._page_size * 2, self._settings.page_size)
        return rows

    def _page(self, rows: list[Any], place: Place) -> Page:
        if self._labels is not None and rows:
            self._labels.put_on("reading the tags of a page", rows)
        tickets, spoilt = all_of(rows, self._tickets, lambda row: self._ticket(plain(row)), _spoilt)
        return Page(tuple(tickets), place.cursor, spoilt=tuple(spoilt))

    def _deleted(self, place: Place) -> list[dict[str, Any]]:
        """Rows of `sys_audit_delete`, where the table is audited and we may read it; else none, and it is not asked again.

        It can be large and slow. What it does not tell this time it tells the next: the tickets read so far count all the same.
        """
        if not self._sees_deletions:
            return []
        query = after("sys_created_on", *place.gone, f"tablename={self._settings.table}")
        try:
            return self._session.rows("reading deletions", "sys_audit_delete", query, "sys_id,documentkey,sys_created_on", 1000)
        except Transient:
            return []
        except (Rejected, NotFound):
            self._sees_deletions = False
            return []

    def count(self, since: datetime) -> int | None:
        query = after("sys_updated_on", self._place(since).at, "", self._settings.query)
        return self._session.count("counting what changed", self._settings.table, query)


def _spoilt(row: Any, error: Exception) -> Spoilt:
    return Spoilt(str(part(row, "sys_id")), why(error))


def why(error: Exception) -> str:
    """What is wrong with a record, of what was raised over it."""
    return f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
