"""How the sandbox says records: each with its `attributes`, in pages with a locator that runs out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from connectors.salesforce.sandbox_org import Org
from connectors.salesforce.sandbox_schema import PREFIXES, SCHEMA
from connectors.salesforce.sandbox_soql import Path, Query, Row, holds, ordered

TABLES = {prefix: table for table, prefix in PREFIXES.items()}


@dataclass(slots=True)
class Shape:
    """Which fields of a record are said, its relations' among them."""

    plain: tuple[str, ...]
    relations: Mapping[str, "Shape"] = field(default_factory=dict)
    children: tuple[tuple[Query, "Shape"], ...] = ()
    called: str | None = None  # `Name` for an owner, who may be a user or a queue
    deleted: bool = False  # whether children in the bin are said too

    @classmethod
    def of(cls, table: str, fields: tuple[Path, ...], children: tuple[Query, ...] = (), called: str | None = None) -> "Shape":
        schema = SCHEMA[table]
        plain = tuple(dict.fromkeys(p[0] for p in fields if len(p) == 1))
        names = dict.fromkeys(p[0] for p in fields if len(p) > 1)
        relations = {name: cls._relation(table, name, tuple(p[1:] for p in fields if p[0] == name and len(p) > 1)) for name in names}
        below = tuple((child, cls.of(schema.children[child.table][0], child.fields)) for child in children)
        return cls(plain, relations, below, called)

    @classmethod
    def _relation(cls, table: str, name: str, fields: tuple[Path, ...]) -> "Shape":
        to = SCHEMA[table].relations[name].table
        return cls.of(to, fields) if to else cls(tuple(p[0] for p in fields), called="Name")

    def said(self, org: Org, row: Row, version: str) -> dict[str, Any]:
        """The record as JSON says it; a relation to nobody and children that are not there are null."""
        table = TABLES[row["Id"][:3]]
        url = f"/services/data/v{version}/sobjects/{table}/{row['Id']}"
        out: dict[str, Any] = {"attributes": {"type": self.called or table, "url": url}}
        for name in self.plain:
            out[name] = row.get(name)
        for name, shape in self.relations.items():
            other = org.related(row, name)
            out[name] = shape.said(org, other, version) if other else None
        for query, shape in self.children:
            out[query.table] = _children(org, row, query, self, shape, version)
        return out


def _children(org: Org, row: Row, query: Query, shape: Shape, child: Shape, version: str) -> dict[str, Any] | None:
    table, _ = SCHEMA[TABLES[row["Id"][:3]]].children[query.table]
    test = holds(query.where, org.value) if query.where else (lambda row: True)
    mine: list[Row] = [r for r in org.of_parent(table, row["Id"]) if (shape.deleted or not r.get("IsDeleted")) and test(r)]
    if not mine:
        return None
    rows = ordered(mine, query.order, org.value)[: query.limit]
    return {"totalSize": len(rows), "done": True, "records": [child.said(org, r, version) for r in rows]}


@dataclass(slots=True)
class Rest:
    """What follows after an answer that did not hold everything."""

    rows: list[Row]
    shape: Shape
    total: int
    made_at: datetime


class Pages:
    """Answers to queries, `most` records in one at the most; the locators live for `life` (two days, as the vendor says)."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.most = 2000
        self.life = timedelta(days=2)
        self._rests: dict[str, Rest] = {}
        self._numbers = count(1)

    def first(self, rows: list[Row], query: Query, size: int, version: str, *, deleted: bool) -> dict[str, Any]:
        shape = Shape.of(query.table, query.fields, query.children)
        shape.deleted = deleted
        if query.count:
            return {"totalSize": len(rows), "done": True, "records": []}
        return self._page(Rest(rows, shape, len(rows), self._org.clock()), size, version)

    def after(self, locator: str, size: int, version: str) -> dict[str, Any] | None:
        """The page behind a locator; None for one that ran out, or never was."""
        rest = self._rests.get(locator)
        if rest is None or self._org.clock() - rest.made_at > self.life:
            return None
        return self._page(rest, size, version)

    def expire(self) -> None:
        """All locators are forgotten."""
        self._rests.clear()

    def _page(self, rest: Rest, size: int, version: str) -> dict[str, Any]:
        size = min(size, self.most)
        here, more = rest.rows[:size], rest.rows[size:]
        page: dict[str, Any] = {"totalSize": rest.total, "done": not more}
        if more:
            name = f"01g5g{next(self._numbers):013d}-{size}"
            self._rests[name] = Rest(more, rest.shape, rest.total, rest.made_at)
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{name}"
        return {**page, "records": [rest.shape.said(self._org, row, version) for row in here]}
