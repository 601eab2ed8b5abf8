"""What stands between the files on disk and the rules in force: a pin, a person's wish or yes, and what the daemon made of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, cast

import sqlalchemy as sa

from gateway.store.putting import insert_or_leave
from gateway.store.schema import reload

State: TypeAlias = Literal["ok", "refused", "held"]
ALIVE = timedelta(seconds=20)
"""A daemon that gave no sign for longer is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`state`: ok | refused | held, of the files as the daemon saw them last, `candidate` their hash; `yes`: the hash that a person let
    through; `beat_at`: when the daemon gave its last sign, None when it ended in good order.
    """

    state: State = "ok"
    reason: str = ""
    candidate: str | None = None
    pinned: str | None = None
    pinned_by: str | None = None
    pinned_at: datetime | None = None
    asked_at: datetime | None = None
    asked_by: str | None = None
    answered_at: datetime | None = None
    yes: str | None = None
    beat_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether somebody asked and has no answer yet."""
        return self.asked_at is not None and (self.answered_at is None or self.answered_at < self.asked_at)

    def alive(self, now: datetime) -> bool:
        return self.beat_at is not None and now - self.beat_at < ALIVE


_NAMES = tuple(Standing.__dataclass_fields__)


def standing(db: sa.Connection) -> Standing:
    row = db.execute(sa.select(*(reload.c[name] for name in _NAMES))).mappings().first()
    return Standing(**{**row, "state": cast(State, row["state"])}) if row else Standing()


def asked(db: sa.Connection, who: str, at: datetime, *, yes: str | None = None) -> None:
    """A person wants the files taken over now; `yes` lets the bundle of that hash past the guard."""
    _set(db, asked_at=at, asked_by=who, **({"yes": yes} if yes else {}))


def pinned(db: sa.Connection, hash: str, who: str, at: datetime) -> None:
    """Files on disk are not taken over until the pin is drawn."""
    _set(db, pinned=hash, pinned_by=who, pinned_at=at, asked_at=at, asked_by=who)


def unpinned(db: sa.Connection, who: str, at: datetime) -> bool:
    """Whether there was a pin. What lies on disk is asked for at once."""
    was = standing(db).pinned is not None
    _set(db, pinned=None, pinned_by=None, pinned_at=None, asked_at=at, asked_by=who)
    return was


def answered(db: sa.Connection, state: State, reason: str, candidate: str | None, at: datetime) -> None:
    """What the daemon made of the files, or of what it was asked."""
    _set(db, state=state, reason=reason, candidate=candidate, answered_at=at)


def beat(db: sa.Connection, at: datetime | None) -> None:
    """The daemon is there; None: it has ended."""
    _set(db, beat_at=at)


def _set(db: sa.Connection, **values: object) -> None:
    insert_or_leave(db, reload, [{"id": 1, "state": "ok", "reason": ""}])
    db.execute(sa.update(reload).values(**values))
