"""A whole ticket system in a dictionary: for tests, rehearsals and the README.

It keeps every promise of the contract, so that tests use it where others would use a mock. Quirk: it has no server; `url` is
`memory:` for a system that ends with the connector, or `memory:///some/file.json` for one that several processes share.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import Field as Setting

from connectors import door
from connectors.base import NO_TAGS, NOBODY, Abilities, Connector, ConnectorSettings, Cursor, Custom, Page, Spoilt
from connectors.errors import CursorExpired, Gone, NotFound, Rejected, Stale, Unreadable, WriteRefused
from connectors.files import Sink, Upload
from connectors.mapping import Field, Record, Unwritable, Words, declared, moment, payload, reader
from connectors.memory_system import Away, Broken, MemorySystem, Refused
from connectors.pushes import BY_US, OUR_HEADERS, Garbled, Heard, Hooks, Push, by_our_contract, decoded, delivery_of, trusted
from connectors.sandbox_files import kept, parts_of
from connectors.shared import Shared
from connectors.text import limits, plain
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import (
    Attachment,
    Change,
    Channel,
    Comment,
    Level,
    Person,
    Role,
    Severity,
    Status,
    Ticket,
    TicketRef,
    Type,
    Value,
    replace,
)

LONGEST = 32_000  # characters of one text

OURS = "api"  # the name under which writes through the connector stand in the system


class MemorySettings(ConnectorSettings):
    """`page_size` is the number of tickets on a page of `changed`."""

    url: str = Setting(default="memory:", pattern=r"^memory:(//.*)?$")
    page_size: int = Setting(default=100, gt=0)


def _same(words: type[Status] | type[Type] | type[Level] | type[Severity] | type[Channel]) -> Words:
    """This system speaks our words, and no others."""
    return Words({str(word): str(word) for word in words})


def _person(field: str) -> Callable[[Record], Any]:
    return lambda record: record.get(field) or None


def _stamp(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _set(value: Any) -> frozenset[str]:
    return frozenset(map(str, value))


TABLE = (
    Field(name="subject", reads="subject", writes="subject"),
    Field(name="body", reads="body"),
    Field(name="status", reads="status", writes="status", words=_same(Status)),
    Field(name="type", reads="type", writes="type", words=_same(Type)),
    Field(name="resolution", reads="resolution", writes="resolution"),
    Field(name="priority", reads="priority", writes="priority", words=_same(Level)),
    Field(name="severity", reads="severity", writes="severity", words=_same(Severity)),
    Field(name="impact", reads="impact", writes="impact", words=_same(Level)),
    Field(name="urgency", reads="urgency", writes="urgency", words=_same(Level)),
    Field(name="product", reads="product", writes="product"),
    Field(name="language", reads="language", writes="language"),
    Field(name="channel", reads="channel", writes="channel", words=_same(Channel)),
    Field(name="split_from", reads="split_from"),
    Field(name="error_code", reads="error_code", writes="error_code"),
    Field(name="requester", reads=_person("requester")),
    Field(name="group", reads="group", writes="group"),
    Field(name="assignee", reads=_person("assignee"), writes="assignee"),
    Field(name="tags", reads="tags", convert=_set),
    Field(name="watchers", reads="watchers", convert=_set),
    Field(name="due_at", reads="due_at", writes="due_at", convert=moment, render=_stamp),
    Field(name="created_at", reads="created_at", convert=moment),
    Field(name="updated_at", reads="updated_at", convert=moment),
    Field(name="version", reads="rev", convert=str),
)
READS = frozenset(f.name for f in TABLE) - {"version"}
WRITES = frozenset(f.name for f in TABLE if f.writes) | {"tags"}


@dataclass(frozen=True, slots=True)
class Failure:
    """What goes wrong with the next call of `method` (empty: any): `error` is raised before it is applied, or `after`."""

    error: Exception
    method: str = ""
    after: bool = False


class MemoryConnector(Connector):
    """Speaks to a `MemorySystem`. `failures` are raised one by one, each once, by the calls that they are meant for."""

    Settings = MemorySettings
    abilities = Abilities(
        reads=READS,
        writes=WRITES,
        replies=True,
        notes=True,
        creates=True,
        comments=True,
        history=True,
        attachments=True,
        attaches=frozenset({"public", "internal"}),
        pushes=True,
        guards=True,
        links=frozenset({"problem", "duplicate", "parent"}),
        tells=frozenset({"deletions", "merges", "moves"}),
    )

    def __init__(
        self,
        connection: str,
        system: MemorySystem | None = None,
        settings: MemorySettings | None = None,
        custom: Sequence[Custom] = (),
        *,
        read_only: bool = False,
    ) -> None:
        super().__init__(connection)
        self._settings = settings or MemorySettings()
        self.system = system or MemorySystem(self._settings.url.removeprefix("memory:").removeprefix("//"))
        self.failures: list[Failure] = []
        self._table = declared([f for f in TABLE if f.name not in {c.name for c in custom}], self._settings.words, map(_custom, custom))
        self._read = reader(self._table)
        self._read_only = read_only

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
        own = MemorySettings(**settings.model_dump(exclude_unset=True))
        return cls(connection, None, own, custom, read_only=read_only)

    def changed(self, since: datetime | Cursor) -> Iterator[Page]:
        """The cursor is the number of the last change that was given; its ticket comes again, so callers must know it."""
        with self._doing("since"):
            place = self.system.first_after(since) if isinstance(since, datetime) else self._number(since)
        more = True
        while more:
            with self._doing("changed"):
                records, away, upto, more = self.system.page(place, self._settings.page_size)
            yield self._page(records, away, Cursor(str(upto)), last=not more)
            place = upto + 1

    def fetch(self, key: str) -> Ticket:
        with self._doing("fetch"):
            record = self._record(key)
        try:
            return self._ticket(record)
        except ValueError as error:
            raise Unreadable(self.connection, f"reading {key}: {error!s}") from None

    def count(self, since: datetime) -> int | None:
        return len(self.system.page(self.system.first_after(since), 1_000_000_000)[0])

    def raw(self, key: str) -> Mapping[str, Any]:
        with self._doing("raw"):
            return dict(self._record(key))

    def check_sign_in(self) -> str:
        with self._doing("check_sign_in"):
            return OURS

    def update(self, key: str, fields: Mapping[str, Value], *, version: str, tags: TagChange = NO_TAGS) -> Receipt:
        sent = self._payload(f"updating {key}", fields)
        with self._writing("update", f"updating {key}"):
            if str(self._record(key)["rev"]) != version:
                raise Stale(self.connection, f"updating {key}: it is no longer at version {version}")
            after = self.system.change(key, sent, by=OURS, add=tags.add, remove=tags.remove)
        ticket = self._ticket(after)
        echo = {name: _value(getattr(ticket, name, ticket.custom.get(name.removeprefix("custom.")))) for name in fields}
        return Receipt(version=ticket.version, echo={**echo, "tags": ticket.tags} if tags else echo)

    def comment(self, key: str, body: str, *, public: bool, mark: str, called: frozenset[str] = NOBODY) -> Receipt:
        with self._writing("comment", f"commenting on {key}"):
            self._record(key)
            made = self.system.say(key, self._said(body), public=public, by=OURS, mark=mark)
        return Receipt(id=made, version=str(self._record(key)["rev"]))

    def create(self, draft: Draft, *, mark: str) -> Receipt:
        tags = draft.fields.get("tags")
        sent = self._payload("creating", {k: v for k, v in draft.fields.items() if k not in ("tags", "body")})
        with self._writing("create", "creating"):
            if not sent.get("subject"):
                raise Rejected(self.connection, "creating: a ticket needs a subject")
            body = self._said(str(draft.fields["body"])) if draft.fields.get("body") else None
            key = self.system.make({**sent, "body": body, "tags": sorted(_set(tags or ()))}, by=OURS, mark=mark)
        return Receipt(id=key, key=key, version=str(self._record(key)["rev"]))

    def applied_comment(self, key: str, body: str, *, public: bool, mark: str) -> Receipt | None:
        with self._doing("applied_comment"):
            found = next((c for c in self._record(key)["comments"] if c["mark"] == mark), None)
        return Receipt(id=found["id"]) if found else None

    def applied_create(self, mark: str) -> Receipt | None:
        with self._doing("applied_create"):
            key = self.system.made_with(mark)
        return Receipt(id=key, key=key) if key else None

    def link(self, key: str, relation: str, other: str) -> Receipt:
        if self.linked(key, relation, other):
            return Receipt()
        with self._writing("link", f"linking {key} to {other}"):
            if (there := self._record(key).get("links", {}).get(relation)) is not None:
                raise Rejected(self.connection, f"linking {key} to {other}: its {relation} is {there} already")
            after = self.system.link(key, relation, other)
        return Receipt(version=str(after["rev"]))

    def linked(self, key: str, relation: str, other: str) -> bool:
        with self._doing("linked"):
            self._record(other)
            return bool(self._record(key).get("links", {}).get(relation) == other)

    def comments(self, key: str, since: datetime | None = None) -> tuple[Comment, ...]:
        with self._doing("comments"):
            found = tuple(map(_comment, self._record(key)["comments"]))
        return tuple(c for c in found if since is None or c.at >= since)

    def attachments(self, key: str) -> tuple[Attachment, ...]:
        with self._doing("attachments"):
            return tuple(map(_attachment, self._record(key).get("files", ())))

    def download(self, key: str, file: Attachment, into: Sink) -> None:
        with self._doing("download"):
            held = next((one for one in self._record(key).get("files", ()) if one["id"] == file.id), None)
            if held is None or held["vanished"]:
                raise NotFound(self.connection, f"downloading {file.id} of {key}: there is no such file")
            if (held["served_as"] or "").startswith("text/html") and not (file.type or "").startswith("text/html"):
                raise Rejected(self.connection, f"downloading {file.id} of {key}: a page for people came instead of the file")
            for part in parts_of(held):
                into(part)

    def attach(self, key: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        with self._writing("attach", f"attaching a file to {key}"):
            self._record(key)
            made = self.system.attach(key, kept(file.name, file.content.read(), type=file.type, public=public), by=OURS)
        return Receipt(id=made, version=str(self._record(key)["rev"]))

    def hooks(self) -> Hooks:
        return Hooks(
            where="whatever changes the file",
            events=("any change",),
            signed_by=BY_US,
            headers=OUR_HEADERS,
            told=lambda push: self._told(push, decoded(push)),
            body='{"key": "T-1"}',
        )

    def heard(self, push: Push) -> Heard:
        """By our contract: `{"key": "T-1"}`."""
        return self._told(push, by_our_contract(push, trusted(self._settings.pushes)))

    def _told(self, push: Push, said: Mapping[str, Any]) -> Heard:
        if not isinstance(said.get("key"), str):
            raise Garbled("the body holds no key")
        return Heard(delivery=delivery_of(push, "x-ticketgate-delivery"), keys=(said["key"],))

    def history(self, key: str) -> tuple[Change, ...]:
        with self._doing("history"):
            return tuple(map(_change, self._record(key)["history"]))

    def _said(self, body: str) -> str:
        return limits.said(body, plain.write, str, limits.Limit(LONGEST, wide=self._settings.four_byte_letters))

    def _number(self, cursor: Cursor) -> int:
        if not cursor.isdigit():
            raise CursorExpired(self.connection, "the cursor was made by another connector")
        return int(cursor)

    def _page(self, records: Sequence[Record], away: Sequence[Away], cursor: Cursor, *, last: bool) -> Page:
        tickets, spoilt = [], []
        for record in records:
            try:
                tickets.append(self._ticket(record))
            except (ValueError, TypeError) as error:
                spoilt.append(Spoilt(str(record.get("key")), str(error)))
        gone = tuple(key for key, how, _ in away if how == "deleted")
        merged = {key: into for key, how, into in away if how == "merged"}
        moved = {key: into for key, how, into in away if how == "moved" and into is not None}
        return Page(tuple(tickets), cursor, last, tuple(spoilt), gone, merged, moved)

    def _ticket(self, record: Record) -> Ticket:
        reading = self._read(record)
        custom = {k.removeprefix("custom."): reading.values.pop(k) for k in list(reading.values) if k.startswith("custom.")}
        ref = TicketRef(self.connection, str(record["key"]))
        ticket = door.ticket({"status": None, **reading.values, "ref": ref, "unread": reading.unread})
        return replace(ticket, custom=custom)

    def _payload(self, what: str, fields: Mapping[str, Value]) -> dict[str, Any]:
        try:
            return payload(self._table, fields)
        except Unwritable as error:
            raise Rejected(self.connection, f"{what}: {error}") from None

    def _record(self, key: str) -> Record:
        try:
            return self.system.record(key)
        except KeyError:
            raise self._missing(key) from None

    def _missing(self, key: str) -> NotFound:
        away = self.system.away(key)
        if away is None:
            return NotFound(self.connection, f"reading {key}: there is no such ticket")
        how: Any = away[1]
        return Gone(self.connection, key, how, away[2])

    def _doing(self, method: str) -> "_Mishaps":
        return _Mishaps(self.connection, self.failures, method)

    def _writing(self, method: str, what: str) -> "_Mishaps":
        if self._read_only:
            raise WriteRefused(self.connection, f"{what}: a dry run does not write")
        return self._doing(method)


class _Mishaps:
    """Around one call: raises the failure meant for it, before or after, and says a refusal in our words."""

    def __init__(self, connection: str, failures: list[Failure], method: str) -> None:
        self._connection = connection
        self._mine = next((f for f in failures if f.method in ("", method)), None)
        if self._mine is not None:
            failures.remove(self._mine)

    def __enter__(self) -> None:
        if self._mine is not None and not self._mine.after:
            raise self._mine.error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Broken):
            raise Unreadable(self._connection, str(error)) from None
        if isinstance(error, Refused):
            raise Rejected(self._connection, str(error)) from None
        if error is None and self._mine is not None and self._mine.after:
            raise self._mine.error


def _custom(own: Custom) -> Field:
    """An installation's own field; one that bears the name of ours is read into ours."""
    name = own.name if own.name in READS else f"custom.{own.name}"
    into: Mapping[str, Callable[[Any], Value]] = {"set": _set, "time": moment, "number": float}
    out: Mapping[str, Callable[[Any], Any]] = {"set": sorted, "time": _stamp}
    return Field(name=name, reads=own.remote, writes=own.remote, convert=into.get(own.type), render=out.get(own.type))


def _value(value: Any) -> Value:
    plain: Value = value.known_as if isinstance(value, Person) else value
    return plain


def _comment(said: Mapping[str, Any]) -> Comment:
    role = {"customer": Role.CUSTOMER, OURS: Role.BOT}.get(said["by"], Role.AGENT)
    author = said["author"]
    stamped = {"id": said["id"], "at": said["at"], "text": said["text"], "public": said["public"], "author": author, "role": role}
    return door.comment({**stamped, "ours": said["mark"] is not None})


def _attachment(file: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=file["id"],
        name=file["name"],
        at=moment(file["at"]),
        public=file["public"],
        size=file["declared"],
        type=file["type"],
        withheld="malware was found" if file["infected"] else None,
        ours=file["by"] == OURS,
    )


def _change(row: Mapping[str, Any]) -> Change:
    before, after = (_set(v) if isinstance(v, list) else v for v in (row["before"], row["after"]))
    return Change(field=row["field"], before=before, after=after, at=moment(row["at"]), by=row["by"], ours=row["by"] == OURS)
