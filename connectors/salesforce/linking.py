"""Salesforce's link between cases: one of them is the parent of the other. It is what stands for a problem as well."""

from typing import TYPE_CHECKING

from connectors.errors import NotFound, Rejected, Unsupported
from connectors.salesforce.soql import quoted
from rules.plan import Receipt

if TYPE_CHECKING:
    from connectors.salesforce.session import Session

RELATIONS = frozenset({"parent", "problem"})


def link(connection: str, session: "Session", relation: str, case: str, other: str) -> Receipt:
    """A parent that somebody gave it stays. The two writes of us and of a person within this moment are the race that is left."""
    what, there = f"link case {case} to {other}", _parent(connection, session, relation, case)
    if there == other:
        return Receipt()
    if there is not None:
        raise Rejected(connection, f"{what}: its parent is {there} already")
    session.ask(what, "PATCH", f"sobjects/Case/{case}", body={"ParentId": other})
    return Receipt()


def linked(connection: str, session: "Session", relation: str, case: str, other: str) -> bool:
    return _parent(connection, session, relation, case) == other


def _parent(connection: str, session: "Session", relation: str, case: str) -> str | None:
    if relation not in RELATIONS:
        raise Unsupported(connection, f"link {relation}")
    what = f"look for the parent of case {case}"
    rows = session.all(what, f"SELECT Id, ParentId FROM Case WHERE Id = {quoted(case)}")  # noqa: S608
    if not rows:
        raise NotFound(connection, f"{what}: there is no such case, or our user may not see it")
    found = rows[0].get("ParentId")
    return str(found) if found else None
