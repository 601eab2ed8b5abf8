"""Verbs that call people out, ask them and tell other programs; and where a question stands in its rule, so that its answer finds it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from rules.bundle import Rule, Span, Step
    from rules.templates import Template

Outcome: TypeAlias = Literal["approved", "denied", "no_answer"]
OUTCOMES: tuple[Outcome, ...] = ("approved", "denied", "no_answer")


class CallOut(Struct, frozen=True):
    """`page`: a name under `on_call:` of `ticketgate.yaml`, called until somebody acknowledges."""

    to: str
    text: "Template | None"
    urgency: Literal["high", "low"] = "high"


class Post(Struct, frozen=True):
    """`webhook`: a signed request to a name under `endpoints:`; what placeholders put into the JSON of its body is escaped."""

    to: str
    body: "Template | None"


class Approval(Struct, frozen=True):
    """A question to a channel's members or a person; each of the three lists waits for its answer, the steps behind it do not."""

    ask: str
    within: "Span"
    question: "Template | None"
    approved: "tuple[Step, ...]" = ()
    denied: "tuple[Step, ...]" = ()
    no_answer: "tuple[Step, ...]" = ()
    calendar: str | None = None

    def steps(self, outcome: Outcome) -> "tuple[Step, ...]":
        return {"approved": self.approved, "denied": self.denied, "no_answer": self.no_answer}[outcome]


def lists_of(rule: "Rule") -> "Iterator[tuple[Step, ...]]":
    """Every list of steps: the rule's, its stages', and what waits for answers."""
    for steps in (rule.steps, *(stage.steps for stage in rule.stages)):
        yield from _with_waiting(steps)


def steps_of(rule: "Rule") -> "Iterator[Step]":
    return (step for steps in lists_of(rule) for step in steps)


def _with_waiting(steps: "tuple[Step, ...]") -> "Iterator[tuple[Step, ...]]":
    yield steps
    for step in steps:
        if isinstance(step.verb, Approval):
            for outcome in OUTCOMES:
                yield from _with_waiting(step.verb.steps(outcome))


def place_of(branch: str, steps: "tuple[Step, ...]", position: int) -> str:
    """The name of a question in its rule: the branch it stands in, and which question of that branch it is.

    Other steps may come and go around it without its answer going astray.
    """
    return f"{branch}#{sum(isinstance(step.verb, Approval) for step in steps[:position])}"


def branch_of(place: str, outcome: Outcome) -> str:
    """The branch that the steps of one of a question's lists are."""
    return f"{place}/{outcome}"


def question_at(rule: "Rule", place: str) -> Approval | None:
    """The question of that name; None where the rule no longer asks it."""
    first, *rest = place.split("/")
    stage, _, number = first.rpartition("#")
    steps = rule.steps if not stage else next((s.steps for s in rule.stages if s.name == stage), ())
    found = _nth(steps, number)
    for part in rest:
        outcome, _, number = part.partition("#")
        found = _nth(found.steps(_outcome(outcome)), number) if found else None
    return found


def _nth(steps: "tuple[Step, ...]", number: str) -> Approval | None:
    questions = [step.verb for step in steps if isinstance(step.verb, Approval)]
    return questions[int(number)] if number.isdigit() and int(number) < len(questions) else None


def _outcome(word: str) -> Outcome:
    return next(outcome for outcome in OUTCOMES if outcome == word)
