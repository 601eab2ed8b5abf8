"""What users of other engines complained of, by the threads in which they did: here it comes out right."""

from datetime import timedelta

import pytest

from rules.ticket import Level, Role, Status
from tests.rules.desks import a_bundle
from tests.rules.test_sla_switches import MONDAY, TWO, H, M, became, one, only, said, stand, status

WITHIN = {"first_response": "4h", "periodic_update": "1h", "resolution": "8h"}
THREE = ", ".join(f"{name}: {{ targets: [{{ within: {within} }}] }}" for name, within in WITHIN.items())


def test_an_early_deadline_hides_and_replaces_no_later_one():
    """zammad#5177 and #3928: the update's deadline stood where the first response's belonged, and only the nearest was shown."""
    found = stand(one(THREE), 30 * M)
    assert {c.metric: c.due_at for c in found.present} == {
        "first_response": MONDAY + 4 * H,
        "periodic_update": MONDAY + H,
        "resolution": MONDAY + 8 * H,
    }


def test_no_clock_runs_on_towards_a_customer_who_was_answered():
    """zammad#3140: it escalated although the agent had answered."""
    bundle = one("next_response: { targets: [{ within: 1h }] }")
    words = [said(Role.CUSTOMER, 30 * M), said(Role.AGENT, H)]
    assert only(stand(bundle, 5 * H, comments=words), "next_response").state == "met"


def test_thanks_after_the_solution_reopens_nothing():
    bundle = one("resolution: { targets: [{ within: 4h }] }")
    solved = status((H, Status.RESOLVED))
    clock = only(stand(bundle, 9 * H, solved, [said(Role.CUSTOMER, 2 * H)]))
    assert (clock.state, clock.elapsed, clock.stopped_at) == ("met", H, MONDAY + H)


def test_a_reopening_leaves_the_first_response_as_it_was():
    """chatwoot#12058: its time was wrong afterwards."""
    bundle = one("first_response: { targets: [{ within: 1h }] }")
    again = status((H, Status.RESOLVED), (3 * H, Status.OPEN))
    clock = only(stand(bundle, 5 * H, again, [said(Role.AGENT, 30 * M), said(Role.AGENT, 4 * H)]), "first_response")
    assert (clock.state, clock.elapsed, clock.instance) == ("met", 30 * M, 1)


def test_a_ticket_that_is_solved_out_of_a_pause_was_paused_until_then():
    """frappe/helpdesk#3776: the hold was forgotten when a paused ticket was resolved directly."""
    bundle = one("resolution: { pause: { status: pending }, targets: [{ within: 2h }] }")
    clock = only(stand(bundle, 5 * H, status((H, Status.PENDING), (4 * H, Status.RESOLVED))))
    assert (clock.state, clock.elapsed, clock.paused) == ("met", H, ((MONDAY + H, MONDAY + 4 * H),))


def test_a_priority_that_changes_in_a_pause_takes_effect_when_it_ends():
    """glpi#15605 and #6902: the pause was lost with the old target."""
    bundle = one(f"resolution: {{ pause: {{ status: pending }}, {TWO} }}")
    rows = [*status((30 * M, Status.PENDING), (2 * H, Status.OPEN)), became("priority", Level.NORMAL, Level.URGENT, H)]
    paused = only(stand(bundle, 90 * M, [rows[0], rows[2]], status=Status.PENDING))
    assert (paused.state, paused.due_at, paused.remaining) == ("paused", None, 30 * M)
    assert only(stand(bundle, 2 * H, rows, status=Status.OPEN)).due_at == MONDAY + 150 * M


def test_a_target_that_goes_up_and_down_again_leaves_the_breach_between_and_the_sum_whole():
    bundle = one(f"resolution: {{ pause: {{ status: pending }}, {TWO} }}")
    rows = [
        *status((30 * M, Status.PENDING), (2 * H, Status.OPEN)),
        became("priority", Level.NORMAL, Level.URGENT, H),
        became("priority", Level.URGENT, Level.NORMAL, 3 * H),
    ]
    clock = only(stand(bundle, 190 * M, rows, status=Status.OPEN))
    assert (clock.state, clock.due_at, clock.started_at) == ("running", MONDAY + 330 * M, MONDAY)
    assert [breach.due_at for breach in clock.breaches] == [MONDAY + 150 * M]
    assert [(s.target.written, s.breached) for s in clock.superseded] == [("4h", False), ("1h", True)]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns", "Asia/Kathmandu"])
def test_nothing_is_late_right_after_it_was_made_whatever_the_zone(zone: str):
    """frappe/erpnext#38745: shown as failed at once, because the local time was taken for another."""
    text = f'calendars: {{ there: {{ timezone: {zone}, open: {{ mon-sun: "09:00-17:00" }} }} }}\n'
    policy = "sla_policies: { p: { applies_to: { type: incident }, calendar: there, targets: { normal: { resolution: 1m } } } }\n"
    clock = only(stand(a_bundle(text + policy), 0 * H))
    assert (clock.state, clock.elapsed) == ("running", timedelta(0))
    assert clock.due_at is not None
    assert clock.due_at > MONDAY
