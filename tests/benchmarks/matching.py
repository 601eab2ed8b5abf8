"""Matching in a process of its own: the engine and the naive judge over the same rules and tickets. Prints its figures as JSON.

    python -m tests.benchmarks.matching RULES [FOLDER]

Without FOLDER the workload is our own (`desk_like`), with it the one that lies there; turning its plain tickets into ours is inside the
timed part. All times are of CPU. Engine and naive judge take turns, in windows of some milliseconds, so that a slow spell of the machine
touches both; of each the best round counts. Before each window of the engine it is shown
another page untimed; it never sees a ticket twice: what it has kept in mind is of other tickets.
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

TICKETS, PAGE, WINDOW, ROUNDS = 10_000, 100, 100, 12
JUDGED, SELDOM = 10, 3  # tickets in one window of the naive judge; what takes long is done in every third round
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
    rules, tickets = maker.rules(count), maker.tickets(TICKETS)
    seen = {id(ticket): desk_like.seen(ticket) for ticket in tickets[: few(count)]}  # the naive judge gets its folded words for nothing
    return Work(
        desk_like.bundle(rules),
        tickets,
        lambda ticket: ticket,
        lambda ticket: desk_like.match_all(rules, seen[id(ticket)]),
        lambda ticket: desk_like.match_first(rules, seen[id(ticket)]),
    )


def main(count: int, folder: str | None) -> None:
    work = of_folder(count, folder) if folder else of_our_own(count)
    some = [work.ours(one) for one in work.tickets[-PAGE:]]
    gc.collect()
    before = resident()
    load, engine = timed(lambda: Engine(work.bundle))
    matcher = engine.matcher(foreign.just_come(some[0]))
    first_page, _ = timed(lambda: matcher.all_of(some))  # nets are made when they are first asked for
    memory = resident() - before
    gc.collect()
    gc.freeze()
    said = {"load": load + first_page, "memory": memory}
    said |= compared(work, engine, matcher, few(count))
    if folder:
        rows = [matcher.all(work.ours(one)) for one in work.tickets]
        said["same"] = digest(rows) == DIGESTS[count]
    print(orjson.dumps(said).decode())


def few(count: int) -> int:
    """How many tickets the naive judge is shown: it takes milliseconds for each where there are many rules."""
    return max(4 * JUDGED, min(40 * JUDGED, 200_000 // count))


def compared(work: Work, engine: Engine, matcher: Matcher, few: int) -> dict[str, Any]:
    """Microseconds for a ticket, engine and naive judge in turn, and how many of the few tickets they see differently."""
    shown, ahead = work.tickets[:few], iter(work.tickets)
    ways: dict[str, Callable[[Sequence[Any]], object]] = {
        "page": lambda some: _by_page(work, matcher.all_of, some),
        "first_page": lambda some: _by_page(work, matcher.first_of, some),
        "all": lambda some: [matcher.all(work.ours(ticket)) for ticket in some],
        "first": lambda some: [matcher.first(work.ours(ticket)) for ticket in some],
    }
    ours: dict[str, list[float]] = {name: [] for name in (*ways, "reload", "trace")}
    naive: dict[str, list[list[float]]] = {"naive_all": [], "naive_first": []}
    for n in range(ROUNDS):
        for name, way in ways.items():
            way([next(ahead) for _ in range(WINDOW)])  # what ran before has the processor's caches: not what is measured
            some = [next(ahead) for _ in range(WINDOW)]
            ours[name].append(timed(lambda: way(some))[0] / WINDOW * 1e6)  # noqa: B023
        naive["naive_first"].append(_windows(work.naive_first, shown))
        if n % SELDOM:
            continue
        naive["naive_all"].append(_windows(work.naive_all, shown))
        ours["reload"].append(reloaded(work.bundle, work.ours(shown[0])))
        ours["trace"].append(traced(engine, work.ours(shown[0])))
    wrong = sum(a != b for a, b in zip(_by_page(work, matcher.all_of, shown), map(work.naive_all, shown), strict=True))
    wrong += sum(a != b for a, b in zip(_by_page(work, matcher.first_of, shown), map(work.naive_first, shown), strict=True))
    least = {name: sum(map(min, zip(*rounds, strict=True))) / few * 1e6 for name, rounds in naive.items()}
    return {"wrong": wrong, **least, **{name: min(rounds) for name, rounds in ours.items()}}


def _windows(judge: Callable[[Any], object], tickets: Sequence[Any]) -> list[float]:
    return [timed(lambda: [judge(t) for t in tickets[n : n + JUDGED]])[0] for n in range(0, len(tickets), JUDGED)]  # noqa: B023


def _by_page(work: Work, judge: Callable[[Sequence[Ticket]], list[Any]], tickets: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for n in range(0, len(tickets), PAGE):
        found += judge([work.ours(ticket) for ticket in tickets[n : n + PAGE]])
    return found


def reloaded(bundle: Bundle, ticket: Ticket) -> float:
    """One rule changed, up to the first answer."""
    ruleset = bundle.rulesets[0]
    changed = replace(ruleset.rules[0], condition=ALWAYS)
    other = replace(bundle, rulesets=(replace(ruleset, rules=(changed, *ruleset.rules[1:])),))
    return timed(lambda: Engine(other).matcher(foreign.just_come(ticket)).all(ticket))[0]


def traced(engine: Engine, ticket: Ticket) -> float:
    seen = Observation(ticket=ticket, now=NOW, events=(Event(kind=Kind.CREATED, at=NOW),))
    return timed(lambda: engine.explain(seen))[0]


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
