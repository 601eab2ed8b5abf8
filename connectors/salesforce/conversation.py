"""What was said about a case, in our words: comments, e-mails and posts. Pure."""

import re

from connectors.mapping import Record, moment
from rules.ticket import Comment, Person, Role

PORTAL = re.compile(r"Portal|Customer|Partner|Csp|Guest|Community", re.IGNORECASE)
ROBOTS = frozenset({"AutomatedProcess", "CloudIntegrationUser"})
MARK = re.compile(r"\s*⟨tg:([0-9a-f]{8})⟩\s*\Z")
AUTOMATIC = re.compile(r"^(auto-submitted:(?!\s*no\b)|x-auto-response-suppress:|precedence:\s*(bulk|auto_reply))", re.I | re.M)


def comment_of(record: Record) -> Comment:
    """A case comment; ours where it ends with our mark, unless a customer wrote it."""
    by, text = record.get("CreatedBy") or {}, str(record.get("CommentBody") or "")
    role, marked = _role(by.get("UserType")), MARK.search(text)
    return Comment(
        id=record["Id"],
        at=moment(record["CreatedDate"]),
        text=text[: marked.start()] if marked else text,
        public=record["IsPublished"] is True,
        role=role,
        author=Person(id=record.get("CreatedById"), name=by.get("Name"), email=by.get("Email"), automated=role == Role.BOT),
        ours=marked is not None and role != Role.CUSTOMER,
    )


def post_of(record: Record) -> Comment:
    """A post in the case's feed, read as a case comment is; only one for all users is seen by a customer."""
    return comment_of({**record, "CommentBody": record["Body"], "IsPublished": record["Visibility"] == "AllUsers"})


def mark_in(text: str | None) -> str | None:
    """The eight digits of our mark at the end of a comment."""
    found = MARK.search(text or "")
    return found[1] if found else None


def _role(user_type: str | None) -> Role:
    if user_type in ROBOTS:
        return Role.BOT
    return Role.CUSTOMER if user_type and PORTAL.search(user_type) else Role.AGENT


def email_of(record: Record) -> Comment:
    """An e-mail of the case: public, by the customer when it came in. Its own headers tell an automatic answer."""
    incoming, automatic = record["Incoming"] is True, bool(AUTOMATIC.search(record.get("Headers") or ""))
    sender = Person(name=record.get("FromName") or None, email=record.get("FromAddress") or None, automated=automatic)
    text = str(record.get("TextBody") or "")
    marked = None if incoming else MARK.search(text)  # a customer's answer may end with ours, quoted
    return Comment(
        id=record["Id"],
        at=moment(record["CreatedDate"]),
        text=text[: marked.start()] if marked else text,
        public=True,
        role=Role.BOT if automatic else Role.CUSTOMER if incoming else Role.AGENT,
        author=sender,
        ours=marked is not None,
    )
