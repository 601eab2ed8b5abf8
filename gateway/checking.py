"""Everything that is wrong in a desk, its rule tests among it. What the very same texts gave before is not worked out again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.desk_texts import CONFIG, texts
from gateway.remembered import Findings, Memory, digest
from rules.problems import Problem, ordered

if TYPE_CHECKING:
    from gateway.desk import Loaded

FILE = Path(".ticketgate") / "checked.json"


@dataclass(frozen=True, slots=True)
class Found:
    """What `check` says of a desk. `rules` is how many are in force, if `loaded`; `sources` are all texts by relative path."""

    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    rules: int
    loaded: bool


def found_in(folder: Path, config: Path | None = None) -> Found:
    """Asks no system and needs no secret. A file that could not be read, or a connector that is not ours, is looked at anew each time."""
    unread: list[Problem] = []
    sources = texts(folder, config or folder / CONFIG, unread)
    memory, name = Memory.of(folder / FILE), digest(sources)
    findings = None if unread else memory.findings(name)
    if findings is None:
        findings, ours = _looked(folder, sources, unread, memory)
        if ours and not unread:
            memory.keep(name, findings)
    return Found(findings.problems, sources, findings.rules, findings.loaded)


def _looked(folder: Path, sources: Mapping[str, str], unread: list[Problem], memory: Memory) -> tuple[Findings, bool]:
    """What is wrong, and whether the texts and our own code alone decide that: not where somebody else's connector has a say."""
    from connectors import BUILT_IN
    from gateway.desk import from_texts

    loaded = from_texts(folder, sources, found=unread, holidays=memory.holidays)
    rules = sum(len(s.rules) for s in loaded.bundle.rulesets) if loaded.bundle else 0
    found = Findings(ordered((*loaded.problems, *_of_tests(loaded))), rules, loaded.bundle is not None)
    return found, set(loaded.desk.connections.values()) <= BUILT_IN.keys()


def _of_tests(loaded: "Loaded") -> tuple[Problem, ...]:
    """What is wrong in the rule tests, and the rules that none of them fires when they are run."""
    from rules.lint_trials import fired, untested
    from rules.trial import read_trials

    if loaded.bundle is None:
        return ()
    trials, problems = read_trials(loaded.sources, loaded.bundle)
    return (*problems, *untested(loaded.bundle, fired(loaded.bundle, trials), loaded.sources))
