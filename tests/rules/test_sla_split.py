"""`on_split: inherit`: the clocks of a ticket that was split from another go on where those of its origin stood."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from rules.breakdown import breakdown
from rules.bundle import Bundle
from rules.engine import Engine
from rules.observation import Observation, Origin
from rules.promises import Promises
from rules.sla import SlaClock, Standing, measure, walked
from rules.ticket import Change, Comment, Level, Role, Status, Type, replace
from tests.builders import a_ref, a_ticket
from tests.rules.test_sla_switches import MONDAY, H, M, became, one, said, status

INHERIT = "{name}: {{ on_split: inherit, {more} targets: [{{ within: {within} }}] }}"


def inheriting(name: str = "resolution", within: str = "8h", more: str = "") -> Bundle:
    return one(INHERIT.format(name=name, within=within, more=more))


def origin(changes: Sequence[Change] = (), comments: Sequence[Comment] = (), **fields: Any) -> Origin:
    """M-1, made on Monday at 09:00."""
    present = {c.field: c.after for c in changes}
    known = {"created_at": MONDAY, "updated_at": MONDAY, "status": Status.OPEN, "priority": Level.NORMAL, "type": Type.INCIDENT}
    ticket = a_ticket(**{**known, **present, "ref": a_ref("zendesk-eu:M-1"), **fields})
    return Origin(ticket=ticket, changes=tuple(changes), comments=tuple(comments))


def split(bundle: Bundle, made: timedelta, at: timedelta, *origins: Origin, changes: Sequence[Change] = (), **fields: Any) -> Standing:
    """M-2, split from M-1 at `made`, as it stands at `at`; both since Monday 09:00."""
    known: dict[str, Any] = {"created_at": MONDAY + made, "updated_at": MONDAY + made, "type": Type.INCIDENT, "split_from": "M-1"}
    known |= {"status": Status.OPEN, "priority": Level.NORMAL} | {c.field: c.after for c in changes}
    ticket = a_ticket(**{**known, "ref": a_ref("zendesk-eu:M-2"), **fields})
    seen = Observation(ticket=ticket, now=MONDAY + at, changes=tuple(changes), origins=origins)
    return Engine(bundle).sla(seen)


def the(found: Standing, metric: str = "resolution") -> SlaClock:
    clock = found.clock(metric)
    assert clock is not None
    return clock


PAUSED = status((H, Status.PENDING), (3 * H, Status.OPEN))
"""Of the origin: from 10:00 to 12:00 it waited for the customer."""
PAUSE = "pause: { status: pending },"


def test_the_start_and_what_had_been_counted_up_to_the_split_are_inherited_with_the_pauses():
    clock = the(split(inheriting(more=PAUSE), 4 * H, 6 * H, origin(PAUSED)))
    assert (clock.started_at, clock.elapsed, clock.state) == (MONDAY, 4 * H, "running")  # 09-10, 12-13, and 13-15 of its own
    assert clock.due_at == MONDAY + 26 * H  # 8 h of Monday's six and Tuesday's two
    assert clock.paused == ((MONDAY + H, MONDAY + 3 * H),)
    assert clock.inherited is not None
    assert (str(clock.inherited.origin), clock.inherited.at) == ("zendesk-eu:M-1", MONDAY + 4 * H)


def test_fresh_is_what_it_is_without_a_word():
    for bundle in (one("resolution: { targets: [{ within: 8h }] }"), one("resolution: { on_split: fresh, targets: [{ within: 8h }] }")):
        clock = the(split(bundle, 4 * H, 6 * H, origin(PAUSED)))
        assert (clock.started_at, clock.elapsed, clock.inherited) == (MONDAY + 4 * H, 2 * H, None)


def test_what_became_of_the_origin_after_the_split_is_nothing_to_the_new_ticket():
    later = [*PAUSED, became("status", Status.OPEN, Status.RESOLVED, 5 * H)]
    bundle = inheriting(more=PAUSE)
    calm = the(split(bundle, 4 * H, 6 * H, origin(PAUSED)))
    after = the(split(bundle, 4 * H, 6 * H, origin(later)))
    assert (after.elapsed, after.due_at, after.paused, after.inherited) == (calm.elapsed, calm.due_at, calm.paused, calm.inherited)
    longer = [became("status", Status.OPEN, Status.PENDING, H)]
    assert the(split(inheriting(more=PAUSE), 4 * H, 6 * H, origin(longer))).elapsed == 3 * H  # paused at the split; here it runs


def test_the_follow_up_of_a_settled_ticket_goes_on_as_a_reopening_would_and_the_time_between_does_not_count():
    settled = origin(status((2 * H, Status.RESOLVED)))
    clock = the(split(inheriting(), 5 * H, 6 * H, settled))
    assert (clock.started_at, clock.elapsed, clock.due_at) == (MONDAY, 3 * H, MONDAY + 27 * H)
    assert clock.paused == ()  # between the stop and the split there was nothing to pause
    for ends in ("on_reopen: new_instance,", "on_reopen: ignore,", "reopen_window: 2h,"):
        assert the(split(inheriting(more=ends), 5 * H, 6 * H, settled)).started_at == MONDAY + 5 * H
    assert the(split(inheriting(more="reopen_window: 3h,"), 5 * H, 6 * H, settled)).started_at == MONDAY


def test_a_promise_that_was_kept_or_cancelled_is_the_origins_own():
    answered = origin(comments=[said(Role.AGENT, H)])
    clock = the(split(inheriting("first_response"), 4 * H, 6 * H, answered), "first_response")
    assert (clock.started_at, clock.state) == (MONDAY + 4 * H, "running")
    waiting = the(split(inheriting("first_response"), 4 * H, 6 * H, origin()), "first_response")
    assert (waiting.started_at, waiting.elapsed) == (MONDAY, 6 * H)
    gone = inheriting(more="cancel: { if: { resolution: duplicate } },")
    cancelled = origin([became("resolution", None, "duplicate", H)])
    assert the(split(gone, 4 * H, 6 * H, cancelled)).started_at == MONDAY + 4 * H


def test_a_clock_that_does_not_start_with_its_ticket_inherits_nothing():
    bundle = inheriting("ownership", more="start: { if: { group: tier2 } },")
    first = origin([became("group", "tier1", "tier2", H)])
    moved = [became("group", "tier1", "tier2", 5 * H)]
    assert the(split(bundle, 4 * H, 6 * H, first, changes=moved), "ownership").started_at == MONDAY + 5 * H
    assert the(split(bundle, 4 * H, 6 * H, first, group="tier2"), "ownership").started_at == MONDAY + H


def test_a_deadline_that_the_origin_had_passed_is_a_breach_of_the_new_ticket_from_the_split_on():
    clock = the(split(inheriting(within="2h"), 4 * H, 5 * H, origin()))
    assert (clock.state, clock.due_at) == ("breached", MONDAY + 2 * H)
    assert [breach.at for breach in clock.breaches] == [MONDAY + 4 * H]


def test_the_new_tickets_own_target_and_calendar_rule_from_the_split_on():
    body = "resolution: { on_split: inherit, targets: [{ if: { priority: urgent }, within: 6h, hours: calendar }, { within: 8h }] }"
    clock = the(split(one(body), 4 * H, 5 * H, origin(), priority=Level.URGENT))
    assert (clock.elapsed, clock.due_at) == (5 * H, MONDAY + 6 * H)
    late = the(split(one(body), 9 * H, 10 * H, origin(), priority=Level.URGENT))  # 18:00; the office counted eight hours of it
    assert (late.elapsed, late.due_at) == (9 * H, MONDAY + 6 * H)


def test_business_days_are_counted_from_the_inherited_start_and_its_pauses_added():
    bundle = inheriting(within="2 business days", more=PAUSE)
    assert the(split(bundle, 24 * H, 25 * H, origin(PAUSED))).due_at == MONDAY + 50 * H  # Wednesday 09:00, and two hours of pause


def test_a_split_of_a_split_reaches_back_to_the_first():
    second = Origin(ticket=replace(origin().ticket, ref=a_ref("zendesk-eu:M-1"), created_at=MONDAY + 2 * H, split_from="M-0"))
    first = Origin(ticket=replace(origin().ticket, ref=a_ref("zendesk-eu:M-0")))
    assert the(split(inheriting(), 4 * H, 5 * H, second, first)).started_at == MONDAY
    assert the(split(inheriting(), 4 * H, 5 * H, second)).started_at == MONDAY + 2 * H


def test_an_origin_of_which_nothing_is_known_is_named_once_and_the_clocks_begin_with_the_ticket():
    two = one(
        "resolution: { on_split: inherit, targets: [{ within: 8h }] }, requester_wait: { on_split: inherit, targets: [{ within: 8h }] }"
    )
    found = split(two, 4 * H, 5 * H)
    assert the(found).started_at == MONDAY + 4 * H
    assert [doubt.kind for doubt in found.doubts] == ["origin_unknown"]
    assert "M-1" in found.doubts[0].text
    younger = Origin(ticket=replace(origin().ticket, created_at=MONDAY + 5 * H))
    assert the(split(two, 4 * H, 6 * H, younger)).started_at == MONDAY + 4 * H
    assert split(one("resolution: { targets: [{ within: 8h }] }"), 4 * H, 5 * H).doubts == ()


def test_max_backdate_bounds_what_is_inherited():
    clock = the(split(inheriting(more="max_backdate: 1h,"), 4 * H, 5 * H, origin()))
    assert (clock.started_at, clock.elapsed) == (MONDAY + 3 * H, 2 * H)


def test_a_restart_by_another_target_ends_what_was_inherited():
    body = "resolution: { on_split: inherit, on_target_change: restart, targets: [{ if: { priority: high }, within: 4h }, { within: 8h }] }"
    raised = [became("priority", Level.NORMAL, Level.HIGH, 5 * H)]
    clock = the(split(one(body), 4 * H, 6 * H, origin(), changes=raised))
    assert (clock.started_at, clock.elapsed, clock.inherited) == (MONDAY + 5 * H, H, None)


@pytest.mark.parametrize("made", [2 * H, 4 * H, 7 * H, 20 * H])
def test_a_person_can_follow_the_sum_across_the_split_by_hand(made: timedelta):
    bundle = inheriting(more=PAUSE)
    clock = the(split(bundle, made, made + 30 * M, origin(PAUSED)))
    rows = breakdown(clock, bundle.calendars)
    upto = [row for row in rows if row.what == "counted" and row.until is not None]
    assert sum((row.counts for row in upto if row.until <= (clock.due_at or MONDAY)), timedelta()) == 8 * H
    assert sum((row.counts for row in upto if row.until <= MONDAY + made), timedelta()) == clock.run.elapsed(MONDAY + made)
    assert [(row.since, "zendesk-eu:M-1" in row.text) for row in rows if row.what == "split"] == [(MONDAY + made, True)]


def test_the_straight_way_leaves_a_split_ticket_to_the_walk_and_takes_every_other():
    bundle = inheriting()
    promises = Promises.of(bundle)
    ticket = a_ticket(created_at=MONDAY + 4 * H, updated_at=MONDAY + 4 * H, status=Status.OPEN, type=Type.INCIDENT)
    for seen in (
        Observation(ticket=ticket, now=MONDAY + 5 * H),
        Observation(ticket=replace(ticket, split_from="M-1"), now=MONDAY + 5 * H, origins=(origin(),)),
    ):
        assert measure(promises, seen).clocks == walked(promises, seen).clocks
