"""How this system is asked: paths, encoded queries, and its stamps, which are UTC, whole seconds, and name no zone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import repeat
from operator import add
from typing import Any
from urllib.parse import quote


def stamp(value: Any) -> str:
    """A moment as this system writes it: UTC, whole seconds, no zone."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def moment(text: str) -> datetime:
    """A stamp of this system, quicker than the general way: it is always UTC. Raises `ValueError`."""
    return datetime.fromisoformat(f"{text}+00:00")


def moments(texts: Sequence[str]) -> list[datetime]:
    """`moment` of each."""
    return list(map(datetime.fromisoformat, map(add, texts, repeat("+00:00"))))


def moment_or_day(text: str) -> datetime:
    """A stamp, or a day, which begins at midnight."""
    return moment(text if len(text) > len("2026-03-02") else f"{text} 00:00:00")


def table_path(table: str, key: str = "") -> str:
    """The path of a table or of one record in it; a key can never climb out of its place."""
    return f"/api/now/table/{table}" + (f"/{quote(key, safe='')}" if key else "")


def stamp_of(date: str | None) -> str:
    """An answer's `Date` as the system writes its own stamps; empty when there is none."""
    try:
        return f"{parsedate_to_datetime(date or '').astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return ""


def after(field: str, at: str, key: str, scope: str = "") -> str:
    """The query for what comes after (`at`, `key`) in the order of (`field`, `sys_id`); from `at` on when there is no key yet."""
    within = f"{scope}^" if scope else ""
    order = f"^ORDERBY{field}^ORDERBYsys_id"
    if not key:
        return f"{within}{field}>={at}{order}"
    return f"{within}{field}={at}^sys_id>{key}^NQ{within}{field}>{at}{order}"


def escaped(text: str) -> str:
    """A value inside an encoded query. Raises `ValueError` for one that the system would run as a script."""
    if text.lstrip().casefold().startswith("javascript:"):
        raise ValueError("a name that begins with 'javascript:' would be run as a script, and is not looked up")
    return text.replace("^", "^^")
