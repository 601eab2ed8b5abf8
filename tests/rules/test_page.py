"""What the language page shows is true: its eight rules are read, and its own tests hold them to it."""

import pytest

from rules.bundle import Bundle
from rules.reader import check
from rules.trial import read_trials, run
from tests.rules.eight_rules import DESK
from tests.rules.page import FILES
from tests.rules.rule_files import holidays

NAMES = (
    "a German billing ticket goes to the team for Germany",
    "the ladder warns, escalates, and falls silent after an answer",
    "nobody answers a robot",
)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    made, found = check(FILES, DESK, holidays)
    assert [problem for problem in found if problem.level == "error"] == []
    assert made is not None
    return made


def test_all_eight_rules_are_read(bundle: Bundle) -> None:
    assert [rule.id for ruleset in bundle.rulesets for rule in ruleset.rules] == [
        *("contain-fraud-and-personal-data", "route-by-product-and-language", "vip-escalation", "sla-first-response-ladder"),
        *("acknowledge-out-of-hours", "sync-bugs-with-jira", "repeat-incident-to-problem", "close-stale-pending"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_its_own_tests_pass_to_the_letter(bundle: Bundle, name: str) -> None:
    trials, problems = read_trials(FILES, bundle)
    assert problems == []
    (trial,) = [trial for trial in trials if trial.name == name]
    found = run(trial, bundle)
    assert found.passed, found.message
