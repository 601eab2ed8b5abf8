"""ServiceNow by the Table API. Quirk: references are sys_ids, priority is computed, journals are tables of their own, and nothing
guards a write but reading before it.

The race that is left: between our read of `sys_mod_count` and our PATCH somebody else may write. Fields that both set are lost to
them then; the receipt of such a write has no version (the count went up by more than one), so that the caller looks again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from connectors.base import NO_TAGS, NOBODY, ConnectorSettings, Cursor, Custom, NativeSla, Page, Thing
from connectors.errors import ConnectorError, InDoubt, NotFound, Rejected, Stale, Unreadable, Unsupported
from connectors.inventory import Permission, Pulse, RemoteField
from connectors.mapping import Record, Unwritable
from connectors.pushes import Heard, Hooks, Push, trusted
from connectors.servicenow import pushes
from connectors.servicenow.abilities import ABILITIES
from connectors.servicenow.attachments import WithFiles
from connectors.servicenow.changes import Changes, why
from connectors.servicenow.directory import Directory
from connectors.servicenow.journal import AUDIT, AUDITED, ELEMENTS, ENTRY, Caller, bears, changes_of, comment_of, marked
from connectors.servicenow.labels import Labels, relabelled
from connectors.servicenow.linking import Links
from connectors.servicenow.query import after, escaped, stamp, table_path
from connectors.servicenow.reading import asked_for, flat, table_for, ticket_reader, version_of
from connectors.servicenow.settings import ServiceNowSettings
from connectors.servicenow.slas import TASK_SLA, native_sla
from connectors.servicenow.writing import Writer, ignored
from connectors.shared import Shared
from connectors.text import limits, plain
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Change, Comment, Person, Ticket, Value, replace

if TYPE_CHECKING:
    from connectors.servicenow.session import ServiceNowSession

OURS = {"correlation_display": "ticketgate"}
LONGEST = 32_000  # characters; the platform holds a text to no max_length (KB0685779), and a form still opens with this much


class ServiceNowConnector(WithFiles):
    """One table of one instance. References are looked up by name once and kept for as long as this object lives."""

    Settings = ServiceNowSettings
    abilities = ABILITIES

    def __init__(self, connection: str, settings: ServiceNowSettings, custom: tuple[Custom, ...], session: "ServiceNowSession") -> None:
        super().__init__(connection)
        self._settings, self._session, self._asked = settings, session, asked_for(settings, custom)
        self._table = table_for(settings, custom)
        self._ticket = ticket_reader(connection, settings, self._table)
        self._directory = Directory(session, settings.table)
        self._writer = Writer(settings, self._table, self._directory.found, self._directory.referred)
        self._limit = limits.Limit(LONGEST, wide=settings.four_byte_letters)
        self._sees_slas = True
        self._links = Links(session, settings.table)
        self._labels = Labels(session, settings.table) if settings.labelled else None
        self._changes = Changes(session, settings, custom, self._labels)

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
        from connectors.servicenow.session import ServiceNowSession

        own = settings if isinstance(settings, ServiceNowSettings) else ServiceNowSettings(**settings.model_dump(exclude_unset=True))
        return cls(connection, own, custom, ServiceNowSession(connection, own, read_only=read_only, shared=shared))

    def close(self) -> None:
        self._session.close()

    def check_sign_in(self) -> str:
        fields = "user_name,name,email"
        found = self._session.rows("signing in", "sys_user", "user_name=javascript:gs.getUserName()", fields, 1)
        if not found:
            return str(self._settings.sign_in.user or "a user that may not read sys_user")
        return str(found[0].get("user_name") or found[0].get("name"))

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        return self._changes.since(since)

    def _tagged(self, what: str, rows: list[dict[str, Any]]) -> None:
        if self._labels is not None and rows:
            self._labels.put_on(what, rows)

    def fetch(self, key: str) -> Ticket:
        what = f"reading {key}"
        return self._read(what, self._whole(what, key))

    def present(self, keys: Sequence[str]) -> Mapping[str, str]:
        what = f"asking after {len(keys)} records"
        query = f"sys_idIN{','.join(self._safe(what, key) for key in keys)}"
        return {
            str(row["sys_id"]): str(row["sys_id"]) for row in self._session.rows(what, self._settings.table, query, "sys_id", len(keys))
        }

    def count(self, since: datetime) -> int | None:
        return self._changes.count(since)

    def raw(self, key: str) -> Mapping[str, Any]:
        return self._whole(f"reading {key}", key)

    def _whole(self, what: str, key: str, *more: str) -> dict[str, Any]:
        """A record and its tags."""
        record = self._record(what, key, ",".join((self._asked, *more)))
        self._tagged(what, [record])
        return record

    def _record(self, what: str, key: str, fields: str = "") -> dict[str, Any]:
        return self._session.record(what, "GET", table_path(self._settings.table, key), fields or self._asked)

    def _read(self, what: str, record: Record) -> Ticket:
        try:
            return self._ticket(record)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(self.connection, f"{what}: {why(error)}") from None

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        what = f"updating {key}"
        before = self._whole(what, key, "close_notes")
        if version_of(before) != version:
            raise Stale(self.connection, f"{what}: it is no longer at version {version}")
        body = self._body(what, before, fields, tags)
        if self._labels is not None and tags:
            self._labels.known(what, tags)
        record = self._written(what, key, body) if body else dict(before)
        passed_over = ignored(body, record)
        if passed_over:
            self._directory.forget()
            why = "an access rule, or no such field here"
            raise Rejected(self.connection, f"{what}: the system did not take {', '.join(passed_over)} ({why}), and said nothing")
        self._labels_changed(what, record, tags)
        return self._receipt(what, before, record, fields, tags)

    def _labels_changed(self, what: str, record: dict[str, Any], tags: TagChange) -> None:
        if self._labels is not None and tags:
            self._labels.change(what, str(record["sys_id"]), tags)
        self._tagged(what, [record])

    def _body(self, what: str, record: Record, fields: Mapping[str, Value], tags: TagChange = NO_TAGS) -> dict[str, str]:
        try:
            return self._writer.body(record, fields, tags)
        except (Unwritable, ValueError) as error:
            raise Rejected(self.connection, f"{what}: {error}") from None

    def _written(self, what: str, key: str, body: Mapping[str, str]) -> dict[str, Any]:
        """What was written to references of its own is asked for besides: a read asks only for their names."""
        path, asked = table_path(self._settings.table, key), self._asked.split(",")
        more = [name for name in body if name not in asked and any(one.startswith(f"{name}.") for one in asked)]
        return flat(self._session.record(what, "PATCH", path, ",".join((self._asked, "close_notes", *more)), body))

    def _receipt(self, what: str, before: Record, record: Record, fields: Mapping[str, Value], tags: TagChange) -> Receipt:
        """The echo as it stands; no version where somebody else wrote in between, so that the caller looks again."""
        ticket = self._read(what, record)
        written = {*fields, *(("tags",) if tags else ())}
        echo = {name: _value(ticket, name) for name in written.union(*(self.abilities.coupled.get(name, ()) for name in written))}
        if "priority" in fields and echo["priority"] != fields["priority"]:
            came = f"priority came out as {echo['priority']}, not {fields['priority']}"
            raise Rejected(self.connection, f"{what}: {came}; give this installation's lookup as priority_matrix: of the connection")
        alone = int(record["sys_mod_count"]) - int(before["sys_mod_count"]) <= 1 and relabelled(before, tags) in (None, ticket.tags)
        return Receipt(id=record["sys_id"], version=ticket.version if alone else None, echo=echo)

    def comment(self, key: str, body: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        what = f"adding a {'reply' if public else 'note'} to {key}"
        with self._session.saying(public=public):
            record = self._written(what, key, {ELEMENTS[public]: marked(self._said(body), mark)})
        try:
            entry = self._entry(what, key, public=public, mark=mark)
            self._tagged(what, [record])
        except ConnectorError as error:
            raise InDoubt(self.connection, f"{what}: written, but the journal did not answer ({error.message})") from None
        if entry is None:
            remedy = f"let the integration user write {ELEMENTS[public]} and read sys_journal_field"
            raise Rejected(self.connection, f"{what}: it does not stand in the journal; {remedy}")
        return Receipt(id=entry, version=version_of(record))

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        entry = self._entry(f"looking for our comment on {key}", key, public=public, mark=mark)
        return Receipt(id=entry) if entry else None

    def _entry(self, what: str, key: str, *, public: bool, mark: str) -> str | None:
        """The sys_id of the journal's entry that bears our mark."""
        query = f"element_id={self._safe(what, key)}^element={ELEMENTS[public]}^valueLIKEtg:{mark[:8]}^ORDERBYsys_created_on^ORDERBYsys_id"
        rows = self._session.rows(what, "sys_journal_field", query, ENTRY, 100)
        return next((str(row["sys_id"]) for row in rows if bears(row["value"], mark)), None)

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        what = "creating a ticket"
        fields = {name: value for name, value in draft.fields.items() if name != "tags"}
        if fields.get("type") == self._type:
            del fields["type"]  # the table is the type
        if fields.get("body"):
            fields["body"] = self._said(str(fields["body"]))
        tags = draft.fields.get("tags")
        wanted = TagChange(add=tags) if isinstance(tags, frozenset) else NO_TAGS
        body = self._body(what, {}, fields, wanted) | self._named(what, draft.own) | {"correlation_id": mark, **OURS}
        if self._labels is None:
            return self._made_once(what, mark, body)
        self._labels.known(what, wanted)
        made = self._made_once(what, mark, body)
        self._labels.change(what, made.id or "", wanted)
        return replace(made, version=None)  # the version of a ticket counts its labels

    def _made_once(self, what: str, mark: str, body: Mapping[str, str]) -> Receipt:
        """The ticket that bears our mark, where there is one: nothing here keeps a correlation_id from standing twice."""
        path = table_path(self._settings.table)
        return self.applied_create(mark) or _made(flat(self._session.record(what, "POST", path, self._asked, body)))

    def _named(self, what: str, own: Mapping[str, str]) -> dict[str, str]:
        try:
            return self._writer.referred(own)
        except ValueError as error:
            raise Rejected(self.connection, f"{what}: {error}") from None

    def _said(self, text: str) -> str:
        """Markdown as plain text: journals and descriptions show no markup."""
        return limits.said(text, plain.write, str, self._limit)

    @property
    def _type(self) -> str | None:
        row = next(f for f in self._table if f.name == "type")
        return row.words.read(self._settings.table) if row.words else None

    def applied_create(self, mark: str) -> Receipt | None:
        query = f"correlation_id={mark}^ORDERBYsys_created_on"
        rows = self._session.rows("looking for our ticket", self._settings.table, query, "sys_id,sys_mod_count,sys_updated_on", 1)
        return _made(rows[0]) if rows else None

    def link(self, key: str, relation: str, other: str) -> Receipt:
        return self._links.link(relation, key, other)

    def linked(self, key: str, relation: str, other: str) -> bool:
        return self._links.linked(relation, key, other)

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        what = f"reading the comments of {key}"
        caller = self._caller(what, key)
        from_then = f"^sys_created_on>={stamp(since)}" if since else ""
        rows = self._all(what, "sys_journal_field", f"element_id={self._safe(what, key)}^elementINcomments,work_notes{from_then}", ENTRY)
        people = self._directory.people({row["sys_created_by"] for row in rows} - {caller.user_name})
        return tuple(comment_of(row, caller, people) for row in rows)

    def _caller(self, what: str, key: str) -> Caller:
        record = self._record(what, key, f"{self._asked},caller_id.user_name")
        return Caller(record.get("caller_id.user_name") or None, self._read(what, record).requester)

    def members(self, group: str) -> tuple[str, ...]:
        return self._directory.members(group)

    def known(self, kind: Thing, names: Iterable[str]) -> frozenset[str]:
        if kind not in self.abilities.knows:
            raise Unsupported(self.connection, f"known {kind}")
        return self._directory.known(kind, frozenset(names))

    def fields(self) -> tuple[RemoteField, ...]:
        return self._directory.fields()

    def permissions(self) -> tuple[Permission, ...]:
        return (*self._directory.permissions(), *(self._labels.permissions() if self._labels is not None else ()))

    def pulse(self) -> Pulse:
        return self._session.pulse()

    def hooks(self) -> Hooks:
        return pushes.hooks(self._settings.table)

    def heard(self, push: Push) -> Heard:
        return pushes.heard(push, trusted(self._settings.pushes), self._settings.table)

    def history(self, key: str) -> tuple[Change, ...]:
        what = f"reading the history of {key}"
        now = self._record(what, key)
        query = f"tablename={self._settings.table}^documentkey={self._safe(what, key)}^fieldnameIN{','.join(AUDITED)}"
        rows = self._all(what, "sys_audit", query, AUDIT)
        for field, table in (("assignment_group", "sys_user_group"), ("assigned_to", "sys_user")):
            self._directory.learn(table, {row[end] for row in rows if row["fieldname"] == field for end in ("oldvalue", "newvalue")})
        us = self._settings.sign_in.user
        return tuple(changes_of(rows, now, self._table, self._directory.name, us))

    def native_slas(self, key: str) -> tuple[NativeSla, ...]:
        """Rows of `task_sla`, where we may read it; else none, and it is not asked again."""
        what = f"reading the SLAs of {key}"
        if not self._sees_slas:
            return ()
        try:
            rows = self._session.rows(what, "task_sla", f"task={self._safe(what, key)}^ORDERBYstart_time", TASK_SLA, 100)
        except (Rejected, NotFound):
            self._sees_slas = False
            return ()
        return tuple(map(native_sla, rows))

    def _all(self, what: str, table: str, scope: str, fields: str) -> list[dict[str, Any]]:
        """All records of a table beside the ticket, oldest first, page by page."""
        found: list[dict[str, Any]] = []
        at, key = "1970-01-01 00:00:00", ""
        while rows := self._session.rows(what, table, after("sys_created_on", at, key, scope), fields, 1000):
            found += rows
            if len(rows) < 1000:
                break  # one page is what a ticket has; a hidden row within it costs nothing here
            at, key = rows[-1]["sys_created_on"], rows[-1]["sys_id"]
        return found

    def _safe(self, what: str, key: str) -> str:
        try:
            return escaped(key)
        except ValueError as error:
            raise Rejected(self.connection, f"{what}: {error}") from None


def _value(ticket: Ticket, name: str) -> Value:
    """A field as a plan names it; a person by what a condition compares."""
    if name.startswith("custom."):
        return ticket.custom.get(name.removeprefix("custom."))
    found: Any = getattr(ticket, name)
    plain: Value = found.known_as if isinstance(found, Person) else found
    return plain


def _made(record: Record) -> Receipt:
    return Receipt(id=record["sys_id"], key=record["sys_id"], version=version_of(record))
