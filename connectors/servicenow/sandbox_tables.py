"""Tables of the sandbox: sparse records over defaults, found by key, by a few indexed fields, or in the order of one stamp."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from itertools import islice

from connectors.servicenow.sandbox_query import Query

INCIDENT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("activity_due", "additional_assignee_list", "approval_history", "approval_set", "assigned_to", "assignment_group"),
            *("business_duration", "business_service", "business_stc", "calendar_duration", "calendar_stc", "caller_id", "caused_by"),
            *("close_code", "close_notes", "closed_at", "closed_by", "cmdb_ci", "comments", "comments_and_work_notes", "company"),
            *("contact_type", "correlation_display", "correlation_id", "delivery_plan", "delivery_task", "description", "due_date"),
            *("expected_start", "follow_up", "group_list", "hold_reason", "location", "number", "opened_at", "opened_by", "order"),
            *("parent", "parent_incident", "problem_id", "reopened_by", "reopened_time", "resolved_at", "resolved_by", "rfc"),
            *("short_description", "sla_due", "subcategory", "sys_created_by", "sys_created_on", "sys_id", "sys_tags"),
            *("sys_updated_by", "sys_updated_on", "time_worked", "user_input", "watch_list", "work_end", "work_notes"),
            *(
                "work_notes_list",
                "work_start",
                "u_tags",
                "u_product",
                "u_language",
                "u_seats",
                "u_start",
                "u_renewal",
                "u_regions",
                "u_beta",
                "u_vendor",
            ),
        ),
        "",
    ),
    "active": "true",
    "approval": "not requested",
    "category": "inquiry",
    "child_incidents": "0",
    "escalation": "0",
    "impact": "3",
    "incident_state": "1",
    "knowledge": "false",
    "made_sla": "true",
    "notify": "1",
    "priority": "5",
    "reassignment_count": "0",
    "reopen_count": "0",
    "severity": "3",
    "state": "1",
    "sys_class_name": "incident",
    "sys_domain": "global",
    "sys_domain_path": "/",
    "sys_mod_count": "0",
    "upon_approval": "proceed",
    "upon_reject": "cancel",
    "urgency": "3",
}
"""All fields of an incident, with what a new one holds."""

PERSON = dict.fromkeys(("sys_id", "user_name", "name", "email", "company", "preferred_language", "sys_created_on", "sys_updated_on"), "")
GROUP = dict.fromkeys(("sys_id", "name", "email", "manager", "description", "sys_created_on", "sys_updated_on"), "")
TASK_SLA = dict.fromkeys(
    (
        *("sys_id", "task", "sla", "stage", "active", "has_breached", "start_time", "end_time", "planned_end_time", "pause_time"),
        *("percentage", "business_percentage", "time_left", "business_time_left", "sys_created_on", "sys_updated_on"),
    ),
    "",
)
NAMED = {"sys_id": "", "name": "", "number": ""}
JOURNAL = dict.fromkeys(("sys_id", "name", "element", "element_id", "value", "sys_created_on", "sys_created_by", "sys_tags"), "")
AUDIT = dict.fromkeys(
    (
        *("sys_id", "tablename", "documentkey", "fieldname", "oldvalue", "newvalue", "user", "reason", "record_checkpoint"),
        *("sys_created_on", "sys_created_by"),
    ),
    "",
)
DELETED = dict.fromkeys(("sys_id", "tablename", "documentkey", "display_value", "sys_created_on", "sys_created_by"), "")

PEOPLE = ("caller_id", "assigned_to", "opened_by", "resolved_by", "closed_by", "reopened_by")
REFERENCES: Mapping[str, str] = {
    **dict.fromkeys(PEOPLE, "sys_user"),
    "assignment_group": "sys_user_group",
    "sla": "contract_sla",
    "company": "core_company",
    "u_vendor": "core_company",
    "sys_domain": "sys_user_group_type",
    "location": "cmn_location",
    "cmdb_ci": "cmdb_ci",
    "problem_id": "problem",
    "parent_incident": "incident",
    "rfc": "change_request",
    "caused_by": "change_request",
    "manager": "sys_user",
    "user": "sys_user",
    "group": "sys_user_group",
    "role": "sys_user_role",
    "label": "label",
    "owner": "sys_user",
}


STAMPS = ("sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by")
LABEL = {**dict.fromkeys(("sys_id", "name", "owner", *STAMPS), ""), "viewable_by": "me", "type": "standard", "active": "true"}
LABEL_ENTRY = dict.fromkeys(("sys_id", "label", "table", "table_key", "title", *STAMPS), "")
ATTACHMENT = dict.fromkeys(
    ("sys_id", "table_name", "table_sys_id", "file_name", "size_bytes", "content_type", "sys_created_on", "sys_created_by", "state"), ""
)


def stable_id(kind: str, value: str) -> str:
    """A sys_id that two starts agree on: 32 hex digits over kind and value."""
    return md5(f"{kind}:{value}".encode(), usedforsecurity=False).hexdigest()


@dataclass
class Table:
    """Records by sys_id. They are changed through `put` and `change` only, which keep the indexes."""

    name: str
    defaults: Mapping[str, str]
    indexed: tuple[str, ...] = ()
    stamped: str = "sys_created_on"  # the field by which a read from a moment on goes without looking at all
    records: dict[str, dict[str, str]] = field(default_factory=dict)
    _by: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)
    _order: list[tuple[str, str]] | None = None

    def put(self, record: dict[str, str]) -> dict[str, str]:
        """A new record, or one in the place of an old one."""
        key = record["sys_id"]
        if key in self.records:
            self.remove(key)
        self.records[key] = record
        self._enter(key, record)
        return record

    def put_all(self, records: Iterable[dict[str, str]]) -> None:
        """Many at once; the order is made anew when it is next asked for."""
        self._order = None
        for record in records:
            self.put(record)

    def change(self, key: str, fields: Mapping[str, str]) -> None:
        record = self.records[key]
        self._leave(key, record)
        record.update(fields)
        self._enter(key, record)

    def remove(self, key: str) -> dict[str, str]:
        record = self.records.pop(key)
        self._leave(key, record)
        return record

    def reorder(self) -> None:
        """Before many changes: cheaper than to keep the order through each."""
        self._order = None

    def _enter(self, key: str, record: Mapping[str, str]) -> None:
        for name in self.indexed:
            if value := record.get(name):
                self._by.setdefault(name, {}).setdefault(value.casefold(), {})[key] = None
        if self._order is not None:
            insort(self._order, (record.get(self.stamped, ""), key))

    def _leave(self, key: str, record: Mapping[str, str]) -> None:
        for name in self.indexed:
            if value := record.get(name):
                self._by[name][value.casefold()].pop(key, None)
        if self._order is not None:
            place = (record.get(self.stamped, ""), key)
            del self._order[bisect_left(self._order, place)]

    def first(self, name: str, value: str) -> str:
        """The sys_id of a record by an indexed field; empty for none."""
        return next(iter(self._keyed(name, [value])), "")

    def among(self, query: Query) -> tuple[Iterable[Mapping[str, str]], bool]:
        """Records of which those that the query wants are part, and whether they come in its order."""
        for name in ("sys_id", *self.indexed):
            if (values := query.only(name)) is not None:
                return [self.records[key] for key in self._keyed(name, values) if key in self.records], False
        if query.order == ((self.stamped, False), ("sys_id", False)):
            return self._from(query.least(self.stamped) or ""), True
        return self.records.values(), not query.order

    def _keyed(self, name: str, values: Iterable[str]) -> dict[str, None]:
        if name == "sys_id":
            return dict.fromkeys(values)
        return {key: None for value in values for key in self._by.get(name, {}).get(value.casefold(), ())}

    def _from(self, bound: str) -> Iterator[Mapping[str, str]]:
        if self._order is None:
            self._order = sorted((record.get(self.stamped, ""), key) for key, record in self.records.items())
        for _, key in islice(self._order, bisect_left(self._order, (bound, "")), None):
            yield self.records[key]


KINDS = {
    **dict.fromkeys(("state", "impact", "urgency", "priority", "hold_reason", "sys_mod_count", "reassignment_count"), "integer"),
    **dict.fromkeys(("sys_created_on", "sys_updated_on", "opened_at", "resolved_at", "closed_at", "due_date"), "glide_date_time"),
    **dict.fromkeys(("active", "knowledge", "made_sla"), "boolean"),
    **dict.fromkeys(("comments", "work_notes"), "journal_input"),
    **{"watch_list": "glide_list", "sys_id": "GUID"},
    **{"u_seats": "integer", "u_start": "glide_date", "u_renewal": "glide_date_time", "u_regions": "glide_list", "u_beta": "boolean"},
}
CHOICES = {
    "state": ("1", "2", "3", "6", "7", "8"),
    "impact": ("1", "2", "3"),
    "urgency": ("1", "2", "3"),
    "priority": ("1", "2", "3", "4", "5"),
    "close_code": ("Solved (Permanently)", "Solved (Work Around)", "Duplicate"),
    "u_product": ("billing", "payments", "checkout", "login", "api", "mobile"),
}
READ_ONLY = frozenset({"priority", "number", "sys_id", "sys_created_on", "sys_updated_on", "sys_mod_count"})


SHOWN_BY = {"core_company": "name", "sys_user": "name", "sys_user_group": "name", "problem": "number"}


def dictionary() -> tuple[Table, Table]:
    """What the instance says of an incident's fields, and of the words of those that have a list."""
    columns = ("sys_id", "name", "element", "column_label", "internal_type", "mandatory", "read_only", "reference", "display")
    blank = dict.fromkeys(columns, "")
    words = dict.fromkeys(("sys_id", "name", "element", "value", "label", "inactive"), "")
    fields, choices = Table("sys_dictionary", blank), Table("sys_choice", words)
    for name in INCIDENT:
        kind = KINDS.get(name) or ("reference" if name in REFERENCES else "string")
        flags = {"mandatory": _flag(name == "short_description"), "read_only": _flag(name in READ_ONLY)}
        label = name.removeprefix("u_").replace("_", " ").capitalize()
        home = {"sys_id": stable_id("sys_dictionary", name), "name": "incident", "element": name}
        fields.put({**home, "column_label": label, "internal_type": kind, "reference": REFERENCES.get(name, ""), **flags})
    for table, element in SHOWN_BY.items():
        key = stable_id("sys_dictionary", f"{table}.{element}")
        fields.put({"sys_id": key, "name": table, "element": element, "internal_type": "string", "display": "true"})
    for name, values in CHOICES.items():
        for value in values:
            key = stable_id("sys_choice", f"{name}{value}")
            choices.put({"sys_id": key, "name": "incident", "element": name, "value": value, "label": value, "inactive": "false"})
    return fields, choices


def _flag(on: bool) -> str:
    return "true" if on else "false"


class Tables:
    """All tables of the instance, and the way from a record along a dotted path."""

    def __init__(self) -> None:
        tables = (
            Table("incident", dict(INCIDENT), ("correlation_id", "number"), "sys_updated_on"),
            Table("sys_user", PERSON, ("email", "user_name", "name")),
            Table("sys_user_group", GROUP, ("name",)),
            Table("sys_journal_field", JOURNAL, ("element_id",)),
            Table("sys_attachment", ATTACHMENT, ("table_sys_id",)),
            Table("label", LABEL, ("name",)),
            Table("label_entry", LABEL_ENTRY, ("table_key",), "sys_updated_on"),
            Table("sys_audit", AUDIT, ("documentkey",)),
            Table("sys_audit_delete", DELETED, ("documentkey",)),
            Table("task_sla", TASK_SLA, ("task",)),
            Table("contract_sla", NAMED, ("name",)),
            *(Table(n, NAMED, ("name",)) for n in ("core_company", "cmn_location", "cmdb_ci", "problem", "change_request")),
            Table("sys_user_group_type", NAMED),
            Table("sys_user_grmember", dict.fromkeys(("sys_id", "group", "user"), ""), ("group",)),
            Table("sys_user_has_role", dict.fromkeys(("sys_id", "user", "role"), "")),
            Table("sys_user_role", NAMED, ("name",)),
            *dictionary(),
        )
        self._tables = {table.name: table for table in tables}

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def get(self, name: str) -> Table | None:
        return self._tables.get(name)

    def knows(self, table: Table, path: str) -> bool:
        """Whether a field exists; a dotted path is followed through the tables."""
        first, dot, rest = path.partition(".")
        if first not in table.defaults and first != "active":
            return False
        return not dot or (first in REFERENCES and self.knows(self[REFERENCES[first]], rest))

    def getter(self, table: Table, path: str) -> Callable[[Mapping[str, str]], str]:
        """The value of one field or dotted path, made once and asked for many records."""
        first, dot, rest = path.partition(".")
        default = table.defaults.get(first, "true" if first == "active" else "")
        if not dot:
            return lambda record: record.get(first, default)
        target = self[REFERENCES[first]]
        further = self.getter(target, rest)

        def walk(record: Mapping[str, str]) -> str:
            found = target.records.get(record.get(first, default))
            return further(found) if found is not None else ""

        return walk

    def named(self, table: str, kind: str, name: str, **fields: str) -> str:
        """The sys_id of a record of that kind and name, made when it is not there."""
        key = stable_id(kind, name)
        records = self[table].records
        if key not in records:
            self[table].put({"sys_id": key, "name": name, **fields})
        return key
