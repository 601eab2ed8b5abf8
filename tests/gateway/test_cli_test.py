"""`test`: what fails says why; what no test reaches is listed; build servers read it; a change runs it again."""

import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.gateway.program import Desk, Program, a_process, ended, until

RULES = """version: 1
conditions:
  vip:
    any:
      - requester.organization: [Northwind]
      - tags: { contains: vip }
rules:
  - id: hurry
    when: created
    if:
      use: vip
      priority: { below: high }
    then: [{ set: { priority: high } }]
  - id: greet
    when: created
    mode: shadow
    then: [{ reply: { text: Hello } }]
  - id: either
    when: updated
    if:
      any:
        - { type: incident, group: [a, b] }
        - use: vip
    then: [{ tag: { add: [x] } }]
"""
TESTS = """version: 1
suite: Important "people" & others
defaults: { now: 2026-03-02T10:00:00+01:00, ticket: { connection: desk, priority: normal } }
tests:
  - name: Northwind is in a hurry
    ticket: { requester: { organization: Northwind } }
    event: created
    expect: { fired: [hurry] }
  - name: nobody else is
    ticket: { requester: { organization: Alpine } }
    event: created
    expect: { fired: none }
"""


@pytest.fixture
def wrong(desk: Desk) -> Desk:
    """One test holds, and one does not."""
    desk.write("rules/10-all.yaml", RULES)
    desk.write("tests/all.test.yaml", TESTS.replace("fired: none", "fired: [hurry]"))
    return desk


@pytest.fixture
def right(desk: Desk) -> Desk:
    desk.write("rules/10-all.yaml", RULES)
    desk.write("tests/all.test.yaml", TESTS)
    return desk


def test_a_failure_names_its_place_what_was_expected_what_happened_and_the_tests_that_decided(program: Program, wrong: Desk) -> None:
    done = program("-C", wrong, "test")
    assert done.code == 1
    assert "✗ nobody else is   tests/all.test.yaml:9" in done.out
    assert "fired: expected 'hurry'; there were none" in done.out
    assert "hurry did not fire: rules/10-all.yaml:5 requester.organization is Northwind does not hold: 'Alpine'" in done.out
    assert "hurry did not fire: rules/10-all.yaml:6 tags contains vip does not hold: (empty)" in done.out
    assert "priority below high" not in done.out, "that test held"
    assert "1 passed, 1 failed" in done.out


def test_what_fires_and_should_not_says_which_tests_held(program: Program, right: Desk) -> None:
    right.swap("tests/all.test.yaml", "{ organization: Alpine }", "{ organization: Alpine }, tags: [vip]")
    done = program("-C", right, "test")
    assert "fired: 'hurry' was not expected" in done.out
    assert "hurry fired: rules/10-all.yaml:6 tags contains vip holds: [vip]" in done.out


def test_the_same_in_json_and_for_build_servers(program: Program, wrong: Desk) -> None:
    first, second, summary = program("-C", wrong, "--format", "json", "test").lines
    assert (first["outcome"], second["outcome"], summary["failed"]) == ("passed", "failed", 1)
    assert (second["file"], second["line"]) == ("tests/all.test.yaml", 9)
    done = program("-C", wrong, "test", "--format", "junit")
    assert done.code == 1
    root = ElementTree.fromstring(done.out.encode())
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    (suite,) = root
    assert suite.get("name") == 'Important "people" & others'
    passed, failed = suite
    assert (passed.get("name"), list(passed)) == ("Northwind is in a hurry", [])
    assert (failed.get("file"), failed.get("line")) == ("tests/all.test.yaml", "9")
    assert "expected 'hurry'" in str(failed[0].get("message"))
    assert "'Alpine'" in str(failed[0].text)


def test_coverage_lists_rules_that_no_test_fires_and_ways_that_never_decided(program: Program, right: Desk) -> None:
    done = program("-C", right, "test", "--coverage")
    assert done.code == 0
    assert "2 of 3 rules fire in a test (67 %)." in done.out
    assert "either   rules/10-all.yaml:18" in done.out
    assert "greet" not in done.out, "in shadow mode a match is all there can be"
    coverage = program("-C", right, "--format", "json", "test", "--coverage").lines[-2]
    assert [rule["rule"] for rule in coverage["never_fired"]] == ["either"]
    assert [(way["test"], way["line"]) for way in coverage["never_decided"]] == [
        ("use vip", 5),
        ("tags contains vip", 6),
        ("all of type is incident, group is a or b", 22),
    ]


def test_a_way_counts_as_decided_when_it_alone_made_the_difference(program: Program, right: Desk) -> None:
    more = (
        "  - name: by tag\n    ticket: { tags: [vip] }\n    event: updated\n    expect: { fired: [either] }\n"
        "  - name: by group\n    ticket: { type: incident, group: a }\n    event: updated\n    expect: { fired: [either] }\n"
    )
    right.write("tests/all.test.yaml", TESTS + more)
    coverage = program("-C", right, "--format", "json", "test", "--coverage").lines[-2]
    assert (coverage["percent"], coverage["never_fired"], coverage["never_decided"]) == (100.0, [], [])


@pytest.mark.parametrize(("under", "code"), [("66", 0), ("67", 1), ("0", 0), ("101", 2), ("many", 2)])
def test_a_bound_for_the_coverage(program: Program, right: Desk, under: str, code: int) -> None:
    assert program("-C", right, "test", "--fail-under", under).code == code


def test_names_and_paths_choose(program: Program, right: Desk) -> None:
    assert "1 passed, 0 failed" in program("-C", right, "test", "-k", "northwind").out
    right.write("tests/more/b.test.yaml", TESTS)
    assert "2 passed, 0 failed" in program("-C", right, "test", "tests/more").out
    assert "4 passed, 0 failed" in program("-C", right, "test").out
    assert program("-C", right, "test", "tests/nowhere").code == 2
    assert program("-C", right, "test", "-k", "nothing such").code == 2


@pytest.mark.slow
def test_a_change_runs_them_again_until_ctrl_c(right: Desk, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as file:
        process = a_process("-C", right, "test", "--watch", stdout=file, stderr=file)
        until(lambda: log.read_text().count("Waiting for changes") == 1)
        right.swap("tests/all.test.yaml", "fired: none", "fired: [hurry]")
        until(lambda: "1 passed, 1 failed" in log.read_text())
        right.write("rules/10-all.yaml", RULES.replace("when: created", "wen: created"))
        until(lambda: "there is no key called 'wen'" in log.read_text())
        right.write("rules/10-all.yaml", RULES)
        until(lambda: log.read_text().count("Waiting for changes") >= 4)  # a file half written may be seen as well
        process.send_signal(signal.SIGINT)
        assert ended(process).code == 130
    assert "2 passed, 0 failed" in log.read_text()
