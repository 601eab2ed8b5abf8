"""The pager: makes the calls of open pages, one turn after the other, until somebody acknowledges or all have been called.

A turn is taken and its call is planned in one transaction, so that no moment of death makes a turn twice or loses it; the call itself
goes the way of every action. One that may have reached somebody when the process died is not repeated: the next in the chain is
called when that turn's time is over.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from gateway.config import OnCallConfig
from gateway.cycle import Cycle, House
from gateway.holding import Busy
from gateway.on_call import Turn, turns
from gateway.store import actions, audits, halts, pages
from gateway.store.actions import Row
from gateway.store.pages import Paging, State
from rules.plan import Call, key_of


class Pager:
    """One for a gateway. Its moments are those of the rules' clock, as a ladder's are."""

    def __init__(self, house: House, cycle: Cycle, on_call: Mapping[str, OnCallConfig]) -> None:
        self._house, self._cycle = house, cycle
        self._turns = {name: turns(on_call, name) for name in on_call}
        self._log = structlog.get_logger()

    def ring(self) -> int:
        """Takes every turn whose moment has come, and makes what calls are planned; how many turns there were."""
        with self._house.store.reading() as db:
            if halts.at(db, halts.EVERYWHERE) is not None:  # no turn is used up while nobody may be called
                return 0
            due = pages.due(db, self._house.clock())
        taken = sum(self._took(one) for one in due)
        with self._house.store.reading() as db:
            rows = actions.unsettled_of(db, "call")
        for row in rows:
            self._called(row)
        return taken

    def _took(self, one: Paging) -> bool:
        """The next turn of a page, with its call planned; False where all were called, or another process was faster."""
        chain, now = self._turns.get(one.to, ()), self._house.clock()
        if one.made >= len(chain):
            self._nobody(one, now)
            return False
        turn = chain[one.made]
        with self._house.store.writing() as db:
            if not pages.took_turn(db, one, None if turn.wait is None else now + turn.wait):
                return False
            actions.intend(db, one.ref, [_call(one, turn)], f"page-{one.id}-{one.made + 1}", now)
        self._house.points("after-turn")
        return True

    def _nobody(self, one: Paging, now: datetime) -> None:
        """All were called and waited for: a person must know."""
        why = f"nobody acknowledged after {one.made} calls" if one.made else f"there is no on-call name '{one.to}' any more"
        with self._house.store.writing() as db:
            if not pages.ended(db, one.id, State.UNANSWERED, now, why=why):
                return
            audits.noted(db, now, "pager", "page unanswered", f"{one.id} {one.ref} {one.to}")
        self._log.error("page unanswered", page=one.id, ref=str(one.ref), to=one.to, reason=why)

    def _called(self, row: Row) -> None:
        """Makes one planned call, or settles one of an earlier process. While somebody has the ticket in hand, they do."""
        call = row.action
        if not isinstance(call, Call):
            return
        with suppress(Busy):
            if self._cycle.went_on(row).failed:
                self._goes_on(call)

    def _goes_on(self, call: Call) -> None:
        """It surely reached nobody, so nobody is waited for; but the last turn keeps its time, or an outage would use up the chain."""
        with self._house.store.writing() as db:
            for one in pages.found(db, call.page):
                if call.turn < len(self._turns.get(one.to, ())):
                    pages.hurried(db, one.id, call.turn, self._house.clock())


def _call(one: Paging, turn: Turn) -> Call:
    number = one.made + 1
    how = f"Acknowledge: ticketgate pages ack {one.id}"
    text = f"{one.text}\n{one.ref}, {one.urgency} urgency, call {number}\n{how}"
    key = key_of("call", one.id, str(number))
    return Call(key=key, about=one.ref, page=one.id, to=turn.to, turn=number, text=text, rule=one.rule, place=one.place)
