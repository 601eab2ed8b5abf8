"""The contract's conversations in small: what is recorded onto cassettes, and held against the vendors' documents.

Each takes a connector to a system that holds the five tickets of `the_tickets`, whether it answers itself or a recording does.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from itertools import islice

from connectors.base import Connector
from connectors.files import Upload
from connectors.sandbox import Sample
from rules.plan import Draft, TagChange
from rules.ticket import Level, Status, Ticket, replace
from tests.rigs import OWN, START, a_sample

LONG_AGO = START - timedelta(days=30)
MARK = "c0ffee00c0ffee00c0ffee00c0ffee00"
PAGE_SIZE = 3
SUBJECTS = ("Card declined", "Größe & Farbe", "住所入力後に止まります", "Login fails", "Refund please")


def the_tickets() -> list[Sample]:
    """Five tickets, two of which changed at one moment."""
    made = [a_sample(subject, age=300 - 20 * n, status="open", priority="normal") for n, subject in enumerate(SUBJECTS)]
    return [*made[:2], replace(made[2], created_at=made[1].created_at, language="ja"), *made[3:]]


def first(connector: Connector) -> Ticket:
    """The ticket that changed longest ago."""
    return next(page.tickets[0] for page in connector.changed(LONG_AGO) if page.tickets)


def reads_two_pages(connector: Connector, system: str) -> None:
    pages = list(islice(connector.changed(LONG_AGO), 4))

    assert {t.subject for page in pages for t in page.tickets} == set(SUBJECTS)
    assert len([page for page in pages if page.tickets]) >= 2
    assert pages[-1].last


def reads_one(connector: Connector, system: str) -> None:
    ticket = first(connector)

    again = connector.fetch(ticket.ref.key)

    assert again == ticket
    assert (again.status, again.priority, again.subject) == (Status.OPEN, Level.NORMAL, "Card declined")
    assert again.requester is not None
    assert again.requester.email == "ana@example.com"


def updates_under_its_guard(connector: Connector, system: str) -> None:
    ticket = first(connector)
    wanted = {"priority": Level.HIGH, "status": Status.RESOLVED, "group": "platform"}

    connector.update(ticket.ref.key, wanted, version=ticket.version, tags=TagChange(frozenset({"routed"})))

    now = connector.fetch(ticket.ref.key)
    assert {name: getattr(now, name) for name in wanted} == wanted
    assert "routed" in now.tags


def replies_and_notes(connector: Connector, system: str) -> None:
    key = first(connector).ref.key

    reply = connector.comment(key, "We are **on it**, see [the page](https://example.com).", public=True, mark=MARK)
    note = connector.comment(key, "Looks like the release.", public=False, mark=MARK[::-1])

    assert [(c.id, c.public, c.ours) for c in connector.comments(key)] == [(reply.id, True, True), (note.id, False, True)]
    found = connector.applied_comment(key, "We are **on it**, see [the page](https://example.com).", public=True, mark=MARK)
    assert found is not None
    assert found.id == reply.id


def makes_a_ticket(connector: Connector, system: str) -> None:
    draft = Draft(fields={"subject": "Made by us", "body": "From another system.", "priority": Level.HIGH}, own=OWN.get(system, {}))

    receipt = connector.create(draft, mark=MARK)

    assert connector.fetch(str(receipt.key)).subject == "Made by us"


def tells_the_history(connector: Connector, system: str) -> None:
    ticket = first(connector)
    connector.update(ticket.ref.key, {"status": Status.PENDING}, version=ticket.version)

    changes = [c for c in connector.history(ticket.ref.key) if c.field == "status"]

    assert [(c.before, c.after) for c in changes][-1] == (Status.OPEN, Status.PENDING)


def carries_a_file(connector: Connector, system: str) -> None:
    """As the system takes one: to its customers, where they may see it, else to its agents."""
    key, kept = first(connector).ref.key, list[bytes]()
    file = Upload(name="trace.log", type="text/plain", size=4, content=BytesIO(b"beep"))

    receipt = connector.attach(key, file, public="public" in connector.abilities.attaches, mark=MARK)

    (there,) = connector.attachments(key)
    connector.download(key, there, kept.append)
    assert (there.id, there.name, b"".join(kept)) == (receipt.id, "trace.log", b"beep")


ALL: Mapping[str, Callable[[Connector, str], None]] = {
    f.__name__: f for f in (reads_two_pages, reads_one, updates_under_its_guard, replies_and_notes, makes_a_ticket, tells_the_history)
}
OF_FILES: Mapping[str, Callable[[Connector, str], None]] = {carries_a_file.__name__: carries_a_file}
ROWS_OF_FILES = ("jira", "jira-data-center", "servicenow", "salesforce")
"""Whose files are on cassettes. Zendesk sends a download on to a host that is looked up first: nobody may while a tape is played."""
