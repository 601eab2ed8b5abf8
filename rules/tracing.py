"""The record of a pass while it runs; kept only when somebody asks why."""

from typing import cast

from rules.bundle import Bundle, Rule, RuleSet
from rules.conditions import Result
from rules.explaining import Considered, ConsideredSet, What
from rules.ladders import Rung
from rules.look import Look
from rules.observation import Event
from rules.ready import Ready
from rules.working import Wanted


class Trace:
    """What came of each rule, in the order in which it was found out."""

    def __init__(self) -> None:
        self._found: dict[str, list[Considered]] = {}
        self._judged: dict[str, Result] = {}
        self._at: Event | Rung | None = None
        self._occasion = ""

    def judged(self, ready: Ready, look: Look, at: Event | Rung) -> bool:
        """Whether its condition holds; one that does not ends the matter. Raises what judging raises."""
        rule = ready.rule
        told = self._judged[rule.id] = ready.tells(look)
        if told.held:
            return True
        if at is not self._at:
            self._at, self._occasion = at, at.occasion
        said = Considered(
            rule=rule.id, place=rule.place, what="condition", mode=rule.mode, name=rule.name, occasion=self._occasion, condition=told
        )
        if rule.id in self._found:
            self._found[rule.id].append(said)
        else:
            self._found[rule.id] = [said]
        return False

    def add(self, ruleset: RuleSet, rule: Rule, what: str, occasion: str | None, stage: str | None, reason: str) -> None:
        """A rule that did not act, and why; said once when several reasons come together."""
        last = self._found.get(rule.id, [])
        if what in ("no_event", "no_stage", "disabled", "paused", "other_connection", "not_looked_at") and last:
            return
        self._put(rule, cast(What, what), occasion=occasion, stage=stage, reason=reason, condition=self._judged.get(rule.id))

    def acted(self, ruleset: RuleSet, rule: Rule, what: str, occasion: str, stage: str | None, before: Wanted, after: Wanted) -> None:
        """A rule that acted, or would have in shadow; what it asked for is what it added."""
        changes = tuple(c for name, c in after.mine.changes.items() if before.mine.changes.get(name) is not c)
        self._put(
            rule,
            cast(What, what),
            occasion=occasion,
            stage=stage,
            condition=self._judged.get(rule.id),
            changes=changes,
            actions=tuple(after.actions[len(before.actions) :]),
            notes=tuple(after.notes[len(before.notes) :]),
        )

    def sets(self, bundle: Bundle) -> tuple[ConsideredSet, ...]:
        """All rule sets in order; a rule of which nothing was heard was not looked at."""
        return tuple(
            ConsideredSet(id=s.id, file=s.file, pick=s.pick, title=s.title, rules=tuple(one for rule in s.rules for one in self._of(rule)))
            for s in bundle.rulesets
        )

    def _of(self, rule: Rule) -> tuple[Considered, ...]:
        found = self._found.get(rule.id)
        if found:
            return tuple(found)
        return (Considered(rule=rule.id, place=rule.place, what="not_looked_at", mode=rule.mode, name=rule.name),)

    def _put(self, rule: Rule, what: What, **details: object) -> None:
        considered = Considered(rule=rule.id, place=rule.place, what=what, mode=rule.mode, name=rule.name, **details)  # type: ignore[arg-type]
        self._found.setdefault(rule.id, []).append(considered)
