"""Encoded queries as the product reads them: `active=true^priorityIN1,2^ORassigned_toISEMPTY^NQnumber=INC1^ORDERBYnumber`.

`^` joins by and, `^OR` widens the test before it, `^NQ` begins another query, `^^` is the character itself. What is not a test is
passed over in silence, which is the product's own habit and its most expensive one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Get: TypeAlias = Callable[[Mapping[str, str], str], str]
"""The value of a field of a record, by its name or dotted path."""

TEST = re.compile(r"([a-z][a-z0-9_.]*)(>=|<=|!=|=|>|<|NOT IN|NOT LIKE|IN|LIKE|STARTSWITH|ENDSWITH|ISEMPTY|ISNOTEMPTY)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Test:
    field: str
    operator: str
    value: str


AnyOf: TypeAlias = tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """`clauses` are or-ed (`^NQ`), their groups and-ed, the tests of a group or-ed; `order` names fields, True for descending."""

    clauses: tuple[tuple[AnyOf, ...], ...]
    order: tuple[tuple[str, bool], ...]

    def holds(self, record: Mapping[str, str], get: Get) -> bool:
        return any(all(any(_passes(t, get(record, t.field)) for t in group) for group in clause) for clause in self.clauses)

    def only(self, field: str) -> list[str] | None:
        """The values that `field` must have, where every clause says so by `=` or `IN`; None where one does not."""
        found = [_pinned(clause, field) for clause in self.clauses]
        return None if any(values is None for values in found) else [v for values in found for v in values or ()]

    def least(self, field: str) -> str | None:
        """What `field` is at least, where every clause says so."""
        found = [_bound(clause, field) for clause in self.clauses]
        return None if not found or any(bound is None for bound in found) else min(bound for bound in found if bound is not None)


def parsed(text: str, known: Callable[[str], bool], said: Mapping[str, str]) -> Query:
    """`known` tells the fields that exist; `said` holds the values of scripts (`javascript:gs.getUserName()`)."""
    clauses: list[list[list[Test]]] = [[]]
    order: list[tuple[str, bool]] = []
    for token in text.replace("^^", "\0").split("^"):
        token = token.replace("\0", "^")
        if token.startswith("ORDERBY"):
            name = token.removeprefix("ORDERBY")
            order.append((name.removeprefix("DESC"), name.startswith("DESC")))
            continue
        if token.startswith("NQ"):
            clauses.append([])
            token = token.removeprefix("NQ")
        widens = token.startswith("OR")
        test = _test(token.removeprefix("OR"), known, said)
        if test is None:
            continue
        if widens and clauses[-1]:
            clauses[-1][-1].append(test)
        else:
            clauses[-1].append([test])
    return Query(tuple(tuple(map(tuple, clause)) for clause in clauses), tuple(order))


def _test(token: str, known: Callable[[str], bool], said: Mapping[str, str]) -> Test | None:
    found = TEST.fullmatch(token)
    if found is None or not known(found[1]):
        return None
    return Test(found[1], found[2], said.get(found[3], found[3]))


def _passes(test: Test, value: str) -> bool:
    return OPERATORS[test.operator](value, test.value)


def _bigger(value: str, than: str) -> bool:
    return int(value) > int(than) if value.isdigit() and than.isdigit() else value > than


def _same(value: str, other: str) -> bool:
    return value == other or value.casefold() == other.casefold()


def _listed(value: str, options: str) -> bool:
    return value in options.split(",")


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": _same,
    "!=": lambda value, other: not _same(value, other),
    ">": _bigger,
    ">=": lambda value, than: not _bigger(than, value),
    "<": lambda value, than: _bigger(than, value),
    "<=": lambda value, than: not _bigger(value, than),
    "IN": _listed,
    "NOT IN": lambda value, options: not _listed(value, options),
    "LIKE": lambda value, part: part.casefold() in value.casefold(),
    "NOT LIKE": lambda value, part: part.casefold() not in value.casefold(),
    "STARTSWITH": lambda value, part: value.casefold().startswith(part.casefold()),
    "ENDSWITH": lambda value, part: value.casefold().endswith(part.casefold()),
    "ISEMPTY": lambda value, _: value == "",
    "ISNOTEMPTY": lambda value, _: value != "",
}


def _pinned(clause: tuple[AnyOf, ...], field: str) -> list[str] | None:
    for group in clause:
        if len(group) == 1 and group[0].field == field and group[0].operator in ("=", "IN"):
            return group[0].value.split(",") if group[0].operator == "IN" else [group[0].value]
    return None


def _bound(clause: tuple[AnyOf, ...], field: str) -> str | None:
    for group in clause:
        if len(group) == 1 and group[0].field == field and group[0].operator in ("=", ">", ">="):
            return group[0].value
    return None
