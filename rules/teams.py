"""Who of a group gets the ticket: `assign` with a strategy."""

from collections.abc import Sequence

from rules.bundle import Step
from rules.doing import Doing
from rules.questions import team_name, turn_name, work_name
from rules.text import fold


def choose(doing: Doing, step: Step, strategy: str, group: str | None) -> None:
    """Sets the assignee. A ticket that a member has already stays with that member, so asking again changes nothing.

    `keep` takes it from somebody of another group, for the group to decide; `round_robin` gives it to the next in order,
    `least_open` to the one with the fewest unresolved tickets, the first by name of several.
    """
    members = _members(doing, group)
    if group is None or not members:
        doing.note(f"nobody was chosen: {_unknown(group)}")
        return
    if _is_among(doing, members):
        return
    if strategy == "keep":
        if doing.ticket.assignee is not None:
            doing.set(step, "assignee", None, f"not of {group}")
    elif strategy == "round_robin":
        _next(doing, step, members)
    else:
        _least(doing, step, members)


def _members(doing: Doing, group: str | None) -> list[str]:
    said = doing.observation.facts.get(team_name(group or ""))
    return said.split("\n") if isinstance(said, str) and said else []


def _unknown(group: str | None) -> str:
    if group is None:
        return "the ticket has no group"
    return f"the members of '{group}' are not known; add members: under groups: in ticketgate.yaml"


def _is_among(doing: Doing, members: Sequence[str]) -> bool:
    person = doing.ticket.assignee
    names = {fold(known) for known in (person.email, person.name, person.id) if known} if person else set()
    return any(fold(member) in names for member in members)


def _next(doing: Doing, step: Step, members: Sequence[str]) -> None:
    given = doing.observation.facts.get(turn_name(doing.rule.id))
    turn = int(given) if isinstance(given, int) else 0
    doing.set(step, "assignee", members[turn % len(members)], "round_robin")
    doing.wanted.turns.append(doing.rule.id)


def _least(doing: Doing, step: Step, members: Sequence[str]) -> None:
    def work(member: str) -> int:
        known = doing.observation.facts.get(work_name(member))
        return known if isinstance(known, int) else 0

    chosen = min(members, key=lambda member: (work(member), fold(member)))
    doing.set(step, "assignee", chosen, f"least_open: {work(chosen)}")
