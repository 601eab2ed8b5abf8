"""Logs: lines for people on a terminal, JSON for machines; known secrets and personal data are cut out of whatever is logged."""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

LOGGED_NEVER = frozenset({"payment_card", "iban", "email", "phone"})
"""National ids of all countries would blank out numbers that are none; `restrict` knows those of the desk."""
_OURS = frozenset({"timestamp", "level", "ref", "connection", "rule", "bundle"})
SHORTEST_SECRET = 6  # characters; shorter ones would blank out ordinary words


def set_up(*, as_json: bool, level: str = "info", secrets: Iterable[str] = ()) -> None:
    """Once, at the start of a command. Everything goes to standard error."""
    hidden = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)

    def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {k: _cut(v, hidden) for k, v in event.items()}

    last = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_secrets,
            without_personal_data,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    for noisy in ("apscheduler", "urllib3", "uvicorn", "jira", "pysnow", "zenpy", "simple_salesforce", "apprise"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what they log may hold a body; what matters we log ourselves


def without_personal_data(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever a vendor's message or a traceback may quote: nobody's card, account, address or number stands in a log."""
    from rules.pii import Wanted, redacted

    wanted = Wanted(LOGGED_NEVER)
    return {key: redacted(value, wanted) if isinstance(value, str) and key not in _OURS else value for key, value in event.items()}


def _cut(value: Any, hidden: list[str]) -> Any:
    if not isinstance(value, str):
        return value
    for secret in hidden:
        value = value.replace(secret, "•••")
    return value
