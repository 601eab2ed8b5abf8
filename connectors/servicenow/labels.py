"""ServiceNow's own tags: a row of `label` for each, and a row of `label_entry` for each record that bears it.

A tag is what more people than one may see (`viewable_by` other than `me`) and a person gave (`type` standard): somebody's personal
labels are neither read nor touched. A label on a record leaves its `sys_updated_on` alone, so its own rows are asked for what is new.
By default nobody but `maint` may write `table` and `table_key` of an entry, which the system then passes over in silence.

Sources: "Administering tags" of the product's documentation (names: unique for all but personal tags, case does not count, no
punctuation); https://newsrails.jace.pro/i/22204 (the two tables); https://openillumi.com/?p=87583 (the access rules).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors.columns import part
from connectors.errors import Rejected
from connectors.inventory import Permission
from connectors.servicenow.directory import readable
from connectors.servicenow.query import after, escaped, table_path
from connectors.servicenow.reading import LABELS, flat
from connectors.servicenow.shape import labelled
from rules.plan import TagChange

if TYPE_CHECKING:
    from connectors.servicenow.session import ServiceNowSession

SHARED = "label.viewable_by!=me^label.type=standard"
ENTRY = "sys_id,table_key,label.name"
AT_ONCE = 100  # records asked about by one request: their sys_ids stand in its address, which may have 8 KB
MOST = 10_000  # rows of so many records
PAGE = 1000
ACCESS = "let the integration user write table and table_key of label_entry, which by default only maint may, or say tags: field"


class Labels:
    """The tags of one table's records. Labels are looked up by name once and kept for as long as this object lives."""

    def __init__(self, session: "ServiceNowSession", table: str) -> None:
        self._session, self._table, self._ids = session, table, dict[str, str]()

    def put_on(self, what: str, records: Sequence[Any]) -> None:
        """Each record with its tags as one more field of it: a request for every hundred of them."""
        keys = [str(part(record, "sys_id")) for record in records]
        names: dict[str, set[str]] = {}
        for some in _parts(keys, AT_ONCE):
            for entry in self._entries(what, some):
                names.setdefault(entry["table_key"], set()).add(entry["label.name"])
        for key, record in zip(keys, records, strict=True):
            labelled(record, "\n".join(sorted(names.get(key, ()))))

    def _entries(self, what: str, keys: Iterable[str]) -> list[dict[str, str]]:
        query = f"table={self._table}^table_keyIN{','.join(map(escaped, keys))}^{SHARED}"
        return [entry for entry in self._session.rows(what, "label_entry", query, ENTRY, MOST) if entry.get("label.name")]

    def put_since(self, at: str) -> Iterator[list[str]]:
        """The sys_ids of records that got a label at or after a moment, page by page, each at most `AT_ONCE` of them."""
        key, seen = "", set[str]()
        while rows := self._session.rows(
            "reading labels", "label_entry", after("sys_updated_on", at, key, self._scope), "sys_id,sys_updated_on,table_key", PAGE
        ):
            at, key = rows[-1]["sys_updated_on"], rows[-1]["sys_id"]
            new = list(dict.fromkeys(row["table_key"] for row in rows if row["table_key"] and row["table_key"] not in seen))
            seen.update(new)
            yield from _parts(new, AT_ONCE)

    @property
    def _scope(self) -> str:
        return f"table={self._table}^{SHARED}"

    def known(self, what: str, tags: TagChange) -> None:
        """Sees to it that there is a label for each tag that will be added. Raises `Rejected` before anything else was written."""
        for name in sorted(tags.add):
            self._label(what, name)

    def change(self, what: str, key: str, tags: TagChange) -> None:
        """Adds and takes off entry by entry, each asked for before: done again it does nothing."""
        entries = self._entries(what, [key])
        there = {entry["label.name"] for entry in entries}
        for entry in entries:
            if entry["label.name"] in tags.remove:
                self._session.delete(what, table_path("label_entry", entry["sys_id"]))
        for name in sorted(tags.add - there):
            self._add(what, key, name)

    def _add(self, what: str, key: str, name: str) -> None:
        """An entry that says which record it is on; one of which the system kept less is taken away again."""
        wanted = {"label": self._label(what, name), "table": self._table, "table_key": key}
        try:
            made = flat(self._session.record(what, "POST", table_path("label_entry"), ",".join(("sys_id", *wanted)), wanted))
        except Rejected as error:
            self._ids.clear()  # a label that was deleted meanwhile is one reason
            raise Rejected(error.connection, f"{error.message}; {ACCESS}") from None
        if any(made.get(field) != value for field, value in wanted.items()):
            self._session.delete(what, table_path("label_entry", str(made["sys_id"])))
            raise Rejected(self._session.connection, f"{what}: the system did not put the tag '{name}' on it, and said nothing; {ACCESS}")

    def _label(self, what: str, name: str) -> str:
        if name not in self._ids:
            self._ids[name] = self._found(what, name) or self._made(what, name)
        return self._ids[name]

    def _found(self, what: str, name: str) -> str | None:
        try:
            query = f"name={escaped(name)}^viewable_by!=me^type=standard^ORDERBYsys_created_on"
        except ValueError as error:
            raise Rejected(self._session.connection, f"{what}: {error}") from None
        rows = self._session.rows(what, "label", query, "sys_id,name", 2)
        if rows and all(row["name"] != name for row in rows):
            raise Rejected(self._session.connection, f"{what}: the tag '{name}' is spelled '{rows[0]['name']}' there; write it so")
        return next((str(row["sys_id"]) for row in rows if row["name"] == name), None)

    def _made(self, what: str, name: str) -> str:
        """A label that everybody sees. Somebody may have made it since we asked: then it is theirs that is used."""
        fields = {"name": name, "viewable_by": "everyone", "type": "standard"}
        try:
            made = flat(self._session.record(what, "POST", table_path("label"), "sys_id,name,viewable_by", fields))
        except Rejected as error:
            if (there := self._found(what, name)) is not None:
                return there
            remedy = f"make the tag '{name}' there by hand, or give the integration user the role tags_admin"
            raise Rejected(error.connection, f"{error.message}; {remedy}") from None
        if (made.get("name"), made.get("viewable_by")) != (name, "everyone"):
            raise Rejected(self._session.connection, f"{what}: the system made '{made.get('name')}' of the tag '{name}'; write it so")
        return str(made["sys_id"])

    def permissions(self) -> Iterator[Permission]:
        for table in ("label", "label_entry"):
            yield Permission(f"reading {table}", readable(self._session, table), frozenset({"set tags"}))


def _parts(keys: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(keys), size):
        yield list(keys[start : start + size])


def relabelled(before: Mapping[str, Any], tags: TagChange) -> frozenset[str] | None:
    """The tags that a record has when nobody but we changed them; None where they are not labels."""
    return None if LABELS not in before else (frozenset(before[LABELS].splitlines()) - tags.remove) | tags.add
