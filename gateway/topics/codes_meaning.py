"""TG301 to TG413: names that lead nowhere, and what can be said of rules without running them."""

from gateway.topics.topic import Code

_REPLY = "rules:\n  - id: a\n    when: created\n    then: [{ reply: { template: ack } }]\n"
_TWO = """ruleset: {{ pick: {pick} }}
rules:
  - id: billing
    when: created
    if: {{ product: billing }}
    then: [{{ assign: {{ group: billing }} }}]
  - id: {id}
    when: {when}
    if: {{ {condition} }}
    then: [{{ {then} }}]
"""
_SETS = _TWO.replace("assign: {{ group: billing }}", "set: {{ priority: high }}")
_VIP = "product: billing, requester.tags: vip"
_BOUNDS = """rules:
  - id: a
    when: created
    if: {{ priority: {{ at_least: high, below: {top} }} }}
    then: [{{ stop: ticket }}]
"""
_PRODUCT = """rules:
  - id: a
    when: created
    if: { connection: zendesk-eu, product: billing }
    then: [{ tag: { add: [x] } }]
"""
_LADDER = """rules:
  - id: a
    when: {{ waiting: {{ status: pending }} }}
    stages:
      - {{ after: {first}, then: [{{ tag: {{ add: [x] }} }}] }}
      - {{ after: 2d, then: [{{ tag: {{ add: [y] }} }}] }}
"""
_SYNC = """rules:
  - id: one
    when: updated
    then: [{{ sync: {{ with: jira-core, fields: {{ priority: {{ owner: zendesk-eu }} }} }} }}]
  - id: other
    when: updated
    then: [{{ sync: {{ with: jira-core, fields: {{ {field}: {{ owner: jira-core }} }} }} }}]
"""

MEANING = (
    Code(
        code="TG301",
        title="a name is used twice",
        level="error",
        cause="Rules and definitions have one name each in the whole desk, whichever file they stand in.",
        remedy="Give one of the two another name, or remove it.",
        wrong="rules:\n  - { id: a, when: created, then: [{ stop: ticket }] }\n  - { id: a, when: closed, then: [{ stop: ticket }] }\n",
        right="rules:\n  - { id: a, when: created, then: [{ stop: ticket }] }\n  - { id: b, when: closed, then: [{ stop: ticket }] }\n",
    ),
    Code(
        code="TG302",
        title="there is nothing of this name",
        level="error",
        cause="A list, table, calendar, policy, condition, template, channel, connection, rule or file is named that does not exist.",
        remedy="Take the name that is suggested, or define it where help says.",
        wrong="conditions:\n  c: { product: { in_list: ours } }\n",
        right="lists:\n  ours: { values: [billing] }\nconditions:\n  c: { product: { in_list: ours } }\n",
    ),
    Code(
        code="TG303",
        title="the placeholder does not exist",
        level="error",
        cause="A text names something that cannot be filled in. Left alone it would fail in front of a customer.",
        remedy="Any field stands behind 'ticket.', like {{ ticket.requester.email }}; help names the one that was probably meant.",
        wrong="rules:\n  - id: a\n    when: created\n    then: [{ note: { text: '{{ ticket.priorty }}' } }]\n",
        right="rules:\n  - id: a\n    when: created\n    then: [{ note: { text: '{{ ticket.priority }}' } }]\n",
    ),
    Code(
        code="TG304",
        title="a translation is missing",
        level="error",
        cause="The template is not there in the language named, nor in default_language, to which language: auto falls back.",
        remedy="Add templates/NAME/LANGUAGE.md.",
        wrong=_REPLY.replace("template: ack", "template: ack, language: fr") + "    limits: { per_ticket: 1 }\n",
        right=_REPLY.replace("template: ack", "template: ack, language: de") + "    limits: { per_ticket: 1 }\n",
    ),
    Code(
        code="TG305",
        title="a secret stands in the files",
        level="error",
        cause="Rules are read by many. ${secret:..} and ${env:..} are for ticketgate.yaml, where no secret stands in clear.",
        remedy="Name a channel or connection in the rule, and let ticketgate.yaml say ${secret:NAME}.",
        wrong="lists:\n  l: { values: ['${secret:token}'] }\n",
        right="lists:\n  l: { values: [token] }\n",
    ),
    Code(
        code="TG306",
        title="a rule pack lacks an input",
        level="error",
        cause="Rule packs are kept for a later release; until then packs: itself is refused (TG201), so this code is not given.",
        remedy="Nothing need be done today.",
    ),
    Code(
        code="TG307",
        title="named conditions go round in a circle",
        level="error",
        cause="A condition uses itself, directly or through others, so that it has no meaning.",
        remedy="Take one 'use' out of the circle.",
        wrong="conditions:\n  a: { use: b }\n  b: { use: a }\n",
        right="conditions:\n  a: { use: b }\n  b: { product: billing }\n",
    ),
    Code(
        code="TG308",
        title="the table has no such column",
        level="error",
        cause="keys: or column: names something that does not stand in the table's first line.",
        remedy="Take the column that is suggested; columns are parted by commas.",
        wrong="tables:\n  teams: { file: tables/teams.csv, keys: [produkt] }\n",
        right="tables:\n  teams: { file: tables/teams.csv, keys: [product] }\n",
    ),
    Code(
        code="TG401",
        title="the rule can never run",
        level="error",
        cause="A rule above it in a set with pick: first catches every ticket that it wants.",
        remedy="Move it above the other one, or set pick: all.",
        wrong=_TWO.format(pick="first", id="billing-vip", when="created", condition=_VIP, then="assign: { group: vip }"),
        right=_TWO.format(pick="first", id="crm-vip", when="created", condition="product: crm", then="assign: { group: vip }"),
    ),
    Code(
        code="TG402",
        title="the condition contradicts itself",
        level="error",
        cause="Tests side by side must all hold, and these exclude each other.",
        remedy="Change one of them, or write any: where one of several is enough.",
        wrong=_BOUNDS.format(top="high"),
        right=_BOUNDS.format(top="urgent"),
    ),
    Code(
        code="TG403",
        title="the rule always matches, but is not the last",
        level="warning",
        cause="In a set with pick: first nothing below it has a chance for the same event; elsewhere its 'if' asks for nothing.",
        remedy="Put it last, or say which tickets it means.",
        wrong=_TWO.format(pick="first", id="b", when="[created, updated]", condition="type: bug", then="stop: ruleset").replace(
            "    if: { product: billing }\n", ""
        ),
        right=_TWO.format(pick="first", id="b", when="updated", condition="type: bug", then="stop: ruleset").replace(
            "    if: { product: billing }\n", ""
        ),
    ),
    Code(
        code="TG404",
        title="two rules have the same events and the same condition",
        level="warning",
        cause="Both match the same tickets at the same moments; who changes one may forget the other.",
        remedy="Put the steps of both into one rule.",
        wrong=_TWO.format(pick="all", id="b", when="created", condition="product: [Billing]", then="tag: { add: [x] }"),
        right=_TWO.format(pick="all", id="b", when="created", condition="product: [crm]", then="tag: { add: [x] }"),
    ),
    Code(
        code="TG405",
        title="two rules can set one field in the same pass",
        level="warning",
        cause="The later one wins, and the earlier one's work is lost without a word.",
        remedy="Let their conditions exclude each other, or put both into a set with pick: first.",
        wrong=_SETS.format(pick="all", id="b", when="created", condition="type: bug", then="set: { priority: low }"),
        right=_SETS.format(pick="all", id="b", when="created", condition="product: crm", then="set: { priority: low }"),
    ),
    Code(
        code="TG406",
        title="customers are answered without a limit",
        level="warning",
        cause="A mistake in the condition, or a partner's auto-reply, turns one answer into hundreds.",
        remedy="Add limits: { per_requester: 1 per 12h }.",
        wrong=_REPLY,
        right=_REPLY + "    limits: { per_requester: 1 per 12h }\n",
    ),
    Code(
        code="TG407",
        title="nothing uses the definition",
        level="note",
        cause="A list, table, calendar, condition, field or template is defined and named nowhere.",
        remedy="Remove it, or name it where it was meant.",
        wrong="lists:\n  ours: { values: [billing] }\n",
        right="lists:\n  ours: { values: [billing] }\nrules:\n  - id: a\n    when: created\n    if: { product: { in_list: ours } }\n"
        "    then: [{ stop: ticket }]\n",
    ),
    Code(
        code="TG408",
        title="the stages are out of order",
        level="error",
        cause="A stage stands below one that falls due after it (with SLA clocks: in some target of the policy).",
        remedy="Write the stages in the order in which they fall due.",
        wrong=_LADDER.format(first="3d"),
        right=_LADDER.format(first="1d"),
    ),
    Code(
        code="TG409",
        title="rules can chase each other",
        level="error",
        cause="Two sync rules give one field of a pair to different owners, or rules that react to our own changes set off each other.",
        remedy="Name one owner in both, or let one of the rules not react_to_own_changes.",
        wrong=_SYNC.format(field="priority"),
        right=_SYNC.format(field="severity"),
    ),
    Code(
        code="TG410",
        title="no test fires the rule",
        level="note",
        cause="The tests below tests/ were run, and in none of them did this rule act.",
        remedy="Add a test whose ticket the rule is meant for; ticketgate test --coverage lists what is missing.",
    ),
    Code(
        code="TG411",
        title="the system does not have it",
        level="error",
        cause="check --online asked the systems for the groups, users, projects and fields that rules, maps and settings name. Where only "
        "some lack one it is a note; a system that did not answer is a warning.",
        remedy="Make it there, correct the name, or name the connections that have it under ruleset: { connections: [..] }.",
    ),
    Code(
        code="TG412",
        title="no connection of the rule can do this",
        level="error",
        cause="The connector has no place for the field, or cannot carry out the action. Where only some cannot, it is a note. "
        "So for the files of a sync: a partner may take none, or show all that it takes to customers.",
        remedy="Map the field under fields: with from:, carry files one way, "
        "or name the connections that can under ruleset: { connections: [..] }.",
        wrong=_PRODUCT,
        right="fields: { product: { type: text, from: { zendesk-eu: Product } } }\n" + _PRODUCT,
    ),
    Code(
        code="TG413",
        title="steps stand after stop",
        level="warning",
        cause="'stop' ends what comes after this rule, not this list; below it steps look as if they were never done.",
        remedy="Put 'stop' last.",
        wrong="rules:\n  - id: a\n    when: created\n    then: [{ stop: ticket }, { tag: { add: [x] } }]\n",
        right="rules:\n  - id: a\n    when: created\n    then: [{ tag: { add: [x] } }, { stop: ticket }]\n",
    ),
)
