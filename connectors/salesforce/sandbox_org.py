"""The organization behind the sandbox: its records, when a change becomes visible, and the answer to a query."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias

from connectors.salesforce.sandbox_schema import KEPT_BY, OWNERS, PREFIXES, SCHEMA, Relation, Schema
from connectors.salesforce.sandbox_soql import (
    Malformed,
    Order,
    Path,
    Query,
    Row,
    Test,
    at_least,
    holds,
    narrowed,
    ordered,
    paths,
    pinned,
    stamp,
)
from connectors.sandbox import Clock
from rules.ticket import replace

Record: TypeAlias = dict[str, Any]
BY_STAMP = (Order(("SystemModstamp",)), Order(("Id",)))
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
WATCHED = {"Status": "Status", "Priority": "Priority", "Type": "Type", "Subject": "Subject", "OwnerId": "Owner"}


def id_of(table: str, n: int) -> str:
    """The n-th id of an object: 15 characters and the three that make it safe where letter case is lost."""
    rest = ""
    while n:
        n, digit = divmod(n, 62)
        rest = DIGITS[digit] + rest
    short = PREFIXES[table] + "5g" + rest.rjust(10, "0")
    return short + "".join(_checked(short[at : at + 5]) for at in (0, 5, 10))


def _checked(five: str) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[sum(1 << n for n, c in enumerate(five) if c.isupper())]


@dataclass(frozen=True, slots=True)
class Later:
    """A transaction that has its stamps but is not committed yet: nobody sees its records, and its case is locked."""

    visible_at: datetime
    records: tuple[tuple[str, Record], ...]


@dataclass(slots=True)
class Transaction:
    """Records to be stored together, all with one stamp. `by` is the user's id."""

    org: "Org"
    by: str
    at: datetime
    records: list[tuple[str, Record]] = field(default_factory=list)

    def add(self, table: str, **values: Any) -> Record:
        """A new record; fields that are not given are empty."""
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp(self.at))
        people = dict.fromkeys(("CreatedById", "LastModifiedById"), self.by)
        known = {"Id": self.org.next_id(table), "IsDeleted": False, **stamps, **people, **values}
        record = {name: known.get(name) for name in SCHEMA[table].fields}
        self.records.append((table, record))
        return record

    def change(self, table: str, old: Record, values: Mapping[str, Any]) -> Record:
        """The record with new values, and a row of history for each watched field that differs."""
        moved = {"LastModifiedDate": stamp(self.at), "SystemModstamp": stamp(self.at), "LastModifiedById": self.by}
        new = {**old, **values, **moved}
        self.records.append((table, new))
        for name, shown in WATCHED.items():
            if table == "Case" and old[name] != new[name]:
                self._remember(new["Id"], shown, old[name], new[name])
        return new

    def _remember(self, case: str, what: str, old: Any, new: Any) -> None:
        """As Salesforce does, an owner's change makes two rows: one with names, one with ids."""
        if what == "Owner":
            self.add("CaseHistory", CaseId=case, Field=what, OldValue=self.org.name_of(old), NewValue=self.org.name_of(new))
        self.add("CaseHistory", CaseId=case, Field=what, OldValue=old, NewValue=new)


class Org:
    """Records by object and id. With a `commit_delay`, what `store(late=True)` is given is stamped now and seen only later."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.commit_delay = timedelta(0)
        self.segments: dict[str, list[Record]] = {}  # of posts that mention people, by id
        self._records: dict[str, dict[str, Record]] = {table: {} for table in SCHEMA}
        self._kept: dict[str, dict[str, list[str]]] = {table: defaultdict(list) for table in KEPT_BY}
        self._by_stamp: list[tuple[str, str]] = []  # of cases
        self._later: list[Later] = []
        self._made: dict[str, int] = defaultdict(int)

    def next_id(self, table: str) -> str:
        self._made[table] += 1
        return id_of(table, self._made[table])

    def transaction(self, by: str, at: datetime | None = None) -> Transaction:
        return Transaction(self, by, at or self.clock())

    def store(self, done: Transaction, *, late: bool = False) -> None:
        """Makes the transaction's records visible: at once, or when the delay is over."""
        if late and self.commit_delay:
            self._later.append(Later(done.at + self.commit_delay, tuple(done.records)))
        else:
            self._commit(done.records)

    def settle(self) -> None:
        """Commits what is due by now."""
        due = [one for one in self._later if one.visible_at <= self.clock()]
        self._later = [one for one in self._later if one.visible_at > self.clock()]
        for one in due:
            self._commit(one.records)

    def locked(self, id: str) -> bool:
        return any(record["Id"] == id for one in self._later for _, record in one.records)

    def get(self, table: str, id: str | None) -> Record | None:
        """The record as everybody sees it; an id may be given with 15 characters."""
        return self._records[table].get(id or "") or (self._long(table, id) if id and len(id) == 15 else None)

    def _long(self, table: str, id: str) -> Record | None:
        return self._records[table].get(id + "".join(_checked(id[at : at + 5]) for at in (0, 5, 10)))

    def truly(self, table: str, id: str) -> Record:
        """The record as it will be seen once all is committed. Raises `KeyError`."""
        waiting = [record for one in self._later for _, record in one.records if record["Id"] == id]
        return waiting[-1] if waiting else self._records[table][id]

    def all(self, table: str) -> list[Record]:
        return list(self._records[table].values())

    def of_parent(self, table: str, parent: str) -> list[Record]:
        return [self._records[table][id] for id in self._kept[table].get(parent, ())]

    def find(self, table: str, **values: Any) -> Record | None:
        """The first record with these values."""
        return next((r for r in self._records[table].values() if all(r[k] == v for k, v in values.items())), None)

    def name_of(self, owner: str | None) -> str | None:
        record = self.owner(owner)
        return record["Name"] if record else None

    def owner(self, id: str | None) -> Record | None:
        return self.get("User" if (id or "").startswith("005") else "Group", id)

    def _commit(self, records: Iterable[tuple[str, Record]]) -> None:
        for table, record in records:
            id, old = record["Id"], self._records[table].get(record["Id"])
            self._records[table][id] = record
            if table in KEPT_BY:
                self._filed(table, old, record)
            if table == "Case":
                self._placed(old, record)

    def _filed(self, table: str, old: Record | None, new: Record) -> None:
        """With its parent, which a merge changes."""
        by, kept = KEPT_BY[table], self._kept[table]
        if old is not None and old[by] == new[by]:
            return
        if old is not None:
            kept[old[by]].remove(new["Id"])
        kept[new[by]].append(new["Id"])

    def _placed(self, old: Record | None, new: Record) -> None:
        if old is not None:
            del self._by_stamp[bisect_left(self._by_stamp, (old["SystemModstamp"], old["Id"]))]
        insort(self._by_stamp, (new["SystemModstamp"], new["Id"]))

    # queries

    def found(self, query: Query, *, deleted: bool) -> list[Row]:
        """The records that a query asks for, in its order. Raises `Malformed`."""
        schema = _schema(query.table)
        _checked_query(query, schema)
        test = holds(query.where, self.value) if query.where else (lambda row: True)
        rows: Iterator[Row] = (r for r in self._candidates(query) if (deleted or not self._is_deleted(query.table, r)) and test(r))
        end = None if query.limit is None else query.offset + query.limit
        if query.table == "Case" and query.order == BY_STAMP:
            return list(islice(rows, query.offset, end))
        return ordered(list(rows), query.order, self.value)[query.offset : end]

    def _is_deleted(self, table: str, row: Row) -> bool:
        """A deleted case takes its comments, e-mails and history with it."""
        parent = self._records["Case"].get(row[KEPT_BY[table]]) if table in KEPT_BY else None
        return bool(row.get("IsDeleted") or (parent and parent["IsDeleted"]))

    def _candidates(self, query: Query) -> Iterator[Row]:
        """No fewer records than those that match; those by stamp in their order."""
        table, id = query.table, pinned(query.where, "Id")
        parent = pinned(query.where, KEPT_BY[table]) if table in KEPT_BY else None
        if id is not None:
            one = self.get(table, str(id))
            return iter([one] if one else [])
        if parent is not None:
            return iter(self.of_parent(table, str(parent)))
        if table == "Case" and query.order == BY_STAMP:
            low = at_least(query.where, "SystemModstamp") or ""
            start = bisect_left(self._by_stamp, (low, ""))
            return (self._records["Case"][id] for _, id in self._by_stamp[start:])
        return iter(self.all(table))

    def value(self, row: Row, path: Path) -> Any:
        """What stands at a path of a record, through its relations."""
        here: Row | None = row
        for name in path[:-1]:
            here = self.related(here, name) if here else None
        return here.get(path[-1]) if here else None

    def related(self, row: Row, name: str) -> Record | None:
        relation = _relation_of(row, name)
        if relation.table is None:
            return self.owner(row[relation.by])
        return self.get(relation.table, row[relation.by])


def _relation_of(row: Row, name: str) -> Relation:
    table = next(t for t, prefix in PREFIXES.items() if row["Id"].startswith(prefix))
    return SCHEMA[table].relations[name]


def _schema(table: str) -> Schema:
    if table not in SCHEMA:
        raise Malformed(f"sObject type '{table}' is not supported.", "INVALID_TYPE")
    return SCHEMA[table]


LINKS = (
    "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or LinkedEntityId using the "
    "equals operator or multiple Id's using the IN operator."
)


def _checked_query(query: Query, schema: Schema) -> None:
    if query.table == "ContentDocumentLink" and not (narrowed(query.where) & {"ContentDocumentId", "LinkedEntityId"}):
        raise Malformed(LINKS)
    for path in query.fields:
        kind_of(query.table, schema, path)
    for child in query.children:
        if child.table not in schema.children:
            raise Malformed(f"Didn't understand relationship '{child.table}' in FROM part of query call.", "INVALID_TYPE")
        table = schema.children[child.table][0]
        _checked_query(replace(child, table=table), SCHEMA[table])
    for one in query.order:
        kind_of(query.table, schema, one.path)
    for test in paths(query.where):
        _comparable(test, kind_of(query.table, schema, test.path))


def kind_of(table: str, schema: Schema, path: Path) -> str:
    """The kind of field at a path. Raises `Malformed` when there is none."""
    for name in path[:-1]:
        relation = schema.relations.get(name)
        if relation is None:
            raise Malformed(f"Didn't understand relationship '{name}' in field path.", "INVALID_FIELD")
        if relation.table is None:
            if path[-1] not in OWNERS:
                raise Malformed(f"No such column '{path[-1]}' on entity 'Name'.", "INVALID_FIELD")
            return "text"
        table, schema = relation.table, SCHEMA[relation.table]
    if path[-1] not in schema.fields:
        raise Malformed(
            f"No such column '{path[-1]}' on entity '{table}'. If you are attempting to use a custom field, be sure to append the "
            "'__c' after the custom field name.",
            "INVALID_FIELD",
        )
    return schema.fields[path[-1]]


def _comparable(test: Test, kind: str) -> None:
    """A moment stands without quotes and text with them; long text cannot be compared at all."""
    name = test.path[-1]
    if kind == "area":
        raise Malformed(f"field '{name}' can not be filtered in a query call", "INVALID_FIELD")
    for value in test.values:
        quoted = value.kind == "text"
        if value.value is not None and quoted != (kind in ("id", "text", "pick")):
            should = "should be enclosed in quotes" if not quoted else "should not be enclosed in quotes"
            raise Malformed(f"value of filter criterion for field '{name}' must be of type {kind} and {should}", "INVALID_FIELD")
        if kind == "id" and quoted and (len(value.value) not in (0, 15, 18) or not value.value.isalnum()):
            raise Malformed(f"invalid ID field: {value.value}", "INVALID_QUERY_FILTER_OPERATOR")
