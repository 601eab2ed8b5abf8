"""Salesforce's records in our words: cases, comments, e-mails and the history of fields. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, TypeAlias

from msgspec import Struct, to_builtins

from connectors import door
from connectors.base import Custom
from connectors.columns import Columns, Decoded, Unusual
from connectors.mapping import Field, Kept, Record, Table, Words, declared, key_of, moment, moment_or_day, reader
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shape
from connectors.salesforce.soql import Key
from rules.ticket import Change, Comment, Person, Role, Ticket, TicketRef, Value

STATUS = Words({"New": "new", "Working": "open", "Escalated": "open", "On Hold": "on_hold", "Resolved": "resolved", "Closed": "closed"})
PRIORITY = Words({"Critical": "urgent", "High": "high", "Medium": "normal", "Low": "low"})
TYPE = Words({word.capitalize(): word for word in ("question", "incident", "problem", "request", "bug", "change", "task")})
CHANNEL = Words({"Email": "email", "Phone": "phone", "Web": "web", "Chat": "chat", "Portal": "portal", "Social": "social"})
"""A word that this organization's picklist does not have is never written (`writing.Choices`), so none of these can spoil a case."""

QUEUE, USER = "00G", "005"  # how the ids of owners begin
PORTAL = re.compile(r"Portal|Customer|Partner|Csp|Guest|Community", re.IGNORECASE)
ROBOTS = frozenset({"AutomatedProcess", "CloudIntegrationUser"})
MARK = re.compile(r"\s*⟨tg:([0-9a-f]{8})⟩\s*\Z")
AUTOMATIC = re.compile(r"^(auto-submitted:(?!\s*no\b)|x-auto-response-suppress:|precedence:\s*(bulk|auto_reply))", re.I | re.M)
ABOUT_REQUESTER = "requester."


def _requester(record: Record) -> Any:
    """The contact; without one, whoever filled in the form or sent the e-mail."""
    contact = record.get("Contact") or {}
    name, email = contact.get("Name") or record.get("SuppliedName"), contact.get("Email") or record.get("SuppliedEmail")
    if not (name or email):
        return None
    account = (record.get("Account") or {}).get("Name") or record.get("SuppliedCompany")
    return {"id": record.get("ContactId"), "name": name or None, "email": email or None, "organization": account or None}


def _requester_of(contact: Any, account: Any, id: Any, name: Any, email: Any, company: Any) -> Person | None:
    """`_requester` of a decoded case, of which these are the fields of `ABOUT`."""
    if contact is not None:
        name, email = contact.Name or name, contact.Email or email
    if not (name or email):
        return None
    return Person(id=id, name=name or None, email=email or None, organization=(account and account.Name) or company or None)


ABOUT = ("Contact", "Account", "ContactId", "SuppliedName", "SuppliedEmail", "SuppliedCompany")


def _tags(text: Any) -> frozenset[str]:
    return frozenset(part.strip() for part in str(text).split(";") if part.strip())


TABLE: Table = (
    Field(name="subject", reads="Subject", writes="Subject"),
    Field(name="body", reads="Description", writes="Description"),
    Field(name="status", reads="Status", writes="Status", words=STATUS),
    Field(name="type", reads="Type", writes="Type", words=TYPE),
    Field(name="priority", reads="Priority", writes="Priority", words=PRIORITY),
    Field(name="channel", reads="Origin", writes="Origin", words=CHANNEL),
    Field(name="requester", reads=_requester),
    Field(name="created_at", reads="CreatedDate", convert=moment),
    Field(name="updated_at", reads="SystemModstamp", convert=moment),
    Field(name="shown_as", reads="CaseNumber"),
)
"""`group`, `assignee` and `tags` stand where the connection's settings say: see `table_for`."""


def table_for(settings: SalesforceSettings, custom: Sequence[Custom]) -> Table:
    """The rows of one connection: its words, its tags, its owners, and its own fields."""
    own = [_custom_row(c) for c in custom]
    rows = [*TABLE, *_owned(settings)]
    if settings.tags_field:
        rows.append(Field(name="tags", reads=settings.tags_field, convert=Kept(_tags).__getitem__))
    return declared([f for f in rows if f.name not in {row.name for row in own}], settings.words, own)


def remotes(settings: SalesforceSettings, custom: Sequence[Custom]) -> list[str]:
    """What has to be asked for besides the fields that every organization has."""
    return [name for name in (settings.tags_field, settings.group_field, *(c.remote for c in custom)) if name is not None]


def _owned(settings: SalesforceSettings) -> list[Field]:
    """A case has one owner: a queue, which is our group, or a user, our assignee. `nobody` is neither."""
    nobody, kept = frozenset(settings.nobody), settings.group_field

    def group(record: Record) -> Any:
        name = (record.get("Owner") or {}).get("Name")
        if str(record.get("OwnerId")).startswith(QUEUE):
            return None if name in nobody else name
        return record.get(kept) if kept else None

    def assignee(record: Record) -> Any:
        owner, id = record.get("Owner") or {}, str(record.get("OwnerId"))
        if not id.startswith(USER) or owner.get("Name") in nobody:
            return None
        return {"id": id, "name": owner.get("Name"), "email": owner.get("Email")}

    return [Field(name="group", reads=group), Field(name="assignee", reads=assignee)]


def _custom_row(custom: Custom) -> Field:
    """An installation's own field. One that bears the name of ours is read into ours; a path (`Account.Industry`) is only read."""
    ours = custom.name in Ticket.__struct_fields__ or custom.name.startswith(ABOUT_REQUESTER)
    name = custom.name if ours else f"custom.{custom.name.removeprefix('custom.')}"
    writes = None if "." in custom.remote else custom.remote
    return Field(name=name, reads=custom.remote, writes=writes, convert=CONVERT.get(custom.type), render=_rendered)


TEXTS = dict.fromkeys(("text", "choice", "ordered_choice"), str)
CONVERT: Mapping[str, Callable[[Any], Value]] = {**TEXTS, "set": _tags, "number": float, "time": moment_or_day, "boolean": bool}


def _rendered(value: Value) -> Any:
    match value:
        case frozenset():
            return ";".join(sorted(value))
        case bool() | int() | float() | str() | None:
            return value
    return value.isoformat().replace("+00:00", "Z")


Case: TypeAlias = Record | Struct
"""As it came: decoded to the shape that we asked for, or, where it has another, to whatever it has."""


def part(case: Any, name: str) -> Any:
    """What stands at a key; None where there is none, or the case is no case."""
    if isinstance(case, Struct):
        return getattr(case, name, None)
    return case.get(name) if isinstance(case, dict) else None


def parts(cases: Sequence[Any], name: str) -> list[Any]:
    """`part` of each; in C where all were decoded to the shape, which is most pages."""
    try:
        return list(map(attrgetter(name), cases))
    except AttributeError:
        return [part(case, name) for case in cases]


class Cases:
    """Reads cases of one connection. A version is `STAMP~DIGEST~NEWEST`, opaque to everybody else.

    The stamp (whole seconds) is what Salesforce's own guard compares. The digest tells two changes within one second apart, which
    the stamp cannot. `NEWEST` is the newest comment, e-mail and post, which do not always touch their case.
    """

    def __init__(self, connection: str, settings: SalesforceSettings, custom: Sequence[Custom]) -> None:
        self.table = table_for(settings, custom)
        self._connection, self._url, self._read = connection, settings.url, reader(self.table)
        self._shape = Shape(remotes(settings, custom), [settings.group_field] if settings.group_field else [], feed=settings.reads_feed)
        self.decoded, self.version = self._shape.decoded, self._shape.version
        self.together = Together(connection, settings, self.table, self._shape)
        self._about_requester = [row.name for row in self.table if row.name.startswith(ABOUT_REQUESTER)]

    def ticket(self, case: Case) -> Ticket:
        """Raises `ValueError` naming the field, never its text."""
        try:
            return self._read_whole(to_builtins(case) if isinstance(case, Struct) else case)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not shaped like a case ({type(error).__name__}: {str(error)[:80]})") from None

    def _read_whole(self, record: Record) -> Ticket:
        reading, key = self._read(record), key_of(record["Id"])
        values = {"subject": "", "status": None, **reading.values, "unread": reading.unread, "version": self.version(record)}
        for name in self._about_requester:
            if name in values:
                values["requester"] = {**(values.get("requester") or {}), name.removeprefix(ABOUT_REQUESTER): values.pop(name)}
        values["ref"] = TicketRef(self._connection, key)
        values["url"] = f"{self._url}/lightning/r/Case/{key}/view"
        own = [name for name in values if name.startswith("custom.")]
        if own:
            values["custom"] = {name.removeprefix("custom."): values.pop(name) for name in own}
        return door.ticket(values)


class Together:
    """Reads many decoded cases at once, as `Cases` reads one; `Unusual` where one of them must be read by itself."""

    def __init__(self, connection: str, settings: SalesforceSettings, table: Table, shape: Shape) -> None:
        self._connection, self._url, self._shape = connection, settings.url, shape
        apart = [row.name for row in table if callable(row.reads)]
        self._able = {*apart} == {"requester", "group", "assignee"} and not any(row.name.startswith(ABOUT_REQUESTER) for row in table)
        self._columns = Columns(table, apart)
        self._nobody, self._group_field = frozenset(settings.nobody), settings.group_field
        self._users = Kept(lambda user: Person(id=user[0], name=user[1], email=user[2]))

    def __call__(self, cases: Sequence[Any]) -> list[Ticket]:
        if not self._able or not all(map(self._shape.is_it, cases)):
            raise Unusual
        if not cases:
            return []
        decoded = Decoded(cases)
        fields, keys, owners = decoded.fields, decoded.fields["Id"], self._owners(decoded.fields)
        if "" in keys:
            raise Unusual
        apart: dict[str, Sequence[Any]] = {
            "ref": [TicketRef(self._connection, key) for key in keys],
            "version": self._shape.versions(decoded.rows),
            "url": [f"{self._url}/lightning/r/Case/{key}/view" for key in keys],
            "requester": list(map(_requester_of, *(fields[name] for name in ABOUT))),
            "group": [group for group, _ in owners],
            "assignee": [assignee for _, assignee in owners],
        }
        return self._columns.tickets(decoded, apart, [{} for _ in cases])

    def _owners(self, fields: Mapping[str, Sequence[Any]]) -> list[tuple[str | None, Person | None]]:
        kept = fields[self._group_field] if self._group_field else repeat(None)
        return list(map(self._owner, fields["OwnerId"], fields["Owner"], kept))

    def _owner(self, id: Any, owner: Any, kept: Any) -> tuple[str | None, Person | None]:
        """The group and the assignee, as `_owned` tells them; `kept` is the group that stands beside the owner."""
        id, name = id or "", owner.Name if owner else None
        if id.startswith(QUEUE):
            return (None if name in self._nobody else name or None), None
        if not id.startswith(USER) or name in self._nobody:
            return kept or None, None
        return kept or None, self._users[id, name, owner.Email if owner else None]


def guarded(version: str) -> str:
    """The part of a version that a stale write is told by: a comment in between changes no field."""
    return version.rpartition("~")[0]


def heard(version: str) -> str:
    """The part of a version that says which comments and e-mails were there."""
    return version.rpartition("~")[2]


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


HISTORY = {"Status": "status", "Priority": "priority", "Type": "type", "Subject": "subject", "Origin": "channel"}


def changes_of(rows: Sequence[Record], table: Table, nobody: Iterable[str]) -> Iterator[Change]:
    """What the history of a case says of our fields, in its order. A word that nobody declared is None."""
    words, none = {f.name: f.words for f in table if f.words}, frozenset(nobody)
    for row in rows:
        if row["Field"] in HISTORY:
            name = HISTORY[row["Field"]]
            before, after = (_meaning(row[side], words.get(name)) for side in ("OldValue", "NewValue"))
            yield Change(field=name, before=before, after=after, at=moment(row["CreatedDate"]), by=_by(row))
        elif row["Field"] == "Owner" and _is_id(row):
            yield from _handed_over(row, _named(row, rows), none)


def _meaning(value: Any, words: Words | None) -> Value:
    if value is None:
        return None
    return words.read(str(value)) if words else str(value)


def _by(row: Record) -> str | None:
    user = row.get("CreatedBy") or {}
    return user.get("Email") or user.get("Name") or row.get("CreatedById")


def _is_id(row: Record) -> bool:
    return str(row["NewValue"] or row["OldValue"]).startswith((QUEUE, USER))


def _named(row: Record, rows: Sequence[Record]) -> Record:
    """An owner's change has two rows, one with ids and one with names."""
    same = (r for r in rows if r["Field"] == "Owner" and r["CreatedDate"] == row["CreatedDate"] and not _is_id(r))
    return next(same, row)


def _handed_over(ids: Record, names: Record, nobody: frozenset[str]) -> Iterator[Change]:
    for field, prefix in (("group", QUEUE), ("assignee", USER)):
        before, after = (
            None if not str(ids[side]).startswith(prefix) or names[side] in nobody else names[side] for side in ("OldValue", "NewValue")
        )
        if before != after:
            yield Change(field=field, before=before, after=after, at=moment(ids["CreatedDate"]), by=_by(ids))


def after(rows: list[Any], stamped: str, place: Key, *, more: bool) -> Key:
    """The place behind a page. Raises `ValueError` for a page that would be asked for again and again."""
    if not rows and more:
        raise ValueError("a page that is empty, and yet not the last")
    if not rows:
        return place
    at, id = part(rows[-1], stamped), part(rows[-1], "Id")
    if not isinstance(id, str):
        raise ValueError("a record without its Id")
    return Key(moment(at), id)
