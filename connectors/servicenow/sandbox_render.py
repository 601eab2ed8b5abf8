"""Records as answers show them: every value a string, references in their several forms, dotted paths followed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from connectors.servicenow.sandbox_tables import REFERENCES, Table, Tables

Show: TypeAlias = Callable[[Mapping[str, str]], Any]

LABELS: Mapping[str, Mapping[str, str]] = {
    "state": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    "incident_state": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    "hold_reason": {"1": "Awaiting Caller", "3": "Awaiting Problem", "4": "Awaiting Vendor", "5": "Awaiting Change"},
    "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"},
}
"""What `sysparm_display_value` shows for a choice."""

HIDDEN = ("comments", "work_notes", "comments_and_work_notes")  # journals read back empty


class Renderer:
    """Turns records into what a request asked to see of them."""

    def __init__(self, tables: Tables, url: str) -> None:
        self._tables, self._url = tables, url

    def records(self, table: Table, rows: Iterable[Mapping[str, str]], asked: Mapping[str, str]) -> list[dict[str, Any]]:
        names = [name for name in asked.get("sysparm_fields", "").split(",") if name] or list(table.defaults)
        shows = [(name, self._show(table, name, asked)) for name in names if self._tables.knows(table, name)]
        return [{name: show(row) for name, show in shows} for row in rows]

    def referred(self, name: str, shown: str) -> str:
        """The sys_id behind a reference's display value; the value itself where there is none."""
        return self._tables[REFERENCES[name]].first("name", shown) or shown if name in REFERENCES else shown

    def _show(self, table: Table, path: str, asked: Mapping[str, str]) -> Show:
        get = self._tables.getter(table, path)
        if path in HIDDEN:
            return lambda _: ""
        target = self._target(table, path)
        links = asked.get("sysparm_exclude_reference_link") != "true"
        match asked.get("sysparm_display_value", "false"), target is not None:
            case "false", False:
                return get
            case "false", True:
                return (lambda row: self._linked(target, get(row))) if links else get
            case "all", _:
                return lambda row: self._all(target, path, get(row), links)
            case _:
                return lambda row: self._displayed(target, path, get(row), links)

    def _target(self, table: Table, path: str) -> str | None:
        """The table that a reference points into; a path's last part decides."""
        return REFERENCES.get(path.rpartition(".")[2]) if table.name != "sys_user_group_type" else None

    def _link(self, target: str | None, value: str) -> str:
        return f"{self._url}/api/now/table/{target}/{value}"

    def _linked(self, target: str | None, value: str) -> Any:
        return {"link": self._link(target, value), "value": value} if value else ""

    def _label(self, target: str | None, path: str, value: str) -> str:
        if target is None:
            return LABELS.get(path, {}).get(value, value)
        record = self._tables[target].records.get(value, {})
        return record.get("name") or record.get("number") or value

    def _all(self, target: str | None, path: str, value: str, links: bool) -> dict[str, str]:
        both = {"display_value": self._label(target, path, value), "value": value}
        return {**both, "link": self._link(target, value)} if target and value and links else both

    def _displayed(self, target: str | None, path: str, value: str, links: bool) -> Any:
        label = self._label(target, path, value)
        return {"display_value": label, "link": self._link(target, value)} if target and value and links else label
