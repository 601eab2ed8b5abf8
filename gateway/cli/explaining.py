"""An explanation as JSON, and that in words: every rule, the value that was seen, the test that decided, what became of what was asked.

What people read, here and on the pages, is made of the JSON alone: neither can show what the other lacks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from gateway.cli.render import attached, changed, created, happened, headline
from gateway.store.actions import Row, rules_of, target_of
from gateway.store.passes import Brief, Pass
from rules.conditions import Result
from rules.explaining import Considered, ConsideredSet, Explanation
from rules.plan import AddComment, Ask, Attach, Call, CreateTicket, FieldChange, JoinTicket, Notify, Page, Update, Webhook
from rules.ticket import replace

Styled: TypeAlias = tuple[str, str]
Only: TypeAlias = Literal["matched", "failed"] | None

MATCHED = frozenset({"fired", "shadow", "limited"})
SIGNS = {"fired": "✓", "shadow": "◌", "limited": "◍", "failed": "!", "condition": "✗"}
OF_ROW = ("key", "state", "attempts", "reason", "ended_at")
STYLES = {"fired": "green", "shadow": "cyan", "limited": "yellow", "failed": "red"}
WORDS = {
    "shadow": "matched in shadow mode: recorded, nothing written",
    "no_event": "nothing happened that it names in when:",
    "no_stage": "no stage fell due",
    "disabled": "disabled",
    "paused": "paused: a person resumes it",
    "other_connection": "its set is for other connections",
}


def lines(said: Mapping[str, Any]) -> Iterator[Styled]:
    """The whole answer, a line at a time, each with its style."""
    at = datetime.fromisoformat(said["at"])
    yield f"{said['headline']}   events: {said['happened'] or 'none'}   {at:%Y-%m-%d %H:%M:%S}Z   pass {said['pass']}", "bold"
    policy = f"   SLA policy {said['policy']}" if said["policy"] else ""
    counts = f"{said['considered']} considered, {said['matched']} matched, {said['shadow']} in shadow"
    yield f"rules {said['rules'][:7]} ({said['judged_by']})   {counts}{policy}", ""
    if said["differs"]:
        yield f"! {said['differs']}", "yellow"
    for ruleset in said["sets"]:
        yield from _set(ruleset)
    for note in said["notes"]:
        yield f"\n  note: {note}", "yellow"
    yield from _written(said["written"])
    yield from _earlier(said["passes"])


def _set(ruleset: Mapping[str, Any]) -> Iterator[Styled]:
    passed = [c["rule"] for c in ruleset["rules"] if c["what"] == "not_looked_at"]
    if not ruleset["rules"]:
        return
    yield f"\n {ruleset['file'].removeprefix('rules/')}{'  (picks the first match)' if ruleset['pick'] == 'first' else ''}", "bold"
    for considered in ruleset["rules"]:
        if considered["what"] != "not_looked_at":
            yield from _rule(considered)
    if passed:
        yield f"  –  {len(passed)} later {'rule' if len(passed) == 1 else 'rules'} not looked at: {', '.join(passed)}", "dim"


def _rule(considered: Mapping[str, Any]) -> Iterator[Styled]:
    what, condition = considered["what"], considered["condition"]
    name = considered["rule"] + (f" {considered['stage']}" if considered["stage"] else "")
    style = STYLES.get(what, "" if what == "condition" else "dim")
    said = considered["reason"] or WORDS.get(what, "")
    yield f"  {SIGNS.get(what, '–')} {name:<42} line {considered['line']:<5} {said}".rstrip(), style
    for text in (*considered["changes"], *considered["actions"]):
        yield f"      {text}", ""
    for note in considered["notes"]:
        yield f"      ({note})", "yellow"
    for one in considered["written"]:
        yield f"      {_sent(one)}", "green" if one["state"] == "done" else "red"
    if what == "condition" and condition is not None:
        yield from _result(condition, 3, top=True)


def _sent(one: Mapping[str, Any]) -> str:
    """`written to zendesk-eu 10:00:15Z, 1 request, 240 ms`, or how it stands instead."""
    if one["state"] != "done":
        return f"{one['state']} to {one['to']}{': ' + one['reason'] if one['reason'] else ''}"
    at, requests = datetime.fromisoformat(one["at"]), one["requests"]
    said = "".join(f"; {note}" for note in one["notes"])
    return f"written to {one['to']} {at:%H:%M:%S}Z, {requests} request{'s' if requests != 1 else ''}, {one['ms']:.0f} ms{said}"


def _result(result: Mapping[str, Any], depth: int, *, top: bool = False) -> Iterator[Styled]:
    """Only what decided, as a tree; what was not looked at is named at the end of its group."""
    pad, parts = "  " * depth, result.get("parts", ())
    if not parts:
        yield f"{pad}{'✓' if result['held'] else '✗'} {result['written']:<50} {result['seen']}".rstrip(), "" if result["held"] else "red"
        return
    inner = depth if top and result["written"] == "all" else depth + 1
    if inner != depth:
        yield f"{pad}{result['written']}", ""
    for part in parts:
        if part["held"] is not None:
            yield from _result(part, inner)
    left = [part["written"] for part in parts if part["held"] is None]
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
        case Attach():
            return f"attach     {attached(action)}"
        case CreateTicket():
            return f"create     {created(action)}"
        case JoinTicket():
            how = " by the system's own link" if action.native else ""
            return f"link       {action.relation} of {action.ticket}: {action.to or '(the one that is made)'}{how}"
        case Update():
            return f"update     {action.target}: " + ", ".join(f"{c.field} {changed(c)}" for c in action.changes)
    return _to_people(action)


def _to_people(action: object) -> str:
    match action:
        case Notify():
            return f"notify     {action.to} {action.template or ''}{f'asks approval {action.asks}' if action.asks else ''}".rstrip()
        case Page():
            return f"page       {action.to} ({action.urgency} urgency), page {action.id}"
        case Webhook():
            return f"webhook    to {action.to}"
        case Call():
            return f"call       {action.to}"
        case Ask():
            return f"approval   {action.id} asks {action.ask} until {action.due_at:%Y-%m-%d %H:%M}Z"
    return str(action)


def _written(rows: Sequence[Mapping[str, Any]]) -> Iterator[Styled]:
    """What became of each action of the pass, from the ledger."""
    if rows:
        yield "\n written", "bold"
    for row in rows:
        ended = f"{row['ended_at']:%H:%M:%S}Z" if row["ended_at"] else ""
        tries = f", {row['attempts']} tries" if row["attempts"] > 1 else ""
        reason = "".join(f": {said}" for said in (row["reason"], *row["notes"]) if said)
        style = "green" if row["state"] == "done" else "" if row["state"] in ("planned", "withdrawn") else "red"
        yield f"  {row['state']:<10} {row['action']}   {ended}{tries}{reason}", style


def _earlier(passes: Sequence[Mapping[str, Any]]) -> Iterator[Styled]:
    if passes:
        yield "\n other passes over it (why --pass ID)", "bold"
    for one in passes:
        fired = ", ".join(one["fired"]) or "nothing fired"
        yield f"  {one['pass']}   {one['at']:%Y-%m-%d %H:%M:%S}Z   {one['events'] or 'no events'}: {fired}", "dim"


# --- the source of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of a pass: its record, its rules judged again on it, its rows of the ledger, and the passes beside it.

    `judged_by`: recorded, or the folder whose files judged instead.
    """

    found: Pass
    told: Explanation
    rows: Sequence[Row] = ()
    passes: Sequence[Brief] = ()
    judged_by: str = "recorded"

    @property
    def differs(self) -> str:
        """Why the tree must not be taken for what happened; empty where the recorded plan came out again."""
        if self.judged_by != "recorded" or replace(self.told.plan, bundle="") == replace(self.found.plan, bundle=""):
            return ""
        return "judged again, these rules decide otherwise than they did then, by another release; what was written below is what happened"


def as_json(answer: Answer, rule: str | None, only: Only) -> dict[str, Any]:
    """Everything that is shown, as one object."""
    found, told = answer.found, answer.told
    return {
        "type": "why",
        "ref": str(found.ref),
        "headline": headline(found.observation.ticket, found.plan.redact),
        "pass": found.id,
        "at": found.at.isoformat(),
        "events": list(found.plan.events),
        "happened": happened(found.plan),
        "rules": told.plan.bundle,
        "judged_by": answer.judged_by,
        "differs": answer.differs,
        "considered": len({c.rule for s in told.sets for c in s.rules}),
        "matched": told.count("fired", "limited"),
        "shadow": told.count("shadow"),
        "policy": told.policy,
        "sets": [_json_set(s, answer.rows, rule, only) for s in told.sets],
        "notes": list(told.plan.notes),
        "written": [{"action": _asked(r.action), "notes": _notes(r), **{name: getattr(r, name) for name in OF_ROW}} for r in answer.rows],
        "passes": [{"pass": p.id, "at": p.at, "events": p.happened, "fired": list(p.fired)} for p in answer.passes if p.id != found.id],
    }


def _json_set(ruleset: ConsideredSet, rows: Sequence[Row], rule: str | None, only: Only) -> dict[str, Any]:
    wanted = [c for c in ruleset.rules if (rule is None or c.rule == rule) and _kept(c, only)]
    return {"file": ruleset.file, "pick": ruleset.pick, "rules": [_json_rule(c, rows) for c in wanted]}


def _kept(considered: Considered, only: Only) -> bool:
    if only is None:
        return True
    return (considered.what in MATCHED) is (only == "matched")


def _json_rule(considered: Considered, rows: Sequence[Row]) -> dict[str, Any]:
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
        "notes": list(considered.notes),
        "written": list(_sends(considered, rows)) if considered.what == "fired" else [],
        "condition": _json_result(considered.condition) if considered.condition else None,
    }


def _sends(considered: Considered, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """What of the rule's wishes went where: all that one system was sent for it, together."""
    mine = [row for row in rows if considered.rule in rules_of(row.action).split(",")]
    for to, state in dict.fromkeys((target_of(row.action)[0], str(row.state)) for row in mine):
        some = [row for row in mine if (target_of(row.action)[0], str(row.state)) == (to, state)]
        took = sum((r.ended_at - r.sent_at).total_seconds() for r in some if r.ended_at and r.sent_at)
        last = max((r.ended_at for r in some if r.ended_at), default=_planned(some))
        reason = next((r.reason for r in some if r.reason), None)
        where = to.removeprefix("notify:")
        requests = sum(r.attempts for r in some)
        sent = {"to": where, "state": state, "at": last.isoformat(), "requests": requests, "ms": took * 1000, "reason": reason}
        yield sent | {"notes": [note for row in some for note in _notes(row)]}


def _notes(row: Row) -> list[str]:
    """What was written otherwise than it was asked for."""
    return list(row.receipt.notes) if row.receipt else []


def _planned(rows: Sequence[Row]) -> datetime:
    """When the first of them was planned."""
    return min(row.planned_at for row in rows if row.planned_at)


def _json_result(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = {"written": result.written, "held": result.held, "seen": result.seen}
    place = {"file": result.place.file, "line": result.place.line} if result.place else {}
    return said | place | ({"parts": [_json_result(p) for p in result.parts]} if result.parts else {})
