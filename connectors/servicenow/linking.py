"""ServiceNow's link between records of one table: a parent. A problem is a record of another table, which no connection shares."""

from typing import TYPE_CHECKING

from connectors.errors import Rejected, Unsupported
from connectors.servicenow.query import table_path
from connectors.servicenow.reading import flat
from rules.plan import Receipt

if TYPE_CHECKING:
    from connectors.servicenow.session import ServiceNowSession

PARENTS = {"incident": "parent_incident"}
"""The field of a table's parent; of any other task it is `parent`."""


class Links:
    """The links of one table."""

    def __init__(self, session: "ServiceNowSession", table: str) -> None:
        self._session, self._table, self._field = session, table, PARENTS.get(table, "parent")

    def link(self, relation: str, key: str, other: str) -> Receipt:
        """A parent that somebody gave it stays. What an access rule forbids is passed over without a word, so the answer is read."""
        what, there = f"linking {key} to {other}", self._parent(relation, key)
        if there == other:
            return Receipt()
        if there:
            raise Rejected(self._session.connection, f"{what}: its {self._field} is {there} already")
        self._session.record(what, "GET", table_path(self._table, other), "sys_id")  # the field would take any text
        path = table_path(self._table, key)
        record = flat(self._session.record(what, "PATCH", path, f"sys_id,{self._field}", {self._field: other}))
        if record.get(self._field) != other:
            raise Rejected(self._session.connection, f"{what}: the system did not take {self._field} (an access rule?), and said nothing")
        return Receipt()

    def linked(self, relation: str, key: str, other: str) -> bool:
        return self._parent(relation, key) == other

    def _parent(self, relation: str, key: str) -> str:
        if relation != "parent":
            raise Unsupported(self._session.connection, f"link {relation}")
        what = f"looking for the parent of {key}"
        return str(flat(self._session.record(what, "GET", table_path(self._table, key), f"sys_id,{self._field}")).get(self._field) or "")
