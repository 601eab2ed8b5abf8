"""From a case of Salesforce to a ticket: where each field stands, and the words. Pure.

`cases.py` reads one by this table, `together.py` a page of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.base import Custom
from connectors.mapping import Field, Kept, Record, Table, Words, declared, moment, moment_or_day
from connectors.salesforce.settings import SalesforceSettings
from rules.ticket import Ticket, Value

STATUS = Words({"New": "new", "Working": "open", "Escalated": "open", "On Hold": "on_hold", "Resolved": "resolved", "Closed": "closed"})
PRIORITY = Words({"Critical": "urgent", "High": "high", "Medium": "normal", "Low": "low"})
TYPE = Words({word.capitalize(): word for word in ("question", "incident", "problem", "request", "bug", "change", "task")})
CHANNEL = Words({"Email": "email", "Phone": "phone", "Web": "web", "Chat": "chat", "Portal": "portal", "Social": "social"})
"""A word that this organization's picklist does not have is never written (`writing.Choices`), so none of these can spoil a case."""

QUEUE, USER = "00G", "005"  # how the ids of owners begin
ABOUT_REQUESTER = "requester."


def _requester(record: Record) -> Any:
    """The contact; without one, whoever filled in the form or sent the e-mail."""
    contact = record.get("Contact") or {}
    name, email = contact.get("Name") or record.get("SuppliedName"), contact.get("Email") or record.get("SuppliedEmail")
    if not (name or email):
        return None
    account = (record.get("Account") or {}).get("Name") or record.get("SuppliedCompany")
    return {"id": record.get("ContactId"), "name": name or None, "email": email or None, "organization": account or None}


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
