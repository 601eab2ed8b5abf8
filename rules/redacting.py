"""What leaves us of a restricted ticket: every text of a plan, with the personal data of its kinds cut out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from rules.pii import Wanted, redacted
from rules.plan import Action, AddComment, Ask, Call, CreateTicket, Draft, FieldChange, JoinTicket, Notify, Page, Update
from rules.ticket import TicketRef, Value


def cleaned(action: Action, wanted: Wanted, mine: TicketRef) -> Action:
    """The action without them. What is written to the fields of the ticket itself stays: it stands there already."""
    if not wanted.kinds:
        return action
    match action:
        case Update():
            return action if action.target == mine else replace(action, changes=tuple(_change(c, wanted) for c in action.changes))
        case AddComment():
            return replace(action, body=redacted(action.body, wanted))
        case CreateTicket():
            return replace(action, draft=_draft(action.draft, wanted))
        case Notify() | Page() | Call():
            return replace(action, text=redacted(action.text, wanted))
        case Ask():
            return replace(action, question=redacted(action.question, wanted))
        case JoinTicket():
            return action  # names tickets, and says nothing else
        case _:
            assert_never(action)


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
