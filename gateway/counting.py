"""What a run did with each ticket it saw. The counts add up, or the program ends: a ticket that nobody counted is lost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.plan import Action, AddComment, Ask, Attach, CreateTicket, Notify, Page, Plan, Update, Webhook


@dataclass(slots=True)
class Counts:
    """Tickets: `seen = changed + unchanged + skipped + failed + pending`. `actions` counts what the plans asked for, by kind.

    `pending` are those whose writes have no outcome yet; they are carried on by the next `run`, or when the run is resumed.
    """

    seen: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    pending: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    replies_left_out: int = 0

    def check(self) -> None:
        """Raises `AssertionError` when a ticket was lost or counted twice."""
        total = self.changed + self.unchanged + self.skipped.total() + self.failed + self.pending
        if total != self.seen:
            raise AssertionError(f"{self.seen} tickets were seen and {total} counted: {self.as_json()}")

    def planned(self, plan: Plan) -> None:
        """Adds what a plan asks for."""
        for what in plan.actions:
            match what:
                case Update():
                    fields = {c.field for c in what.changes}
                    self.actions.update({"fields": len(fields - {"tags"}), "tags": int("tags" in fields)})
                case AddComment():
                    self.actions["replies" if what.public else "notes"] += 1
                case Attach():
                    self.actions["files"] += 1
                case CreateTicket():
                    self.actions["tickets"] += 1
                case _:
                    self.actions.update(_to_people(what))

    def as_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("seen", "changed", "unchanged", "failed", "pending", "replies_left_out")}
        return {**plain, "skipped": dict(self.skipped), "actions": {k: v for k, v in self.actions.items() if v}}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Counts":
        counters = {name: Counter(said.get(name, {})) for name in ("skipped", "actions")}
        return cls(**{**{k: v for k, v in said.items() if k not in counters}, **counters})


def _to_people(what: Action) -> tuple[str, ...]:
    """The name under which it is counted; how a question is said is part of the question."""
    match what:
        case Notify(asks=None):
            return ("notifications",)
        case Page():
            return ("pages",)
        case Ask():
            return ("approvals",)
        case Webhook():
            return ("webhooks",)
        case _:
            return ()
