"""Rule tests: worked examples with a simulated clock, run by the same engine as the real thing."""

from collections.abc import Iterable, Iterator

from rules.bundle import Bundle
from rules.conditions import explain
from rules.coverage import Coverage
from rules.engine import Engine
from rules.reader_trials import is_test as is_test
from rules.reader_trials import read_trials as read_trials
from rules.reasons import deciding
from rules.ticket import replace
from rules.trial_lists import compared
from rules.trial_values import Expectation, Outcome, Trial
from rules.world import World


class Player:
    """Plays tests against one bundle, which is made ready once, and once more for each choice of rules that a test names."""

    def __init__(self, bundle: Bundle, coverage: Coverage | None = None) -> None:
        self._bundle, self._coverage = bundle, coverage
        self._engines: dict[frozenset[str], Engine] = {}

    def play(self, trial: Trial) -> Outcome:
        """Raises nothing: a test that cannot be run to its end has failed, and its outcome says `error`."""
        fired: set[str] = set()
        try:
            world = World(trial, self._engine(trial.rules), self._coverage)
            wrong = [*_played(trial, world, fired)]
        except Exception as problem:
            return _outcome(trial, fired, [f"it could not be run: {problem}"], error=True)
        return _outcome(trial, fired, wrong)

    def _engine(self, rules: frozenset[str]) -> Engine:
        if rules not in self._engines:
            self._engines[rules] = Engine(_only(self._bundle, rules))
        return self._engines[rules]


def run(trial: Trial, bundle: Bundle) -> Outcome:
    """`Player(bundle).play(trial)`: for one test."""
    return Player(bundle).play(trial)


def _outcome(trial: Trial, fired: Iterable[str], wrong: list[str], *, error: bool = False) -> Outcome:
    return Outcome(
        name=trial.name,
        file=trial.place.file,
        line=trial.place.line,
        passed=not wrong,
        message="\n".join(wrong),
        error=error,
        fired=frozenset(fired),
        suite=trial.suite,
    )


def _only(bundle: Bundle, rules: frozenset[str]) -> Bundle:
    if not rules:
        return bundle
    kept = (replace(s, rules=tuple(rule for rule in s.rules if rule.id in rules)) for s in bundle.rulesets)
    return replace(bundle, rulesets=tuple(kept))


def _played(trial: Trial, world: World, fired: set[str]) -> Iterator[str]:
    for step in trial.steps:
        world.go(step)
        fired |= {rule for rule, _ in world.happened.fired}
        where = f"line {step.expect.place.line}: " if step.expect and len(trial.steps) > 1 else ""
        yield from (f"{where}{failure}" for failure in world.happened.failures)
        if step.expect is not None:
            yield from (f"{where}{wrong}" for wrong in _compared(step.expect, world))


def _compared(expected: Expectation, world: World) -> Iterator[str]:
    happened = world.happened
    for name, entries in expected.lists.items():
        wrong = list(compared(name, entries, happened, expected.exactly))
        yield from wrong
        if wrong and name in ("fired", "not_fired"):
            yield from _why(name, entries, world, expected.exactly)
    if expected.ticket is not None:
        for result in deciding(explain(expected.ticket, world.look()), held=False):
            yield f"ticket: {result.written} does not hold; it is {result.seen or 'not so'}"


def _why(name: str, entries: tuple[str, ...], world: World, exactly: bool) -> Iterator[str]:
    """For each rule that did not do as it was expected to: the tests that decided."""
    fired = {rule for rule, _ in world.happened.fired}
    named = {entry.partition(" ")[0] for entry in entries}
    missing = named - fired if name == "fired" else set()
    beyond = named & fired if name == "not_fired" else fired - named if exactly or not entries else set()
    for rule in sorted(missing):
        yield from (f"  {rule} did not fire: {line}" for line in world.why(rule))
    for rule in sorted(beyond):
        yield from (f"  {rule} fired: {line}" for line in world.why(rule))
