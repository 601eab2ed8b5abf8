"""TG409: sync rules that can chase each other, and rules that set off each other over our own changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from rules.bundle import Assign, On, Place, RaisePriority, Rule, RuleSet, Set, Step, Sync, SyncField, Tag, Verb
from rules.lint_abilities import connections_of
from rules.lint_overlap import certain, wanted_words
from rules.observation import Kind
from rules.problems import Problem
from rules.reader_context import Reading
from rules.templates import Template
from rules.text import fold
from rules.ticket import SETTLED, Status, Value, replace

MOST_REACTING = 300
COMMENTS = "comments"  # what `sync` keeps in step besides fields


class _Keeping(Struct, frozen=True, eq=False):
    """One sync step: how it keeps a field of one pair of connections; `owner` None is both ways."""

    rule: Rule
    step: Step
    owner: str | None


def cycles(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[Problem]:
    """Each pair of rules once, at the later rule's verb."""
    told: set[frozenset[str]] = set()
    for problem, rules in (*_chasing(r, rulesets), *_circles(r, rulesets)):
        if rules not in told:
            told.add(rules)
            yield problem


# --- sync ------------------------------------------------------------------------------------------------------------


def _chasing(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[tuple[Problem, frozenset[str]]]:
    """Two rules that keep one field of the same pair in different directions, and owners in a ring of three or more connections."""
    kept: dict[tuple[frozenset[str], str], list[_Keeping]] = {}
    for ruleset in rulesets:
        for rule in ruleset.rules:
            for step, verb in _syncs(rule):
                for pair in _pairs(r, ruleset, rule, verb):
                    for name, how in _fields(verb):
                        kept.setdefault((pair, name), []).append(_Keeping(rule, step, how.owner))
    for (_, name), steps in kept.items():
        yield from _at_odds(r, name, steps)
    yield from _rings(r, kept)


def _syncs(rule: Rule) -> Iterator[tuple[Step, Sync]]:
    if rule.mode == "live":
        for step in rule.steps:
            if isinstance(step.verb, Sync):
                yield step, step.verb


def _pairs(r: Reading, ruleset: RuleSet, rule: Rule, verb: Sync) -> Iterator[frozenset[str]]:
    for connection in sorted(connections_of(r.desk, ruleset, rule) - {verb.partner}):
        yield frozenset({connection, verb.partner})


def _fields(verb: Sync) -> Iterator[tuple[str, SyncField]]:
    yield from verb.fields.items()
    if verb.comments is not None:
        yield COMMENTS, verb.comments


def _at_odds(r: Reading, name: str, steps: Sequence[_Keeping]) -> Iterator[tuple[Problem, frozenset[str]]]:
    first = steps[0]
    for later in steps[1:]:
        if later.rule.id != first.rule.id and later.owner != first.owner and name != COMMENTS:
            how = f"each gives '{name}' another owner" if first.owner and later.owner else f"only one gives '{name}' an owner"
            message = f"rules '{first.rule.id}' and '{later.rule.id}' can chase each other: {how}"
            help = f"name one owner of '{name}' in both, or keep it both ways in both"
            yield _finding(r, later.rule, later.step.place, message, help, (first.step.place,)), frozenset({first.rule.id, later.rule.id})


def _rings(r: Reading, kept: Mapping[tuple[frozenset[str], str], Sequence[_Keeping]]) -> Iterator[tuple[Problem, frozenset[str]]]:
    """Owners that overrule each other in a ring: a over b, b over c, c over a."""
    owned: dict[str, dict[tuple[str, str], _Keeping]] = {}
    for (pair, name), steps in kept.items():
        for one in steps:
            for other in pair - {one.owner} if one.owner in pair else ():
                owned.setdefault(name, {}).setdefault((str(one.owner), other), one)
    for name, edges in owned.items():
        for ring in _rings_in({a: {b for x, b in edges if x == a} for a, _ in edges}):
            if len(ring) > 2:
                steps = [edges[a, b] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
                yield _ring(r, name, ring, steps)


def _ring(r: Reading, name: str, ring: Sequence[str], steps: Sequence[_Keeping]) -> tuple[Problem, frozenset[str]]:
    later = max(steps, key=lambda one: (one.step.place.file, one.step.place.line))
    said = " over ".join((*ring, ring[0]))
    message = f"sync rules can chase each other: the owners of '{name}' go round in a ring, {said}"
    others = tuple(one.step.place for one in steps if one is not later)
    problem = _finding(r, later.rule, later.step.place, message, f"let one connection own '{name}' in all of them", others)
    return problem, frozenset(one.rule.id for one in steps)


# --- our own changes -------------------------------------------------------------------------------------------------


class Effect(Struct, frozen=True):
    """A rule sets this field; `value` is None where it is not known beforehand. `fixed`: doing it twice changes nothing more."""

    field: str
    value: Value
    step: Step
    fixed: bool = True


def effects(steps: Iterable[Step]) -> Iterator[Effect]:
    """What steps set on the ticket itself."""
    for step in steps:
        yield from _effects(step, step.verb)


def _effects(step: Step, verb: Verb) -> Iterator[Effect]:
    match verb:
        case Set(fields):
            for name, value in fields.items():
                yield Effect(name, None if isinstance(value, Template) else value, step, not isinstance(value, Template))
        case Assign(group=group, user=user, table=table):
            if group or table:
                yield Effect("group", group, step)
            if user:
                yield Effect("assignee", user, step)
        case RaisePriority(to=to, by=by):
            yield Effect("priority", to, step, fixed=not by)
        case Tag():
            yield Effect("tags", None, step)
        case _:
            return


def _circles(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[tuple[Problem, frozenset[str]]]:
    """Rules that react to our own changes and set off each other, or a rule that sets off itself and goes further each time."""
    rules = {rule.id: rule for ruleset in rulesets for rule in ruleset.rules if rule.mode == "live" and rule.react_to_own_changes}
    if len(rules) > MOST_REACTING:
        yield _too_many(r, [*rules.values()][MOST_REACTING])
        return
    links = {
        id: {other: effect for effect in effects(rule.steps) for other in _set_off_by(effect, rule, rules)} for id, rule in rules.items()
    }
    for ring in _rings_in({id: set(others) for id, others in links.items()}):
        later = max(ring, key=list(rules).index)
        after = dict(zip(ring, [*ring[1:], ring[0]], strict=True))
        if len(ring) == 1:
            message = f"rule '{later}' sets off itself, and goes further each time"
        else:
            message = f"rules {' and '.join(repr(id) for id in ring)} set off each other over our own changes"
        places = {id: links[id][after[id]].step.place for id in ring}
        others = tuple(place for id, place in places.items() if id != later)
        yield _finding(r, rules[later], places[later], message, "take react_to_own_changes out of one of them", others), frozenset(ring)


def _too_many(r: Reading, rule: Rule) -> tuple[Problem, frozenset[str]]:
    message = f"whether rules set off each other was not decided: more than {MOST_REACTING} react to our own changes"
    problem = _finding(r, rule, rule.place, message, "let only those react that must", ())
    return replace(problem, level="note"), frozenset({rule.id})


def _set_off_by(effect: Effect, by: Rule, rules: Mapping[str, Rule]) -> Iterator[str]:
    for id, rule in rules.items():
        if (rule is not by or not effect.fixed) and _sets_off(effect, rule):
            yield id


def _sets_off(effect: Effect, rule: Rule) -> bool:
    if not any(_named(effect, on) for on in rule.triggers if isinstance(on, On)):
        return False
    tests = (test for test in certain(rule.condition) if test.field == effect.field)
    return not any(_unwanted(effect, words) for test in tests if (words := wanted_words(test)) is not None)


def _unwanted(effect: Effect, words: frozenset[str]) -> bool:
    return isinstance(effect.value, str) and fold(effect.value) not in words


def _named(effect: Effect, on: On) -> bool:
    if on.kind == Kind.UPDATED:
        return True
    if on.kind == Kind.CHANGED:
        return on.field in (None, effect.field) and not (on.to and _unwanted(effect, on.to))
    if effect.field != "status" or on.kind not in _STATUSES:
        return False
    return effect.value is None or effect.value in _STATUSES[on.kind]


_STATUSES: Mapping[Kind, frozenset[Status]] = {
    Kind.RESOLVED: SETTLED,
    Kind.CLOSED: frozenset({Status.CLOSED}),
    Kind.REOPENED: frozenset(Status) - SETTLED,
}


def _rings_in(edges: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Rings of names that lead to each other, no name in two of them."""
    left = dict(edges)
    while left:
        ends = {name for name, below in left.items() if below.isdisjoint(left)}
        if not ends:
            path = [min(left)]
            while (after := min(left[path[-1]] & left.keys())) not in path:
                path.append(after)
            ends = set(path[path.index(after) :])
            yield path[path.index(after) :]
        for name in ends:
            del left[name]


def _finding(r: Reading, rule: Rule, place: Place, message: str, help: str, others: Iterable[Place]) -> Problem:
    spot = r.extent(place)
    related = tuple(r.extent(one) for one in others)
    return Problem(
        code="TG409",
        message=message,
        place=place,
        end_column=spot.end_column,
        rule=rule.id,
        help=help,
        note=f"in rule '{rule.id}'",
        related=related,
    )
