"""One pass over one ticket: its rules asked in order, on a working copy, until a plan comes of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from rules import limits, pii
from rules.asking import branch_of, question_at
from rules.bundle import On, Rule, Step
from rules.clockwork import ClockWork
from rules.doing import Doing, Synced
from rules.events import differences, own_events
from rules.ladders import Clocks, Rung, before_each, chosen_to_run
from rules.look import Look
from rules.observation import Answer as Said
from rules.observation import Event, Kind, Observation
from rules.plan import Failure, Fired, Plan, Stage, Update
from rules.ready import Prepared, Ready
from rules.recurring import Due, Recurring
from rules.redacting import cleaned
from rules.sync import synchronize
from rules.ticket import replace
from rules.tracing import Trace
from rules.triggers import means
from rules.verbs import Halt, carry_out
from rules.working import Wanted

RULE_PAUSED = "; the rule is paused from now on"
ROUNDS = 3  # further passes for rules that react to our own changes

Answer: TypeAlias = Literal["no", "yes"] | Halt
"""What the loop needs to know of a rule: it did not act, it did, or it also stopped its set or the pass."""


class Pass:
    """Used for one evaluation and thrown away. `trace`, where given, is told of every rule; without it nothing is recorded."""

    def __init__(self, prepared: Prepared, observation: Observation, *, replies: bool = True, trace: Trace | None = None) -> None:
        self._ready, self._observation, self._replies, self._trace = prepared, observation, replies, trace
        self.clocks = ClockWork(prepared, observation)
        self._look = self._looking(observation)
        self._wanted = Wanted(observation.ticket)
        self._events: Sequence[Event] = observation.events
        self._used: list[str] = []
        self._syncs: list[Synced] = []
        self._fired: list[Fired] = []
        self._failures: list[Failure] = []
        self._stages: list[Stage] = []
        self._paused: list[str] = []
        self._moments: list[Due] = []
        self._recurring = Recurring(prepared, observation)

    def _looking(self, observation: Observation) -> Look:
        bundle = self._ready.bundle
        return Look(observation, calendars=bundle.calendars, systems=bundle.desk.connections, sla=self.clocks.state)

    # --- the ways in ---------------------------------------------------------------------------------------------------

    def whole(self) -> Plan:
        """All events, then the stages that fell due, then what our own changes call for."""
        self._moments = self._come()
        if self._events and self._answers() != "ticket":
            self._rounds_of_rules(self._asked())
        self._stages += [due.stage(self._fired) for due in self._moments]
        if self._ready.ladders:
            self._climb(self._ready.ladders, before_each(self._observation))
        if self._ready.reacting and self._wanted.mine.changes:
            self._react()
        return self._plan()

    def _come(self) -> list[Due]:
        """The moments of `every` that have come are events, in their order. For an adopted ticket they are behind it."""
        come = self._recurring.due()
        if self._observation.adopted:
            self._stages += [due.stage((), "the ticket was adopted") for due in come]
            return []
        if come:
            self._events = sorted([*self._events, *(due.event for due in come)], key=lambda event: event.at)
        return come

    def one(self, ready: Ready) -> Plan:
        """One rule, whatever its `when`: the manual form."""
        latest = self._observation.events[-1] if self._observation.events else None
        event = latest or Event(kind=Kind.MANUAL, at=self._observation.ticket.updated_at, rule=ready.rule.id)
        if ready.ladder:
            self._climb((ready,), (), by_hand=True)
        elif self._open_to(ready):
            self._answer(ready, event)
        return self._plan()

    # --- answers -------------------------------------------------------------------------------------------------------

    def _answers(self) -> Answer:
        """What waited for an answer is done before the rules that follow it are asked; a `stop: ticket` among it ends the pass."""
        answer: Answer = "no"
        for event in self._observation.events:
            if event.answer is not None:
                answer = self._answered(event, event.answer)
                if answer == "ticket":
                    break
        return answer

    def _answered(self, event: Event, said: Said) -> Answer:
        ready = next((r for r in self._ready.rules if r.rule.id == said.rule and r.rule.mode != "disabled"), None)
        question = question_at(ready.rule, said.step) if ready else None
        if ready is None or question is None:
            self._wanted.notes.append(f"{said.rule}: the answer to approval {said.id} came to nothing: the rule no longer asks it")
            return "no"
        self._look.on(event)
        steps = question.steps(said.outcome)
        return self._act(ready, steps, event.occasion, branch=branch_of(said.step, said.outcome), stage=said.outcome) if steps else "no"

    # --- events --------------------------------------------------------------------------------------------------------

    def _asked(self) -> Callable[[int], Iterable[Ready]]:
        """The rules after a position that could match now; with a trace, all of them."""
        rules, index = self._ready.rules, self._ready.index
        if self._trace is not None:
            return lambda after: rules[after + 1 :]
        return lambda after: (rules[n] for n in index.candidates(self._events, self._look, after))

    def _rounds_of_rules(self, asked: Callable[[int], Iterable[Ready]]) -> None:
        """Top to bottom; after a rule changed the working copy, those below it are looked up afresh."""
        after: int | None = -1
        done_with: set[str] = set()
        while after is not None:
            after = self._until_a_change(asked(after), done_with)

    def _until_a_change(self, rules: Iterable[Ready], done_with: set[str]) -> int | None:
        for ready in rules:
            if ready.ruleset.file in done_with:
                self._note(ready, "not_looked_at")
                continue
            before = self._look.ticket
            answer = self._consider(ready)
            if answer == "ticket":
                self._note_rest(rules, ready)
                return None
            if answer == "ruleset" or (answer == "yes" and ready.ruleset.pick == "first"):
                done_with.add(ready.ruleset.file)
            if self._look.ticket is not before:
                return ready.position
        return None

    def _consider(self, ready: Ready) -> Answer:
        if not self._open_to(ready):
            return "no"
        event = self._occasion(ready)
        if event is None:
            if not ready.ladder:
                self._note(ready, "no_event")
            return "no"
        return self._answer(ready, event)

    def _open_to(self, ready: Ready) -> bool:
        only = ready.ruleset.connections
        if ready.rule.mode == "disabled":
            self._note(ready, "disabled")
            return False
        if only and self._observation.ref.connection not in only:
            self._note(ready, "other_connection")
            return False
        if ready.rule.id in self._observation.paused:
            self._note(ready, "paused")
            return False
        return True

    def _occasion(self, ready: Ready) -> Event | None:
        """The latest event that the rule names."""
        for event in reversed(self._events):
            for on in ready.ons:
                if on.kind == event.kind and _names(on, event, ready.rule):
                    return event
        return None

    def _answer(self, ready: Ready, event: Event) -> Answer:
        self._look.on(event)
        if not self._holds(ready, event):
            return "no"
        return self._act(ready, ready.rule.steps, event.occasion)

    def _holds(self, ready: Ready, at: Event | Rung) -> bool:
        try:
            return ready.holds(self._look) if self._trace is None else self._trace.judged(ready, self._look, at)
        except Exception as problem:  # a rule that raises is skipped, and shown; the others go on
            self._failed(ready, problem)
            return False

    def _act(
        self, ready: Ready, steps: tuple[Step, ...], occasion: str, rung: Rung | None = None, *, branch: str = "", stage: str | None = None
    ) -> Answer:
        """`branch` and `stage` are of steps that waited for an answer: those belong to an occasion that the limits have counted."""
        rule, stage = ready.rule, rung.spec.name if rung else stage
        reached = "" if branch else limits.reached(rule, self._wanted.mine.ticket, self._observation, self._used)
        if reached:
            self._fired.append(Fired(rule=rule.id, occasion=occasion, how="limited", stage=stage))
            self._paused += [rule.id] if rule.limits.pauses else []
            self._note(ready, "limited", occasion, stage, reason=f"{reached} is reached" + (RULE_PAUSED if rule.limits.pauses else ""))
            return "no"
        before = self._wanted.twin()
        doing = self._doing(ready, occasion, rung, branch)
        try:
            halt = carry_out(doing, steps)
        except Exception as problem:
            self._back_to(before)
            self._failed(ready, problem)
            return "no"
        if rule.mode == "shadow":
            self._told(ready, "shadow", occasion, stage, before)
            self._back_to(before)
            self._fired.append(Fired(rule=rule.id, occasion=occasion, how="shadow", stage=stage))
            return "no"
        self._told(ready, "fired", occasion, stage, before)
        self._keep(doing, occasion, stage)
        return halt or "yes"

    def _doing(self, ready: Ready, occasion: str, rung: Rung | None, branch: str) -> Doing:
        return Doing(
            ready.rule,
            occasion,
            self._observation,
            self._ready.bundle,
            self._look,
            self._wanted,
            self._ready.tables,
            clock=rung.clock if rung else None,
            replies=self._replies,
            beside=ready.beside,
            not_before=rung.not_before(self._observation.now) if rung else None,
            branch=branch or (rung.spec.name if rung else ""),
        )

    def _keep(self, doing: Doing, occasion: str, stage: str | None) -> None:
        own = () if "/" in doing.branch else limits.keys(doing.rule, self._wanted.mine.ticket)
        used = (*own, *self._wanted.used)
        self._wanted.used.clear()
        self._used += used
        self._syncs += doing.syncs
        self._fired.append(Fired(rule=doing.rule.id, occasion=occasion, stage=stage, used=used))

    def _back_to(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._look.see(wanted.mine.ticket)

    def _failed(self, ready: Ready, problem: Exception) -> None:
        reason = f"{problem}" or type(problem).__name__
        self._failures.append(Failure(rule=ready.rule.id, place=str(ready.rule.place), reason=reason))
        self._note(ready, "failed", reason=reason)

    # --- stages --------------------------------------------------------------------------------------------------------

    def _climb(self, ladders: Iterable[Ready], earlier: Iterable[Observation], *, by_hand: bool = False) -> None:
        """Every ladder's due stages, set by set; `pick: first` and `stop` hold among them as among rules."""
        past = self.clocks.before(earlier)
        done_with: set[str] = set()
        for ready in ladders:
            if ready.ruleset.file in done_with or not self._open_to(ready):
                continue
            answer = self._stages_of(ready, past, by_hand)
            if answer == "ticket":
                return
            if answer == "ruleset" or (answer == "yes" and ready.ruleset.pick == "first"):
                done_with.add(ready.ruleset.file)

    def _stages_of(self, ready: Ready, past: Iterable[Clocks], by_hand: bool) -> Answer:
        try:
            due = self.clocks.due(ready, past)
        except Exception as problem:
            self._failed(ready, problem)
            return "no"
        if not due:
            self._note(ready, "no_stage")
        run = chosen_to_run(due, ready.rule.catch_up, self._observation.now)
        answer: Answer = "no"
        for rung in due:
            if self._observation.adopted and not by_hand:
                self._passed_over(ready, rung, "the ticket was adopted")
            elif rung.key not in run:
                self._passed_over(ready, rung, f"skipped by catch_up: {ready.rule.catch_up}")
            else:
                answer = self._stage(ready, rung)
                if answer in ("ruleset", "ticket"):
                    return answer
        return answer

    def _stage(self, ready: Ready, rung: Rung) -> Answer:
        self._look.on(None)
        failures, fired = len(self._failures), len(self._fired)
        if not self._holds(ready, rung):
            failed = len(self._failures) > failures
            self._passed_over(ready, rung, "it could not be judged" if failed else "its condition did not hold")
            return "no"
        answer = self._act(ready, rung.spec.steps, rung.occasion, rung)
        how = self._fired[-1].how if len(self._fired) > fired else "failed"
        if how == "live":
            self._stages.append(_stage(ready, rung, ran=True))
        else:
            self._passed_over(ready, rung, how)
        return answer

    def _passed_over(self, ready: Ready, rung: Rung, why: str) -> None:
        self._stages.append(_stage(ready, rung, ran=False, why=why))
        if why not in ("shadow", "limited", "failed"):
            self._note(ready, "passed_over", rung.occasion, rung.spec.name, reason=why)

    # --- our own changes -----------------------------------------------------------------------------------------------

    def _react(self) -> None:
        """Rules that ask for it see what this pass changed, `changed` and `was` among it, in at most three further rounds."""
        before = self._observation.ticket
        for _ in range(ROUNDS):
            after = self._wanted.mine.ticket
            changes = tuple(differences(before, after))
            if not changes:
                return
            self._events = [*own_events(changes)]
            self._look = self._looking(replace(self._observation, events=tuple(self._events)))
            self._look.see(after)
            self._rounds_of_rules(lambda position: [r for r in self._ready.reacting if r.position > position])
            before = after

    # --- the plan ------------------------------------------------------------------------------------------------------

    def _plan(self) -> Plan:
        observation, wanted = self._observation, self._settled()
        update = wanted.mine.update()
        again = (self.clocks.look_again_at(wanted.mine, self._stages), self._recurring.next_at(wanted.mine.ticket))
        withheld = self._withheld(wanted)
        return Plan(
            ref=observation.ref,
            version=observation.ticket.version,
            bundle=self._ready.bundle.hash,
            at=observation.now,
            events=tuple(event.occasion for event in (*observation.events, *(due.event for due in self._moments))),
            actions=tuple(cleaned(a, withheld, observation.ref) for a in (*self._updates(update), *wanted.in_order())),
            fired=tuple(self._fired),
            stages=tuple(self._stages),
            broken=tuple(self.clocks.broken()),
            agreements=tuple(wanted.agreements.values()),
            left=wanted.mine.ticket if update else None,
            look_again_at=min((at for at in again if at is not None), default=None),
            failures=tuple(dict.fromkeys(self._failures)),
            untold=tuple(wanted.untold),
            notes=tuple(dict.fromkeys(wanted.notes)),
            restricts=tuple(wanted.restricts),
            redact=withheld.kinds,
            turns=tuple(wanted.turns),
            paused=tuple(dict.fromkeys(self._paused)),
        )

    def _withheld(self, wanted: Wanted) -> pii.Wanted:
        kinds = self._observation.redact.union(*(one.kinds for one in wanted.restricts))
        return pii.Wanted(kinds, self._ready.bundle.desk.pii)

    def _settled(self) -> Wanted:
        """Partners brought up to date with what rules below the sync changed."""
        for doing, step, verb in self._syncs:
            before = self._wanted.twin()
            doing.wanted = self._wanted
            try:
                synchronize(doing, step, verb)
            except Exception as problem:
                self._back_to(before)
                self._failures.append(Failure(rule=doing.rule.id, place=str(step.place), reason=str(problem)))
        return self._wanted

    def _updates(self, mine: Update | None) -> Iterator[Update]:
        if mine is not None:
            yield mine
        for ref in sorted(self._wanted.partners):
            theirs = self._wanted.partners[ref].update()
            if theirs is not None:
                yield theirs

    # --- the trace -----------------------------------------------------------------------------------------------------

    def _note(self, ready: Ready, what: str, occasion: str | None = None, stage: str | None = None, reason: str = "") -> None:
        if self._trace is not None:
            self._trace.add(ready.ruleset, ready.rule, what, occasion, stage, reason)

    def _note_rest(self, rules: Iterable[Ready], stopped_by: Ready) -> None:
        if self._trace is not None:
            for ready in rules:
                if ready.position > stopped_by.position:
                    self._note(ready, "not_looked_at")

    def _told(self, ready: Ready, what: str, occasion: str, stage: str | None, before: Wanted) -> None:
        if self._trace is not None:
            self._trace.acted(ready.ruleset, ready.rule, what, occasion, stage, before, self._wanted)


def _names(on: On, event: Event, rule: Rule) -> bool:
    """Whether the trigger means this very event: the field and its values of `changed`, the rule of `manual`."""
    return event.rule == rule.id if event.kind in (Kind.MANUAL, Kind.EVERY) else means(on, event)


def _stage(ready: Ready, rung: Rung, *, ran: bool, why: str = "") -> Stage:
    return Stage(key=rung.key, rule=ready.rule.id, name=rung.spec.name, due_at=rung.due_at, ran=ran, why=why)
