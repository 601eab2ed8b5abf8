"""What differs between the deployments of Jira, as one value: the interface, how a person is named, how text is kept, how it is searched.

Everything else in this folder speaks through it and never asks which deployment it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from connectors.base import Page
from connectors.jira.watermark import Watermark
from connectors.mapping import Record
from connectors.text.limits import Limit
from rules.ticket import Attachment, Mention, Person

if TYPE_CHECKING:
    from connectors.jira.issues import IssueReader
    from connectors.jira.settings import JiraSettings
    from connectors.jira.site import Site

Emails = Mapping[str, str]
"""The e-mail addresses that `accounts` of the connection tells, by the name under which the site knows the person."""


@dataclass(frozen=True, slots=True)
class People:
    """How accounts are named. `keys` are what is read of one, in the order in which `person` takes their values.

    `lasting` is the key that stays, `written` the one by which a person is written and mentioned, which errors call `said`; `asked` is the
    parameter of `/user/search`, `by` that of `/user`.
    """

    keys: tuple[str, ...]
    person: Callable[[tuple[Any, ...], Emails], Person]
    lasting: str
    written: str
    asked: str
    by: str
    said: str


@dataclass(frozen=True, slots=True)
class Texts:
    """How text is kept. `read` is what people would read of it, `told` the same with those whom it mentions, `files` the names of the
    files that it shows (None: one without a name); `field` a field's plain text so that it reads back letter by letter, `again` the same
    with those mentioned whom the text that it replaces mentions there, `area` that of a site's own text area; `rich` a reply, a note or
    a description, which are Markdown, within a limit, mentioning nobody but the last."""

    read: Callable[[Any], str]
    told: Callable[[Any], tuple[str, tuple[Mention, ...]]]
    files: Callable[[Any], Iterator[str | None]]
    field: Callable[[str], Any]
    again: Callable[[str, Any], Any]
    area: Callable[[str], Any]
    rich: Callable[[str, Limit, frozenset[str]], Any]


class Questions(Protocol):
    """What each deployment is asked in its own way. Every answer that is not what it documents raises `Unreadable`."""

    def pages(self, issues: "IssueReader", start: datetime, mark: Watermark) -> Iterator[Page]:
        """All issues touched at or after `start`, oldest first; `mark` is how far the connection was read."""

    def found(self, what: str, jql: str, size: int, property: str) -> list[Record]:
        """The first issues of a search, with their labels, and with this property where a search brings it."""

    def bulk(self, what: str, keys: Sequence[str], property: str) -> list[Record]:
        """Those of these issues that are there, with their labels and this property; never behind the writes, as a search may be."""

    def present(self, what: str, keys: Sequence[str]) -> frozenset[str]:
        """The keys, as they are now, of those of these issues that are there."""

    def count(self, what: str, jql: str) -> int | None:
        """About how many issues a search finds."""

    def changelog(self, what: str, key: str) -> Sequence[Record]:
        """All that ever happened to an issue."""


@dataclass(frozen=True, slots=True)
class Content:
    """The address of a file's bytes, as the session takes it."""

    path: str
    base: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One deployment. `version` is that of its REST interface, `sdk` the SDK's word for it; `types` and `screen` are the names under
    which the lists of issue types and of a screen's fields stand when an issue is to be made; `links_once`: the same link again is promised
    to change nothing. `content` is where the bytes of a file are; `sent_on` are the hosts to which a download may be sent on from there
    (None: that means signing in, for people)."""

    version: str
    sdk: str
    people: People
    texts: Texts
    types: str
    screen: str
    links_once: bool
    content: Callable[[Attachment], Content]
    sent_on: tuple[str, ...] | None
    asks: "Callable[[Site, JiraSettings], Questions]"
