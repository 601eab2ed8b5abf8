"""Jira Service Management's own SLAs: each with the cycles that are over, and the one under way. Only a service desk has them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectors.base import NativeSla, metric_named
from connectors.columns import MALFORMED
from connectors.errors import Unreadable
from connectors.jira import desk
from connectors.jira.desk import NOT_OURS
from connectors.mapping import Record

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Slas:
    """What a site says of the SLAs of its requests. Which projects are service desks is asked once; a site without is not asked again."""

    def __init__(self, session: "JiraSession") -> None:
        self._session = session
        self._desks: frozenset[str] | None = None

    def of(self, key: str) -> tuple[NativeSla, ...]:
        what = f"reading the SLAs of {key}"
        if key.rpartition("-")[0] not in self._known_desks(what):
            return ()
        try:
            return tuple(sla for row in desk.rows(self._session, what, desk.request(key, "sla")) for sla in native_slas(row))
        except NOT_OURS:  # an issue that is no request, or a project where we are no agent
            return ()
        except MALFORMED as error:
            raise Unreadable(self._session.connection, f"{what}: {type(error).__name__}: {error}") from None

    def _known_desks(self, what: str) -> frozenset[str]:
        if self._desks is None:
            try:
                self._desks = frozenset(str(row["projectKey"]) for row in desk.rows(self._session, what, "servicedesk"))
            except (*NOT_OURS, *MALFORMED):
                self._desks = frozenset()
        return self._desks


def native_slas(row: Record) -> Iterator[NativeSla]:
    """One for each cycle, in the order in which they ran."""
    name = str(row["name"])
    for cycle in row.get("completedCycles") or ():
        yield _sla(name, cycle, "ended")
    if ongoing := row.get("ongoingCycle"):
        yield _sla(name, ongoing, "paused" if ongoing.get("paused") is True else "running")


def _sla(name: str, cycle: Record, state: Any) -> NativeSla:
    return NativeSla(
        name=name,
        metric=metric_named(name),
        state=state,
        breached=cycle["breached"] is True,
        started_at=_moment(cycle.get("startTime")),
        due_at=_moment(cycle.get("breachTime")),
        stopped_at=_moment(cycle.get("stopTime")),
    )


def _moment(said: Any) -> datetime | None:
    return EPOCH + timedelta(milliseconds=said["epochMillis"]) if said else None
