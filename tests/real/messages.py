"""Which document each system has, and what is wrong with the messages that were exchanged with its sandbox."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from gateway.sandbox.faults import encoded
from gateway.sandbox.host import Exchange
from tests.real import overrides_jira, overrides_servicenow, overrides_zendesk
from tests.real.spec_check import Override, SpecCheck, document_in

VARIABLE = "TICKETGATE_REAL_DATA"
DOCUMENTS: dict[str, tuple[str, tuple[Override, ...], str]] = {
    "jira": ("*swagger-v3*.json", overrides_jira.ALL, ""),
    "servicenow": ("table-api*.yaml", overrides_servicenow.ALL, ""),
    "zendesk": ("support-api*.yaml", overrides_zendesk.ALL, ".json"),
}
"""By system: its document in the folder `SYSTEM/spec`, our overrides, and what its SDK adds to each path."""

ELSEWHERE = re.compile(
    r"^/(oauth/tokens|oauth_token\.do|rest/servicedeskapi/|api/now/attachment/|attachments/token/|attachment/1/|rest/api/2/serverInfo$)"
)
"""Sign-in, Jira Service Management, ServiceNow's files, the bytes of Zendesk's, and which of them a Jira is: not in these documents."""


def real_data() -> Path | None:
    """The folder of real files, where there is one."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


@cache
def check_for(system: str) -> SpecCheck | None:
    """The check of a system, or None without its document."""
    folder = real_data()
    if folder is None or system not in DOCUMENTS:
        return None
    pattern, overrides, suffix = DOCUMENTS[system]
    try:
        return SpecCheck(document_in(folder / system / "spec", pattern), overrides, suffix=suffix)
    except LookupError:
        return None


def check_without(override: Override, system: str, folder: Path) -> SpecCheck:
    """The check of a system as it would be without one of our overrides, which shows what that one is for."""
    pattern, overrides, suffix = DOCUMENTS[system]
    return SpecCheck(document_in(folder / system / "spec", pattern), [o for o in overrides if o is not override], suffix=suffix)


def wrong_with(check: SpecCheck, exchanges: Iterable[Exchange]) -> list[str]:
    """Every complaint about these requests and answers, each once. What a fault answered is nobody's message."""
    seen = tuple(exchanges)  # a sandbox may still be answering what nobody waits for
    return sorted({c for exchange in seen if not ELSEWHERE.match(exchange.request.path) for c in complaints(check, exchange)})


def complaints(check: SpecCheck, exchange: Exchange) -> Iterator[str]:
    """What a document has against one exchange."""
    request = exchange.request
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind and "json" not in kind:  # a file: only where it goes and in which form
        yield from (f"request: {c}" for c in check.sends(request.method, exchange.url, kind))
    else:
        yield from (f"request: {c}" for c in check.request(request.method, exchange.url, parsed(request.body)))
    if exchange.answer is not None and not exchange.faulty:
        body, _ = encoded(exchange.answer)
        yield from (f"answer: {c}" for c in check.answer(request.method, exchange.url, exchange.answer.status, parsed(body)))


def parsed(body: bytes) -> Any:
    return json.loads(body) if body else None
