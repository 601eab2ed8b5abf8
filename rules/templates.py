"""Texts with placeholders: Jinja2 in its immutable sandbox over plain data, with unknown names an error."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any, Self
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.idtracking import VAR_LOAD_RESOLVE
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from rules import literal

LONGEST = 100_000  # characters of one rendered text
MOST_STEPS = 10_000  # of all loops of one rendering together
_STEPS = "_steps_left"

_KNOWN_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Filter, nodes.Test, nodes.If, nodes.For, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand),
    *(
        nodes.Concat,
        nodes.List,
        nodes.Tuple,
        nodes.Keyword,
        nodes.Neg,
        nodes.Pos,
        nodes.Add,
        nodes.Sub,
        nodes.Mul,
        nodes.Div,
        nodes.FloorDiv,
    ),
)
_WHAT = {"Call": "a call", "Assign": "{% set %}", "AssignBlock": "{% set %}", "Macro": "{% macro %}", "Include": "{% include %}"}
_DATE_FORMAT = re.compile(r"(?:[^%]|%[a-zA-Z%])*")


class TemplateProblem(ValueError):
    """A text that is no template. `line` and `column` count from 1 in the file it came from."""

    def __init__(self, message: str, line: int, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class RenderProblem(ValueError):
    """A template that this ticket's data cannot fill; the message names the template and what was missing."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text. `names` are the dotted names it uses (`ticket.requester.email`), for `check` to look up."""

    text: str
    file: str = ""
    line: int = 1
    names: frozenset[str] = frozenset()
    _code: JinjaTemplate | None = field(default=None, repr=False, compare=False)

    @classmethod
    def compile(cls, text: str, file: str = "", line: int = 1, *, json: bool = False) -> Self:
        """Raises `TemplateProblem`. A template may hold placeholders, the filters of this module, `{% if %}` and `{% for %}`.

        `json`: what placeholders put into it is escaped as text within JSON is.
        """
        environment = _JSON if json else _ENVIRONMENT
        if len(text) > LONGEST:
            raise TemplateProblem(f"this template is longer than {LONGEST} characters", line)
        try:
            tree = environment.parse(text)
            _refuse_strange(tree, line)  # first of all: what writes the code already works out constants
            for loop in tree.find_all(nodes.For):
                loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
            writer = _Writer(environment, None, None)
            writer.visit(tree)
            return cls(text, file, line, frozenset(_names(tree, writer.looked_up)), writer.template())
        except (TemplateSyntaxError, TemplateAssertionError) as wrong:
            raise TemplateProblem(_plain_message(wrong), line + (wrong.lineno or 1) - 1, _column(text, wrong)) from None
        except (RecursionError, SyntaxError, MemoryError, OverflowError):  # Python's own limits on what Jinja writes for it
            raise TemplateProblem("this template is nested too deeply", line) from None

    def render(self, context: Mapping[str, Any], *, markdown: bool = False) -> str:
        """The text filled with `context`, which holds plain data only. Raises `RenderProblem`.

        `markdown`: the text is Markdown, in which every value is shown as it is, whatever it holds.
        """
        if self._code is None:
            return self.text
        try:
            printed = _within_limit(self._code.generate({**context, _STEPS: [MOST_STEPS]}))
            return literal.placed(printed) if markdown else literal.bare(printed)
        except RenderProblem as wrong:
            raise RenderProblem(f"{self._where}: {wrong}") from None
        except (TemplateError, SecurityError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as wrong:
            raise RenderProblem(f"{self._where}: {wrong}") from None

    @property
    def _where(self) -> str:
        return f"template {self.file}:{self.line}" if self.file else "template"


class _Environment(ImmutableSandboxedEnvironment):
    """A name behind a dot is a key of our data, never a method of it; a text is not multiplied."""

    intercepted_binops = frozenset({"*"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(f"there is no '{attribute}' here", name=attribute)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError("only numbers can be multiplied")
        return super().call_binop(context, operator, left, right)


# --- filters ---------------------------------------------------------------------------------------------------------


def _date(value: datetime | date | None, pattern: str = "%Y-%m-%d %H:%M", zone: str = "UTC") -> str:
    """A moment as text, in UTC or the zone named."""
    if value is None:
        return ""
    if not isinstance(value, date):
        raise RenderProblem("'date' is for moments, like ticket.created_at")
    if not _DATE_FORMAT.fullmatch(pattern) or len(pattern) > 200:
        raise RenderProblem(f"'{pattern[:40]}' is no pattern for a date; write it like %d.%m.%Y %H:%M")
    return str((value.astimezone(ZoneInfo(zone)) if isinstance(value, datetime) else value).strftime(pattern))


def _duration(value: timedelta | float | None) -> str:
    """An amount of time as `3d 4h`, `2h 30m`, `45s`; numbers are seconds."""
    if value is None:
        return ""
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    shown = [f"{n}{unit}" for n, unit in parts if n]
    return sign + " ".join(shown[:2]) if shown else "0s"


def _first_name(value: str | None) -> str:
    """`Ana` of `Ana Silva` and of `Silva, Ana`."""
    if not value or not value.strip():
        return ""
    _, comma, behind = value.partition(",")
    return (behind if comma and behind.strip() else value).split()[0].rstrip(",")


def _default(value: Any, instead: Any = "") -> Any:
    """`instead`, where the field is empty."""
    return instead if isinstance(value, StrictUndefined) or value is None or value in ("", []) else value


def _truncate(value: Any, length: int = 255, end: str = "…") -> str:
    """At most `length` characters, cut between words where that loses little."""
    text = str(_shown(value))
    if len(text) <= length:
        return text
    cut = text[: max(length - len(end), 0)]
    words = cut.rpartition(" ")[0]
    return (words if len(words) > len(cut) // 2 else cut) + end


@pass_context
def _counted(context: Context, values: Iterable[Any] | None) -> Iterator[Any]:
    left = context[_STEPS]
    for value in values or ():
        left[0] -= 1
        if left[0] < 0:
            raise RenderProblem(f"its loops take more than {MOST_STEPS} steps")
        yield value


def _shown(value: Any) -> Any:
    """What a placeholder prints: nothing for an empty field, a set's members by name, a moment in UTC."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(sorted(str(v) for v in value) if isinstance(value, frozenset) else (str(v) for v in value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, timedelta):
        return _duration(value)
    return value if isinstance(value, StrictUndefined) else str(value)


def _printed(value: Any) -> Any:
    """The same between marks, so that the text knows its values from its own words."""
    shown = _shown(value)
    return literal.marked(shown) if isinstance(shown, str) and shown else shown


def _in_json(value: Any) -> Any:
    """What a placeholder prints within JSON: text without the quotes around it, true and false as JSON has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = _shown(value)
    return json.dumps(shown, ensure_ascii=False)[1:-1] if isinstance(shown, str) else shown


def _made(shown: Callable[[Any], Any]) -> _Environment:
    made = _Environment(undefined=StrictUndefined, cache_size=0, autoescape=False, finalize=shown, keep_trailing_newline=False)
    made.globals = {}
    made.filters = {"date": _date, "duration": _duration, "first_name": _first_name, "default": _default, "truncate": _truncate}
    made.filters["counted"] = _counted
    return made


_ENVIRONMENT, _JSON = _made(_printed), _made(_in_json)


# --- reading ---------------------------------------------------------------------------------------------------------


class _Writer(CodeGenerator):
    """Jinja's own, which writes a template as Python, and keeps as well which names it looks up in the data (as `jinja2.meta` does)."""

    def __init__(self, environment: Environment, name: str | None, filename: str | None) -> None:
        self.written = StringIO()
        super().__init__(environment, name, filename, self.written)
        self.looked_up: set[str] = set()

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        self.looked_up |= {name for how, name in frame.symbols.loads.values() if how == VAR_LOAD_RESOLVE and name is not None}

    def template(self) -> JinjaTemplate:
        """What was written, read by Python."""
        code = compile(self.written.getvalue(), "<template>", "exec")
        return JinjaTemplate.from_code(self.environment, code, self.environment.make_globals(None))


def _refuse_strange(tree: nodes.Template, line: int) -> None:
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name) and node.name.startswith("_"):
            raise TemplateProblem(f"there is no '{node.name}' to put into a text", line + node.lineno - 1)
        if isinstance(node, nodes.Filter) and node.name == "counted":
            raise TemplateProblem("there is no filter called 'counted'", line + node.lineno - 1)
        if not isinstance(node, _KNOWN_NODES) or (isinstance(node, nodes.For) and node.recursive):
            what = _WHAT.get(type(node).__name__, "this")
            raise TemplateProblem(f"{what} is not for templates; they know placeholders, if and for", line + node.lineno - 1)


def _names(tree: nodes.Template, ours: set[str]) -> Iterator[str]:
    """The dotted names that begin with one of `ours`."""
    inner = {id(node.node) for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all((nodes.Getattr, nodes.Name)):
        if id(node) in inner:
            continue
        dotted = _dotted(node)
        if dotted and dotted.partition(".")[0] in ours:
            yield dotted


def _dotted(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name if node.ctx == "load" else None
    if isinstance(node, nodes.Getattr):
        front = _dotted(node.node)
        return f"{front}.{node.attr}" if front else None
    return None


def _plain_message(wrong: TemplateSyntaxError) -> str:
    message = (wrong.message or "this is no template").rstrip(".")
    unknown = re.match(r"No filter named '(\w+)'", message)
    if unknown:
        return f"there is no filter called '{unknown[1]}'; there are date, duration, first_name, default and truncate"
    return f"this text is no template: {message}"


def _column(text: str, wrong: TemplateSyntaxError) -> int:
    lines = text.splitlines()
    at = (wrong.lineno or 1) - 1
    found = re.search(r"\{[{%]", lines[at]) if at < len(lines) else None
    return found.start() + 1 if found else 1


def _within_limit(pieces: Iterable[str]) -> str:
    kept, length = [], 0
    for piece in pieces:
        length += len(literal.bare(piece))
        if length > LONGEST:
            raise RenderProblem(f"the text is longer than {LONGEST} characters")
        kept.append(piece)
    return "".join(kept)
