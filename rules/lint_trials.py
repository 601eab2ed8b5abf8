"""TG410: rules that no test fires, by what the tests make fire when they are run."""

from collections.abc import Iterator, Mapping, Set

from rules.bundle import Bundle, Place, Rule
from rules.lint_allowed import allowances, unsilenced
from rules.problems import Problem


def untested(bundle: Bundle, fired: Set[str], files: Mapping[str, str]) -> tuple[Problem, ...]:
    """A note for each live rule of which no test saw anything, unless a comment in `files` silences it."""
    rules = {file: text for file, text in files.items() if file.startswith("rules/")}
    allowed, _ = allowances(rules, bundle.rulesets)
    return unsilenced(_untested(bundle, fired, files), allowed)


def _untested(bundle: Bundle, fired: Set[str], files: Mapping[str, str]) -> Iterator[Problem]:
    for ruleset in bundle.rulesets:
        for rule in ruleset.rules:
            if rule.mode == "live" and rule.id not in fired:
                yield Problem(
                    code="TG410",
                    level="note",
                    message=f"no test fires rule '{rule.id}'",
                    place=rule.place,
                    end_column=_end(rule, rule.place, files),
                    rule=rule.id,
                    help="add a test below tests/ with a ticket that this rule is meant for",
                )


def _end(rule: Rule, place: Place, files: Mapping[str, str]) -> int:
    """The column after the id, where the file still says it."""
    lines = files.get(place.file, "").splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    found = line.find(rule.id, place.column - 1)
    return found + len(rule.id) + 1 if found >= 0 else 0
