"""Statuses in our words, and the way from one to another: Jira has no field for it, only the transitions that a workflow offers."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from connectors.errors import Rejected
from connectors.jira import paths
from connectors.jira.fields import plain, written
from connectors.jira.site import Site
from connectors.mapping import Unwritable, Words
from rules.ticket import SETTLED, Status

CATEGORIES = {"new": Status.NEW, "indeterminate": Status.OPEN, "done": Status.RESOLVED}
USUAL_RESOLUTIONS = ("Done", "Fixed", "Resolved")
MOST_STEPS = 4


def status_of(names: Words, status: Mapping[str, Any]) -> Status | None:
    """By the status's own name where a word was declared for it, else by its category; None for neither."""
    word = names.read(str(status.get("name")))
    return Status(word) if word is not None else CATEGORIES.get(str((status.get("statusCategory") or {}).get("key")))


Step: TypeAlias = Mapping[str, Any]
Offered: TypeAlias = dict[str, tuple[Step, ...]]
"""By a status's id, the transitions that were offered there when an issue last stood in it."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Takes issues to a status. `given` are the administrator's `transition_fields`: field id or name to value.

    `seen` is what was offered to issues before, by project and issue type: the more issues were moved, the more of a workflow is known.
    """

    site: Site
    names: Words
    given: Mapping[str, Any]
    seen: dict[tuple[str, str], Offered] = field(default_factory=dict)

    def steps(self, what: str, key: str, stands: Mapping[str, Any], wanted: Status) -> Iterator[str]:
        """Follows transitions, at most four, until the status reads as `wanted`; yields the name of each status that was reached.

        `stands` are the issue's fields. A workflow shows only the next step; what is behind it is known from issues that were there
        before. The shortest known way is taken, else the likeliest status where nobody has looked yet (`onward`), through a dead end
        and back if it must be, never through one that would settle the ticket on the way to an unsettled one.
        Nothing is moved where the project has no status that reads as `wanted`. Raises `Rejected`, naming the way that was tried,
        where no step is left.
        """
        way, kind = [stands["status"]], str((stands.get("issuetype") or {}).get("id"))
        known = self.seen.setdefault((key.rpartition("-")[0], kind), {})
        while status_of(self.names, way[-1]) is not wanted:
            here = str(way[-1].get("id"))
            known[here] = self._offered(what, key)
            step = onward(self.names, known, here, wanted) if len(way) <= MOST_STEPS else None
            if step is None or (len(way) == 1 and not self._exists(what, key, stands, step, wanted)):
                raise Rejected(self.site.connection, _no_way(what, wanted, way))
            answers = self._answers(what, step)
            body = {"transition": {"id": str(step["id"])}, **({"fields": answers} if answers else {})}
            self.site.session.ask(what, "POST", paths.issue(key, "transitions"), body=body)
            way.append(step["to"])
            yield str(step["to"].get("name"))

    def _offered(self, what: str, key: str) -> tuple[Step, ...]:
        offered = self.site.session.get(what, paths.issue(key, "transitions"), expand="transitions.fields")
        return tuple(t for t in (offered or {}).get("transitions") or () if t.get("to") and t.get("isAvailable") is not False)

    def _exists(self, what: str, key: str, stands: Mapping[str, Any], step: Mapping[str, Any], wanted: Status) -> bool:
        """Whether the issue's workflow knows the wanted status at all; asked only when it is not the next step."""
        if status_of(self.names, step["to"]) is wanted:
            return True
        kind = str((stands.get("issuetype") or {}).get("id"))
        known = self.site.workflow(what, key.rpartition("-")[0], kind)
        return any(status_of(self.names, status) is wanted for status in known)

    def _answers(self, what: str, step: Mapping[str, Any]) -> dict[str, Any]:
        """What the transition's screen asks for, from the settings; a required resolution has a usual answer."""
        answers = {}
        for id, meta in (step.get("fields") or {}).items():
            given = self.given.get(id, self.given.get(str(meta.get("name"))))
            if given is None and meta.get("required") and not meta.get("hasDefaultValue"):
                given = self._usual(what, step, id, meta)
            if given is not None:
                answers[id] = self._written(what, id, meta, given)
        return answers

    def _usual(self, what: str, step: Mapping[str, Any], id: str, meta: Mapping[str, Any]) -> str:
        allowed = [word for word in map(plain, meta.get("allowedValues") or ()) if word]
        usual = next((word for word in USUAL_RESOLUTIONS if word in allowed), None) if id == "resolution" else None
        if usual is None:
            choice = f", one of {', '.join(allowed)}" if allowed else ""
            raise Rejected(
                self.site.connection,
                f"{what}: the transition '{step.get('name')}' requires '{meta.get('name', id)}'; "
                f"say it under transition_fields: {{ {id}: VALUE }} of this connection{choice}",
            )
        return usual

    def _written(self, what: str, id: str, meta: Mapping[str, Any], value: Any) -> Any:
        try:
            return written(meta.get("schema") or {}, value, self.site.dialect.texts)
        except Unwritable as error:
            raise Rejected(self.site.connection, f"{what}: {id}: {error}") from None


def onward(names: Words, known: Offered, here: str, wanted: Status) -> Step | None:
    """The first step of the shortest known way from a status to one that reads as `wanted` (one named for it before one by category).

    Where no such way is known, towards the nearest status in which nobody has looked yet, the likeliest first; None where there is none.
    """
    ways = list(_ways(names, known, here, wanted))
    there = [way for way in ways if status_of(names, way[-1]["to"]) is wanted]
    unseen = [way for way in ways if str(way[-1]["to"].get("id")) not in known]
    if there:
        return min(there, key=lambda way: (len(way), names.read(str(way[-1]["to"].get("name"))) is None))[0]
    best = min(unseen, key=lambda way: (len(way), _detour(status_of(names, way[-1]["to"]), wanted)), default=None)
    return best[0] if best else None


def _ways(names: Words, known: Offered, here: str, wanted: Status) -> Iterator[tuple[Step, ...]]:
    """The shortest way to each status that can be reached through what is known, the short ones first."""
    reached, ends = {here}, deque[tuple[Step, ...]]([()])
    while ends:
        way = ends.popleft()
        for step in known.get(str(way[-1]["to"].get("id")) if way else here, ()):
            status, id = status_of(names, step["to"]), str(step["to"].get("id"))
            if id in reached or (status in SETTLED and wanted not in SETTLED and status is not wanted):
                continue
            reached.add(id)
            yield (*way, step)
            if status is not wanted:
                ends.append((*way, step))


def _detour(status: Status | None, wanted: Status) -> int:
    """How unlikely it is that the way leads through here: work first, waiting later, back to the start last."""
    if wanted is Status.CLOSED and status is Status.RESOLVED:
        return 0
    return {Status.OPEN: 1, Status.ON_HOLD: 3, Status.PENDING: 4, Status.NEW: 5}.get(status, 6) if status else 2


def _no_way(what: str, wanted: Status, way: Sequence[Mapping[str, Any]]) -> str:
    tried = " → ".join(str(s.get("name")) for s in way)
    stands = f"; it stands at {way[-1].get('name')} now" if len(way) > 1 else ""
    return (
        f"{what}: the workflow offers no way to '{wanted}' within {MOST_STEPS} steps (tried {tried}{stands}); "
        f"declare which status means it under words: {{ status: {{ NAME: {wanted} }} }}, or allow the transition in Jira"
    )
