"""Statuses in our words, and the way from one to another: Jira has no field for it, only the transitions that a workflow offers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Mover:
    """Takes issues to a status. `given` are the administrator's `transition_fields`: field id or name to value."""

    site: Site
    names: Words
    given: Mapping[str, Any]

    def steps(self, what: str, key: str, stands: Mapping[str, Any], wanted: Status) -> Iterator[str]:
        """Follows transitions, at most four, until the status reads as `wanted`; yields the name of each status that was reached.

        `stands` are the issue's fields. A workflow shows only the next step, so each is chosen as it is offered: the wanted status
        itself, else a working status not yet visited, never one that would settle the ticket on the way to an unsettled one.
        Nothing is moved where the project has no status that reads as `wanted`. Raises `Rejected`, naming the way that was tried,
        where no step is left.
        """
        way = [stands["status"]]
        while status_of(self.names, way[-1]) is not wanted:
            step = self._next(what, key, way, wanted) if len(way) <= MOST_STEPS else None
            if step is None or (len(way) == 1 and not self._exists(what, key, stands, step, wanted)):
                raise Rejected(self.site.connection, _no_way(what, wanted, way))
            answers = self._answers(what, step)
            body = {"transition": {"id": str(step["id"])}, **({"fields": answers} if answers else {})}
            self.site.session.ask(what, "POST", paths.issue(key, "transitions"), body=body)
            way.append(step["to"])
            yield str(step["to"].get("name"))

    def _next(self, what: str, key: str, way: Sequence[Mapping[str, Any]], wanted: Status) -> Mapping[str, Any] | None:
        offered = self.site.session.get(what, paths.issue(key, "transitions"), expand="transitions.fields")
        steps = [t for t in (offered or {}).get("transitions") or () if t.get("to") and t.get("isAvailable") is not False]
        return chosen(self.names, steps, {str(s.get("id")) for s in way}, wanted)

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
            return written(meta.get("schema") or {}, value)
        except Unwritable as error:
            raise Rejected(self.site.connection, f"{what}: {id}: {error}") from None


def chosen(names: Words, steps: Iterable[Mapping[str, Any]], visited: set[str], wanted: Status) -> Mapping[str, Any] | None:
    """The step to make now: straight to the wanted status (one named for it first), else the likeliest status on the way."""
    fresh = [t for t in steps if str(t["to"].get("id")) not in visited]
    there = [t for t in fresh if status_of(names, t["to"]) is wanted]
    if there:
        return min(there, key=lambda t: names.read(str(t["to"].get("name"))) is None)
    onward = [t for t in fresh if wanted in SETTLED or status_of(names, t["to"]) not in SETTLED]
    return min(onward, key=lambda t: _detour(status_of(names, t["to"]), wanted), default=None)


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
