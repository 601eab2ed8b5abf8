"""Rule tests, read like rules: every mistake with its place and a way out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.asking import OUTCOMES, Approval, steps_of
from rules.bundle import Bundle, On, Rule
from rules.fields import FieldSpec, nearest, spec_of
from rules.nodes import Map, Node, Scalar, Seq, read
from rules.observation import Kind
from rules.problems import Problem
from rules.reader import VERSION, reading_for
from rules.reader_conditions import condition, no_choice, number
from rules.reader_context import Reading
from rules.reader_rules import trigger
from rules.reader_values import duration, duration_of, timestamp
from rules.text import fold, folded
from rules.ticket import Value
from rules.trial_values import LISTS, Earlier, Expectation, Happening, Trial, TrialStep

_TOP = ("version", "suite", "defaults", "tests")
_GIVENS = ("now", "ticket", "history", "others", "rules")
_CASE = ("name", *_GIVENS, "event", "expect", "steps")
_STEP = ("at", "event", "ticket", "expect")
_EXPECT = (*LISTS, "ticket", "exactly")
_OF_RULES = ("fired", "not_fired")
_GROUPS = ("requester", "comment", "custom")
_NOT_GIVEN = frozenset({"system", "url"})


def read_trials(files: Mapping[str, str], bundle: Bundle) -> tuple[tuple[Trial, ...], list[Problem]]:
    """All cases of the `*.test.yaml` among `files` (path: text), and what is wrong with them. Raises nothing.

    A case with a mistake is left out; the others are still there to be run.
    """
    problems: list[Problem] = []
    trials: list[Trial] = []
    for file in sorted(filter(is_test, files), key=str.encode):
        r = reading_for(bundle, problems)
        root = read(file, files[file], problems)
        top = r.map(root, "a test file", _TOP) if root is not None else None
        if top is not None and _version(r, top):
            trials += _File(r, bundle, top).trials()
    return tuple(trials), problems


def is_test(file: str) -> bool:
    """Whether this file of a desk holds rule tests."""
    folder, *parts = file.split("/")
    hidden = any(part.startswith((".", "_")) for part in parts)
    return folder in ("tests", "rules") and not hidden and file.endswith((".test.yaml", ".test.yml"))


def _version(r: Reading, top: Map) -> bool:
    value = r.need(top, "version", "a test file", help=f"begin with version: {VERSION}")
    if isinstance(value, Scalar) and value.text != str(VERSION):
        r.wrong(value, "TG107", f"version {value.text} is not known here", help=f"write version: {VERSION}")
        return False
    return value is not None


@dataclass(slots=True)
class _Givens:
    now: datetime | None = None
    fields: dict[str, Value] = field(default_factory=dict)
    history: Node | None = None
    others: Node | None = None
    rules: frozenset[str] = frozenset()

    def over(self, defaults: "_Givens") -> "_Givens":
        """These on top of the defaults, key by key."""
        return _Givens(
            self.now or defaults.now,
            {**defaults.fields, **self.fields},
            self.history or defaults.history,
            self.others or defaults.others,
            self.rules or defaults.rules,
        )


class _File:
    """One test file."""

    def __init__(self, r: Reading, bundle: Bundle, top: Map) -> None:
        self.r, self.bundle, self.top = r, bundle, top
        self.known = {rule.id: rule for ruleset in bundle.rulesets for rule in ruleset.rules}
        suite = top.get("suite")
        self.suite = r.text(suite, "'suite'") if suite is not None else None

    def trials(self) -> Iterator[Trial]:
        defaults = self.top.get("defaults")
        givens = self._givens(m) if defaults is not None and (m := self.r.map(defaults, "'defaults'", _GIVENS)) else _Givens()
        tests = self.r.need(self.top, "tests", "a test file")
        for node in self.r.seq(tests, "'tests'") if tests is not None else ():
            before = len(self.r.problems)
            trial = self._trial(node, givens)
            if trial is not None and len(self.r.problems) == before:
                yield trial

    def _trial(self, node: Node, defaults: _Givens) -> Trial | None:
        case = self.r.map(node, "a test", _CASE)
        name = self.r.need(case, "name", "a test") if case else None
        if case is None or name is None:
            return None
        self.r.about = f"in the test '{name.text}'" if isinstance(name, Scalar) else ""
        givens = self._givens(case).over(defaults)
        if givens.now is None:
            self.r.wrong(case, "TG206", "a test wants 'now'", help="add now: 2026-03-02T10:00:00+01:00, here or under defaults:")
            return None
        made = Trial(
            name=self.r.text(name, "'name'") or "",
            place=name.place,
            now=givens.now,
            steps=tuple(self._steps(case)),
            fields=givens.fields,
            history=tuple(self._rows(givens.history, givens.now, "'history'")),
            others=tuple(self._others(givens)),
            rules=givens.rules,
            suite=self.suite,
        )
        self.r.about = ""
        return made

    # --- what is given -------------------------------------------------------------------------------------------------

    def _givens(self, node: Map) -> _Givens:
        now, ticket, rules = node.get("now"), node.get("ticket"), node.get("rules")
        return _Givens(
            timestamp(self.r, now, "'now'") if now is not None else None,
            self._fields(ticket) if ticket is not None else {},
            node.get("history"),
            node.get("others"),
            frozenset(self._rule_names(rules, "'rules'")) if rules is not None else frozenset(),
        )

    def _fields(self, node: Node, skip: tuple[str, ...] = ()) -> dict[str, Value]:
        found: dict[str, Value] = {}
        tests = self.r.map(node, "'ticket'")
        for name, entry in tests.entries.items() if tests else ():
            if name in skip:
                continue
            if name in _GROUPS and isinstance(entry.value, Map):
                for inner, below in entry.value.entries.items():
                    self._put(found, f"{name}.{inner}", below.key, below.value)
            else:
                self._put(found, name, entry.key, entry.value)
        return found

    def _put(self, found: dict[str, Value], name: str, key: Scalar, node: Node) -> None:
        spec = spec_of(name, self.bundle.fields)
        if spec is None or name.startswith("sla.") or name in _NOT_GIVEN:
            if spec is None:
                self.r.no_field(key, name)
            else:
                self.r.wrong(key, "TG205", f"'{name}' cannot be given: it follows from the rest", help="remove it")
            return
        found[name] = None if isinstance(node, Scalar) and node.is_null else self._value(spec, node)

    def _value(self, spec: FieldSpec, node: Node) -> Value:
        if spec.type == "set":
            return frozenset(item.text for item in self.r.scalars(node, f"'{spec.name}'")) if not _empty(node) else frozenset()
        if spec.type == "boolean":
            return self.r.boolean(node, f"'{spec.name}'")
        if spec.type == "number":
            return number(self.r, spec, node)
        return self._moment(spec, node) if spec.type == "time" else self._word(spec, node)

    def _moment(self, spec: FieldSpec, node: Node) -> Value:
        return timestamp(self.r, node, f"'{spec.name}'")

    def _word(self, spec: FieldSpec, node: Node) -> Value:
        text = self.r.text(node, f"'{spec.name}'", help="to unset a field write null")
        choices = tuple(self.bundle.desk.connections) if spec.name == "connection" else spec.choices
        if text is not None and choices and fold(text) not in folded(choices):
            no_choice(self.r, spec, node, text, choices)
        return text

    def _rows(self, node: Node | None, now: datetime | None, what: str) -> Iterator[Earlier]:
        """States of tickets, each with its moment: a duration before `now`, or a timestamp."""
        for item in self.r.seq(node, what) if node is not None and now is not None else ():
            row = self.r.map(item, f"an entry of {what}")
            at = self.r.need(row, "at", f"an entry of {what}") if row else None
            if at is not None and now is not None:
                before = duration_of(at.text) if isinstance(at, Scalar) else None
                moment = now - before if before is not None else timestamp(self.r, at, "'at'")
                yield Earlier(at=moment or datetime.min.replace(tzinfo=UTC), fields=self._fields(item, ("at",)))

    def _others(self, givens: _Givens) -> Iterator[dict[str, Value]]:
        """Further tickets, made at their `at`."""
        for row in self._rows(givens.others, givens.now, "'others'"):
            yield {**row.fields, "created_at": row.at}

    # --- what happens --------------------------------------------------------------------------------------------------

    def _steps(self, case: Map) -> Iterator[TrialStep]:
        if "steps" in case:
            for key in ("event", "expect"):
                if key in case:
                    self.r.wrong(case.entries[key].key, "TG207", "a test has either 'steps' or one event", help=f"move '{key}' into a step")
            yield from self._rising(self.r.seq(case.entries["steps"].value, "'steps'"))
            return
        event, expect = self.r.need(case, "event", "a test", help="add event: created, or steps:"), self.r.need(case, "expect", "a test")
        yield TrialStep(
            at=timedelta(0),
            place=case.place,
            event=self._event(event) if event is not None else None,
            expect=self._expect(expect) if expect is not None else None,
        )

    def _rising(self, nodes: list[Node]) -> Iterator[TrialStep]:
        last = timedelta(0)
        for node in nodes:
            step = self.r.map(node, "a step", _STEP)
            at = self.r.need(step, "at", "a step") if step else None
            if step is None or at is None:
                continue
            moment = duration(self.r, at, "'at'", positive=False) or timedelta(0)
            if moment < last:
                self.r.wrong(at, "TG408", "this step lies before the one above it", help="write steps in rising order")
            last = moment
            yield self._step(step, moment)

    def _step(self, step: Map, at: timedelta) -> TrialStep:
        event, ticket, expect = step.get("event"), step.get("ticket"), step.get("expect")
        return TrialStep(
            at=at,
            place=step.place,
            event=self._event(event) if event is not None else None,
            fields=self._fields(ticket) if ticket is not None else {},
            expect=self._expect(expect) if expect is not None else None,
        )

    def _event(self, node: Node) -> Happening | None:
        if isinstance(node, Map) and set(node.entries) == {"manual"}:
            names = list(self._rule_names(node.entries["manual"].value, "'manual'"))
            return Happening(On(Kind.MANUAL), names[0]) if names else None
        if isinstance(node, Map) and "approval_answered" in node:
            return self._answer(node)
        made = trigger(self.r, node)
        if isinstance(made, On) and made.kind == Kind.APPROVAL_ANSWERED:
            self.r.wrong(node, "TG206", "a test says which answer came", help="write { approval_answered: approved, by: ana@example.com }")
            return None
        if isinstance(made, On) and made.kind not in (Kind.MANUAL, Kind.EVERY):
            return Happening(made)
        if made is not None:
            self.r.wrong(
                node, "TG203", "this is no event that a test can bring", help="clocks run by themselves; a person writes { manual: RULE }"
            )
        return None

    def _answer(self, node: Map) -> Happening | None:
        """`{ approval_answered: approved, by: NAME }`: the newest open question gets its answer, or its time is over."""
        self.r.map(node, "an answer", ("approval_answered", "by"))
        outcome: Any = self.r.choice(node.entries["approval_answered"].value, "'approval_answered'", OUTCOMES)
        by = self.r.text(b, "'by'") if (b := node.get("by")) is not None else None
        if b is not None and outcome == "no_answer":
            self.r.wrong(b, "TG205", "nobody answered, so there is nobody to name", help="remove by:")
        return Happening(On(Kind.APPROVAL_ANSWERED), outcome=outcome, by=by) if outcome else None

    # --- what is expected ----------------------------------------------------------------------------------------------

    def _expect(self, node: Node) -> Expectation | None:
        expected = self.r.map(node, "'expect'", _EXPECT)
        if expected is None:
            return None
        exactly, ticket = expected.get("exactly"), expected.get("ticket")
        lists = {name: self._list(name, value) for name in LISTS if (value := expected.get(name)) is not None}
        return Expectation(
            place=expected.place,
            lists=lists,
            ticket=condition(self.r, ticket) if ticket is not None else None,
            exactly=bool(self.r.boolean(exactly, "'exactly'")) if exactly is not None else False,
        )

    def _list(self, name: str, node: Node) -> tuple[str, ...]:
        if _none(node):
            return ()
        if name in _OF_RULES:
            return tuple(self._rule_names(node, f"'{name}'"))
        return tuple(item.text for item in self.r.scalars(node, f"'{name}'"))

    def _rule_names(self, node: Node, what: str) -> Iterator[str]:
        """Rules, or stages of rules, that exist; TG302 else."""
        for item in self.r.scalars(node, what):
            id, _, stage = item.text.strip().partition(" ")
            rule = self.known.get(id)
            if rule is None:
                meant = nearest(id, self.known)
                self.r.wrong(item, "TG302", f"there is no rule called '{id}'", help=f"did you mean '{meant}'?" if meant else "")
            elif stage and stage not in (stages := _stages_of(rule)):
                names = ", ".join(f"'{name}'" for name in stages) or "none"
                self.r.wrong(item, "TG302", f"rule '{id}' has no stage '{stage}'", help=f"its stages are {names}")
            else:
                yield item.text.strip()


def _stages_of(rule: Rule) -> tuple[str, ...]:
    """The names by which parts of a rule fire: its stages, and what waits for an answer."""
    asks = any(isinstance(step.verb, Approval) for step in steps_of(rule))
    return (*(spec.name for spec in rule.stages), *(OUTCOMES if asks else ()))


def _none(node: Node) -> bool:
    return (isinstance(node, Scalar) and node.text == "none") or _empty(node)


def _empty(node: Node) -> bool:
    return isinstance(node, Seq) and not node.items
