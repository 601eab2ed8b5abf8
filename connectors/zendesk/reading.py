"""Zendesk's records in our words: tickets with what came beside them, comments, and the changes in audits. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any
from zlib import crc32

import orjson
from msgspec import Struct

from connectors import door
from connectors.base import Custom
from connectors.columns import MALFORMED, Columns, Decoded, Unusual
from connectors.mapping import Field, Record, Table, Words, moment, moment_or_day, reader
from connectors.zendesk.shape import FOLLOW_UP, WATCHED, Named, Shape, User, number_of, of_shape, versions
from rules.ticket import Change, Comment, Person, Role, Ticket, TicketRef, Value, replace

STATUS = Words({"new": "new", "open": "open", "pending": "pending", "hold": "on_hold", "solved": "resolved", "closed": "closed"})
PRIORITY = Words({"urgent": "urgent", "high": "high", "normal": "normal", "low": "low"})
TYPE = Words({"question": "question", "incident": "incident", "problem": "problem", "task": "task"})
CHANNEL = Words(
    {
        "email": "email",
        "web": "web",
        "mobile": "web",
        "web_widget": "web",
        "mobile_sdk": "web",
        "help_center": "portal",
        "api": "api",
        "chat": "chat",
        "native_messaging": "chat",
        "messaging": "chat",
        "voice": "phone",
        "twitter": "social",
        "facebook": "social",
        "whatsapp": "social",
        "line": "social",
        "instagram_dm": "social",
    }
)


def followed_up(record: Record) -> str | None:
    """The closed ticket that this one follows up: `via.source` names it (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/)."""
    source = (record.get("via") or {}).get("source") or {}
    return number_of(source.get("from")) if source.get("rel") == FOLLOW_UP else None


TABLE: Table = (
    Field(name="subject", reads="subject", writes="subject"),
    Field(name="body", reads="description"),
    Field(name="status", reads="status", writes="status", words=STATUS),
    Field(name="type", reads="type", writes="type", words=TYPE),
    Field(name="priority", reads="priority", writes="priority", words=PRIORITY),
    Field(name="channel", reads="via.channel", words=CHANNEL),
    Field(name="split_from", reads=followed_up),
    Field(name="requester", reads="requester"),
    Field(name="assignee", reads="assignee", writes="assignee_id"),
    Field(name="group", reads="group", writes="group_id"),
    Field(name="tags", reads="tags", convert=frozenset),
    Field(name="due_at", reads="due_at", convert=moment),
    Field(name="created_at", reads="created_at", convert=moment),
    Field(name="updated_at", reads="updated_at", convert=moment),
)
"""`requester`, `assignee` and `group` are put into the record from what came beside it; only ids stand there."""

MARK = "ticketgate"  # our key in an update's metadata, which Zendesk keeps in the audit
ROBOTS = re.compile(
    r"^(mailer-?daemon|postmaster|(do[-_.]?not|no)[-_.]?reply|bounces?|auto-?reply|notifications?)([-_.+0-9].*)?@", re.IGNORECASE
)


def version_of(record: Record) -> str:
    """The stamp that Zendesk's own guard compares, and a digest of the content.

    `updated_at` alone would be blind to a system change (a merge, an automation's side effect), which leaves it as it was;
    `generated_timestamp` would show it, but only an export has that. The digest is the same from an export, a show and an update.
    """
    custom = [[f["id"], f["value"]] for f in record.get("custom_fields") or () if f["value"] is not None]
    if len(custom) > 1:
        custom.sort(key=itemgetter(0))
    tags = record.get("tags") or []
    content = orjson.dumps([[*map(record.get, WATCHED)], tags if len(tags) < 2 else sorted(tags), custom])
    return f"{record['updated_at']}/{crc32(content):08x}"


def stamp_of(version: str) -> str:
    """What `safe_update` compares: Zendesk's own `updated_at`."""
    return version.partition("/")[0]


class Beside:
    """The people, groups and organizations that came with an answer; each person is made once."""

    def __init__(self, answer: Record) -> None:
        self.users: dict[int, Record | User] = {}
        self.groups: dict[int, str] = {}
        self.organizations: dict[int, str] = {}
        self._people: dict[int, Person] = {}
        self.know(answer)

    def know(self, answer: Record) -> None:
        """Learns of those who came with another answer."""
        self.users.update((u.id if type(u) is User else u["id"], u) for u in answer.get("users") or ())
        self.groups.update(map(_named, answer.get("groups") or ()))
        self.organizations.update(map(_named, answer.get("organizations") or ()))
        self._people.clear()

    def person(self, number: int | None) -> Person | None:
        """None for nobody; somebody of whom nothing came along is known by the id alone."""
        if number is None:
            return None
        if number not in self._people:
            self._people[number] = self._made(number)
        return self._people[number]

    def requester(self, number: int | None, organization_id: int | None) -> Person | None:
        """The requester in the organization that the ticket is about: a person may be in several."""
        person = self.person(number)
        organization = self.organizations.get(organization_id or 0)
        if person is None or organization is None or organization == person.organization:
            return person
        return replace(person, organization=organization)

    def _made(self, number: int) -> Person:
        user = self.users.get(number)
        if user is None:
            return Person(id=str(number))
        name, email, organization, tags, language = _told_of(user)
        return Person(
            id=str(number),
            name=name or None,
            email=email or None,
            organization=self.organizations.get(organization or 0),
            tags=frozenset(tags or ()),
            language=language or None,
            automated=is_robot(email),
        )


def _named(one: Any) -> tuple[int, str]:
    return (one.id, one.name) if type(one) is Named else (one["id"], one["name"])


_TOLD = ("name", "email", "organization_id", "tags", "locale")
_of_user = attrgetter(*_TOLD)


def _told_of(user: Any) -> Sequence[Any]:
    return _of_user(user) if type(user) is User else [*map(user.get, _TOLD)]


def is_robot(email: str | None) -> bool:
    """Whether an address is one that nobody reads: bounces and no-reply senders."""
    return bool(email and ROBOTS.match(email))


def custom_row(custom: Custom) -> Field:
    """An installation's own field: `remote` is the number of a ticket field, or a key of the ticket such as `brand_id`."""
    name = custom.name if custom.name in Ticket.__struct_fields__ else f"custom.{custom.name.removeprefix('custom.')}"
    if not custom.remote.isdigit():
        return Field(name=name, reads=custom.remote, convert=CONVERT.get(custom.type))
    number = int(custom.remote)

    def reads(record: Record) -> Any:
        for held in record.get("custom_fields") or ():
            if held["id"] == number:
                return held["value"]
        return None

    return Field(name=name, reads=reads, writes=f"custom_fields.{number}", convert=CONVERT.get(custom.type), render=_rendered)


def _number(value: Any) -> Value:
    return value if isinstance(value, int | float) else float(value)


CONVERT: Mapping[str, Callable[[Any], Value]] = {
    "text": str,
    "choice": str,
    "ordered_choice": str,
    "set": lambda value: frozenset([value] if isinstance(value, str) else value),
    "number": _number,
    "time": moment_or_day,
    "boolean": lambda value: value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes"),
}


def _rendered(value: Value) -> Any:
    match value:
        case frozenset():
            return sorted(value)
        case bool() | int() | float() | str():
            return value
        case None:
            return None
        case _:
            return value.date().isoformat()  # a ticket field of time holds days only


def ticket_reader(connection: str, table: Table, url: str) -> Callable[[dict[str, Any], Beside], Ticket]:
    """A function from a record and what came beside it to our ticket. It raises `ValueError` naming the field, never its text."""
    read, has_own = reader(table), any(f.name.startswith("custom.") for f in table)

    def ticket(record: dict[str, Any], beside: Beside) -> Ticket:
        group = record.get("group_id")
        record["requester"] = beside.requester(record.get("requester_id"), record.get("organization_id"))
        record["assignee"] = beside.person(record.get("assignee_id"))
        record["group"] = beside.groups.get(group) if group is not None else None
        reading = read(record)
        values, key = reading.values, str(record["id"])
        values.setdefault("subject", "")
        values.setdefault("status", None)
        values["unread"], values["version"] = reading.unread, version_of(record)
        if group is not None and record["group"] is None:
            reading.unread["group"] = str(group)
        values["ref"] = TicketRef(connection, key)
        values["url"] = f"{url}/agent/tickets/{key}"
        return door.ticket(_with_custom(values) if has_own else values)

    def told(record: dict[str, Any], beside: Beside) -> Ticket:
        try:
            return ticket(record, beside)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not shaped like a ticket ({type(error).__name__}: {str(error)[:80]})") from None

    return told


FROM_BESIDE = ("requester", "assignee", "group")


def page_reader(connection: str, table: Table, url: str) -> Callable[[Sequence[Any], Beside], list[Ticket]]:
    """As `ticket_reader` for many tickets of one `Shape`; `Unusual` where one of them must be read by itself."""
    columns = Columns([*map(of_shape, table)], FROM_BESIDE)

    def page(records: Sequence[Any], beside: Beside) -> list[Ticket]:
        if not all(isinstance(record, Struct) for record in records):
            raise Unusual
        try:
            keys = [str(record.id) for record in records]
            ids, unread = [record.group_id for record in records], [dict[str, str]() for _ in records]
            apart: dict[str, list[Any]] = {
                "requester": [beside.requester(record.requester_id, record.organization_id) for record in records],
                "assignee": [beside.person(record.assignee_id) for record in records],
                "group": [beside.groups.get(id) if id is not None else None for id in ids],
                "version": versions(records),
                "ref": [TicketRef(connection, key) for key in keys],
                "url": [f"{url}/agent/tickets/{key}" for key in keys],
            }
        except MALFORMED:
            raise Unusual from None
        for left, id, group in zip(unread, ids, apart["group"], strict=True):
            if id is not None and group is None:
                left["group"] = str(id)
        return columns.tickets(Decoded(records), apart, unread)

    return page


def shape_for(table: Table) -> Shape:
    """The keys of a ticket that the table reads by name; whole tickets where that says too little.

    So it does where an installation's own field takes the place of what comes beside a record, or lies deeper within it.
    """
    replaced = any(f.name in FROM_BESIDE and f.reads != f.name for f in table)
    paths = [f.reads for f in table if isinstance(f.reads, str) and f.name not in FROM_BESIDE and f.reads != "via.channel"]
    return Shape(paths, whole=replaced or any("." in path or path in ("via", "custom_fields") for path in paths))


def _with_custom(values: dict[str, Any]) -> dict[str, Any]:
    own = [name for name in values if name.startswith("custom.")]
    if own:
        values["custom"] = {name.removeprefix("custom."): values.pop(name) for name in own}
    return values


def comment_of(record: Record, beside: Beside) -> Comment:
    """A reply or a note. `ours` where the update that brought it carries our mark."""
    author = beside.person(record.get("author_id"))
    return Comment(
        id=str(record["id"]),
        at=moment(record["created_at"]),
        text=record.get("body") or "",
        public=record["public"] is True,
        role=_role(record, beside),
        author=author,
        ours=bool(mark_of(record)),
    )


def _role(record: Record, beside: Beside) -> Role:
    """A bot only where that is certain: a rule wrote it, or an address that nobody reads."""
    number = record.get("author_id")
    user: Any = beside.users.get(number or 0, {})  # comments come with people as they are
    if number == -1 or (record.get("via") or {}).get("channel") == "rule" or is_robot(user.get("email")):
        return Role.BOT
    return Role.AGENT if user.get("role") in ("agent", "admin") else Role.CUSTOMER


def mark_of(record: Record) -> str | None:
    """Our mark in the metadata of an audit or of a comment."""
    found = ((record.get("metadata") or {}).get("custom") or {}).get(MARK)
    return found if isinstance(found, str) else None


def changes_of(audit: Record, table: Table, beside: Beside) -> Iterator[Change]:
    """What one update changed of our fields. A word that nobody declared is None."""
    words = {f.name: f.words for f in table if f.words}
    at, by = moment(audit["created_at"]), beside.person(audit.get("author_id"))
    for event in audit.get("events") or ():
        known = HISTORY.get(event.get("field_name", "")) if event.get("type") == "Change" else None
        if known is None:
            continue
        name, meaning = known
        before, after = (meaning(event.get(side), words.get(name), beside) for side in ("previous_value", "value"))
        yield Change(field=name, before=before, after=after, at=at, by=by.known_as if by else None, ours=bool(mark_of(audit)))


Meaning = Callable[[Any, Words | None, Beside], Value]


def _word(value: Any, words: Words | None, _: Beside) -> Value:
    return words.read(str(value)) if words and value else None


def _text(value: Any, _: Words | None, __: Beside) -> Value:
    return str(value) if value else None


def _group(value: Any, _: Words | None, beside: Beside) -> Value:
    return beside.groups.get(int(value), str(value)) if value else None


def _assignee(value: Any, _: Words | None, beside: Beside) -> Value:
    person = beside.person(int(value)) if value else None
    return person.known_as if person else None


def _tags(value: Any, _: Words | None, __: Beside) -> Value:
    return frozenset(value.split() if isinstance(value, str) else value or ())


HISTORY: Mapping[str, tuple[str, Meaning]] = {
    "status": ("status", _word),
    "priority": ("priority", _word),
    "type": ("type", _word),
    "subject": ("subject", _text),
    "group_id": ("group", _group),
    "assignee_id": ("assignee", _assignee),
    "tags": ("tags", _tags),
}
