"""Tests that ask something else than one field for its value: the store, a calendar, the check digits of a text."""

from collections.abc import Callable

from rules.condition_tree import Similar, Test
from rules.look import Look
from rules.pii import holds_any


def similar(condition: Similar, look: Look) -> bool:
    return how_many(condition, look) >= condition.at_least


def how_many(similar: Similar, look: Look) -> int:
    """How many are alike; raises `LookupError` where nobody asked the store, which stops the rule visibly."""
    count = look.observation.facts.get(similar.name)
    if not isinstance(count, int):
        raise LookupError(f"how many tickets are alike ({similar.written}) was not asked")
    return count


def calendar_is(name: str, state: str, look: Look) -> bool:
    calendar = look.calendars[name]
    if state == "holiday":
        return calendar.is_holiday(look.now)
    return calendar.is_open(look.now) == (state == "open")


def contains_pii(test: Test) -> Callable[[Look], bool]:
    wanted, name = test.value, test.field

    def holds(look: Look) -> bool:
        text = look.values[name]
        return text is not None and holds_any(str(text), wanted)

    return holds
