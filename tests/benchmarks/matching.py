"""Matching in a process of its own: the engine and the naive judge over the same rules and tickets. Prints its figures as JSON.

    python -m tests.benchmarks.matching RULES [FOLDER]

Without FOLDER the workload is our own (`desk_like`), with it the one that lies there; turning its plain tickets into ours is inside the
timed part. All times are of CPU, and the best of three rounds in turn.
"""

import gc
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from rules.bundle import ALWAYS, Bundle
from rules.engine import Engine
from rules.observation import Event, Kind, Observation
from rules.sieve import Matcher
from rules.ticket import Ticket, replace
from tests.benchmarks import desk_like, foreign
from tests.benchmarks.backfilling import resident
from tests.benchmarks.foreign import NOW

TICKETS, SHOWN, PAGE, ROUNDS = 10_000, 2_000, 100, 3
DIGESTS = {10: "29f26fdfd0c40844", 100: "1494202d04f90496", 1_000: "cad1b60db511b4d5", 5_000: "f6d7ef5cd8964de1"}
"""Of the match sets of 10,000 tickets, as the folder's README has them."""


@dataclass(frozen=True, slots=True)
class Work:
    """A workload: the rules made ready to be loaded, its tickets as they come, and how the naive judge sees them."""

    bundle: Bundle
    tickets: Sequence[Any]
    ours: Callable[[Any], Ticket]
    naive_all: Callable[[Any], list[int]]
    naive_first: Callable[[Any], int | None]


def of_folder(count: int, folder: str) -> Work:
    sys.path.insert(0, folder)
    import reference
    import workload

    rules = workload.make_rules(count)

    def first(ticket: Any) -> int | None:
        return next((n for n, rule in enumerate(rules) if reference.test(rule["when"], ticket)), None)

    tickets = workload.make_tickets(TICKETS)
    return Work(foreign.bundle(rules), tickets, foreign.ticket, lambda ticket: reference.match_all(rules, ticket), first)


def of_our_own(count: int) -> Work:
    maker = desk_like.Maker(1)
    rules, tickets = maker.rules(count), maker.tickets(SHOWN)
    seen = {id(ticket): desk_like.seen(ticket) for ticket in tickets}  # the naive judge gets its folded words for nothing
    return Work(
        desk_like.bundle(rules),
        tickets,
        lambda ticket: ticket,
        lambda ticket: desk_like.match_all(rules, seen[id(ticket)]),
        lambda ticket: desk_like.match_first(rules, seen[id(ticket)]),
    )


def main(count: int, folder: str | None) -> None:
    work = of_folder(count, folder) if folder else of_our_own(count)
    some = [work.ours(one) for one in work.tickets[:SHOWN]]
    gc.collect()
    before = resident()
    load, engine = timed(lambda: Engine(work.bundle))
    matcher = engine.matcher(foreign.just_come(some[0]))
    first_page, _ = timed(lambda: matcher.all_of(some[:PAGE]))  # nets are made when they are first asked for
    memory = resident() - before
    gc.freeze()
    said = {"load": load + first_page, "memory": memory, "reload": reloaded(work.bundle, some[0]), "trace": traced(engine, some[0])}
    said |= compared(work, matcher, max(40, min(SHOWN, 400_000 // count)))
    if folder:
        rows = [matcher.all(work.ours(one)) for one in work.tickets]
        said["same"] = digest(rows) == DIGESTS[count]
    print(orjson.dumps(said).decode())


def compared(work: Work, matcher: Matcher, few: int) -> dict[str, Any]:
    """Microseconds for a ticket, engine and naive judge in turn, and how many of the few tickets they see differently."""
    shown, times = work.tickets[:SHOWN], []
    for _ in range(ROUNDS):
        page, found = timed(lambda: _by_page(work, matcher, shown))
        one, _ = timed(lambda: [matcher.all(work.ours(ticket)) for ticket in shown])
        first_page, firsts = timed(lambda: _firsts_by_page(work, matcher, shown))
        first, _ = timed(lambda: [matcher.first(work.ours(ticket)) for ticket in shown])
        naive, right = timed(lambda: [work.naive_all(ticket) for ticket in shown[:few]])
        naive_first, rights = timed(lambda: [work.naive_first(ticket) for ticket in shown[:few]])
        ours = [took / len(shown) for took in (page, one, first_page, first)]
        times.append((*ours, naive / few, naive_first / few))
    wrong = sum(a != b for a, b in zip(found, right, strict=False)) + sum(a != b for a, b in zip(firsts, rights, strict=False))
    names = ("page", "all", "first_page", "first", "naive_all", "naive_first")
    return {"wrong": wrong, **{name: min(column) * 1e6 for name, column in zip(names, zip(*times, strict=True), strict=True)}}


def _by_page(work: Work, matcher: Matcher, tickets: Sequence[Any]) -> list[list[int]]:
    found: list[list[int]] = []
    for n in range(0, len(tickets), PAGE):
        found += matcher.all_of([work.ours(ticket) for ticket in tickets[n : n + PAGE]])
    return found


def _firsts_by_page(work: Work, matcher: Matcher, tickets: Sequence[Any]) -> list[int | None]:
    found: list[int | None] = []
    for n in range(0, len(tickets), PAGE):
        found += matcher.first_of([work.ours(ticket) for ticket in tickets[n : n + PAGE]])
    return found


def reloaded(bundle: Bundle, ticket: Ticket) -> float:
    """One rule changed, up to the first answer."""
    ruleset = bundle.rulesets[0]
    changed = replace(ruleset.rules[0], condition=ALWAYS)
    other = replace(bundle, rulesets=(replace(ruleset, rules=(changed, *ruleset.rules[1:])),))
    return min(timed(lambda: Engine(other).matcher(foreign.just_come(ticket)).all(ticket))[0] for _ in range(ROUNDS))


def traced(engine: Engine, ticket: Ticket) -> float:
    seen = Observation(ticket=ticket, now=NOW, events=(Event(kind=Kind.CREATED, at=NOW),))
    return min(timed(lambda: engine.explain(seen))[0] for _ in range(5))


def digest(rows: Sequence[Sequence[int]]) -> str:
    """As the folder's reference makes it."""
    found = hashlib.sha256()
    for n, row in enumerate(rows):
        found.update(f"{n}:{','.join(map(str, row))}\n".encode())
    return found.hexdigest()[:16]


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    done = do()
    return time.process_time() - began, done


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
