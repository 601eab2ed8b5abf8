"""A workload of our own: rules as a desk would write them and tickets with texts in several scripts, from a seed; and their naive judge.

Rules are plain trees, judged by walking them, one after the other; texts are compared here by splitting them into words, with nothing
of `rules` but folding. So it says the same as the engine only where both are right.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from rules.bundle import All, AnyOf, Assign, Bundle, Condition, Desk, FieldType, NoneOf, On, Place, Rule, RuleSet, Step, Test
from rules.observation import Kind
from rules.text import Needle, fold, spoken
from rules.ticket import Channel, Level, Person, Status, Ticket, TicketRef, Type
from tests.benchmarks.foreign import NOW

Tree = Mapping[str, Any]
SYLLABLES = [c + v for c in "bcdfghjklmnprstvz" for v in "aeiou"]
FOREIGN = ("Größe", "réseau", "conexión", "ответ", "カード", "支払い", "naïve", "Straße")
KINDS: Mapping[str, FieldType] = {
    "type": "choice",
    "status": "choice",
    "priority": "ordered_choice",
    "channel": "choice",
    "group": "reference",
    "product": "text",
    "requester.organization": "text",
    "tags": "set",
    "subject": "text",
    "body": "text",
    "custom.seats": "number",
    "custom.cost": "number",
}
CHOICES: Mapping[str, Sequence[str]] = {
    "type": tuple(map(str, Type)),
    "status": tuple(map(str, Status)),
    "priority": tuple(map(str, Level)),
    "channel": tuple(map(str, Channel)),
    "group": tuple(f"Team {n}" for n in range(60)),
    "product": tuple(f"product-{n}" for n in range(40)),
    "requester.organization": tuple(f"Org {n}" for n in range(2000)),
}


def vocabulary(rng: random.Random, size: int = 3000) -> list[str]:
    return ["".join(rng.choices(SYLLABLES, k=rng.choice((2, 2, 3, 3, 4)))) for _ in range(size)]


class Maker:
    """Rules and tickets from one seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._words = vocabulary(random.Random(seed + 1))
        self._tags = [f"tag {n}" for n in range(300)]
        self._made = 0

    def rules(self, count: int) -> list[Tree]:
        return [self._rule() for _ in range(count)]

    def tickets(self, count: int) -> list[Ticket]:
        self._made += count
        return [self._ticket(n) for n in range(self._made - count, self._made)]

    def _rule(self) -> Tree:
        rng = self._rng
        parts = [self._choice() for _ in range(rng.choice((1, 2, 2, 3)))]
        kind = rng.random()
        if kind < 0.25:
            parts.append(self._of_tags())
        elif kind < 0.5:
            parts.append(self._said())
        elif kind < 0.6:
            parts.append(self._number())
        elif kind < 0.75:
            parts.append({"any": [self._of_tags(), self._said(), {"all": [self._choice(), self._number()]}]})
        if rng.random() < 0.2:
            parts.append({"none": [rng.choice((self._choice, self._of_tags, self._said))()]})
        rng.shuffle(parts)
        return {"all": parts}

    def _choice(self) -> Tree:
        name = self._rng.choice(list(CHOICES))
        operator = self._rng.choice(("is", "is", "one_of", "is_not" if name in ("status", "type") else "is"))
        some = self._rng.sample(CHOICES[name], k=min(3, len(CHOICES[name])))
        return {"field": name, "op": operator, "value": some if operator == "one_of" else some[0]}

    def _of_tags(self) -> Tree:
        some = self._rng.sample(self._tags, k=self._rng.randint(1, 3))
        return {"field": "tags", "op": self._rng.choice(("contains_any", "contains_any", "contains_all")), "value": some}

    def _said(self) -> Tree:
        some = [self._phrase() for _ in range(self._rng.randint(1, 4))]
        return {"field": self._rng.choice(("subject", "body", "body")), "op": "contains_any", "value": some}

    def _phrase(self) -> str:
        word = self._words[int(len(self._words) * self._rng.random() ** 2)]
        if self._rng.random() < 0.1:
            return self._rng.choice(FOREIGN)
        return f"{word} {self._rng.choice(self._words[:40])}" if self._rng.random() < 0.15 else word

    def _number(self) -> Tree:
        operator = self._rng.choice(("above", "at_least", "below", "at_most"))
        return {"field": self._rng.choice(("custom.seats", "custom.cost")), "op": operator, "value": self._rng.choice((2, 5, 100, 900))}

    def _ticket(self, n: int) -> Ticket:
        rng = self._rng
        common = self._words[:40] + self._words
        text = [rng.choice(FOREIGN) if rng.random() < 0.01 else common[int(len(common) * rng.random() ** 3)] for _ in range(78)]
        body = "".join(word.capitalize() + rng.choice((" ", " ", " ", ", ", ".\n", "-")) for word in text)
        picked = {name: rng.choice((*values, None)) if name != "status" else rng.choice(values) for name, values in CHOICES.items()}
        organization = picked.pop("requester.organization")
        return Ticket(
            ref=TicketRef("zendesk", str(n)),
            subject=" ".join(text[:8]),
            body=body,
            requester=Person(organization=organization.upper()) if organization else None,
            tags=frozenset(rng.sample(self._tags, k=rng.choice((0, 1, 1, 2, 3, 5)))),
            created_at=NOW,
            updated_at=NOW,
            version="1",
            custom={"seats": rng.choice((None, 1, 3, 50, 2000)), "cost": rng.choice((None, round(rng.lognormvariate(5, 1.4), 2)))},
            **picked,  # type: ignore[arg-type]
        )


# --- the engine's form --------------------------------------------------------------------------------------------------


def bundle(trees: Sequence[Tree]) -> Bundle:
    place = Place("rules/10-all.yaml", 1)
    rules = tuple(
        Rule(
            id=f"r{n}",
            place=place,
            triggers=(On(Kind.CREATED),),
            condition=condition(tree),
            steps=(Step(Assign(group="Team 1"), "assign", place),),
        )
        for n, tree in enumerate(trees)
    )
    return Bundle(
        hash="0" * 64,
        rulesets=(RuleSet(id="all", file=place.file, order=10, rules=rules),),
        desk=Desk(connections={"zendesk": "zendesk"}),
    )


def condition(tree: Tree) -> Condition:
    for word, group in (("all", All), ("any", AnyOf), ("none", NoneOf)):
        if word in tree:
            return group(tuple(map(condition, tree[word])))
    name, operator = tree["field"], tree["op"]
    return Test(name, operator, _value(KINDS[name], operator, tree["value"]), KINDS[name], f"{name} {operator} {tree['value']}")


def _value(kind: FieldType, operator: str, value: Any) -> Any:
    if kind == "text" and operator == "contains_any":
        return tuple(map(Needle.of, value))
    if isinstance(value, list):
        return frozenset(map(fold, value))
    return fold(value) if isinstance(value, str) else value


# --- the naive judge ----------------------------------------------------------------------------------------------------


def seen(ticket: Ticket) -> dict[str, Any]:
    """The ticket as the naive judge wants it: folded once, texts as their words."""
    plain: dict[str, Any] = {name: _folded(getattr(ticket, name)) for name in CHOICES if "." not in name}
    plain["requester.organization"] = _folded(ticket.requester.organization) if ticket.requester else None
    plain["tags"] = set(map(fold, ticket.tags))
    plain["subject"], plain["body"] = _said(ticket.subject), _said(ticket.body or "")
    return plain | {f"custom.{name}": value for name, value in ticket.custom.items()}


def _folded(value: str | None) -> str | None:
    return None if value is None else fold(value)


def _said(text: str) -> str:
    return spoken(fold(text))


def holds(tree: Tree, ticket: Mapping[str, Any]) -> bool:
    if "all" in tree:
        return all(holds(part, ticket) for part in tree["all"])
    if "any" in tree:
        return any(holds(part, ticket) for part in tree["any"])
    if "none" in tree:
        return not any(holds(part, ticket) for part in tree["none"])
    return _test(tree["op"], ticket[tree["field"]], tree["value"])


def _test(operator: str, have: Any, want: Any) -> bool:
    if operator in ("is", "is_not"):
        return (have == fold(want)) is (operator == "is")
    if operator == "one_of":
        return any(have == fold(one) for one in want)
    if operator.startswith("contains"):
        found = (_spoken_in(one, have) if isinstance(have, str) else fold(one) in have for one in want)
        return all(found) if operator == "contains_all" else any(found)
    if have is None:
        return False
    return bool({"above": have > want, "at_least": have >= want, "below": have < want, "at_most": have <= want}[operator])


def _spoken_in(phrase: str, said: str) -> bool:
    plain = spoken(fold(phrase))
    return (plain if plain.strip().isascii() or plain.strip()[0] < "\u2e80" else plain.strip()) in said


def match_all(trees: Sequence[Tree], ticket: Mapping[str, Any]) -> list[int]:
    return [n for n, tree in enumerate(trees) if holds(tree, ticket)]


def match_first(trees: Sequence[Tree], ticket: Mapping[str, Any]) -> int | None:
    return next((n for n, tree in enumerate(trees) if holds(tree, ticket)), None)
