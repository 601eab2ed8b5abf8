"""Who and what is there in a ServiceNow instance: groups and people to sys_ids, and back; fields by name. Remembers what it was told."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from connectors.base import FALLBACK, Thing
from connectors.errors import NotFound, Rejected
from connectors.inventory import Permission, RemoteField
from connectors.servicenow import inventory
from connectors.servicenow.query import escaped
from rules.ticket import Person

MOST = 10_000  # rows of a dictionary; the largest tables have some hundred fields
OURS = {"caller_id": "requester", "assigned_to": "assignee", "assignment_group": "group"}
NAMING = frozenset({"name", "number"})  # by which records are shown where the dictionary does not say
TABLES: Mapping[Thing, str] = {"group": "sys_user_group", "user": "sys_user"}


class Asks(Protocol):
    """The reading half of a session."""

    def rows(self, what: str, table: str, query: str, fields: str, limit: int) -> list[dict[str, str]]: ...


class Directory:
    """References are looked up by name once and kept for as long as this object lives."""

    def __init__(self, session: Asks, table: str) -> None:
        self._session, self._table = session, table
        self._ids: dict[tuple[str, str], str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._people: dict[str, Person] = {}
        self._targets: dict[str, str] = {}

    def found(self, table: str, name: str) -> str:
        """The sys_id of a group by its name, of a person by e-mail address or name. Raises `ValueError` for none or several."""
        if (table, name) not in self._ids:
            field = "email" if table == "sys_user" and "@" in name else "name"
            query = f"{field}={escaped(name)}^active=true"
            rows = self._session.rows(f"looking up {name}", table, query, "sys_id", 2)
            if len(rows) != 1:
                remedy = f"; {FALLBACK}" if table == "sys_user" else ""
                raise ValueError(f"there {'is no' if not rows else 'are several'} active {table} with the {field} '{name}'{remedy}")
            self._ids[table, name] = rows[0]["sys_id"]
        return self._ids[table, name]

    def referred(self, path: str, name: str) -> tuple[str, str]:
        """The field of a reference such as `u_vendor.name`, and the sys_id of the one record that this names.

        Raises `ValueError` for none or several, and for a path that is no reference, or names none: to write what else stands behind
        one would choose a record by chance.
        """
        element, _, field = path.partition(".")
        table = self._target(element, field, path)
        if (path, name) not in self._ids:
            rows = self._session.rows(f"looking up {name}", table, f"{field}={escaped(name)}", "sys_id", 2)
            if len(rows) != 1:
                raise ValueError(f"there {'is no' if not rows else 'are several'} {table} with the {field} '{name}', for {path}")
            self._ids[path, name] = rows[0]["sys_id"]
        return element, self._ids[path, name]

    def _target(self, element: str, field: str, path: str) -> str:
        """The table that a reference points to; asked for once."""
        if element in OURS:
            raise ValueError(f"'{path}' is only read; write {OURS[element]} instead")
        if path not in self._targets:
            scope = f"nameIN{self._table},task^element={escaped(element)}"
            rows = [row for row in self._all("reading the dictionary", "sys_dictionary", scope, "reference") if row["reference"]]
            if not rows:
                raise ValueError(f"'{path}' cannot be written: {element} is no reference of {self._table}")
            table = rows[0]["reference"]
            shown = self._all("reading the dictionary", "sys_dictionary", f"name={escaped(table)}^display=true", "element")
            naming = {row["element"] for row in shown} or NAMING
            if field not in naming:
                raise ValueError(f"'{path}' cannot be written: a {table} is named by {element}.{' or '.join(sorted(naming))}")
            self._targets[path] = table
        return self._targets[path]

    def members(self, group: str) -> tuple[str, ...]:
        """Those of a group who are active, each by e-mail address, else name; nobody for a group that is not there."""
        try:
            query = f"group={self.found('sys_user_group', group)}^user.active=true^ORDERBYsys_id"
        except ValueError:
            return ()
        rows = self._session.rows(f"looking up the members of {group}", "sys_user_grmember", query, "user.email,user.name", 1000)
        return tuple(row.get("user.email") or row["user.name"] for row in rows)

    def forget(self) -> None:
        """After a refusal: a group or person that was deleted meanwhile is one reason."""
        self._ids.clear()
        self._targets.clear()

    def known(self, kind: Thing, names: frozenset[str]) -> frozenset[str]:
        """Those of the names that are there."""
        return self._fields(names) if kind == "field" else frozenset(name for name in names if self._has(TABLES[kind], name))

    def _has(self, table: str, name: str) -> bool:
        try:
            self.found(table, name)
        except ValueError:
            return False
        return True

    def _fields(self, names: frozenset[str]) -> frozenset[str]:
        """An answer leaves out what the table does not have, or we may not read. A table without a record does not say."""
        rows = self._session.rows("looking up fields", self._table, "", ",".join(sorted(names)), 1) if names else []
        return names & {*rows[0]} if rows else names

    def fields(self) -> tuple[RemoteField, ...]:
        """Of the table and of `task`, which it extends. Raises `Rejected` where we may not read the dictionary."""
        scope = f"nameIN{self._table},task"
        rows = self._all("reading the dictionary", "sys_dictionary", scope, inventory.DICTIONARY)
        choices = self._all("reading the choices", "sys_choice", f"{scope}^inactive=false", inventory.CHOICES)
        rows.sort(key=lambda row: row["name"] != self._table)
        return tuple(inventory.fields(rows, choices))

    def permissions(self) -> tuple[Permission, ...]:
        query = "user.user_name=javascript:gs.getUserName()"
        roles = {row["role.name"] for row in self._all("reading our roles", "sys_user_has_role", query, "role.name")}
        return tuple(inventory.permissions(roles, partial(readable, self._session)))

    def _all(self, what: str, table: str, query: str, fields: str) -> list[dict[str, str]]:
        return self._session.rows(what, table, query, fields, MOST)

    def name(self, table: str, sys_id: str) -> str | None:
        """What was learned of a sys_id."""
        return self._names.get((table, sys_id))

    def learn(self, table: str, ids: set[str]) -> None:
        """The names behind sys_ids, as the ticket's fields show them: a group's name, a person's e-mail address."""
        missing = sorted(found for found in ids if found and (table, found) not in self._names)
        if missing:
            query = f"sys_idIN{','.join(map(escaped, missing))}"
            for row in self._session.rows("looking up names", table, query, "sys_id,name,email", len(missing)):
                self._names[table, row["sys_id"]] = row.get("email") or row.get("name") or row["sys_id"]

    def people(self, user_names: set[str | None]) -> dict[str, Person]:
        """Everybody known so far by user name, these among them where the instance names them."""
        missing = sorted(name for name in user_names if name and name not in self._people)
        if missing:
            query = f"user_nameIN{','.join(map(escaped, missing))}"
            for row in self._session.rows("looking up authors", "sys_user", query, "sys_id,user_name,name,email", len(missing)):
                self._people[row["user_name"]] = Person(id=row["sys_id"], name=row["name"] or None, email=row["email"] or None)
        return self._people


def readable(session: Asks, table: str) -> bool:
    """Whether we may read a table, by trying."""
    try:
        session.rows(f"trying to read {table}", table, "", "sys_id", 1)
    except (Rejected, NotFound):
        return False
    return True
