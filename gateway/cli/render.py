"""Plans and values in words and in JSON: the same for `plan`, `why`, `backfill` and the demo."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, assert_never

from rules.attaching import sized
from rules.pii import Wanted, redacted
from rules.plan import Action, AddComment, Ask, Attach, Call, CreateTicket, FieldChange, JoinTicket, Notify, Page, Plan, Update, Webhook
from rules.ticket import Person, Ticket, Value


def shown(value: object) -> str:
    """A value as a person reads it; nothing is `(empty)`."""
    match value:
        case None | "":
            return "(empty)"
        case frozenset():
            return ", ".join(sorted(map(str, value))) or "(empty)"
        case Person():
            return value.known_as or "(somebody)"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case bool():
            return "true" if value else "false"
        case _:
            return " ".join(str(value).split())


def lines(plan: Plan) -> Iterator[str]:
    """What a plan would do, a line for each thing: what, before and after, the rule, its place. `!` marks what people will hear."""
    for action in plan.actions:
        yield from _lines(plan, action)
    for note in plan.notes:
        yield f"    ({note})"
    for failure in plan.failures:
        yield f"  x rule {failure.rule} could not be evaluated: {failure.reason}   {failure.place}"


def _lines(plan: Plan, action: Action) -> Iterator[str]:
    match action:
        case Update():
            where = "" if action.target == plan.ref else f"{action.target} "
            for change in action.changes:
                yield _row(" ", where + change.field, changed(change), change.rule, change.place, change.note)
        case AddComment():
            yield _row("!" if action.public else " ", "reply" if action.public else "note", _said(plan, action), action.rule, action.place)
        case Attach():
            yield _row("!" if action.public else " ", "attach", attached(action), action.rule, action.place)
        case CreateTicket():
            yield _row("!", "create", created(action), action.rule, action.place)
        case JoinTicket():
            yield _row(" ", "link", _joined(plan, action), action.rule, action.place)
        case Notify() | Page() | Call() | Ask() | Webhook():
            yield from _to_people(action)
        case _:
            assert_never(action)


def attached(action: Attach) -> str:
    """The file, where it goes, and whether customers see it there."""
    size = f" ({sized(action.file.size)})" if action.file.size is not None else ""
    return f"{action.name}{size} of {action.source} to {action.target}{'' if action.public else ', internal'}"


def created(action: CreateTicket) -> str:
    """A partner, or what tickets that are alike are to be joined to."""
    return f"a {action.relation} in {action.connection}" if action.relation else f"a ticket in {action.connection}"


def _joined(plan: Plan, action: JoinTicket) -> str:
    """With its name, where it is an earlier ticket that goes the same way."""
    of = "" if action.ticket == plan.ref else f" of {action.ticket}"
    how = " by the system's own link" if action.native else ""
    return f"{action.relation}{of} {action.to or '(the one that is made)'}{how}"


def _to_people(action: Notify | Page | Call | Ask | Webhook) -> Iterator[str]:
    match action:
        case Notify(asks=None):
            yield _row("!", "notify", f"{action.to} {action.template or ''}".rstrip(), action.rule, action.place, _waits(action.not_before))
        case Page():
            yield _row("!", "page", f"{action.to} ({action.urgency} urgency)", action.rule, action.place, _waits(action.not_before))
        case Webhook():
            yield _row("!", "webhook", f"to {action.to}", action.rule, action.place, _waits(action.not_before))
        case Call():
            yield _row("!", "call", action.to, action.rule, action.place)
        case Ask():
            yield _row("!", "approval", f"asks {action.ask} until {action.due_at:%Y-%m-%d %H:%M}Z", action.rule, action.place)
        case Notify():
            return  # how a question is said is part of the question


def _waits(not_before: datetime | None) -> str:
    return f"waits until {shown(not_before)}" if not_before else ""


def _row(sign: str, what: str, detail: str, rule: str, place: str, note: str = "") -> str:
    return f"  {sign} {what:<10} {detail:<38} {rule:<30} {place}{f'  ({note})' if note else ''}"


def changed(change: FieldChange) -> str:
    """Before and after; of tags only what comes and goes."""
    if change.field == "tags":
        before, after = _set(change.before), _set(change.after)
        return " ".join([*(f"+ {t}" for t in sorted(after - before)), *(f"- {t}" for t in sorted(before - after))])
    return f"{shown(change.before)} → {shown(change.after)}"


def _set(value: Value) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _said(plan: Plan, action: AddComment) -> str:
    what = action.template or ("a copy of " + action.mirrors if action.mirrors else "text")
    language = f" ({action.language})" if action.language else ""
    to = f" on {action.target}" if action.target != plan.ref else (" to the customer" if action.public else "")
    return f"{what}{language}{to}"


def as_json(plan: Plan) -> dict[str, Any]:
    """A plan as one JSON object; texts of replies and notes are left out, they may hold a customer's words."""
    return {
        "type": "plan",
        "ref": str(plan.ref),
        "version": plan.version,
        "rules": plan.bundle,
        "events": list(plan.events),
        "fired": [{"rule": f.rule, "occasion": f.occasion, "how": f.how, "stage": f.stage} for f in plan.fired],
        "actions": [_action(a) for a in plan.actions],
        "failures": [{"rule": f.rule, "place": f.place, "reason": f.reason} for f in plan.failures],
        "notes": list(plan.notes),
        "look_again_at": plan.look_again_at.isoformat() if plan.look_again_at else None,
    }


def _action(action: Action) -> dict[str, Any]:
    match action:
        case Update():
            changes = [
                {"field": c.field, "before": plain(c.before), "after": plain(c.after), "rule": c.rule, "place": c.place}
                for c in action.changes
            ]
            return {"action": "update", "target": str(action.target), "key": action.key, "changes": changes}
        case AddComment():
            kind = "reply" if action.public else "note"
            said = {"template": action.template, "language": action.language, "rule": action.rule, "place": action.place}
            return {"action": kind, "target": str(action.target), "key": action.key, **said}
        case Attach():
            file = {"target": str(action.target), "source": str(action.source), "file": action.file.id, "public": action.public}
            return {"action": "attach", **file, "key": action.key, "rule": action.rule, "place": action.place}
        case CreateTicket():
            made = {"connection": action.connection, "relation": action.relation}
            return {"action": "create", **made, "key": action.key, "rule": action.rule, "place": action.place}
        case JoinTicket():
            to = str(action.to) if action.to else None
            link: dict[str, Any] = {"target": str(action.ticket), "relation": action.relation, "to": to, "native": action.native}
            return {"action": "link", **link, "key": action.key, "rule": action.rule, "place": action.place}
        case Notify() | Page() | Call() | Ask() | Webhook():
            return {**_of_people(action), "key": action.key, "rule": action.rule, "place": action.place}
        case _:
            assert_never(action)


def _of_people(action: Notify | Page | Call | Ask | Webhook) -> dict[str, Any]:
    match action:
        case Notify():
            return {"action": "notify", "to": action.to, "asks": action.asks}
        case Webhook():
            return {"action": "webhook", "to": action.to}
        case Page() | Call():
            return {"action": "page" if isinstance(action, Page) else "call", "to": action.to}
        case Ask():
            return {"action": "approval", "ask": action.ask, "approval": action.id, "due_at": action.due_at.isoformat()}


def plain(value: object) -> object:
    """A field's value as JSON has it."""
    match value:
        case frozenset():
            return sorted(map(str, value))
        case Person():
            return {"id": value.id, "name": value.name, "email": value.email, "organization": value.organization}
        case datetime():
            return value.isoformat()
        case _:
            return value


def happened(plan: Plan) -> str:
    """The events of a pass without their moments: `created, changed:priority=high`."""
    return ", ".join(dict.fromkeys(event.partition("@")[0].partition("#")[0] for event in plan.events))


def headline(ticket: Ticket, withheld: frozenset[str] = frozenset()) -> str:
    """`zendesk-eu:48213  "Rechnung doppelt"`, with the name that people use where that is not the key.

    Of a restricted ticket the personal data that is `withheld` is cut out.
    """
    subject = " ".join((redacted(ticket.subject, Wanted(withheld)) if withheld else ticket.subject).split())
    subject = subject if len(subject) <= 70 else subject[:69] + "…"
    known_as = f" ({ticket.shown_as})" if ticket.shown_as and ticket.shown_as != ticket.ref.key else ""
    return f'{ticket.ref}{known_as}  "{subject}"'
