"""Files of a pair go to the other side: once each by their content, within limits, never from inside to outside."""

import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from connectors.errors import InDoubt, Transient
from connectors.memory import Failure
from connectors.sandbox import Deed
from gateway.store import actions
from gateway.store.actions import State
from rules.ticket import TicketRef
from tests.gateway.memory_desk import Hands, Office, an_office, settled

SYNC = """
version: 1
rules:
  - id: in-step
    when: [created, updated, commented]
    if: {{ connection: [desk, core], tags: {{ contains: engineering }} }}
    then:
      - sync: {{ with: core, if_missing: create, comments: both_ways, attachments: {files} }}
"""
BOTH = SYNC.format(files="both_ways")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path, BOTH, ("desk", "core")) as office:
        office.round()
        yield office


def a_pair(office: Office) -> tuple[TicketRef, TicketRef]:
    ref = office.customer_writes(tags=("engineering",))
    office.round()
    return ref, TicketRef("core", office.systems["core"].keys()[-1])


def put(office: Office, ref: TicketRef, name: str, content: str = "", **more: object) -> None:
    fields = {"content": content, **more} if content else more
    office.hands.move(seconds=60)
    office.systems[ref.connection].people(Deed(kind="attach", key=ref.key, text=name, by="customer", fields=fields))


def files(office: Office, ref: TicketRef) -> list[tuple[str, str | None]]:
    return [(file["name"], file["sha256"]) for file in office.shown(ref)["files"]]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rounds(office: Office, count: int = 3) -> None:
    for _ in range(count):
        office.round()


def failed(office: Office, ref: TicketRef) -> list[str]:
    with office.gateway.store.reading() as db:
        return [row.reason or "" for row in actions.of_ticket(db, ref) if row.state is State.FAILED]


def test_a_file_goes_to_the_partner_once_and_never_back(pair: Office) -> None:
    ref, partner = a_pair(pair)
    put(pair, ref, "shot.png", "pixels")
    rounds(pair, 4)
    assert files(pair, partner) == [("shot.png", sha("pixels"))]

    put(pair, partner, "fix.txt", "the fix")
    rounds(pair, 4)

    assert [f for f, _ in files(pair, ref)] == ["shot.png", "fix.txt"]
    assert len(pair.effects("desk", "attach")) == len(pair.effects("core", "attach")) == 1
    settled(pair)


def test_what_was_there_before_the_partner_goes_along(tmp_path: Path) -> None:
    with an_office(tmp_path, BOTH, ("desk", "core")) as office:
        office.round()
        ref = office.customer_writes(tags=("engineering",))
        put(office, ref, "first.log", "it burns")
        rounds(office)
        assert files(office, TicketRef("core", office.systems["core"].keys()[0])) == [("first.log", sha("it burns"))]


def test_the_same_content_under_another_name_is_not_sent_again(pair: Office) -> None:
    ref, partner = a_pair(pair)
    put(pair, partner, "theirs.txt", "one and the same")
    put(pair, ref, "ours.txt", "one and the same")
    put(pair, ref, "again.txt", "one and the same")
    rounds(pair, 4)

    assert [f for f, _ in files(pair, ref)] == ["ours.txt", "again.txt"]
    assert [f for f, _ in files(pair, partner)] == ["theirs.txt"]
    settled(pair)


def test_an_internal_file_stays_where_it_is_and_goes_as_internal_where_the_rule_says_all(tmp_path: Path) -> None:
    for only, expected in (("public", []), ("all", [False])):
        folder = tmp_path / only
        folder.mkdir()
        with an_office(folder, SYNC.format(files=f"{{ direction: both_ways, only: {only} }}"), ("desk", "core")) as office:
            office.round()
            ref, _ = a_pair(office)
            put(office, ref, "salaries.xls", "secret", public=False)
            rounds(office)
            assert [e.detail["public"] for e in office.effects("core", "attach")] == expected


@pytest.mark.parametrize(
    ("limits", "file", "said"),
    [
        ("largest: 1 KB", {"zeros": 2000}, "more than the 1 KB of 'largest'"),
        ("types: [image/*, .log]", {"content": "x", "type": "application/x-msdownload"}, "is not among 'types'"),
        ("at_most: 1", {"content": "x"}, "more than the 1 files of 'at_most'"),
        ("largest: 1 MB", {"content": "x", "infected": True}, "malware was found"),
    ],
)
def test_what_is_over_a_limit_is_named_and_the_rest_goes_on(tmp_path: Path, limits: str, file: dict[str, object], said: str) -> None:
    with an_office(tmp_path, SYNC.format(files=f"{{ direction: both_ways, {limits} }}"), ("desk", "core")) as office:
        office.round()
        ref, partner = a_pair(office)
        put(office, ref, "good.log", "good", type="image/png")
        put(office, ref, "bad.exe", **file)  # type: ignore[arg-type]
        office.hands.move(seconds=30)
        notes: list[str] = []
        office.gateway.cycle.on_pass = lambda ticket, plan, outcome: notes.extend(plan.notes)
        plan = office.gateway.cycle.plan(office.connectors["desk"].fetch(ref.key))
        office.reply(ref, "Please see the files.")
        rounds(office)

        assert any(said in note and "bad.exe" in note for note in plan.notes), plan.notes
        assert [f for f, _ in files(office, partner)] == ["good.log"]
        assert [c["text"].splitlines()[-1] for c in office.shown(partner)["comments"]] == ["Please see the files."]
        settled(office)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"vanished": True, "content": "x"}, "is no more"),
        ({"served_as": "text/html", "content": "x", "type": "image/png"}, "a page for people"),
        ({"zeros": 30 * 1024 * 1024, "declared": None}, "more than the 20 MB"),
        ({"zeros": 2048, "declared": 1024}, "instead of the 1 KB declared"),
    ],
)
def test_what_goes_wrong_on_the_way_is_a_refusal_on_the_record_and_the_rest_goes_on(
    pair: Office, wrong: dict[str, object], said: str
) -> None:
    ref, partner = a_pair(pair)
    put(pair, ref, "bad.png", **wrong)  # type: ignore[arg-type]
    put(pair, ref, "good.txt", "good")
    pair.reply(ref, "See the files.")
    rounds(pair)

    assert len(failed(pair, ref)) == 1
    assert said in failed(pair, ref)[0]
    assert [f for f, _ in files(pair, partner)] == ["good.txt"]
    assert len(pair.effects("core", "reply")) == 1
    rounds(pair)
    assert len(failed(pair, ref)) == 1, "a refusal is not repeated"
    settled(pair)


def test_a_file_that_cannot_be_had_now_holds_up_nothing_and_comes_later(pair: Office) -> None:
    ref, partner = a_pair(pair)
    down = [Failure(Transient("desk", "500"), "download") for _ in range(100)]
    pair.connectors["desk"].failures += down
    put(pair, ref, "slow.txt", "slow")
    for number in (1, 2):
        pair.reply(ref, f"Look, {number}.")
        pair.round()
        assert len(pair.effects("core", "reply")) == number
    assert files(pair, partner) == []

    pair.connectors["desk"].failures.clear()
    pair.round(3600)
    assert files(pair, partner) == [("slow.txt", sha("slow"))]
    settled(pair)


@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_is_asked_after_by_content(pair: Office, after: bool) -> None:
    ref, partner = a_pair(pair)
    pair.connectors["core"].failures += [Failure(InDoubt("core", "lost"), "attach", after=after)]
    put(pair, ref, "once.txt", "once")
    rounds(pair, 4)
    assert files(pair, partner) == [("once.txt", sha("once"))]
    settled(pair)


@pytest.mark.parametrize("seed", range(3))
def test_once_whatever_happens_and_whenever_it_dies(tmp_path: Path, seed: int) -> None:
    """People attach on both sides, some of it the same content; answers get lost, and the process dies anywhere and starts anew."""
    chance, hands = Random(seed), Hands()

    class Died(BaseException):
        pass

    def points(name: str) -> None:
        if chance.random() < 0.04:
            raise Died(name)

    systems = None
    contents = [f"content {n}" for n in range(4)]
    attached: set[str] = set()
    refs: tuple[TicketRef, TicketRef] | None = None
    for life in range(10):
        with an_office(
            tmp_path, BOTH, ("desk", "core"), hands=hands, systems=systems, points=points if refs and life < 8 else None
        ) as office:
            systems = office.systems
            hands.move(minutes=30)  # longer than a lease of the one that died
            try:
                if refs is None:
                    office.round()
                    refs = a_pair(office)
                elif life < 8:
                    content = chance.choice(contents)
                    attached.add(content)
                    put(office, chance.choice(refs), f"{chance.randrange(10)}.txt", content)
                    kind = chance.choice([InDoubt("core", "lost"), Transient("core", "down")])
                    office.connectors["core"].failures += [Failure(kind, "attach", after=chance.random() < 0.5)]
                rounds(office, 2)
            except Died:
                continue
    assert refs is not None
    with an_office(tmp_path, BOTH, ("desk", "core"), hands=hands, systems=systems) as office:
        rounds(office, 3)
        for ref in refs:
            mine = {digest for _, digest in files(office, ref)}
            assert mine == {sha(content) for content in attached}
            sent = [e.detail["sha256"] for e in office.effects(ref.connection, "attach")]
            assert len(sent) == len(set(sent)), "sent twice"
        settled(office)


def test_half_a_gigabyte_is_cut_off_at_the_limit_with_memory_flat(pair: Office) -> None:
    ref, partner = a_pair(pair)
    put(pair, ref, "dump.bin", zeros=500 * 1024 * 1024, declared=None)
    tracemalloc.start()
    try:
        rounds(pair, 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert failed(pair, ref)
    assert peak < 16 * 1024 * 1024
    assert files(pair, partner) == []
