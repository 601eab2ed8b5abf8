"""Who is called in which order, and how long each is waited for: the chains of `on_call:`, walked through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from gateway.config import OnCallConfig

MOST_TURNS = 200
"""Calls of one page; more is a mistake in the numbers."""

Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of a page: to a name that has an address, or an e-mail address; the next one comes `wait` later, None: never."""

    to: str
    wait: timedelta | None = None


def turns(on_call: Mapping[str, OnCallConfig], name: str) -> tuple[Turn, ...]:
    """Every call that is made for a name, in order, as long as nobody acknowledges; none for a name that is not there.

    A chain within a chain is walked to its end; the wait behind it begins with its last call.
    """
    return tuple(_turns(on_call, name, frozenset()))


def _turns(on_call: Mapping[str, OnCallConfig], name: str, within: frozenset[str]) -> Iterator[Turn]:
    if "@" in name:
        yield Turn(name)
    if name not in on_call or name in within:
        return
    one = on_call[name]
    if one.url is not None:
        yield Turn(name)
    for _ in range(one.loops):
        for member in one.chain:
            *first, last = [*_turns(on_call, member.to, within | {name})] or [Turn(member.to)]
            yield from first
            yield Turn(last.to, member.wait)


def wrong(on_call: Mapping[str, OnCallConfig], *, people: bool) -> Iterator[tuple[Place, str, str]]:
    """What cannot work in `on_call:`: where, what, and what to do about it. `people`: there is a channel of that name."""
    for name, one in on_call.items():
        found = list(_members(on_call, name, one, people=people))
        if not found and (length := _length(on_call, name)) > MOST_TURNS:
            found = [(("on_call", name), f"'{name}' would call {length} times", f"at most {MOST_TURNS} calls are made; lower loops:")]
        yield from found


def _members(on_call: Mapping[str, OnCallConfig], name: str, one: OnCallConfig, *, people: bool) -> Iterator[tuple[Place, str, str]]:
    for number, member in enumerate(one.chain):
        place, to = ("on_call", name, "chain", number, "to"), member.to
        if "@" in to and not people:
            yield place, f"nobody can call {to}", "add a channel called 'people' under channels: it reaches one person by e-mail"
        elif "@" not in to and to not in on_call:
            yield place, f"there is no on-call name '{to}'", "name another entry of on_call:, or an e-mail address"
        elif name in _below(on_call, to, frozenset()):
            yield place, f"'{name}' calls itself by way of '{to}'", "end the circle: a chain ends with people or addresses"


def _below(on_call: Mapping[str, OnCallConfig], name: str, seen: frozenset[str]) -> frozenset[str]:
    """The names that a name leads to, itself among them."""
    if name in seen:
        return seen
    found = seen | {name}
    for member in on_call[name].chain if name in on_call else ():
        found = _below(on_call, member.to, found)
    return found


def _length(on_call: Mapping[str, OnCallConfig], name: str, within: frozenset[str] = frozenset()) -> int:
    if name not in on_call or name in within or on_call[name].url is not None:
        return 1
    return on_call[name].loops * sum(_length(on_call, member.to, within | {name}) for member in on_call[name].chain)
