"""What came of the rule tests: for people, as JSON, and as JUnit's XML, which every build server reads."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gateway.cli.options import VERSION_LINE, Options, line
from gateway.cli.streams import printable

if TYPE_CHECKING:
    from rules.coverage import Covered
    from rules.trial_values import Outcome

Format: TypeAlias = Literal["text", "json", "junit"]
MOST = 20
"""Findings of a coverage that are printed one by one."""


@dataclass(frozen=True, slots=True)
class Played:
    """All tests of a run with the seconds that each took, and what they covered where that was asked for."""

    outcomes: "tuple[tuple[Outcome, float], ...]"
    seconds: float
    covered: "Covered | None" = None

    @property
    def failed(self) -> int:
        return sum(not outcome.passed for outcome, _ in self.outcomes)


def report(chosen: Options, played: Played, format: Format) -> None:
    {"text": _as_text, "json": _as_json, "junit": _as_junit}[format](chosen, played)


def _as_text(chosen: Options, played: Played) -> None:
    out = chosen.out()
    for outcome, _ in played.outcomes:
        if outcome.passed and not chosen.quiet:
            out.print(f"✓ {outcome.name}", style="green")
        if not outcome.passed:
            out.print(f"✗ {outcome.name}   {outcome.file}:{outcome.line}", style="bold red")
            for text in outcome.message.splitlines():
                out.print(f"    {text}")
    if played.failed or not chosen.quiet:
        out.print()
    if played.covered is not None:
        for text, style in _coverage(played.covered):
            out.print(text, style=style)
    passed = len(played.outcomes) - played.failed
    out.print(f"{passed} passed, {played.failed} failed in {played.seconds:.2f} s.", style=f"bold {'red' if played.failed else 'green'}")


def _coverage(covered: "Covered") -> Iterator[tuple[str, str]]:
    fired = covered.rules - len(covered.never_fired)
    yield f"{fired} of {covered.rules} rules fire in a test ({covered.percent:.0f} %).", "bold"
    yield from _listed("No test fires:", [f"{rule.id}   {rule.place}" for rule in covered.never_fired])
    yield from _listed("Inside any, never decided:", [f"{way.written}   {way.place}" for way in covered.never_decided])
    yield "", ""


def _listed(title: str, some: list[str]) -> Iterator[tuple[str, str]]:
    if some:
        yield title, ""
    yield from ((f"  {text}", "yellow") for text in some[:MOST])
    if len(some) > MOST:
        yield f"  and {len(some) - MOST} more; --format json lists all", "yellow"


def _as_json(chosen: Options, played: Played) -> None:
    line(VERSION_LINE)
    for o, _ in played.outcomes:
        line({"type": "test", "name": o.name, "file": o.file, "line": o.line, "outcome": _word(o), "message": o.message})
    if played.covered is not None:
        line(_covered(played.covered))
    line({"type": "summary", "passed": len(played.outcomes) - played.failed, "failed": played.failed})


def _covered(covered: "Covered") -> dict[str, Any]:
    return {
        "type": "coverage",
        "rules": covered.rules,
        "percent": round(covered.percent, 1),
        "never_fired": [{"rule": r.id, "file": r.place.file, "line": r.place.line} for r in covered.never_fired],
        "never_decided": [{"test": w.written, "file": w.place.file, "line": w.place.line} for w in covered.never_decided],
    }


def _word(outcome: "Outcome") -> str:
    return "passed" if outcome.passed else "error" if outcome.error else "failed"


def _as_junit(chosen: Options, played: Played) -> None:
    """One suite for a file."""
    sys.stdout.write('<?xml version="1.0" encoding="utf-8"?>\n')
    counts = f'tests="{len(played.outcomes)}" failures="{played.failed}" time="{played.seconds:.3f}"'
    sys.stdout.write(f"<testsuites {counts}>\n")
    for file in dict.fromkeys(outcome.file for outcome, _ in played.outcomes):
        sys.stdout.write("\n".join(_suite(file, [one for one in played.outcomes if one[0].file == file])) + "\n")
    sys.stdout.write("</testsuites>\n")


def _suite(file: str, some: "Iterable[tuple[Outcome, float]]") -> Iterator[str]:
    from xml.sax.saxutils import escape, quoteattr  # half of urllib: not paid for by the other commands

    some = list(some)
    failures, errors = sum(_word(o) == "failed" for o, _ in some), sum(_word(o) == "error" for o, _ in some)
    name = quoteattr(printable(some[0][0].suite or file))
    yield f'  <testsuite name={name} tests="{len(some)}" failures="{failures}" errors="{errors}" file={quoteattr(file)}>'
    for outcome, seconds in some:
        where = f'classname={name} file={quoteattr(file)} line="{outcome.line}" time="{seconds:.4f}"'
        start = f"    <testcase name={quoteattr(printable(outcome.name))} {where}"
        if outcome.passed:
            yield f"{start}/>"
        else:
            kind = "error" if outcome.error else "failure"
            first = quoteattr(printable(outcome.message.partition("\n")[0]))
            said = escape(printable(f"{file}:{outcome.line}\n{outcome.message}"))
            yield f"{start}><{kind} message={first}>{said}</{kind}></testcase>"
    yield "  </testsuite>"
