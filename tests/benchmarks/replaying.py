"""A preview of one changed rule over many stored tickets, in a process of its own: prints its seconds of CPU as JSON, of the best of
three rounds, each with rules made anew.

The rules have no text tests: a hundred, of which one is written otherwise.
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson

from gateway.differing import differing
from gateway.replay import replay, rules_alone
from gateway.store import tickets
from gateway.store.opening import opened
from rules.bundle import Bundle, Desk
from rules.engine import Engine
from rules.reader import parse
from rules.ticket import Ticket
from tests.benchmarks import desk_like, foreign
from tests.benchmarks.backfill import _by_group, _by_tag
from tests.benchmarks.foreign import NOW

COUNT, PAGE, ROUNDS = 100_000, 1_000, 3


def main() -> None:
    before, after = files("urgent"), files("high")
    with tempfile.TemporaryDirectory() as folder:
        store = opened(f"sqlite:///{Path(folder) / 'desk.db'}")
        try:
            for page in pages():
                with store.writing() as db:
                    tickets.saw_page(db, page, NOW, looked=True)
            old, new = made(before), made(after)
            rounds = []
            for _ in range(ROUNDS):
                began = time.process_time()
                found = replay(store, old, new, NOW - timedelta(days=7), NOW, rules=rules_alone(before, after))
                rounds.append(time.process_time() - began)
            said = {"replay": min(rounds), "judged": found.judged, "changed": len(found.changed)}
        finally:
            store.close()
    print(orjson.dumps(said | {"differing": len(differing(before, after)), "sieve": sieved(new)}).decode())


def sieved(bundle: Bundle) -> float:
    """All tickets held against the one rule, as `plan --rule` does before it judges those that it could match."""
    some = [ticket for page in pages(10_000) for ticket in page]
    could = Engine(bundle).sieve(foreign.just_come(some[0]), only="group-0")
    began = time.process_time()
    for _ in range(COUNT // len(some)):
        for ticket in some:
            could(ticket)
    return time.process_time() - began


def files(level: str) -> dict[str, str]:
    rules = [*_by_group(), *_by_tag()]
    rules[0] = {"id": "group-0", "when": "created", "if": {"group": "team 1"}, "then": [{"set": {"priority": level}}]}
    return {"rules/10-rules.yaml": orjson.dumps({"version": 1, "rules": rules}).decode()}


def made(texts: dict[str, str]) -> Bundle:
    return parse(texts, Desk(connections={"zendesk": "zendesk"}), lambda country, region, years: frozenset())


def pages(count: int = COUNT) -> Iterator[list[Ticket]]:
    maker = desk_like.Maker(1)
    for _ in range(count // PAGE):
        yield maker.tickets(PAGE)


if __name__ == "__main__":
    main()
