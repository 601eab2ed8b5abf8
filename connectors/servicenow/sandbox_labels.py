"""The sandbox's tags as the product keeps them: labels, and an entry for each record that bears one. No record notices either."""

from collections.abc import Iterable, Mapping

from connectors.servicenow.sandbox_desk import Refused
from connectors.servicenow.sandbox_tables import Table, Tables, stable_id

OPENED = ("table", "table_key")  # of an entry: what nobody but `maint` writes until an access rule lets them
TABLES = ("label", "label_entry")


class LabelDesk:
    """Labels of one instance. `closed`: the product's own access rules, by which an entry's table and record are passed over."""

    def __init__(self, tables: Tables) -> None:
        self._labels: Table = tables["label"]
        self._entries: Table = tables["label_entry"]
        self.closed = False
        self.may_make = True  # the integration user is a tags_admin
        self._made = 0

    def write(self, table: str, fields: Mapping[str, str], by: str, at: str) -> str:
        """A new row; returns its sys_id. Raises `Refused`."""
        return self._label(fields, by, at) if table == "label" else self._entry(fields, by, at)

    def _label(self, fields: Mapping[str, str], by: str, at: str) -> str:
        if not self.may_make:
            raise Refused("Operation Failed", "ACL Exception Insert Failed due to security constraints")
        row = {name: value for name, value in fields.items() if name in self._labels.defaults}
        shared = row.get("viewable_by", "me") != "me"
        if shared and any(self._shared(key) for key in self._named(row.get("name", ""))):
            raise Refused("Operation Failed", "A tag of that name exists already")
        return self._put(self._labels, row, by, at)

    def _named(self, name: str) -> list[str]:
        return [key for key, row in self._labels.records.items() if row["name"].casefold() == name.casefold()]

    def _shared(self, key: str) -> bool:
        return self._labels.records[key].get("viewable_by", "me") != "me"

    def _entry(self, fields: Mapping[str, str], by: str, at: str) -> str:
        kept = {name: value for name, value in fields.items() if name in self._entries.defaults}
        if self.closed:
            kept = {name: value for name, value in kept.items() if name not in OPENED}
        return self._put(self._entries, kept, by, at)

    def _put(self, table: Table, row: Mapping[str, str], by: str, at: str) -> str:
        self._made += 1
        key = f"{self._made:08x}{stable_id(table.name, str(self._made))[8:]}"
        stamps = {"sys_created_on": at, "sys_created_by": by, "sys_updated_on": at, "sys_updated_by": by}
        table.put({**row, "sys_id": key, **stamps})
        return key

    def set(self, key: str, tags: Iterable[str], by: str, at: str, viewable_by: str = "everyone") -> None:
        """What people see on an incident from now on; labels of other kinds stay."""
        wanted = set(tags)
        for entry, name in self._on(key, viewable_by):
            if name in wanted:
                wanted.remove(name)
            else:
                self._entries.remove(entry)
        for name in sorted(wanted):
            there = [one for one in self._named(name) if self._labels.records[one].get("viewable_by", "me") == viewable_by]
            label = there[0] if there else self._put(self._labels, {"name": name, "viewable_by": viewable_by}, by, at)
            self._put(self._entries, {"label": label, "table": "incident", "table_key": key}, by, at)

    def _on(self, key: str, viewable_by: str) -> list[tuple[str, str]]:
        rows = [row for row in self._entries.records.values() if row.get("table_key") == key]
        labels = [(row["sys_id"], self._labels.records.get(row["label"], {})) for row in rows]
        return [(entry, label["name"]) for entry, label in labels if label and label.get("viewable_by", "me") == viewable_by]

    def of(self, key: str, viewable_by: str = "everyone") -> list[str]:
        return sorted({name for _, name in self._on(key, viewable_by)})
