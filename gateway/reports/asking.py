"""A desk's question turned into a report: which fields tell its moments, into which rows its tickets go."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa

from connectors.base import NativeSla
from gateway.config import FiguresConfig
from gateway.reports.desk import backlog, repeat, resolution, response, volume
from gateway.reports.report import Asked, Report
from gateway.reports.sla import sla
from gateway.reports.verdicts import THE_SYSTEM, ours, theirs
from gateway.standing import observed
from gateway.store import breaches, native, pages
from gateway.store.lives import Known, all_known
from rules.bundle import Bundle
from rules.engine import Engine
from rules.fields import getter, spec_of
from rules.lives import Life, Verdict, life_of
from rules.look import Look
from rules.observation import Observation
from rules.ticket import TicketRef, Value

Reads: TypeAlias = Callable[[Known], Value]

PLAIN = frozenset({"created_at", "updated_at", "group", "priority", "status", "type", "channel", "product", "language"})
"""Fields that stand in the ticket as they are: read ten times as fast as through what conditions look at."""

REPORTS: Mapping[str, Callable[[list[Life], Asked], Report]] = {
    "sla": sla,
    "response": response,
    "resolution": resolution,
    "backlog": backlog,
    "repeat": repeat,
    "volume": volume,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What was written down beside tickets: climbs on which a promise was broken, what the systems say of theirs, who was called out."""

    broken: Mapping[TicketRef, frozenset[str]]
    slas: Mapping[TicketRef, tuple[NativeSla, ...]]
    paged: Mapping[TicketRef, tuple[tuple[datetime, datetime | None], ...]]


NOTHING = Facts({}, {}, {})


class NoSuchField(ValueError):
    """A field that tickets do not have; the message names it and where it was asked for."""


class Desk:
    """The tickets of a store as reports see them. Raises `NoSuchField` for fields of `figures:` that do not exist."""

    def __init__(self, bundle: Bundle, figures: FiguresConfig) -> None:
        self._bundle, self._figures, self._engine = bundle, figures, Engine(bundle)
        self._opened = self.reads(figures.opened_at, "figures: opened_at")
        self._resolved = self.reads(figures.resolved_at, "figures: resolved_at") if figures.resolved_at else None
        self._flag = self.reads(figures.sla_met, "figures: sla_met") if figures.sla_met else None
        self._key = [self.reads(name, "figures: repeat: match") for name in figures.repeat.match]

    def reads(self, name: str, where: str) -> Reads:
        """How a field is read. Raises `NoSuchField`."""
        family = name.partition(".")[0]
        if spec_of(name, self._bundle.fields) is None or family in ("comment", "sla"):
            raise NoSuchField(f"{where}: tickets have no field '{name}'; `ticketgate explain fields` lists them")
        if family == "custom":
            return lambda known: known.ticket.custom.get(name.partition(".")[2])
        if name in PLAIN:
            return lambda known: getattr(known.ticket, name)
        get, calendars, systems = getter(name), self._bundle.calendars, self._bundle.desk.connections

        def read(known: Known) -> Value:
            seen = Observation(ticket=known.ticket, now=known.ticket.updated_at, comments=known.comments)
            return get(Look(seen, calendars=calendars, systems=systems))

        return read

    def asked(self, since: datetime, until: datetime, now: datetime, by: str | None) -> Asked:
        """Raises `NoSuchField` for a field to group by that does not exist."""
        name = self._bundle.desk.default_calendar
        hours = self._bundle.calendars.get(name or "")
        return Asked(
            since=since,
            until=until,
            now=now,
            by=by,
            group=self._grouping(by) if by else lambda life: "all",
            hours=hours,
            hours_name=name or "",
            one_touch=self._figures.one_touch,
            repeat_key=self._repeats,
            repeat_named=" and ".join(self._figures.repeat.match),
            repeat_within=self._figures.repeat.within,
        )

    def lives(self, db: sa.Connection, at: datetime | None = None) -> Iterator[Life]:
        """All tickets that are still there. With `at`, what is said of their promises as of then."""
        paged = pages.answers(db)
        facts = Facts(breaches.climbs(db), native.all_of(db), paged) if at is not None else Facts({}, {}, paged)
        return (self.life(known, at, facts) for known in all_known(db))

    def life(self, known: Known, at: datetime | None = None, facts: Facts = NOTHING) -> Life:
        verdicts, uncovered = self._verdicts(known, at, facts) if at is not None else ((), False)
        opened, resolved = self._opened(known), self._resolved(known) if self._resolved else None
        return life_of(
            known.ticket,
            known.comments,
            known.changes,
            told=known.heard or not known.adopted,
            heard=known.heard,
            opened_at=opened if isinstance(opened, datetime) else None,
            resolved_at=resolved if isinstance(resolved, datetime) else None,
            paged=facts.paged.get(known.ticket.ref, ()),
            verdicts=verdicts,
            uncovered=uncovered,
        )

    def _verdicts(self, known: Known, at: datetime, facts: Facts) -> tuple[tuple[Verdict, ...], bool]:
        """By our clocks where the history is known, by the system's clocks and its flag; whether no policy applies."""
        ref = known.ticket.ref
        said = (*theirs(facts.slas.get(ref, ())), *self._said(known))
        if not known.heard or not self._bundle.policies:
            return said, False
        standing = self._engine.sla(observed(known, at))
        return (*ours(standing, facts.broken.get(ref, frozenset())), *said), standing.uncovered

    def _said(self, known: Known) -> Iterator[Verdict]:
        flag = self._flag(known) if self._flag else None
        if isinstance(flag, bool):
            yield Verdict(says=THE_SYSTEM, metric=f"{self._figures.sla_met}", ended=known.ticket.settled, missed=not flag)

    def _grouping(self, by: str) -> Callable[[Life], str]:
        read = self.reads(by, "--by")

        def group(life: Life) -> str:
            value = read(_bare(life))
            return ", ".join(sorted(value)) if isinstance(value, frozenset) else "(empty)" if value in (None, "") else str(value)

        return group

    def _repeats(self, life: Life) -> tuple[str, ...] | None:
        """What makes it the same as another one; None where one of the fields is empty."""
        values = [read(_bare(life)) for read in self._key]
        return tuple(str(value).casefold() for value in values) if all(v not in (None, "", frozenset()) for v in values) else None


def _bare(life: Life) -> Known:
    return Known(life.ticket, False, False)


def reported(name: str, desk: Desk, asked: Asked, db: sa.Connection) -> Report:
    """The report of that name. What is asked of promises is asked as of the end of the period."""
    at = min(asked.until, asked.now) if name == "sla" else None
    return REPORTS[name](list(desk.lives(db, at)), asked)
