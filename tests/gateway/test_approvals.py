"""Approvals: a question stays open until one answer or its end, survives new rules and kills, and what waited for it is done once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.assemble import Gateway
from gateway.questions import Questions, refusal, settled_already
from gateway.store import approvals, audits, inbox
from gateway.store.approvals import Question, State
from tests.gateway.memory_desk import Office, a_bundle, an_office

RULES = """
version: 1
rules:
  - id: vault
    when: created
    then:
      - approval:
          ask: leads
          within: 2h
          question: May {{ ticket.ref }} be opened?
          approved: [{ assign: { group: vault } }, { reply: { text: "It was opened by {{ approval.by }}." } }]
          denied: [{ note: { text: "Denied by {{ approval.by }}: {{ approval.comment }}" } }]
          no_answer: [{ notify: { to: leads, text: "Nobody answered." } }]
    limits: { per_ticket: 1 }
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, RULES) as office:
        office.round()
        yield office


def asked(office: Office) -> Question:
    with office.gateway.store.reading() as db:
        (one,) = approvals.all_of(db, only_open=False)
    return one


def answer(gateway: Gateway, one: Question, state: State, office: Office, comment: str | None = None) -> bool:
    with gateway.store.writing() as db:
        done = approvals.answered(db, one.id, state, office.hands.now, by="ana@example.com", comment=comment)
        inbox.put_refs(db, [one.ref], office.hands.now, "approval")
    return done


def test_a_question_is_asked_once_and_waits(office: Office) -> None:
    office.customer_writes()
    office.round()
    office.round()
    assert asked(office).state is State.OPEN
    (said,) = office.notified()
    assert said["text"].startswith("May desk:M-1 be opened?\n")
    assert f"ticketgate approvals approve {asked(office).id}" in said["text"]
    assert office.effects() == []


def test_what_waited_for_a_yes_is_done_once(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    assert answer(office.gateway, asked(office), State.APPROVED, office)
    office.round()
    office.round()
    assert office.shown(ref)["group"] == "vault"
    assert [e.kind for e in office.effects()] == ["update", "reply"]
    assert asked(office).handled


def test_a_no_says_who_and_why(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    answer(office.gateway, asked(office), State.DENIED, office, "not without the contract")
    office.round()
    texts = [comment["text"] for comment in office.shown(ref)["comments"]]
    assert "Denied by ana@example.com: not without the contract" in texts


def test_an_answer_comes_once(office: Office) -> None:
    office.customer_writes()
    office.round()
    assert answer(office.gateway, asked(office), State.APPROVED, office)
    assert not answer(office.gateway, asked(office), State.DENIED, office)
    assert "was approved already, by ana@example.com" in settled_already(asked(office))


def test_nobody_answering_in_time_is_an_answer_of_its_own(office: Office) -> None:
    office.customer_writes()
    office.round()
    office.round(2 * 3600 - 60)
    assert asked(office).state is State.OPEN
    office.round(60)
    office.round()
    assert asked(office).state is State.NO_ANSWER
    assert [one["text"] for one in office.notified()][1:] == ["Nobody answered."]
    assert not answer(office.gateway, asked(office), State.APPROVED, office), "too late"
    assert "the time for approval" in settled_already(asked(office))


def test_an_answer_a_moment_too_late_is_refused_before_anybody_noticed(office: Office) -> None:
    office.customer_writes()
    office.round()
    office.hands.now = asked(office).due_at
    assert not answer(office.gateway, asked(office), State.APPROVED, office)


def test_new_rules_that_still_ask_keep_the_question(office: Office) -> None:
    ref = office.customer_writes()
    office.round()
    changed = a_bundle(RULES.replace("group: vault", "group: safe").replace("    then:\n", '    then:\n      - note: { text: "New" }\n'))
    assert Questions(office.gateway.house).keep_asked(changed) == 0
    from gateway.rulebook import Rulebook

    office.gateway.cycle.book = Rulebook(changed)
    answer(office.gateway, asked(office), State.APPROVED, office)
    office.round()
    assert office.shown(ref)["group"] == "safe", "the answer does what the rules say when it comes"


@pytest.mark.parametrize(
    "rules", [RULES.replace("id: vault", "id: other"), RULES.replace("when: created", "mode: disabled\n    when: created")]
)
def test_new_rules_that_do_not_ask_end_the_question_with_a_note(office: Office, rules: str) -> None:
    office.customer_writes()
    office.round()
    assert Questions(office.gateway.house).keep_asked(a_bundle(rules)) == 1
    assert asked(office).state is State.ENDED
    with office.gateway.store.reading() as db:
        _, _, what, detail = audits.newest(db, 1)[0]
    assert (what, asked(office).id in detail) == ("approval ended", True)
    assert not answer(office.gateway, asked(office), State.APPROVED, office)


def test_a_new_start_with_other_rules_ends_the_question(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        office.customer_writes()
        office.round()
        hands, systems = office.hands, office.systems
    with an_office(tmp_path, RULES.replace("id: vault", "id: other"), hands=hands, systems=systems) as office:
        office.round()
        assert asked(office).state is State.ENDED


def test_a_ticket_that_is_gone_asks_nobody(office: Office) -> None:
    from gateway.store import tickets

    ref = office.customer_writes()
    office.round()
    with office.gateway.store.writing() as db:
        tickets.gone(db, ref, office.hands.now)
    assert asked(office).state is State.ENDED


POINTS = [f"{p}:{n}" for p in ("before-send", "after-send", "before-commit", "after-commit") for n in (1, 2)]


@pytest.mark.parametrize("point", ["before-intend:1", "after-intend:1", *POINTS, "before-saw:1", "after-saw:1"])
@pytest.mark.parametrize("when", ["asking", "answering"])
def test_a_death_anywhere_asks_once_and_does_once_what_waited(tmp_path: Path, point: str, when: str) -> None:
    class Died(BaseException):
        pass

    name, _, nth = point.partition(":")
    left = [0]

    def points(at: str) -> None:
        if at == name and left[0]:
            left[0] -= 1
            if not left[0]:
                raise Died

    with an_office(tmp_path, RULES, points=points) as office:
        office.round()
        ref = office.customer_writes()
        if when == "answering":
            office.round()
            answer(office.gateway, asked(office), State.APPROVED, office)
        left[0] = int(nth)
        with pytest.raises(Died):
            office.round()
        hands, systems = office.hands, office.systems
    with an_office(tmp_path, RULES, hands=hands, systems=systems) as office:
        office.round()
        if when == "asking":
            assert answer(office.gateway, asked(office), State.APPROVED, office)
        office.round()
        office.round()
        assert [e.kind for e in office.effects()] == ["update", "reply"]
        assert office.shown(ref)["group"] == "vault"
        assert len(office.notified()) <= 1
        assert asked(office).handled


def test_only_those_who_were_asked_may_answer(office: Office) -> None:
    office.customer_writes()
    office.round()
    one = asked(office)
    assert refusal(one, "Ana@Example.com", ("ana@example.com",)) is None
    assert "'eve' was not asked; ana@example.com may answer" in str(refusal(one, "eve", ("ana@example.com",)))
    assert refusal(one, "anybody", ()) is None, "a channel that names no members"
    assert "leads may answer" in str(refusal(one, "eve", None)), "the person who was asked by address"
