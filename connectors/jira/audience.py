"""Which of an issue's files customers see. Jira says it of no file: it follows from the comments that show it, and from who attached it.

In a service desk a file is the customers' that they attached themselves or that hangs on a public comment; whatever hangs on the issue
alone is the agents'. Elsewhere whoever sees the issue sees its files, but for those that only a comment shows which is kept to a role or
group, or is internal.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from connectors.jira import desk, reading
from connectors.mapping import Record

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession
    from connectors.jira.site import Site

Audience: TypeAlias = Callable[[Record], bool]
"""Whether a customer sees a file, by its record."""
ID = re.compile(r"/attachment/(?:content/)?([0-9]+)(?:/|$)")


def is_desk(project: Any) -> bool:
    """Whether issues of this project may be requests; a project of which Jira does not say what it is may be one."""
    kind = project.get("projectTypeKey") if isinstance(project, Mapping) else None
    return kind in (None, "service_desk")


def audience(site: "Site", what: str, key: str, fields: Record) -> Audience:
    """Of the files of this issue; `fields` are its project and its reporter."""
    if not is_desk(fields.get("project")):
        return _of_project(site, what, key)
    lasting = site.dialect.people.lasting
    reporter, shown = (fields.get("reporter") or {}).get(lasting), frozenset(shown_on(site.session, what, key))

    def sees(file: Record) -> bool:
        author = file.get("author") or {}
        theirs = author.get("accountType") == "customer" or (reporter is not None and author.get(lasting) == reporter)
        return theirs or str(file["id"]) in shown

    return sees


def shown_on(session: "JiraSession", what: str, key: str) -> Iterator[str]:
    """The ids of the files on the public comments of a request; none of an issue that is no request, or that is not ours to read."""
    try:
        for said in desk.rows(session, what, desk.request(key, "comment"), internal="false", expand="attachment"):
            if said.get("public") is True:
                yield from filter(None, map(id_of, _files(session, what, key, said)))
    except desk.NOT_OURS:
        return


def _files(session: "JiraSession", what: str, key: str, said: Record) -> Iterator[Record]:
    """A list of comments tells the first few files of each."""
    page = said.get("attachments") or {}
    if page.get("isLastPage") is False:
        yield from desk.rows(session, what, desk.request(key, "comment", str(said["id"]), "attachment"))
    else:
        yield from page.get("values") or ()


def id_of(file: Record) -> str | None:
    """Service Management gives a file no id of its own; its addresses hold it."""
    links = file.get("_links") or {}
    found = (ID.search(str(links.get(name))) for name in ("jiraRest", "content"))
    return next((hit[1] for hit in found if hit is not None), None)


def _of_project(site: "Site", what: str, key: str) -> Audience:
    """A file that a comment shows without a name may be any that no other comment names."""
    shown, kept = set[str | None](), set[str | None]()
    for said in site.comments(what, key):
        (shown if reading.is_public(said) else kept).update(site.dialect.texts.files(said.get("body")))
    return lambda file: file["filename"] in shown or not ({file["filename"], None} & kept)
