"""The system behind `MemoryConnector`: tickets as plain dictionaries, people who act, and a ledger of effects.

All of its state can be said in JSON. With a path it is read before and written after each call (lock, new file, rename), so
that a process killed at any moment leaves the state before or after a call, and a test can act beside a running daemon.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from connectors.sandbox import Deed, Effect, Sample
from connectors.sandbox_files import attached_by, detail_of

Json: TypeAlias = dict[str, Any]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TICK = timedelta(seconds=1)
MULTIPLE = frozenset({"tags", "watchers"})


Away: TypeAlias = tuple[str, str, str | None]
"""The key of a ticket that is no more, what became of it (`connectors.errors.Gone`), and the key where it goes on."""


class Refused(ValueError):
    """Understood and refused; the message says why."""


class Broken(Exception):
    """The file does not hold what a system of this kind writes; the message names it and the way out."""


class MemorySystem:
    """Tickets, their comments and history. Without a `clock` it keeps its own: each write is a second after the one before.

    Every write gives its ticket the next number (`seq`) and raises the ticket's `rev`; a write that changes nothing does neither.
    """

    can = frozenset({"merge", "move"})

    def __init__(self, path: str | Path | None = None, clock: Callable[[], datetime] | None = None, *, now: datetime = START) -> None:
        self._path = Path(path) if path else None
        self._clock = clock
        self._own: Json = {"now": now.isoformat(), "seq": 0, "keys": 0, "ids": 0, "tickets": {}, "gone": [], "effects": []}

    # what the connector asks

    def record(self, key: str) -> Json:
        """The ticket as it stands. Raises `KeyError`."""
        with self._state() as state:
            return _copy(state["tickets"][key])

    def first_after(self, since: datetime) -> int:
        """The number of the first change at or after `since`, as far as tickets still show it."""
        with self._state() as state:
            later = [int(t["seq"]) for t in state["tickets"].values() if datetime.fromisoformat(t["updated_at"]) >= since]
            return min(later, default=int(state["seq"]) + 1)

    def page(self, place: int, size: int) -> tuple[list[Json], list[Away], int, bool]:
        """Tickets whose last change is number `place` or later, what went away meanwhile, the last number, whether more follow."""
        with self._state() as state:
            waiting = sorted((t for t in state["tickets"].values() if t["seq"] >= place), key=lambda t: int(t["seq"]))
            some = waiting[:size]
            more = len(waiting) > size
            upto = some[-1]["seq"] if more else max(state["seq"], place - 1)
            return [_copy(t) for t in some], [_away(row) for row in state["gone"] if place <= row[0] <= upto], upto, more

    def away(self, key: str) -> Away | None:
        """What became of a ticket that was there."""
        with self._state() as state:
            return next((_away(row) for row in reversed(state["gone"]) if row[1] == key), None)

    def change(self, key: str, fields: Mapping[str, Any], *, by: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Json:
        """Sets fields and changes tags; one write, one row of history for each field that really changed."""
        with self._state(writing=True) as state:
            ticket = state["tickets"][key]
            wanted = {name: _person(value) if name == "assignee" else value for name, value in fields.items()}
            if add or remove:
                wanted["tags"] = sorted((set(ticket["tags"]) | set(add)) - set(remove))
            self._set(state, ticket, wanted, by)
            if by == "api":
                _effect(state, "update", key, ticket["updated_at"], {"fields": _copy(wanted)})
            return _copy(ticket)

    def say(self, key: str, text: str, *, public: bool, by: str, mark: str | None = None, author: Json | None = None) -> str:
        """Adds a reply or a note; returns its id."""
        with self._state(writing=True) as state:
            ticket = state["tickets"][key]
            state["ids"] += 1
            at = self._touch(state, ticket)
            said = {"id": str(state["ids"]), "at": at, "text": text, "public": public, "by": by, "mark": mark, "author": author}
            ticket["comments"].append(said)
            if by == "api":
                _effect(state, "reply" if public else "note", key, at, {"id": said["id"], "body": text})
            return str(said["id"])

    def attach(self, key: str, file: Json, *, by: str) -> str:
        """Adds a file, as `sandbox_files` keeps it; returns its id."""
        with self._state(writing=True) as state:
            ticket = state["tickets"][key]
            state["ids"] += 1
            at = self._touch(state, ticket)
            made = {**file, "id": str(state["ids"]), "at": at, "by": by}
            ticket.setdefault("files", []).append(made)
            if by == "api":
                _effect(state, "attach", key, at, detail_of(made))
            return str(made["id"])

    def link(self, key: str, relation: str, other: str) -> Json:
        """Joins a ticket to another, as one problem, original or parent that it has."""
        with self._state(writing=True) as state:
            ticket = state["tickets"][key]
            ticket["links"] = {**ticket.get("links", {}), relation: other}
            _effect(state, "update", key, self._touch(state, ticket), {"fields": {"links": dict(ticket["links"])}})
            return _copy(ticket)

    def make(self, fields: Mapping[str, Any], *, by: str, mark: str | None = None, key: str | None = None) -> str:
        """A new ticket; returns its key."""
        with self._state(writing=True) as state:
            state["keys"] += 1
            key = key or f"M-{state['keys']}"
            wanted = {name: _person(value) if name == "assignee" else value for name, value in fields.items() if value is not None}
            blank: Json = {"key": key, "rev": 0, "status": "new", "tags": [], "comments": [], "history": [], "mark": mark}
            ticket: Json = blank | wanted
            state["tickets"][key] = ticket
            ticket["created_at"] = ticket.get("created_at") or self._touch(state, ticket)
            self._touch(state, ticket, at=ticket.get("updated_at"))
            if by == "api":
                _effect(state, "create", key, ticket["updated_at"], {"subject": ticket.get("subject")})
            return key

    def made_with(self, mark: str) -> str | None:
        """The key of the ticket that was made with this mark."""
        with self._state() as state:
            return next((t["key"] for t in state["tickets"].values() if t["mark"] == mark), None)

    # what people and judges do

    def load(self, samples: Iterable[Sample]) -> list[str]:
        """Tickets that are there already, as if people had made them at their `created_at`; returns their keys."""
        return [self.make(_fields(s, s.created_at), by="customer", key=s.key) for s in samples]

    def people(self, deed: Deed) -> str:
        """Somebody acts in the system's own pages, now; returns the ticket's key. Raises `KeyError` for no such ticket."""
        match deed.kind:
            case "attach":
                self.attach(str(deed.key), attached_by(deed), by=deed.by)
            case "create" if deed.sample is not None:
                return self.make(_fields(deed.sample, None), by=deed.by, key=deed.sample.key)
            case "set":
                self.change(str(deed.key), {k: list(v) if k in MULTIPLE else v for k, v in deed.fields.items()}, by=deed.by)
            case "reply" | "note":
                author = self.record(str(deed.key)).get("requester") if deed.by == "customer" else {"name": "Lena Vogt"}
                self.say(str(deed.key), deed.text, public=deed.kind == "reply", by=deed.by, author=author)
            case "delete" | "merge":
                self._ended(str(deed.key), deed)
            case "clone":
                return self._cloned(str(deed.key))
            case "move":
                return self._moved(str(deed.key), deed.into)
            case _:
                raise ValueError("a deed of kind create needs its sample")
        return str(deed.key)

    def _cloned(self, key: str) -> str:
        """A copy, new, without the comments; it names what it was copied from."""
        first = self.record(key)
        kept = ("subject", "body", "type", "priority", "product", "channel", "language", "group", "requester", "tags")
        return self.make({**{name: first.get(name) for name in kept}, "split_from": key}, by="agent")

    def _ended(self, key: str, deed: Deed) -> None:
        if deed.kind == "delete":
            self._forget(key, "deleted")
        else:
            self._merged(key, deed.into)

    def spoil(self, key: str, **values: Any) -> None:
        """Puts values that no page of the system would allow straight into the record: an unknown word, a damaged stamp."""
        with self._state(writing=True) as state:
            ticket = state["tickets"][key]
            self._touch(state, ticket)
            ticket.update(values)

    def shown(self, key: str) -> Json:
        """The ticket's true state for judges, as `Sandbox.shown` has it. Raises `KeyError`."""
        ticket = self.record(key)
        plain = {name: ticket.get(name) for name in ("status", "priority", "group", "tags", "subject", "body", "product", "language")}
        files = [detail_of(file) for file in ticket.get("files", ())]
        said = [{name: c[name] for name in ("id", "public", "text", "by")} for c in ticket["comments"]]
        return {**plain, "assignee": (ticket.get("assignee") or {}).get("email"), "comments": said, "files": files}

    def keys(self) -> list[str]:
        """All tickets, oldest first."""
        with self._state() as state:
            return sorted(state["tickets"], key=lambda key: (state["tickets"][key]["created_at"], state["tickets"][key]["seq"]))

    @property
    def effects(self) -> list[Effect]:
        """What was written through the interface, in order."""
        with self._state() as state:
            return [Effect(**{**e, "at": datetime.fromisoformat(e["at"])}) for e in state["effects"]]

    @property
    def now(self) -> datetime:
        """The moment by this system's clock."""
        with self._state() as state:
            return self._now(state)

    def advance(self, by: timedelta) -> None:
        """Moves the system's own clock on."""
        with self._state(writing=True) as state:
            state["now"] = (datetime.fromisoformat(state["now"]) + by).isoformat()

    # how it is kept

    def _now(self, state: Json) -> datetime:
        return self._clock() if self._clock else datetime.fromisoformat(state["now"])

    def _set(self, state: Json, ticket: Json, wanted: Mapping[str, Any], by: str) -> None:
        changed = {name: value for name, value in wanted.items() if ticket.get(name) != value}
        if not changed:
            return
        at = self._touch(state, ticket)
        for name, value in changed.items():
            before, after = _plain(ticket.get(name)), _plain(value)
            ticket["history"].append({"field": name, "before": before, "after": after, "at": at, "by": by})
        ticket.update(changed)

    def _touch(self, state: Json, ticket: Json, at: str | None = None) -> str:
        """Stamps the ticket as changed now, or `at`; returns the stamp."""
        if at is None:
            state["now"] = self._now(state).isoformat() if self._clock else (self._now(state) + TICK).isoformat()
        state["seq"] += 1
        ticket.update(seq=state["seq"], rev=ticket["rev"] + 1, updated_at=at or state["now"])
        return str(ticket["updated_at"])

    def _forget(self, key: str, how: str, into: str | None = None) -> Json:
        with self._state(writing=True) as state:
            if how == "merged" and into not in state["tickets"]:
                raise KeyError(into)
            ticket: Json = state["tickets"].pop(key)
            state["seq"] += 1
            state["gone"].append([state["seq"], key, how, into])
            return ticket

    def _merged(self, key: str, into: str) -> None:
        """The other one is told, and goes on."""
        subject = self._forget(key, "merged", into).get("subject")
        self.say(into, f"{key} ({subject}) was merged into this one.", public=False, by="agent", author={"name": "Lena Vogt"})

    def _moved(self, key: str, project: str) -> str:
        """The same ticket under the next key of another project."""
        with self._state(writing=True) as state:
            state["keys"] += 1
            new = f"{project}-{state['keys']}"
            ticket = state["tickets"].pop(key)
            self._touch(state, ticket)
            state["gone"].append([state["seq"], key, "moved", new])
            state["tickets"][new] = ticket | {"key": new}
        return new

    @contextmanager
    def _state(self, *, writing: bool = False) -> Iterator[Json]:
        if self._path is None:
            yield self._own
            return
        with _locked(self._path.with_suffix(".lock")):
            state = self._held(self._path) if self._path.exists() else self._own
            yield state
            if writing:
                new = self._path.with_suffix(".new")
                new.write_bytes(orjson.dumps(state))
                new.replace(self._path)

    def _held(self, path: Path) -> Json:
        try:
            state = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise Broken(f"{path} is no JSON ({error}); restore the file, or move it away to begin with an empty system") from None
        missing = sorted(self._own.keys() - state.keys()) if isinstance(state, dict) else ["its keys"]
        if missing:
            raise Broken(f"{path} lacks {', '.join(missing)}; restore the file, or move it away to begin with an empty system")
        held: Json = state
        return held


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock ends with the process that held it."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _copy(value: Json) -> Json:
    copied: Json = orjson.loads(orjson.dumps(value))
    return copied


def _away(row: list[Any]) -> Away:
    """A file of an earlier release holds deletions only."""
    _, key, how, into = [*row, "deleted", None][:4]
    return key, how, into


def _effect(state: Json, kind: str, key: str, at: str, detail: Json) -> None:
    state["effects"].append({"n": len(state["effects"]) + 1, "at": at, "kind": kind, "key": key, "detail": detail})


def _person(known_as: Any) -> Any:
    if known_as is None or isinstance(known_as, dict):
        return known_as
    return {"email": known_as} if "@" in known_as else {"name": known_as}


def _plain(value: Any) -> Any:
    return value.get("email") or value.get("name") if isinstance(value, dict) else value


def _fields(sample: Sample, created: datetime | None) -> Json:
    """A sample as this system keeps it; stamped by the clock when `created` is None."""
    names = ("subject", "body", "type", "status", "priority", "product", "channel", "language", "group", "assignee")
    plain = {name: getattr(sample, name) for name in names}
    organization, language = sample.organization, sample.language
    who = {"name": sample.requester, "email": sample.email, "organization": organization, "language": language}
    stamps = {"created_at": created.isoformat(), "updated_at": (sample.updated_at or created).isoformat()} if created else {}
    return {**plain, "requester": who, "tags": sorted(sample.tags), **stamps}
