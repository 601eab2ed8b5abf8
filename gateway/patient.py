"""Long reading that outlasts a system's rests: it goes on where the last page ended."""

from collections.abc import Iterator
from datetime import datetime

import structlog

from connectors.base import Connector, Cursor, Page
from connectors.errors import Transient
from gateway.retrying import Patience

LONGEST = 900.0
"""Seconds that reading waits for a system that asked for it; no ticket is in hand meanwhile."""


def pages(there: Connector, since: datetime | Cursor, patience: Patience) -> Iterator[Page]:
    """As `Connector.changed`. Whoever takes the pages is done with each before the next is read.

    Raises the `Transient` of a system that wants a longer rest, or is silent again and again without a page in between.
    """
    tries = 0
    while True:
        try:
            for page in there.changed(since):
                tries, since = 0, page.cursor
                yield page
                if page.last:
                    return
            return
        except Transient as error:
            tries += 1
            wait = patience.after(error, tries, LONGEST)
            if wait is None:
                raise
            structlog.get_logger().warning("reading rests", connection=error.connection, seconds=round(wait), reason=error.message)
            patience.sleep(wait)
