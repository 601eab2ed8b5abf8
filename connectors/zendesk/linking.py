"""Zendesk's one link between tickets: an incident has a problem."""

from typing import TYPE_CHECKING

from connectors.errors import Rejected, Unsupported
from connectors.mapping import Record
from connectors.zendesk.reading import version_of
from connectors.zendesk.writing import guarded, part, reading
from rules.plan import Receipt

if TYPE_CHECKING:
    from connectors.zendesk.session import Session


def link(connection: str, session: "Session", relation: str, incident: int, problem: int) -> Receipt:
    """Zendesk passes over a problem of what is no incident, so both are looked at first; a problem that a person gave it stays."""
    what = f"link ticket {incident} to problem {problem}"
    record, other = _ticket(connection, session, relation, what, incident), _ticket(connection, session, relation, what, problem)
    if record.get("problem_id") == problem:
        return Receipt()
    if wrong := _misfit(record, other):
        raise Rejected(connection, f"{what}: {wrong}")
    sent = guarded({"problem_id": problem}, version_of(record))
    answer = session.send(what, "PUT", f"tickets/{incident}", {"ticket": sent})
    with reading(connection, what, written=True):
        after = part(answer, "ticket")
        if after.get("problem_id") != problem:
            raise Rejected(connection, f"{what}: Zendesk did not take it, and said nothing")
        return Receipt(version=version_of(after))


def linked(connection: str, session: "Session", relation: str, incident: int, problem: int) -> bool:
    what = f"look for the problem of ticket {incident}"
    return bool(_ticket(connection, session, relation, what, incident).get("problem_id") == problem)


def _misfit(record: Record, other: Record) -> str | None:
    if record.get("type") != "incident":
        return f"it is a ticket of type {record.get('type')}, and only incidents have a problem here"
    if other.get("type") != "problem":
        return f"that is a ticket of type {other.get('type')}, not problem"
    return f"its problem is {record['problem_id']} already" if record.get("problem_id") else None


def _ticket(connection: str, session: "Session", relation: str, what: str, number: int) -> Record:
    if relation != "problem":
        raise Unsupported(connection, f"link {relation}")
    answer = session.get(what, f"tickets/{number}")
    with reading(connection, what):
        return part(answer, "ticket")
