"""Records that are not as documented: one of them, wrong in any one place, harms neither its page nor anybody else's ticket."""

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.errors import Unreadable
from connectors.sandbox import Answer, Request
from gateway.sandbox.faults import encoded
from gateway.store import connections, parked
from rules.ticket import Level, Ticket, replace
from tests.contract import LONG_AGO
from tests.over import NAME, Over, a_gateway
from tests.rigs import HIGH, ROWS_OVER_HTTP, Rig, a_sample, read, some_samples

LISTS = {"jira": "issues", "servicenow": "result", "zendesk": "tickets", "salesforce": "records"}
"""Where the records of a page stand."""
NAMED = {"jira": "key", "servicenow": "sys_id", "zendesk": "id", "salesforce": "Id"}
PLACES = {
    "jira": {("key",), ("id",), ("fields",), ("fields", "updated")},
    "servicenow": {("sys_id",), ("sys_updated_on",)},
    "zendesk": {("id",), ("generated_timestamp",), ("updated_at",)},
    "salesforce": {("Id",), ("SystemModstamp",)},
}
"""Without which nobody could say where to read on: such a page may be refused whole, and the cursor stays before it."""
CREATED = {
    "jira": ("fields", "created"),
    "servicenow": ("sys_created_on",),
    "zendesk": ("created_at",),
    "salesforce": ("CreatedDate",),
}
ODD: tuple[Any, ...] = (None, "", "Sky-high", 7, -1.5, True, [], ["x"], {}, {"name": None}, {"id": []}, [[]], "0000-00-00 00:00:00", 2**63)
ROUNDS = 100


class Bent:
    """A sandbox of which one record's value is another on its way out. `times` counts how often it was."""

    def __init__(self, inner: Any, row: str, key: str, bend: Callable[[dict[str, Any]], None]) -> None:
        self._inner, self._list, self._name, self._key, self._bend = inner, LISTS[row], NAMED[row], key, bend
        self.times = 0

    def answer(self, request: Request) -> Answer:
        answer = self._inner.answer(request)
        body, headers = encoded(answer)
        told = orjson.loads(body) if body[:1] == b"{" else {}
        records = told.get(self._list) if isinstance(told, dict) else None
        for record in records if isinstance(records, list) else []:
            if str(record.get(self._name)) == self._key:
                with suppress(KeyError, TypeError):  # another answer about it, which has no such place
                    self._bend(record)
                    self.times += 1
        return replace(answer, body=orjson.dumps(told) if records else answer.body and body, headers=headers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture(scope="module", params=ROWS_OVER_HTTP)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Iterator[Over]:
    with a_gateway(rig, tmp_path) as one:
        yield one


def paths(record: Any) -> Iterator[tuple[str, ...]]:
    """Each place of a record, as `("fields", "status", "name")`."""
    for name, value in record.items() if isinstance(record, dict) else ():
        yield (name,)
        yield from ((name, *deeper) for deeper in paths(value))


def bent(record: dict[str, Any], path: tuple[str, ...], value: Any, *, without: bool = False) -> None:
    *way, last = path
    for name in way:
        record = record[name]
    if without:
        del record[last]
    else:
        record[last] = copy.deepcopy(value)


def bend(rig: Rig, key: str, how: Callable[[dict[str, Any]], None]) -> Bent:
    rig.rewritten = True
    assert rig.served is not None
    rig.served.sandbox = made = Bent(rig.sandbox, rig.system, key, how)  # type: ignore[assignment]
    return made


def a_record(rig: Rig, key: str) -> dict[str, Any]:
    """As the page has it."""
    found: list[dict[str, Any]] = []
    bend(rig, key, lambda record: found.append(copy.deepcopy(record)))
    read(rig.connector(), LONG_AGO)
    return found[0]


def told(rig: Rig) -> tuple[dict[str, Ticket], list[str]]:
    pages = read(rig.connector(), LONG_AGO)
    return {t.ref.key: t for page in pages for t in page.tickets}, [s.reason for page in pages for s in page.spoilt]


def test_one_record_that_is_wrong_anywhere_spoils_no_other(rig: Rig) -> None:
    """Fault row F23: any place of a record is missing, null, of another type or an unknown word."""
    odd, *others = rig.load(*some_samples(3, status="open", priority="high", group="platform", assignee="lena@example.com", tags=("vip",)))
    whole, _ = told(rig)
    dice, everywhere = random.Random(23), sorted(paths(a_record(rig, odd)))
    seen: set[str] = set()
    for _ in range(ROUNDS):
        path, value, without = dice.choice(everywhere), dice.choice(ODD), dice.random() < 0.2
        wrong = bend(rig, odd, partial(bent, path=path, value=value, without=without))
        try:
            tickets, spoilt = told(rig)
        except Unreadable:
            assert path in PLACES[rig.system], f"{path}={value!r} cost the whole page"
            continue
        assert wrong.times, f"{path}={value!r} reached nobody"
        assert all(isinstance(key, str) and key for key in tickets), f"{path}={value!r} is a key"
        assert {key: tickets.get(key) for key in others} == {key: whole[key] for key in others}, f"{path}={value!r} spoilt others"
        assert odd in tickets or len(spoilt) == 1 or path in PLACES[rig.system], f"{path}={value!r} lost its ticket without a word"
        seen |= {"read"} if odd in tickets else {"spoilt"}

    assert seen == {"read", "spoilt"}, "the dice never came to either"


def test_a_word_that_nobody_knows_is_named_with_its_field_left_empty(desk: Over) -> None:
    """Fault row F23: and the ticket is stored, with all else that it says, and holds up nobody."""
    rig = desk.rig
    key = rig.load(a_sample(priority="high"))[0]
    desk.round()
    rig.rewrite(dict([HIGH[rig.system]]))
    rig.people("set", key, subject="Another")
    desk.round()

    seen = desk.seen(key)
    assert seen is not None
    assert seen.ticket is not None
    assert (seen.ticket.subject, seen.ticket.priority, seen.ticket.unread) == ("Another", None, {"priority": "Sky-high"})
    with desk.gateway.store.reading() as db:
        assert (connections.standing(db, NAME).state, parked.all_of(db)) == ("ok", [])


def test_a_ticket_that_cannot_be_read_is_parked_and_comes_back_once_it_can(desk: Over) -> None:
    """Fault row F40: its page and the cursor go on, whoever looks is told what is wrong, and mended it is a ticket like any other."""
    rig = desk.rig
    odd, *others = rig.load(*some_samples(3))
    desk.round()
    bend(rig, odd, partial(bent, path=CREATED[rig.system], value="the day before"))
    for key in (odd, *others):
        rig.people("set", key, priority="urgent")
    desk.round()
    with desk.gateway.store.reading() as db:
        cursor, spoilt = connections.standing(db, NAME), parked.all_of(db)
    assert [(p.key, p.kind) for p in spoilt] == [(odd, "unreadable")]
    assert "the day before" not in spoilt[0].reason
    assert cursor.state == "ok"
    assert {key: desk.seen(key).ticket.priority for key in others} == dict.fromkeys(others, Level.URGENT)  # type: ignore[union-attr]

    assert rig.served is not None
    rig.served.sandbox = rig.sandbox
    rig.people("set", odd, subject="Mended")
    desk.round()
    mended = desk.seen(odd)
    assert mended is not None
    assert mended.ticket is not None
    assert (mended.ticket.priority, mended.ticket.subject) == (Level.URGENT, "Mended")
    with desk.gateway.store.reading() as db:
        assert parked.all_of(db) == []


ZONED = {
    "jira": ("2026-03-02T11:00:00.000", "2026-03-02T13:00:00.000+0200"),
    "zendesk": ("2026-03-02T11:00:00", "2026-03-02T13:00:00+02:00"),
    "salesforce": ("2026-03-02T11:00:00.000", "2026-03-02T13:00:00.000+0200"),
    "servicenow": ("2026-03-02 11:00:00", None),
}
"""Eleven by Greenwich without a zone, and with another one; ServiceNow's stamps have none and are UTC, whatever the account is set to."""


BEYOND = {
    "jira": ("0001-01-01T00:30:00.000+1400", "9999-12-31T23:30:00.000-0100", "0001-01-01T00:10:00.000+0530"),
    "zendesk": ("0001-01-01T00:30:00+14:00", "9999-12-31T23:30:00-01:00"),
    "salesforce": ("0001-01-01T00:30:00.000+1400", "9999-12-31T23:30:00.000-0100"),
    "servicenow": ("0000-12-31 23:30:00", "10000-01-01 00:30:00"),
}
"""Moments before the year 1 and after the year 9999 by Greenwich, each as its system would write it."""


def test_a_stamp_beyond_the_calendar_spoils_its_own_ticket_alone(rig: Rig) -> None:
    """Fault row F23: such a stamp is a year like any other until it is reckoned in UTC."""
    odd, *others = rig.load(*some_samples(3))
    for value in BEYOND[rig.system]:
        wrong = bend(rig, odd, partial(bent, path=CREATED[rig.system], value=value))

        tickets, spoilt = told(rig)

        assert wrong.times
        assert ({*tickets}, len(spoilt)) == ({*others}, 1), value


def test_a_stamp_means_one_moment_whatever_zone_it_is_told_in(rig: Rig) -> None:
    """Fault row F37: and where a system whose stamps name their zone leaves it out, nobody guesses, and the other tickets are read."""
    key, other = rig.load(*some_samples(2))
    bare, zoned = ZONED[rig.system]
    bend(rig, key, partial(bent, path=CREATED[rig.system], value=zoned or bare))
    tickets, spoilt = told(rig)
    assert spoilt == []
    assert tickets[key].created_at.isoformat() == "2026-03-02T11:00:00+00:00"

    bend(rig, key, partial(bent, path=CREATED[rig.system], value=bare))
    tickets, spoilt = told(rig)
    assert ({*tickets}, len(spoilt)) == (({other}, 1) if zoned else ({key, other}, 0))
