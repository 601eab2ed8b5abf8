"""`restrict`: personal data of a restricted ticket leaves us no more, in nothing that is written anywhere, from that pass on."""

import io
import json
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import structlog

from gateway.cli.render import headline
from gateway.logs import set_up
from gateway.store import passes, restrictions
from rules.engine import evaluate
from rules.observation import Kind
from rules.plan import AddComment, CreateTicket, Notify, Update
from rules.ticket import TicketRef
from tests.builders import a_ticket, an_observation
from tests.gateway.memory_desk import Office, an_office, settled
from tests.rules.desks import a_bundle

CARD, SPACED = "4111111111111111", "4111 1111 1111 1111"
RULES = """
version: 1
rules:
  - id: told-before
    when: created
    then:
      - notify: { to: leads, text: "New: {{ ticket.subject }} {{ ticket.body }}" }
  - id: protect
    when: [created, customer_replied]
    if: { text: { contains_pii: payment_card } }
    then:
      - restrict: { group: trust, redact: [payment_card, email] }
  - id: partner
    when: [created, updated, commented]
    if: { connection: [desk, core] }
    then:
      - sync: { with: core, if_missing: create, comments: both_ways, fields: { subject: both_ways, priority: both_ways } }
  - id: tell
    when: [created, customer_replied]
    then:
      - notify: { to: leads, text: "Said: {{ ticket.text }}" }
      - note: { text: "Noted: {{ ticket.text }}" }
"""


def offices(path: Path) -> Office:
    return an_office(path, RULES, connections=("desk", "core"))


def said_elsewhere(office: Office) -> str:
    """All that left us: what the partner's system received, notes and replies, and messages."""
    written = [effect.detail for c in office.systems for effect in office.effects(c)]
    return json.dumps([written, office.notified()], default=str)


def test_nothing_that_is_written_holds_what_was_redacted(tmp_path: Path) -> None:
    with offices(tmp_path) as office:
        office.round()
        ref = office.customer_writes(f"Card {SPACED} declined")
        office.round()
        office.reply(ref, f"I mean {CARD}, write to ana.lima@example.com")
        office.round()
        office.edit(ref, subject=f"Still {SPACED}", priority="high")
        office.round()
        assert "[payment_card]" in said_elsewhere(office)
        assert "[email]" in said_elsewhere(office)
        for text in (CARD, SPACED, "ana.lima@example.com"):
            assert text not in said_elsewhere(office)
        assert office.shown(ref)["subject"] == f"Still {SPACED}", "the customer's own ticket is as it was"
        assert "restricted" in office.shown(ref)["tags"]
        assert office.shown(ref)["group"] == "trust"
        settled(office)


def test_it_holds_from_then_on_also_for_what_the_partner_s_pass_copies(tmp_path: Path) -> None:
    with offices(tmp_path) as office:
        office.round()
        ref = office.customer_writes(f"Card {CARD}")
        office.round()
        (partner,) = [TicketRef("core", e.key) for e in office.effects("core", "create")]
        office.reply(ref, f"once more {CARD}")
        office.edit(partner, priority="high")
        office.gateway.cycle.look(partner)
        office.round()
        with office.gateway.store.reading() as db:
            assert restrictions.kinds_of(db, [ref]) == {"payment_card", "email"}
        assert CARD not in said_elsewhere(office)
        assert office.shown(ref)["priority"] == "high", "what holds no personal data is kept in step"


def test_an_ordinary_ticket_is_copied_as_it_is(tmp_path: Path) -> None:
    with offices(tmp_path) as office:
        office.round()
        office.customer_writes("Write to ana.lima@example.com")
        office.round()
        assert "ana.lima@example.com" in said_elsewhere(office)


def test_what_is_shown_of_it_is_redacted_too(tmp_path: Path) -> None:
    with offices(tmp_path) as office:
        office.round()
        ref = office.customer_writes(f"Card {CARD}")
        office.round()
        office.round()
        with office.gateway.store.reading() as db:
            last = passes.last(db, ref)
        assert last is not None
        assert CARD not in headline(last.observation.ticket, last.plan.redact)


@pytest.mark.parametrize("verb", ["notify: { to: chat, text: '{{ ticket.body }}' }", "note: { text: '{{ ticket.body }}' }"])
def test_a_text_of_an_earlier_rule_of_the_same_pass_is_redacted(verb: str) -> None:
    bundle = a_bundle(f"""
    rules:
      - {{ id: first, when: created, then: [{{ {verb} }}] }}
      - {{ id: then, when: created, then: [{{ restrict: {{ group: billing, redact: [iban] }} }}] }}
    """)
    ticket = a_ticket(body="to DE89 3704 0044 0532 0130 00")
    plan = evaluate(an_observation(Kind.CREATED, ticket=ticket), bundle)
    said = [a.text if isinstance(a, Notify) else a.body for a in plan.actions if isinstance(a, (Notify, AddComment))]
    assert said == ["to [iban]"]
    (update,) = [a for a in plan.actions if isinstance(a, Update)]
    assert update.tags.add == {"restricted"}
    assert not [a for a in plan.actions if isinstance(a, CreateTicket)]


def test_a_log_holds_nobody_s_card_address_or_number() -> None:
    """Row S14: redaction at the log boundary, whatever a vendor's message quotes."""
    errors = io.StringIO()
    with redirect_stderr(errors):
        set_up(as_json=True)
        structlog.get_logger().error(
            "ticket failed",
            ref="zendesk-eu:4111111111111111",
            reason=f"400: card {SPACED} of ana@example.com, +49 171 1234567, DE89370400440532013000",
        )
    (line,) = errors.getvalue().splitlines()
    assert json.loads(line)["reason"] == "400: card [payment_card] of [email], [phone], [iban]"
    assert json.loads(line)["ref"] == "zendesk-eu:4111111111111111", "a key is no card"
