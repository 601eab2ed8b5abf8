"""Jira Data Center's dialect: REST v2, people by their user name, texts as wiki markup, a search that counts its pages.

Source: Atlassian's Jira Data Center platform REST API reference; what was not verified by any document stands in README.md.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from connectors.base import Page
from connectors.errors import NotFound, Transient, Unreadable
from connectors.jira import paths, wiki
from connectors.jira.dialect import Content, Dialect, Emails, People, Texts
from connectors.jira.shape import known
from connectors.jira.watermark import Watermark, jql
from connectors.mapping import Record, moment
from connectors.text import wiki as form
from rules.ticket import Attachment, Person

if TYPE_CHECKING:
    from connectors.jira.issues import IssueReader
    from connectors.jira.settings import JiraSettings
    from connectors.jira.site import Site

WHAT = "reading what changed"
KEY = re.compile(r"[A-Z][A-Z0-9_]*-\d+")
MOST_RESTARTS = 20  # readings of one second's issues that changed underneath us; more is no accident


def _person(known: tuple[Any, ...], emails: Emails) -> Person:
    """By the key, which outlives a new user name; the settings' `accounts` know people by the name that they sign in with."""
    key, name, email, user = known
    return Person(id=key, name=name, email=email or emails.get(str(user)) or None)


class DataCenterQuestions:
    """See `Questions`. There is no token for the next page, only its place in a list that moves while it is read."""

    def __init__(self, site: "Site", settings: "JiraSettings") -> None:
        self._site, self._settings, self._connection = site, settings, site.connection

    def pages(self, issues: "IssueReader", start: datetime, mark: Watermark) -> Iterator[Page]:
        """Page after page by the watermark: each asks anew from the last second that the one before it reached.

        The search's index orders by whole seconds, then by key, so that second comes again whole and what was given is left out. Only
        within a second that fills more than a page we count on, one place back: unless the issue there is the one given last, the
        list has moved and the second is read from its start.
        """
        place = _Place(start)
        while True:
            query = jql(place.since, self._settings.project)
            rows, total = self._page(WHAT, query, issues.asked, place.at, max(self._settings.page_size, 2), issues.decoded)
            if not place.holds(rows):
                if place.restarts > MOST_RESTARTS:
                    raise Transient(self._connection, f"{WHAT}: the search gives another order each time")
                continue
            last = place.at + len(rows) >= total
            if not rows and not last:
                raise Unreadable(self._connection, f"{WHAT}: there is more, but the page is empty")
            fresh = place.fresh(rows)
            if fresh or last:
                page, mark = issues.page(fresh, mark, last=last)
                yield page
            if last:
                return
            place.advance(rows)

    def found(self, what: str, jql: str, size: int, property: str) -> list[Record]:
        """A search here brings no properties."""
        return self._site.records(what, self._page(what, jql, "labels", 0, size)[0])

    def bulk(self, what: str, keys: Sequence[str], property: str) -> list[Record]:
        """One by one, as there is no reading of many past the search's index."""
        return [found for key in keys if (found := self._one(what, key, property)) is not None]

    def present(self, what: str, keys: Sequence[str]) -> frozenset[str]:
        """By one search. `validateQuery`: a key that is no more would make it an invalid one."""
        sound = [key for key in keys if KEY.fullmatch(key)]
        if not sound:
            return frozenset()
        quoted = ", ".join(f'"{key}"' for key in sound)
        rows, _ = self._page(what, f"key in ({quoted})", "updated", 0, len(sound), validateQuery="false")
        return frozenset(str(row.get("key")) for row in self._site.records(what, rows))

    def count(self, what: str, jql: str) -> int | None:
        return self._page(what, jql, "updated", 0, 0)[1]

    def changelog(self, what: str, key: str) -> Sequence[Record]:
        """With the issue, whole: there is no address for it alone."""
        told = self._site.session.get(what, paths.issue(key), fields="updated", expand="changelog")
        found = told.get("changelog") if isinstance(told, dict) else None
        return self._site.records(what, found.get("histories") if isinstance(found, dict) else None)

    def _one(self, what: str, key: str, property: str) -> Record | None:
        try:
            found: Record = self._site.session.get(what, paths.issue(key), fields="labels", properties=property)
        except NotFound:
            return None
        return found

    def _page(
        self, what: str, jql: str, asked: str, at: int, size: int, read: Callable[[bytes], Any] = orjson.loads, **more: str
    ) -> tuple[list[Any], int]:
        """The issues from this place on, as many as the site gives at once, and how many there are in all."""
        page = self._site.session.get(what, "search", read=read, jql=jql, fields=asked, startAt=at, maxResults=size, **more)
        if not isinstance(page, dict) or not isinstance(page.get("issues"), list) or not isinstance(page.get("total"), int):
            raise Unreadable(self._connection, f"{what}: the answer is no page of issues")
        return page["issues"], page["total"]


class _Place:
    """Where a reading stands: the second from which the query goes, and the place in its answer."""

    def __init__(self, start: datetime) -> None:
        self.since, self.at, self.restarts = start.replace(microsecond=0), 0, 0
        self._anchor: Any = None
        self._given: set[tuple[str, str]] = set()

    def holds(self, rows: Sequence[Any]) -> bool:
        """Whether the list still stands where we left it; if not, the second is to be read from its start."""
        if self._anchor is None or (rows and known(rows[0])[0] == self._anchor):
            return True
        self.at, self._anchor = 0, None
        self.restarts += 1
        return False

    def fresh(self, rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if known(row) not in self._given]

    def advance(self, rows: Sequence[Any]) -> None:
        end = _second(rows[-1])
        if end is not None and end > self.since:
            self.since, self.at, self._anchor, self.restarts = end, 0, None, 0
            self._given = {known(row) for row in rows if _second(row) == end}
            return
        self._given.update(map(known, rows))
        alone = len(rows) == 1
        self.at += 1 if alone else len(rows) - 1
        self._anchor = None if alone else known(rows[-1])[0]


def _second(row: Any) -> datetime | None:
    try:
        at: datetime = moment(known(row)[1])
    except ValueError:
        return None
    return at.replace(microsecond=0)


def _content(file: Attachment) -> Content:
    """Where people open it; the interface itself hands out none."""
    return Content(f"secure/attachment/{paths.part(file.id)}/{paths.part(file.name)}", "{server}/{path}")


DATA_CENTER = Dialect(
    version="2",
    sdk="Server",
    people=People(
        keys=("key", "displayName", "emailAddress", "name"),
        person=_person,
        lasting="key",
        written="name",
        asked="username",
        by="username",
        said="USER-NAME",
    ),
    texts=Texts(read=wiki.text, told=wiki.told, files=form.files, field=wiki.markup, again=wiki.again, area=str, rich=wiki.rich),
    types="values",
    screen="values",
    links_once=False,
    content=_content,
    sent_on=None,
    asks=DataCenterQuestions,
)
