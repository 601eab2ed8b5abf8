"""What can be said of rules without running them: the TG4xx findings, and the comments that silence them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rules.asking import lists_of
from rules.bundle import Moment, OnSla, Place, Rule, RuleSet, Say, StageSpec, Step, Stop
from rules.lint_abilities import abilities
from rules.lint_allowed import allowances, unsilenced
from rules.lint_cycles import cycles
from rules.lint_files import files
from rules.lint_overlap import double_writes
from rules.lint_reach import reach
from rules.problems import Problem
from rules.reader_context import KIND_KEYS, Reading
from rules.ticket import replace

_KIND = {"field": "custom field"}


def lint(r: Reading, rulesets: Sequence[RuleSet]) -> tuple[Problem, ...]:
    """All findings that no comment silences, and TG206 for a comment without a code or a reason."""
    found = [problem for rules in rulesets for rule in rules.rules for problem in _of_rule(r, rule)]
    found += reach(r, rulesets)
    found += double_writes(r, rulesets)
    found += (*abilities(r, rulesets), *files(r, rulesets))
    found += cycles(r, rulesets)
    found += _unused(r)
    allowed, mistakes = allowances({file: r.files[file] for file in sorted(r.used_files)}, rulesets)
    return (*unsilenced(found, allowed), *mistakes)


def _of_rule(r: Reading, rule: Rule) -> Iterator[Problem]:
    if rule.mode == "disabled":
        return
    for steps in lists_of(rule):
        yield from _after_stop(r, rule, steps)
    yield from _unlimited(r, rule)
    yield from _out_of_order(r, rule)


def finding(r: Reading, code: str, place: Place, message: str, rule: str | None = None, **more: object) -> Problem:
    """A finding at a place that the reader remembers the extent of."""
    spot = r.extent(place)
    made = Problem(code=code, message=message, place=place, end_column=spot.end_column, rule=rule, level="warning")
    return replace(made, **more)


def _after_stop(r: Reading, rule: Rule, steps: Sequence[Step]) -> Iterator[Problem]:
    for step, behind in pairwise(steps):
        if isinstance(step.verb, Stop):
            yield finding(
                r,
                "TG413",
                behind.place,
                f"'{behind.name}' stands after 'stop'",
                rule.id,
                note=f"in rule '{rule.id}'",
                help="put 'stop' last: it ends what comes after this rule, not this list",
                related=(r.extent(step.place),),
            )
            return


def _unlimited(r: Reading, rule: Rule) -> Iterator[Problem]:
    """A ladder answers once for each stage and climb; every other rule wants a limit of its own."""
    limits = rule.limits
    if limits.per_ticket or limits.per_requester or limits.total:
        return
    for step in rule.steps:
        if isinstance(step.verb, Say) and step.verb.public:
            yield finding(
                r,
                "TG406",
                step.place,
                f"rule '{rule.id}' replies to customers without a limit",
                rule.id,
                help="add limits: { per_requester: 1 per 12h }",
            )


# --- ladders ---------------------------------------------------------------------------------------------------------


def _out_of_order(r: Reading, rule: Rule) -> Iterator[Problem]:
    amounts = tuple(_targets(r, rule)) or (None,)
    for before, after in pairwise(rule.stages):
        if any(_falls_before(after, before, amount) for amount in amounts):
            yield finding(
                r,
                "TG408",
                after.place,
                f"stage '{after.name}' stands below '{before.name}' but falls due before it",
                rule.id,
                level="error",
                help="write the stages in the order in which they fall due",
                related=(r.extent(before.place),),
            )
            return


def _targets(r: Reading, rule: Rule) -> Iterator[float]:
    """Every target in seconds that the rule's clock can have; targets in business days have no fixed length."""
    for trigger in rule.triggers:
        if isinstance(trigger, OnSla):
            for policy in r.policies.values():
                if trigger.policy in (None, policy.name):
                    clock = policy.clocks.get(trigger.metric)
                    spans = (target.within for target in clock.targets) if clock else ()
                    yield from (span.time.total_seconds() for span in spans if span and not span.days)


def _falls_before(one: StageSpec, other: StageSpec, target: float | None) -> bool:
    if one.after is not None and other.after is not None:
        if (one.after.business, bool(one.after.days)) != (other.after.business, bool(other.after.days)):
            return False
        return (one.after.days, one.after.time) <= (other.after.days, other.after.time)
    if one.at is None or other.at is None:
        return False
    first, second = _share(one.at, target), _share(other.at, target)
    return first is not None and second is not None and first <= second


def _share(at: Moment, target: float | None) -> float | None:
    """The moment in seconds of the target, or in percent where the target is not known and that can be said."""
    offset = at.offset.total_seconds()
    if target is not None:
        return target * (100 if at.percent is None else at.percent) / 100 + offset
    if at.percent is not None:
        return float(at.percent)
    return 100.0 + offset / 1e9 if offset >= 0 else None


# --- what nothing uses -----------------------------------------------------------------------------------------------


def _unused(r: Reading) -> Iterator[Problem]:
    for definition in r.definitions.values():
        if definition.kind in KIND_KEYS and definition.kind != "policy" and not definition.used and not r.broken:
            if definition.kind == "field" and (f"custom.{definition.name}" in r.desk.counted or definition.name == "split_from"):
                continue
            kind = _KIND.get(definition.kind, definition.kind)
            spot = definition.key.spot()
            yield Problem(
                code="TG407",
                level="note",
                message=f"nothing uses the {kind} '{definition.name}'",
                place=spot.place,
                end_column=spot.end_column,
                help="remove it, or name it where it was meant",
            )
    for name in sorted(r.template_names - r.used_templates):
        if not r.broken:
            file = min(file for file in r.files if file.startswith(f"templates/{name}/"))
            yield Problem(
                code="TG407", level="note", message=f"nothing uses the template '{name}'", place=Place(file, 1), help="remove its folder"
            )
