"""`# ticketgate: allow TG406 because ...`: the comments that silence a finding, on one rule or in a whole file."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rules.bundle import Place, RuleSet
from rules.problems import Problem

_ALLOW = re.compile(r"\s*#\s*ticketgate:\s*allow\b\s*(.*)")
_ALLOWED = re.compile(r"((?:TG\d{3}[,\s]*(?:and\s+)?)+)(?:because\b\s*)?(.*)")

Allowed = Mapping[tuple[str, str | None], frozenset[str]]
"""The codes silenced for (file, rule), and for (file, None) in the whole file."""


def unsilenced(problems: Iterable[Problem], allowed: Allowed) -> tuple[Problem, ...]:
    """Those that no comment silences."""
    on_rules = _on_rules(allowed)
    return tuple(problem for problem in problems if not _silenced(problem, allowed, on_rules))


def _silenced(problem: Problem, allowed: Allowed, on_rules: Mapping[str | None, frozenset[str]]) -> bool:
    return problem.code in on_rules.get(problem.rule, frozenset()) or problem.code in allowed.get((problem.place.file, None), frozenset())


def _on_rules(allowed: Allowed) -> dict[str | None, frozenset[str]]:
    """By rule alone: what is found about a rule may lie in another file, in a condition that the rule uses by its name."""
    found: dict[str | None, frozenset[str]] = {}
    for (_, rule), codes in allowed.items():
        if rule is not None:
            found[rule] = found.get(rule, frozenset()) | codes
    return found


def allowances(files: Mapping[str, str], rulesets: Sequence[RuleSet]) -> tuple[Allowed, list[Problem]]:
    """What the comments of these files allow, and TG206 for one that gives no code, no reason, or stands above nothing."""
    allowed: dict[tuple[str, str | None], frozenset[str]] = {}
    mistakes: list[Problem] = []
    ids = {(rule.place.file, rule.place.line): rule.id for rules in rulesets for rule in rules.rules}
    for file, text in files.items():
        if "ticketgate:" not in text or not file.endswith((".yaml", ".yml")):
            continue
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            comment = _ALLOW.fullmatch(line)
            if comment is None:
                continue
            codes = _codes(file, number, line, comment[1], mistakes)
            below = next((n for n in range(number, len(lines)) if not lines[n].lstrip().startswith("#")), len(lines) - 1)
            key = (file, ids.get((file, below + 1)))
            if key[1] is None and not lines[below].startswith("version"):
                mistakes.append(
                    _comment_problem(
                        file, number, line, "this comment stands above no rule", "put it on the line above '- id:' or 'version:'"
                    )
                )
            else:
                allowed[key] = allowed.get(key, frozenset()) | codes
    return allowed, mistakes


def _codes(file: str, number: int, line: str, said: str, mistakes: list[Problem]) -> frozenset[str]:
    found = _ALLOWED.fullmatch(said.strip())
    if found is None or not found[2].strip():
        message = "this comment gives no reason" if found else "this comment names no code"
        mistakes.append(_comment_problem(file, number, line, message, "write # ticketgate: allow TG406 because ..."))
        return frozenset()
    return frozenset(re.findall(r"TG4\d\d", found[1]))


def _comment_problem(file: str, number: int, line: str, message: str, help: str) -> Problem:
    start = len(line) - len(line.lstrip()) + 1
    return Problem(code="TG206", message=message, place=Place(file, number, start), end_column=len(line) + 1, help=help)
