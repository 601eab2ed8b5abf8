"""Verbs, events and operators: what each does, and an example that can be copied into a rule."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Saying:
    """What a word of the language does, and how it is written: a step, an event, or a condition."""

    meaning: str
    example: str


def saying(table: "Mapping[str, Saying]", name: str) -> "Saying":
    """What is said of a word; of one that nobody described yet, that the guide has it: a gap in the table stops no command."""
    return table.get(name) or Saying(f"{name}: see config/README.md", name)


S = Saying

VERBS: Mapping[str, Saying] = {
    "assign": S("gives the ticket to a group or a person", "assign: { group: billing }"),
    "set": S("sets fields; texts may hold placeholders, null empties", "set: { priority: high, product: null }"),
    "raise_priority": S("raises the priority, and never lowers it", "raise_priority: { by: 1, up_to: urgent }"),
    "tag": S("puts tags on and takes them off", "tag: { add: [auto-routed], remove: [untriaged] }"),
    "reply": S("writes to the customer; automated senders are never answered", "reply: { template: ack, language: auto }"),
    "note": S("writes what only the desk can read", 'note: { text: "Routed by {{ rule.name }}" }'),
    "notify": S("sends a message to a channel or a person", 'notify: { to: assignee, text: "{{ ticket.ref }} is late" }'),
    "page": S(
        "calls out a person by on_call:, until somebody acknowledges",
        'page: { to: support-oncall, urgency: high, text: "Late: {{ ticket.ref }}" }',
    ),
    "sync": S(
        "keeps a partner ticket in another system in step",
        "sync: { with: jira-core, if_missing: create, create: { project: CORE }, status: both_ways }",
    ),
    "link": S(
        "joins it to a problem, a duplicate or a parent",
        'link: { to: problem, if_missing: create, create: { title: "Repeated {{ ticket.error_code }}" } }',
    ),
    "restrict": S("limits who sees it, and keeps personal data out of copies", "restrict: { group: trust-and-safety, redact: [iban] }"),
    "approval": S(
        "asks a person; only its three lists wait for the answer",
        "approval: { ask: trust-leads, within: 4 business hours, question: May it go on?, approved: [{ tag: { add: [approved] } }] }",
    ),
    "webhook": S("sends a signed request to an endpoint", 'webhook: { to: erp, body: \'{"ref": "{{ ticket.ref }}"}\' }'),
    "stop": S("ends this rule set, or the whole pass over the ticket", "stop: ruleset"),
}

EVENTS: Mapping[str, Saying] = {
    "created": S("a ticket made after its connection was first read is seen for the first time", "created"),
    "updated": S("any field differs from the last look; a new comment alone is no update", "updated"),
    "changed": S("this field differs from the last look", "{ changed: { field: status, from: open, to: [pending, on_hold] } }"),
    "commented": S("somebody other than ticketgate wrote a reply or a note", "commented"),
    "customer_replied": S("the requester's side wrote in public", "customer_replied"),
    "agent_replied": S("a person of the desk wrote in public", "agent_replied"),
    "reopened": S("the status left resolved and closed", "reopened"),
    "resolved": S("the status became resolved, or went straight to closed", "resolved"),
    "closed": S("the status became closed", "closed"),
    "approval_answered": S("a person answered an approval, or the time for it ran out", "approval_answered"),
    "manual": S("a person named the rule; nothing else starts it", "manual"),
    "sla": S("a stage of a ladder on an SLA clock fell due", "{ sla: first_response }"),
    "waiting": S("a stage of a ladder in a status fell due", "{ waiting: { status: pending, since: last_agent_reply } }"),
    "every": S("a time of day came, for each ticket that is not closed", '{ every: { at: "08:00", days: mon-fri } }'),
}

OPERATORS: Mapping[str, Saying] = {
    "is": S("the value is this; the short form is field: value", "priority: { is: high }"),
    "is_not": S("the value is not this; holds for an empty field too", "priority: { is_not: low }"),
    "one_of": S("the value is one of these; the short form is field: [a, b]", "channel: { one_of: [email, web] }"),
    "not_one_of": S("the value is none of these; holds for an empty field too", "status: { not_one_of: [resolved, closed] }"),
    "in_list": S("the value (of a set: a member) is in a list of lists:", "requester.organization: { in_list: vip-customers }"),
    "not_in_list": S("the value (of a set: every member) is not in the list", "requester.organization: { not_in_list: vip-customers }"),
    "contains": S("the set has this member; the text has this word or phrase", "tags: { contains: vip }"),
    "contains_any": S("one of these members, words or phrases is there", "text: { contains_any: [refund, stolen card] }"),
    "contains_all": S("all of these are there", "tags: { contains_all: [vip, emea] }"),
    "contains_none": S("none of these is there; holds for an empty field too", "tags: { contains_none: [keep-open] }"),
    "starts_with": S("the text begins with these whole words", "subject: { starts_with: Order }"),
    "ends_with": S("the text ends with these whole words", "subject: { ends_with: please help }"),
    "matches": S(
        "the text has this RE2 pattern somewhere; case counts only after (?-i)",
        "subject: { matches: 'ORD-[0-9]+' }",
    ),
    "contains_pii": S("personal data of this kind stands in the text", "text: { contains_pii: [payment_card, iban] }"),
    "above": S("higher than this, by rank or number", "priority: { above: normal }"),
    "at_least": S("this or higher", "priority: { at_least: high }"),
    "below": S("lower than this", "priority: { below: high }"),
    "at_most": S("this or lower", "priority: { at_most: normal }"),
    "between": S("from the first to the second, both included", "priority: { between: [normal, high] }"),
    "before": S("earlier than this moment", "created_at: { before: 2026-03-02 }"),
    "after": S("later than this moment", "created_at: { after: 2026-03-02T10:00:00+01:00 }"),
    "older_than": S("this long ago or longer", "created_at: { older_than: 3d }"),
    "newer_than": S("less than this long ago", "last_customer_reply_at: { newer_than: 1h }"),
    "empty": S("true: there is no value; false: there is one", "group: { empty: true }"),
    "changed": S("whether the field differs from the last look", "product: { changed: true }"),
    "was": S("the value at the last look", "status: { was: pending }"),
}
