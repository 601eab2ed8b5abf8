"""What is said on a case: case comments, posts in its feed and e-mails. All are read; one of them is what our replies are.

A note is a post where replies are posts, else a case comment: an e-mail is never internal.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.base import NOBODY
from connectors.errors import ConnectorError, InDoubt, NotFound, Rejected
from connectors.mapping import Record
from connectors.salesforce import mentioning
from connectors.salesforce.answers import made, reading
from connectors.salesforce.conversation import comment_of, email_of, mark_in, post_of
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.soql import POSTS, quoted, stamp
from connectors.text import limits, markdown, mentions, plain
from connectors.text.limits import Limit, in_bytes
from rules.plan import Receipt
from rules.ticket import Comment

if TYPE_CHECKING:
    from connectors.salesforce.session import Session

BY_TIME = "ORDER BY CreatedDate ASC, Id ASC"
PERSON = "CreatedById, CreatedBy.Name, CreatedBy.Email"
ROOM = 24  # for our mark


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the three: how it is asked for, what holds its text, whether a customer sees it, and how much it takes."""

    select: str
    text: str
    read: Callable[[Record], Comment]
    limit: tuple[int, Callable[[str], int]]


COMMENT = Kind(
    f"SELECT Id, CommentBody, IsPublished, CreatedDate, {PERSON}, CreatedBy.UserType FROM CaseComment WHERE ",  # noqa: S608
    "CommentBody",
    comment_of,
    (4_000 - ROOM, in_bytes),  # object reference, CaseComment
)
POST = Kind(
    f"SELECT Id, Body, Visibility, CreatedDate, {PERSON}, CreatedBy.UserType FROM CaseFeed WHERE {POSTS} AND ",  # noqa: S608
    "Body",
    post_of,
    (10_000 - ROOM, len),  # object reference, FeedItem
)
EMAIL = Kind(
    "SELECT Id, Incoming, TextBody, Headers, FromName, FromAddress, CreatedDate FROM EmailMessage WHERE ",
    "TextBody",
    email_of,
    (32_000 - ROOM, len),  # object reference, EmailMessage
)
KINDS: Mapping[str, Kind] = {"comment": COMMENT, "feed": POST, "email": EMAIL}
ADDRESS = "SELECT CaseNumber, Subject, Contact.Email, SuppliedEmail FROM Case WHERE Id = "
NO_ADDRESS = "the case names nobody's e-mail address; give its contact one, or write replies: comment for this connection"


def _mark(mark: str) -> str:
    return f"\n\n⟨tg:{mark[:8]}⟩"


class Saying:
    """Raises `NotFound` where there is no case, `Rejected` for a reply by e-mail to nobody."""

    def __init__(self, connection: str, session: "Session", settings: SalesforceSettings) -> None:
        self._connection, self._session, self._settings = connection, session, settings

    def said(self, what: str, key: str, since: datetime | None) -> list[Comment]:
        """All of it at or after `since`, oldest first."""
        later = f" AND CreatedDate >= {stamp(since)}" if since else ""
        rows = [(kind, self._session.all(what, f"{kind.select}ParentId = {quoted(key)}{later} {BY_TIME}")) for kind in self._kinds()]
        with reading(self._connection, what):
            read = {kind: [kind.read(row) for row in some] for kind, some in rows}
        if POST in read:
            read[POST] = list(mentioning.beside(self._connection, self._session, what, read[POST]))
        found = [one for some in read.values() for one in some]
        return sorted((c for c in found if since is None or c.at >= since), key=lambda c: c.at)

    def _kinds(self) -> Iterator[Kind]:
        yield COMMENT
        if self._settings.reads_feed:
            yield POST
        if self._settings.emails:
            yield EMAIL

    def say(self, what: str, key: str, text: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        """The receipt has no version: an edit by somebody else could hide behind it."""
        way = self._way(public=public)
        said = self._written(text, KINDS[way])
        if called and not public and self.mentions and (posted := self._mentioned(what, key, text, mark, called)) is not None:
            return posted
        whole = f"{said.rstrip()}{_mark(mark)}" if self._settings.marks else said
        if way == "email":
            return self._mailed(what, key, text, whole, mark)
        path, body = self._row(way, key, whole, public=public)
        with self._session.saying(public=public):
            answer = self._session.ask(what, "POST", path, body=body, meaning=self._no_parent)
        return Receipt(id=made(self._connection, what, answer))

    @property
    def mentions(self) -> bool:
        """Whether a note can: it is a post, and found again by its mark, for Salesforce shows whom it mentions by its own name of them."""
        return self._settings.replies == "feed" and self._settings.marks

    def _mentioned(self, what: str, key: str, text: str, mark: str, called: frozenset[str]) -> Receipt | None:
        """None where that mentions nobody, is too long, or is refused: then nothing happened, and the note goes with names."""
        limit = Limit(*POST.limit, self._settings.four_byte_letters)
        shown, found = mentions.told(mentions.only(markdown.read(limits.cleaned(text, limit)), called))
        if not found or limit.size(shown) > limit.longest:
            return None
        body = mentioning.post(key, f"{shown.rstrip()}{_mark(mark)}", found)
        try:
            with self._session.saying(public=False):
                answer = self._session.ask(what, "POST", "chatter/feed-elements", body=body, meaning=self._no_parent)
        except (NotFound, Rejected):
            return None
        return Receipt(id=mentioning.made(self._connection, what, answer))

    def found(self, what: str, key: str, text: str, *, public: bool, mark: str) -> Receipt | None:
        """By the mark; without `marks`, by the very text in what our own user said."""
        kind = KINDS[self._way(public=public)]
        rows = self._session.all(what, f"{kind.select}ParentId = {quoted(key)} {BY_TIME}")
        is_it = self._by_mark(mark) if self._settings.marks else self._by_text(self._written(text, kind))
        with reading(self._connection, what):
            fitting = (row for row in reversed(rows) if kind.read(row).public is public and not row.get("Incoming"))
            return next((Receipt(id=str(row["Id"])) for row in fitting if is_it(str(row[kind.text] or ""), row)), None)

    def _way(self, *, public: bool) -> str:
        return self._settings.replies if public or self._settings.replies == "feed" else "comment"

    def _written(self, text: str, kind: Kind) -> str:
        """Markdown as plain text, with room for our mark: none of the three shows markup."""
        return limits.said(text, plain.write, str, Limit(*kind.limit, self._settings.four_byte_letters))

    def _row(self, way: str, key: str, text: str, *, public: bool) -> tuple[str, dict[str, Any]]:
        if way == "feed":
            return "sobjects/FeedItem/", {"ParentId": key, "Body": text, "Visibility": "AllUsers" if public else "InternalUsers"}
        return "sobjects/CaseComment/", {"ParentId": key, "CommentBody": text, "IsPublished": public}

    def _mailed(self, what: str, key: str, text: str, whole: str, mark: str) -> Receipt:
        """By the action that sends; an EmailMessage that is only inserted reaches nobody. Salesforce logs it on the case, where it is
        looked for: the action's own answer does not name it."""
        sent = {"inputs": [self._mail(what, key, whole)]}
        answer = self._session.ask(what, "POST", "actions/standard/emailSimple", body=sent, meaning=self._no_parent)
        first = answer[0] if isinstance(answer, list) and answer else answer
        if not isinstance(first, dict) or first.get("isSuccess") is not True:
            raise InDoubt(self._connection, f"{what}: the answer does not say that it was sent")
        found = None
        with suppress(ConnectorError):  # it was sent, whatever else fails
            found = self.found(what, key, text, public=True, mark=mark)
        return found or Receipt()

    def _mail(self, what: str, key: str, whole: str) -> dict[str, Any]:
        rows = self._session.all(what, f"{ADDRESS}{quoted(key)}")
        if not rows:
            raise NotFound(self._connection, f"{what}: there is no such case, or our user may not see it")
        case, sender = rows[0], self._settings.reply_address
        to = (case.get("Contact") or {}).get("Email") or case.get("SuppliedEmail")
        if not to:
            raise Rejected(self._connection, f"{what}: {NO_ADDRESS}")
        by = {"senderType": "OrgWideEmailAddress", "senderAddress": sender} if sender else {"senderType": "CurrentUser"}
        logged = {"relatedRecordId": key, "logEmailOnSend": True, "addThreadingTokenToSubject": True}
        subject = f"Re: {case.get('Subject') or case.get('CaseNumber')}"[:255]
        return {"emailAddresses": to, "emailSubject": subject, "emailBody": whole, **by, **logged}

    def _by_mark(self, mark: str) -> Callable[[str, Record], bool]:
        return lambda said, row: mark_in(said) == mark[:8]

    def _by_text(self, body: str) -> Callable[[str, Record], bool]:
        me = self._session.me()
        return lambda said, row: said.strip() == body.strip() and row["CreatedById"] == me

    def _no_parent(self, status: int, code: str, said: str) -> ConnectorError | None:
        return NotFound(self._connection, said) if code == "INVALID_CROSS_REFERENCE_KEY" else None
