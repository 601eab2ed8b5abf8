"""A rule as its administrator wrote it."""

from collections.abc import Mapping
from textwrap import dedent

from rules.bundle import Rule


def text_of(sources: Mapping[str, str], rule: Rule) -> str:
    """The lines of the rule in its file, comments among them, up to what is no longer indented like it."""
    lines = sources.get(rule.place.file, "").splitlines()[rule.place.line - 1 :]
    if not lines:
        return ""
    margin = len(lines[0]) - len(lines[0].lstrip())
    count = next((n for n, line in enumerate(lines) if n and line.strip() and len(line) - len(line.lstrip()) <= margin), len(lines))
    return dedent("\n".join(lines[:count])).rstrip()
