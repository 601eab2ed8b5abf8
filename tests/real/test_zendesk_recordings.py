"""Zendesk's own answers, as others recorded them: every ticket, audit, comment and user among them is read, and unknown words are named.

The recordings lie outside the repository, under `zendesk/recordings` of the folder that TICKETGATE_REAL_DATA names.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Cursor
from connectors.sandbox import Answer, Clock, Deed, Request, Sandbox
from connectors.zendesk.connector import ZendeskConnector, ZendeskSettings
from connectors.zendesk.cursor import Mark
from connectors.zendesk.reading import HISTORY, TABLE, Beside, changes_of, comment_of, is_robot, ticket_reader, version_of
from connectors.zendesk.sandbox import OAUTH_TOKEN, ZendeskSandbox
from gateway.sandbox.host import in_thread
from tests.rigs import START, a_sample, read

HOME = os.environ.get("TICKETGATE_REAL_DATA")
FOLDER = Path(HOME or "nowhere") / "zendesk" / "recordings"
READ = ticket_reader("recorded", TABLE, "https://acme.zendesk.com")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="TICKETGATE_REAL_DATA names no folder with zendesk/recordings")
FILES = sorted(FOLDER.rglob("*.json"))


def answers(path: Path) -> Iterator[tuple[str, int, Any]]:
    """Address, status and body of each exchange, whichever of the two tools recorded it."""
    recorded = json.loads(path.read_bytes())
    if isinstance(recorded, dict):
        for one in recorded["http_interactions"]:
            text = one["response"]["body"]["string"] if isinstance(one["response"]["body"], dict) else one["response"]["body"]
            yield one["request"]["uri"], one["response"]["status"]["code"], _json(text)
    else:
        for one in recorded:
            yield one["path"], one["status"], one["response"]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def records(body: Any, one: str, many: str) -> list[dict[str, Any]]:
    """All records of a kind in an answer, alone or in a list."""
    if not isinstance(body, dict):
        return []
    return [r for r in [body.get(one), *(body.get(many) or [])] if isinstance(r, dict) and r.get("id")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recorded_ticket_is_read_and_unknown_words_are_named(path: Path) -> None:
    for _, status, body in answers(path):
        for record in records(body, "ticket", "tickets") if status < 300 else ():
            theirs, ticket = dict(record), READ(record, Beside(body))
            assert ticket.ref.key == str(theirs["id"])
            assert ticket.unread.keys() == {n for n in _worded(theirs) if getattr(ticket, n) is None}
            assert ticket.version == version_of(theirs)
            assert ticket.created_at.utcoffset() == ticket.updated_at.utcoffset() == ticket.created_at - ticket.created_at


def _worded(record: dict[str, Any]) -> set[str]:
    """Our fields for which the record holds a word or a number."""
    held = {n: record.get(n) for n in ("status", "priority", "type")} | {"group": record.get("group_id")}
    return {name for name, value in {**held, "channel": (record.get("via") or {}).get("channel")}.items() if value is not None}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recorded_audit_is_read(path: Path) -> None:
    for _, status, body in answers(path):
        audits = records(body, "audit", "audits") if status < 300 else []
        for audit in audits:
            changed = [e["field_name"] for e in audit["events"] if e["type"] == "Change"]
            beside = Beside(body)
            assert [c.field for c in changes_of(audit, TABLE, beside)] == [HISTORY[name][0] for name in changed if name in HISTORY]
            for said in (e for e in audit["events"] if e["type"] == "Comment"):
                comment = comment_of({**said, "created_at": audit["created_at"], "metadata": audit.get("metadata")}, beside)
                assert (comment.id, comment.text, comment.public) == (str(said["id"]), said["body"], said["public"])
                assert not comment.ours


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recorded_user_is_a_person(path: Path) -> None:
    for _, status, body in answers(path):
        users = records(body, "user", "users") if status < 300 else []
        beside = Beside({"users": users})
        for user in users:
            person = beside.person(user["id"])
            assert person is not None
            assert (person.id, person.email, person.automated) == (str(user["id"]), user.get("email"), is_robot(user.get("email")))


def exports() -> list[Any]:
    return [body for path in FILES for uri, _, body in answers(path) if "/incremental/tickets/cursor" in uri and body]


def test_a_recorded_page_of_an_export_is_read_as_a_page() -> None:
    for body in exports():
        mark = Mark(START.replace(year=2000)).moved("recorded", body)
        assert mark.after == body["after_cursor"]
        assert Mark.read("recorded", mark.text) == mark
        assert mark.at.timestamp() == body["tickets"][-1]["generated_timestamp"]


class Replayed(ZendeskSandbox):
    """Answers an export with one that was recorded."""

    def __init__(self, clock: Clock, body: Any) -> None:
        super().__init__(clock)
        self._body = body

    def answer(self, request: Request) -> Answer:
        return Answer(body=self._body) if "/incremental/" in request.path else super().answer(request)


def test_a_recorded_export_through_zenpys_session_gives_each_ticket_once() -> None:
    for body in [b for b in exports() if b["end_of_stream"]]:
        box: Sandbox = Replayed(lambda: START, body)
        with in_thread(box) as served:
            wanted = ZendeskSettings(url=box.url(), via=served["zendesk"].address, sign_in=box.sign_in())
            connector = ZendeskConnector.opened("recorded", wanted)
            (page,) = read(connector, Cursor(f"{START:%Y-%m-%dT%H:%M:%SZ} start"))
            connector.close()
        counted = Counter(t["status"] == "deleted" for t in body["tickets"])
        assert (len(page.tickets), len(page.gone), page.spoilt, page.last) == (counted[False], counted[True], (), True)


def test_the_recordings_hold_what_these_tests_are_about() -> None:
    """So that an empty folder, or one of another shape, does not pass for a proof."""
    held = [body for path in FILES for _, status, body in answers(path) if status < 300]
    assert sum(len(records(body, "ticket", "tickets")) for body in held) > 0
    assert sum(len(records(body, "user", "users")) for body in held) > 0


def made_by_the_sandbox() -> dict[str, dict[str, Any]]:
    """One record of each kind as the sandbox sends it."""
    box = ZendeskSandbox(lambda: START)
    key = int(box.load([a_sample(group="triage", organization="Northwind")])[0])
    box.people(Deed(kind="set", key=str(key), fields={"priority": "high"}))
    first, second = box.desk.audits(key)
    kinds = {e["type"].lower(): e for e in [*first["events"], *second["events"]]}
    user = box.desk.users[box.desk.tickets[key]["requester_id"]]
    group, organization = (next(iter(held.values())) for held in (box.desk.groups, box.desk.organizations))
    return {"ticket": box.desk.tickets[key], "audit": first, "user": user, "group": group, "organization": organization, **kinds}


def recorded(kind: str) -> list[frozenset[str]]:
    """The keys of every recorded record of a kind; the kinds of an audit's events are create, change and comment."""
    held = [body for path in FILES for _, status, body in answers(path) if status < 300]
    if kind in ("create", "change", "comment"):
        audits = [a for body in held for a in records(body, "audit", "audits")]
        return [frozenset(e) for a in audits for e in a["events"] if e["type"].lower() == kind]
    return [frozenset(r) - {"generated_timestamp"} for body in held for r in records(body, kind, f"{kind}s")]


@pytest.mark.parametrize("kind", ["ticket", "audit", "user", "group", "organization", "create", "change", "comment"])
def test_the_sandboxs_records_have_the_keys_of_recorded_ones(kind: str) -> None:
    """Equal to those of at least one recording: accounts differ in the keys of what they have bought."""
    keys = recorded(kind)
    assert frozenset(made_by_the_sandbox()[kind]) in keys or not keys


def test_the_sandboxs_export_has_the_keys_of_a_recorded_one() -> None:
    box = ZendeskSandbox(lambda: START)
    box.load([a_sample()])
    asked = Request(
        method="GET",
        path="/api/v2/incremental/tickets/cursor.json",
        query={"start_time": "0"},
        headers={"authorization": f"Bearer {OAUTH_TOKEN}"},
    )
    page = box.answer(asked).body
    for body in exports():
        assert page.keys() == body.keys()
        assert page["tickets"][0].keys() == body["tickets"][0].keys()
