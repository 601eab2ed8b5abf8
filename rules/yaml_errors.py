"""The YAML parser's complaints in plain words, with the way out."""

from typing import Any

from yaml import YAMLError

from rules.bundle import Place
from rules.problems import Problem, Spot

# What libyaml says, what we say, and the remedy.
_SAID: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a ':' stands where none can be",
        "put a text that holds ': ' in quotes; entries of one map begin in one column",
    ),
    ("could not find expected ':'", "a key has no ':'", "write key: value"),
    ("expected ',' or ']'", "a list that begins with '[' is not closed", "separate its values by ',' and end it with ']'"),
    ("expected ',' or '}'", "a map that begins with '{' is not closed", "separate its entries by ',' and end it with '}'"),
    (
        "expected key",
        "this does not fit the lines above it",
        "entries of one map begin in one column",
    ),
    ("expected '-' indicator", "this does not fit the list above it", "entries of one list begin with '- ' in one column"),
    ("block sequence entries are not allowed", "a list cannot begin here", "begin the list on a line of its own"),
    ("unexpected end of stream", "a quote is opened and never closed", "close the quote"),
    ("unknown escape character", "this escape is not known", "write \\\\ for a backslash, or use single quotes"),
    (
        "expected <document start>",
        "there is something left over after the end",
        "remove it",
    ),
    ("expected node content", "a value is missing here", "write a value, or put the text in quotes"),
    ("incompatible YAML document", "this version of YAML is not read here", "remove the %YAML line"),
)


def syntax_problem(file: str, source: str, error: YAMLError) -> Problem:
    """What the parser stopped at, as TG103 where a tab is to blame and TG101 else."""
    lines = source.splitlines() or [""]
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _unreadable_character(file, source, error)
    line, column = (mark.line, mark.column) if mark.line < len(lines) else (len(lines) - 1, len(lines[-1]))
    indent = _tabbed(lines, line)
    if indent is not None:
        return tab_problem(file, *indent)
    message, help = _in_plain_words(str(getattr(error, "problem", "")), lines[line], column)
    return Problem(code="TG101", message=message, place=Place(file, line + 1, column + 1), help=help, related=_opened(file, mark, error))


def tab_problem(file: str, line: int, indent: str) -> Problem:
    """A tab at the beginning of a line, where it cannot be seen."""
    column = indent.index("\t") + 1
    return Problem(
        code="TG103",
        message="a tab stands in the indentation, shown as →",
        place=Place(file, line, column),
        end_column=column + 1,
        help="indent with spaces; most editors can convert tabs",
    )


def _tabbed(lines: list[str], line: int) -> tuple[int, str] | None:
    """The complaint's line or the one before it, with its indentation, when that holds a tab."""
    for number in (line, line - 1):
        if 0 <= number < len(lines):
            text = lines[number]
            indent = text[: len(text) - len(text.lstrip(" \t"))]
            if "\t" in indent:
                return number + 1, indent
    return None


def _in_plain_words(said: str, line: str, column: int) -> tuple[str, str]:
    if "cannot start any token" in said:
        return f"no value can begin with '{line[column : column + 1]}'", "put the text in quotes"
    for theirs, message, help in _SAID:
        if theirs in said:
            return message, help
    return f"this is not YAML: {said}", "see the line above too; indentation and quotes are the usual cause"


def _opened(file: str, mark: Any, error: YAMLError) -> tuple[Spot, ...]:
    """Where a bracket or quote that is not closed was opened."""
    context = getattr(error, "context_mark", None)
    said = str(getattr(error, "context", ""))
    if context is None or (context.line, context.column) == (mark.line, mark.column) or not ("flow" in said or "quoted" in said):
        return ()
    return (Spot(Place(file, context.line + 1, context.column + 1), context.column + 2, "opened here"),)


def _unreadable_character(file: str, source: str, error: YAMLError) -> Problem:
    character = getattr(error, "character", None)
    code = character if isinstance(character, int) else 0
    index = max(source.find(chr(code)), 0)
    line = source.count("\n", 0, index) + 1
    column = index - source.rfind("\n", 0, index)
    message = f"the character U+{code:04X} cannot be read" if isinstance(character, int) else "this is not YAML"
    return Problem(code="TG106", message=message, place=Place(file, line, column), help="remove it")
