"""Why a rule did or did not act, in the fewest words: the tests that decided, each with its place and the value that was seen."""

from collections.abc import Iterator

from rules.conditions import Result
from rules.explaining import Considered, Explanation

WORDS = {
    "no_event": "nothing happened that it names in when:",
    "no_stage": "no stage fell due",
    "disabled": "it is disabled",
    "paused": "it is paused",
    "other_connection": "its set is for other connections",
    "not_looked_at": "it was not looked at: a rule above it ended the set, or stopped the pass",
    "shadow": "it matched in shadow mode, which is not firing",
}


def reasons(told: Explanation, rule: str) -> list[str]:
    """What decided about the rule in this pass, a line each; empty for a rule that there is not."""
    considered = [c for ruleset in told.sets for c in ruleset.rules if c.rule == rule]
    return [line for one in considered for line in _of(one)]


def _of(one: Considered) -> Iterator[str]:
    stage = f"{one.stage}: " if one.stage else ""
    if one.what in ("condition", "passed_over") and one.condition is not None and one.condition.held is False:
        yield from (f"{stage}{line}" for line in failing(one.condition))
    elif one.what == "fired" and one.condition is not None:
        yield from (f"{stage}{line}" for line in holding(one.condition))
    else:
        yield stage + (one.reason or WORDS.get(one.what, one.what.replace("_", " ")))


def failing(result: Result) -> Iterator[str]:
    """The tests that kept a condition from holding."""
    for leaf in deciding(result, held=False):
        yield f"{leaf.place or ''} {leaf.written} does not hold: {leaf.seen or 'not so'}".strip()


def holding(result: Result) -> Iterator[str]:
    """The tests that made a condition hold; one line for a rule without a condition."""
    leaves = list(deciding(result, held=True))
    for leaf in leaves:
        yield f"{leaf.place or ''} {leaf.written} holds{f': {leaf.seen}' if leaf.seen else ''}".strip()
    if not leaves:
        yield "nothing speaks against it"


def deciding(result: Result, *, held: bool) -> Iterator[Result]:
    """The single tests that made a condition hold, or kept it from holding; below `none` those that hold against it."""
    if result.held is not held:
        return
    if not result.parts:
        yield result
    elif result.written == "none":
        if not held:
            yield from (leaf for part in result.parts for leaf in deciding(part, held=True))
    else:
        yield from (leaf for part in result.parts for leaf in deciding(part, held=held))
