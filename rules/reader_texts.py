"""Texts with placeholders: template files and texts inside rules, each name in them looked up (TG303, TG304)."""

import re
from collections.abc import Iterable

from rules.bundle import Place
from rules.fields import FIELDS, SYNONYMS, nearest
from rules.nodes import Node, Scalar
from rules.problems import Problem
from rules.reader_context import SLUG, Reading
from rules.templates import Template, TemplateProblem
from rules.wording import APPROVAL_NAMES, RULE_NAMES, SLA_NAMES

LANGUAGE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{2,8})*")
_TEMPLATE_FILE = re.compile(r"templates/([^/]+)/([^/]+)\.md")
_MORE = ("ticket.key", "ticket.shown_as", "ticket.requester", "ticket.custom", "comment.at")


def placeholders(r: Reading) -> frozenset[str]:
    """Every name that a text may use."""
    fields = (name if name.startswith(("comment.", "sla.")) else f"ticket.{name}" for name in FIELDS)
    own = (f"ticket.custom.{name}" for name in r.fields if name not in FIELDS)
    metrics = (f"sla.{metric}" for metric in r.metrics)
    return frozenset((*fields, *own, *_MORE, *RULE_NAMES, *SLA_NAMES, *APPROVAL_NAMES, *metrics))


def has_placeholders(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


def compile_text(r: Reading, node: Node, text: str | None = None, *, json: bool = False) -> Template | None:
    """A text written in a rule, or `text` made of it; TG303 at the placeholder that is wrong."""
    text = node.text if text is None and isinstance(node, Scalar) else text or ""
    try:
        made = Template.compile(text, node.file, node.line, json=json)
    except TemplateProblem as wrong:
        r.wrong(node, "TG303", wrong.message, help="placeholders are written {{ ticket.subject }}")
        return None
    for name in sorted(made.names - placeholders(r)):
        if not _excused(r, name):
            r.wrong(_part(r, node, name), "TG303", f"there is no placeholder called '{name}'", help=placeholder_help(r, name))
    _use_fields(r, made.names)
    return made


def _part(r: Reading, node: Node, name: str) -> Node:
    """Where in the source of a text the name stands; the whole text where that cannot be told."""
    lines = r.files.get(node.file, "").splitlines()[node.line - 1 : node.end_line]
    for number, line in enumerate(lines, node.line):
        found = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.])").search(line, node.column - 1 if number == node.line else 0)
        if found:
            return Scalar(node.file, number, found.start() + 1, number, found.end() + 1)
    return node


def placeholder_help(r: Reading, name: str) -> str:
    known = placeholders(r)
    bare = name.removeprefix("ticket.")
    behind = f"ticket.{SYNONYMS.get(bare, bare)}"
    meant = behind if behind in known and behind != name else nearest(name, known)
    start = f"did you mean '{meant}'?  " if meant else ""
    return f"{start}Any field stands behind 'ticket.', like ticket.requester.email"


def _excused(r: Reading, name: str) -> bool:
    """A custom field that a file which could not be read may declare."""
    return name.startswith("ticket.custom.") and r.perhaps_in_broken_file(name.removeprefix("ticket.custom."))


def _use_fields(r: Reading, names: Iterable[str]) -> None:
    for name in names:
        definition = r.definitions.get(("field", name.removeprefix("ticket.").removeprefix("custom.")))
        if definition is not None:
            definition.used = True


# --- template files --------------------------------------------------------------------------------------------------


def find_templates(r: Reading) -> dict[str, dict[str, str]]:
    """Name and language of every template with its file; the names are then known to the rules."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(r.files):
        match = _TEMPLATE_FILE.fullmatch(file)
        if (
            match
            and not match[1].startswith((".", "_"))
            and not match[2].startswith((".", "_"))
            and _well_named(r, file, match[1], match[2])
        ):
            found.setdefault(match[1], {})[match[2].casefold()] = file
    r.template_names = frozenset(found)
    return found


def _well_named(r: Reading, file: str, name: str, language: str) -> bool:
    if not SLUG.fullmatch(name):
        _in_file(
            r, "TG210", f"'{name}' cannot be the name of a template", file, help="name its folder with small letters, digits and hyphens"
        )
        return False
    if not LANGUAGE.fullmatch(language.casefold()):
        _in_file(r, "TG211", f"'{language}' is not a language", file, help="name the file after a language: en.md, pt-br.md")
        return False
    return True


def _in_file(r: Reading, code: str, message: str, file: str, line: int = 1, column: int = 1, width: int = 1, help: str = "") -> None:
    r.problems.append(Problem(code=code, message=message, place=Place(file, line, column), end_column=column + width, help=help))


def read_templates(r: Reading, found: dict[str, dict[str, str]]) -> None:
    """Compile every template; TG303 for what is wrong in one."""
    known = placeholders(r)
    for name, files in found.items():
        r.templates[name] = {}
        for language, file in files.items():
            r.used_files.add(file)
            made = _compiled(r, file, known)
            if made is not None:
                r.templates[name][language] = made


def _compiled(r: Reading, file: str, known: frozenset[str]) -> Template | None:
    text = r.files[file]
    try:
        made = Template.compile(text, file)
    except TemplateProblem as wrong:
        _in_file(r, "TG303", wrong.message, file, wrong.line, wrong.column, help="placeholders are written {{ ticket.subject }}")
        return None
    for name in sorted(made.names - known):
        if not _excused(r, name):
            line, column = _where(text, name)
            _in_file(r, "TG303", f"there is no placeholder called '{name}'", file, line, column, len(name), help=placeholder_help(r, name))
    _use_fields(r, made.names)
    return made


def _where(text: str, name: str) -> tuple[int, int]:
    found = re.search(rf"\{{[{{%][^}}]*?(?<![\w.])({re.escape(name)})(?![\w.])", text)
    start = found.start(1) if found else 0
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


# --- which template, in which language -------------------------------------------------------------------------------


def template_named(r: Reading, node: Node, language: str) -> str | None:
    """A template that exists (TG302) and has a translation that the chain of languages reaches (TG304)."""
    name = r.text(node, "'template'")
    if name is None:
        return None
    if name not in r.template_names:
        r.used_templates.update(close for close in (nearest(name, r.template_names),) if close)  # a slip is one problem, not two
        r.unknown(
            node,
            "TG302",
            f"there is no template called '{name}'",
            name,
            r.template_names,
            f"write templates/{name}/{r.desk.default_language}.md",
        )
        return None
    r.used_templates.add(name)
    wanted = r.desk.default_language if language == "auto" else language
    if not _reached(r, name, wanted):
        have = ", ".join(sorted(_languages(r, name)))
        message = f"template '{name}' is not there in '{wanted}'"
        why = "the language to which all others fall back" if language == "auto" else "the language that this step names"
        r.wrong(node, "TG304", message, help=f"add templates/{name}/{wanted}.md, {why}; there is {have}")
    return name


def _languages(r: Reading, name: str) -> set[str]:
    return {match[2].casefold() for file in r.files if (match := _TEMPLATE_FILE.fullmatch(file)) and match[1] == name}


def _reached(r: Reading, name: str, wanted: str) -> bool:
    code = wanted.casefold().replace("_", "-")
    have = {language.replace("_", "-") for language in _languages(r, name)}
    return code in have or code.partition("-")[0] in have
