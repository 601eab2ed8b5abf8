"""ServiceNow by the Table API. Quirk: references are sys_ids, priority is computed, journals are tables of their own, and nothing
guards a write but reading before it.

The race that is left: between our read of `sys_mod_count` and our PATCH somebody else may write. Fields that both set are lost to
them then; the receipt of such a write has no version (the count went up by more than one), so that the caller looks again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from connectors.base import NO_TAGS, ConnectorSettings, Cursor, Custom, NativeSla, Page, Spoilt, Thing
from connectors.columns import all_of
from connectors.errors import ConnectorError, CursorExpired, InDoubt, NotFound, Rejected, Stale, Transient, Unreadable, Unsupported
from connectors.inventory import Permission, Pulse, RemoteField
from connectors.mapping import Record, Unwritable, moment
from connectors.pushes import Heard, Push, trusted
from connectors.servicenow import pushes
from connectors.servicenow.abilities import ABILITIES
from connectors.servicenow.attachments import WithFiles
from connectors.servicenow.directory import Directory
from connectors.servicenow.journal import AUDIT, AUDITED, ELEMENTS, ENTRY, Caller, bears, changes_of, comment_of, marked
from connectors.servicenow.linking import Links
from connectors.servicenow.reading import (
    after,
    asked_for,
    escaped,
    flat,
    page_reader,
    stamp,
    stamp_of,
    table_for,
    table_path,
    ticket_reader,
    version_of,
)
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


@dataclass(frozen=True, slots=True)
class Place:
    """How far a connection was read, as the text of a cursor.

    `key` names the last record of an unfinished read, which goes on right after it; without one the read was finished and the next
    begins at `at` with the overlap. `begun` is the system's moment at which the read began: whatever was stamped after it may have
    been written behind our back and is read again. `gone` is the last deletion seen, its stamp and sys_id.
    """

    at: str
    key: str = ""
    begun: str = ""
    gone: tuple[str, str] = ("", "")

    @property
    def cursor(self) -> Cursor:
        return Cursor("|".join((self.at, self.key, self.begun, *self.gone)))

    @classmethod
    def of(cls, since: datetime | Cursor, overlap: int) -> Self:
        """Raises `ValueError` for a text that no place was written as."""
        if isinstance(since, datetime):
            return cls(stamp(since), gone=(stamp(since), ""))
        at, key, begun, *gone = since.split("|")
        first = at if key else stamp(moment(at) - timedelta(seconds=overlap))
        deleted, last = gone
        return cls(first, key, begun, (deleted, last))

    def finished(self) -> "Place":
        return replace(self, at=min(self.at, self.begun or self.at), key="", begun="")


class ServiceNowConnector(WithFiles):
    """One table of one instance. References are looked up by name once and kept for as long as this object lives."""

    Settings = ServiceNowSettings
    abilities = ABILITIES

    def __init__(self, connection: str, settings: ServiceNowSettings, custom: tuple[Custom, ...], session: "ServiceNowSession") -> None:
        super().__init__(connection)
        self._settings, self._session, self._asked = settings, session, asked_for(settings, custom)
        self._table = table_for(settings, custom)
        self._ticket = ticket_reader(connection, settings, self._table)
        self._tickets = page_reader(connection, settings, self._table)
        self._directory = Directory(session, settings.table)
        self._writer = Writer(settings, self._table, self._directory.found, self._directory.referred)
        self._limit = limits.Limit(LONGEST, wide=settings.four_byte_letters)
        self._page_size, self._sees_deletions = settings.page_size, settings.deletions
        self._sees_slas = True
        self._links = Links(session, settings.table)

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
        """By key, in the order of (`sys_updated_on`, `sys_id`): stamps are whole seconds, and a page border may fall into one.

        A short page is not the end (records that we may not read are dropped after the limit is applied): an empty one is.
        """
        place = self._place(since)
        while rows := self._rows_after(place):
            place = self._moved(place, rows[-1])
            yield self._page(rows, place)
        gone = self._deleted(place)
        place = replace(place, gone=(gone[-1]["sys_created_on"], gone[-1]["sys_id"]) if gone else place.gone)
        yield Page((), place.finished().cursor, last=True, gone=tuple(row["documentkey"] for row in gone))

    def _place(self, since: datetime | Cursor) -> Place:
        try:
            return Place.of(since, self._settings.overlap)
        except ValueError:
            raise CursorExpired(self.connection, "the cursor is none that this connector writes: reading again") from None

    def _moved(self, place: Place, last: Record) -> Place:
        at, key = last.get("sys_updated_on"), last.get("sys_id")
        if not isinstance(at, str) or not isinstance(key, str) or not key or (at, key) == (place.at, place.key):
            raise Unreadable(self.connection, "reading what changed: the pages do not go on (records without sys_updated_on or sys_id)")
        begun = place.begun or max(stamp_of(self._session.date), at)  # it is at least as late as the newest stamp it showed us
        return replace(place, at=at, key=key, begun=begun)

    def _rows_after(self, place: Place) -> list[dict[str, Any]]:
        """A page that the system broke off (its time for one request ran out) is asked for at half its size the next time."""
        query = after("sys_updated_on", place.at, place.key, self._settings.query)
        try:
            rows = self._session.rows("reading what changed", self._settings.table, query, self._asked, self._page_size)
        except Transient:
            self._page_size = max(self._page_size // 2, min(50, self._page_size))
            raise
        self._page_size = min(self._page_size * 2, self._settings.page_size)
        return rows

    def _page(self, rows: list[dict[str, Any]], place: Place) -> Page:
        tickets, spoilt = all_of(rows, self._tickets, self._ticket, lambda row, error: Spoilt(str(row.get("sys_id")), _why(error)))
        return Page(tuple(tickets), place.cursor, spoilt=tuple(spoilt))

    def _deleted(self, place: Place) -> list[dict[str, Any]]:
        """Rows of `sys_audit_delete`, where the table is audited and we may read it; else none, and it is not asked again.

        It can be large and slow. What it does not tell this time it tells the next: the tickets read so far count all the same.
        """
        if not self._sees_deletions:
            return []
        query = after("sys_created_on", *place.gone, f"tablename={self._settings.table}")
        try:
            return self._session.rows("reading deletions", "sys_audit_delete", query, "sys_id,documentkey,sys_created_on", 1000)
        except Transient:
            return []
        except (Rejected, NotFound):
            self._sees_deletions = False
            return []

    def fetch(self, key: str) -> Ticket:
        what = f"reading {key}"
        return self._read(what, self._record(what, key))

    def present(self, keys: Sequence[str]) -> Mapping[str, str]:
        what = f"asking after {len(keys)} records"
        query = f"sys_idIN{','.join(self._safe(what, key) for key in keys)}"
        return {
            str(row["sys_id"]): str(row["sys_id"]) for row in self._session.rows(what, self._settings.table, query, "sys_id", len(keys))
        }

    def count(self, since: datetime) -> int | None:
        query = after("sys_updated_on", self._place(since).at, "", self._settings.query)
        return self._session.count("counting what changed", self._settings.table, query)

    def raw(self, key: str) -> Mapping[str, Any]:
        return self._record(f"reading {key}", key)

    def _record(self, what: str, key: str, fields: str = "") -> dict[str, Any]:
        return self._session.record(what, "GET", table_path(self._settings.table, key), fields or self._asked)

    def _read(self, what: str, record: Record) -> Ticket:
        try:
            return self._ticket(record)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(self.connection, f"{what}: {_why(error)}") from None

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        what = f"updating {key}"
        before = self._record(what, key, f"{self._asked},close_notes")
        if version_of(before) != version:
            raise Stale(self.connection, f"{what}: it is no longer at version {version}")
        body = self._body(what, before, fields, tags)
        record = self._written(what, key, body) if body else before
        passed_over = ignored(body, record)
        if passed_over:
            self._directory.forget()
            why = "an access rule, or no such field here"
            raise Rejected(self.connection, f"{what}: the system did not take {', '.join(passed_over)} ({why}), and said nothing")
        return self._receipt(what, before, record, fields, tags)

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
        alone = int(record["sys_mod_count"]) - int(before["sys_mod_count"]) <= 1
        return Receipt(id=record["sys_id"], version=ticket.version if alone else None, echo=echo)

    def comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt:
        what = f"adding a {'reply' if public else 'note'} to {key}"
        with self._session.saying(public=public):
            record = self._written(what, key, {ELEMENTS[public]: marked(self._said(body), mark)})
        try:
            entry = self._entry(what, key, public=public, mark=mark)
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
        if (made := self.applied_create(mark)) is not None:
            return made  # nothing here keeps a correlation_id from standing twice
        body = self._body(what, {}, fields, wanted) | self._named(what, draft.own) | {"correlation_id": mark, **OURS}
        path = table_path(self._settings.table)
        return _made(flat(self._session.record(what, "POST", path, self._asked, body)))

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
        return self._directory.permissions()

    def pulse(self) -> Pulse:
        return self._session.pulse()

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


def _why(error: Exception) -> str:
    return f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)


def _value(ticket: Ticket, name: str) -> Value:
    """A field as a plan names it; a person by what a condition compares."""
    if name.startswith("custom."):
        return ticket.custom.get(name.removeprefix("custom."))
    found: Any = getattr(ticket, name)
    plain: Value = found.known_as if isinstance(found, Person) else found
    return plain


def _made(record: Record) -> Receipt:
    return Receipt(id=record["sys_id"], key=record["sys_id"], version=version_of(record))
