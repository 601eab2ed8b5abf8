"""What leaves us of a restricted ticket: every text of a plan, with the personal data of its kinds cut out."""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from rules.pii import Wanted, redacted
from rules.plan import Action, AddComment, Ask, Attach, Call, CreateTicket, Draft, FieldChange, JoinTicket, Notify, Page, Update, Webhook
from rules.ticket import TicketRef, Value, replace


def cleaned(action: Action, wanted: Wanted, mine: TicketRef) -> Action:
    """The action without them. What is written to the fields of the ticket itself stays: it stands there already."""
    if not wanted.kinds:
        return action
    match action:
        case Update():
            return action if action.target == mine else replace(action, changes=tuple(_change(c, wanted) for c in action.changes))
        case AddComment():
            return _comment(action, wanted)
        case CreateTicket():
            return replace(action, draft=_draft(action.draft, wanted))
        case Notify() | Page() | Call() | Ask() | Webhook():
            return _said(action, wanted)
        case JoinTicket():
            return action  # names tickets, and says nothing else
        case Attach():
            return action  # of a restricted ticket no file is ever asked for (`attaching.py`)
        case _:
            assert_never(action)


def _comment(action: AddComment, wanted: Wanted) -> AddComment:
    """Where something was cut out nobody is mentioned: what stood behind it stands elsewhere now, and a name is enough."""
    body = redacted(action.body, wanted)
    return action if body == action.body else replace(action, body=body, mentions=())


def _said(action: Notify | Page | Call | Ask | Webhook, wanted: Wanted) -> Action:
    match action:
        case Ask():
            return replace(action, question=redacted(action.question, wanted))
        case Webhook():
            return replace(action, payload=json.dumps(_json(json.loads(action.payload), wanted), ensure_ascii=False))
        case _:
            return replace(action, text=redacted(action.text, wanted))


def _json(value: Any, wanted: Wanted) -> Any:
    """What was read from JSON without them; a number that is one of them becomes a text."""
    if isinstance(value, dict):
        return {redacted(key, wanted): _json(inner, wanted) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner, wanted) for inner in value]
    shown = redacted(text := str(value), wanted)
    return value if shown == text else shown


def clean(value: Value, wanted: Wanted) -> Value:
    """A field's value without them."""
    if type(value) is str:  # a word of ours is none of theirs
        return redacted(value, wanted)
    return frozenset(redacted(member, wanted) for member in value) if isinstance(value, frozenset) else value


def _change(change: FieldChange, wanted: Wanted) -> FieldChange:
    return replace(change, before=clean(change.before, wanted), after=clean(change.after, wanted))


def _draft(draft: Draft, wanted: Wanted) -> Draft:
    own: Mapping[str, str] = {name: redacted(text, wanted) for name, text in draft.own.items()}
    return Draft(fields={name: clean(value, wanted) for name, value in draft.fields.items()}, own=own)
