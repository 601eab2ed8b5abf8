"""Zendesk Support. Quirks: the export withholds the last minute; tags are written whole, so under the guard of a stamp; closed is final.

Reading is the cursor-based incremental export: complete, ordered, and durable, where a search stops at 1,000 results and lags.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from connectors.base import NO_TAGS, Abilities, Connector, ConnectorSettings, Cursor, Custom, Page, Spoilt
from connectors.errors import CursorExpired, NotFound, Rejected, Stale, Transient, Unauthorized, Unreadable
from connectors.mapping import Record, Unwritable, declared, moment, payload
from connectors.zendesk.directory import Directory, pages
from connectors.zendesk.reading import MARK, TABLE, Beside, changes_of, comment_of, custom_row, mark_of, stamp_of, ticket_reader, version_of
from connectors.zendesk.settings import ZendeskSettings
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Change, Comment, Person, Ticket, Value

if TYPE_CHECKING:
    from connectors.zendesk.session import Session

BESIDE = "users,groups,organizations"
WITHHELD = timedelta(seconds=90)  # an export's start must be older than a minute; half a minute more for clocks that differ
COUPLED = {"assignee": frozenset({"status", "group"}), "group": frozenset({"assignee"})}
OWN = ("ticket_form_id", "brand_id", "custom_status_id", "problem_id")


class ZendeskConnector(Connector):
    """One Zendesk account. A version is Zendesk's `updated_at` and a digest of the content (`reading.version_of`)."""

    Settings = ZendeskSettings
    abilities = Abilities(
        reads=frozenset({f.name for f in TABLE}) | {"url"},
        writes=frozenset({f.name for f in TABLE if f.writes}) | {"tags"},
        coupled=COUPLED,
        replies=True,
        notes=True,
        creates=True,
        comments=True,
        history=True,
        guards=True,
    )

    def __init__(self, connection: str, session: "Session", settings: ZendeskSettings, custom: tuple[Custom, ...] = ()) -> None:
        super().__init__(connection)
        own = [custom_row(c) for c in custom]
        rows = [f for f in TABLE if f.name not in {row.name for row in own}]
        self._table = declared((*rows, *own), settings.words)
        self._read = ticket_reader(connection, self._table, settings.url)
        self._session, self._page_size = session, settings.page_size
        self._directory = Directory(connection, session)

    @classmethod
    def opened(cls, connection: str, settings: ConnectorSettings, custom: tuple[Custom, ...] = (), *, read_only: bool = False) -> Self:
        from connectors.zendesk.session import Session  # zenpy and requests: not paid for by those who only want to know the abilities

        own = settings if isinstance(settings, ZendeskSettings) else ZendeskSettings.model_validate(settings.model_dump())
        return cls(connection, Session(connection, own, read_only=read_only), own, custom)

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        """The export needs no overlap: what is withheld for a minute comes later, in order. A system change comes as well."""
        mark = _Mark.at(since) if isinstance(since, datetime) else _Mark.read(self.connection, since)
        last = False
        while not last:
            answer = self._export(mark)
            mark, last = mark.moved(self.connection, answer), answer["end_of_stream"] is True
            yield self._page(answer, mark, since if isinstance(since, datetime) else None, last=last)

    def fetch(self, key: str) -> Ticket:
        answer = self._session.get(f"read ticket {key}", f"tickets/{self._number(key)}", include=BESIDE)
        record = _part(self.connection, f"read ticket {key}", answer, "ticket")
        try:
            return self._read(record, Beside(answer))
        except ValueError as error:
            raise Unreadable(self.connection, f"read ticket {key}: {error}") from None

    def check_sign_in(self) -> str:
        """Zendesk answers a wrong token here with 200 and an anonymous user, who has no id."""
        user = _part(self.connection, "check the sign-in", self._session.get("check the sign-in", "users/me"), "user")
        if not user.get("id"):
            raise Unauthorized(self.connection, "check the sign-in: Zendesk knows us only as an anonymous user; check sign_in")
        return f"{user.get('name')} <{user.get('email')}>, {user.get('role')}"

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        what, number = f"update ticket {key}", self._number(key)
        sent = self._payload(what, fields)
        if tags:
            sent["tags"] = self._tags(key, number, version, tags)
        guard = {"safe_update": True, "updated_stamp": stamp_of(version), "metadata": {MARK: "update"}}
        answer = self._session.send(what, "PUT", f"tickets/{number}", {"ticket": {**sent, **guard}})
        return self._receipt(what, answer, {*fields, *(["tags"] if tags else [])})

    def comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt:
        what = f"{'reply to' if public else 'leave a note on'} ticket {key}"
        said = {"comment": {"body": body, "public": public}, "metadata": {MARK: mark}}
        with _unguarded(self.connection):
            answer = self._session.send(what, "PUT", f"tickets/{self._number(key)}", {"ticket": said})
        audit, ticket = (_part(self.connection, what, answer, name) for name in ("audit", "ticket"))
        return Receipt(id=_comment_id(audit), version=version_of(ticket))

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        what = "create a ticket"
        given = {k: v for k, v in draft.fields.items() if k not in ("body", "tags", "requester")}
        ticket = {**self._payload(what, given), "external_id": mark, "metadata": {MARK: mark}}
        ticket |= self._requester(draft.fields.get("requester")) | self._own(draft.own, ticket.pop("custom_fields", []))
        if isinstance(tags := draft.fields.get("tags"), frozenset):
            ticket["tags"] = sorted(tags)
        ticket["comment"] = {"body": str(draft.fields.get("body") or draft.fields.get("subject") or ""), "public": True}
        with _unguarded(self.connection):
            answer = self._session.send(what, "POST", "tickets", {"ticket": ticket}, {"Idempotency-Key": mark})
        return _made(_part(self.connection, what, answer, "ticket"))

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        audits = self._audits(f"look for our mark on ticket {key}", key)
        return next((Receipt(id=_comment_id(a)) for page in audits for a in page["audits"] if mark_of(a) == mark), None)

    def applied_create(self, mark: str) -> Receipt | None:
        answer = self._session.get("look for the ticket made", "tickets", external_id=mark)
        return next((_made(t) for t in answer.get("tickets") or () if t.get("external_id") == mark), None)

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        """Without the first: every ticket's first comment is its description, which is our `body`."""
        what = f"read the comments of ticket {key}"
        beside, records = Beside({}), []
        for page in pages(self._session, what, f"tickets/{self._number(key)}/comments", include="users"):
            records += page.get("comments") or ()
            beside.know(page)
        with _reading(self.connection, what):
            later = [c for c in records[1:] if since is None or moment(c["created_at"]) >= since]
            self._directory.completed(beside, {c["author_id"] for c in later}, ())
            return tuple(comment_of(c, beside) for c in later)

    def history(self, key: str) -> tuple[Change, ...]:
        what = f"read the history of ticket {key}"
        beside, audits = Beside({}), []
        for page in self._audits(what, key):
            audits += page["audits"]
            beside.know(page)
        with _reading(self.connection, what):
            self._directory.completed(beside, _ids(audits, "assignee_id"), _ids(audits, "group_id"))
            return tuple(change for a in audits for change in changes_of(a, self._table, beside))

    def close(self) -> None:
        self._session.close()
