"""`test --record`: a real ticket becomes a test that passes; what is personal does not get into the file, what rules look for does."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox import Deed, Sample
from gateway.clock import now
from gateway.disguise import Disguise
from gateway.recording import recorded
from rules.engine import evaluate
from rules.observation import Event, Kind, Observation
from rules.pii import KINDS, Wanted, found
from rules.ticket import Change, Comment, Level, Person, Role, Status
from tests.builders import NOW, a_ticket
from tests.gateway.memory_desk import a_bundle
from tests.gateway.program import Desk, Program

BODY = (
    "Hello, I am Zoltan Quintero. My card 4539 1488 0343 6467 and IBAN GB82 WEST 1234 5698 7654 32 were charged twice, "
    "order 7788990. Call +44 20 7946 0958 or write to zoltan@quintero.example. https://shop.example/r?token=s3cret from 203.0.113.77. "
    "Regards, Zoltan"
)
SECRETS = ("zoltan", "quintero", "4539", "west", "7788990", "7946", "s3cret", "203.0.113", "lena vogt")
RULES = """version: 1
rules:
  - id: contain
    when: [created, customer_replied]
    if: { text: { contains_pii: [payment_card] } }
    then: [{ tag: { add: [cards] } }, { note: { text: "A card." } }]
  - id: orders
    when: [created, customer_replied]
    if: { text: { contains: order } }
    then: [{ assign: { group: orders } }]
  - id: silent
    when: { waiting: { status: pending } }
    stages: [{ after: 3d, then: [{ reply: { text: "Still there?" } }] }]
"""


@pytest.fixture
def run(program: Program, desk: Desk) -> Desk:
    desk.write("rules/10-all.yaml", RULES)
    desk.folder.joinpath("tests/all.test.yaml").unlink()
    program("-C", desk, "run", "--once")
    who = {"requester": "Zoltan Quintero", "email": "zoltan@quintero.example"}
    sample = Sample(subject="Charged twice, says Zoltan", body=BODY, created_at=now(), **who)
    desk.system().people(Deed(kind="create", by="customer", sample=sample))
    program("-C", desk, "run", "--once")
    return desk


def test_the_written_test_passes_and_holds_nothing_personal(program: Program, run: Desk) -> None:
    done = program("-C", run, "test", "--record", "desk:M-1")
    assert done.code == 0, done.all
    path = run.folder / "tests/recorded/desk-m-1.test.yaml"
    assert str(path) in done.out
    assert "Fired then" not in done.err
    text = path.read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in text.casefold()]
    assert "fired: [contain, orders]" in text
    assert "group: orders" in text
    again = program("-C", run, "test")
    assert (again.code, "1 passed" in again.out) == (0, True)


def test_a_second_recording_and_a_name_of_ones_own(program: Program, run: Desk, tmp_path: Path) -> None:
    for _ in range(2):
        assert program("-C", run, "test", "--record", "desk:M-1").code == 0
    assert (run.folder / "tests/recorded/desk-m-1-1.test.yaml").exists()
    own = run.folder / "tests/mine.test.yaml"
    assert program("-C", run, "test", "--record", "desk:M-1", own).code == 0
    before = own.read_bytes()
    assert program("-C", run, "test", "--record", "desk:M-1", own).code == 2
    assert own.read_bytes() == before


def test_a_ticket_of_which_no_look_is_recorded_is_read_from_its_system(program: Program, desk: Desk) -> None:
    desk.tickets(1, type="incident")
    assert program("-C", desk, "test", "--record", "desk:M-1").code == 0
    text = (desk.folder / "tests/recorded/desk-m-1.test.yaml").read_text(encoding="utf-8")
    assert "event: created" in text
    assert "fired: [route, acknowledge]" in text


def test_what_fired_then_and_would_not_now_is_said(program: Program, run: Desk) -> None:
    run.swap("rules/10-all.yaml", "contains: order", "contains: refund")
    done = program("-C", run, "test", "--record", "desk:M-1")
    assert (done.code, "Fired then and not in the test: orders" in done.err) == (0, True)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["desk:M-99"], 2, "has no ticket M-99"),
        (["nothing"], 2, "write connection:key"),
        (["nope:1"], 8, "no connection called 'nope'"),
        (["desk:M-1", "a.yaml"], 2, "ends in .test.yaml"),
        (["desk:M-1", "a.test.yaml", "b.test.yaml"], 2, "writes one file"),
        (["desk:M-1", "--watch"], 2, "--record writes a test"),
    ],
)
def test_what_cannot_be_recorded(program: Program, run: Desk, args: list[str], code: int, says: str) -> None:
    done = program("-C", run, "test", "--record", *args)
    assert (done.code, says in done.err) == (code, True), done.all
    assert not (run.folder / "tests/recorded").exists()


def test_a_ladder_is_recorded_with_the_history_that_its_clock_runs_from() -> None:
    bundle = a_bundle(RULES)
    changes = (Change(field="status", before="open", after="pending", at=NOW - timedelta(days=3, hours=1)),)
    ticket = a_ticket("desk:7", status=Status.PENDING, created_at=NOW - timedelta(days=9), assignee=Person(name="Lena Vogt"))
    seen = Observation(ticket=ticket, now=NOW, changes=changes)
    plan = evaluate(seen, bundle)
    assert [f.stage for f in plan.fired] == ["after 3d"]
    made = recorded("a ladder", seen, bundle, (), frozenset({"silent"}))
    assert (made.outcome.passed, made.missing, made.beyond) == (True, frozenset(), frozenset())
    assert "fired: [silent after 3d]" in made.text
    assert "Lena" not in made.text


def test_a_reply_is_recorded_with_its_comment_and_those_before() -> None:
    bundle = a_bundle(RULES)
    first = Comment(id="1", at=NOW - timedelta(hours=2), text="It is Zoltan's order", public=True, role=Role.CUSTOMER)
    second = Comment(id="2", at=NOW, text=f"Card 4539 1488 0343 6467, Zoltan {'x' * 30_000}", public=True, role=Role.CUSTOMER)
    seen = Observation(
        ticket=a_ticket("desk:7", priority=Level.HIGH, requester=Person(name="Zoltan Quintero")),
        now=NOW,
        comments=(first, second),
        events=(Event(kind=Kind.COMMENTED, at=NOW, comment=second), Event(kind=Kind.CUSTOMER_REPLIED, at=NOW, comment=second)),
    )
    made = recorded("a reply", seen, bundle, (), frozenset({"contain"}))
    assert made.outcome.passed, made.outcome.message
    assert made.missing == frozenset()
    assert "event: customer_replied" in made.text
    assert not re.search("zoltan|4539", made.text, re.IGNORECASE)


# --- the disguise ----------------------------------------------------------------------------------------------------


def test_the_same_value_has_the_same_stand_in_everywhere() -> None:
    disguise = Disguise(())
    disguise.meet(a_ticket(requester=Person(name="Ana Lima", email="ana@lima.example")), ())
    text = disguise.text("ana lima <ANA@lima.example> said: Ana's order 778899, again 778899; her card is 4539148803436467")
    assert disguise.email("ana@lima.example") in text
    assert text.count(disguise.name("Ana Lima")) == 2
    number = re.findall(r"order (\d{6}), again (\d{6})", text)
    assert number
    assert number[0][0] == number[0][1] != "778899"


def test_what_the_desk_itself_says_stays() -> None:
    disguise = Disguise(["values: [Northwind, 48213]"])
    assert disguise.company("Northwind") == "Northwind"
    assert disguise.company("Quintero Ltd") == "Company A"
    assert disguise.text("error 48213, Quintero Ltd") == "error 48213, Company A"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("payment_card", "4539 1488 0343 6467"),
        ("iban", "GB82 WEST 1234 5698 7654 32"),
        ("national_id", "44051401359"),
        ("email", "zoltan@quintero.example"),
        ("phone", "+44 20 7946 0958"),
    ],
)
def test_a_stand_in_is_of_the_same_kind(kind: str, value: str) -> None:
    said = Disguise(()).text(f"it is {value} here")
    assert value not in said
    kinds = [one.kind for one in found(said, Wanted(frozenset({kind})))]
    assert kinds == [kind], said


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["Zoltan", "4539148803436467", "order", "zoltan@quintero.example", "778899", "+44 20 7946 0958", "DE", "7"])),
    st.sampled_from([" ", ", ", "\n", " - "]),
)
def test_no_secret_survives_in_any_order(words: list[str], between: str) -> None:
    disguise = Disguise(())
    disguise.meet(a_ticket(requester=Person(name="Zoltan Quintero")), ())
    said: Any = disguise.text(between.join(words))
    assert not re.search("zoltan|quintero|4539148803436467|778899|7946", said, re.IGNORECASE)
    if "payment_card" in [f.kind for f in found(between.join(words), Wanted(frozenset(KINDS)))]:
        assert found(said, Wanted(frozenset({"payment_card"})))
