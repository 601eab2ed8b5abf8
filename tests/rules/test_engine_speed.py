"""The engine against naive judges that share nothing with it but folding: the same matches, whatever the seed."""

import os
import sys
from pathlib import Path

import pytest

from rules.engine import Engine
from rules.index import Index
from rules.observation import Kind
from rules.ready import prepared
from rules.sieve import Matcher
from rules.ticket import replace
from tests.benchmarks import desk_like, foreign

CREATED = frozenset({Kind.CREATED})
FOLDER = os.environ.get("TICKETGATE_RULE_BENCH")


@pytest.mark.parametrize(("seed", "front"), [(1, None), (2, 30), (3, 100)])
def test_all_and_first_matches_are_those_of_the_naive_judge(seed: int, front: int | None):
    """`front`: as where there are thousands, so many rules are asked before the others."""
    maker = desk_like.Maker(seed)
    rules, tickets = maker.rules(300), maker.tickets(60)
    bundle, seen = desk_like.bundle(rules), foreign.just_come(tickets[0])
    index = Index(((n, CREATED, rule.condition) for n, rule in enumerate(bundle.rulesets[0].rules)), front=front)
    engine = Engine(bundle)
    matcher = Matcher(replace(prepared(bundle), index=index), Kind.CREATED, engine.look(seen), engine.look(seen))
    naive = [desk_like.match_all(rules, desk_like.seen(ticket)) for ticket in tickets]
    assert any(naive)
    assert [matcher.all(ticket) for ticket in tickets] == naive
    assert matcher.all_of(tickets) == naive
    firsts = [found[0] if found else None for found in naive]
    assert front is None or {first is not None and first < front for first in firsts} == {True, False}
    assert [matcher.first(ticket) for ticket in tickets] == matcher.first_of(tickets) == firsts
    assert matcher.could_match_any(tickets) == [matcher.could_match(ticket) for ticket in tickets] == list(map(bool, naive))


@pytest.mark.skipif(FOLDER is None, reason="TICKETGATE_RULE_BENCH names no folder with the rule benchmark")
@pytest.mark.parametrize("seed", [20260101, 7])
def test_the_matches_are_those_of_the_reference(seed: int):
    sys.path.insert(0, str(Path(FOLDER or ".")))
    try:
        import reference
        import workload
    finally:
        sys.path.pop(0)
    rules, tickets = workload.make_rules(400, seed), workload.make_tickets(200, seed)
    matcher = Engine(foreign.bundle(rules)).matcher(foreign.just_come(foreign.ticket(tickets[0])))
    assert [matcher.all(foreign.ticket(one)) for one in tickets] == [reference.match_all(rules, one) for one in tickets]
