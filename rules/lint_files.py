"""TG412 for files: a `sync` that would carry them to where they cannot go, or where all that is internal stays behind."""

from collections.abc import Iterator, Sequence

from rules.asking import steps_of
from rules.bundle import Rule, RuleSet, Sync, SyncFiles
from rules.lint_abilities import connections_of, unable_there
from rules.problems import Problem
from rules.reader_context import Reading

BOTH = frozenset({"public", "internal"})
REMEDY = "write attachments: { owner: CONNECTION } for the way that is open, or leave attachments: out"
ONLY = "write only: public, so that nobody expects them there"


def files(r: Reading, rulesets: Sequence[RuleSet]) -> Iterator[Problem]:
    """An error where no file could go anywhere, a note where one way is closed or internal files stay. What is not known is no finding."""
    for ruleset in rulesets:
        for rule in ruleset.rules:
            for step in steps_of(rule) if rule.mode != "disabled" else ():
                match step.verb:
                    case Sync(partner=partner, attachments=SyncFiles() as wanted):
                        ways = _targets(connections_of(r.desk, ruleset, rule), partner, wanted.owner)
                        yield from _of_files(r, rule, wanted, ways)


def _targets(concerned: frozenset[str], partner: str, owner: str | None) -> frozenset[str]:
    """The connections that are to take files."""
    others = concerned - {partner}
    if owner is None:
        return others | {partner} if others else frozenset()
    return others if owner == partner else frozenset({partner}) if owner in others else frozenset()


def _of_files(r: Reading, rule: Rule, wanted: SyncFiles, targets: frozenset[str]) -> Iterator[Problem]:
    takes = {name: r.desk.attaches.get(name, frozenset()) if name in r.desk.writes else BOTH for name in targets}
    closed = sorted(name for name, can in takes.items() if not can)
    showing = sorted(name for name, can in takes.items() if can and "internal" not in can)
    if closed:
        message = f"no files can go to {', '.join(closed)}: {'it takes' if len(closed) == 1 else 'they take'} none"
        yield unable_there(r, rule, wanted.place, message, REMEDY, none=len(closed) == len(targets))
    if showing and not wanted.public_only:
        message = f"internal files stay behind: {', '.join(showing)} would show them to customers"
        yield unable_there(r, rule, wanted.place, message, ONLY, none=False)
