"""The desk of the language page's section 10 and the tests of its section 12, to the letter; with texts for what they name."""

FILES: dict[str, str] = {
    "rules/10-definitions.yaml": """# yaml-language-server: $schema=../.ticketgate/rules.schema.json
version: 1

conditions:
  still-open:
    status: { not_one_of: [resolved, closed] }
  from-a-person:
    requester.automated: false
  is-vip:
    any:
      - requester.organization: { in_list: vip-customers }
      - requester.tags: { contains: vip }
      - custom.contract_tier: [platinum, gold]

lists:
  vip-customers:
    values: [Northwind, Contoso, Fabrikam]

tables:
  product-teams:
    file: tables/product-teams.csv        # columns: product, language, team; * matches anything
    keys: [product, language]

calendars:
  support-emea:
    timezone: Europe/Berlin
    open: { mon-thu: "08:00-18:00", fri: "08:00-16:00" }
    holidays: { country: DE, region: BY }

sla_policies:
  standard:
    applies_to: { use: from-a-person }
    calendar: support-emea
    pause_in: [pending, on_hold]
    targets:
      urgent: { first_response: 15m, resolution: 4h }
      high: { first_response: 1h, resolution: 8h }
      normal: { first_response: 4h, resolution: 3d }
      low: { first_response: 1d, resolution: 10d }

fields:
  contract_tier:
    type: choice
    values: [bronze, silver, gold, platinum]
    from: { zendesk-eu: Contract tier }
""",
    "rules/20-protect.yaml": """version: 1
ruleset: { title: Protect people first, pick: all }

rules:
  - id: contain-fraud-and-personal-data
    name: Restrict tickets with card data or fraud reports until somebody approves
    owner: trust-and-safety
    when: [created, customer_replied]
    if:
      any:
        - text: { contains_pii: [payment_card, iban, national_id] }
        - text: { contains_any: [chargeback, stolen card, unauthorised payment] }
        - tags: { contains: fraud }
    then:
      - restrict: { group: trust-and-safety, redact: [payment_card, iban] }
      - set: { priority: high }
      - approval:
          ask: trust-leads
          within: 4 business hours
          question: May this ticket go to the billing team?
          approved:
            - assign: { group: billing }
          denied:
            - note: { text: "Kept in trust-and-safety by {{ approval.by }}" }
          no_answer:
            - notify: { to: trust-leads, template: approval-expired }
      - stop: ticket
""",
    "rules/30-routing.yaml": """version: 1
ruleset: { title: Routing, pick: first }

rules:
  - id: route-by-product-and-language
    name: Send each product to the team that speaks the customer's language
    when: [created, { changed: product }, { changed: language }]
    if:
      use: still-open
      group: { empty: true }
      product: { empty: false }
    then:
      - assign:
          from_table: { table: product-teams, match: [product, language], column: team }
          otherwise: triage
      - tag: { add: [auto-routed] }
""",
    "rules/40-escalation.yaml": """version: 1
ruleset: { title: Escalation, pick: all }

rules:
  - id: vip-escalation
    name: VIP customers never wait below high priority
    when: [created, customer_replied]
    if:
      use: [is-vip, still-open]
      priority: { below: high }
    then:
      - raise_priority: high
      - assign: { group: vip-desk, strategy: least_open }
      - notify: { to: vip-alerts, template: vip-ticket }

  - id: sla-first-response-ladder
    name: Warn at 75 %, escalate on breach, page the manager half an hour later
    when: { sla: first_response }
    if: { use: still-open }
    stages:
      - at: 75%
        then:
          - notify: { to: assignee, template: sla-warning }
      - at: breach
        then:
          - raise_priority: { by: 1, up_to: urgent }
          - page: { to: support-oncall, urgency: high, text: "First response missed on {{ ticket.ref }}" }
          - notify: { to: [team-lead, sla-alerts], template: sla-breach }
      - at: breach + 30m
        then:
          - page: { to: duty-manager, urgency: high, text: "{{ ticket.ref }} is 30 minutes past its SLA" }
""",
    "rules/50-replies.yaml": """version: 1
ruleset: { title: Replies to customers, pick: all }

rules:
  - id: acknowledge-out-of-hours
    name: Tell customers when we are back
    when: created
    if:
      use: from-a-person
      channel: [email, web, portal]
      calendar: { support-emea: closed }
    then:
      - reply: { template: ack-out-of-hours, language: auto }
    limits: { per_requester: 1 per 12h }
""",
    "rules/60-sync.yaml": """version: 1
ruleset: { title: Sync with engineering, pick: all }

rules:
  - id: sync-bugs-with-jira
    name: Keep engineering bugs in step between Zendesk and Jira
    when: [created, updated, commented]
    if:
      connection: [zendesk-eu, jira-core]
      type: bug
      tags: { contains: engineering }
    then:
      - sync:
          with: jira-core
          if_missing: create
          create: { project: CORE, issue_type: Bug }
          status: both_ways
          comments: { direction: both_ways, only: public }
          conflict: newest_wins
""",
    "rules/70-problems.yaml": """version: 1
ruleset: { title: Problems, pick: all }

rules:
  - id: repeat-incident-to-problem
    name: Three alike incidents in a day belong to one problem
    when: created
    if:
      type: incident
      similar: { same: [product, error_code], within: 24h, at_least: 3 }
    then:
      - link:
          to: problem
          if_missing: create
          create: { title: "Repeated {{ ticket.error_code }} in {{ ticket.product }}" }
      - tag: { add: [repeat-incident] }
      - notify: { to: problem-managers, template: repeat-incident }
    limits: { per_ticket: 1 }
""",
    "rules/90-tidy.yaml": """version: 1
ruleset: { title: Tidy up, pick: all }

rules:
  - id: close-stale-pending
    name: Remind after 3 days of silence, close after 7
    when: { waiting: { status: pending, since: last_agent_reply } }
    if:
      tags: { contains_none: [keep-open] }
    stages:
      - after: 3d
        then:
          - reply: { template: still-need-your-answer, language: auto }
      - after: 7d
        then:
          - reply: { template: closed-no-answer, language: auto }
          - set: { status: closed }
          - tag: { add: [closed-no-reply] }
""",
    "tests/routing.test.yaml": """version: 1
suite: Routing and escalation
defaults:
  now: 2026-03-02T10:00:00+01:00
  ticket:
    connection: zendesk-eu
    status: new
    priority: normal
    channel: email
    requester: { name: Ana, organization: Alpine, automated: false }

tests:
  - name: a German billing ticket goes to the team for Germany
    ticket: { product: billing, language: de }
    event: created
    expect:
      fired: [route-by-product-and-language]
      not_fired: [acknowledge-out-of-hours, vip-escalation]
      ticket: { group: billing-dach, tags: { contains: auto-routed } }
      replies: none

  - name: the ladder warns, escalates, and falls silent after an answer
    ticket: { priority: high }
    steps:
      - { at: 0m, event: created }
      - at: 45m
        expect: { fired: ["sla-first-response-ladder at 75%"], notified: [assignee] }
      - at: 60m
        expect: { paged: [support-oncall], ticket: { priority: urgent } }
      - { at: 70m, event: agent_replied }
      - at: 2h
        expect: { fired: none }

  - name: nobody answers a robot
    now: 2026-03-01T03:00:00+01:00
    ticket: { requester: { automated: true } }
    event: created
    expect: { replies: none }
""",
    "rules/tables/product-teams.csv": "product,language,team\nbilling,de,billing-dach\nbilling,*,billing\n*,*,triage\n",
    **{
        f"templates/{name}/en.md": "About {{ ticket.subject }}"
        for name in (
            *("approval-expired", "vip-ticket", "sla-warning", "sla-breach", "ack-out-of-hours"),
            *("repeat-incident", "still-need-your-answer", "closed-no-answer"),
        )
    },
}
