"""TG410: rules that no test fires, by what the tests make fire when they are run."""

from collections.abc import Iterable, Iterator, Mapping, Set

from rules.bundle import Bundle, Place, Rule
from rules.lint_allowed import allowances, unsilenced
from rules.problems import Problem
from rules.trial import Player
from rules.trial_values import Trial


def untested(bundle: Bundle, fired: Set[str], files: Mapping[str, str]) -> tuple[Problem, ...]:
    """A note for each live rule of which no test saw anything, unless a comment in `files` silences it."""
    rules = {file: text for file, text in files.items() if file.startswith("rules/")}
    allowed, _ = allowances(rules, bundle.rulesets)
    return unsilenced(_untested(bundle, fired, files), allowed)


def fired(bundle: Bundle, trials: Iterable[Trial]) -> frozenset[str]:
    """All that `untested` wants to know of the tests: the rules that fire when they are run, until every live one has.

    Those that expect a rule of which nothing was seen yet are run first: where the tests are good, few are needed.
    """
    play, wanted = Player(bundle).play, {rule.id for rule in _live(bundle)}
    seen, others = set[str](), []
    for trial in trials:
        if _expected(trial) <= seen:
            others.append(trial)
        else:
            seen |= play(trial).fired
    for trial in others:
        if wanted <= seen:
            break
        seen |= play(trial).fired
    return frozenset(seen)


def _expected(trial: Trial) -> frozenset[str]:
    """The rules that a test says will fire; behind one there may be a stage."""
    return frozenset(entry.partition(" ")[0] for step in trial.steps if step.expect for entry in step.expect.lists.get("fired", ()))


def _untested(bundle: Bundle, fired: Set[str], files: Mapping[str, str]) -> Iterator[Problem]:
    for rule in _live(bundle):
        if rule.id not in fired:
            yield Problem(
                code="TG410",
                level="note",
                message=f"no test fires rule '{rule.id}'",
                place=rule.place,
                end_column=_end(rule, rule.place, files),
                rule=rule.id,
                help="add a test below tests/ with a ticket that this rule is meant for",
            )


def _live(bundle: Bundle) -> Iterator[Rule]:
    return (rule for ruleset in bundle.rulesets for rule in ruleset.rules if rule.mode == "live")


def _end(rule: Rule, place: Place, files: Mapping[str, str]) -> int:
    """The column after the id, where the file still says it."""
    lines = files.get(place.file, "").splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    found = line.find(rule.id, place.column - 1)
    return found + len(rule.id) + 1 if found >= 0 else 0
