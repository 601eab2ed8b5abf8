"""Salesforce cases. Quirks: stamps are set before the commit and hold whole seconds; one owner is either our group or our assignee;
comments do not always touch their case; nothing native holds tags or what a repeated create is known by.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Self

from connectors.base import NO_TAGS, NOBODY, Connector, ConnectorSettings, Cursor, Custom, NativeSla, Page, Thing
from connectors.errors import ConnectorError, Gone, InDoubt, NotFound, Rejected, Stale, Unsupported
from connectors.files import Sink, Upload
from connectors.inventory import Permission, Pulse, RemoteField
from connectors.mapping import Record, moment
from connectors.pushes import Heard, Hooks, Push, trusted
from connectors.salesforce import inventory, pushes
from connectors.salesforce.abilities import ABILITIES
from connectors.salesforce.answers import made, reading
from connectors.salesforce.cases import Cases, guarded, heard
from connectors.salesforce.changes import Changes
from connectors.salesforce.files import Files
from connectors.salesforce.history import changes_of
from connectors.salesforce.linking import link, linked
from connectors.salesforce.reading import remotes
from connectors.salesforce.saying import BY_TIME, PERSON, Saying
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.slas import MILESTONES, native_sla
from connectors.salesforce.soql import Key, children, paths_are_names, quoted, selected
from connectors.salesforce.writing import Directory, Writing
from connectors.shared import Shared
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Attachment, Change, Comment, Person, Ticket, Value

if TYPE_CHECKING:
    from connectors.salesforce.session import Session

CHANGES = f"SELECT Id, Field, OldValue, NewValue, CreatedDate, {PERSON} FROM CaseHistory"  # noqa: S608


class SalesforceConnector(Connector):
    """One organization. A ticket's key is the case's Id, its version the stamp, a digest and the newest comment (`cases.Cases`).

    `update` is refused by Salesforce when the case was modified after the second of its version's stamp. A change within that
    second is caught by comparing digests just before; between that look and the write it would still slip through.
    """

    Settings = SalesforceSettings
    abilities = ABILITIES

    def __init__(self, connection: str, session: "Session", settings: SalesforceSettings, custom: tuple[Custom, ...] = ()) -> None:
        super().__init__(connection)
        own = remotes(settings, custom)
        if not paths_are_names(own):
            raise Rejected(connection, f"a field is named by its API name, such as Product__c, not by {own}")
        self._session, self._settings = session, settings
        self._cases, self._has_milestones = Cases(connection, settings, custom), True
        self._select = selected(own, children(emails=settings.emails, feed=settings.reads_feed))
        self._changes = Changes(connection, session, settings, self._cases, self._select)
        self._saying, self._files = Saying(connection, session, settings), Files(connection, session, settings)
        self._writing = Writing(connection, settings, self._cases.table, Directory(connection, session, settings.nobody))

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
        from connectors.salesforce.session import Session  # the SDK: not paid for by those who only ask for the abilities

        own = settings if isinstance(settings, SalesforceSettings) else SalesforceSettings.model_validate(settings.model_dump())
        return cls(connection, Session(connection, own, read_only=read_only, shared=shared), own, custom)

    # reading

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        return self._changes.since(since)

    def fetch(self, key: str) -> Ticket:
        what = f"read case {key}"
        record = self._record(what, key)
        with reading(self.connection, what):
            return self._cases.ticket(record)

    def count(self, since: datetime) -> int | None:
        answer = self._session.query("count what changed", f"SELECT COUNT() FROM Case WHERE {Key(since).after('SystemModstamp')}")  # noqa: S608
        return answer.get("totalSize")

    def raw(self, key: str) -> Mapping[str, Any]:
        return self._record(f"read case {key}", key)

    def check_sign_in(self) -> str:
        what, me = "check the sign-in", self._session.me()
        where = f"Id = {quoted(me)}" if me else "IsActive = true"
        rows = self._session.query(what, f"SELECT Username FROM User WHERE {where} LIMIT 1")["records"]  # noqa: S608
        with reading(self.connection, what):
            return str(rows[0]["Username"]) if me and rows else "a user whom this organization does not name"

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        """Case comments and, where the connection says so, the case's posts and e-mails."""
        what = f"read the comments of case {key}"
        found = self._saying.said(what, self._id(what, key), since)
        if not found:
            self._record(what, key)  # none of none is an answer only where there is a case
        return tuple(found)

    def attachments(self, key: str) -> tuple[Attachment, ...]:
        what = f"list the files of case {key}"
        return self._files.of(what, self._id(what, key))

    def download(self, key: str, file: Attachment, into: Sink) -> None:
        self._files.download(f"download a file of case {key}", file, into)

    def members(self, group: str) -> tuple[str, ...]:
        return self._writing.directory.members(group)

    def known(self, kind: Thing, names: Iterable[str]) -> frozenset[str]:
        if kind not in self.abilities.knows:
            raise Unsupported(self.connection, f"known {kind}")
        with reading(self.connection, f"look up each {kind}"):
            return frozenset(name for name in names if self._writing.directory.has(kind, name))

    def fields(self) -> tuple[RemoteField, ...]:
        case = self._described("Case") or {}
        with reading(self.connection, "read the fields of Case"):
            return tuple(inventory.fields(case["fields"]))

    def permissions(self) -> tuple[Permission, ...]:
        replies = self._settings.replies
        case, beside = self._described("Case") or {}, {name: self._described(name) for name in inventory.around(replies)}
        kept = {"group": "OwnerId", "assignee": "OwnerId", "tags": self._settings.tags_field}
        with reading(self.connection, "read our permissions"):
            return tuple(inventory.permissions(case, beside, replies, self._cases.table, kept))

    def _described(self, name: str) -> Record | None:
        """None for an object that our user does not see."""
        try:
            found = self._session.ask(f"describe {name}", "GET", f"sobjects/{name}/describe")
        except (NotFound, Rejected):
            return None
        return found if isinstance(found, dict) else None

    def pulse(self) -> Pulse:
        return self._session.pulse()

    def hooks(self) -> Hooks:
        return pushes.hooks()

    def heard(self, push: Push) -> Heard:
        return pushes.heard(push, trusted(self._settings.pushes))

    def history(self, key: str) -> tuple[Change, ...]:
        """What the organization keeps: field history must be on for Status, Priority and Owner of Case."""
        what = f"read the history of case {key}"
        rows = self._session.all(what, f"{CHANGES} WHERE CaseId = {quoted(self._id(what, key))} {BY_TIME}")
        with reading(self.connection, what):
            return tuple(changes_of(rows, self._cases.table, self._settings.nobody))

    def native_slas(self, key: str) -> tuple[NativeSla, ...]:
        """Milestones, where the organization has Entitlement Management and we may read it; else none, and it is not asked again."""
        what = f"read the milestones of case {key}"
        if not self._has_milestones:
            return ()
        soql = f"{MILESTONES} WHERE CaseId = {quoted(self._id(what, key))} ORDER BY StartDate ASC, Id ASC"
        try:
            rows = self._session.all(what, soql)
        except Rejected:
            self._has_milestones = False
            return ()
        with reading(self.connection, what):
            return tuple(map(native_sla, rows))

    # writing

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        """One PATCH for fields and tags, refused by Salesforce (412) when the case was modified after `version`.

        With both a group and an assignee, the user owns the case; the group is kept only where there is a `group_field`.
        """
        what = f"update case {key}"
        record = self._record(what, key)
        if guarded(self._cases.version(record)) != guarded(version):
            raise Stale(self.connection, f"{what}: it was changed since it was read")
        sent = self._writing.changes(what, fields, tags, record)
        if not sent:
            return Receipt(version=version, echo=self._echo(record, fields, tags))
        self._patch(what, key, sent, version)
        return self._written(what, key, self._writing.as_written(record, sent), version, fields, tags)

    def _patch(self, what: str, key: str, sent: Mapping[str, Any], version: str) -> None:
        unmodified = {"If-Unmodified-Since": format_datetime(moment(version.partition("~")[0]), usegmt=True)}
        try:
            self._session.ask(what, "PATCH", f"sobjects/Case/{key}", body=sent, headers=unmodified)
        except Rejected:
            self._writing.directory.forget()
            raise

    def _written(self, what: str, key: str, expected: Record, version: str, fields: Mapping[str, Value], tags: TagChange) -> Receipt:
        """The PATCH answers nothing, so the case is read back. When somebody else has touched it since, or it cannot be read, the
        echo is what we sent, and there is no version: the next look is a look."""
        try:
            record = self._record(what, key)
        except ConnectorError:
            record = None
        if record is None or record.get("LastModifiedById") != self._session.me():
            return Receipt(echo=self._echo(expected, fields, tags))
        return Receipt(version=f"{guarded(self._cases.version(record))}~{heard(version)}", echo=self._echo(record, fields, tags))

    def _echo(self, record: Record, fields: Mapping[str, Value], tags: TagChange) -> dict[str, Value]:
        names = {*fields, *(["tags"] if tags else [])}
        names = names.union(*(self.abilities.coupled.get(name, frozenset()) for name in names))
        try:
            ticket = self._cases.ticket(record)
        except ValueError:
            return {}
        return {name: _value(ticket, name) for name in names if name not in ticket.unread}

    def comment(self, key: str, body: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        """As `replies` of the connection wishes: see `saying.py`."""
        what = f"{'reply to' if public else 'leave a note on'} case {key}"
        return self._saying.say(what, self._id(what, key), body, public=public, mark=mark, called=called)

    def person(self, id: str) -> Person | None:
        return self._writing.directory.person(id)

    def mentionable(self, who: str) -> str | None:
        """Nobody where notes are case comments, which mention nobody."""
        return self._writing.directory.mentionable(who) if self._saying.mentions else None

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        what = f"look for our comment on case {key}"
        return self._saying.found(what, self._id(what, key), body, public=public, mark=mark)

    def attach(self, key: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        """Without a guard: a file is added beside the case, whatever its version. See `files.py` for what a customer sees when."""
        what = f"attach a file to case {key}"
        return self._files.attach(what, self._id(what, key), file, public=public, mark=mark)

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        """An upsert by `external_id_field`: sent twice, it makes one case."""
        what, field = "create a case", self._key_field("create a case")
        sent = self._writing.draft(what, draft)
        answer = self._session.ask(what, "PATCH", f"sobjects/Case/{field}/{mark}", body=sent)
        if answer is None:  # 204: it was there already, from the first time
            found = self.applied_create(mark)
            if found is None:
                raise InDoubt(self.connection, f"{what}: it was there, and is not found")
            return found
        key = made(self.connection, what, answer)
        return Receipt(id=key, key=key)

    def applied_create(self, mark: str) -> Receipt | None:
        what, field = "look for the case made", self._key_field("look for the case made")
        rows = self._session.all(what, f"SELECT Id FROM Case WHERE {field} = {quoted(mark)} LIMIT 2")  # noqa: S608
        with reading(self.connection, what):
            return Receipt(id=str(rows[0]["Id"]), key=str(rows[0]["Id"])) if rows else None

    def link(self, key: str, relation: str, other: str) -> Receipt:
        return link(self.connection, self._session, relation, self._id("link", key), self._id("link", other))

    def linked(self, key: str, relation: str, other: str) -> bool:
        return linked(self.connection, self._session, relation, self._id("link", key), self._id("link", other))

    def close(self) -> None:
        self._session.close()

    # shared

    def _record(self, what: str, key: str) -> dict[str, Any]:
        rows = self._session.all(what, f"{self._select} WHERE Id = {quoted(self._id(what, key))}")
        if not rows:
            raise self._missing(what, key)
        with reading(self.connection, what):
            return dict(rows[0])

    def _missing(self, what: str, key: str) -> NotFound:
        """What the recycle bin says of it, as long as it is there."""
        soql = f"SELECT Id, MasterRecordId FROM Case WHERE Id = {quoted(key)} AND IsDeleted = true"  # noqa: S608
        rows = self._session.query(what, soql, deleted=True)["records"]
        if not rows:
            return NotFound(self.connection, f"{what}: there is no such case, or our user may not see it")
        with reading(self.connection, what):
            master = rows[0]["MasterRecordId"]
        return Gone(self.connection, key, "merged" if master else "deleted", str(master) if master else None)

    def _id(self, what: str, key: str) -> str:
        """Salesforce refuses a query with anything else, and a stranger's key must not become part of an address."""
        if not (key.startswith("500") and key.isalnum() and key.isascii() and len(key) in (15, 18)):
            raise NotFound(self.connection, f"{what}: that is not the Id of a case (500 and 12 or 15 more letters and digits)")
        return key

    def _key_field(self, what: str) -> str:
        if self._settings.external_id_field is None:
            fix = "make a text field on Case that is External ID and Unique, and name it under external_id_field:"
            raise Rejected(self.connection, f"{what}: there is no field by which a case could be known again; {fix}")
        return self._settings.external_id_field


def _value(ticket: Ticket, name: str) -> Value:
    own = name.removeprefix("custom.")
    value = ticket.custom.get(own) if own != name else getattr(ticket, name)
    return value.known_as if isinstance(value, Person) else value
