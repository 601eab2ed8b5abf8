"""A plain past as beats: in order, without doubts, and leading to what the ticket is now. What else there is, `past.py` reads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from rules.events import answers, is_reply, milestones
from rules.observation import Kind, Observation
from rules.ticket import SETTLED, Change, Comment, Role, Value

SIGNS = {
    kind: 1 << n
    for n, kind in enumerate(
        (Kind.CREATED, Kind.RESOLVED, Kind.CLOSED, Kind.REOPENED, Kind.COMMENTED, Kind.CUSTOMER_REPLIED, Kind.AGENT_REPLIED)
    )
}
"""The events that a beat can tell of, each a bit. Changes of other fields than the status it does not tell."""
SETTLING = SIGNS[Kind.RESOLVED] | SIGNS[Kind.CLOSED]
_CREATED = SIGNS[Kind.CREATED]
_COMMENTED, _CUSTOMER, _AGENT = SIGNS[Kind.COMMENTED], SIGNS[Kind.CUSTOMER_REPLIED], SIGNS[Kind.AGENT_REPLIED]
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_SPEAKS = {Role.CUSTOMER: 1, Role.AGENT: 2, Role.BOT: 3}


Beat: TypeAlias = tuple[datetime, int, int, int, Value]
"""Something happened: `at`, `rank`, `n`, its events as bits, a status. By the first three beats lie in the order of `past_of`; a status
counts where `rank` is 0, a change of it, or below, its beginning. A bare tuple: there are several for each ticket."""


class Plain(NamedTuple):
    """The beats of one past, the first of them the creation, and the fields that changed."""

    beats: list[Beat]
    changed: frozenset[str]
    opened_by_agent: bool  # an agent's word stands at the very beginning
    settles: bool


def plain(observation: Observation) -> Plain | None:
    """None where the past is not plain."""
    ticket, last = observation.ticket, dict[str, Change]()
    told = _told(observation, last)
    if told is None or ticket.status is None:
        return None
    final = last.get("status")
    if ticket.status in SETTLED if final is None else final.after != ticket.status:
        return None
    status = told[0][4] if told else ticket.status
    beats: list[Beat] = [(ticket.created_at, -1, 0, _CREATED, status), *told[1:]]
    early = False
    if observation.comments:
        beats += _spoken(observation)
        beats.sort()
        early = any(at == ticket.created_at and signs & _AGENT for at, _, _, signs, _ in beats)
    every = 0
    for beat in beats:
        every |= beat[3]
    return Plain(beats, frozenset(last), early, bool(every & SETTLING))


def _told(observation: Observation, last: dict[str, Change]) -> list[Beat] | None:
    """The status as it was at first and each of its changes; nothing where it never changed. `last` learns each field's last change."""
    at, now = observation.ticket.created_at, observation.now
    beats: list[Beat] = []
    for n, row in enumerate(observation.changes):
        before = last.get(row.field)
        if not at <= row.at <= now or (before is not None and before.at == row.at):
            return None
        at, last[row.field] = row.at, row
        if row.field == "status":
            if row.after is None:
                return None
            if not beats:
                beats.append((at, -1, 0, 0, row.before))
            beats.append((at, 0, n, _signs(row.before, row.after), row.after))
    return beats


@lru_cache(maxsize=1024)
def _signs(before: Value, after: Value) -> int:
    change = Change(field="status", before=before, after=after, at=_SOME_TIME)
    return sum(SIGNS[event.kind] for event in milestones(change))


def _spoken(observation: Observation) -> Iterator[Beat]:
    now, created = observation.now, observation.ticket.created_at
    for n, comment in enumerate(observation.comments):
        if comment.at <= now and (signs := _said(comment)):
            yield max(comment.at, created), _SPEAKS[comment.role], n, signs, None


def _said(comment: Comment) -> int:
    """Ours are nobody's word, but for the copy of what an agent said in a partner system."""
    if comment.ours:
        automated = comment.author is not None and comment.author.automated
        return _AGENT if answers(comment) and not automated else 0
    heard = _CUSTOMER if is_reply(comment, Role.CUSTOMER) else _AGENT if is_reply(comment, Role.AGENT) else 0
    return _COMMENTED | heard
