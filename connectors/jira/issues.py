"""An issue as Jira sends it becomes a `Ticket`: the table for what it can hold, and by hand what it cannot."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.base import Custom, Page, Spoilt
from connectors.jira import fields, reading
from connectors.jira.fields import Own
from connectors.jira.moving import status_of
from connectors.jira.settings import JiraSettings
from connectors.jira.watermark import Watermark
from connectors.mapping import Kept, Record, Table, Words, reader
from rules.ticket import Person, Ticket, TicketRef, Value

ASKED = "summary,description,issuetype,status,resolution,priority,reporter,assignee,labels,created,updated,duedate"
NEEDED = ("subject", "created_at", "updated_at")
OURS = frozenset(Ticket.__struct_fields__)
NO_CATEGORY: Mapping[str, Any] = {}
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class IssueReader:
    """Reads the issues of one connection. Until `learn` has seen the site's fields, those given by name are not found."""

    def __init__(self, connection: str, settings: JiraSettings, table: Table, names: Words, custom: Iterable[Custom]) -> None:
        self._connection, self._names, self._custom, self._group_field = connection, names, tuple(custom), settings.group_field
        self._table = [row for row in table if row.name not in {c.name for c in self._custom}]
        self._browse = f"{(settings.site or settings.url).rstrip('/')}/browse/"
        self.emails = {id: email for email, id in settings.accounts.items()}
        self._people = Kept(lambda known: reading.account(known, self.emails))
        self._statuses = Kept(lambda word: status_of(names, {"name": word[0], "statusCategory": {"key": word[1]}}))
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
        stands = said["status"]
        word = (stands.get("name"), (stands.get("statusCategory") or NO_CATEGORY).get("key"))
        status = self._statuses[word]
        if status is None:
            unread["status"] = str(word[0])
        key = record["key"]
        return Ticket(
            ref=TicketRef(self._connection, key),
            status=status,
            version=_version(said["updated"], values["updated_at"]),
            requester=self._person(said.get("reporter")),
            assignee=self._person(said.get("assignee")),
            url=self._browse + key,
            custom={name[7:]: values.pop(name) for name in self._customs if name in values},
            unread=unread,
            **values,
        )

    def _person(self, user: Any) -> Person | None:
        """The same few people stand in most issues: each is made once."""
        if not user:
            return None
        found: Person = self._people[tuple(map(user.get, reading.OF_PERSON))]
        return found

    def page(self, issues: Sequence[Any], mark: Watermark, *, last: bool) -> tuple[Page, Watermark]:
        """The issues as a page, what is malformed parked by itself, and the watermark after it."""
        tickets: list[Ticket] = []
        spoilt: list[Spoilt] = []
        newest = (mark.updated, mark.id)
        for issue in issues:
            try:
                ticket, id = self.ticket(issue), str(issue["id"])
                newest = max(newest, (ticket.updated_at, id))
            except MALFORMED as error:
                spoilt.append(Spoilt(_key(issue), why(error)))
                continue
            tickets.append(ticket)
        mark = Watermark(*newest)
        return Page(tuple(tickets), mark.cursor, last, tuple(spoilt)), mark


def _version(stamp: str, updated: datetime) -> str:
    """The moment of the last change in UTC, to the millisecond; Jira writes most stamps in UTC already."""
    return f"{stamp[:23]}+00:00" if len(stamp) == 28 and stamp.endswith("+0000") else updated.isoformat(timespec="milliseconds")


def value_of(ticket: Ticket, name: str) -> Value:
    """A field of a ticket as a receipt echoes it: a person as known to conditions."""
    held: Any = ticket.custom.get(name[7:]) if name.startswith("custom.") else getattr(ticket, name)
    return held.known_as if isinstance(held, Person) else held


def why(error: Exception) -> str:
    """What is wrong with a record, without its contents."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _key(issue: Any) -> str:
    return str(issue.get("key") or issue.get("id")) if isinstance(issue, Mapping) else "?"
