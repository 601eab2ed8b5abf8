"""The verb `link`: the ticket is joined to the problem, original or parent of the tickets that are like it."""

from rules.bundle import Link, Step
from rules.doing import Doing
from rules.literal import escaped
from rules.plan import CreateTicket, Draft, JoinTicket, joining_key, key_of
from rules.questions import ended_name, free_name, joined_name, similar_of
from rules.templates import Template
from rules.ticket import TicketRef, Value, replace
from rules.working import fitting, value_of

_CALLED = {"title": "subject", "text": "body", "description": "body"}
_OWN = frozenset({"subject", "body", "type", "status", "priority", "severity", "impact", "urgency", "product", "language", "group"})
_ALONG = ("product", "priority", "group")
"""What a ticket that is made for others takes over from the first of them."""


def join(doing: Doing, step: Step, verb: Link) -> None:
    """Joins it to what the alike ones are joined to; where that is missing, to one that is made, once for all of them.

    The earlier ones that belong with it and were joined to nothing so far go the same way.
    """
    ref, key = doing.observation.ref, joining_key(doing.observation.ref, verb.to)
    if key in doing.observation.done or any(action.key == key for action in doing.wanted.actions):
        return
    there = _there(doing, verb)
    if there == ref:
        return
    made_by = None if there else _made(doing, step, verb)
    if there is None and made_by is None:
        doing.note(f"it was joined to nothing: there is no {verb.to} yet")
        return
    for one in (ref, *_earlier(doing, verb, there)):
        joined = _joined(doing, step, verb, one, there, made_by)
        doing.wanted.actions += [joined, *_native(doing, joined)]


def _native(doing: Doing, joined: JoinTicket) -> list[JoinTicket]:
    """The same as a link of the system's own, where both are in one that has such links."""
    here, links = joined.ticket.connection, doing.bundle.desk.links
    if here not in links or here != (joined.to or doing.observation.ref).connection:
        return []
    if joined.relation in links[here]:
        return [replace(joined, key=key_of("link", joined.key), native=True)]
    if joined.ticket == doing.observation.ref:
        doing.note(f"{here} has no link of its own to a {joined.relation}: what is joined is known to ticketgate alone, and notes say it")
    return []


def _joined(doing: Doing, step: Step, verb: Link, ref: TicketRef, there: TicketRef | None, made_by: str | None) -> JoinTicket:
    return JoinTicket(
        key=joining_key(ref, verb.to),
        ticket=ref,
        version=doing.observation.ticket.version,
        relation=verb.to,
        to=there,
        made_by=made_by,
        rule=doing.rule.id,
        place=str(step.place),
    )


def _earlier(doing: Doing, verb: Link, there: TicketRef | None) -> list[TicketRef]:
    """Those like it that are joined to nothing yet, where the rule is about their connection; not `there`, the first of duplicates."""
    found = doing.observation.facts.get(free_name(_name(doing), verb.to))
    refs = [TicketRef.parse(name) for name in found.split("\n") if name] if isinstance(found, str) else []
    wanted, about = {action.key for action in doing.wanted.actions}, _about(doing)
    return [ref for ref in refs if ref != there and ref.connection in about and joining_key(ref, verb.to) not in wanted]


def _about(doing: Doing) -> frozenset[str]:
    """The connections that the rule and its rule set are about."""
    mine = frozenset(doing.bundle.desk.connections) | {doing.observation.ref.connection}
    sets = (rules.connections for rules in doing.bundle.rulesets if any(rule.id == doing.rule.id for rule in rules.rules))
    return mine & (doing.beside or mine) & (frozenset(next(sets, ())) or mine)


def _there(doing: Doing, verb: Link) -> TicketRef | None:
    """What the alike ones are joined to and still open; of duplicates the first of them."""
    name = _name(doing)
    found = doing.observation.facts.get(f"{name} first" if verb.to == "duplicate" else joined_name(name, verb.to))
    return TicketRef.parse(found) if isinstance(found, str) else None


def _name(doing: Doing) -> str:
    similar = similar_of(doing.rule.condition)
    return similar.name if similar else ""


def _made(doing: Doing, step: Step, verb: Link) -> str | None:
    """The key of the action that makes it. Of tickets that are alike each would use the same one, so it is made once."""
    connection, desk = doing.observation.ref.connection, doing.bundle.desk
    if not verb.create_missing:
        return None
    if connection in desk.writes and connection not in desk.creates:
        doing.note(f"no {verb.to} was made: {connection} cannot create tickets")
        return None
    name = _name(doing)
    facts = doing.observation.facts
    group = facts.get(ended_name(name, verb.to)) or facts.get(f"{name} first") or str(doing.observation.ref)
    key = key_of(verb.to, doing.rule.id, name, str(group))
    make = CreateTicket(
        key=key,
        connection=connection,
        draft=_draft(doing, verb),
        partner_of=doing.observation.ref,
        relation=verb.to,
        version=doing.observation.ticket.version,
        rule=doing.rule.id,
        place=str(step.place),
    )
    doing.wanted.actions.append(make)
    return key


def _draft(doing: Doing, verb: Link) -> Draft:
    """As `create` says, our own fields by their names, the rest in the system's words; with a headline and the first ticket's name."""
    ticket, writes = doing.ticket, doing.bundle.desk.writes.get(doing.observation.ref.connection)
    fields: dict[str, Value] = {"subject": ticket.subject, "body": escaped(f"{ticket.ref} {ticket.url or ''}".strip())}
    if verb.to == "problem":
        fields["type"] = fitting("type", "problem")
    fields |= {name: value for name in _ALONG if (value := value_of(ticket, name)) is not None}
    own: dict[str, str] = {}
    for name, text in verb.create.items():
        called = _CALLED.get(name, name)
        said = (doing.written if called == "body" else doing.filled)(text) if isinstance(text, Template) else text
        if called in _OWN:
            fields[called] = fitting(called, said)
        else:
            own[name] = said
    always = ("subject", "body")
    return Draft(fields={n: v for n, v in fields.items() if n in always or writes is None or n in writes}, own=own)
