"""Long reading that outlasts a system's rests: it goes on where the last page ended."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from connectors.base import Connector, Cursor, Page
from connectors.errors import Transient
from gateway.retrying import Patience

LONGEST = 900.0
"""Seconds that reading waits for a system that asked for it; no ticket is in hand meanwhile."""


LAST = 20
"""Pages whose tickets are known again after a rest: a cursor begins some minutes before its end."""


def pages(there: Connector, since: datetime | Cursor, patience: Patience) -> Iterator[Page]:
    """As `Connector.changed`. Whoever takes the pages is done with each before the next is read; after a rest no ticket comes again
    that one of the last pages brought as it is.

    Raises the `Transient` of a system that wants a longer rest, or is silent again and again without a page in between.
    """
    tries, rested, brought = 0, False, deque[dict[str, str]](maxlen=LAST)
    while True:
        try:
            for page in there.changed(since):
                tries, since = 0, page.cursor
                yield _news(page, brought) if rested else page
                brought.append({ticket.ref.key: ticket.version for ticket in page.tickets})
                if page.last:
                    return
            return
        except Transient as error:
            tries, rested = tries + 1, True
            wait = patience.after(error, tries, LONGEST)
            if wait is None:
                raise
            structlog.get_logger().warning("reading rests", connection=error.connection, seconds=round(wait), reason=error.message)
            patience.sleep(wait)


def _news(page: Page, brought: Iterable[Mapping[str, str]]) -> Page:
    known = {key: version for one in brought for key, version in one.items()}
    return replace(page, tickets=tuple(t for t in page.tickets if known.get(t.ref.key) != t.version))
