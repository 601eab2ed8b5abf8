"""What is wrong in an administrator's files: problems as values, and how they are shown to a person or a program."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias
from unicodedata import category, east_asian_width

from msgspec import Struct

from rules.condition_tree import Place

Level: TypeAlias = Literal["error", "warning", "note"]
Style: TypeAlias = Literal["error", "warning", "note", "plain", "place", "frame", "caret", "help"]
Piece: TypeAlias = tuple[str, Style]

SHOWN = 20  # problems in full; the rest is counted
_GRAVITY = {"error": 0, "warning": 1, "note": 2}
WIDEST = 140  # characters of a line that a frame shows


class Spot(Struct, frozen=True):
    """A second place that helps to understand the first; `end_column` is the first column after it."""

    place: Place
    end_column: int
    note: str = ""


class Problem(Struct, frozen=True, kw_only=True):
    """One finding. `message` is one sentence, `note` stands under the caret, `help` says what to write instead."""

    code: str
    message: str
    place: Place
    end_column: int = 0  # first column after the spot; 0: one character
    level: Level = "error"
    note: str = ""
    help: str = ""
    rule: str | None = None
    related: tuple[Spot, ...] = ()

    @property
    def spot(self) -> Spot:
        return Spot(self.place, max(self.end_column, self.place.column + 1), self.note)

    def as_json(self) -> dict[str, Any]:
        """The object that `--format json` prints, without its `type`."""
        return {
            "code": self.code,
            "level": self.level,
            "message": self.message,
            **_json_spot(self.spot),
            "rule": self.rule,
            "help": self.help,
            "related": [{**_json_spot(spot), "message": spot.note} for spot in self.related],
        }


def _json_spot(spot: Spot) -> dict[str, Any]:
    place = spot.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.line,
        "end_column": spot.end_column,
    }


class Mistakes(Exception):
    """Nothing was loaded: holds every problem of every file, ordered by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = ordered(problems)
        super().__init__("; ".join(f"{p.place}: {p.code} {p.message}" for p in self.problems[:SHOWN]))

    def __str__(self) -> str:
        return rendered(self.problems, {})


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file, line and column, each problem once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.place.file, p.place.line, p.place.column, p.code)))


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(p for p in problems if p.level == "error")


def rendered(problems: Sequence[Problem], sources: Mapping[str, str]) -> str:
    """The problems as plain text with code frames, at most `SHOWN` in full, errors first; ends with a newline unless none."""
    return "".join(text for text, _ in pieces(problems, sources))


def pieces(problems: Sequence[Problem], sources: Mapping[str, str]) -> Iterator[Piece]:
    """The same text in coloured pieces: joined, they are what `rendered` gives. `sources` maps a file to its text."""
    for number, problem in enumerate(_gravest(problems)):
        if number:
            yield "\n", "plain"
        yield from _problem(problem, sources)
    left = len(problems) - SHOWN
    if left > 0:
        yield f"\n... and {left} more {'problem' if left == 1 else 'problems'}\n", "plain"


def _gravest(problems: Sequence[Problem]) -> Sequence[Problem]:
    """Those that are shown in full, in their order: notes never crowd out what keeps the desk from loading."""
    if len(problems) <= SHOWN:
        return problems
    chosen = set(sorted(range(len(problems)), key=lambda number: _GRAVITY[problems[number].level])[:SHOWN])
    return [problem for number, problem in enumerate(problems) if number in chosen]


def summary(problems: Sequence[Problem], files: int, rules: int, *, loaded: bool) -> str:
    """The closing line of `check`: 3 errors, 0 warnings in 8 files (41 rules).  Nothing was loaded."""
    counts = f"{_count(problems, 'error')}, {_count(problems, 'warning')} in {_many(files, 'file')} ({_many(rules, 'rule')})."
    return counts if loaded else f"{counts}  Nothing was loaded."


def _count(problems: Sequence[Problem], level: Level) -> str:
    return _many(sum(p.level == level for p in problems), level)


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _problem(problem: Problem, sources: Mapping[str, str]) -> Iterator[Piece]:
    width = max(len(str(spot.place.line)) for spot in (problem.spot, *problem.related))
    gap = " " * width
    yield f"{problem.level}[{problem.code}]", problem.level
    yield f": {safe(problem.message)}\n", "plain"
    yield from _located(" -->", problem.spot, gap, sources, "^", before=not problem.related)
    for spot in problem.related:
        yield from _located(" :::", spot, gap, sources, "-", before=False)
    if problem.help:
        yield f"{gap} = help: {safe(problem.help)}\n", "help"


def _located(arrow: str, spot: Spot, gap: str, sources: Mapping[str, str], mark: str, *, before: bool) -> Iterator[Piece]:
    place = spot.place
    yield f"{gap[1:]}{arrow} {safe(place.file)}:{place.line}:{place.column}\n", "place"
    lines = sources.get(place.file, "").splitlines()
    if 1 <= place.line <= len(lines):
        yield from _frame(lines, spot, gap, mark, before=before)
    elif spot.note:
        yield f"{gap} = {safe(spot.note)}\n", "frame"


def _frame(lines: Sequence[str], spot: Spot, gap: str, mark: str, *, before: bool) -> Iterator[Piece]:
    line = spot.place.line
    yield f"{gap} |\n", "frame"
    if before and line > 1 and lines[line - 2].strip():
        yield f"{line - 1:>{len(gap)}} | {_shown(lines[line - 2], 0)}\n", "frame"
    start = _window(lines[line - 1], spot.place.column)
    yield f"{line:>{len(gap)}} | {_shown(lines[line - 1], start)}\n", "frame"
    yield f"{gap} | ", "frame"
    yield f"{_underline(lines[line - 1], spot, start, mark)} {safe(spot.note)}".rstrip() + "\n", "caret"
    yield f"{gap} |\n", "frame"


def _underline(line: str, spot: Spot, start: int, mark: str) -> str:
    first = max(spot.place.column - 1, start)
    last = min(max(spot.end_column - 1, first + 1), max(len(line), first + 1), start + WIDEST)
    shift = 1 if start else 0
    return " " * (_cells(line[start:first]) + shift) + mark * max(_cells(line[first:last]), 1)


def _window(line: str, column: int) -> int:
    """Where a shown line begins, so that the spot of a very long line is in sight."""
    return max(column - WIDEST // 2, 0) if column > WIDEST - 20 else 0


def _shown(line: str, start: int) -> str:
    cut = line[start : start + WIDEST]
    return f"{'…' if start else ''}{safe(cut)}{'…' if len(line) > start + WIDEST else ''}"


def safe(text: str) -> str:
    """Fit for a terminal: a tab shows as →, other control characters cannot act."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("→" if c == "\t" else "\N{REPLACEMENT CHARACTER}" if category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)


def _cells(text: str) -> int:
    """How many columns of a terminal `text` fills."""
    if text.isascii():
        return len(text)
    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text)
