"""Jira's stamps in UTC, for the many of a page: an hour of one offset is reckoned once, and its minutes are the same everywhere."""

from datetime import datetime

from connectors.mapping import Kept, moment

LENGTH, HOUR, OFFSET = 28, 13, 23
"""Of `2026-03-02T09:16:31.456+0100`: where the hour ends, and where the offset begins."""


def in_utc(stamp: str) -> str:
    """To the millisecond: `2026-03-02T08:16:31.456+00:00`. Raises `ValueError`."""
    return moment(stamp).isoformat(timespec="milliseconds")


class Stamps:
    """What `in_utc` and `moment` say, in a third of the time."""

    def __init__(self) -> None:
        self._hours = Kept(_hour)

    def both(self, stamp: str) -> tuple[str, datetime]:
        """As text and as a moment. Raises `ValueError`."""
        if len(stamp) != LENGTH or stamp[OFFSET] not in "+-" or not stamp.endswith("00"):  # an offset of whole hours keeps the minutes
            return in_utc(stamp), moment(stamp)
        said = f"{self._hours[stamp[:HOUR] + stamp[OFFSET:]]}{stamp[HOUR:OFFSET]}+00:00"
        return said, datetime.fromisoformat(said)

    def moment(self, stamp: str) -> datetime:
        """Raises `ValueError`."""
        return self.both(stamp)[1]


def _hour(said: str) -> str:
    """`2026-03-02T09+0100` in UTC, without an offset."""
    return moment(f"{said[:HOUR]}:00{said[HOUR:]}").isoformat()[:HOUR]
