"""Rules as their administrator wrote them, and which of them two desks write otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from gateway.desk import Loaded
from rules.bundle import Rule


def text_of(sources: Mapping[str, str], rule: Rule) -> str:
    """The lines of the rule in its file, comments among them, up to what is no longer indented like it."""
    lines = sources.get(rule.place.file, "").splitlines()[rule.place.line - 1 :]
    if not lines:
        return ""
    margin = len(lines[0]) - len(lines[0].lstrip())
    count = next((n for n, line in enumerate(lines) if n and line.strip() and len(line) - len(line.lstrip()) <= margin), len(lines))
    return dedent("\n".join(lines[:count])).rstrip()


@dataclass(frozen=True, slots=True)
class Difference:
    """Rules by id: those that come, those that go, and those that are written otherwise."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        groups = (("new", self.added), ("gone", self.removed), ("changed", self.changed))
        return "; ".join(f"{what}: {', '.join(ids)}" for what, ids in groups if ids) or "no rule is written otherwise"


def difference(before: Loaded, after: Loaded) -> Difference:
    """What an administrator wants to read before rules change. Definitions, templates and settings are not in it."""
    old, new = _texts(before), _texts(after)
    return Difference(
        tuple(id for id in new if id not in old),
        tuple(id for id in old if id not in new),
        tuple(id for id, text in new.items() if old.get(id, text) != text),
    )


def _texts(loaded: Loaded) -> dict[str, str]:
    rulesets = loaded.bundle.rulesets if loaded.bundle else ()
    return {rule.id: text_of(loaded.sources, rule) for ruleset in rulesets for rule in ruleset.rules}
