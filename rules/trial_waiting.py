"""Who is called out and what is asked in a rule test: pages until somebody is at work, questions until their answer or their end."""

from dataclasses import dataclass, field
from datetime import datetime

from rules.asking import Outcome
from rules.observation import Answer, Event, Kind
from rules.plan import Ask, Page
from rules.verbs_asking import paging_key

_ENDS_PAGES = (Kind.AGENT_REPLIED, Kind.RESOLVED, Kind.CLOSED)


@dataclass(slots=True)
class Waiting:
    """Open pages and questions, oldest first."""

    pages: list[Page] = field(default_factory=list)
    questions: list[Ask] = field(default_factory=list)

    @property
    def paging(self) -> frozenset[str]:
        return frozenset(paging_key(page.rule, page.to) for page in self.pages)

    def looked(self, occasions: tuple[str, ...]) -> None:
        """A pass over these events: an agent's reply and the end of the ticket end its pages."""
        if any(occasion.startswith(_ENDS_PAGES) for occasion in occasions):
            self.pages.clear()

    def over(self, now: datetime) -> tuple[Event, ...]:
        """The questions that nobody answered in time."""
        late = [question for question in self.questions if question.due_at <= now]
        self.questions = [question for question in self.questions if question not in late]
        return tuple(_answer(question, "no_answer", None, question.due_at) for question in late)

    def answered(self, outcome: Outcome, by: str | None, now: datetime) -> Event:
        """The newest open question is answered. Raises `ValueError` where none is open."""
        if not self.questions:
            raise ValueError("no approval is open that could be answered")
        return _answer(self.questions.pop(), outcome, by or (None if outcome == "no_answer" else "somebody"), now)


def _answer(question: Ask, outcome: Outcome, by: str | None, at: datetime) -> Event:
    said = Answer(id=question.id, rule=question.rule, step=question.step, outcome=outcome, question=question.question, by=by)
    return Event(kind=Kind.APPROVAL_ANSWERED, at=at, answer=said)
