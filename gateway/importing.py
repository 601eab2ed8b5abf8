"""Triggers of a system as rules of ours in shadow mode: one file, in the system's order, what could not be said as comments in place."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from connectors.inventory import RemoteTrigger

LONGEST = 55


def rule_file(connection: str, triggers: Sequence[RemoteTrigger], ids: Iterable[str] = ()) -> str:
    """The text of the file. Only rules that act on something stand in it; the others are named in comments. `ids` other rules have."""
    taken = set(ids)
    parts = [_part(one, _id(one.title, taken)) for one in triggers]
    head = [
        f"# Taken over from the triggers of {connection}, in their order. Text is compared by whole words here.",
        "# Every rule is in shadow mode: `plan` and `why` show what it would do, `rules promote ID` makes it live.",
        "version: 1",
        f"ruleset: {{ id: from-{connection}, connections: [{connection}] }}",
    ]
    body = "\n".join(parts)
    return "\n".join([*head, "rules:" if any(one.acts for one in triggers) else "rules: []", body]).rstrip() + "\n"


def _part(one: RemoteTrigger, id: str) -> str:
    title = _line(one.title)
    if not one.acts:
        return "\n".join([f"  # Not taken over: {title}", *(f"  #   {_line(part)}" for part in one.left or ("it does nothing",))])
    said = yaml.dump([_rule(one, id)], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140)
    lines = [f"  {line}" if line else line for line in said.splitlines()]
    return "\n".join([*lines, *(f"      # not taken over: {_line(part)}" for part in one.left)])


def _rule(one: RemoteTrigger, id: str) -> dict[str, Any]:
    condition = {"if": dict(one.condition)} if one.condition else {}
    return {"id": id, "name": _line(one.title), "mode": "shadow", "when": list(one.when), **condition, "then": list(one.steps)}


def _id(title: str, taken: set[str]) -> str:
    """A title as a rule's id, each once."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
    name = slug if slug[:1].isalpha() else f"trigger-{slug}".strip("-")
    found = next(each for each in _numbered(name) if each not in taken)
    taken.add(found)
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _line(text: str) -> str:
    """On one line, whatever somebody wrote there."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def counted(triggers: Iterable[RemoteTrigger]) -> tuple[int, int, int]:
    """How many were taken over whole, in part, and not at all."""
    some = list(triggers)
    whole = sum(one.acts and not one.left for one in some)
    partly = sum(one.acts and bool(one.left) for one in some)
    return whole, partly, len(some) - whole - partly


class _Dumper(yaml.SafeDumper):
    """Block maps, short lists in brackets, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _sequence(dumper: _Dumper, values: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=all(not isinstance(v, dict) for v in values))


_Dumper.add_representer(list, _sequence)
