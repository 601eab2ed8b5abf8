"""`page`, `approval` and `webhook` become actions: a call that is not made twice, a question with its end, a request with its body."""

import json
from collections.abc import Iterator
from datetime import datetime

from rules.asking import Approval, CallOut, Post, place_of
from rules.bundle import Step
from rules.calendar import Calendar
from rules.doing import Doing
from rules.ladders import after
from rules.plan import Ask, Notify, Page, Webhook
from rules.sla import AROUND_THE_CLOCK
from rules.text import fold
from rules.working import value_of


def paging_key(rule: str, to: str) -> str:
    """How `Observation.paging` names that somebody is being called out by a rule."""
    return f"{rule}>{to}"


def call_or_ask(doing: Doing, steps: tuple[Step, ...], number: int, verb: CallOut | Approval | Post) -> None:
    """The step of that number among these."""
    if isinstance(verb, CallOut):
        _page(doing, steps[number], verb, doing.position(number))
    elif isinstance(verb, Post):
        _webhook(doing, steps[number], verb, doing.position(number))
    else:
        _approval(doing, steps[number], verb, doing.position(number), place_of(doing.branch, steps, number))


def _page(doing: Doing, step: Step, verb: CallOut, position: str) -> None:
    """One page at a time for a ticket, a rule and whom it calls: a second one while the first is open says nothing new."""
    key = doing.key(position)
    if key in doing.observation.done:
        return
    if not doing.replies:
        doing.note("nobody was paged: messages are switched off for this run")
    elif paging_key(doing.rule.id, verb.to) in _paging(doing):
        doing.note(f"'{verb.to}' was not paged again: they are being called out already")
    else:
        ticket = doing.observation.ticket
        doing.wanted.actions.append(
            Page(
                key=key,
                about=ticket.ref,
                version=ticket.version,
                to=verb.to,
                urgency=verb.urgency,
                text=doing.filled(verb.text) if verb.text else "",
                rule=doing.rule.id,
                place=str(step.place),
                not_before=doing.not_before,
            )
        )


def _webhook(doing: Doing, step: Step, verb: Post, position: str) -> None:
    """Raises `ValueError` where this ticket's data make no JSON of the body."""
    key = doing.key(position)
    if key in doing.observation.done:
        return
    if not doing.replies:
        doing.note(f"'{verb.to}' was not told: messages are switched off for this run")
        return
    ticket, payload = doing.observation.ticket, doing.filled(verb.body) if verb.body else ""
    try:
        json.loads(payload)
    except ValueError as wrong:
        raise ValueError(f"webhook: its body is not JSON for this ticket: {wrong}") from None
    place, when = str(step.place), doing.not_before
    doing.wanted.actions.append(
        Webhook(
            key=key, about=ticket.ref, version=ticket.version, to=verb.to, payload=payload, rule=doing.rule.id, place=place, not_before=when
        )
    )


def _paging(doing: Doing) -> frozenset[str]:
    asked = (paging_key(what.rule, what.to) for what in doing.wanted.actions if isinstance(what, Page))
    return doing.observation.paging | frozenset(asked)


def _approval(doing: Doing, step: Step, verb: Approval, position: str, place: str) -> None:
    """Opens the question and says it; what comes of it is done when the answer is there."""
    key = doing.key(position)
    if key in doing.observation.done:
        return
    if not doing.replies:
        doing.note("nobody was asked: messages are switched off for this run")
        return
    for to in addresses(doing, verb.ask, "nobody was asked"):
        question = _question(doing, step, verb, key, to, place)
        doing.wanted.actions += [question, _said(doing, question)]


def _question(doing: Doing, step: Step, verb: Approval, key: str, to: str, place: str) -> Ask:
    ticket, now = doing.observation.ticket, doing.observation.now
    return Ask(
        key=key,
        about=ticket.ref,
        version=ticket.version,
        ask=verb.ask,
        to=to,
        question=doing.filled(verb.question) if verb.question else "",
        step=place,
        at=now,
        due_at=_due_at(doing, verb, now),
        rule=doing.rule.id,
        place=str(step.place),
        not_before=doing.not_before,
    )


def _due_at(doing: Doing, verb: Approval, now: datetime) -> datetime:
    """The end of `within`, in the calendar named beside it, else the SLA policy's, else the desk's."""
    calendars, policy = doing.bundle.calendars, doing.look.sla("policy")
    of_policy = next((p.calendar for p in doing.bundle.policies if p.name == policy), None)
    named: Calendar | None = calendars.get(verb.calendar or "")
    business = named or calendars.get(of_policy or doing.bundle.desk.default_calendar or "", AROUND_THE_CLOCK)
    return after(now, verb.within, named, business)


def _said(doing: Doing, question: Ask) -> Notify:
    ticket = doing.observation.ticket
    lines = (
        question.question,
        f'{ticket.ref} "{" ".join(ticket.subject.split())}"',
        *((ticket.url,) if ticket.url else ()),
        f"Answer by {question.due_at:%Y-%m-%d %H:%M} UTC: ticketgate approvals approve {question.id}, or deny {question.id}",
    )
    return Notify(
        key=doing.key(f"{question.key}.said"),
        about=question.about,
        version=question.version,
        to=question.to,
        asked_for=question.ask,
        text="\n".join(lines),
        rule=question.rule,
        place=question.place,
        asks=question.id,
        not_before=doing.not_before,
    )


def addresses(doing: Doing, asked_for: str, nobody: str) -> Iterator[str]:
    """The one address behind a word of `notify` or `ask`; none, with a note, when there is nobody."""
    if asked_for == "assignee":
        person = doing.ticket.assignee
        address = person.email if person else None
        missing = "the assignee has no e-mail address" if person else "nobody is assigned"
    elif asked_for == "team-lead":
        address = _lead(doing)
        missing = f"group {value_of(doing.ticket, 'group') or '(none)'} has no lead under 'groups:' of ticketgate.yaml"
    else:
        address, missing = asked_for, ""
    if address:
        yield address
    else:
        doing.note(f"{nobody}: {missing}")


def _lead(doing: Doing) -> str | None:
    group = fold(doing.ticket.group or "")
    return next((lead for name, lead in doing.bundle.desk.groups.items() if fold(name) == group), None) if group else None
