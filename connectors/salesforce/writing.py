"""What is sent to Salesforce: our fields in its keys and words, owners by name or address, tags in a field."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connectors.base import FALLBACK, Thing
from connectors.errors import Rejected
from connectors.mapping import Record, Table, Unwritable, payload
from connectors.salesforce.reading import QUEUE, USER
from connectors.salesforce.settings import NAME, SalesforceSettings
from connectors.salesforce.soql import quoted
from connectors.text import limits, plain
from connectors.text.limits import Limit
from rules.plan import Draft, TagChange
from rules.ticket import Person, Value

if TYPE_CHECKING:
    from connectors.salesforce.session import Session

MANY = 200  # ids in one query: a longer list would not fit into an address
OWNERS = frozenset({"group", "assignee"})
LONGEST_DESCRIPTION = 32_000  # characters: as the sandbox has it; not looked up at the vendor
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
A_USER = re.compile(f"{USER}[0-9A-Za-z]{{12}}([0-9A-Za-z]{{3}})?")
BY_WORD = ("Status", "Priority", "Type", "Origin")
LOOK_UP_QUEUE = "SELECT Id, Name FROM Group WHERE Type = 'Queue' AND (Name = {0} OR DeveloperName = {0}) LIMIT 3"
LOOK_UP_USER = "SELECT Id, Name, Email FROM User WHERE {1} = {0} AND IsActive = true AND UserType = 'Standard' LIMIT 3"


class Directory:
    """Queues and users, looked up when first named. Raises `Rejected` for one that is not there, or not the only one."""

    def __init__(self, connection: str, session: "Session", nobody: tuple[str, ...]) -> None:
        self._connection, self._session, self._nobody = connection, session, nobody
        self._known: dict[tuple[str, str], Record] = {}
        self._people: dict[str, Person] = {}
        self._fields: dict[str, frozenset[str]] = {}
        self._days: frozenset[str] = frozenset()

    def queue(self, name: str) -> Record:
        return self._one("queue", name, self._found("queue", name))

    def user(self, who: str) -> Record:
        """By e-mail address, or by name."""
        return self._one("user", who, self._found("user", who))

    def nobody(self, what: str) -> Record:
        """Who owns the cases that nobody has taken."""
        for name in self._nobody:
            for kind in ("queue", "user"):
                if found := self._found(kind, name):
                    return self._one(kind, name, found)
        remedy = "name the queue or user that owns untaken cases under nobody:"
        raise Rejected(self._connection, f"{what}: a case always has an owner, and nothing that nobody: names is there; {remedy}")

    def choices(self, field: str) -> frozenset[str]:
        """The values that this organization's picklist has; empty where it has no such picklist."""
        return self._described().get(field.casefold(), frozenset())

    def person(self, id: str) -> Person | None:
        """The user with this id, asked for once."""
        if not A_USER.fullmatch(id):
            return None
        if id not in self._people:
            rows = self._session.all(f"look up who {id} is", f"SELECT Id, Name, Email FROM User WHERE Id = {quoted(id)}")  # noqa: S608
            if not rows:
                return None
            self._people[id] = Person(id=id, name=rows[0].get("Name"), email=rows[0].get("Email"))
        return self._people[id]

    def mentionable(self, who: str) -> str | None:
        """The id of the one active user with this e-mail address (or name, where it is none); None for nobody and for several."""
        try:
            found = self._found("user", who)
            return str(self._one("user", who, found)["Id"]) if len(found) == 1 else None
        except Rejected:
            return None

    def members(self, name: str) -> tuple[str, ...]:
        """The users of a queue who are active, each by e-mail address, else name; nobody for a queue that is not there."""
        try:
            queue = str(self.queue(name)["Id"])
        except Rejected:
            return ()
        what = f"look up the members of {name}"
        rows = self._session.all(what, f"SELECT UserOrGroupId FROM GroupMember WHERE GroupId = {quoted(queue)}")  # noqa: S608
        ids = [quoted(id) for row in rows if (id := str(row["UserOrGroupId"])).startswith(USER)]  # not the groups that are in it
        users = "SELECT Name, Email FROM User WHERE Id IN ({}) AND IsActive = true"
        some = (", ".join(ids[at : at + MANY]) for at in range(0, len(ids), MANY))
        return tuple(str(row["Email"] or row["Name"]) for part in some for row in self._session.all(what, users.format(part)))

    def holds_days(self, field: str) -> bool:
        """Salesforce refuses a moment for a field of dates."""
        self._described()
        return field.casefold() in self._days

    def has(self, kind: Thing, name: str) -> bool:
        """Whether a write or a map would find it. A field behind a relation, such as `Account.Tier__c`, is not one of Case to ask for."""
        if kind == "field":
            return "." in name or name.casefold() in self._described()
        try:
            self.queue(name) if kind == "group" else self.user(name)
        except Rejected:
            return False
        return True

    def _described(self) -> Mapping[str, frozenset[str]]:
        """The fields of Case by their API names, each with the values of its picklist; asked for once."""
        if not self._fields:
            said = self._session.ask("read the fields of Case", "GET", "sobjects/Case/describe")
            fields = said.get("fields") if isinstance(said, dict) else None
            self._days = frozenset(str(f["name"]).casefold() for f in fields or () if f.get("type") == "date")
            self._fields = {str(f["name"]).casefold(): _active(f) for f in fields or ()} or {"": frozenset()}
        return self._fields

    def contact(self, email: str) -> str | None:
        """The id of the one contact with this address."""
        found = self._session.all("find the requester", f"SELECT Id FROM Contact WHERE Email = {quoted(email)} LIMIT 2")  # noqa: S608
        return str(found[0]["Id"]) if len(found) == 1 else None

    def known_as(self, id: str) -> Record:
        """The name and address of an owner that was looked up."""
        return next((r for r in self._known.values() if r["Id"] == id), {})

    def forget(self) -> None:
        """After a refusal: what was looked up may no longer be so."""
        self._known.clear()
        self._fields.clear()

    def _found(self, kind: str, name: str) -> list[Record]:
        if (kind, name) in self._known:
            return [self._known[kind, name]]
        soql = LOOK_UP_QUEUE if kind == "queue" else LOOK_UP_USER
        return list(self._session.all(f"find the {kind} '{name}'", soql.format(quoted(name), "Email" if "@" in name else "Name")))

    def _one(self, kind: str, name: str, found: list[Record]) -> Record:
        exact = [r for r in found if r["Name"] == name] or found
        if len(exact) != 1:
            many = "there is no" if not exact else "there is more than one"
            remedy = f"; {FALLBACK}" if kind == "user" else ""
            raise Rejected(self._connection, f"{many} {kind} '{name}' in this organization that could own a case{remedy}")
        self._known[kind, name] = exact[0]
        return exact[0]


def _active(field: Record) -> frozenset[str]:
    return frozenset(choice["value"] for choice in field.get("picklistValues") or () if choice.get("active"))


class Writing:
    """Makes what is sent. Raises `Rejected` for what this organization has no place, word, queue or user for."""

    def __init__(self, connection: str, settings: SalesforceSettings, table: Table, directory: Directory) -> None:
        self._connection, self._settings, self._table, self.directory = connection, settings, table, directory

    def changes(self, what: str, fields: Mapping[str, Value], tags: TagChange, record: Record) -> dict[str, Any]:
        """An update of the case as `record` shows it; what it would leave as it is, is not sent."""
        sent = self._worded(what, {k: v for k, v in fields.items() if k not in OWNERS})
        sent |= self._owner(what, fields, record)
        if tags:
            sent |= self._tags(what, self._set_of(record) - tags.remove | tags.add)
        return {k: v for k, v in sent.items() if k not in record or record[k] != v}

    def draft(self, what: str, draft: Draft) -> dict[str, Any]:
        """A new case. Its requester is the contact with that address, else only the address."""
        fields = {k: v for k, v in draft.fields.items() if v is not None}
        if fields.get("body"):
            limit = Limit(LONGEST_DESCRIPTION, wide=self._settings.four_byte_letters)
            fields["body"] = limits.said(str(fields["body"]), plain.write, str, limit)
        sent = self._worded(what, {k: v for k, v in fields.items() if k not in {*OWNERS, "tags", "requester"}})
        sent |= self._owner(what, fields, {})
        if isinstance(tags := fields.get("tags"), frozenset) and tags:
            sent |= self._tags(what, tags)
        if requester := fields.get("requester"):
            contact = self.directory.contact(str(requester))
            sent |= {"ContactId": contact} if contact else {"SuppliedEmail": str(requester)}
        return {**sent, **self._own(what, draft.own)}

    def as_written(self, record: Record, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The record as these values leave it, as far as we know."""
        owner = self.directory.known_as(sent["OwnerId"]) if "OwnerId" in sent else record.get("Owner")
        return {**record, **sent, "Owner": owner}

    def _worded(self, what: str, fields: Mapping[str, Value]) -> dict[str, Any]:
        try:
            sent = payload(self._table, fields)
        except Unwritable as error:
            raise Rejected(self._connection, f"{what}: {error}") from None
        for name in [name for name, value in sent.items() if isinstance(value, str) and MOMENT.fullmatch(value)]:
            sent[name] = sent[name].partition("T")[0] if self.directory.holds_days(name) else sent[name]
        for name in BY_WORD:
            there = self.directory.choices(name) if sent.get(name) is not None else None
            if there and sent[name] not in there:
                self._no_such_word(what, name, sent[name], there)
        return sent

    def _no_such_word(self, what: str, name: str, value: str, there: frozenset[str]) -> None:
        """Salesforce itself would take any value for a picklist that is not restricted, and show a status that nobody knows."""
        ours = next((f.name for f in self._table if f.writes == name), name)
        known = ", ".join(sorted(there))
        raise Rejected(self._connection, f"{what}: {ours} '{value}' is not in this organization ({known}); declare one under words:")

    def _owner(self, what: str, fields: Mapping[str, Value], record: Record) -> dict[str, Any]:
        """A user before a queue; emptied, the case falls back to its queue, or to nobody's owner."""
        sent: dict[str, Any] = {}
        group, who, owner = fields.get("group"), fields.get("assignee"), str(record.get("OwnerId"))
        kept = self._settings.group_field
        if who:
            sent["OwnerId"] = self.directory.user(str(who))["Id"]
        elif group:
            sent["OwnerId"] = self.directory.queue(str(group))["Id"]
        elif self._emptied(fields, owner):
            sent["OwnerId"] = self._fallback(what, fields, record)["Id"]
        if kept and "group" in fields:
            sent[kept] = group
        elif kept and who and owner.startswith(QUEUE):
            sent[kept] = record["Owner"]["Name"]
        return sent

    def _emptied(self, fields: Mapping[str, Value], owner: str) -> bool:
        return ("assignee" in fields and owner.startswith(USER)) or ("group" in fields and owner.startswith(QUEUE))

    def _fallback(self, what: str, fields: Mapping[str, Value], record: Record) -> Record:
        group = record.get(self._settings.group_field or "")
        return self.directory.queue(group) if group and "group" not in fields else self.directory.nobody(what)

    def _set_of(self, record: Record) -> frozenset[str]:
        row = next((f for f in self._table if f.name == "tags"), None)
        value = record.get(self._settings.tags_field or "")
        found = row.convert(value) if row and row.convert and value else frozenset()
        return found if isinstance(found, frozenset) else frozenset()

    def _tags(self, what: str, tags: frozenset[str]) -> dict[str, Any]:
        if self._settings.tags_field is None:
            raise Rejected(self._connection, f"{what}: cases have no tags; make a text field on Case and name it under tags_field:")
        if any(";" in tag for tag in tags):
            raise Rejected(self._connection, f"{what}: a tag with a semicolon in it cannot be kept in {self._settings.tags_field}")
        return {self._settings.tags_field: ";".join(sorted(tags)) or None}

    def _own(self, what: str, own: Mapping[str, str]) -> dict[str, str]:
        """What only this system knows, by the API name of the field."""
        for name in own:
            if not NAME.fullmatch(name):
                raise Rejected(self._connection, f"{what}: '{name}' is not the API name of a field of Case")
        return dict(own)
