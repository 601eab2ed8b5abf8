"""The queries that the connector sends, and the cursor that says how far it read. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from connectors.base import Cursor
from connectors.columns import part
from connectors.errors import CursorExpired
from connectors.mapping import moment

ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"})
PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")
CHILDREN = {"CaseComment": "CaseComments", "EmailMessage": "EmailMessages", "CaseFeed": "Feeds"}
STAMPED = {"CaseComment": "comments", "EmailMessage": "emails", "CaseFeed": "feed"}
"""Under which name of a `Mark` the reading of each is kept."""
POSTS = "Type = 'TextPost'"
"""Of a feed: what somebody wrote there. Case comments, e-mails and changes of fields are told in it once more."""
FIELDS = (
    "Id",
    "CaseNumber",
    "Subject",
    "Description",
    "Status",
    "Priority",
    "Type",
    "Origin",
    "OwnerId",
    "ContactId",
    "SuppliedName",
    "SuppliedEmail",
    "SuppliedCompany",
    "IsDeleted",
    "CreatedDate",
    "SystemModstamp",
    "LastModifiedById",
    "Owner.Name",
    "Owner.Email",
    "Contact.Name",
    "Contact.Email",
    "Account.Name",
)


def quoted(text: str) -> str:
    """A text as a literal: nothing in it can end the literal."""
    return "'" + text.translate(ESCAPED) + "'"


def stamp(at: datetime) -> str:
    """A moment as a literal: whole seconds in UTC, without quotes."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def selected(own: Iterable[str], tables: Mapping[str, str]) -> str:
    """`SELECT ... FROM Case` with an installation's own fields.

    The newest of each of `tables` comes along, because none of them always touches the case: without them a reply would not be news.
    """
    order = "IsDeleted = false ORDER BY CreatedDate DESC, Id DESC LIMIT 1"  # queryAll would give deleted ones too
    newest = [f"(SELECT Id FROM {name} WHERE {_kind(table)}{order})" for table, name in tables.items()]  # noqa: S608
    return f"SELECT {', '.join(dict.fromkeys([*FIELDS, *own, *newest]))} FROM Case"  # noqa: S608 (SOQL; every name is checked, every value quoted)


def children(*, emails: bool, feed: bool) -> dict[str, str]:
    """Those that the connection reads."""
    unread = {*(() if emails else ("EmailMessage",)), *(() if feed else ("CaseFeed",))}
    return {table: name for table, name in CHILDREN.items() if table not in unread}


def _kind(table: str) -> str:
    return f"{POSTS} AND " if table == "CaseFeed" else ""


@dataclass(frozen=True, slots=True)
class Key:
    """A place in an order by stamp and id: `id` empty means before everything of that second."""

    at: datetime
    id: str = ""

    def after(self, field: str) -> str:
        """The condition for what comes behind this place: no tie can be lost, and none is read twice."""
        if not self.id:
            return f"{field} >= {stamp(self.at)}"
        return f"({field} > {stamp(self.at)} OR ({field} = {stamp(self.at)} AND Id > {quoted(self.id)}))"


def after(rows: list[Any], stamped: str, place: Key, *, more: bool) -> Key:
    """The place behind a page. Raises `ValueError` for a page that would be asked for again and again."""
    if not rows and more:
        raise ValueError("a page that is empty, and yet not the last")
    if not rows:
        return place
    at, id = part(rows[-1], stamped), part(rows[-1], "Id")
    if not isinstance(id, str):
        raise ValueError("a record without its Id")
    return Key(moment(at), id)


def touched(select: str, place: Key, size: int) -> str:
    """The next cases by their last touch.

    Each page is a query of its own. `nextRecordsUrl` would go on in the order of the first query, while the cases change: one that
    was touched meanwhile shows its new stamp in its old place, and a cursor taken from it would jump over all that follow.
    """
    return f"{select} WHERE {place.after('SystemModstamp')} ORDER BY SystemModstamp ASC, Id ASC LIMIT {size}"


def said_since(table: str, place: Key, size: int, untouched_since: datetime | None) -> str:
    """Comments, e-mails or posts by the moment they were made; of cases last touched before `untouched_since`, where that is given."""
    older = f" AND Parent.SystemModstamp < {stamp(untouched_since)}" if untouched_since else ""
    where = f"{_kind(table)}{place.after('CreatedDate')}{older}"
    return f"SELECT Id, ParentId, CreatedDate FROM {table} WHERE {where} ORDER BY CreatedDate ASC, Id ASC LIMIT {size}"  # noqa: S608


def these(select: str, ids: Sequence[str]) -> str:
    return f"{select} WHERE Id IN ({', '.join(map(quoted, ids))}) ORDER BY SystemModstamp ASC, Id ASC"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far cases, comments, e-mails and posts were read, each by its own stamps: `sf1 CASES COMMENTS EMAILS POSTS`.

    A cursor of an earlier release knows no posts: they go on from where its comments do.

    Ids stand in no cursor: reading goes on from `overlap` before it, so ties at its second are read again anyway.
    """

    cases: datetime
    comments: datetime
    emails: datetime
    feed: datetime

    @classmethod
    def at(cls, moment: datetime) -> Self:
        return cls(moment, moment, moment, moment)

    @classmethod
    def read(cls, connection: str, text: str) -> Self:
        """Raises `CursorExpired` for a cursor that another connector made."""
        try:
            first, *stamps = text.split(" ")
            cases, comments, emails, feed = map(moment, [*stamps, stamps[1]] if len(stamps) == 3 else stamps)
        except ValueError:
            first = ""
        if first != "sf1":
            raise CursorExpired(connection, "the stored cursor was not made by the Salesforce connector")
        return cls(cases, comments, emails, feed)

    @property
    def text(self) -> Cursor:
        return Cursor(f"sf1 {stamp(self.cases)} {stamp(self.comments)} {stamp(self.emails)} {stamp(self.feed)}")

    def back(self, overlap: timedelta) -> "Mark":
        """Where reading begins: stamps are set before the commit, so what is below the cursor may have come up since."""
        return Mark(self.cases - overlap, self.comments - overlap, self.emails - overlap, self.feed - overlap)


def paths_are_names(paths: Iterable[str]) -> bool:
    """Whether each could be a field's API name, or a path of them: only such become part of a query."""
    return all(PATH.fullmatch(path) for path in paths)
