"""Two tickets about one matter, kept in step: a three-way comparison with what both sides last agreed on."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from rules.attaching import attach
from rules.bundle import Step, Sync, SyncField
from rules.doing import Doing
from rules.observation import Link
from rules.pii import holds_any
from rules.plan import AddComment, Agreement, CreateTicket, Draft, from_a_third, key_of
from rules.templates import Template
from rules.ticket import Comment, Role, Ticket, TicketRef, Value, replace
from rules.working import Asker, Copy, alike, value_of


class Outcome(Struct, frozen=True):
    """What the comparison of one field says: the value both sides shall have, and what was set aside for it."""

    value: Value
    overruled: str | None = None


def synchronize(doing: Doing, step: Step, verb: Sync) -> None:
    """Bring the ticket and its partners into step; make the partner when there is none and `if_missing` says so.

    The rule may match on either side. Asking again changes nothing: what was agreed in this pass is the base of the next asking.
    """
    links = _links(doing, verb)
    for link in links:
        _in_step(doing, step, verb, link)
    if not links:
        _create(doing, step, verb)


def decide(field: SyncField, left: "Side", right: "Side", base: "Base") -> Outcome | None:
    """The table of three values; None when the conflict waits for a person.

    With an owner its value holds, and what the other side changed is overruled. A field on which the two never agreed is agreed
    where it is equal; else the owner's, or the older ticket's value holds.
    """
    if alike(base.name, left.value, right.value):
        return Outcome(left.value)
    if field.owner is not None:
        return _prefer(left, right, base, field.owner)
    if not base.known:
        return Outcome(min(left, right, key=lambda side: (side.created_at, side.connection)).value)
    if alike(base.name, left.value, base.value):
        return Outcome(right.value)
    if alike(base.name, right.value, base.value):
        return Outcome(left.value)
    return _conflict(field.conflict, left, right, base)


class Side(Struct, frozen=True):
    """One end's value of a field, and when it got it as far as can be told."""

    connection: str
    value: Value
    changed_at: datetime
    created_at: datetime


class Base(Struct, frozen=True):
    """The field, and the value on which both ends last agreed, when they ever did."""

    name: str
    known: bool
    value: Value = None


def _conflict(policy: str, left: Side, right: Side, base: Base) -> Outcome | None:
    if isinstance(left.value, frozenset) and isinstance(right.value, frozenset):
        return Outcome(_merged(left.value, right.value, base.value))
    if policy == "ask":
        return None
    if policy == "newest_wins":
        newest = max(left, right, key=lambda side: (side.changed_at, side.connection))
        return _prefer(left, right, base, newest.connection)
    return _prefer(left, right, base, policy)


def _prefer(left: Side, right: Side, base: Base, connection: str) -> Outcome:
    kept, other = (right, left) if connection == right.connection else (left, right)
    changed = base.known and not alike(base.name, other.value, base.value)
    return Outcome(kept.value, _shown(other.value) if changed else None)


def _merged(left: frozenset[str], right: frozenset[str], base: Value) -> frozenset[str]:
    """Both ends' additions and removals: sets have no conflict."""
    before = base if isinstance(base, frozenset) else frozenset()
    removed = (before - left) | (before - right)
    return (left | right) - removed


# --- one link --------------------------------------------------------------------------------------------------------


def _links(doing: Doing, verb: Sync) -> list[Link]:
    """The partners that this rule is about: in the connection of `with`, or, on that side, in those that the rule names."""
    here = doing.observation.ref.connection
    if here != verb.partner:
        return [link for link in doing.observation.links if link.partner.ref.connection == verb.partner]
    beside = doing.beside
    return [link for link in doing.observation.links if beside is None or link.partner.ref.connection in beside]


def _in_step(doing: Doing, step: Step, verb: Sync, link: Link) -> None:
    ref, asker = link.partner.ref, doing.asker(step)
    theirs = doing.wanted.partners.setdefault(ref, Copy(link.partner))
    agreed = doing.wanted.agreed.setdefault(ref, dict(link.agreed))
    earlier = doing.wanted.agreements.get(ref)
    overruled = dict(earlier.overruled) if earlier else {}
    for name, field in verb.fields.items():
        if _can_sync(doing, name, field, theirs.ticket):
            _field(doing, asker, name, field, theirs, agreed, overruled)
    mirrored = set(earlier.mirrored if earlier else link.mirrored)
    if verb.comments is not None:
        mirrored |= set(_mirror(doing, asker, verb, link, frozenset(mirrored)))
    if verb.attachments is not None:
        mirrored |= set(attach(doing, asker, verb.attachments, link, frozenset(mirrored)))
    if (agreed, frozenset(mirrored)) != (dict(link.agreed), link.mirrored) or overruled:
        doing.wanted.agreements[ref] = Agreement(
            left=doing.observation.ref, right=ref, fields=dict(agreed), mirrored=frozenset(mirrored), overruled=overruled
        )


def _can_sync(doing: Doing, name: str, field: SyncField, partner: Ticket) -> bool:
    """Whether the ends that may have to be written can write the field, and neither holds a word nobody declared."""
    mine, writes = doing.ticket, doing.bundle.desk.writes
    if name in mine.unread or name in partner.unread:
        doing.note(f"{name} was not kept in step: one side holds a word that 'words:' does not know")
        return False
    values = (value_of(mine, name), value_of(partner, name))
    if doing.withheld.kinds and any(isinstance(value, str) and holds_any(value, doing.withheld) for value in values):
        doing.note(f"{name} was not kept in step: it holds personal data, and the ticket is restricted")
        return False
    written = {mine.ref.connection, partner.ref.connection} - {field.owner}
    short = name.removeprefix("custom.")
    cannot = sorted(c for c in written if c in writes and not {name, short} & writes[c])
    if cannot:
        doing.note(f"{name} was not kept in step: {cannot[0]} cannot write it")
    return not cannot


def _field(
    doing: Doing, asker: Asker, name: str, field: SyncField, theirs: Copy, agreed: dict[str, Value], overruled: dict[str, str]
) -> None:
    mine = doing.wanted.mine
    left = Side(mine.ticket.ref.connection, _meant(mine.ticket, name, agreed), _changed_at(doing, name), mine.ticket.created_at)
    partner = theirs.ticket
    right = Side(partner.ref.connection, _meant(partner, name, agreed), partner.updated_at, partner.created_at)
    outcome = decide(field, left, right, Base(name, name in agreed, agreed.get(name)))
    if outcome is None:
        doing.note(f"{name}: {left.connection} says {_shown(left.value)}, {right.connection} {_shown(right.value)}; a person decides")
        return
    if outcome.overruled is not None:
        overruled[name] = outcome.overruled
    for side, copy, other in ((left, mine, partner.ref), (right, theirs, mine.ticket.ref)):
        stays = alike(name, side.value, outcome.value)
        if not stays:
            copy.set(name, outcome.value, asker, f"from {other}")
        if (known := answered(copy.original.ref, name)) in agreed and not (stays and alike(name, agreed[name], outcome.value)):
            agreed[known] = outcome.value  # the old answer was to something else
    agreed[name] = outcome.value


def answered(ref: TicketRef, name: str) -> str:
    """Under which name an agreement keeps the value that an end answered with when another was written to it."""
    return f"answered:{ref}:{name}"


def _meant(ticket: Ticket, name: str, agreed: Mapping[str, Value]) -> Value:
    """The field's value; the agreed one as long as the system still shows what it made of that when we wrote it.

    A workflow or a computed priority may know no such value. Taken for an edit, it would be written back and forth for ever.
    """
    value, known = value_of(ticket, name), answered(ticket.ref, name)
    return agreed[name] if known in agreed and name in agreed and alike(name, value, agreed[known]) else value


def _changed_at(doing: Doing, name: str) -> datetime:
    rows = [change.at for change in doing.observation.changes if change.field == name]
    return max(rows) if rows else doing.observation.ticket.updated_at


# --- comments --------------------------------------------------------------------------------------------------------


def _mirror(doing: Doing, asker: Asker, verb: Sync, link: Link, mirrored: frozenset[str]) -> Iterator[str]:
    """Copies of what either side said and the other lacks; yields the names of those that now have their copy."""
    here, there = doing.observation.ticket, link.partner
    owner = verb.comments.owner if verb.comments else None
    ways = ((here, there, doing.observation.comments), (there, here, link.comments))
    for source, target, comments in ways:
        if owner in (None, source.ref.connection):
            for comment in comments:
                name = f"{source.ref}#{comment.id}"
                if name not in mirrored and _worth_telling(comment, source, target.ref, verb):
                    _copy(doing, asker, comment, source, target)
                    yield name


def _worth_telling(comment: Comment, source: Ticket, target: TicketRef, verb: Sync) -> bool:
    """Not our own words but for the copy of a third ticket's, not the ticket's text again, and no note where only replies are wanted."""
    is_body = comment.at <= source.created_at or comment.text.strip() == (source.body or "").strip()
    news = not comment.ours or from_a_third(comment.copies, target)
    return news and not is_body and (comment.public or not verb.public_comments_only)


def _copy(doing: Doing, asker: Asker, comment: Comment, source: Ticket, target: Ticket) -> None:
    """A copy with its author's name; a note stays a note, a reply becomes one where the other side has none.

    Only a note that was one from the start mentions people: what a customer could read, or write, calls nobody.
    """
    name = f"{source.ref}#{comment.id}"
    key = key_of("mirror", name, str(target.ref))
    desk = doing.bundle.desk
    public = comment.public and (target.ref.connection in desk.replies or target.ref.connection not in desk.writes)
    if key in doing.observation.done:
        return
    front = "" if comment.copies else f"{_said_by(comment)} ({source.ref}):\n\n"
    doing.wanted.actions.append(
        AddComment(
            key=key,
            target=target.ref,
            version=target.version,
            body=f"{front}{comment.text}",
            public=public,
            rule=asker.rule,
            place=str(asker.place),
            mirrors=name,
            speaks_for=_side(comment),
            mentions=() if public or comment.public else tuple(replace(one, at=one.at + len(front)) for one in comment.mentions),
        )
    )


def _said_by(comment: Comment) -> str:
    return (comment.author.name or comment.author.known_as if comment.author else None) or comment.role


def _side(comment: Comment) -> Role | None:
    """Whose words a copy repeats; a copy of a copy those of the first."""
    if comment.copies:
        return comment.speaks_for
    return None if comment.author and comment.author.automated else comment.role


# --- a missing partner -----------------------------------------------------------------------------------------------


def _create(doing: Doing, step: Step, verb: Sync) -> None:
    ref = doing.observation.ref
    key = key_of("partner", str(ref), verb.partner)
    known = key in doing.observation.done or any(isinstance(a, CreateTicket) and a.key == key for a in doing.wanted.actions)
    if not verb.create_missing or ref.connection == verb.partner or known:
        return
    if why_not := _why_no_partner(doing, verb):
        doing.note(f"no partner was made: {verb.partner} {why_not}")
        return
    fields = _draft(doing, verb)
    own = {name: doing.filled(text) if isinstance(text, Template) else text for name, text in verb.create.items()}
    doing.wanted.actions.append(
        CreateTicket(
            key=key,
            connection=verb.partner,
            draft=Draft(fields=fields, own=own),
            partner_of=ref,
            version=doing.observation.ticket.version,
            rule=doing.rule.id,
            place=str(step.place),
        )
    )
    base = {name: value for name, value in fields.items() if name in verb.fields}
    right = TicketRef(verb.partner, "")
    doing.wanted.agreements[right] = Agreement(left=ref, right=right, fields=base)


def _why_no_partner(doing: Doing, verb: Sync) -> str:
    desk = doing.bundle.desk
    if verb.partner in doing.observation.elsewhere:
        return "has a ticket about this matter already"
    return "cannot create tickets" if verb.partner in desk.writes and verb.partner not in desk.creates else ""


def _draft(doing: Doing, verb: Sync) -> Mapping[str, Value]:
    """What the new partner starts with: the headline, the text with its origin, the fields kept in step but the status, and the tags.

    The tags go along so that a rule whose condition names one holds on either side, as the language page's examples want it.
    """
    ticket, writes = doing.ticket, doing.bundle.desk.writes.get(verb.partner)
    origin = f"{ticket.ref} {ticket.url or ''}".strip()
    fields: dict[str, Value] = {"subject": ticket.subject, "body": f"{ticket.body}\n\n{origin}" if ticket.body else origin}
    for name in (*verb.fields, "tags"):
        value = value_of(ticket, name)
        if name != "status" and value not in (None, "", frozenset()) and (writes is None or name in writes):
            fields[name] = value
    return fields


def _shown(value: Value) -> str:
    if value is None:
        return "(empty)"
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
