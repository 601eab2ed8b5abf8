"""Rules and rule sets: `when`, `if`, `then` or `stages`, and what limits them."""

import posixpath
import re
from typing import Any, Literal, get_args

from rules.bundle import ALWAYS, NOWHERE, Condition, Limits, Link, Mode, OnSla, OnWaiting, Place, Rule, RuleSet, StageSpec, Step, Trigger
from rules.nodes import Map, Node, Scalar, Seq
from rules.problems import Spot
from rules.questions import similar_of
from rules.reader_conditions import condition
from rules.reader_context import Reading
from rules.reader_events import read_when
from rules.reader_events import trigger as trigger
from rules.reader_values import duration, moment, rate, span
from rules.reader_verbs import steps

MODES: tuple[Mode, ...] = get_args(Mode)
_RULE = (
    *("id", "name", "description", "owner", "mode", "when", "if", "then", "stages", "limits", "catch_up"),
    "react_to_own_changes",
)
_RULESET = ("id", "title", "order", "pick", "mode", "connections")


def read_ruleset(r: Reading, file: str, root: Map) -> RuleSet:
    """The rules of one file, in order."""
    head = r.map(h, "'ruleset'", _RULESET) if (h := root.get("ruleset")) is not None else None
    r.about = ""
    mode = _mode(r, head) if head else "live"
    listed = root.get("rules")
    nodes = listed.items if isinstance(listed, Seq) else r.seq(listed, "'rules'") if listed is not None and not _null(listed) else []
    rules = tuple(rule for node in nodes if (rule := _rule(r, node, mode)) is not None)
    r.rule, r.about = None, ""
    name = posixpath.basename(file).rpartition(".")[0]
    return RuleSet(
        id=_ruleset_id(r, head, name),
        file=file,
        order=_order(r, head, name),
        rules=rules,
        pick=_pick(r, head),
        title=r.text(t, "'title'") if head and (t := head.get("title")) else None,
        connections=_connections(r, head),
    )


def _null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def _ruleset_id(r: Reading, head: Map | None, name: str) -> str:
    node = head.get("id") if head else None
    if isinstance(node, Scalar):
        return r.slug(node, "the id of a rule set") or name
    if node is not None:
        r.text(node, "'id'")
    return re.sub(r"^\d+[-_]?", "", name) or name


def _order(r: Reading, head: Map | None, name: str) -> int:
    node = head.get("order") if head else None
    if node is not None:
        return r.integer(node, "'order'", -1_000_000, 1_000_000) or 0
    number = re.match(r"[0-9]{1,6}", name)
    return int(number[0]) if number else 500


def _pick(r: Reading, head: Map | None) -> Any:
    node = head.get("pick") if head else None
    return (r.choice(node, "'pick'", ("first", "all")) if node is not None else None) or "all"


def _connections(r: Reading, head: Map | None) -> frozenset[str]:
    node = head.get("connections") if head else None
    names = r.scalars(node, "'connections'") if node is not None else []
    return frozenset(name for item in names if (name := r.connection(item, "'connections'")) is not None)


def _mode(r: Reading, node: Map) -> Mode:
    value = node.get("mode")
    word: Any = r.choice(value, "'mode'", MODES) if value is not None else None
    return word or "live"


# --- one rule --------------------------------------------------------------------------------------------------------


def _rule(r: Reading, item: Node, bound: Mode) -> Rule | None:
    r.rule, r.about = None, ""
    node = r.map(item, "a rule", None)
    if node is None:
        return None
    id = _id(r, node)
    r.rule, r.about = id, f"in rule '{id}'" if id else ""
    r.map(node, "a rule", _RULE)
    triggers = read_when(r, node)
    made = _condition(r, node, id)
    done, stages = _work(r, node, triggers)
    if id is None:
        return None
    _joins_something(r, node, made, (*done, *(step for stage in stages for step in stage.steps)))
    return Rule(
        id=id,
        place=_place(r, node),
        triggers=triggers,
        condition=made,
        steps=done,
        stages=stages,
        mode=max(_mode(r, node), bound, key=MODES.index),
        limits=_limits(r, limits) if (limits := node.get("limits")) else Limits(),
        react_to_own_changes=bool(r.boolean(own, "'react_to_own_changes'")) if (own := node.get("react_to_own_changes")) else False,
        **_texts(r, node),
    )


def _joins_something(r: Reading, node: Map, made: Condition, done: tuple[Step, ...]) -> None:
    """A duplicate wants to know of what: only `similar` tells."""
    if any(isinstance(step.verb, Link) and step.verb.to == "duplicate" for step in done) and similar_of(made) is None:
        where = node.entries["if" if "if" in node else "id"].key
        r.wrong(
            where, "TG206", "a duplicate wants 'similar' in the condition", help="add similar: { same: [..], within: 24h, at_least: 2 }"
        )


def _place(r: Reading, node: Map) -> Any:
    entry = node.entries.get("id")
    return _whole(r, entry.key, entry.value) if entry else NOWHERE


def _texts(r: Reading, node: Map) -> dict[str, Any]:
    given = {name: r.text(value, f"'{name}'") for name in ("name", "description", "owner") if (value := node.get(name)) is not None}
    catch_up = node.get("catch_up")
    word = r.choice(catch_up, "'catch_up'", ("latest", "all", "skip")) if catch_up is not None else None
    if catch_up is not None and "stages" not in node:
        r.wrong(node.entries["catch_up"].key, "TG206", "'catch_up' is for rules with 'stages'", help="remove it")
    return {**given, "catch_up": word or "latest"}


def _id(r: Reading, node: Map) -> str | None:
    value = r.need(node, "id", "a rule", help="add id: what-it-does")
    if value is None:
        return None
    if not isinstance(value, Scalar):
        r.text(value, "'id'")
        return None
    definition = r.definitions.get(("rule", value.text))
    if definition is not None and definition.key is not value:
        r.wrong(
            value,
            "TG301",
            f"there are two rules called '{value.text}'",
            note="the second",
            help="give one of them another id",
            related=(definition.key.spot("the first"),),
        )
    return r.slug(value, "the id of a rule")


def _condition(r: Reading, node: Map, id: str | None) -> Any:
    value = node.get("if")
    if value is None:
        return ALWAYS
    before, r.about = r.about, f"in the condition of rule '{id}'" if id else ""
    made = condition(r, value)
    r.about = before
    return made if made is not None else ALWAYS


def _work(r: Reading, node: Map, triggers: tuple[Trigger, ...]) -> tuple[Any, tuple[StageSpec, ...]]:
    """The steps, or the stages: one of the two."""
    ladder = next((trigger for trigger in triggers if isinstance(trigger, OnSla | OnWaiting)), None)
    _steps_or_stages(r, node, ladder, bool(triggers))
    done = steps(r, then) if (then := node.get("then")) is not None else ()
    return done, _stages(r, stages, ladder) if (stages := node.get("stages")) is not None else ()


def _steps_or_stages(r: Reading, node: Map, ladder: OnSla | OnWaiting | None, known: bool) -> None:
    if "then" in node and "stages" in node:
        first, second = sorted((node.entries["then"].key, node.entries["stages"].key), key=lambda key: (key.line, key.column))
        help = "stages are for sla and waiting; 'then' is for all other events"
        r.wrong(second, "TG207", "a rule has either 'then' or 'stages'", help=help, related=(first.spot("the first"),))
    elif "then" not in node and "stages" not in node:
        wanted = "stages" if ladder else "then"
        r.need(node, wanted, "a rule", help=f"add {wanted}: with what to do")
    elif "stages" in node and ladder is None and known:
        help = "write when: { sla: first_response }, or use 'then'"
        r.wrong(node.entries["stages"].key, "TG206", "'stages' want a clock to follow", help=help)
    elif "then" in node and ladder is not None:
        help = "write stages: [{ at: breach, then: [..] }]"
        r.wrong(node.entries["then"].key, "TG206", "a rule that follows a clock wants 'stages'", help=help)


# --- stages ----------------------------------------------------------------------------------------------------------


def _stages(r: Reading, node: Node, ladder: OnSla | OnWaiting | None) -> tuple[StageSpec, ...]:
    found: dict[str, StageSpec] = {}
    for item in r.seq(node, "'stages'"):
        stage = _stage(r, item, ladder)
        if stage is None:
            continue
        if stage.name in found:
            r.wrong(item, "TG301", f"there are two stages '{stage.name}'", help="put all their steps into one")
        found[stage.name] = stage
    return tuple(found.values())


def _stage(r: Reading, item: Node, ladder: OnSla | OnWaiting | None) -> StageSpec | None:
    node = r.map(item, "a stage", ("at", "after", "then", "repeat", "deliver"))
    if node is None:
        return None
    due = _due(r, node, ladder)
    then = r.need(node, "then", "a stage")
    done = steps(r, then) if then is not None else ()
    every, times = _repeat(r, repeat) if (repeat := node.get("repeat")) else (None, 0)
    deliver = _deliver(r, node, ladder)
    if due is None:
        return None
    name, at, after, place = due
    return StageSpec(name, done, place, at, after, every, times, deliver)


def _due(r: Reading, node: Map, ladder: OnSla | OnWaiting | None) -> Any:
    """The stage's name with its moment or its span, and its place."""
    wanted = "after" if isinstance(ladder, OnWaiting) else "at" if ladder else "at" if "at" in node else "after"
    other = "at" if wanted == "after" else "after"
    if ladder is not None and other in node:
        kind = "waiting" if wanted == "after" else "sla"
        r.wrong(node.entries[other].key, "TG205", f"a stage of a rule on {kind} has '{wanted}', not '{other}'", help=f"write {wanted}:")
        return None
    value = r.need(node, wanted, "a stage")
    if value is None:
        return None
    place = _whole(r, node.entries[wanted].key, value)
    if wanted == "at":
        at = moment(r, value)
        return (f"at {at.written}", at, None, place) if at else None
    after = span(r, value, "'after'")
    if after is not None and after.business:
        _counts_somewhere(r, value, ladder)
    return (f"after {after.written}", None, after, place) if after else None


def _whole(r: Reading, key: Scalar, value: Node) -> Place:
    """The key's place, underlined to the end of its value."""
    r.spots[key.place] = Spot(key.place, value.end_of_line if value.end_line == key.line else key.end_column)
    return key.place


def _counts_somewhere(r: Reading, node: Node, ladder: OnSla | OnWaiting | None) -> None:
    named = ladder.calendar if isinstance(ladder, OnWaiting) else None
    if named is None and r.desk.default_calendar is None:
        r.wrong(node, "TG206", "business time wants a calendar", help="add calendar: to 'waiting', or default_calendar: to ticketgate.yaml")


def _repeat(r: Reading, node: Node) -> tuple[Any, int]:
    details = r.map(node, "'repeat'", ("every", "times"))
    every, times = (r.need(details, "every", "'repeat'"), r.need(details, "times", "'repeat'")) if details else (None, None)
    if every is None or times is None:
        return None, 0
    return duration(r, every, "'every'"), r.integer(times, "'times'", 1, 1000) or 0


def _deliver(r: Reading, node: Map, ladder: OnSla | OnWaiting | None) -> Literal["now", "business_hours"]:
    value = node.get("deliver")
    word = r.choice(value, "'deliver'", ("now", "business_hours")) if value is not None else None
    if word == "business_hours" and not _has_hours(r, ladder):
        r.wrong(node.entries["deliver"].key, "TG206", "business hours want a calendar", help=_HOURS_FROM)
    return "business_hours" if word == "business_hours" else "now"


_HOURS_FROM = "add default_calendar: to ticketgate.yaml, or a calendar that closes to the policy or to 'waiting'"


def _has_hours(r: Reading, ladder: OnSla | OnWaiting | None) -> bool:
    """Whether the ladder's clock counts in a calendar, or the desk has one; a policy that is not there is another mistake."""
    if r.desk.default_calendar is not None or ladder is None:
        return True
    if isinstance(ladder, OnWaiting):
        return _closes(r, ladder.calendar)
    return all(_closes(r, policy.calendar) for name, policy in r.policies.items() if ladder.policy in (None, name))


def _closes(r: Reading, calendar: str | None) -> bool:
    known = r.calendars.get(calendar or "")
    return calendar is not None and (known is None or not known.always)


# --- limits ----------------------------------------------------------------------------------------------------------


def _limits(r: Reading, node: Node) -> Limits:
    names = ("per_ticket", "per_requester", "total")
    limits = r.map(node, "'limits'", (*names, "when_reached"))
    if limits is None:
        return Limits()
    reached = limits.get("when_reached")
    word: Any = r.choice(reached, "'when_reached'", ("skip", "pause_rule")) if reached is not None else None
    found = {name: rate(r, value, f"'{name}'") for name in names if (value := limits.get(name)) is not None}
    if set(limits.entries) <= {"when_reached"}:
        r.wrong(node, "TG206", "'limits' names no limit", help="add per_ticket:, per_requester: or total: with a rate like 1 per 12h")
    return Limits(**found, when_reached=word or "skip")
