"""`similar` and `link`: alike tickets are counted by the store, and joined to one problem, made once, whatever dies when."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.answering import caught_up
from gateway.failpoint import NAMES
from gateway.judging import Asked
from gateway.rulebook import Rulebook
from gateway.store import actions, alikes, joins
from rules.questions import AT_ONCE, densest
from rules.ticket import TicketRef, replace
from tests.builders import NOW, a_ref
from tests.gateway.memory_desk import Hands, Office, a_bundle, an_office, settled
from tests.gateway.test_interrupted import Died, Points, die
from tests.gateway.test_kill import finished, killed_at, system_in, wrote

RULES = """
version: 1
rules:
  - id: repeat
    when: created
    if:
      type: incident
      similar: { same: [product], within: 24h, at_least: 3 }
    then:
      - link: { to: problem, if_missing: create, create: { title: "Repeated {{ ticket.product }}" } }
      - tag: { add: [repeat] }
"""
POINTS = [(name, nth) for name in NAMES if "page" not in name and "poll" not in name for nth in (1, 2, 3)]


def incidents(office: Office, count: int, product: str = "billing", connection: str = "desk") -> list[TicketRef]:
    return [office.customer_writes(f"{product} {n}", connection, type="incident", product=product) for n in range(count)]


def problems(office: Office) -> list[TicketRef]:
    """Those that ticketgate made."""
    return [TicketRef(connection, effect.key) for connection in office.systems for effect in office.effects(connection, "create")]


def joined(office: Office, ref: TicketRef) -> list[tuple[str, TicketRef]]:
    with office.gateway.store.reading() as db:
        return joins.of(db, ref)


def native(office: Office, ref: TicketRef) -> Any:
    """What its own system links it to."""
    return office.systems[ref.connection].record(ref.key).get("links")


def test_the_third_alike_ticket_makes_one_problem_that_the_earlier_and_later_ones_join(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        first, second = incidents(office, 2)
        office.round()
        assert problems(office) == []
        (third,) = incidents(office, 1)
        office.round()
        (problem,) = problems(office)
        assert (
            office.shown(problem)["title"] if "title" in office.shown(problem) else office.shown(problem)["subject"] == "Repeated billing"
        )
        (fourth,) = incidents(office, 1)
        incidents(office, 2, product="login")
        office.round()
        assert problems(office) == [problem]
        assert [joined(office, ref) for ref in (first, second, third, fourth)] == [[("problem", problem)]] * 4
        notes = Counter(effect.key for effect in office.effects(kind="note"))
        assert notes == {first.key: 1, second.key: 1, third.key: 1, fourth.key: 1, problem.key: 4}, "each side names the other, once"
        assert [native(office, ref) for ref in (first, second, third, fourth)] == [{"problem": problem.key}] * 4
        assert "repeat" not in office.shown(problem)["tags"], "what we made ourselves is no news"
        settled(office)


def test_three_that_come_together_make_one_problem(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        refs = incidents(office, 3)
        office.round()
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in refs] == [[("problem", problem)]] * 3
        settled(office)


def test_a_problem_that_was_closed_is_not_joined_any_more(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        incidents(office, 3)
        office.round()
        (old,) = problems(office)
        office.edit(old, status="closed")
        office.round()
        (later,) = incidents(office, 1)
        office.round()
        (new,) = set(problems(office)) - {old}
        assert joined(office, later) == [("problem", new)]


def test_alike_tickets_of_two_systems_have_one_problem(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES, connections=("desk", "shop")) as office:
        office.round()
        refs = [*incidents(office, 2), *incidents(office, 2, connection="shop")]
        office.round()
        office.round()
        (problem,) = problems(office)
        assert {tuple(joined(office, ref)) for ref in refs} == {(("problem", problem),)}


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_a_process_that_dies_at_any_point_makes_one_problem_and_one_note_on_each_side(tmp_path: Path, point: str, nth: int) -> None:
    hands, points = Hands(), Points(point, die, nth)
    with an_office(tmp_path, RULES, hands=hands, points=points) as office:
        office.round()
        earlier = incidents(office, 2)
        office.round()
        (third,) = incidents(office, 1)
        points.armed = True
        with suppress(Died):
            office.round()
        systems = office.systems
    with an_office(tmp_path, RULES, hands=hands, systems=systems) as office:
        office.round()
        office.round()
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in (*earlier, third)] == [[("problem", problem)]] * 3
        notes = Counter(effect.key for effect in office.effects(kind="note"))
        assert notes == {**dict.fromkeys([ref.key for ref in (*earlier, third)], 1), problem.key: 3}
        links = Counter(effect.key for effect in office.effects(kind="update") if "links" in effect.detail["fields"])
        assert links == dict.fromkeys([ref.key for ref in (*earlier, third)], 1), "the system's own, once"
        assert "repeat" in office.shown(third)["tags"]
        settled(office)


@pytest.mark.slow
@pytest.mark.parametrize("point", [f"{name}:{nth}" for name in ("before-send", "after-send", "before-commit") for nth in (1, 2, 3)])
def test_a_killed_process_makes_one_problem(tmp_path: Path, point: str) -> None:
    (tmp_path / "rules.yaml").write_text(RULES.replace("type: incident\n      ", "").replace("[product]", "[subject]"), encoding="utf-8")
    finished(tmp_path, "once")
    for _ in range(3):
        wrote(system_in(tmp_path), "The same")
    assert killed_at(tmp_path, "once", point)
    finished(tmp_path, "once")
    finished(tmp_path, "once")
    system = system_in(tmp_path)
    assert [effect.kind for effect in system.effects].count("create") == 1


# --- counting --------------------------------------------------------------------------------------------------------

minutes = st.lists(st.integers(0, 3000), max_size=12)


@settings(deadline=None)
@given(st.integers(0, 3000), minutes, st.integers(1, 1500))
def test_alike_tickets_are_those_of_the_densest_window_around_this_one(mine, others, within):
    """Against a walk over every minute at which a window could begin."""
    made = [(NOW + timedelta(minutes=m), a_ref(f"desk:{n}")) for n, m in enumerate([mine, *others])]
    brute = max(sum(start <= m < start + within for m in (mine, *others)) for start in range(mine - within + 1, mine + 1))
    found = densest(made[0], made[1:], timedelta(minutes=within))
    assert len(found) == brute
    assert made[0] in found
    assert found[-1][0] - found[0][0] < timedelta(minutes=within)


def test_a_field_that_is_empty_is_like_nothing(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        for _ in range(4):
            office.customer_writes(type="incident")
        office.round()
        assert problems(office) == []


def test_tickets_seen_before_the_rules_asked_are_counted_once_they_do(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, hands=hands) as office:
        office.round()
        incidents(office, 2)
        office.round()
        systems = office.systems
    with an_office(tmp_path, RULES, hands=hands, systems=systems) as office:
        incidents(office, 1)
        office.round()
        assert len(problems(office)) == 1
        assert caught_up(office.gateway.store, office.gateway.cycle.book, hands.now) == 0, "they are asked once"


def test_among_says_which_tickets_count_and_follows_what_becomes_of_them(tmp_path: Path) -> None:
    rules = RULES.replace("at_least: 3 }", "at_least: 2, among: { status: { not_one_of: [resolved, closed] } } }")
    with an_office(tmp_path, rules) as office:
        office.round()
        (first,) = incidents(office, 1)
        office.round()
        office.edit(first, status="resolved")
        office.round()
        incidents(office, 1)
        office.round()
        assert problems(office) == []


def test_a_duplicate_is_joined_to_the_first_of_its_kind(tmp_path: Path) -> None:
    rules = RULES.replace("at_least: 3", "at_least: 2").replace("to: problem, if_missing: create, create:", "to: duplicate #")
    rules = rules.replace("- link: { to: duplicate #", "- link: { to: duplicate } #")
    with an_office(tmp_path, rules) as office:
        office.round()
        (first,) = incidents(office, 1)
        office.round()
        second, third = incidents(office, 2)
        office.round()
        assert [joined(office, ref) for ref in (first, second, third)] == [[], [("duplicate", first)], [("duplicate", first)]]


def test_the_second_of_three_is_a_duplicate_of_the_first_as_well(tmp_path: Path) -> None:
    rules = RULES.replace("- link: { to: problem, if_missing: create", "- link: { to: duplicate } #")
    with an_office(tmp_path, rules) as office:
        office.round()
        refs = []
        for _ in range(3):
            refs += incidents(office, 1)
            office.round()
        first, second, third = refs
        assert [joined(office, ref) for ref in refs] == [[], [("duplicate", first)], [("duplicate", first)]]
        notes = Counter(effect.key for effect in office.effects(kind="note"))
        assert notes == {first.key: 2, second.key: 1, third.key: 1}


def test_an_earlier_ticket_that_is_closed_is_left_in_peace(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        first, second = incidents(office, 2)
        office.round()
        office.edit(first, status="closed")
        office.round()
        (third,) = incidents(office, 1)
        office.round()
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in (first, second, third)] == [[], [("problem", problem)], [("problem", problem)]]


def test_an_earlier_ticket_of_a_connection_that_the_rules_are_not_about_is_left_in_peace(tmp_path: Path) -> None:
    rules = RULES.replace("version: 1", "version: 1\nruleset: { connections: [desk] }")
    with an_office(tmp_path, rules, connections=("desk", "shop")) as office:
        office.round()
        (other,) = incidents(office, 1, connection="shop")
        office.round()
        mine = incidents(office, 2)
        office.round()
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in (other, *mine)] == [[], [("problem", problem)], [("problem", problem)]]


def test_one_pass_joins_a_few_of_many_earlier_tickets_and_the_next_ones_join_the_rest(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, hands=hands) as office:
        office.round()
        earlier = incidents(office, AT_ONCE + 2)
        office.round()
        systems = office.systems
    with an_office(tmp_path, RULES, hands=hands, systems=systems) as office:
        incidents(office, 1)
        office.round()
        assert sum(bool(joined(office, ref)) for ref in earlier) == AT_ONCE
        incidents(office, 1)
        office.round()
        assert all(joined(office, ref) for ref in earlier)


def test_a_ticket_that_is_alike_for_too_few_joins_nobody_to_anything(tmp_path: Path) -> None:
    rules = RULES.replace(
        "      type: incident\n      similar: { same: [product], within: 24h, at_least: 3 }",
        "      any: [{ subject: { contains: big } }, { similar: { same: [product], within: 24h, at_least: 3 } }]",
    )
    with an_office(tmp_path, rules) as office:
        office.round()
        (first,) = incidents(office, 1)
        office.round()
        second = office.customer_writes("a big one", type="incident", product="billing")
        office.round()
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in (first, second)] == [[], [("problem", problem)]]


def test_no_link_of_one_system_reaches_into_another(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES, connections=("desk", "shop")) as office:
        office.round()
        mine, theirs = incidents(office, 2), incidents(office, 1, connection="shop")
        office.round()
        office.round()
        (problem,) = problems(office)
        for ref in (*mine, *theirs):
            here = {"problem": problem.key} if ref.connection == problem.connection else None
            assert (native(office, ref), joined(office, ref)) == (here, [("problem", problem)])


def test_where_a_system_has_no_link_for_it_the_plan_says_so_and_ticketgate_alone_knows(tmp_path: Path) -> None:
    told = []
    bundle = a_bundle(RULES)
    without = replace(bundle, desk=replace(bundle.desk, links={"desk": frozenset({"parent"})}))
    with an_office(tmp_path, on_pass=lambda ticket, plan, outcome: told.append(plan)) as office:
        office.gateway.cycle.book = Rulebook(without)
        office.round()
        refs = incidents(office, 3)
        office.round()
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in refs] == [[("problem", problem)]] * 3
        assert [native(office, ref) for ref in refs] == [None] * 3
        assert any("desk has no link of its own to a problem" in note for plan in told for note in plan.notes)


def test_a_link_that_the_system_refuses_is_a_persons_and_the_ticket_is_joined_all_the_same(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        office.round()
        first, second = incidents(office, 2)
        other = office.customer_writes()
        office.systems["desk"].link(first.key, "problem", other.key)
        (third,) = incidents(office, 1)
        office.round()
        (problem,) = (ref for ref in problems(office))
        assert [joined(office, ref) for ref in (first, second, third)] == [[("problem", problem)]] * 3
        assert native(office, first) == {"problem": other.key}, "what a person linked stays"
        with office.gateway.store.reading() as db:
            (failed,) = actions.for_person(db)
        assert f"its problem is {other.key} already" in str(failed.reason)


def test_a_backfill_joins_what_it_finds_to_one_problem(tmp_path: Path) -> None:
    with an_office(tmp_path, RULES) as office:
        refs = incidents(office, 4)
        backfill = office.gateway.backfill
        counts = backfill.go_on(backfill.begin(Asked(connections=("desk",))))
        (problem,) = problems(office)
        assert [joined(office, ref) for ref in refs] == [[("problem", problem)]] * 4
        assert counts.failed == 0


# --- whose turn it is ------------------------------------------------------------------------------------------------

TEAM = {"tier-1": ("ana@example.com", "bo@example.com", "cy@example.com")}


def staffed(strategy: str):
    rules = f"version: 1\nrules:\n  - {{ id: give, when: created, then: [{{ assign: {{ group: tier-1, strategy: {strategy} }} }}] }}\n"
    bundle = a_bundle(rules)
    return replace(bundle, desk=replace(bundle.desk, members=TEAM))


def given_to(office: Office, bundle, count: int) -> list[str]:
    office.gateway.cycle.book = Rulebook(bundle)
    office.round()
    refs = []
    for _ in range(count):
        refs.append(office.customer_writes())
        office.round()
    return [str(office.connectors["desk"].fetch(ref.key).assignee.known_as) for ref in refs]


def test_turns_go_round_and_outlive_the_process(tmp_path: Path) -> None:
    hands = Hands()
    with an_office(tmp_path, hands=hands) as office:
        assert given_to(office, staffed("round_robin"), 4) == [*TEAM["tier-1"], "ana@example.com"]
        systems = office.systems
    with an_office(tmp_path, hands=hands, systems=systems) as office:
        assert given_to(office, staffed("round_robin"), 2) == ["bo@example.com", "cy@example.com"]
        settled(office)


def test_who_has_least_gets_it_ties_by_name(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        assert given_to(office, staffed("least_open"), 3) == list(TEAM["tier-1"])
        with office.gateway.store.reading() as db:
            assert alikes.count(db, "open work", "ana@example.com", a_ref("desk:none")) == 1
        mine = office.connectors["desk"]
        (hers,) = [key for key in office.systems["desk"].keys() if mine.fetch(key).assignee.known_as == "bo@example.com"]  # noqa: SIM118
        office.edit(TicketRef("desk", hers), status="resolved")
        assert given_to(office, staffed("least_open"), 1) == ["bo@example.com"]


def test_a_member_who_has_it_keeps_it_and_a_stranger_does_not(tmp_path: Path) -> None:
    bundle = staffed("keep")
    with an_office(tmp_path) as office:
        office.gateway.cycle.book = Rulebook(bundle)
        office.round()
        hers, his = office.customer_writes(), office.customer_writes()
        office.edit(hers, assignee="bo@example.com")
        office.edit(his, assignee="zoe@example.com")
        office.round()
        assert [office.shown(ref)["assignee"] for ref in (hers, his)] == ["bo@example.com", None]


def test_a_group_of_whom_nobody_is_known_is_assigned_and_says_so(tmp_path: Path) -> None:
    bundle = staffed("least_open")
    told = []
    with an_office(tmp_path, on_pass=lambda ticket, plan, outcome: told.append(plan)) as office:
        office.gateway.cycle.book = Rulebook(replace(bundle, desk=replace(bundle.desk, members={})))
        office.round()
        ref = office.customer_writes()
        office.round()
        assert office.shown(ref)["group"] == "tier-1"
        assert "the members of 'tier-1' are not known" in told[0].notes[0]
