"""Pages: whoever is on call is called in turn until somebody acknowledges, each turn exactly once whatever dies in between."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.config import FiguresConfig, OnCallConfig
from gateway.on_call import Turn, turns, wrong
from gateway.reports.asking import Desk
from gateway.store import actions, pages
from gateway.store.pages import Paging, State
from rules.plan import Call
from tests.gateway.memory_desk import Office, an_office

RULES = """
version: 1
rules:
  - id: outage
    when: [created, commented]
    then:
      - page: { to: duty, text: "{{ ticket.subject }}" }
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, RULES) as office:
        office.round()
        yield office


def called(office: Office) -> list[str]:
    """Whom the calls reached, in order."""
    at = [(one["at"], one["to"]) for file in ("paged.jsonl", "mailed.jsonl") for one in office.notified(file)]
    return [to for _, to in sorted(at)]


def only_page(office: Office) -> Paging:
    with office.gateway.store.reading() as db:
        (one,) = pages.all_of(db, only_open=False)
    return one


def ring(office: Office, **later: float) -> None:
    office.hands.move(**later)
    office.gateway.pager.ring()


def test_the_chain_is_called_in_turn_until_all_have_been_called_twice(office: Office) -> None:
    office.customer_writes("All down")
    office.round()
    assert called(office) == ["pager"]

    ring(office, minutes=9)
    assert called(office) == ["pager"], "the first is waited for"
    ring(office, minutes=1)
    ring(office, minutes=15)
    ring(office, minutes=10)
    assert called(office) == ["pager", "max@example.com", "pager", "max@example.com"]
    ring(office, minutes=14)
    assert only_page(office).state is State.OPEN
    ring(office, minutes=1)
    assert (only_page(office).state, len(called(office))) == (State.UNANSWERED, 4)


def test_what_a_call_says_names_the_page_and_how_to_acknowledge(office: Office) -> None:
    office.customer_writes("All down")
    office.round()
    (said,) = office.notified("paged.jsonl")
    assert said["text"].startswith("All down\n")
    assert f"ticketgate pages ack {only_page(office).id}" in said["text"]


def test_an_acknowledgement_stops_the_chain(office: Office) -> None:
    office.customer_writes()
    office.round()
    with office.gateway.store.writing() as db:
        assert pages.ended(db, only_page(office).id, State.ACKNOWLEDGED, office.hands.now, by="ana", why="acknowledged")

    ring(office, hours=1)
    assert called(office) == ["pager"]


def test_the_report_on_answers_knows_who_acknowledged(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    opened_at, taken_at = only_page(office).opened_at, office.hands.now
    with office.gateway.store.writing() as db:
        assert pages.answers(db) == {ref: ((opened_at, None),)}
        pages.ended(db, only_page(office).id, State.ACKNOWLEDGED, taken_at, by="ana")
    with office.gateway.store.reading() as db:
        (life,) = Desk(office.gateway.cycle.book.bundle, FiguresConfig()).lives(db)
    assert (life.paged, life.acknowledged_at) == (((opened_at, taken_at),), taken_at)


def test_a_page_that_is_open_is_not_opened_again(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    office.reply(ref, "Hello?")
    office.round()
    assert only_page(office).state is State.OPEN
    assert called(office) == ["pager"]


def test_after_it_ended_the_same_rule_may_page_again(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    with office.gateway.store.writing() as db:
        pages.ended(db, only_page(office).id, State.ACKNOWLEDGED, office.hands.now, by="ana")
    office.reply(ref, "Down again")
    office.round()
    assert called(office) == ["pager", "pager"]


@pytest.mark.parametrize(("what", "why"), [("reply", "an agent replied"), ("resolve", "the ticket was resolved")])
def test_somebody_at_work_ends_the_page(tmp_path: Path, what: str, why: str) -> None:
    with an_office(tmp_path, RULES.replace("[created, commented]", "created")) as office:
        office.round()
        ref = office.customer_writes()
        office.round()
        office.reply(ref, "On it", by="agent") if what == "reply" else office.edit(ref, status="resolved")
        office.round()
        assert (only_page(office).state, only_page(office).why) == (State.ENDED, why)
        ring(office, hours=1)
        assert called(office) == ["pager"]


def test_a_customers_reply_and_an_assignment_end_nothing(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES.replace("[created, commented]", "created")) as office:
        office.round()
        ref = office.customer_writes()
        office.round()
        office.reply(ref, "Hello?")
        office.edit(ref, group="tier-1")
        office.round()
        assert only_page(office).state is State.OPEN


def test_a_ticket_that_is_gone_calls_nobody(office: Office) -> None:
    from gateway.store import tickets

    ref = office.customer_writes()
    office.round()
    with office.gateway.store.writing() as db:
        tickets.gone(db, ref, office.hands.now)
    ring(office, hours=1)
    assert (only_page(office).why, called(office)) == ("the ticket is gone", ["pager"])


def test_a_member_who_cannot_be_reached_is_not_waited_for(office: Office) -> None:
    office.gateway.pager._turns["duty"] = (Turn("nobody-there", timedelta(minutes=10)), Turn("pager", timedelta(minutes=15)))
    office.customer_writes()
    office.round()
    ring(office, seconds=1)
    assert called(office) == ["pager"]
    with office.gateway.store.reading() as db:
        assert [row.state for row in actions.for_person(db)] == ["failed"]


def test_after_an_outage_the_turns_go_on_one_by_one(office: Office) -> None:
    office.customer_writes()
    office.round()
    ring(office, hours=8)
    assert called(office) == ["pager", "max@example.com"], "not the whole chain at once"
    ring(office, minutes=15)
    assert len(called(office)) == 3


def test_two_pagers_take_a_turn_once(office: Office) -> None:
    office.customer_writes()
    office.round()
    with office.gateway.store.writing() as db:
        (one,) = pages.all_of(db)
        assert pages.took_turn(db, one, office.hands.now)
        assert not pages.took_turn(db, one, office.hands.now)


@pytest.mark.parametrize("point", ["after-turn", "before-send", "after-send", "before-commit", "after-commit"])
def test_a_pager_that_dies_anywhere_repeats_no_call_and_loses_no_turn(tmp_path: Path, point: str) -> None:
    class Died(BaseException):
        pass

    armed: list[str] = []

    def points(name: str) -> None:
        if name in armed:
            armed.clear()
            raise Died

    with an_office(tmp_path, RULES, points=points) as office:
        office.round()
        office.customer_writes()
        office.round()
        office.hands.move(minutes=10)
        armed.append(point)
        with pytest.raises(Died):
            office.gateway.pager.ring()
        hands, systems = office.hands, office.systems
    with an_office(tmp_path, RULES, hands=hands, systems=systems) as office:
        office.round()
        for _ in range(3):
            ring(office, minutes=15)
        with office.gateway.store.reading() as db:
            calls = [row for row in actions._rows(db) if isinstance(row.action, Call)]
        turns_made = [row.action.turn for row in calls if isinstance(row.action, Call)]
        assert turns_made == [1, 2, 3, 4], "no turn is lost, none is taken twice"
        keys = [one["key"] for file in ("paged.jsonl", "mailed.jsonl") for one in office.notified(file)]
        assert len(keys) == len(set(keys)), "nobody is called twice in one turn"
        in_doubt = [row for row in calls if row.state == "in_doubt"]
        assert {row.action.key for row in calls} == {*keys, *(row.action.key for row in in_doubt)}


def chains(**names: Any) -> Mapping[str, OnCallConfig]:
    return {name.replace("_", "-"): OnCallConfig.model_validate(one) for name, one in names.items()}


def test_a_chain_in_a_chain_is_walked_to_its_end_and_the_wait_behind_it_begins_with_its_last_call() -> None:
    on_call = chains(
        pager={"url": "log:"},
        team={"chain": [{"to": "pager", "wait": "5m"}, {"to": "a@example.com", "wait": "5m"}], "loops": 2},
        duty={"chain": [{"to": "team", "wait": "30m"}, {"to": "boss@example.com", "wait": "1h"}]},
    )
    five, half = timedelta(minutes=5), timedelta(minutes=30)
    team = [Turn("pager", five), Turn("a@example.com", five), Turn("pager", five), Turn("a@example.com", half)]
    assert turns(on_call, "duty") == (*team, Turn("boss@example.com", timedelta(hours=1)))


def test_an_address_alone_is_called_once_and_stays_open() -> None:
    assert turns(chains(pager={"url": "log:"}), "pager") == (Turn("pager", None),)


@pytest.mark.parametrize(
    ("on_call", "people", "said"),
    [
        (
            chains(a={"chain": [{"to": "b", "wait": "1m"}]}, b={"chain": [{"to": "a", "wait": "1m"}]}),
            True,
            "'a' calls itself by way of 'b'",
        ),
        (chains(a={"chain": [{"to": "a", "wait": "1m"}]}), True, "'a' calls itself by way of 'a'"),
        (chains(a={"chain": [{"to": "gone", "wait": "1m"}]}), True, "there is no on-call name 'gone'"),
        (chains(a={"chain": [{"to": "x@example.com", "wait": "1m"}]}), False, "nobody can call x@example.com"),
        (chains(p={"url": "log:"}, a={"chain": [{"to": "p", "wait": "1m"}] * 5, "loops": 50}), True, "'a' would call 250 times"),
    ],
)
def test_chains_that_cannot_work_are_named(on_call: Mapping[str, OnCallConfig], people: bool, said: str) -> None:
    assert next(wrong(on_call, people=people))[1] == said


def test_a_good_chain_is_no_finding() -> None:
    assert not list(wrong(chains(p={"url": "log:"}, a={"chain": [{"to": "p", "wait": "1m"}]}), people=False))
