"""Findings for other programs: SARIF 2.1.0 for code scanning, and the annotations of a workflow's log."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from gateway.topics.topic import Code
    from rules.problems import Problem, Spot

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ANNOTATIONS = {"error": "error", "warning": "warning", "note": "notice"}


def sarif(problems: "Sequence[Problem]", base: str) -> dict[str, Any]:
    """A SARIF log of one run. `base` is the desk's folder as seen from where one stands, with a slash at its end, or nothing."""
    from gateway.topics.codes import CODES

    known = [code for code in CODES.values() if any(p.code == code.code for p in problems)]
    places = {code.code: number for number, code in enumerate(known)}
    driver = {"name": "ticketgate", "version": version("ticketgate"), "rules": [_rule(code) for code in known]}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, places, base) for problem in problems],
            }
        ],
    }


def _rule(code: "Code") -> dict[str, Any]:
    return {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.cause},
        "help": {"text": code.remedy},
        "defaultConfiguration": {"level": code.level},
    }


def _result(problem: "Problem", places: dict[str, int], base: str) -> dict[str, Any]:
    said = {
        "ruleId": problem.code,
        "level": problem.level,
        "message": {"text": _whole(problem)},
        "locations": [{"physicalLocation": _location(problem.spot, base)}],
        "relatedLocations": [
            {"id": number, "physicalLocation": _location(spot, base), "message": {"text": spot.note or "see here too"}}
            for number, spot in enumerate(problem.related, 1)
        ],
        "partialFingerprints": {"ticketgate/v1": _fingerprint(problem)},
    }
    return said | ({"ruleIndex": places[problem.code]} if problem.code in places else {})


def _location(spot: "Spot", base: str) -> dict[str, Any]:
    place = spot.place
    region = {"startLine": max(place.line, 1), "startColumn": max(place.column, 1)}
    region |= {"endLine": region["startLine"], "endColumn": max(spot.end_column, region["startColumn"])}
    return {"artifactLocation": {"uri": quote(base + place.file)}, "region": region}


def _fingerprint(problem: "Problem") -> str:
    """The same for the same finding after lines above it were added."""
    return sha256("\n".join((problem.code, problem.place.file, problem.rule or "", problem.message)).encode()).hexdigest()


def _whole(problem: "Problem") -> str:
    help = problem.help[:1].upper() + problem.help[1:]
    return f"{problem.message}. {help}" if help else problem.message


def annotations(problems: "Iterable[Problem]", base: str) -> Iterator[str]:
    """A line for each finding, as a workflow's log takes it: ::error file=..,line=..::message"""
    for problem in problems:
        spot = problem.spot
        where = {"file": base + spot.place.file, "line": max(spot.place.line, 1), "endLine": max(spot.place.line, 1)}
        where |= {"col": max(spot.place.column, 1), "endColumn": spot.end_column, "title": problem.code}
        said = ",".join(f"{name}={_property(str(value))}" for name, value in where.items())
        yield f"::{ANNOTATIONS[problem.level]} {said}::{_data(_whole(problem))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
