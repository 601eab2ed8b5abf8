"""Jira's comments and changelogs in our words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.jira import fields
from connectors.jira.dialect import Dialect, Emails, People
from connectors.jira.fields import Own
from connectors.mapping import Words, moment
from rules.ticket import Change, Comment, Person, Role, Value

MARK = "ticketgate.mark"  # the property of a comment or an issue by which we find what we wrote
INTERNAL = "sd.public.comment"  # Jira Service Management's own property of an internal comment
OUR_LABEL = "tg-"


def is_ours(label: str) -> bool:
    """Whether a label is the mark of a ticket that we made; it is no tag of anybody's."""
    return label.startswith(OUR_LABEL) and len(label) == 11 and all(c in "0123456789abcdef" for c in label[3:])


def label_of(mark: str) -> str:
    return OUR_LABEL + mark[:8]


def tags(labels: Iterable[Any]) -> frozenset[str]:
    return frozenset(label for label in map(str, labels) if not is_ours(label))


def person(user: Mapping[str, Any] | None, people: People, emails: Emails) -> Person | None:
    """A Jira account; `emails` are those of the settings' `accounts`, for people whose address Jira hides."""
    return people.person(tuple(map(user.get, people.keys)), emails) if user else None


def properties(comment: Mapping[str, Any]) -> dict[str, Any]:
    return {str(p.get("key")): p.get("value") for p in comment.get("properties") or ()}


def mark_of(value: Any) -> str | None:
    """The mark in a property's value."""
    return value.get("mark") if isinstance(value, Mapping) else None


def is_public(comment: Mapping[str, Any]) -> bool:
    """Whether a customer can see it: not when Jira says it is internal, nor when it is shown to one role or group only."""
    internal = properties(comment).get(INTERNAL)
    if comment.get("jsdPublic") is False or comment.get("visibility"):
        return False
    return not (isinstance(internal, Mapping) and internal.get("internal"))


def comment(said: Mapping[str, Any], reporter: Mapping[str, Any], emails: Emails, dialect: Dialect) -> Comment:
    """`reporter` is the account of the ticket's requester, whose public comments are the customer's."""
    author, public, lasting = said.get("author") or {}, is_public(said), dialect.people.lasting
    text, mentions = dialect.texts.told(said.get("body"))
    return Comment(
        id=str(said["id"]),
        at=moment(said["created"]),
        text=text,
        public=public,
        role=_role(author.get("accountType"), public=public, reports=bool(reporter) and author.get(lasting) == reporter.get(lasting)),
        author=person(author, dialect.people, emails),
        ours=mark_of(properties(said).get(MARK)) is not None,
        mentions=mentions,
    )


def _role(kind: str | None, *, public: bool, reports: bool) -> Role:
    """`kind` is the account's, where Jira tells it; `reports`: it is the requester's."""
    if kind == "app":
        return Role.BOT
    if kind == "customer" or (public and reports):
        return Role.CUSTOMER
    return Role.AGENT


Reads = Callable[[str | None, str | None], Value]
"""From a changelog's id and text of a value to ours."""


def shown(id: str | None, text: str | None) -> Value:
    return text or None


def labels(id: str | None, text: str | None) -> Value:
    return tags((text or "").split())


def day(id: str | None, text: str | None) -> Value:
    return moment(id) if id else None


def worded(words: Words) -> Reads:
    return lambda id, text: words.read(text) if text else None


def changes(
    entries: Iterable[Mapping[str, Any]], followed: Mapping[str, tuple[str, Reads]], people: People, emails: Emails
) -> tuple[Change, ...]:
    """A changelog's entries as changes of our fields, oldest first; what reads the same before and after is no change of ours."""
    found = [change for entry in entries for change in _of(entry, followed, people, emails)]
    return tuple(sorted(found, key=lambda change: change.at))


def _of(entry: Mapping[str, Any], followed: Mapping[str, tuple[str, Reads]], people: People, emails: Emails) -> Iterable[Change]:
    at: datetime = moment(entry["created"])
    by = person(entry.get("author"), people, emails)
    for item in entry.get("items") or ():
        name, reads = followed.get(item.get("fieldId") or _named(item), (None, shown))
        if name is None:
            continue
        before, after = reads(item.get("from"), item.get("fromString")), reads(item.get("to"), item.get("toString"))
        if before != after:
            yield Change(field=name, before=before, after=after, at=at, by=by.known_as if by else None)


def _named(item: Mapping[str, Any]) -> str:
    """Data Center tells no ids of fields: a site's own is known by its name, which may be that of one of Jira's."""
    return own_name(str(item.get("field"))) if item.get("fieldtype") == "custom" else str(item.get("field"))


def own_name(label: str) -> str:
    return f"custom:{label}"


def typed(kind: str) -> Reads:
    """A site's own field: what people read in the changelog, in the declared type where it can be that."""

    def reads(id: str | None, text: str | None) -> Value:
        if not text:
            return None
        try:
            return fields.read([part.strip() for part in text.split(",")] if kind == "set" else text, kind)
        except ValueError:
            return text

    return reads


def followed(own: Iterable[Own], words: Mapping[str, Words], status: Reads, emails: Emails) -> dict[str, tuple[str, Reads]]:
    """Which fields of a changelog are ours, and how each is read; `own` are the site's own."""

    def who(id: str | None, text: str | None) -> Value:
        return emails.get(id or "") or text or id

    return {
        "summary": ("subject", shown),
        "resolution": ("resolution", shown),
        "priority": ("priority", worded(words["priority"])),
        "issuetype": ("type", worded(words["type"])),
        "status": ("status", status),
        "assignee": ("assignee", who),
        "reporter": ("requester", who),
        "labels": ("tags", labels),
        "duedate": ("due_at", day),
        **{key: (o.name, typed(o.type)) for o in own for key in (o.id, own_name(o.label))},
    }
