"""An issue as Jira sends it becomes a `Ticket`: the table for what it can hold, and by hand what it cannot."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from connectors.base import Custom, Page, Spoilt
from connectors.columns import MALFORMED, TEXT, Columns, Unusual, all_of
from connectors.jira import fields, linking
from connectors.jira.dialect import Dialect
from connectors.jira.fields import Own
from connectors.jira.moving import status_of
from connectors.jira.settings import JiraSettings
from connectors.jira.shape import page_decoder
from connectors.jira.watermark import Watermark
from connectors.mapping import Kept, Record, Table, Words, moment, reader
from rules.ticket import Person, Ticket, TicketRef, Value

ASKED = "summary,description,issuetype,status,resolution,priority,reporter,assignee,labels,created,updated,duedate"
NEEDED = ("subject", "created_at", "updated_at")
OURS = frozenset(Ticket.__struct_fields__)
NO_CATEGORY: Mapping[str, Any] = {}
APART = ("ref", "status", "requester", "assignee", "url", "version")


class IssueReader:
    """Reads the issues of one connection. Until `learn` has seen the site's fields, those given by name are not found."""

    def __init__(
        self, connection: str, settings: JiraSettings, table: Table, names: Words, custom: Iterable[Custom], dialect: Dialect
    ) -> None:
        self._connection, self._names, self._custom, self._group_field = connection, names, tuple(custom), settings.group_field
        self._table = [row for row in (*table, *linking.origins(settings.origins)) if row.name not in {c.name for c in self._custom}]
        self._linked = [linking.LINKS] if settings.origins else []
        self._browse = f"{(settings.site or settings.url).rstrip('/')}/browse/"
        self.emails = {id: email for email, id in settings.accounts.items()}
        self._named, self._of_person = dialect.people, itemgetter(*dialect.people.keys)
        self._people = Kept(lambda known: dialect.people.person(known, self.emails))
        self._statuses = Kept(lambda word: status_of(names, {"name": word[0], "statusCategory": {"key": word[1]}}))
        remotes = [c.remote for c in self._custom] + [f for f in (settings.group_field,) if f is not None]
        self.learn([{"id": remote} for remote in dict.fromkeys(remotes)])

    def learn(self, rows: Sequence[Record]) -> None:
        """Finds our own fields among the site's. Raises `LookupError` for one that is not there."""
        self.own: Mapping[str, Own] = {o.name: o for o in fields.found(rows, self._custom, self._group_field, OURS)}
        self._customs = [name for name in self.own if name.startswith("custom.")]
        table = [*self._table, *(o.field() for o in self.own.values())]
        self._read, self._columns = reader(table), Columns(table, (*APART, "updated_at"))
        self._replaced = any(row.name in APART for row in table) or "updated_at" in self.own
        more = [*self._linked, *(o.id for o in self.own.values())]
        self.asked, self.decoded = ",".join([ASKED, *more]), page_decoder(more, self._named)

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

    def _together(self, issues: Sequence[Any]) -> list[Ticket]:
        """As `ticket` for many issues at once; `Unusual` where one of them must be read by itself."""
        if self._replaced:
            raise Unusual
        try:
            keys, said = [issue["key"] for issue in issues], [issue["fields"] for issue in issues]
            ids = [issue["id"] for issue in issues]
            statuses, unread = self._statuses_of(said)
            stamps = [one["updated"] for one in said]
            updated = [moment(stamp) for stamp in stamps]
            apart: dict[str, list[Any]] = {
                "ref": [TicketRef(self._connection, key) for key in keys],
                "status": statuses,
                "requester": [self._person(one.get("reporter")) for one in said],
                "assignee": [self._person(one.get("assignee")) for one in said],
                "url": [self._browse + key for key in keys],
                "updated_at": updated,
                "version": [*map(_version, stamps, updated)],
            }
            if not {*map(type, ids)} <= TEXT or not all(one.get("summary") for one in said):
                raise Unusual
        except MALFORMED:
            raise Unusual from None
        return self._columns.tickets(said, apart, unread)

    def _statuses_of(self, said: Sequence[Record]) -> tuple[list[Any], list[dict[str, str]]]:
        """The status of each, and its word where that has no meaning here."""
        stand = [one["status"] for one in said]
        words = [(one.get("name"), (one.get("statusCategory") or NO_CATEGORY).get("key")) for one in stand]
        statuses = [self._statuses[word] for word in words]
        return statuses, [{} if status is not None else {"status": str(word[0])} for word, status in zip(words, statuses, strict=True)]

    def _person(self, user: Any) -> Person | None:
        """The same few people stand in most issues: each is made once."""
        if not user:
            return None
        try:
            known = self._of_person(user)
        except KeyError:
            known = tuple(map(user.get, self._named.keys))
        found: Person = self._people[known]
        return found

    def page(self, issues: Sequence[Any], mark: Watermark, *, last: bool) -> tuple[Page, Watermark]:
        """The issues as a page, what is malformed parked by itself, and the watermark after it."""
        ids: dict[str, str] = {}

        def alone(issue: Any) -> Ticket:
            ticket, id = self.ticket(issue), str(issue["id"])
            ids[ticket.ref.key] = id
            return ticket

        def together(some: Sequence[Any]) -> list[Ticket]:
            tickets = self._together(some)
            ids.update((issue["key"], str(issue["id"])) for issue in some)
            return tickets

        tickets, spoilt = all_of(issues, together, alone, lambda issue, error: Spoilt(_key(issue), why(error)))
        mark = Watermark(*max([(mark.updated, mark.id), *((ticket.updated_at, ids[ticket.ref.key]) for ticket in tickets)]))
        return Page(tuple(tickets), mark.cursor, last, tuple(spoilt), ids=ids), mark


def _version(stamp: str, updated: datetime) -> str:
    """The moment of the last change in UTC, to the millisecond; Jira writes most stamps in UTC already."""
    if len(stamp) == 28 and stamp.endswith("+0000"):
        return f"{stamp[:23]}+00:00"
    return updated.isoformat(timespec="milliseconds")


def value_of(ticket: Ticket, name: str) -> Value:
    """A field of a ticket as a receipt echoes it: a person as known to conditions."""
    held: Any = ticket.custom.get(name[7:]) if name.startswith("custom.") else getattr(ticket, name)
    return held.known_as if isinstance(held, Person) else held


def why(error: Exception) -> str:
    """What is wrong with a record, without its contents."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _key(issue: Any) -> str:
    return str(issue.get("key") or issue.get("id")) if isinstance(issue, Mapping) else "?"
