"""An explanation in words and in JSON: every rule, the value that was seen, the test that decided, what became of what was asked."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from gateway.cli.render import changed, created, happened, headline
from gateway.store.actions import Row
from gateway.store.passes import Pass
from rules.conditions import Result
from rules.explaining import Considered, ConsideredSet, Explanation
from rules.plan import AddComment, CreateTicket, FieldChange, JoinTicket, Notify, Update

Styled: TypeAlias = tuple[str, str]
Only: TypeAlias = Literal["matched", "failed"] | None

MATCHED = frozenset({"fired", "shadow", "limited"})
SIGNS = {"fired": "✓", "shadow": "◌", "limited": "◍", "failed": "!", "condition": "✗"}
STYLES = {"fired": "green", "shadow": "cyan", "limited": "yellow", "failed": "red"}
WORDS = {
    "shadow": "matched in shadow mode: recorded, nothing written",
    "no_event": "nothing happened that it names in when:",
    "no_stage": "no stage fell due",
    "disabled": "disabled",
    "paused": "paused: a person resumes it",
    "other_connection": "its set is for other connections",
}


def lines(found: Pass, told: Explanation, rows: Sequence[Row], rule: str | None, only: Only) -> Iterator[Styled]:
    """The whole answer, a line at a time, each with its style."""
    ticket = found.observation.ticket
    events = happened(found.plan) or "none"
    yield f"{headline(ticket, found.plan.redact)}   events: {events}   {found.at:%Y-%m-%d %H:%M:%S}Z   pass {found.id}", "bold"
    considered = len({c.rule for s in told.sets for c in s.rules})
    matched, shadow = told.count("fired", "limited"), told.count("shadow")
    policy = f"   SLA policy {told.policy}" if told.policy else ""
    yield f"rules {told.plan.bundle[:7]}   {considered} considered, {matched} matched, {shadow} in shadow{policy}", ""
    for ruleset in told.sets:
        yield from _set(ruleset, rule, only)
    for note in told.plan.notes:
        yield f"\n  note: {note}", "yellow"
    yield from _written(rows)


def _set(ruleset: ConsideredSet, rule: str | None, only: Only) -> Iterator[Styled]:
    wanted = [c for c in ruleset.rules if (rule is None or c.rule == rule) and _kept(c, only)]
    passed = [c for c in wanted if c.what == "not_looked_at"]
    rest = [c for c in wanted if c.what != "not_looked_at"]
    if not wanted:
        return
    yield f"\n {ruleset.file.removeprefix('rules/')}{'  (picks the first match)' if ruleset.pick == 'first' else ''}", "bold"
    for considered in rest:
        yield from _rule(considered)
    if passed:
        yield (
            f"  –  {len(passed)} later {'rule' if len(passed) == 1 else 'rules'} not looked at: " + ", ".join(c.rule for c in passed),
            "dim",
        )


def _kept(considered: Considered, only: Only) -> bool:
    if only is None:
        return True
    return (considered.what in MATCHED) is (only == "matched")


def _rule(considered: Considered) -> Iterator[Styled]:
    stage = f" {considered.stage}" if considered.stage else ""
    said = considered.reason or WORDS.get(considered.what, "")
    sign = SIGNS.get(considered.what, "–")
    style = STYLES.get(considered.what, "" if considered.what == "condition" else "dim")
    yield f"  {sign} {considered.rule + stage:<42} line {considered.place.line:<5} {said}".rstrip(), style
    for change in considered.changes:
        yield "      " + _change(change), ""
    for action in considered.actions:
        yield "      " + _asked(action), ""
    for note in considered.notes:
        yield f"      ({note})", "yellow"
    if considered.what == "condition" and considered.condition is not None:
        yield from _result(considered.condition, 3, top=True)


def _result(result: Result, depth: int, *, top: bool = False) -> Iterator[Styled]:
    """Only what decided, as a tree; what was not looked at is named at the end of its group."""
    pad = "  " * depth
    if not result.parts:
        yield f"{pad}{'✓' if result.held else '✗'} {result.written:<50} {result.seen}".rstrip(), "" if result.held else "red"
        return
    inner = depth if top and result.written == "all" else depth + 1
    if inner != depth:
        yield f"{pad}{result.written}", ""
    for part in result.parts:
        if part.held is not None:
            yield from _result(part, inner)
    left = [part.written for part in result.parts if part.held is None]
    if left:
        yield f"{'  ' * inner}not looked at: {', '.join(left)}", "dim"


def _change(change: FieldChange) -> str:
    what = f"{change.field:<10} {changed(change)}"
    return f"{what}   {change.note}" if change.note else what


def _asked(action: object) -> str:
    match action:
        case AddComment():
            kind = "reply" if action.public else "note"
            return f"{kind:<10} {action.template or ('a copy of ' + action.mirrors if action.mirrors else 'text')} on {action.target}"
        case CreateTicket():
            return f"create     {created(action)}"
        case JoinTicket():
            return f"link       {action.relation} {action.to or '(the one that is made)'}"
        case Notify():
            return f"notify     {action.to} {action.template or ''}".rstrip()
        case Update():
            return f"update     {action.target}: " + ", ".join(f"{c.field} {changed(c)}" for c in action.changes)
    return str(action)


def _written(rows: Sequence[Row]) -> Iterator[Styled]:
    """What became of each action of the pass, from the ledger."""
    if rows:
        yield "\n written", "bold"
    for row in rows:
        ended = f"{row.ended_at:%H:%M:%S}Z" if row.ended_at else ""
        tries = f", {row.attempts} tries" if row.attempts > 1 else ""
        reason = f": {row.reason}" if row.reason else ""
        style = "green" if row.state == "done" else "" if row.state in ("planned", "withdrawn") else "red"
        yield f"  {row.state:<10} {_asked(row.action)}   {ended}{tries}{reason}", style


def as_json(found: Pass, told: Explanation, rows: Iterable[Row], rule: str | None, only: Only) -> dict[str, Any]:
    """The same as one object, the source of any other form."""
    return {
        "type": "why",
        "ref": str(found.ref),
        "pass": found.id,
        "at": found.at.isoformat(),
        "events": list(found.plan.events),
        "rules": told.plan.bundle,
        "policy": told.policy,
        "sets": [
            {
                "file": s.file,
                "pick": s.pick,
                "rules": [_json_rule(c) for c in s.rules if (rule is None or c.rule == rule) and _kept(c, only)],
            }
            for s in told.sets
        ],
        "notes": list(told.plan.notes),
        "written": [
            {"action": _asked(r.action), "key": r.key, "state": r.state, "attempts": r.attempts, "reason": r.reason, "ended_at": r.ended_at}
            for r in rows
        ],
    }


def _json_rule(considered: Considered) -> dict[str, Any]:
    return {
        "rule": considered.rule,
        "what": considered.what,
        "mode": considered.mode,
        "file": considered.place.file,
        "line": considered.place.line,
        "occasion": considered.occasion,
        "stage": considered.stage,
        "reason": considered.reason,
        "changes": [_change(c) for c in considered.changes],
        "actions": [_asked(a) for a in considered.actions],
        "condition": _json_result(considered.condition) if considered.condition else None,
    }


def _json_result(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = {"written": result.written, "held": result.held, "seen": result.seen}
    return said | ({"parts": [_json_result(p) for p in result.parts]} if result.parts else {})
