"""What happens to incidents in the sandbox: business rules, journals and the audit, whoever writes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from connectors.sandbox import AGENTS, GROUPS, Sample, members_of
from connectors.servicenow.sandbox_tables import REFERENCES, Table, Tables, stable_id

MATRIX = {"1,1": "1", "1,2": "2", "2,1": "2", "1,3": "3", "2,2": "3", "3,1": "3", "2,3": "4", "3,2": "4", "3,3": "5"}
STATES = {"new": ("1", ""), "open": ("2", ""), "pending": ("3", "1"), "on_hold": ("3", "4"), "resolved": ("6", ""), "closed": ("7", "")}
PRIORITIES = {"urgent": "1", "high": "2", "normal": "3", "low": "4"}
CHANNELS = {"portal": "self-service"}
JOURNALS = ("comments", "work_notes")
OWN = ("number", "priority", "incident_state", "active", "reassignment_count", "reopen_count", "sys_class_name", *JOURNALS)
"""What nobody writes directly: the system sets it, or, of journals, appends it."""

CLOSING = {"close_code": "Solved (Permanently)", "close_notes": "Done."}


def text_of(moment: datetime) -> str:
    """Whole seconds of UTC, without a zone: what a stamp of this system holds."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _stamped(created: str, updated: str, by: str) -> dict[str, str]:
    both = {"opened_at": created, "sys_created_on": created, "sys_created_by": by}
    return {**both, "sys_updated_on": updated, "sys_updated_by": by}


def _said(sample: Sample) -> dict[str, str]:
    """What stands in a sample's own words."""
    return {
        "short_description": sample.subject,
        "description": sample.body,
        "contact_type": CHANNELS.get(sample.channel, sample.channel),
        "u_tags": ",".join(sample.tags),
        "u_product": sample.product or "",
        "u_language": sample.language,
    }


class Refused(Exception):
    """A data policy says no: the message and the detail of the answer."""


class Desk:
    """One instance's records and its rules. Stamps arrive as text; `matrix` is the installation's priority lookup."""

    def __init__(self, matrix: Mapping[str, str] | None = None, fields: Iterable[str] = ()) -> None:
        self.tables, self.matrix = Tables(), dict(matrix or MATRIX)
        self.incidents: Table = self.tables["incident"]
        self.incidents.defaults = {**self.incidents.defaults, **dict.fromkeys(fields, "")}
        self.locked: set[str] = set()  # fields that an access rule keeps from being written, in silence
        self._numbers, self._entries = 10_000, 0
        even = sorted(self.matrix.items(), key=lambda line: abs(int(line[0][0]) - int(line[0][2])), reverse=True)
        self._pairs = {made: pair.split(",") for pair, made in even}  # people choose 2,2 rather than 1,3
        for group in GROUPS:
            self.group(group)
        for name, email in AGENTS:
            self.person(email, name)
        for group in GROUPS:
            self._peopled(group)

    def group(self, name: str) -> str:
        return self.tables.named("sys_user_group", "sys_user_group", name)

    def _peopled(self, group: str) -> None:
        for email in members_of(group):
            ids = {"group": self.group(group), "user": stable_id("sys_user", email)}
            self.tables["sys_user_grmember"].put({"sys_id": stable_id("sys_user_grmember", group + email), **ids})

    def person(self, email: str, name: str, **fields: str) -> str:
        """The sys_id of somebody by e-mail address; the user name is what stands before the @ and a dot and the host."""
        key = stable_id("sys_user", email)
        if key not in self.tables["sys_user"].records:
            self.tables["sys_user"].put({"sys_id": key, "name": name, "email": email, "user_name": email.replace("@", "."), **fields})
        return key

    def user_name(self, key: str) -> str:
        return self.tables["sys_user"].records[key]["user_name"]

    def loaded(self, sample: Sample) -> dict[str, str]:
        """A sample as an incident that people made at its `created_at`."""
        created, updated = text_of(sample.created_at), text_of(sample.updated_at or sample.created_at)
        company = self.tables.named("core_company", "core_company", sample.organization) if sample.organization else ""
        caller = self.person(sample.email, sample.requester, company=company, preferred_language=sample.language)
        number = sample.key or self.next_number()
        record = {
            "sys_id": stable_id("incident", number),
            "number": number,
            **_stamped(created, updated, self.user_name(caller)),
            **_said(sample),
            **self.levels(sample.priority),
            **self._settled(STATES.get(sample.status, ("1", "")), updated),
            "caller_id": caller,
            "opened_by": caller,
            "company": company,
            "assignment_group": self.group(sample.group) if sample.group else "",
            "assigned_to": self.person(sample.assignee, sample.assignee) if sample.assignee else "",
        }
        return {name: value for name, value in record.items() if value != ""}

    def next_number(self) -> str:
        self._numbers += 1
        return f"INC{self._numbers:07}"

    def levels(self, priority: str | None) -> dict[str, str]:
        """Impact, urgency and the priority they make; nothing for no priority."""
        if priority is None:
            return {}
        impact, urgency = self._pairs[PRIORITIES[priority]]
        return {"impact": impact, "urgency": urgency, "priority": PRIORITIES[priority]}

    def _settled(self, state: tuple[str, str], at: str) -> dict[str, str]:
        fields = {"state": state[0], "incident_state": state[0], "hold_reason": state[1]}
        if state[0] in ("6", "7"):
            fields |= {"resolved_at": at, **CLOSING}
        if state[0] == "7":
            fields |= {"closed_at": at, "active": "false"}
        return fields

    def made(self, fields: Mapping[str, str], by: str, at: str) -> str:
        """A new incident; returns its sys_id. Raises `Refused`."""
        number = self.next_number()
        key = stable_id("incident", number)
        opener = self._user(by)
        written = self._allowed(fields)
        record = {"impact": "3", "urgency": "3", "sys_id": key, "number": number, "opened_by": opener, "opened_at": at, **written}
        record |= {"sys_created_on": at, "sys_created_by": by, "sys_updated_on": at, "sys_updated_by": by}
        self._policy(record)
        self.incidents.put({**record, **self._ruled({}, record, by, at)})
        self._journal(key, fields, by, at)
        return key

    def write(self, key: str, fields: Mapping[str, str], by: str, at: str) -> tuple[set[str], list[str]]:
        """Fields that changed, and the sys_ids of journal entries that were added. Raises `Refused`."""
        record = self.incidents.records[key]
        get = self.value
        wanted = {name: value for name, value in self._allowed(fields).items() if get(record, name) != value}
        self._policy({**record, **wanted})
        wanted |= self._ruled(record, wanted, by, at)
        entries = self._journal(key, fields, by, at)
        if not wanted and not entries:
            return set(), []
        count = str(int(get(record, "sys_mod_count")) + 1)
        self.audited(key, {name: (get(record, name), value) for name, value in wanted.items()}, by, at, count)
        self.incidents.change(key, {**wanted, "sys_mod_count": count, "sys_updated_on": at, "sys_updated_by": by})
        return set(wanted), entries

    def value(self, record: Mapping[str, str], name: str) -> str:
        return record.get(name, self.incidents.defaults.get(name, ""))

    def deleted(self, key: str, by: str, at: str) -> None:
        record = self.incidents.remove(key)
        row = {"tablename": "incident", "documentkey": key, "display_value": record["number"], "sys_created_on": at, "sys_created_by": by}
        self.tables["sys_audit_delete"].put({"sys_id": self._entry_id("delete"), **row})

    def _allowed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """What an access rule, an unknown name or an unknown reference keeps out is passed over without a word."""
        return {name: value for name, value in fields.items() if self._takes(name, value)}

    def _takes(self, name: str, value: str) -> bool:
        if name not in self.incidents.defaults or name in OWN or name in self.locked or name.startswith("sys_"):
            return False
        return name not in REFERENCES or not value or value in self.tables[REFERENCES[name]].records

    def _policy(self, record: Mapping[str, str]) -> None:
        if record.get("state") in ("6", "7") and not (record.get("close_code") and record.get("close_notes")):
            fields = "Resolution code, Resolution notes"
            raise Refused("Operation Failed", f"Data Policy Exception: The following fields are mandatory: {fields}")

    def _ruled(self, before: Mapping[str, str], wanted: Mapping[str, str], by: str, at: str) -> dict[str, str]:
        """What business rules set besides: the computed priority, and what goes with a state or a group."""
        more: dict[str, str] = {}
        if {"impact", "urgency"} & wanted.keys():
            pair = (wanted.get(n) or self.value(before, n) for n in ("impact", "urgency"))
            more["priority"] = self.matrix.get(",".join(pair), "4")
        if "state" in wanted:
            more |= self._entered(before, wanted["state"], by, at)
        if before and "assignment_group" in wanted:
            more["reassignment_count"] = str(int(self.value(before, "reassignment_count")) + 1)
        return {name: value for name, value in more.items() if self.value(before, name) != value}

    def _entered(self, before: Mapping[str, str], state: str, by: str, at: str) -> dict[str, str]:
        more = {"incident_state": state, "active": "false" if state in ("7", "8") else "true"}
        user = self._user(by)
        if state != "3":
            more["hold_reason"] = ""
        if state == "6":
            more |= {"resolved_at": at, "resolved_by": user}
        elif state in ("7", "8"):
            more |= {"closed_at": at, "closed_by": user}
        elif self.value(before, "state") in ("6", "7"):
            more |= {
                "reopen_count": str(int(self.value(before, "reopen_count")) + 1),
                "resolved_at": "",
                "resolved_by": "",
                "closed_at": "",
            }
        return more

    def _user(self, user_name: str) -> str:
        return self.tables["sys_user"].first("user_name", user_name)

    def _journal(self, key: str, fields: Mapping[str, str], by: str, at: str) -> list[str]:
        """Journals append: each text becomes an entry, and the field itself reads back empty."""
        made = []
        for element in JOURNALS:
            if fields.get(element) and element not in self.locked:
                made.append(self._entry_id("journal"))
                row = {"sys_id": made[-1], "name": "incident", "element": element, "element_id": key, "value": fields[element]}
                self.tables["sys_journal_field"].put({**row, "sys_created_on": at, "sys_created_by": by})
        return made

    def audited(self, key: str, changes: Mapping[str, tuple[str, str]], by: str, at: str, count: str) -> None:
        """A row of the audit for each field of a write, with its value before and after."""
        for name, (old, new) in changes.items():
            row = {"tablename": "incident", "documentkey": key, "fieldname": name, "oldvalue": old, "newvalue": new, "user": by}
            stamped = {"record_checkpoint": count, "sys_created_on": at, "sys_created_by": by}
            self.tables["sys_audit"].put({"sys_id": self._entry_id("audit"), **row, **stamped})

    def _entry_id(self, kind: str) -> str:
        """Rising, so that entries of one second keep their order."""
        self._entries += 1
        return f"{self._entries:08x}{stable_id(kind, str(self._entries))[8:]}"
