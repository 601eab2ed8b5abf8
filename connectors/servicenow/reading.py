"""From a record of the Table API to a ticket: where each field stands, and the product's own words.

Every value is a string and "" is none; references come as bare sys_ids, and what is behind them by dot-walking, whose dotted
names are plain keys of the record.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from itertools import chain
from typing import Any

from connectors.base import Custom
from connectors.mapping import Field, Kept, Plain, Record, Several, Words, declared, key_of, reader
from connectors.servicenow.query import moment, moment_or_day, stamp
from connectors.servicenow.settings import ServiceNowSettings
from rules.ticket import Channel, Level, Person, Status, Ticket, TicketRef, Type, Value, replace

ON_HOLD, CANCELED = "3", "8"

STATUS = Words(
    {
        "1": Status.NEW,
        "2": Status.OPEN,
        "3/1": Status.PENDING,  # on hold, awaiting the caller
        "3": Status.ON_HOLD,  # on hold for any other reason
        "6": Status.RESOLVED,
        "7": Status.CLOSED,
        "8": Status.CLOSED,
    }
)
PRIORITY = Words({"1": Level.URGENT, "2": Level.HIGH, "3": Level.NORMAL, "4": Level.LOW, "5": Level.LOW})
DEGREE = Words({"1": Level.HIGH, "2": Level.NORMAL, "3": Level.LOW})
TYPE = Words(
    {
        "incident": Type.INCIDENT,
        "problem": Type.PROBLEM,
        "change_request": Type.CHANGE,
        "sc_request": Type.REQUEST,
        "sn_customerservice_case": Type.QUESTION,
        "sc_task": Type.TASK,
    }
)
CHANNEL = Words(
    {
        "email": Channel.EMAIL,
        "phone": Channel.PHONE,
        "self-service": Channel.PORTAL,
        "self service": Channel.PORTAL,
        "web": Channel.WEB,
        "chat": Channel.CHAT,
        "virtual_agent": Channel.CHAT,
        "social": Channel.SOCIAL,
        "api": Channel.API,
    }
)


def _listed(text: str) -> frozenset[str]:
    return frozenset(part for part in map(str.strip, text.split(",")) if part)


def _lines(text: str) -> frozenset[str]:
    return frozenset(text.splitlines())


def _requester(said: tuple[str | None, str | None, str | None, str | None, str | None]) -> Person | None:
    key, name, email, organization, language = said
    if not key:
        return None
    return Person(id=key, name=name or None, email=email or None, organization=organization or None, language=language or None)


def _assignee(said: tuple[str | None, str | None, str | None]) -> Person | None:
    key, name, email = said
    return Person(id=key, name=name or None, email=email or None) if key else None


REQUESTER = ("caller_id", "caller_id.name", "caller_id.email", "caller_id.company.name", "caller_id.preferred_language")
ASSIGNEE = ("assigned_to", "assigned_to.name", "assigned_to.email")
PERSONS: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Person | None]]] = {
    "requester": (REQUESTER, _requester),
    "assignee": (ASSIGNEE, _assignee),
}


def _group(said: tuple[str | None, str | None]) -> str | None:
    """The group's name; its sys_id where we may not read `sys_user_group`."""
    name, key = said
    return name or key


def _resolution(said: tuple[str | None, str | None]) -> str | None:
    state, code = said
    return "canceled" if state == CANCELED else code


ALWAYS = ("sys_id", "number", "sys_updated_on", "sys_mod_count")
"""What a ticket is known by and told apart by, whatever the table says."""
LABELS = "label_entry"
"""Under this key a record bears its tags, one a line, where they are rows of their own; see `labels`."""


def version_of(record: Record) -> str:
    """Neither half alone is monotonic. Labels leave both alone, so where they are read the version tells them apart as well."""
    return version(record["sys_mod_count"], record["sys_updated_on"], record.get(LABELS))


def version(count: str, at: str, labels: str | None) -> str:
    """`version_of` a record with these."""
    own = f"{count}@{at}"
    return own if labels is None else f"{own}#{sha256(labels.encode()).hexdigest()[:8]}"


TABLE = (
    Field(name="subject", reads="short_description", writes="short_description"),
    Field(name="body", reads="description", writes="description"),
    Field(name="status", reads="state", writes="state", words=STATUS),
    Field(name="type", reads="sys_class_name", words=TYPE),
    Field(name="resolution", reads=Several(("state", "close_code"), _resolution), writes="close_code"),
    Field(name="priority", reads="priority", writes="priority", words=PRIORITY),
    Field(name="impact", reads="impact", writes="impact", words=DEGREE),
    Field(name="urgency", reads="urgency", writes="urgency", words=DEGREE),
    Field(name="channel", reads="contact_type", words=CHANNEL),
    Field(name="requester", reads="caller_id", writes="caller_id"),
    Field(name="group", reads=Several(("assignment_group.name", "assignment_group"), _group), writes="assignment_group"),
    Field(name="assignee", reads="assigned_to", writes="assigned_to"),
    Field(name="watchers", reads="watch_list", convert=_listed),
    Field(name="due_at", reads="due_date", writes="due_date", convert=moment, render=stamp),
    Field(name="created_at", reads="sys_created_on", convert=moment),
    Field(name="updated_at", reads="sys_updated_on", convert=moment),
)

ASKED = (
    *("sys_id", "number", "sys_class_name", "sys_created_on", "sys_updated_on", "sys_mod_count"),
    *("short_description", "description", "state", "hold_reason", "close_code", "priority", "impact", "urgency", "contact_type"),
    *(*REQUESTER, "assignment_group", "assignment_group.name", *ASSIGNEE, "watch_list", "due_date"),
)
"""What every read asks for; nothing else of a record travels."""

OF_TICKET = frozenset(Ticket.__struct_fields__) - {"ref", "custom", "unread", "version", "requester", "assignee"}


def table_for(settings: ServiceNowSettings, custom: Iterable[Custom] = ()) -> tuple[Field, ...]:
    """The table with an installation's words and fields; one of its fields that bears the name of ours takes its place."""
    own = [_own(c) for c in custom]
    there, apart = (LABELS, _lines) if settings.labelled else (settings.tags_field, _listed)
    tags = Field(name="tags", reads=there, convert=Kept(apart).__getitem__)
    taken = {f.name for f in own}
    rows = [f for f in declared((*TABLE, tags), settings.words) if f.name not in taken]
    return (*map(_told_by_several, rows), *(f.declared(settings.words) for f in own))


def asked_for(settings: ServiceNowSettings, custom: Iterable[Custom] = ()) -> str:
    """`sysparm_fields` of every read of a ticket."""
    return ",".join(dict.fromkeys((*ASKED, *(() if settings.labelled else (settings.tags_field,)), *(c.remote for c in custom))))


def _told_by_several(row: Field) -> Field:
    """The rows that one field of a record cannot tell: people, and status with its reason."""
    if row.name in PERSONS:
        return replace(row, reads=Several(*PERSONS[row.name]))
    return replace(row, reads=_with_reason(row.words)) if row.name == "status" and row.words else row


def _with_reason(words: Words) -> Several:
    """`3/1` is state 3 with hold_reason 1, where that pair has a word; else the state alone."""
    paired = frozenset(word for word in words.ours if "/" in word)
    with_pairs = frozenset(word.partition("/")[0] for word in paired)

    def word(said: tuple[str | None, str | None]) -> str | None:
        state, reason = said
        if state not in with_pairs:
            return state
        pair = f"{state}/{reason}"
        return pair if pair in paired else state

    return Several(("state", "hold_reason"), word)


def _own(c: Custom) -> Field:
    into: Mapping[str, Callable[[Any], Value]] = {"set": _listed, "time": moment_or_day, "number": float, "boolean": "true".__eq__}
    out: Mapping[str, Callable[[Any], Any]] = {
        "set": lambda value: ",".join(sorted(value)),
        "time": stamp,
        "number": lambda value: str(int(value)) if value == int(value) else str(value),
        "boolean": lambda value: "true" if value else "false",
    }
    name = c.name if c.name in OF_TICKET else f"custom.{c.name}"
    writes = c.remote if c.remote.count(".") < 2 else None  # the name of a reference writes the reference, see `Directory.referred`
    return Field(name=name, reads=Plain(c.remote), writes=writes, convert=into.get(c.type), render=out.get(c.type))


def ticket_reader(connection: str, settings: ServiceNowSettings, table: tuple[Field, ...]) -> Callable[[Record], Ticket]:
    """One function from a record to a ticket. It raises `ValueError` or `KeyError` for what is not a record of the Table API."""
    read, names = reader(table), keys_read(table)
    has_custom = any(f.name.startswith("custom.") for f in table)
    page = f"{settings.url}/{settings.table}.do?sys_id="

    def ticket(record: Record) -> Ticket:
        _only_text(record, names)
        reading = read(record)
        values, key = reading.values, key_of(record["sys_id"])
        custom = _taken_out(values) if has_custom else {}
        return Ticket(
            ref=TicketRef(connection, key),
            subject=values.pop("subject", ""),
            status=values.pop("status", None),
            version=version_of(record),
            url=page + key,
            shown_as=record.get("number") or None,
            custom=custom,
            unread=reading.unread,
            **values,
        )

    return ticket


def keys_read(table: tuple[Field, ...]) -> tuple[str, ...]:
    """The keys of a record that a ticket is made of; nothing else in it is looked at."""
    rows = [row.reads for row in table]
    told = [reads.keys if isinstance(reads, Several) else (reads.key if isinstance(reads, Plain) else str(reads),) for reads in rows]
    return tuple(dict.fromkeys((*ALWAYS, *chain.from_iterable(told))))


def _only_text(record: Record, names: Iterable[str]) -> None:
    wrong = next((name for name in names if not isinstance(record.get(name), str | None)), None)
    if wrong is not None:
        raise ValueError(f"{wrong} is not text, as every value of the Table API is")


def _taken_out(values: dict[str, Any]) -> dict[str, Value]:
    return {name.removeprefix("custom."): values.pop(name) for name in [n for n in values if n.startswith("custom.")]}


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose references came as `{link, value}` (answers to writes have no other form), as bare sys_ids."""
    return {name: value.get("value", "") if isinstance(value, Mapping) else value for name, value in record.items()}
