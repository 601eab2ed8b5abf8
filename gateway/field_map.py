"""How a connection's fields and ours belong together: which are mapped, which words nobody declared, and what to write for the rest."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.inventory import RemoteField
from rules.bundle import Bundle, CustomField
from rules.fields import FIELDS

MOST_WORDS = 200  # of one choice, in a proposal
PLACELESS = frozenset({"product", "language", "error_code"})  # fields of ours that installations keep in fields of their own


@dataclass(frozen=True, slots=True)
class Mapped:
    """A field of ours that stands under `fields:` with `from:` this connection, and what is wrong with it.

    `there` is None where the system has no such field. `unknown` are words that the system offers and `values:` does not name.
    """

    ours: CustomField
    remote: str
    there: RemoteField | None
    unknown: tuple[str, ...] = ()


def mapped(bundle: Bundle, connection: str, fields: Sequence[RemoteField]) -> Iterator[Mapped]:
    by_name = {f.label: f for f in fields} | {f.id: f for f in fields}
    for ours in bundle.fields.values():
        remote = ours.remote.get(connection)
        if remote is None:
            continue
        there = by_name.get(remote) or next((f for f in fields if f.named_by and f.id == remote.partition(".")[0]), None)
        words = there.values if there and ours.values else ()
        yield Mapped(ours, remote, there, tuple(word for word in words if word.casefold() not in {v.casefold() for v in ours.values}))


def unmapped(bundle: Bundle, connection: str, fields: Sequence[RemoteField], settings: frozenset[str]) -> list[RemoteField]:
    """The installation's own fields that nothing here names, those among `settings` neither."""
    named = {f.remote[connection] for f in bundle.fields.values() if connection in f.remote} | settings
    return [f for f in fields if f.own and not {f.id, f.label} & (named | {name.partition(".")[0] for name in named if f.named_by})]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What could be written under `fields:` of a rule file: new fields whole, and for those that stand there already, their `from:`."""

    new: Mapping[str, Mapping[str, object]]
    joining: Mapping[str, Mapping[str, str]]


def proposal(bundle: Bundle, connection: str, fields: Sequence[RemoteField]) -> Proposal:
    """For those of the fields that can be mapped. New ones have names that are free, and are as `check` accepts them."""
    new: dict[str, dict[str, object]] = {}
    joining: dict[str, dict[str, str]] = {}
    for field in fields:
        name = _name(field)
        if field.type is None:
            continue
        if name in bundle.fields and connection not in bundle.fields[name].remote and name not in joining:
            joining[name] = {connection: field.named_by or field.id}
        else:
            new[_free(name, {*bundle.fields, *new})] = {**_typed(field), "from": {connection: field.named_by or field.id}}
    return Proposal(new, joining)


def joined(bundle: Bundle, proposals: Sequence[Proposal]) -> Proposal:
    """Those of several connections as one: what has one name and one kind is one field from all of them, of another kind another field."""
    new: dict[str, dict[str, object]] = {}
    joining: dict[str, dict[str, str]] = {}
    for one in proposals:
        for name, said in one.new.items():
            _join(new, name if _kind(new.get(name, said)) == _kind(said) else _free(name, {*bundle.fields, *new}), said)
        for name, there in one.joining.items():
            joining[name] = {**joining.get(name, {}), **there}
    return Proposal(new, joining)


def _kind(said: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in said.items() if key != "from"}


def _join(new: dict[str, dict[str, object]], name: str, said: Mapping[str, object]) -> None:
    new[name] = {**said, "from": {**_from(new.get(name, {})), **_from(said)}}


def _from(said: Mapping[str, object]) -> Mapping[str, object]:
    found = said.get("from", {})
    return found if isinstance(found, dict) else {}


def _typed(field: RemoteField) -> dict[str, object]:
    listed = field.type == "choice" and 0 < len(field.values) <= MOST_WORDS
    return {"type": field.type, **({"values": list(field.values)} if listed else {})}


def _name(field: RemoteField) -> str:
    """Its label as a name of ours; one of our own fields only where no system has a place of its own for that."""
    plain = re.sub(r"[^a-z0-9]+", "_", field.label.casefold().removesuffix("__c")).strip("_")
    name = re.sub(r"^[^a-z]+", "", plain)[:50] or "field_" + re.sub(r"[^a-z0-9]+", "_", field.id.casefold()).strip("_")[:50]
    return f"own_{name}" if name in FIELDS and not (name in PLACELESS and field.type in ("text", "choice")) else name


def _free(name: str, taken: set[str]) -> str:
    return next(one for one in (name, *(f"{name}_{n}" for n in range(2, 10_000))) if one not in taken)
