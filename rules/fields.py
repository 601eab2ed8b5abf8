"""One way to name a field (`requester.email`): its type and meaning, how it is read, and what a mistyped name probably meant."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from rules.bundle import CustomField, FieldType
from rules.observation import Observation
from rules.ticket import Channel, Comment, Level, Role, Severity, Status, Ticket, Type, Value, replace

if TYPE_CHECKING:
    from rules.look import Look

Getter: TypeAlias = "Callable[[Look], Value]"

METRICS = ("first_response", "next_response", "periodic_update", "resolution", "requester_wait", "agent_work", "ownership")
SLA_STATES = ("running", "paused", "met", "breached", "cancelled", "merged", "not_applicable", "superseded")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A row of the language page's section 5. `choices` are in rising order where the type is an ordered choice."""

    name: str
    type: FieldType
    meaning: str
    choices: tuple[str, ...] = ()
    writable: bool = False

    @property
    def called(self) -> str:
        """What a person calls such a field: 'a choice without an order'."""
        return _CALLED.get(self.name) or _TYPE_CALLED[self.type]


_TYPE_CALLED: Mapping[FieldType, str] = {
    "text": "a text",
    "choice": "a choice without an order",
    "ordered_choice": "an ordered choice",
    "reference": "a choice without an order",
    "set": "a set of words",
    "number": "a number",
    "time": "a moment in time",
    "boolean": "true or false",
}
_CALLED = dict.fromkeys(("product", "language", "error_code"), "a choice without an order")


def _words(kind: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(word) for word in kind)


_LEVELS = _words(Level)
_ROWS = (
    FieldSpec("connection", "choice", "the configured connection that has the ticket"),
    FieldSpec("system", "choice", "the kind of system behind the connection", ("jira", "servicenow", "zendesk", "salesforce")),
    FieldSpec("ref", "text", "the ticket's name, connection:key"),
    FieldSpec("url", "text", "the link for people"),
    FieldSpec("type", "choice", "what the ticket is", _words(Type), writable=True),
    FieldSpec("status", "choice", "pending waits for the requester, on_hold for a third party", _words(Status), writable=True),
    FieldSpec("resolution", "text", "how it ended, in the system's own word", writable=True),
    FieldSpec("priority", "ordered_choice", "how urgent the desk takes it to be", _LEVELS, writable=True),
    FieldSpec("severity", "ordered_choice", "how bad the fault is", _words(Severity), writable=True),
    FieldSpec("impact", "ordered_choice", "how many are touched", _LEVELS, writable=True),
    FieldSpec("urgency", "ordered_choice", "how long it can wait", _LEVELS, writable=True),
    FieldSpec("product", "text", "what it is about", writable=True),
    FieldSpec("language", "text", "a two-letter or region code: de, pt-br", writable=True),
    FieldSpec("split_from", "text", "the key of the ticket that it was split or copied from, or follows up"),
    FieldSpec("channel", "choice", "the door through which it came in", _words(Channel)),
    FieldSpec("error_code", "text", "the error's code", writable=True),
    FieldSpec("group", "reference", "the team that has it, by name", writable=True),
    FieldSpec("assignee", "reference", "the person who has it, by e-mail address, else name", writable=True),
    FieldSpec("tags", "set", "the ticket's tags; change them with the verb tag"),
    FieldSpec("watchers", "set", "who follows it"),
    FieldSpec("subject", "text", "the headline", writable=True),
    FieldSpec("body", "text", "the first message", writable=True),
    FieldSpec("text", "text", "the subject and the newest customer message"),
    FieldSpec("requester.name", "text", "who asked"),
    FieldSpec("requester.email", "text", "the address of who asked"),
    FieldSpec("requester.organization", "text", "whom they belong to"),
    FieldSpec("requester.tags", "set", "tags of the person"),
    FieldSpec("requester.language", "text", "the person's language"),
    FieldSpec("requester.automated", "boolean", "true for bounces, auto-replies, other bots and ticketgate itself"),
    FieldSpec("created_at", "time", "when it was made"),
    FieldSpec("updated_at", "time", "when it last changed"),
    FieldSpec("due_at", "time", "when it is due", writable=True),
    FieldSpec("last_customer_reply_at", "time", "the newest public comment of a customer"),
    FieldSpec("last_agent_reply_at", "time", "the newest public comment of an agent"),
    FieldSpec("comment.author", "text", "who wrote the comment of this event"),
    FieldSpec("comment.role", "choice", "which side wrote it", _words(Role)),
    FieldSpec("comment.public", "boolean", "true for a reply, false for a note"),
    FieldSpec("comment.text", "text", "what the comment says"),
    FieldSpec("sla.policy", "choice", "the SLA policy that applies"),
)
FIELDS: Mapping[str, FieldSpec] = {row.name: row for row in _ROWS}
"""Every field but `sla.METRIC` and `custom.NAME`."""

SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("assignee_group", "assignment_group", "assigned_group", "team", "queue"), "group"),
    **dict.fromkeys(("owner", "agent", "assigned_to", "assignee_email"), "assignee"),
    **dict.fromkeys(("title", "summary", "short_description", "headline"), "subject"),
    **dict.fromkeys(("description", "message", "content"), "body"),
    **dict.fromkeys(("labels", "label", "tag"), "tags"),
    **dict.fromkeys(("state", "stage"), "status"),
    **dict.fromkeys(("kind", "category", "issue_type", "issuetype", "ticket_type"), "type"),
    **dict.fromkeys(("source", "via", "contact_type", "origin"), "channel"),
    **dict.fromkeys(("lang", "locale"), "language"),
    **dict.fromkeys(("reporter", "caller", "contact", "requester"), "requester.email"),
    **dict.fromkeys(("email", "requester_email"), "requester.email"),
    **dict.fromkeys(("organization", "organisation", "company", "account", "customer", "requester.organisation"), "requester.organization"),
    **dict.fromkeys(("created", "opened_at", "created_on"), "created_at"),
    **dict.fromkeys(("updated", "modified_at", "last_modified"), "updated_at"),
    **dict.fromkeys(("due", "due_date", "deadline"), "due_at"),
    **dict.fromkeys(("comment", "comment.body"), "comment.text"),
    **dict.fromkeys(("id", "key", "number"), "ref"),
    **dict.fromkeys(("link",), "url"),
    **dict.fromkeys(("followers", "cc", "ccs"), "watchers"),
}


def spec_of(name: str, custom: Mapping[str, CustomField]) -> FieldSpec | None:
    """What is known of a field, `sla.METRIC` and the desk's own `custom.NAME` among them; None for no field at all."""
    known = FIELDS.get(name)
    if known is not None:
        own = custom.get(name)
        return known if own is None or not own.values or known.choices else replace(known, choices=own.values)
    family, _, rest = name.partition(".")
    if family == "sla" and rest in METRICS:
        return FieldSpec(name, "choice", f"how the clock of {rest} stands", SLA_STATES)
    if family == "custom" and rest in custom:
        declared = custom[rest]
        return FieldSpec(name, declared.type, "a field of this desk", declared.values, writable=True)
    return None


def every_name(custom: Mapping[str, CustomField]) -> tuple[str, ...]:
    """All names a rule may write, for suggestions and for `explain fields`."""
    own = (f"custom.{name}" for name in custom if name not in FIELDS)
    return (*FIELDS, *(f"sla.{metric}" for metric in METRICS), *own)


# --- reading a field -------------------------------------------------------------------------------------------------


@cache
def getter(name: str) -> Getter:
    """How the field is read. Raises `KeyError` for a name that is no field; an undeclared `custom.NAME` is just empty."""
    family, _, rest = name.partition(".")
    if family == "custom" and rest:
        return lambda look: look.ticket.custom.get(rest)
    if family == "sla" and rest:
        return lambda look: look.sla(rest)
    if family == "requester" and rest:
        return _GETTERS.get(name) or _no_field(name)
    return _GETTERS[name]


def of_ticket(name: str) -> Callable[[Ticket], Value] | None:
    """How to read a field that the ticket alone decides, where two tickets of one connection alike in it are alike; None for others."""
    family, _, rest = name.partition(".")
    if name in _PLAIN:
        return attrgetter(name)
    if family == "custom":
        return lambda ticket: ticket.custom.get(rest)
    if name in _REQUESTER:
        return lambda ticket: None if ticket.requester is None else getattr(ticket.requester, rest)
    return _OF_TICKET.get(name)


def read_for(names: Iterable[str]) -> frozenset[str]:
    """What of a ticket must be known to read these fields; what else they are read from is not of the ticket itself."""
    found: set[str] = set()
    for name in names:
        family = name.partition(".")[0]
        found |= {"ref"} if name in _OF_REF else {"subject", "body"} if name == "text" else {family}
    return frozenset(found) & frozenset(Ticket.__struct_fields__)


_OF_REF = frozenset({"connection", "system", "ref"})


def _no_field(name: str) -> Getter:
    raise KeyError(name)


def _requester(attribute: str) -> Getter:
    def get(look: "Look") -> Value:
        person = look.ticket.requester
        return None if person is None else getattr(person, attribute)

    return get


def _attribute(name: str) -> Getter:
    return lambda look: getattr(look.ticket, name)


def _comment(get: Callable[[Comment], Value]) -> Getter:
    def of_event(look: "Look") -> Value:
        comment = look.event.comment if look.event is not None else None
        return None if comment is None else get(comment)

    return of_event


def newest_reply(observation: Observation, role: Role) -> Comment | None:
    """The newest public comment by a person on that side; ticketgate's own and robots' words never count."""
    for comment in reversed(observation.comments):
        automated = comment.author is not None and comment.author.automated
        if comment.public and comment.role == role and not comment.ours and not automated:
            return comment
    return None


def customer_text(ticket: Ticket, observation: Observation) -> str:
    """The subject and what the customer said last."""
    newest = newest_reply(observation, Role.CUSTOMER)
    said = newest.text if newest is not None else ticket.body
    return f"{ticket.subject}\n{said}" if said else ticket.subject


def _replied_at(role: Role) -> Getter:
    def get(look: "Look") -> Value:
        newest = newest_reply(look.observation, role)
        return newest.at if newest is not None else None

    return get


_REQUESTER = tuple(f"requester.{part}" for part in ("name", "email", "organization", "tags", "language", "automated"))
_PLAIN = (
    *("url", "type", "status", "resolution", "priority", "severity", "impact", "urgency", "product", "language", "channel"),
    *("split_from", "error_code", "group", "tags", "watchers", "subject", "body", "created_at", "updated_at", "due_at"),
)
_OF_TICKET: Mapping[str, Callable[[Ticket], Value]] = {
    "connection": attrgetter("ref.connection"),
    "system": attrgetter("ref.connection"),  # a connection has one system
    "ref": attrgetter("ref"),
    "assignee": lambda ticket: ticket.assignee.known_as if ticket.assignee else None,
}
_GETTERS: Mapping[str, Getter] = {
    **{name: _attribute(name) for name in _PLAIN},
    **{name: _requester(name.removeprefix("requester.")) for name in _REQUESTER},
    "connection": lambda look: look.ticket.ref.connection,
    "system": lambda look: look.systems.get(look.ticket.ref.connection),
    "ref": lambda look: str(look.ticket.ref),
    "assignee": lambda look: look.ticket.assignee.known_as if look.ticket.assignee else None,
    "text": lambda look: customer_text(look.ticket, look.observation),
    "last_customer_reply_at": _replied_at(Role.CUSTOMER),
    "last_agent_reply_at": _replied_at(Role.AGENT),
    "comment.author": _comment(lambda comment: comment.author.known_as if comment.author else None),
    "comment.role": _comment(lambda comment: comment.role),
    "comment.public": _comment(lambda comment: comment.public),
    "comment.text": _comment(lambda comment: comment.text),
}


# --- what was probably meant -----------------------------------------------------------------------------------------


def nearest(written: str, names: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str | None:
    """The one name that `written` probably meant: a known synonym, else the closest at an edit distance of at most 2."""
    known = tuple(names)
    plain = written.casefold().replace("-", "_").replace(" ", "_")
    meant = (synonyms or {}).get(plain)
    if meant in known:
        return meant
    close = sorted((distance(plain, name.casefold().replace("-", "_")), name) for name in known if abs(len(name) - len(written)) <= 2)
    return close[0][1] if close and close[0][0] <= min(2, (len(written) + 1) // 3) else None


def distance(one: str, other: str) -> int:
    """How many letters must be added, removed, replaced or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row, older = row, [i], before
        for j, b in enumerate(other, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], older[j - 2] + 1)
        before = last
    return row[-1]
