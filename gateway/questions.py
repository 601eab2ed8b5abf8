"""Open questions: those whose time is over, those that no rule asks any more, and how a person answers."""

from dataclasses import dataclass

import structlog

from gateway.cycle import House
from gateway.store import approvals, audits, inbox
from gateway.store.approvals import Question, State
from rules.asking import question_at
from rules.bundle import Bundle

SIGNAL = "approval"


class NotAnswered(Exception):
    """The answer came twice, too late, or from somebody who was not asked; the message says which."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What the daemon does about questions, and the command line with an answer."""

    house: House

    def expire(self) -> int:
        """Nobody answered in time: the tickets concerned are looked at; how many."""
        now = self.house.clock()
        with self.house.store.reading() as db:
            if not approvals.any_expired(db, now):
                return 0
        with self.house.store.writing() as db:
            refs = approvals.expired(db, now)
            inbox.put_refs(db, refs, self.house.wall(), SIGNAL)
        return len(refs)

    def keep_asked(self, bundle: Bundle) -> int:
        """Ends the questions that the rules in force no longer ask, with a note in the audit trail; how many."""
        with self.house.store.reading() as db:
            lost = [one for one in approvals.all_of(db) if not _asked_by(bundle, one)]
        for one in lost:
            self._end(one, bundle)
        return len(lost)

    def _end(self, one: Question, bundle: Bundle) -> None:
        now, detail = self.house.clock(), f"{one.id} {one.ref} {one.rule}: the rules {bundle.short} no longer ask it"
        with self.house.store.writing() as db:
            if approvals.ended(db, one.id, now):
                audits.noted(db, now, "daemon", "approval ended", detail)
        structlog.get_logger().warning("approval ended", approval=one.id, ref=str(one.ref), rule=one.rule, bundle=bundle.short)


def _asked_by(bundle: Bundle, one: Question) -> bool:
    rule = bundle.rule(one.rule)
    return rule is not None and rule.mode != "disabled" and question_at(rule, one.step) is not None


def refusal(one: Question, by: str, members: tuple[str, ...] | None) -> str | None:
    """Why this person may not answer; None where they may. `members` are those of the channel that was asked, None: no such channel.

    A person who was asked by address is the only one who may; of a channel its members, or anybody where it names none.
    """
    allowed = members if members is not None else (one.to,)
    if not allowed or by.casefold() in {member.casefold() for member in allowed}:
        return None
    return f"'{by}' was not asked; {', '.join(allowed)} may answer (say who you are with --by)"


def settled_already(one: Question) -> str:
    """What to tell somebody whose answer comes too late."""
    match one.state:
        case State.OPEN | State.NO_ANSWER:
            return f"the time for approval {one.id} was over at {one.due_at:%Y-%m-%d %H:%M}Z"
        case State.ENDED:
            return f"approval {one.id} is not asked any more: its rule was changed, or its ticket is gone"
        case _:
            return f"approval {one.id} was {one.state} already, by {one.by} at {one.answered_at:%Y-%m-%d %H:%M}Z"
