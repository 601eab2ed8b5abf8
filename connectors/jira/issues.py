"""An issue as Jira sends it becomes a `Ticket`: the table for what it can hold, and by hand what it cannot."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.base import Custom, Page, Spoilt
from connectors.jira import fields, reading
from connectors.jira.fields import Own
from connectors.jira.moving import status_of
from connectors.jira.settings import JiraSettings
from connectors.jira.watermark import Watermark
from connectors.mapping import Record, Table, Words, reader
from rules.ticket import Person, Ticket, TicketRef, Value

ASKED = "summary,description,issuetype,status,resolution,priority,reporter,assignee,labels,created,updated,duedate"
NEEDED = ("subject", "created_at", "updated_at")
OURS = frozenset(Ticket.__dataclass_fields__)
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class IssueReader:
    """Reads the issues of one connection. Until `learn` has seen the site's fields, those given by name are not found."""

    def __init__(self, connection: str, settings: JiraSettings, table: Table, names: Words, custom: Iterable[Custom]) -> None:
        self._connection, self._names, self._custom, self._group_field = connection, names, tuple(custom), settings.group_field
        self._table = [row for row in table if row.name not in {c.name for c in self._custom}]
        self._browse = f"{(settings.site or settings.url).rstrip('/')}/browse/"
        self.emails = {id: email for email, id in settings.accounts.items()}
        remotes = [c.remote for c in self._custom] + [f for f in (settings.group_field,) if f is not None]
        self.learn([{"id": remote} for remote in dict.fromkeys(remotes)])

    def learn(self, rows: Sequence[Record]) -> None:
        """Finds our own fields among the site's. Raises `LookupError` for one that is not there."""
        self.own: Mapping[str, Own] = {o.name: o for o in fields.found(rows, self._custom, self._group_field, OURS)}
        self._customs = [name for name in self.own if name.startswith("custom.")]
        self._read = reader([*self._table, *(o.field() for o in self.own.values())])
        self.asked = ",".join([ASKED, *(o.id for o in self.own.values())])

    def ticket(self, record: Record) -> Ticket:
        """Raises one of `MALFORMED` for a record that is not what Jira documents."""
        said = record["fields"]
        seen = self._read(said)
        values, unread = seen.values, seen.unread
        for name in NEEDED:
            if name not in values:
                raise ValueError(f"it has no {name}")
        status = status_of(self._names, said["status"])
        if status is None:
            unread["status"] = str(said["status"].get("name"))
        key = record["key"]
        return Ticket(
            ref=TicketRef(self._connection, key),
            status=status,
            version=values["updated_at"].isoformat(timespec="milliseconds"),
            requester=reading.person(said.get("reporter"), self.emails),
            assignee=reading.person(said.get("assignee"), self.emails),
            url=self._browse + key,
            custom={name[7:]: values.pop(name) for name in self._customs if name in values},
            unread=unread,
            **values,
        )

    def page(self, issues: Sequence[Any], mark: Watermark, *, last: bool) -> tuple[Page, Watermark]:
        """The issues as a page, what is malformed parked by itself, and the watermark after it."""
        tickets: list[Ticket] = []
        spoilt: list[Spoilt] = []
        for issue in issues:
            try:
                ticket, id = self.ticket(issue), str(issue["id"])
            except MALFORMED as error:
                spoilt.append(Spoilt(_key(issue), why(error)))
                continue
            tickets.append(ticket)
            mark = max(mark, Watermark(ticket.updated_at, id))
        return Page(tuple(tickets), mark.cursor, last, tuple(spoilt)), mark


def value_of(ticket: Ticket, name: str) -> Value:
    """A field of a ticket as a receipt echoes it: a person as known to conditions."""
    held: Any = ticket.custom.get(name[7:]) if name.startswith("custom.") else getattr(ticket, name)
    return held.known_as if isinstance(held, Person) else held


def why(error: Exception) -> str:
    """What is wrong with a record, without its contents."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _key(issue: Any) -> str:
    return str(issue.get("key") or issue.get("id")) if isinstance(issue, Mapping) else "?"
