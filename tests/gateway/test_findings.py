"""Findings for other programs: SARIF 2.1.0 that a code scanner takes, and annotations that a workflow's log shows."""

import re
from pathlib import Path
from urllib.parse import unquote

import jsonschema_rs
import orjson
import pytest

from gateway.cli.findings import annotations, sarif
from rules.bundle import Place
from rules.problems import Problem, Spot
from tests.gateway.program import Desk, Program

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOCATION = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {
            "type": "object",
            "required": ["uri"],
            "properties": {"uri": {"type": "string", "format": "uri-reference", "pattern": "^[^/\\\\ ]+"}},
        },
        "region": {
            "type": "object",
            "required": ["startLine"],
            "additionalProperties": False,
            "properties": {name: {"type": "integer", "minimum": 1} for name in ("startLine", "startColumn", "endLine", "endColumn")},
        },
    },
}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {
        "id": {"type": "string", "pattern": "^TG\\d{3}$"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"properties": {"level": {"enum": ["none", "note", "warning", "error"]}}},
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "message", "locations"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"properties": {"physicalLocation": LOCATION}}},
        "relatedLocations": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "required": ["id", "physicalLocation", "message"],
                "properties": {"id": {"type": "integer", "minimum": 0}, "physicalLocation": LOCATION, "message": TEXT},
            },
        },
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "additionalProperties": False,
}
LOG = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "name": {"type": "string", "minLength": 1},
                                    "version": {"type": "string"},
                                    "rules": {"type": "array", "uniqueItems": True, "items": RULE},
                                },
                            }
                        },
                    },
                },
            },
        },
    },
}
"""What the standard (OASIS, section 3) and code scanners ask of the parts that we write."""

SPOILT = "      - reply: { text: 'We have {{ ticket.prority }}, 100%: ünïcode' }\n"


def fits(log: dict) -> None:
    assert [error.message for error in jsonschema_rs.Draft202012Validator(LOG, validate_formats=True).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])


@pytest.fixture
def spoilt(desk: Desk) -> Desk:
    desk.swap("rules/10-all.yaml", '      - reply: { text: "We have it." }\n', SPOILT)
    desk.swap(
        "rules/10-all.yaml", "  - id: acknowledge", "  - id: route\n    when: created\n    then: [{ stop: ticket }]\n  - id: acknowledge"
    )
    return desk


def test_sarif_is_what_the_standard_asks_for(program: Program, spoilt: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spoilt.folder.parent)
    done = program("-C", spoilt.folder.name, "check", "--format", "sarif")
    assert done.code == 1
    log = orjson.loads(done.out)
    fits(log)
    found = {result["ruleId"]: result for result in log["runs"][0]["results"]}
    assert set(found) == {"TG303", "TG301"}
    location = found["TG303"]["locations"][0]["physicalLocation"]
    file = Path(unquote(location["artifactLocation"]["uri"]))
    line = file.read_text(encoding="utf-8").splitlines()[location["region"]["startLine"] - 1]
    assert line[location["region"]["startColumn"] - 1 : location["region"]["endColumn"] - 1] == "ticket.prority"
    assert found["TG301"]["relatedLocations"][0]["message"]["text"] == "the first"


def test_sarif_of_a_clean_desk_has_a_run_without_results(program: Program, desk: Desk) -> None:
    log = orjson.loads(program("-C", desk, "check", "--format", "sarif").out)
    fits(log)
    assert log["runs"][0]["results"] == []


def test_a_finding_keeps_its_fingerprint_when_lines_are_added_above() -> None:
    def print_of(line: int) -> str:
        problem = Problem(code="TG202", message="there is none", place=Place("rules/ä b.yaml", line, 3), rule="r")
        (result,) = sarif([problem], "")["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "rules/%C3%A4%20b.yaml"
        return result["partialFingerprints"]["ticketgate/v1"]

    assert print_of(4) == print_of(9)


def test_a_workflow_shows_each_finding_at_its_line(program: Program, spoilt: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spoilt.folder)
    done = program("check", "--format", "github")
    assert done.code == 1
    for line in done.out.splitlines():
        assert re.fullmatch(r"::(error|warning|notice) file=[^,:]+,line=\d+,endLine=\d+,col=\d+,endColumn=\d+,title=TG\d{3}::.+", line)
    assert "::error file=rules/10-all.yaml,line=9,endLine=9,col=9,endColumn=14,title=TG301" in done.out


def test_what_a_workflow_would_misread_is_escaped() -> None:
    problem = Problem(code="TG101", message="100% of\nit: a, b", place=Place("a,b:c.yaml", 1), related=(Spot(Place("x", 1), 2),))
    (said,) = annotations([problem], "")
    assert said == "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=1,endColumn=2,title=TG101::100%25 of%0Ait: a, b"


def test_a_code_that_there_is_not_selects_nothing_in_silence_never(program: Program, desk: Desk) -> None:
    for option in ("--select", "--ignore"):
        done = program("-C", desk, "check", option, "TG9")
        assert (done.code, done.out) == (2, "")
        assert "There is no code that begins with 'TG9'" in done.err
