"""What changed among the cases of an organization, page by page: those written about, those touched, those merged or deleted."""

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from connectors.base import Cursor, Page, Spoilt
from connectors.columns import all_of, part
from connectors.mapping import moment
from connectors.salesforce.answers import reading
from connectors.salesforce.cases import Cases
from connectors.salesforce.resuming import Resuming
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.soql import STAMPED, Key, Mark, after, children, quoted, said_since, these, touched
from rules.ticket import replace

if TYPE_CHECKING:
    from connectors.salesforce.session import Session

AT_ONCE = 200  # cases asked for by their ids in one query; a longer list would not fit into an address


class Changes:
    """Reads cases on from where they were read to; `select` is how each is asked for."""

    def __init__(self, connection: str, session: "Session", settings: SalesforceSettings, cases: Cases, select: str) -> None:
        self.connection = connection
        self._session, self._settings, self._cases, self._select = session, settings, cases, select
        self._children, self._resuming = children(emails=settings.emails, feed=settings.reads_feed), Resuming(session)

    def since(self, at: datetime | Cursor) -> Iterator[Page]:
        """First the cases that were only written about, then those that were touched, each by its own stamps.

        From a cursor, reading begins `overlap` before it. From a datetime, comments and e-mails count only where their case itself
        was not touched since: all others come anyway, with their newest comment in the version.
        """
        self._resuming.begins(at)
        fresh = isinstance(at, datetime)
        mark = Mark.at(at) if isinstance(at, datetime) else Mark.read(self.connection, at)
        begin = mark if fresh else mark.back(timedelta(seconds=self._settings.overlap))
        for table in self._children:
            mark = yield from self._written_about(table, begin, mark, fresh=fresh)
        yield from self._touched(Key(begin.cases), mark)

    def _written_about(self, table: str, begin: Mark, mark: Mark, *, fresh: bool) -> Generator[Page, None, Mark]:
        """Cases with new comments or e-mails; returns the mark after them.

        A fresh reading asks for some of them only, so its mark ends at the newest of all that there were beforehand.
        """
        name = STAMPED[table]
        if (upto := self._resuming.ended(table)) is not None:
            return replace(mark, **{name: upto})
        newest = self._newest(table, getattr(mark, name)) if fresh else getattr(mark, name)
        place, more = Key(getattr(begin, name)), True
        while more:
            soql = said_since(table, place, AT_ONCE, begin.cases if fresh else None)
            answer = self._resuming.query(f"read new {name}", soql, size=AT_ONCE)
            rows, more = answer["records"], not answer["done"] or len(answer["records"]) == AT_ONCE
            with reading(self.connection, f"read new {name}"):
                place = after(rows, "CreatedDate", place, more=more)
                parents = sorted({row["ParentId"] for row in rows} - {None})  # an e-mail need not be of a case
            mark = replace(mark, **{name: max(getattr(mark, name), place.at)})
            if parents:
                yield self._page(self._session.all("read cases", these(self._select, parents), self._cases.decoded), mark)
        return replace(mark, **{name: self._resuming.end(table, max(newest, getattr(mark, name)))})

    def _newest(self, table: str, least: datetime) -> datetime:
        soql = f"SELECT Id, CreatedDate FROM {table} ORDER BY CreatedDate DESC LIMIT 1"  # noqa: S608
        rows = self._resuming.query("find how far to read", soql)["records"]
        with reading(self.connection, "find how far to read"):
            return max(least, *(moment(row["CreatedDate"]) for row in rows)) if rows else least

    def _touched(self, place: Key, mark: Mark) -> Iterator[Page]:
        what, size, more = "read what changed", self._settings.page_size, True
        while more:
            answer = self._session.query(what, touched(self._select, place, size), deleted=True, size=size, read=self._cases.decoded)
            rows = answer["records"]
            more = not answer["done"] or len(rows) == size
            with reading(self.connection, what):
                place = after(rows, "SystemModstamp", place, more=more)
            mark = replace(mark, cases=max(mark.cases, place.at))
            yield self._page(rows, mark, last=not more)

    def _page(self, rows: list[Any], mark: Mark, *, last: bool = False) -> Page:
        flags = parts(rows, "IsDeleted")
        gone = [str(part(row, "Id")) for row, flag in zip(rows, flags, strict=True) if flag is True]  # nothing else is one that is no more
        live = [row for row, flag in zip(rows, flags, strict=True) if flag is not True] if gone else rows
        merged = self._masters(gone)
        tickets, spoilt = all_of(live, self._cases.together, self._cases.ticket, _spoilt)
        self._resuming.paged(None if last else mark.text)
        return Page(tuple(tickets), mark.text, last, tuple(spoilt), tuple(key for key in gone if key not in merged), merged)

    def _masters(self, gone: list[str]) -> dict[str, str | None]:
        """Those of deleted cases that were merged, with the case that they were merged into.

        Asked for apart: among the fields of a case it would be part of every version, and an upgrade would make all cases news.
        """
        found: dict[str, str | None] = {}
        for start in range(0, len(gone), AT_ONCE):
            ids = ", ".join(map(quoted, gone[start : start + AT_ONCE]))
            soql = f"SELECT Id, MasterRecordId FROM Case WHERE Id IN ({ids})"  # noqa: S608
            rows = self._session.query("read what was merged", soql, deleted=True)["records"]
            with reading(self.connection, "read what was merged"):
                found |= {str(row["Id"]): str(row["MasterRecordId"]) for row in rows if row["MasterRecordId"]}
        return found


def parts(cases: list[Any], name: str) -> list[Any]:
    """`part` of each; in C where all were decoded to the shape, which is most pages."""
    try:
        return list(map(attrgetter(name), cases))
    except AttributeError:
        return [part(case, name) for case in cases]


def _spoilt(row: Any, error: Exception) -> Spoilt:
    return Spoilt(str(part(row, "Id")) if isinstance(row, (dict, Struct)) else "?", str(error))
