"""The table of an issue's fields, and the words that Jira's own samples use."""

from typing import Any

from connectors.jira import reading
from connectors.jira.dialect import Texts
from connectors.mapping import Field, Record, Words, moment, moment_or_day
from rules.ticket import Level, Type

STATUS = Words({"Waiting for customer": "pending", "Pending": "on_hold", "Closed": "closed", "Canceled": "closed"})
"""Names in Jira Service Management's own workflows; every other status is read by its category (`moving.CATEGORIES`)."""

TYPE = Words(
    {
        "Bug": "bug",
        "Task": "task",
        "Incident": "incident",
        "Service Request": "request",
        "Problem": "problem",
        "Change": "change",
        "[System] Incident": "incident",
        "[System] Service request": "request",
        "[System] Problem": "problem",
        "[System] Change": "change",
    }
)
PRIORITY = Words({"Highest": "urgent", "High": "high", "Medium": "normal", "Low": "low", "Lowest": "low"})


def _named(word: str) -> dict[str, str]:
    return {"name": word}


def _name(field: str) -> Any:
    def read(record: Record) -> str | None:
        value = record.get(field)
        return None if value is None else str(value["name"])

    return read


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {type(value).__name__}")
    return value


TABLE = (
    Field(name="subject", reads="summary", writes="summary", convert=_string),
    Field(name="type", reads=_name("issuetype"), writes="issuetype", words=TYPE, convert=Type, render=_named),
    Field(name="priority", reads=_name("priority"), writes="priority", words=PRIORITY, convert=Level, render=_named),
    Field(name="resolution", reads=_name("resolution")),
    Field(name="tags", reads="labels", convert=reading.tags),
    Field(name="due_at", reads="duedate", convert=moment_or_day),
    Field(name="created_at", reads="created", convert=moment),
    Field(name="updated_at", reads="updated", convert=moment),
)
"""Of an issue's `fields`. Status, people, group and a site's own fields are no rows: `issues.py` and `moving.py` say why."""


def table(texts: Texts) -> tuple[Field, ...]:
    """All rows; how the body is kept, the deployment decides."""
    body = Field(name="body", reads="description", writes="description", convert=lambda said: texts.read(said) or None, render=texts.field)
    return (*TABLE, body)
