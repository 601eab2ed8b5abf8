"""Zendesk Support. Quirks: the export withholds the last minute; tags are written whole, so under the guard of a stamp; closed is final.

Reading is the cursor-based incremental export: complete, ordered and durable, where a search stops at 1,000 results and lags.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from connectors.base import NO_TAGS, NOBODY, ConnectorSettings, Cursor, Custom, NativeSla, Page, Spoilt, Thing
from connectors.columns import MALFORMED, all_of
from connectors.errors import ConnectorError, CursorExpired, Gone, NotFound, Rejected, Stale, Transient, Unauthorized, Unsupported
from connectors.inventory import Permission, Pulse, RemoteField, RemoteTrigger
from connectors.mapping import Record, declared, moment
from connectors.pushes import Heard, Hooks, Push, trusted
from connectors.shared import Shared
from connectors.zendesk import inventory, pushes
from connectors.zendesk.abilities import ABILITIES
from connectors.zendesk.attachments import WithFiles
from connectors.zendesk.cursor import Mark
from connectors.zendesk.directory import Directory, pages
from connectors.zendesk.linking import link, linked
from connectors.zendesk.merging import is_merged, merged_into
from connectors.zendesk.reading import (
    TABLE,
    Beside,
    changes_of,
    comment_of,
    custom_row,
    mark_of,
    page_reader,
    shape_for,
    ticket_reader,
    version_of,
)
from connectors.zendesk.settings import ZendeskSettings
from connectors.zendesk.shape import generated, status_of
from connectors.zendesk.slas import native_slas
from connectors.zendesk.triggers import named_by, trigger_of
from connectors.zendesk.writing import Writing, comment_in, guarded, made, marked, part, reading, unguarded
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Change, Comment, Ticket, Value

if TYPE_CHECKING:
    from connectors.zendesk.session import Session

BESIDE = "users,groups,organizations"
WITHHELD = timedelta(seconds=90)  # an export's start must be older than a minute; half a minute more for clocks that differ


class ZendeskConnector(WithFiles):
    """One Zendesk account. A version is Zendesk's `updated_at` and a digest of the content (`reading.version_of`)."""

    Settings = ZendeskSettings
    abilities = ABILITIES

    def __init__(self, connection: str, session: "Session", settings: ZendeskSettings, custom: tuple[Custom, ...] = ()) -> None:
        super().__init__(connection)
        own = [custom_row(c) for c in custom]
        rows = [f for f in TABLE if f.name not in {row.name for row in own}]
        self._table = declared((*rows, *own), settings.words)
        self._read = ticket_reader(connection, self._table, settings.url)
        self._read_page, self._shape = page_reader(connection, self._table, settings.url), shape_for(self._table)
        self._session, self._page_size, self._pushes = session, settings.page_size, settings.pushes
        self._directory = Directory(connection, session)
        self._writing = Writing(connection, self._table, self._directory, self.abilities.coupled, wide=settings.four_byte_letters)

    @classmethod
    def opened(
        cls,
        connection: str,
        settings: ConnectorSettings,
        custom: tuple[Custom, ...] = (),
        *,
        read_only: bool = False,
        shared: Shared | None = None,
    ) -> Self:
        from connectors.zendesk.session import Session  # zenpy and requests: not paid for by those who only ask for the abilities

        own = settings if isinstance(settings, ZendeskSettings) else ZendeskSettings.model_validate(settings.model_dump())
        return cls(connection, Session(connection, own, read_only=read_only, shared=shared), own, custom)

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        """The export needs no overlap: what is withheld for a minute comes later, in order. System changes come as well."""
        start = since if isinstance(since, datetime) else None
        mark, last = Mark(start) if start else Mark.read(self.connection, str(since)), False
        while not last:
            answer = self._export(mark)
            mark, last = mark.moved(self.connection, answer), answer["end_of_stream"]
            yield self._page(answer, mark, start, last=last)

    def fetch(self, key: str) -> Ticket:
        what = f"read ticket {key}"
        answer = self._session.get(what, f"tickets/{self._number(key)}", {"include": BESIDE})
        with reading(self.connection, what):
            record = part(answer, "ticket")
            if record["status"] == "deleted":
                raise Gone(self.connection, key, "deleted")
            ticket = self._read(record, Beside(answer))
        into = self._merged_into(key) if is_merged(record) else None
        if into is not None:
            raise Gone(self.connection, key, "merged", into)
        return ticket

    def _merged_into(self, key: str) -> str | None:
        """As the update that closed it says; None where that says nothing: then it is a closed ticket like any other."""
        audits = self._audits(f"look where ticket {key} went", key, Beside({}))
        return next((into for audit in reversed(audits) if (into := merged_into(audit)) is not None), None)

    def count(self, since: datetime) -> int | None:
        """By search, which knows no deleted tickets, and those of the last minute not yet."""
        query = {"query": f"type:ticket updated>={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        found = self._session.get("count what changed", "search/count", query).get("count")
        return found if isinstance(found, int) else None

    def raw(self, key: str) -> Mapping[str, Any]:
        what = f"read ticket {key}"
        answer = self._session.get(what, f"tickets/{self._number(key)}", {"include": BESIDE})
        with reading(self.connection, what):
            return dict(part(answer, "ticket"))

    def check_sign_in(self) -> str:
        """Zendesk answers a wrong token here with 200 and an anonymous user."""
        what = "check the sign-in"
        answer = self._session.get(what, "users/me")
        with reading(self.connection, what):
            user = part(answer, "user")
        if not user.get("id"):
            raise Unauthorized(self.connection, f"{what}: Zendesk knows us only as an anonymous user; check sign_in")
        return f"{user.get('name')} <{user.get('email')}>, {user.get('role')}"

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        """Fields and tags go out in one PUT, which Zendesk refuses when the ticket was updated since `version`.

        The race that is left: Zendesk compares whole seconds, so a change within the second of `version`'s stamp, made after it was read,
        goes unnoticed; and a system change, which leaves the stamp alone, is seen only where tags are written.
        """
        what, number = f"update ticket {key}", self._number(key)
        sent = self._writing.payload(what, fields)
        if tags:
            sent["tags"] = self._tags(what, number, version, tags)
        if not sent:
            return Receipt(version=version)
        answer = self._session.send(what, "PUT", f"tickets/{number}", {"ticket": guarded(sent, version)})
        return self._writing.receipt(what, answer, {*fields, "tags"} if tags else {*fields})

    def comment(self, key: str, body: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        """Under the guard of an update: a copy of the request that arrives late, when we have asked and sent it again, is refused.

        After such a refusal it is looked whether our mark is there, for it may have been the copy that was refused.
        """
        what, number = f"{'reply to' if public else 'leave a note on'} ticket {key}", self._number(key)
        audit, version = self._spoken(what, number, {"html_body": self._writing.said(body), "public": public}, mark)
        with reading(self.connection, what, written=True):
            return Receipt(id=self._as_meant(what, audit, public=public), version=version)

    def _spoken(self, what: str, number: int, comment: Mapping[str, Any], mark: str) -> tuple[Record, str | None]:
        """The audit of the update that brought the comment, and the version after it where its answer came."""
        said = guarded({"comment": comment}, self._now(what, number), mark)
        try:
            with self._session.saying(public=comment["public"]):
                answer = self._session.send(what, "PUT", f"tickets/{number}", {"ticket": said})
        except Stale as error:
            if (found := self._marked(number, mark)) is not None:
                return found, None
            raise Transient(self.connection, f"{error.message} (another update was under way)") from None
        with reading(self.connection, what, written=True):
            return part(answer, "audit"), version_of(part(answer, "ticket"))

    def _marked(self, number: int, mark: str) -> Record | None:
        """The audit that holds our mark."""
        what = f"look for our mark on ticket {number}"
        audits = self._audits(what, str(number), Beside({}))
        with reading(self.connection, what):
            return next((a for a in reversed(audits) if mark_of(a) == mark), None)

    def _now(self, what: str, number: int) -> str:
        """The version that the ticket has now."""
        with reading(self.connection, what):
            return version_of(part(self._session.get(what, f"tickets/{number}"), "ticket"))

    def _as_meant(self, what: str, audit: Record, *, public: bool) -> str:
        """The id of the comment that an update brought. Of a light agent's reply Zendesk makes a note, and says so only here."""
        said = comment_in(audit)
        if said["public"] is not public:
            fix = "let the user of this connection make public comments (a light agent may not)"
            raise Rejected(self.connection, f"{what}: Zendesk made a {'note' if public else 'reply'} of it; {fix}")
        return str(said["id"])

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        what = "create a ticket"
        ticket = marked({**self._writing.draft(what, draft), "external_id": mark}, mark)
        with unguarded(self.connection):
            answer = self._session.send(what, "POST", "tickets", {"ticket": ticket}, {"Idempotency-Key": mark})
        with reading(self.connection, what, written=True):
            return made(part(answer, "ticket"))

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        what, found = f"look for our mark on ticket {key}", self._marked(self._number(key), mark)
        with reading(self.connection, what):
            return Receipt(id=self._as_meant(what, found, public=public)) if found else None

    def applied_create(self, mark: str) -> Receipt | None:
        what = "look for the ticket made"
        answer = self._session.get(what, "tickets", {"external_id": mark})
        with reading(self.connection, what):
            return next((made(t) for t in answer["tickets"] if t["external_id"] == mark), None)

    def link(self, key: str, relation: str, other: str) -> Receipt:
        return link(self.connection, self._session, relation, self._number(key), self._number(other))

    def linked(self, key: str, relation: str, other: str) -> bool:
        return linked(self.connection, self._session, relation, self._number(key), self._number(other))

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        """Without the first: every ticket's first comment is its description, which is our `body`."""
        what, beside = f"read the comments of ticket {key}", Beside({})
        records = self._all(what, f"tickets/{self._number(key)}/comments", "comments", "users", beside)
        with reading(self.connection, what):
            later = [c for c in records[1:] if since is None or moment(c["created_at"]) >= since]
            self._directory.complete(beside, {c["author_id"] for c in later}, ())
            return tuple(comment_of(c, beside) for c in later)

    def members(self, group: str) -> tuple[str, ...]:
        with reading(self.connection, "look up a group's members"):
            return self._directory.members(group)

    def known(self, kind: Thing, names: Iterable[str]) -> frozenset[str]:
        if kind not in self.abilities.knows:
            raise Unsupported(self.connection, f"known {kind}")
        with reading(self.connection, f"look up each {kind}"):
            return frozenset(name for name in names if self._directory.has(kind, name))

    def fields(self) -> tuple[RemoteField, ...]:
        with reading(self.connection, "look up the ticket fields"):
            return tuple(inventory.fields(self._directory.ticket_fields))

    def permissions(self) -> tuple[Permission, ...]:
        what = "look up our user"
        answer = self._session.get(what, "users/me")
        with reading(self.connection, what):
            return tuple(inventory.permissions(part(answer, "user")))

    def triggers(self) -> tuple[RemoteTrigger, ...]:
        what, beside = "read the triggers", Beside({})
        with reading(self.connection, what):
            asked = {"active": "true", "sort": "position"}
            found = [t for page in pages(self._session, what, "triggers", asked) for t in page["triggers"] if t.get("active", True)]
            self._directory.complete(beside, *named_by(found))
            return tuple(trigger_of(record, beside) for record in found)

    def pulse(self) -> Pulse:
        return self._session.pulse()

    def hooks(self) -> Hooks:
        return pushes.hooks()

    def heard(self, push: Push) -> Heard:
        return pushes.heard(push, trusted(self._pushes))

    def history(self, key: str) -> tuple[Change, ...]:
        what, beside = f"read the history of ticket {key}", Beside({})
        audits = self._audits(what, key, beside)
        with reading(self.connection, what):
            self._directory.complete(beside, _ids(audits, "assignee_id"), _ids(audits, "group_id"))
            return tuple(change for a in audits for change in changes_of(a, self._table, beside))

    def native_slas(self, key: str) -> tuple[NativeSla, ...]:
        """Out of the ticket's metric events, which only an account with SLA policies has more to say in."""
        what = f"read the SLAs of ticket {key}"
        answer = self._session.get(what, f"tickets/{self._number(key)}", {"include": "slas,metric_events"})
        with reading(self.connection, what):
            return native_slas(part(answer, "ticket"))

    def close(self) -> None:
        self._session.close()

    def _export(self, mark: Mark) -> dict[str, Any]:
        """One page from a cursor, or from a moment that is surely older than what Zendesk withholds."""
        if mark.after:
            place: dict[str, str | int] = {"cursor": mark.after}
        else:
            place = {"start_time": max(0, int((mark.at - WITHHELD).timestamp()))}

        def meaning(status: int) -> ConnectorError | None:
            if mark.after and status in (400, 410, 422):
                return CursorExpired(self.connection, f"read what changed: {status}, Zendesk no longer knows the cursor", mark.at)
            if status == 422:
                return Transient(self.connection, "read what changed: 422, the start is less than a minute ago; wait", 60.0)
            return None

        query = {**place, "per_page": self._page_size, "include": BESIDE}
        return self._session.get("read what changed", "incremental/tickets/cursor", query, meaning, read=self._shape.decoded)

    def _page(self, answer: Record, mark: Mark, start: datetime | None, *, last: bool) -> Page:
        """Tickets that were last touched before `start` came only because the export was asked a little earlier."""
        begun = start.timestamp() // 1 if start else 0
        live: list[Any] = []
        spoilt: list[Spoilt] = []
        gone: list[str] = []
        merged: dict[str, str | None] = {}
        with reading(self.connection, "read what changed"):
            beside = Beside(answer)
        for record in answer["tickets"]:
            try:
                if generated(record, begun) < begun:
                    continue
                if status_of(record) == "deleted":
                    gone.append(_key(record))
                elif is_merged(record):
                    merged[_key(record)] = None
                else:
                    live.append(record)
            except MALFORMED as error:
                spoilt.append(_spoilt(record, error))
        page, plain = self._read_page, self._shape.plain
        tickets, lost = all_of(live, lambda some: page(some, beside), lambda one: self._read(plain(one), beside), _spoilt)
        return Page(tuple(tickets), mark.text, last, (*spoilt, *lost), tuple(gone), merged)

    def _tags(self, what: str, number: int, version: str, tags: TagChange) -> list[str]:
        """The whole list as it will stand. Read at this moment and written under the stamp, so nobody's tag is lost.

        Zendesk's own endpoints for single tags would need up to two more writes, and a half-done update would change what the
        rules see next.
        """
        answer = self._session.get(what, f"tickets/{number}")
        with reading(self.connection, what):
            record = part(answer, "ticket")
            if version_of(record) != version:
                raise Stale(self.connection, f"{what}: it was changed since it was read")
            return sorted({*record["tags"]} - tags.remove | tags.add)

    def _audits(self, what: str, key: str, beside: Beside) -> list[Record]:
        return self._all(what, f"tickets/{self._number(key)}/audits", "audits", "users,groups", beside)

    def _all(self, what: str, path: str, name: str, include: str, beside: Beside) -> list[Record]:
        """All records of a list, oldest first; `beside` learns of those who come with them."""
        records: list[Record] = []
        for page in pages(self._session, what, path, {"include": include}):
            with reading(self.connection, what):
                records += page[name]
                beside.know(page)
        return records

    def _number(self, key: str) -> int:
        if not (key.isascii() and key.isdigit()):
            raise NotFound(self.connection, f"'{key}' is not the number of a Zendesk ticket")
        return int(key)


def _ids(audits: list[Record], field: str) -> set[int]:
    """Everybody whom the changes of a field name, before and after."""
    events = [e for a in audits for e in a["events"] if e.get("field_name") == field and e["type"] == "Change"]
    return {int(e[side]) for e in events for side in ("value", "previous_value") if e.get(side)}


def _spoilt(record: Any, error: Exception) -> Spoilt:
    return Spoilt(_key(record), _plain(error))


def _key(record: Any) -> str:
    if isinstance(record, Struct):
        return str(record.id)  # type: ignore[attr-defined]
    return str(record.get("id", "?")) if isinstance(record, dict) else "?"


def _plain(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else f"not shaped like a ticket ({type(error).__name__})"
