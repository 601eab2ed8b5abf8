"""What is meant as internal can never leave as public: a guard below the SDKs that reads each write as it leaves.

A connector wraps the sending of a note in `kept_internal`. Until it is sent, every write must be of a form that shows nothing to a
customer, whatever made it: what is public, what the system would read as public by default, and what cannot be told is refused.
Each system's form is told by a function of its own, apart from the code that makes the request, so that one mistake cannot be in both.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeAlias

import orjson
import requests

from connectors.transport import Seam

Proof: TypeAlias = Callable[[str, str, Any], bool]
"""Whether a write surely shows nothing to a customer, by its method, its path, and its body as JSON (None: it is none)."""


@contextmanager
def kept_internal(session: requests.Session, proof: Proof) -> Iterator[None]:
    """While it lasts no write leaves through the session but those that `proof` lets through; any other raises `Rejected`."""
    seams = [adapter for adapter in session.adapters.values() if isinstance(adapter, Seam)]
    if not seams:
        raise TypeError("a session without our seam keeps nothing internal")
    for seam in seams:
        seam.may_leave = lambda method, path, body: proof(method, path, _told_once(body))
    try:
        yield
    finally:
        for seam in seams:
            seam.may_leave = None


def saying(session: requests.Session, proof: Proof, *, public: bool) -> AbstractContextManager[None]:
    """Around the sending of a comment: `kept_internal` unless it is meant for everybody."""
    return nullcontext() if public else kept_internal(session, proof)


def _told_once(body: bytes) -> Any:
    """The body's JSON; None for what is none, and for one that says something twice: a system might believe the other one."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return None
    return found if orjson.dumps(found) == body else None


def only(said: Any, *names: str) -> bool:
    """Whether it is an object that holds no other keys than these."""
    return isinstance(said, Mapping) and set(said) <= {*names}
