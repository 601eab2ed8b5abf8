"""An issue as Jira sends it becomes a `Ticket`: the table for what it can hold, and by hand what it cannot."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec.structs import astuple

from connectors.base import Custom, Page, Spoilt
from connectors.columns import Columns, Decoded, Unusual, all_of
from connectors.jira import fields, linking
from connectors.jira.dialect import Dialect
from connectors.jira.fields import Own
from connectors.jira.moving import status_of
from connectors.jira.settings import JiraSettings
from connectors.jira.shape import Shape, of_shape, plain
from connectors.jira.stamps import Stamps, in_utc
from connectors.jira.watermark import Watermark
from connectors.mapping import Kept, Record, Table, Words, key_of, reader
from rules.ticket import Person, Ticket, TicketRef, Value

ASKED = "summary,description,issuetype,status,resolution,priority,reporter,assignee,labels,created,updated,duedate"
NEEDED = ("subject", "created_at", "updated_at")
OURS = frozenset(Ticket.__struct_fields__)
NO_CATEGORY: Mapping[str, Any] = {}
APART = ("ref", "status", "requester", "assignee", "url", "version")
STAMPED = ("created_at", "updated_at")


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
        self._stamps = Stamps()
        remotes = [c.remote for c in self._custom] + [f for f in (settings.group_field,) if f is not None]
        self.learn([{"id": remote} for remote in dict.fromkeys(remotes)])

    def learn(self, rows: Sequence[Record]) -> None:
        """Finds our own fields among the site's. Raises `LookupError` for one that is not there."""
        self.own: Mapping[str, Own] = {o.name: o for o in fields.found(rows, self._custom, self._group_field, OURS)}
        self._customs = [name for name in self.own if name.startswith("custom.")]
        table = [*self._table, *(o.field() for o in self.own.values())]
        self._read, self._columns = reader(table), Columns([*map(of_shape, table)], (*APART, *STAMPED))
        self._replaced = any(row.name in APART for row in table) or not self.own.keys().isdisjoint(STAMPED)
        more = [*self._linked, *(o.id for o in self.own.values())]
        self.asked, self._shape = ",".join([ASKED, *more]), Shape(more, self._named)
        self.decoded = self._shape.decoded

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
        key = key_of(record["key"])
        return Ticket(
            ref=TicketRef(self._connection, key),
            status=status,
            version=in_utc(said["updated"]),
            requester=self._person(said.get("reporter")),
            assignee=self._person(said.get("assignee")),
            url=self._browse + key,
            custom={name[7:]: values.pop(name) for name in self._customs if name in values},
            unread=unread,
            **values,
        )

    def _together(self, issues: Sequence[Any]) -> list[Ticket]:
        """As `ticket` for many issues at once; `Unusual` where one of them must be read by itself."""
        if self._replaced or not all(map(self._shape.is_it, issues)):
            raise Unusual
        if not issues:
            return []
        keys, said = [issue.key for issue in issues], Decoded([issue.fields for issue in issues])
        statuses, unread = self._statuses_of(said.fields["status"])
        people = self._people
        if not all(keys) or not all(said.fields["summary"]):
            raise Unusual
        try:
            versions, updated = zip(*map(self._stamps.both, said.fields["updated"]), strict=True)
            created = list(map(self._stamps.moment, said.fields["created"]))
        except ValueError:
            raise Unusual from None
        apart: dict[str, Sequence[Any]] = {
            "ref": [TicketRef(self._connection, key) for key in keys],
            "status": statuses,
            "requester": [None if user is None else people[astuple(user)] for user in said.fields["reporter"]],
            "assignee": [None if user is None else people[astuple(user)] for user in said.fields["assignee"]],
            "url": [self._browse + key for key in keys],
            "created_at": created,
            "updated_at": updated,
            "version": versions,
        }
        return self._columns.tickets(said, apart, unread)

    def _statuses_of(self, stands: Sequence[Any]) -> tuple[list[Any], list[dict[str, str]]]:
        """The status of each, and its word where that has no meaning here."""
        words = [stand.word for stand in stands]
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
            ids.update((issue.key, issue.id) for issue in some)
            return tickets

        tickets, spoilt = all_of(issues, together, lambda one: alone(plain(one)), lambda one, error: Spoilt(_key(plain(one)), why(error)))
        mark = Watermark(*max([(mark.updated, mark.id), *((ticket.updated_at, ids[ticket.ref.key]) for ticket in tickets)]))
        return Page(tuple(tickets), mark.cursor, last, tuple(spoilt), ids=ids), mark


def value_of(ticket: Ticket, name: str) -> Value:
    """A field of a ticket as a receipt echoes it: a person as known to conditions."""
    held: Any = ticket.custom.get(name[7:]) if name.startswith("custom.") else getattr(ticket, name)
    return held.known_as if isinstance(held, Person) else held


def why(error: Exception) -> str:
    """What is wrong with a record, without its contents."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _key(issue: Any) -> str:
    return str(issue.get("key") or issue.get("id")) if isinstance(issue, Mapping) else "?"
