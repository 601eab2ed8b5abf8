"""What Salesforce answers, held against what it documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.errors import InDoubt, Unreadable


@contextmanager
def reading(connection: str, what: str) -> Iterator[None]:
    """Around what reads an answer: one that is not as documented is `Unreadable`."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"{what}: the answer is not what Salesforce documents ({type(error).__name__}: {str(error)[:200]})"
        raise Unreadable(connection, reason) from None


def made(connection: str, what: str, answer: Any) -> str:
    """The id of what was made. Raises `InDoubt` for an answer that does not say."""
    if isinstance(answer, dict) and isinstance(answer.get("id"), str) and answer.get("success") is True:
        return str(answer["id"])
    raise InDoubt(connection, f"{what}: the answer does not say what was made")
