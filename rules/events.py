"""What happened to a ticket between two looks: the difference of two tickets, told as finely as its history allows."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rules.observation import Event, Kind
from rules.ticket import SETTLED, Change, Comment, Person, Role, Status, Ticket, Value, replace

COMPARED = (
    *("subject", "body", "status", "type", "resolution", "priority", "severity", "impact", "urgency", "product", "language"),
    *("channel", "error_code", "group", "tags", "watchers", "due_at"),
)
"""The plain fields whose difference is news. `version`, `updated_at`, `url` and the like are the vendor's bookkeeping."""
REQUESTER = ("name", "email", "organization", "tags", "language", "automated")
_RANK = {kind: n for n, kind in enumerate(Kind)}


def events(
    before: Ticket | None,
    now: Ticket,
    new_comments: Iterable[Comment] = (),
    new_changes: Iterable[Change] = (),
    *,
    connected_at: datetime,
) -> tuple[Event, ...]:
    """All that is new, in the order in which it happened.

    `before` is the ticket as our last plan left it, None at first sight: a ticket made at or after `connected_at` is then
    `created`, an older one is adopted and has no events. `new_changes` are the history's rows since the last look: finer than the
    difference, and believed as far as they join up with it. What is `ours` gives no event.
    """
    if before is None and now.created_at < connected_at:
        return ()
    comments = tuple(c for c in new_comments if not c.ours)
    found = [*_first_sight(now, new_changes)] if before is None else [*_changed(before, now, tuple(new_changes))]
    found += [event for comment in comments for event in _spoken(comment)]
    return tuple(sorted(found, key=lambda event: (event.at, _RANK[event.kind])))


def differences(before: Ticket, now: Ticket) -> Iterator[Change]:
    """Every compared field that differs, at the moment of the later ticket's last change."""
    if before is now:
        return
    for name in COMPARED:
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield Change(field=name, before=old, after=new, at=now.updated_at)
    if not same_person(before.assignee, now.assignee):
        yield Change(field="assignee", before=_known(before.assignee), after=_known(now.assignee), at=now.updated_at)
    yield from _requester(before, now)
    yield from _custom(before, now)


def same_person(one: Person | None, other: Person | None) -> bool:
    """Whether both are one person as far as can be told: by id, else e-mail, else name, whichever both have."""
    if one is None or other is None:
        return one is other
    for a, b in ((one.id, other.id), (one.email, other.email), (one.name, other.name)):
        if a and b:
            return a.casefold() == b.casefold()
    return one == other


def milestones(change: Change) -> Iterator[Event]:
    """`resolved`, `closed` and `reopened`, which one change of status means. Straight to closed is resolved too."""
    settled_before, settled_after = change.before in SETTLED, change.after in SETTLED
    if change.after == Status.RESOLVED or (settled_after and not settled_before):
        yield Event(kind=Kind.RESOLVED, at=change.at, change=change)
    if change.after == Status.CLOSED:
        yield Event(kind=Kind.CLOSED, at=change.at, change=change)
    if settled_before and change.after is not None and not settled_after:
        yield Event(kind=Kind.REOPENED, at=change.at, change=change)


def own_events(changes: tuple[Change, ...]) -> Iterator[Event]:
    """What our own changes are to the rules that ask for them."""
    for change in changes:
        yield Event(kind=Kind.CHANGED, at=change.at, change=replace(change, ours=True))
        if change.field == "status":
            yield from milestones(change)
    yield Event(kind=Kind.UPDATED, at=changes[-1].at)


def is_reply(comment: Comment, role: Role) -> bool:
    """Whether a person on that side wrote it for both sides to read; bots, auto-replies and ticketgate are nobody's word."""
    automated = comment.author is not None and comment.author.automated
    return comment.public and comment.role == role and not automated and not comment.ours


def answers(comment: Comment) -> bool:
    """Whether it is an agent's word to the customer: said here, or in a partner system and copied here by us.

    A rule is never set off by our copy. But who asked has the answer, whichever desk it came from, so clocks and figures count it.
    """
    return is_reply(comment, Role.AGENT) or (comment.ours and comment.public and comment.speaks_for == Role.AGENT)


def _first_sight(now: Ticket, rows: Iterable[Change]) -> Iterator[Event]:
    yield Event(kind=Kind.CREATED, at=now.created_at)
    told = [row for row in rows if row.field == "status" and not row.ours]
    if not told and now.settled:
        told = [Change(field="status", before=None, after=now.status, at=now.updated_at)]
    for row in told:
        yield from milestones(row)


def _changed(before: Ticket, now: Ticket, rows: tuple[Change, ...]) -> Iterator[Event]:
    changes = [*_told(before, now, rows)]
    for change in changes:
        yield Event(kind=Kind.CHANGED, at=change.at, change=change)
        if change.field == "status":
            yield from milestones(change)
    if changes:
        yield Event(kind=Kind.UPDATED, at=max(change.at for change in changes))


def _told(before: Ticket, now: Ticket, rows: tuple[Change, ...]) -> Iterator[Change]:
    """The changes field by field: the history's rows where they join up, then whatever they leave unexplained."""
    different = {change.field: change for change in differences(before, now)}
    for name in sorted({row.field for row in rows} | different.keys()):
        mine = sorted((row for row in rows if row.field == name), key=lambda row: row.at)
        start = different[name].before if name in different else _value(now, name)
        end = different[name].after if name in different else start
        told = [*_joined(start, mine)]
        yield from (row for row in told if not row.ours)
        reached = told[-1].after if told else start
        if not _same(reached, end) and name in different:
            yield Change(field=name, before=reached, after=end, at=now.updated_at)


def _joined(start: Value, rows: list[Change]) -> Iterator[Change]:
    """Rows that lead on from `start`; a row about what we had already seen comes late and is no news."""
    value = start
    for row in rows:
        if not _same(row.after, value) and (row.before is None or _same(row.before, value)):
            yield row
            value = row.after


def _spoken(comment: Comment) -> Iterator[Event]:
    yield Event(kind=Kind.COMMENTED, at=comment.at, comment=comment)
    if is_reply(comment, Role.CUSTOMER):
        yield Event(kind=Kind.CUSTOMER_REPLIED, at=comment.at, comment=comment)
    if is_reply(comment, Role.AGENT):
        yield Event(kind=Kind.AGENT_REPLIED, at=comment.at, comment=comment)


def _requester(before: Ticket, now: Ticket) -> Iterator[Change]:
    if before.requester == now.requester:
        return
    old, new = before.requester or Person(), now.requester or Person()
    for name in REQUESTER:
        if getattr(old, name) != getattr(new, name):
            yield Change(field=f"requester.{name}", before=getattr(old, name), after=getattr(new, name), at=now.updated_at)


def _custom(before: Ticket, now: Ticket) -> Iterator[Change]:
    if before.custom == now.custom:
        return
    for name in sorted(before.custom.keys() | now.custom.keys()):
        old, new = before.custom.get(name), now.custom.get(name)
        if old != new:
            yield Change(field=f"custom.{name}", before=old, after=new, at=now.updated_at)


def _value(ticket: Ticket, name: str) -> Value:
    if name == "assignee":
        return _known(ticket.assignee)
    if name.startswith("custom."):
        return ticket.custom.get(name.removeprefix("custom."))
    if name.startswith("requester."):
        return getattr(ticket.requester, name.removeprefix("requester."), None)
    return getattr(ticket, name, None) if name in COMPARED else None


def _known(person: Person | None) -> str | None:
    return person.known_as if person else None


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return one == other or (not one and not other and not isinstance(one, bool))
