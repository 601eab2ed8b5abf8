"""TG405: two rules that can set the same field to different values in the same pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.bundle import All, Condition, Named, On, Rule, RuleSet, Stop, Test
from rules.observation import Kind
from rules.problems import Problem
from rules.reader_context import Reading, Written
from rules.text import fold
from rules.ticket import Value

_COMMENTS = frozenset({Kind.COMMENTED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED})
_STATUS = frozenset({Kind.RESOLVED, Kind.CLOSED, Kind.REOPENED})
_CHANGES = frozenset({Kind.UPDATED, Kind.CHANGED}) | _STATUS


MOST_PAIRS = 500_000
"""More pairs of rules that set one field than these are not compared."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A rule with what it writes, and what its condition surely asks of fields: worked out once, compared many times."""

    ruleset: RuleSet
    rule: Rule
    tests: tuple[Test, ...]
    wanted: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, ruleset: RuleSet, rule: Rule) -> "_Candidate":
        tests = tuple(certain(rule.condition))
        return cls(ruleset, rule, tests, {test.field: words for test in tests if (words := wanted_words(test)) is not None})


def double_writes(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[Problem]:
    """One warning for each field of a later rule, at its value, that names the earlier rule."""
    live = ((ruleset, rule) for ruleset in rulesets for rule in ruleset.rules if rule.mode == "live" and not rule.stages)
    rules = {rule.id: _Candidate.of(ruleset, rule) for ruleset, rule in live}
    order = {id: number for number, id in enumerate(rules)}
    by_field: dict[str, list[Written]] = {}
    for written in r.writes:
        if written.rule in rules:
            by_field.setdefault(written.field, []).append(written)
    for field, writes in by_field.items():
        yield from _of_field(field, sorted(writes, key=lambda w: order[w.rule]), rules)


def _of_field(field: str, writes: Sequence[Written], rules: Mapping[str, _Candidate]) -> Iterator[Problem]:
    """Each rule against those before it that set the field to something else, until one can meet it; so many pairs and no more."""
    earlier: dict[object, list[Written]] = {}
    warned: set[str] = set()
    compared = 0
    for later in writes:
        mine = _plain(later.value)
        for first in (one for value, ones in earlier.items() if value is None or value != mine for one in ones):
            compared += 1
            if later.rule not in warned and first.rule != later.rule and _meet(rules[first.rule], rules[later.rule], first, later):
                warned.add(later.rule)
                yield _warning(field, first, later)
                break
        if compared > MOST_PAIRS:
            yield _not_all(field, later)
            return
        earlier.setdefault(mine, []).append(later)


def _not_all(field: str, later: Written) -> Problem:
    return Problem(
        code="TG405",
        level="note",
        message=f"from rule '{later.rule}' on it was not decided who else sets '{field}': too many rules do",
        place=later.spot.place,
        end_column=later.spot.end_column,
        rule=later.rule,
        help="put rules that are for one of several cases into a rule set with pick: first",
    )


def _meet(a: _Candidate, b: _Candidate, first: Written, later: Written) -> bool:
    """Whether both can act in one pass; what is cheap to see comes first, for there are many pairs."""
    wanted = b.wanted
    for field, words in a.wanted.items():
        if field != first.field and field in wanted and words.isdisjoint(wanted[field]):
            return False
    return _clash(first, later) and _together(a, b, first)


def _warning(field: str, first: Written, later: Written) -> Problem:
    return Problem(
        code="TG405",
        level="warning",
        message=f"rules '{first.rule}' and '{later.rule}' can both set '{field}' in one pass; the later wins",
        place=later.spot.place,
        end_column=later.spot.end_column,
        note=f"in rule '{later.rule}'",
        help="let their conditions exclude each other, or put both into a rule set with pick: first",
        rule=later.rule,
        related=(first.spot,),
    )


def _clash(first: Written, later: Written) -> bool:
    """Whether the later one undoes the earlier: raising a priority twice does not, nor does setting the same value."""
    if later.verb == "raise_priority":
        return False
    return first.value is None or later.value is None or _plain(first.value) != _plain(later.value)


def _plain(value: Value) -> object:
    return fold(value) if isinstance(value, str) else value


def _together(a: _Candidate, b: _Candidate, written: Written) -> bool:
    if a.ruleset is b.ruleset and (a.ruleset.pick == "first" or _stops(a.rule, "ruleset")):
        return False
    ours, theirs = a.ruleset.connections, b.ruleset.connections
    if _stops(a.rule, "ticket") or (ours and theirs and ours.isdisjoint(theirs)):
        return False
    return _same_event(a.rule, b.rule) and not _exclude(a.tests, b.tests, written)


def _stops(rule: Rule, scope: str) -> bool:
    return any(isinstance(step.verb, Stop) and step.verb.scope == scope for step in rule.steps)


def _same_event(a: Rule, b: Rule) -> bool:
    return any(can_coincide(x, y) for x in a.triggers for y in b.triggers if isinstance(x, On) and isinstance(y, On))


def can_coincide(x: On, y: On) -> bool:
    """Whether one happening sets off both."""
    kinds = {x.kind, y.kind}
    if kinds == {Kind.CHANGED}:
        return x.field == y.field and not (x.to and y.to and x.to.isdisjoint(y.to)) and not (x.was and y.was and x.was.isdisjoint(y.was))
    if kinds == {Kind.MANUAL}:
        return False
    if Kind.EVERY in kinds:
        return x.every == y.every
    if len(kinds) == 1:
        return True
    if Kind.COMMENTED in kinds and kinds <= _COMMENTS:
        return True
    if Kind.UPDATED in kinds and kinds <= _CHANGES:
        return True
    changed = x if x.kind == Kind.CHANGED else y
    return Kind.CHANGED in kinds and kinds <= _CHANGES and changed.field == "status"


def certain(condition: Condition) -> Iterator[Test]:
    """The tests that must hold whenever the condition does."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Named):
        yield from certain(condition.part)
    elif isinstance(condition, All):
        for part in condition.parts:
            yield from certain(part)


def _exclude(a: tuple[Test, ...], b: tuple[Test, ...], written: Written) -> bool:
    """Whether no ticket passes both: by tests on one field, or because the later rule does not want what the earlier one set."""
    if any(_contradict(x, y) for x in a for y in b if x.field == y.field and x.field != written.field):
        return True
    return any(_unwanted(test, written.value) for test in b if test.field == written.field)


def _unwanted(test: Test, value: Value) -> bool:
    if test.operator == "empty":
        return bool(test.value)
    wanted = wanted_words(test)
    return wanted is not None and isinstance(value, str) and fold(value) not in wanted


def wanted_words(test: Test) -> frozenset[str] | None:
    """The words one of which the field must have; None where the test does not say."""
    if test.type in ("set", "number", "time", "boolean"):
        return frozenset({str(test.value)}) if test.type == "boolean" and test.operator == "is" else None
    if test.operator == "is":
        return frozenset({test.value})
    ranks = test.operator in ("above", "at_least", "below", "at_most", "between")
    return test.value if ranks or test.operator in ("one_of", "in_list") else None


def _contradict(x: Test, y: Test) -> bool:
    ours, theirs = wanted_words(x), wanted_words(y)
    if ours is not None and theirs is not None:
        return ours.isdisjoint(theirs)
    return _denies(x, y, ours) or _denies(y, x, theirs)


def _denies(positive: Test, negative: Test, wanted: frozenset[str] | None) -> bool:
    if negative.operator == "empty" and negative.value:
        return wanted is not None or (positive.operator == "empty" and not positive.value)
    if wanted is None or negative.type == "set":
        return False
    if negative.operator == "is_not":
        return wanted <= {negative.value}
    return negative.operator in ("not_one_of", "not_in_list") and wanted <= negative.value
