"""What is peculiar to Zendesk, through zenpy's session over a real socket: the export, the guard, tags, marks, sign-in, limits."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors import door
from connectors.base import Custom
from connectors.errors import CursorExpired, InDoubt, Rejected, Stale, Transient, Unauthorized, Unreadable
from connectors.mapping import declared
from connectors.sandbox import Deed, Request
from connectors.zendesk.connector import ZendeskConnector, ZendeskSettings
from connectors.zendesk.reading import TABLE, Beside, comment_of, custom_row, is_robot, ticket_reader
from connectors.zendesk.sandbox import API_TOKEN, EMAIL, OAUTH_TOKEN, ZendeskSandbox
from rules.plan import Draft, TagChange
from rules.ticket import Level, Role, Status, Ticket, Type
from tests.rigs import START, Clock, Rig, a_sample, keys_of, read

MARK = "0123456789abcdef0123456789abcdef"
LONG_AGO = START - timedelta(days=30)
CASSETTES = Path(__file__).parents[2] / "cassettes" / "zendesk"


@pytest.fixture(scope="module")
def system() -> str:
    return "zendesk"


@pytest.fixture
def connector(rig: Rig) -> ZendeskConnector:
    return rig.connector()  # type: ignore[return-value]


def asked(rig: Rig) -> list[str]:
    """The requests since this was last asked: method and path."""
    assert rig.served is not None
    rig.served.keep_exchanges = True
    lines = [f"{e.request.method} {e.request.path}" for e in rig.served.exchanges]
    rig.served.exchanges.clear()
    return lines


# The export


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 5), st.sampled_from(["low", "normal", "high", "urgent"])),
        st.tuples(st.just("system"), st.integers(0, 5), st.sampled_from(["one", "two", "three"])),
        st.tuples(st.just("wait"), st.integers(1, 50), st.none()),
        st.tuples(st.just("poll"), st.none(), st.none()),
    ),
    max_size=25,
)


class Straight:
    """A session without a wire: the sandbox's own function, so that a law can be tried on many histories."""

    def __init__(self, box: ZendeskSandbox) -> None:
        self._box = box

    def get(self, what: str, path: str, query: Any = None, meaning: Any = None, read: Any = orjson.loads) -> Any:
        answer = ask(self._box, "GET", path, **{name: str(value) for name, value in (query or {}).items()})
        assert answer.status == 200, what
        return read(orjson.dumps(answer.body))


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, page_size=st.integers(1, 4))
def test_whatever_happens_between_polls_the_export_loses_nothing(steps: list[tuple[str, Any, Any]], page_size: int) -> None:
    clock = Clock()
    box = ZendeskSandbox(clock)
    keys = box.load([a_sample(f"Ticket {n}") for n in range(6)])
    wanted = ZendeskSettings(url=box.url(), sign_in=box.sign_in(), page_size=page_size)
    reader, seen, cursor = ZendeskConnector("here", Straight(box), wanted), {}, LONG_AGO  # type: ignore[arg-type]

    for kind, number, value in [*steps, ("wait", 120, None), ("poll", None, None)]:
        if kind == "set":
            box.people(Deed(kind="set", key=keys[number], fields={"priority": value}))
        elif kind == "system":
            box.desk.system_change(int(keys[number]), tags=[value])
        elif kind == "wait":
            clock.advance(timedelta(seconds=number))
        else:
            pages = read(reader, cursor)
            cursor = pages[-1].cursor
            seen |= {t.ref.key: t.version for page in pages for t in page.tickets}

    assert seen == {key: reader.fetch(key).version for key in keys}


def test_the_last_minute_is_withheld_and_comes_with_the_next_poll(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    cursor = read(connector, LONG_AGO)[-1].cursor
    rig.people("set", key, priority="urgent")
    rig.later(timedelta(seconds=30))

    assert keys_of(soon := read(connector, cursor)) == []

    rig.later(timedelta(seconds=31))
    assert keys_of(read(connector, soon[-1].cursor)) == [key]


def test_reading_from_this_very_moment_is_not_refused_and_gives_nothing_older(rig: Rig, connector: ZendeskConnector) -> None:
    rig.load(a_sample(age=1.2))
    pages = read(connector, rig.clock.now)
    assert keys_of(pages) == []

    made = rig.sandbox.load([a_sample(age=-0.1)])
    rig.later(timedelta(minutes=3))

    assert keys_of(read(connector, pages[-1].cursor)) == made


def test_a_start_in_the_systems_future_waits_for_it(rig: Rig, connector: ZendeskConnector) -> None:
    with pytest.raises(Transient) as later:
        read(connector, rig.clock.now + timedelta(minutes=5))
    assert later.value.retry_after == 60.0


def test_deleted_tickets_are_told_as_gone(rig: Rig, connector: ZendeskConnector) -> None:
    kept, deleted = rig.load(a_sample(), a_sample())
    rig.people("delete", deleted)
    rig.later(timedelta(minutes=2))

    pages = read(connector, LONG_AGO)

    assert keys_of(pages) == [kept]
    assert [key for page in pages for key in page.gone] == [deleted]


def test_a_system_change_that_leaves_the_stamp_alone_is_another_version(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    cursor, before = read(connector, LONG_AGO)[-1].cursor, connector.fetch(key)
    rig.sandbox.desk.system_change(int(key), tags=["merged"])
    rig.later(timedelta(minutes=2))

    (after,) = [t for page in read(connector, cursor) for t in page.tickets]

    assert after.updated_at == before.updated_at
    assert after.version != before.version
    assert after == connector.fetch(key)


def test_a_version_is_the_same_wherever_it_is_read(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(tags=("b", "a"), product="api"))[0]
    first = connector.fetch(key)
    assert [t.version for page in read(connector, LONG_AGO) for t in page.tickets] == [first.version]

    rig.later()
    updated = connector.update(key, {"priority": Level.HIGH}, version=first.version)
    assert updated.version == connector.fetch(key).version != first.version
    rig.later()
    assert connector.comment(key, "Hello", public=True, mark=MARK).version == connector.fetch(key).version
    made = connector.create(Draft(fields={"subject": "New"}), mark=MARK)
    assert made.version == connector.fetch(str(made.key)).version


def test_a_cursor_that_is_no_longer_known_names_where_to_begin_again(rig: Rig, connector: ZendeskConnector) -> None:
    rig.load(a_sample("Seen", age=60))
    cursor = read(connector, LONG_AGO)[-1].cursor
    missed = rig.sandbox.load([a_sample("Missed", age=5)])
    rig.sandbox.cursors_forgotten = True

    with pytest.raises(CursorExpired) as expired:
        read(connector, cursor)

    assert expired.value.since == START - timedelta(minutes=60)
    assert set(missed) <= set(keys_of(read(connector, expired.value.since)))


@pytest.mark.parametrize("cursor", ["", "17", "2026-99-02 abc", "{}"])
def test_a_cursor_of_another_connector_is_no_cursor(connector: ZendeskConnector, cursor: Any) -> None:
    with pytest.raises(CursorExpired):
        read(connector, cursor)


def test_an_export_that_never_ends_is_noticed(rig: Rig, connector: ZendeskConnector) -> None:
    rig.load(a_sample())
    rig.rewrite({'"end_of_stream":true': '"end_of_stream":false'})

    with pytest.raises(Unreadable, match="does not move on"):
        read(connector, LONG_AGO)


def test_a_spoilt_record_is_parked_alone_and_its_text_is_not_told(rig: Rig, connector: ZendeskConnector) -> None:
    good, bad = rig.load(a_sample("Good"), a_sample("Very private"))
    rig.rewrite({'"subject":"Very private"': '"subject":{"text":"Very private"}'})

    (page,) = read(connector, LONG_AGO)

    assert [t.ref.key for t in page.tickets] == [good]
    assert [s.key for s in page.spoilt] == [bad]
    assert page.spoilt[0].reason.startswith("subject:")
    assert "private" not in page.spoilt[0].reason


def test_ten_exports_a_minute_are_obeyed_with_zendesks_own_waiting_time(rig: Rig, connector: ZendeskConnector) -> None:
    rig.sandbox.export_window.limit = 10
    rig.load(a_sample())
    for _ in range(10):
        read(connector, LONG_AGO)

    with pytest.raises(Transient) as limited:
        read(connector, LONG_AGO)

    assert limited.value.retry_after == 60.0
    rig.later(timedelta(seconds=60))
    assert read(connector, LONG_AGO)


# Writing


class Meddler:
    """A sandbox in which somebody acts between our reading and our writing."""

    def __init__(self, inner: Any, act: Any) -> None:
        self._inner, self._act = inner, act

    def answer(self, request: Request) -> Any:
        if request.method == "PUT" and self._act is not None:
            act, self._act = self._act, None
            act()
        return self._inner.answer(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_tag_that_somebody_adds_between_our_reading_and_writing_survives(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(tags=("mine",)))[0]
    ticket = connector.fetch(key)
    rig.served.sandbox = Meddler(rig.sandbox, lambda: rig.people("set", key, tags=["mine", "yours"]))  # type: ignore[union-attr]

    with pytest.raises(Stale):
        connector.update(key, {"priority": Level.LOW}, version=ticket.version, tags=TagChange(frozenset({"ours"})))

    assert rig.sandbox.shown(key)["tags"] == ["mine", "yours"]
    assert rig.sandbox.shown(key)["priority"] == "normal"


def test_a_tag_that_the_system_added_without_a_stamp_survives(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(tags=("mine",)))[0]
    ticket = connector.fetch(key)
    rig.sandbox.desk.system_change(int(key), tags=["merged", "mine"])

    with pytest.raises(Stale):
        connector.update(key, {}, version=ticket.version, tags=TagChange(frozenset({"ours"})))

    assert rig.sandbox.shown(key)["tags"] == ["merged", "mine"]
    connector.update(key, {}, version=connector.fetch(key).version, tags=TagChange(frozenset({"ours"}), frozenset({"mine"})))
    assert rig.sandbox.shown(key)["tags"] == ["merged", "ours"]


def test_fields_and_tags_go_out_in_one_put(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(tags=("theirs",)))[0]
    ticket = connector.fetch(key)
    asked(rig)

    connector.update(key, {"priority": Level.LOW}, version=ticket.version, tags=TagChange(frozenset({"ours"})))

    assert asked(rig) == [f"GET /api/v2/tickets/{key}.json", f"PUT /api/v2/tickets/{key}.json"]
    assert rig.effects()[-1].detail == {"fields": {"priority": "low", "tags": ["ours", "theirs"]}}


def test_a_closed_ticket_is_final(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(status="closed"))[0]
    ticket = connector.fetch(key)

    with pytest.raises(Rejected, match="closed prevents ticket update"):
        connector.update(key, {"status": Status.OPEN}, version=ticket.version)
    with pytest.raises(Rejected, match="closed prevents ticket update"):
        connector.comment(key, "Hello", public=True, mark=MARK)
    assert rig.effects() == []


def test_two_updates_at_once_are_asked_for_again_where_nothing_was_guarded(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    connector.fetch(key)
    rig.fault("status", method="PUT|POST", status=409, body={"error": "Conflict"}, times=2)

    with pytest.raises(Transient):
        connector.comment(key, "Hello", public=True, mark=MARK)
    with pytest.raises(Transient):
        connector.create(Draft(fields={"subject": "New"}), mark=MARK)


def commented(rig: Rig, key: str) -> int:
    return len(rig.sandbox.shown(key)["comments"])


def replayed(rig: Rig) -> int:
    """The last update that reached Zendesk, once more: a proxy's copy that was held up; the status of its answer."""
    assert rig.served is not None
    rig.later()
    last = next(e.request for e in reversed(rig.served.exchanges) if e.request.method == "PUT")
    return int(rig.sandbox.answer(last).status)


def test_a_late_copy_of_a_comment_is_refused(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    rig.later()
    connector.comment(key, "Once.", public=True, mark=MARK)
    before = commented(rig, key)
    assert (replayed(rig), commented(rig, key)) == (409, before)


def test_a_comment_that_somebody_was_quicker_than_is_sent_again_and_stands_once(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    rig.later()
    meanwhile = Deed(kind="set", key=key, fields={"priority": "urgent"})
    rig.fault("mutate_between_pages", method="GET", path=f"tickets/{key}", deed=meanwhile)
    with pytest.raises(Transient, match="another update was under way"):
        connector.comment(key, "Once.", public=True, mark=MARK)
    before = commented(rig, key)
    connector.comment(key, "Once.", public=True, mark=MARK)
    assert commented(rig, key) == before + 1


def test_a_refused_copy_of_our_own_comment_is_known_as_done(rig: Rig, connector: ZendeskConnector) -> None:
    """The first copy took effect, and what comes back is the refusal of the second."""
    key = rig.load(a_sample())[0]
    rig.later()
    first = connector.comment(key, "Once.", public=True, mark=MARK)
    before = commented(rig, key)
    rig.fault("status", method="PUT", status=409, body={"error": "UpdateConflict"})
    again = connector.comment(key, "Once.", public=True, mark=MARK)
    assert (again.id, commented(rig, key)) == (first.id, before)


def test_only_incidents_can_be_linked_to_a_problem(rig: Rig, connector: ZendeskConnector) -> None:
    """Zendesk itself passes over it without a word, so it is told before anything is sent."""
    question, problem = rig.load(a_sample(type="question"), a_sample(type="problem"))
    with pytest.raises(Rejected, match="type question, and only incidents have a problem here"):
        connector.link(question, "problem", problem)
    incident = rig.load(a_sample(type="incident"))[0]
    with pytest.raises(Rejected, match="that is a ticket of type question, not problem"):
        connector.link(incident, "problem", question)
    assert rig.effects() == []
    assert not connector.linked(question, "problem", problem)


def test_zendesk_that_passes_over_a_problem_after_all_is_not_believed(rig: Rig, connector: ZendeskConnector) -> None:
    """Its type was changed between our look and our write, within one second."""
    incident, problem = rig.load(a_sample(type="incident"), a_sample(type="problem"))
    rig.people("set", incident, priority="high")
    changed = Deed(kind="set", key=incident, fields={"type": "question"})
    rig.fault("mutate_between_pages", method="GET", path=f"tickets/{problem}", deed=changed)
    with pytest.raises(Rejected, match="did not take it, and said nothing"):
        connector.link(incident, "problem", problem)


def test_a_types_word_that_zendesk_lacks_is_refused_with_the_key_to_add(rig: Rig, connector: ZendeskConnector) -> None:
    ticket = connector.fetch(rig.load(a_sample())[0])

    with pytest.raises(Rejected, match=r"words:.*type.*bug"):
        connector.update(ticket.ref.key, {"type": Type.BUG}, version=ticket.version)

    spoken = rig.connector(words={"type": {"task": "bug"}})
    spoken.update(ticket.ref.key, {"type": Type.BUG}, version=ticket.version)
    assert spoken.fetch(ticket.ref.key).type == Type.BUG


def test_an_assignee_is_found_by_address_or_name_and_only_among_agents(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(email="lena.smith@example.com", requester="Lena Smith"))[0]
    for who in ("LENA@example.com", "Lena Vogt"):
        connector.update(key, {"assignee": who}, version=connector.fetch(key).version)
        assert rig.sandbox.shown(key)["assignee"] == "lena@example.com"

    for who in ("nobody@example.com", "lena.smith@example.com", "Lena"):
        with pytest.raises(Rejected, match=who):
            connector.update(key, {"assignee": who}, version=connector.fetch(key).version)


def test_two_agents_of_one_name_are_not_guessed_between(rig: Rig, connector: ZendeskConnector) -> None:
    rig.sandbox.desk.user("lena2@example.com", "Lena Vogt", "agent")
    ticket = connector.fetch(rig.load(a_sample())[0])

    with pytest.raises(Rejected, match="several agents are called 'Lena Vogt'"):
        connector.update(ticket.ref.key, {"assignee": "Lena Vogt"}, version=ticket.version)


def test_a_group_made_after_we_first_looked_is_found(rig: Rig, connector: ZendeskConnector) -> None:
    ticket = connector.fetch(rig.load(a_sample())[0])
    with pytest.raises(Rejected, match="no group called 'night-shift'"):
        connector.update(ticket.ref.key, {"group": "night-shift"}, version=ticket.version)
    rig.sandbox.desk.group("night-shift")

    connector.update(ticket.ref.key, {"group": "Night-Shift"}, version=ticket.version)

    assert rig.sandbox.shown(ticket.ref.key)["group"] == "night-shift"


def test_an_assignment_opens_a_new_ticket_and_says_so(rig: Rig, connector: ZendeskConnector) -> None:
    ticket = connector.fetch(rig.load(a_sample(status="new"))[0])

    receipt = connector.update(ticket.ref.key, {"assignee": "max@example.com"}, version=ticket.version)

    assert receipt.echo == {"assignee": "max@example.com", "status": "open", "group": None}


def test_a_repeated_creation_makes_one_ticket(rig: Rig, connector: ZendeskConnector) -> None:
    draft = Draft(fields={"subject": "Once", "body": "Here."})
    first = connector.create(draft, mark=MARK)

    assert connector.create(draft, mark=MARK).key == first.key
    assert [e.kind for e in rig.effects()] == ["create"]

    rig.later(timedelta(hours=2))  # Zendesk has forgotten the key, but not the ticket
    found = connector.applied_create(MARK)
    assert found is not None
    assert found.key == first.key


def test_a_ticket_is_made_for_its_requester_with_what_only_zendesk_knows(rig: Rig, connector: ZendeskConnector) -> None:
    rig.load(a_sample(email="ana@example.com"))
    own = {"brand_id": "360000000902", "360000000103": "PAY-402"}
    for email in ("ana@example.com", "new.customer@example.com"):
        receipt = connector.create(Draft(fields={"subject": "For you", "requester": email}, own=own), mark=email.ljust(32, "0")[:32])
        assert rig.sandbox.shown(str(receipt.key))["requester"] == email
    with pytest.raises(Rejected, match="issue_type"):
        connector.create(Draft(fields={"subject": "No"}, own={"issue_type": "Bug"}), mark=MARK)


def test_a_mark_is_found_behind_a_hundred_updates(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    rig.fault("apply_then_drop", method="PUT")
    with pytest.raises(InDoubt):
        connector.comment(key, "Hello", public=False, mark=MARK)
    for n in range(120):
        rig.people("note", key, f"Note {n}.")

    found = connector.applied_comment(key, "Hello", public=False, mark=MARK)

    assert found is not None
    assert found.id == rig.effects()[0].detail["id"]


def test_history_names_groups_and_people_and_knows_our_own_changes(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample(group="triage", assignee="lena@example.com", status="open"))[0]
    connector.update(key, {"group": "platform"}, version=connector.fetch(key).version)
    rig.later()
    rig.people("set", key, assignee="max@example.com", tags=["vip"])

    changes = {c.field: c for c in connector.history(key)}

    assert (changes["group"].before, changes["group"].after, changes["group"].ours) == ("triage", "platform", True)
    assert (changes["assignee"].before, changes["assignee"].after) == ("lena@example.com", "max@example.com")
    assert (changes["tags"].after, changes["tags"].by, changes["tags"].ours) == (frozenset({"vip"}), "lena@example.com", False)


def test_the_description_is_no_comment(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]

    assert connector.comments(key) == ()
    assert connector.fetch(key).body == "It has failed since this morning."


@pytest.mark.parametrize("key", ["", "abc", "../users/me", "1?x", "-1", "1.5", "٣"])
def test_a_key_that_is_no_number_never_reaches_a_path(rig: Rig, connector: ZendeskConnector, key: str) -> None:
    asked(rig)
    with pytest.raises(Exception, match="is not the number of a Zendesk ticket"):
        connector.fetch(key)
    assert asked(rig) == []


# Signing in and limits


@pytest.mark.parametrize("sign_in", [{"oauth_token": OAUTH_TOKEN}, {"email": EMAIL, "token": API_TOKEN}], ids=["bearer", "API token"])
def test_every_way_of_signing_in_works_and_a_wrong_secret_does_not(rig: Rig, sign_in: dict[str, str]) -> None:
    key = rig.load(a_sample())[0]
    assert EMAIL in rig.connector(sign_in=sign_in).check_sign_in()
    assert rig.connector(sign_in=sign_in).fetch(key).ref.key == key

    stranger = rig.connector(sign_in={**sign_in, list(sign_in)[-1]: "wrong-secret"})
    for ask in (stranger.check_sign_in, lambda: stranger.fetch(key)):
        with pytest.raises(Unauthorized) as refused:
            ask()
        assert "wrong-secret" not in f"{refused.value!r} {stranger!r} {vars(stranger)}"


def test_a_token_that_ran_out_is_renewed_once_and_the_write_goes_out_once(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    version = connector.fetch(key).version
    rig.sandbox.expire_tokens()
    asked(rig)

    connector.update(key, {"priority": "urgent"}, version=version)

    put = f"PUT /api/v2/tickets/{key}.json"
    assert asked(rig) == [put, "POST /oauth/tokens", put]
    assert [e.kind for e in rig.effects()] == ["update"]


def test_a_token_that_stays_refused_is_not_asked_for_again_and_again(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    connector.fetch(key)
    asked(rig)
    rig.fault("status", path="/api/v2/", status=401, body={"error": "invalid_token"}, times=99)

    with pytest.raises(Unauthorized):
        connector.fetch(key)

    assert asked(rig).count("POST /oauth/tokens") == 1


@pytest.mark.parametrize(
    "given", [{}, {"client_id": "x"}, {"oauth_token": "s3cret", "email": "y"}, {"email": "x", "client_secret": "s3cret"}], ids=str
)
def test_a_half_sign_in_is_refused_with_the_ways_there_are(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"client_id and client_secret .*, or oauth_token, or email and token") as refused:
        ZendeskSettings(url="https://acme.zendesk.com", sign_in=given)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("url", ["acme", "http://acme.zendesk.com", "https://acme.zendesk.com/agent", "https://localhost"])
def test_an_address_that_is_no_account_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"https://acme\.zendesk\.com"):
        ZendeskSettings(url=url, sign_in={"oauth_token": "x"})


def test_a_secret_is_in_no_text(rig: Rig) -> None:
    wanted = ZendeskSettings(**rig.settings())
    assert rig.sandbox.sign_in()["client_secret"] not in f"{wanted!r} {wanted!s} {wanted.model_dump()} {wanted.model_dump_json()}"


@pytest.mark.parametrize(("said", "meant"), [("1.5", 1.5), ("30", 30.0), ("-3", 0.0), ("soon", None), ("nan", None), ("86400", 3600.0)])
def test_a_limit_is_told_at_once_and_never_slept_through(rig: Rig, connector: ZendeskConnector, said: str, meant: float | None) -> None:
    key = rig.load(a_sample())[0]
    connector.fetch(key)
    rig.fault("status", status=429, headers={"Retry-After": said}, body=b"Too many requests", times=9)

    rig.served.exchanges.clear()  # type: ignore[union-attr]
    for ask in (
        lambda: connector.fetch(key),
        lambda: read(connector, LONG_AGO),
        lambda: connector.comment(key, "x", public=True, mark=MARK),
    ):
        with pytest.raises(Transient) as limited:
            ask()
        assert limited.value.retry_after == meant

    assert len(rig.served.exchanges) == 3, "each was asked once"  # type: ignore[union-attr]
    assert rig.effects() == []


def test_a_limit_with_a_date_is_reckoned_from_the_answers_own(rig: Rig, connector: ZendeskConnector) -> None:
    key = rig.load(a_sample())[0]
    until = format_datetime(rig.clock() + timedelta(seconds=90), usegmt=True)
    rig.fault("status", status=429, headers={"Retry-After": until})

    with pytest.raises(Transient) as limited:
        connector.fetch(key)

    assert limited.value.retry_after == pytest.approx(90, abs=5)


@pytest.mark.parametrize("status", [300, 304])
def test_a_status_that_zendesk_does_not_document_is_no_answer(rig: Rig, connector: ZendeskConnector, status: int) -> None:
    key = rig.load(a_sample())[0]
    connector.fetch(key)
    rig.fault("status", status=status)

    with pytest.raises(Unreadable):
        connector.fetch(key)


# Reading records, without a wire


def the_ticket(answer: dict[str, Any], *custom: Custom) -> Ticket:
    own = [custom_row(c) for c in custom]
    table = declared((*[f for f in TABLE if f.name not in {row.name for row in own}], *own), {})
    return ticket_reader("zendesk-eu", table, "https://acme.zendesk.com")(answer["ticket"], Beside(answer))


def a_record(**changed: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((CASSETTES / "record.json").read_text())
    return {**answer, "ticket": {**answer["ticket"], **changed}}


def test_the_record_is_read_as_expected() -> None:
    custom = (Custom("product", "360000000101", "choice"), Custom("language", "360000000102", "choice"))
    expected = door.ticket(orjson.loads((CASSETTES / "expected.json").read_bytes()))

    assert the_ticket(a_record(), *custom) == expected


def test_a_null_is_nothing_and_a_missing_subject_is_empty() -> None:
    ticket = the_ticket(a_record(subject=None, priority=None, type=None, assignee_id=None, group_id=None, due_at=None, description=None))

    assert (ticket.subject, ticket.priority, ticket.type, ticket.assignee, ticket.group, ticket.due_at) == (
        "",
        None,
        None,
        None,
        None,
        None,
    )
    assert ticket.unread == {}


def test_words_that_nobody_declared_are_named_and_not_guessed() -> None:
    ticket = the_ticket(a_record(status="parked", priority="P0", via={"channel": "sample_ticket"}, group_id=77))

    assert (ticket.status, ticket.priority, ticket.channel, ticket.group) == (None, None, None, None)
    assert ticket.unread == {"status": "parked", "priority": "P0", "channel": "sample_ticket", "group": "77"}


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        ("text", "x", "x"),
        ("choice", "gold", "gold"),
        ("set", ["a", "b"], frozenset({"a", "b"})),
        ("number", "12.5", 12.5),
        ("number", 7, 7),
        ("time", "2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("boolean", True, True),
        ("boolean", False, False),
        ("text", None, None),
    ],
)
def test_an_own_field_is_read_as_its_type(kind: Any, theirs: Any, ours: Any) -> None:
    record = a_record(custom_fields=[{"id": 1, "value": "other"}, {"id": 2, "value": theirs}])

    assert the_ticket(record, Custom("own", "2", kind)).custom.get("own") == ours


def test_an_own_field_may_be_a_key_of_the_ticket() -> None:
    assert the_ticket(a_record(brand_id=5), Custom("brand", "brand_id", "number")).custom == {"brand": 5}


@pytest.mark.parametrize("email", ["mailer-daemon@x.org", "MAILER-DAEMON@x.org", "no-reply@x.org", "noreply+1@x.org", "do_not_reply@x.org"])
def test_addresses_that_nobody_reads_are_robots(email: str) -> None:
    assert is_robot(email)


@pytest.mark.parametrize("email", ["ana@x.org", "noreplyman@x.org", "bouncer@x.org", "postmasters.club@x.org", None, ""])
def test_people_are_no_robots(email: str | None) -> None:
    assert not is_robot(email)


@pytest.mark.parametrize(
    ("user", "way", "role"),
    [
        ({"role": "end-user"}, "email", Role.CUSTOMER),
        ({"role": "agent"}, "web", Role.AGENT),
        ({"role": "admin"}, "api", Role.AGENT),
        ({"role": "admin"}, "rule", Role.BOT),
        ({"role": "end-user", "email": "mailer-daemon@example.org"}, "email", Role.BOT),
        (None, "web", Role.CUSTOMER),
    ],
)
def test_a_comments_role_is_that_of_its_author_and_a_bot_only_where_certain(user: Any, way: str, role: Role) -> None:
    beside = Beside({"users": [{"id": 5, "name": "X", **user}] if user else []})
    record = {"id": 1, "created_at": "2026-03-02T08:00:00Z", "body": "x", "public": True, "author_id": 5, "via": {"channel": way}}

    assert comment_of(record, beside).role == role


def test_the_abilities_are_known_without_zenpy() -> None:
    looked = "import sys, connectors.zendesk.connector; print(sorted({'zenpy', 'requests', 'httpx', 'urllib3'} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert said.stdout.strip() == "[]"


# The sandbox itself


def ask(box: ZendeskSandbox, method: str, path: str, body: Any = None, **query: str) -> Any:
    sent = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {OAUTH_TOKEN}"}
    return box.answer(Request(method=method, path=f"/api/v2/{path}.json", query=query, headers=headers, body=sent))


@pytest.fixture
def box() -> ZendeskSandbox:
    made = ZendeskSandbox(Clock())
    made.load([a_sample(tags=("a",))])
    return made


def test_the_sandbox_finds_nothing_newer_than_a_minute(box: ZendeskSandbox) -> None:
    ask(box, "POST", "tickets", {"ticket": {"subject": "Brand new", "comment": {"body": "x"}}})
    assert ask(box, "GET", "search", query="type:ticket new").body["count"] == 0

    box.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]

    assert ask(box, "GET", "search", query="type:ticket new").body["results"][0]["subject"] == "Brand new"


def test_the_sandboxs_tag_endpoints_set_add_and_remove(box: ZendeskSandbox) -> None:
    assert ask(box, "PUT", "tickets/1/tags", {"tags": ["B c"]}).body == {"tags": ["a", "b", "c"]}
    assert ask(box, "DELETE", "tickets/1/tags", {"tags": ["a"]}).status == 204
    assert ask(box, "POST", "tickets/1/tags", {"tags": ["z"]}).body == {"tags": ["z"]}
    assert ask(box, "PUT", "tickets/1/tags", {"tags": ["q"], "safe_update": True, "updated_stamp": "2020-01-01T00:00:00Z"}).status == 409


def test_the_sandbox_refuses_as_zendesk_does(box: ZendeskSandbox) -> None:
    recent = str(int(START.timestamp()) - 30)
    assert ask(box, "GET", "incremental/tickets/cursor", start_time=recent).status == 422
    assert ask(box, "GET", "incremental/tickets/cursor", cursor="%%%").status == 400
    assert ask(box, "PUT", "tickets/1", {"ticket": {"status": "Open"}}).status == 422
    assert ask(box, "PUT", "tickets/1", {"ticket": {"group_id": 1}}).body["error"] == "RecordInvalid"
    assert ask(box, "POST", "tickets", {"ticket": {"subject": "no text"}}).status == 422
    assert ask(box, "PUT", "tickets/1", {"ticket": {"statuss": "open"}}).headers["x-zendesk-api-warn"]
    assert ask(box, "PUT", "tickets/1", ["nonsense"]).status == 400
    assert ask(box, "GET", "no/such/thing").body == {"error": "RecordNotFound", "description": "Not found"}


def test_a_customers_reply_opens_what_was_solved_and_follows_up_what_was_closed(rig: Rig) -> None:
    solved, closed = rig.load(a_sample(status="resolved"), a_sample(status="closed"))

    assert rig.people("reply", solved, "Not yet!", by="customer") == solved
    assert rig.sandbox.shown(solved)["status"] == "open"
    follow_up = rig.people("reply", closed, "Again!", by="customer")
    assert follow_up not in (solved, closed)
    assert rig.sandbox.shown(closed)["status"] == "closed"


def test_a_follow_up_says_which_closed_ticket_it_follows(rig: Rig, connector: ZendeskConnector) -> None:
    (closed, solved) = rig.load(a_sample(status="closed"), a_sample(status="resolved"))
    by_mail = rig.people("reply", closed, "Again!", by="customer")
    made = {"ticket": {"via_followup_source_id": int(closed), "comment": {"body": "Once more."}}}
    by_api = str(ask(rig.sandbox, "POST", "tickets", made).body["ticket"]["id"])
    no_follow_up = {"ticket": {"via_followup_source_id": int(solved), "comment": {"body": "It is only solved."}}}
    other = str(ask(rig.sandbox, "POST", "tickets", no_follow_up).body["ticket"]["id"])

    rig.clock.advance(timedelta(minutes=10))
    expected = {closed: None, solved: None, by_mail: closed, by_api: closed, other: None}
    pages = [ticket for page in connector.changed(LONG_AGO) for ticket in page.tickets]
    assert {ticket.ref.key: ticket.split_from for ticket in pages} == expected
    assert {key: connector.fetch(key).split_from for key in expected} == expected


@pytest.mark.parametrize(
    "source",
    [
        None,
        {},
        {"rel": "follow_up"},
        {"rel": "follow_up", "from": {}},
        {"rel": "merge", "from": {"ticket_id": 3}},
        {"from": {"ticket_id": 3}},
    ],
)
def test_what_names_a_ticket_in_another_way_is_no_follow_up(rig: Rig, connector: ZendeskConnector, source: Any) -> None:
    (key,) = rig.load(a_sample())
    rig.sandbox.desk.tickets[int(key)]["via"] = {"channel": "web", "source": source}
    assert connector.fetch(key).split_from is None
    assert [ticket.split_from for page in connector.changed(LONG_AGO) for ticket in page.tickets] == [None]
