"""Jira Cloud's dialect: REST v3, accounts by their id, texts as Atlassian documents, a search by page tokens."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from connectors.base import Page
from connectors.errors import CursorExpired, Rejected, Unreadable
from connectors.jira import adf, paths
from connectors.jira.dialect import Content, Dialect, Emails, People, Texts
from connectors.jira.watermark import Watermark, jql
from connectors.mapping import Record
from connectors.text import adf as form
from connectors.text import limits, plain
from connectors.text.limits import Limit
from rules.ticket import Attachment, Person

if TYPE_CHECKING:
    from connectors.jira.issues import IssueReader
    from connectors.jira.settings import JiraSettings
    from connectors.jira.site import Site

SEARCH = "search/jql"


def _person(known: tuple[Any, ...], emails: Emails) -> Person:
    """The e-mail address comes from the settings' `accounts` where privacy hides it."""
    id, name, email, kind = known
    return Person(id=id, name=name, email=email or emails.get(str(id)) or None, automated=kind == "app")


def _rich(text: str, limit: Limit, called: frozenset[str]) -> dict[str, Any]:
    """What Jira counts is the text that people read in the document."""
    return limits.said(text, form.write, lambda made: plain.write(form.read(made)), limit, called)


class CloudQuestions:
    """See `Questions`. Jira's page token serves one reading only; the cursor is a watermark of our own."""

    def __init__(self, site: "Site", settings: "JiraSettings") -> None:
        self._site, self._settings, self._connection = site, settings, site.connection

    def pages(self, issues: "IssueReader", start: datetime, mark: Watermark) -> Iterator[Page]:
        token: str | None = None
        while True:
            query = jql(start, self._settings.project)
            try:
                found, following = self._page("reading what changed", query, issues.asked, self._settings.page_size, token, issues.decoded)
            except Rejected as error:
                if token is None:
                    raise
                if start >= mark.updated:
                    raise CursorExpired(self._connection, error.message) from None
                start, token = mark.updated, None  # the token ran out: the watermark is the way back in
                continue
            page, mark = issues.page(found, mark, last=following is None)
            yield page
            if following is None:
                return
            token = following

    def found(self, what: str, jql: str, size: int, property: str) -> list[Record]:
        return self._page(what, jql, "labels", size, properties=property)[0]

    def bulk(self, what: str, keys: Sequence[str], property: str) -> list[Record]:
        return self._fetched(what, {"issueIdsOrKeys": list(keys), "fields": ["labels"], "properties": [property]})

    def present(self, what: str, keys: Sequence[str]) -> frozenset[str]:
        rows = self._fetched(what, {"issueIdsOrKeys": list(keys), "fields": ["updated"]})
        return frozenset(str(row.get("key")) for row in rows)

    def count(self, what: str, jql: str) -> int | None:
        found = self._site.session.ask(what, "POST", "search/approximate-count", body={"jql": jql})
        return found.get("count") if isinstance(found, dict) else None

    def changelog(self, what: str, key: str) -> Sequence[Record]:
        return list(self._site.rows(what, paths.issue(key, "changelog"), "values"))

    def _page(
        self, what: str, jql: str, asked: str, size: int, token: str | None = None, read: Callable[[bytes], Any] = orjson.loads, **more: str
    ) -> tuple[list[Any], str | None]:
        """One page of a search, as `read` decodes it, and the token of the next; None after the last."""
        params = {"jql": jql, "fields": asked, "maxResults": size, **more, **({"nextPageToken": token} if token else {})}
        page = self._site.session.get(what, SEARCH, read=read, **params)
        if not isinstance(page, dict) or not isinstance(page.get("issues"), list):
            raise Unreadable(self._connection, f"{what}: the answer is no page of issues")
        following = page.get("nextPageToken")
        if page.get("isLast") or not following:
            if page.get("isLast") is False:
                raise Unreadable(self._connection, f"{what}: there is more, but no token for it")
            return page["issues"], None
        if following == token:
            raise Unreadable(self._connection, f"{what}: the same page token came twice")
        return page["issues"], str(following)

    def _fetched(self, what: str, body: Mapping[str, Any]) -> list[Record]:
        """Past the search's index, as the issues are now."""
        page = self._site.session.ask(what, "POST", "issue/bulkfetch", body=body)
        return self._site.records(what, page.get("issues") if isinstance(page, dict) else None)


def _content(file: Attachment) -> Content:
    """From the site itself, not from the host of files to which it would send a browser ("Get attachment content" of REST v3)."""
    return Content(f"attachment/content/{paths.part(file.id)}", "{server}/rest/api/3/{path}", {"redirect": "false"})


CLOUD = Dialect(
    version="3",
    sdk="Cloud",
    people=People(
        keys=("accountId", "displayName", "emailAddress", "accountType"),
        person=_person,
        lasting="accountId",
        written="accountId",
        asked="query",
        by="accountId",
        said="ACCOUNT-ID",
    ),
    texts=Texts(read=adf.text, told=adf.told, files=form.files, field=adf.document, again=adf.again, area=adf.document, rich=_rich),
    types="issueTypes",
    screen="fields",
    links_once=True,
    content=_content,
    sent_on=("api.media.atlassian.com",),
    asks=CloudQuestions,
)
