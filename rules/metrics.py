"""The built-in clocks, and the short form of a policy."""

from collections.abc import Mapping
from typing import Any

from rules.bundle import ALWAYS, NOWHERE, AnyOf, Condition, NoneOf, On, Place, Span, Test
from rules.observation import Kind
from rules.policy import ClockSpec, Mark, Policy, Switches, Target
from rules.text import fold
from rules.ticket import SETTLED, Status, replace


def is_one_of(field: str, words: frozenset[str] | frozenset[Status]) -> Test:
    """The test `field: [words]`."""
    ordered = sorted(map(str, words))
    return Test(field, "one_of", frozenset(map(fold, ordered)), "choice", f"{field} is {' or '.join(ordered)}")


def is_word(field: str, word: str) -> Test:
    """The test `field: word`."""
    return Test(field, "is", fold(word), "choice", f"{field} is {word}")


UNSETTLED: Condition = NoneOf((is_one_of("status", SETTLED),))
_HAS_GROUP = Test("group", "empty", False, "reference", "group empty false")
_MERGED_TAG = Test("tags", "contains", frozenset({"closed_by_merge"}), "set", "tags contains closed_by_merge")
MERGED: Condition = AnyOf((is_word("resolution", "merged"), _MERGED_TAG))
"""How a merged ticket shows: its resolution says so, or it has the tag that Zendesk gives it."""

_CREATED = Mark((On(Kind.CREATED),))
_REPLIED = Mark((On(Kind.AGENT_REPLIED),))
_RESOLVED = Mark((On(Kind.RESOLVED),))


def _work(name: str, *statuses: Status) -> ClockSpec:
    runs = is_one_of("status", frozenset(statuses)) if statuses else UNSETTLED
    return ClockSpec(name=name, start=(_CREATED,), stop=(_RESOLVED,), run_while=runs)


BUILT_IN: Mapping[str, ClockSpec] = {
    spec.name: spec
    for spec in (
        ClockSpec(name="first_response", start=(_CREATED,), stop=(_REPLIED,)),
        ClockSpec(
            name="next_response",
            start=(Mark((On(Kind.CUSTOMER_REPLIED),)),),
            stop=(_REPLIED,),
            repeat="independent",
        ),
        ClockSpec(name="periodic_update", start=(_CREATED, _REPLIED), stop=(_REPLIED,), repeat="independent"),
        _work("resolution"),
        _work("requester_wait", Status.NEW, Status.OPEN, Status.ON_HOLD),
        _work("agent_work", Status.NEW, Status.OPEN),
        ClockSpec(
            name="ownership",
            start=(Mark((On(Kind.CREATED), On(Kind.CHANGED, "group")), _HAS_GROUP),),
            stop=(Mark((On(Kind.CHANGED, "group"),)), _RESOLVED),
            repeat="independent",
            switches=Switches(on_reopen="new_instance"),
        ),
    )
}
"""What a policy gets that names one of these and says no more."""


def short_form(
    name: str,
    targets: Mapping[str, Mapping[str, Span]],
    *,
    applies_to: Condition = ALWAYS,
    calendar: str | None = None,
    pause_in: frozenset[str] = frozenset(),
    defaults: Mapping[str, Any] | None = None,
    place: Place = NOWHERE,
) -> Policy:
    """The table form of a policy: priority to metric to target. A priority without a target has no such clock."""
    metrics = dict.fromkeys(metric for row in targets.values() for metric in row)
    pause = is_one_of("status", pause_in) if pause_in else None
    clocks = {}
    for metric in metrics:
        rows = tuple(Target(row[metric], is_word("priority", priority)) for priority, row in targets.items() if metric in row)
        spec = BUILT_IN[metric]
        clocks[metric] = replace(spec, pause=pause, targets=rows, switches=replace(spec.switches, **(defaults or {})), place=place)
    return Policy(name=name, applies_to=applies_to, calendar=calendar, clocks=clocks, place=place)
