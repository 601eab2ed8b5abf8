"""One thing that can be explained."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from rules.problems import Level

Kind: TypeAlias = Literal["code", "field", "operator", "verb", "event", "key", "setting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A finding of `check`. `wrong` provokes it and `right` does not: both are a rule file without its `version: 1`, unless it has one."""

    code: str
    title: str  # what it finds, as half a sentence
    level: Level
    cause: str
    remedy: str
    wrong: str = ""
    right: str = ""
    file: str = "rules/30-example.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Something that can be looked up. `facts` are (label, text) pairs; `examples` are YAML, each with its label."""

    name: str
    kind: Kind
    meaning: str
    facts: tuple[tuple[str, str], ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
