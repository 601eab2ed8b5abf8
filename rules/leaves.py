"""The tests that a condition is made of, and what they depend on."""

from collections.abc import Iterator

from rules.bundle import All, AnyOf, CalendarIs, Condition, Named, NoneOf, Test


def fields_of(condition: Condition) -> frozenset[str]:
    """The fields by which it is decided."""
    return frozenset(part.field for part in leaves(condition) if isinstance(part, Test))


def judges_time(condition: Condition) -> bool:
    """Whether its answer depends on the moment at which it is asked."""
    return any(isinstance(part, CalendarIs) or part.operator in ("older_than", "newer_than") for part in leaves(condition))


def leaves(condition: Condition) -> Iterator[Test | CalendarIs]:
    """Its tests, those of named conditions among them."""
    match condition:
        case Test() | CalendarIs():
            yield condition
        case Named(part=part):
            yield from leaves(part)
        case All(parts) | AnyOf(parts) | NoneOf(parts):
            for part in parts:
                yield from leaves(part)
