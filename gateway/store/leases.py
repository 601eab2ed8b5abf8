"""Who has a ticket in hand: nobody else touches it until it is given back, or its holder is gone.

Moments are seconds of the machine's steady clock: a clock that is set forward or back by an hour takes no ticket out of a hand.
The token is the fence: a holder that stood still while another took its ticket over finds another token, and writes nothing more.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from gateway.clock import tick
from gateway.store.putting import insert_or_replace, of_ref, the_ref
from gateway.store.schema import lease
from rules.ticket import TicketRef

LASTS = 300.0
"""Seconds. Longer than any one call with all its retries may take; a holder that died on this machine is noticed at once."""


BORN = tick()
"""Tells this process from an earlier one with the same number, as the first processes of containers are."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What one taking got: each ticket with its token."""

    holder: str
    tokens: tuple[tuple[TicketRef, int], ...]


def _machine() -> str:
    """This machine since it was started: its steady clock begins anew at each start."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        boot = ""
    return f"{socket.gethostname()}+{boot}"


MACHINE = _machine()


def holder(name: str) -> str:
    """How a worker of this process signs: machine, process, birth, worker."""
    return f"{MACHINE}/{os.getpid()}/{BORN}/{name}"


def take(db: sa.Connection, refs: Sequence[TicketRef], who: str, now: float, lasts: float = LASTS) -> Hold | None:
    """All of them or none. Taking again what one has extends it, and makes a new token all the same."""
    tokens = []
    for ref in refs:
        row = db.execute(_ONE, of_ref(ref)).first()
        if row is not None and row.holder != who and row.until > now and _lives(row.holder):
            return None
        tokens.append((ref, 1 if row is None else row.token + 1))
    rows = [{"connection": r.connection, "key": r.key, "holder": who, "token": t, "until": now + lasts} for r, t in tokens]
    insert_or_replace(db, lease, rows)
    return Hold(who, tuple(tokens))


def held(db: sa.Connection, ref: TicketRef) -> bool:
    """Whether somebody has it in hand, as far as the store knows."""
    return db.execute(_ONE, of_ref(ref)).first() is not None


def stands(db: sa.Connection, hold: Hold) -> bool:
    """Whether nobody has taken any of it over."""
    return all(db.execute(_MINE, _of(ref, token, hold)).first() is not None for ref, token in hold.tokens)


def extend(db: sa.Connection, hold: Hold, until: float) -> bool:
    """Keeps it for longer; False, and nothing done, when somebody has taken it over."""
    if not stands(db, hold):
        return False
    for ref, token in hold.tokens:
        db.execute(_EXTEND, {**_of(ref, token, hold), "until": until})
    return True


def give_back(db: sa.Connection, hold: Hold) -> None:
    """What is still its holder's; a ticket that was taken over stays with whoever has it."""
    for ref, token in hold.tokens:
        db.execute(_GIVE_BACK, _of(ref, token, hold))


def _of(ref: TicketRef, token: int, hold: Hold) -> dict[str, object]:
    return {**of_ref(ref), "by": hold.holder, "with_token": token}


_ONE = sa.select(lease).where(the_ref(lease))
_IS_MINE = sa.and_(the_ref(lease), lease.c.holder == sa.bindparam("by"), lease.c.token == sa.bindparam("with_token"))
_MINE, _EXTEND, _GIVE_BACK = sa.select(lease.c.until).where(_IS_MINE), sa.update(lease).where(_IS_MINE), sa.delete(lease).where(_IS_MINE)


def _lives(there: str) -> bool:
    """Whether a holder may still be at work: one of another machine may, one of this machine if its process is there."""
    machine, process, born, _ = there.split("/", 3)
    if machine != MACHINE:
        return machine.partition("+")[0] != MACHINE.partition("+")[0]  # this very machine, before its last start
    if int(process) == os.getpid():
        return int(born) == BORN
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
