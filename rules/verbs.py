"""The administrator's steps become changes on the working copy and actions."""

from typing import Literal, TypeAlias, assert_never

from rules import limits
from rules.asking import Approval, CallOut, Post
from rules.bundle import Assign, Link, RaisePriority, Restrict, Say, Set, Step, Stop, Sync, Tag, Tell
from rules.doing import Doing
from rules.joining import join
from rules.plan import AddComment, Notify, Restriction
from rules.questions import column_of
from rules.sync import synchronize
from rules.teams import choose
from rules.templates import Template
from rules.text import fold
from rules.ticket import Level
from rules.verbs_asking import addresses, call_or_ask
from rules.wording import chosen

Halt: TypeAlias = Literal["ruleset", "ticket"]
_LEVELS = tuple(Level)
RESTRICTED = "restricted"
"""The tag of a ticket that a rule restricted."""


def carry_out(doing: Doing, steps: tuple[Step, ...]) -> Halt | None:
    """Do the steps in order; a `stop` among them ends them and says what else it ends. Raises `ValueError` where one cannot be done."""
    for number in range(len(steps)):
        halt = _do(doing, steps, number)
        doing.look.see(doing.ticket)
        if halt:
            return halt
    return None


def _do(doing: Doing, steps: tuple[Step, ...], number: int) -> Halt | None:
    step = steps[number]
    match step.verb:
        case Assign() | Set() | RaisePriority() | Tag() as verb:
            _change(doing, step, verb)
        case Say() | Tell() | CallOut() | Approval() | Post() as verb:
            _speak(doing, steps, number, verb)
        case Sync() as verb:
            doing.syncs.append((doing, step, verb))
            synchronize(doing, step, verb)
        case Restrict() as verb:
            _restrict(doing, step, verb)
        case Link() as verb:
            join(doing, step, verb)
        case Stop(scope):
            return scope
        case other:
            assert_never(other)
    return None


def _speak(doing: Doing, steps: tuple[Step, ...], number: int, verb: Say | Tell | CallOut | Approval | Post) -> None:
    match verb:
        case Say():
            _say(doing, steps[number], verb, doing.position(number))
        case Tell():
            _tell(doing, steps[number], verb, doing.position(number))
        case CallOut() | Approval() | Post():
            call_or_ask(doing, steps, number, verb)
        case other:
            assert_never(other)


def _change(doing: Doing, step: Step, verb: Assign | Set | RaisePriority | Tag) -> None:
    match verb:
        case Assign():
            _assign(doing, step, verb)
        case Set():
            for name, value in verb.fields.items():
                doing.set(step, name, doing.filled(value) if isinstance(value, Template) else value)
        case RaisePriority():
            doing.set(step, "priority", _raised(doing.ticket.priority, verb))
        case Tag():
            _tag(doing, step, verb)
        case other:
            assert_never(other)


# --- fields ----------------------------------------------------------------------------------------------------------


def _assign(doing: Doing, step: Step, verb: Assign) -> None:
    group, note = (verb.group, "") if verb.table is None else _from_table(doing, verb)
    if group:
        doing.set(step, "group", group, note)
    if verb.user:
        doing.set(step, "assignee", verb.user)
    elif verb.strategy:
        choose(doing, step, verb.strategy, group or doing.ticket.group)


def _from_table(doing: Doing, verb: Assign) -> tuple[str | None, str]:
    lookup = doing.tables[str(verb.table)]
    row = lookup.find([doing.look.values[name] for name in verb.match or lookup.table.keys])
    column = column_of(verb, lookup)
    cell = row.cells.get(column, "").strip() if row else ""
    if row and cell:
        return cell, f"{verb.table} row {row.line}"
    if not verb.otherwise:
        doing.note(f"assign: no row of {verb.table} is about this ticket, and there is no 'otherwise'")
    return verb.otherwise, f"{verb.table} has no row for it"


def _raised(now: Level | None, verb: RaisePriority) -> Level | None:
    """The higher of what it is and what is asked; a ticket without priority counts as normal when raised by a number."""
    if verb.to is not None:
        wanted = Level(fold(verb.to))
    else:
        start = _LEVELS.index(now or Level.NORMAL)
        wanted = _LEVELS[min(start + verb.by, _LEVELS.index(Level(fold(verb.up_to))))]
    return wanted if now is None or _LEVELS.index(wanted) > _LEVELS.index(now) else now


def _tag(doing: Doing, step: Step, verb: Tag) -> None:
    tags = doing.ticket.tags
    have, gone = {fold(tag) for tag in tags}, {fold(tag) for tag in verb.remove}
    kept = frozenset(tag for tag in tags if fold(tag) not in gone)
    added = frozenset(tag for tag in verb.add if fold(tag) not in have or fold(tag) in gone)
    doing.set(step, "tags", kept | added)


def _restrict(doing: Doing, step: Step, verb: Restrict) -> None:
    doing.set(step, "group", verb.group)
    _tag(doing, step, Tag(add=frozenset({RESTRICTED})))
    doing.wanted.restricts.append(Restriction(doing.rule.id, verb.redact))


# --- words -----------------------------------------------------------------------------------------------------------


def _say(doing: Doing, step: Step, verb: Say, position: str) -> None:
    key = doing.key(position)
    if key in doing.observation.done:
        _count_reply(doing, verb)  # said by a pass that did not come to its end: it is this ticket's reply all the same
        return
    why_not = _why_no_reply(doing) if verb.public else None
    if why_not:
        doing.note(f"no reply was sent: {why_not}")
    elif _can_say(doing, verb):
        _put_into_words(doing, step, verb, key)


def _put_into_words(doing: Doing, step: Step, verb: Say, key: str) -> None:
    asked = verb.language if verb.public or verb.language != "auto" else doing.bundle.desk.default_language
    found = chosen(doing.bundle, verb.template, doing.ticket, asked) if verb.template else None
    text = found.template if found else verb.text
    body = doing.written(text) if text else ""
    if not body:
        doing.note(f"{step.name}: there was nothing to say")
        return
    _count_reply(doing, verb)
    comment = AddComment(
        key=key,
        target=doing.observation.ref,
        version=doing.observation.ticket.version,
        body=body,
        public=verb.public,
        rule=doing.rule.id,
        place=str(step.place),
        template=verb.template,
        language=found.language if found else None,
    )
    doing.wanted.actions.append(comment)


def _count_reply(doing: Doing, verb: Say) -> None:
    if verb.public:
        doing.wanted.said += 1
        doing.wanted.used.append(limits.replies_key(doing.ticket))


def _why_no_reply(doing: Doing) -> str | None:
    """The reasons that hold whatever the rule says: no answer to a robot, one reply per ticket and hour."""
    event, requester = doing.look.event, doing.ticket.requester
    author = event.comment.author if event and event.comment else None
    if (requester and requester.automated) or (author and author.automated):
        return "the sender is automated"
    if not doing.replies:
        return "replies are switched off for this run"
    used = [limits.replies_key(doing.ticket)] * doing.wanted.said
    if doing.rule.limits.per_ticket is None and limits.full(limits.replies_key(doing.ticket), limits.REPLIES, doing.observation, used):
        return "this ticket had a reply within the last hour"
    return None


def _can_say(doing: Doing, verb: Say) -> bool:
    desk = doing.bundle.desk
    if doing.may(desk.replies if verb.public else desk.notes):
        return True
    doing.note(f"no {'reply' if verb.public else 'note'} was written: {doing.observation.ref.connection} has no way to")
    return False


def _behind(doing: Doing, asked_for: str) -> tuple[str, ...]:
    """The address behind a word of `notify`; where there is none, it is written down for whom the message was."""
    found = tuple(addresses(doing, asked_for, "nobody was told"))
    doing.wanted.untold += [] if found else [asked_for]
    return found


def _tell(doing: Doing, step: Step, verb: Tell, position: str) -> None:
    default = doing.bundle.desk.default_language
    found = chosen(doing.bundle, verb.template, doing.ticket, default) if verb.template else None
    text = found.template if found else verb.text
    if not doing.replies:
        doing.note("nobody was told: messages are switched off for this run")
        return
    for asked_for in verb.to:
        key = doing.key(f"{position}.{asked_for}")
        if key in doing.observation.done:
            continue
        for address in _behind(doing, asked_for):
            doing.wanted.actions.append(
                Notify(
                    key=key,
                    about=doing.observation.ref,
                    version=doing.observation.ticket.version,
                    to=address,
                    asked_for=asked_for,
                    text=doing.filled(text) if text else "",
                    rule=doing.rule.id,
                    place=str(step.place),
                    template=verb.template,
                    not_before=doing.not_before,
                )
            )
