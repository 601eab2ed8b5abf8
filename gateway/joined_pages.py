"""Small pages put together, as one that a single transaction stores: a commit, and what goes with it, costs as much as forty tickets."""

from collections.abc import Iterable, Iterator

from connectors.base import Page
from rules.ticket import replace

SMALL, ENOUGH = 50, 500
"""Tickets: a page of fewer than `SMALL` says that little is left, and none waits once there are `ENOUGH`."""


def joined(pages: Iterable[Page]) -> Iterator[Page]:
    """The same tickets in the same order; each page has the cursor of the last that it is made of.

    What a system said before it broke off is handed out before that is raised. A ticket is never twice on a page.
    """
    held: Page | None = None
    try:
        for page in pages:
            if held is not None and _meet(held, page):
                yield held
                held = None
            held = page if held is None else _together(held, page)
            if page.last or len(page.tickets) < SMALL or len(held.tickets) >= ENOUGH:
                yield held
                held = None
    except Exception:
        if held is not None:
            yield held
        raise
    if held is not None:
        yield held


def _meet(one: Page, other: Page) -> bool:
    return not {t.ref for t in one.tickets}.isdisjoint(t.ref for t in other.tickets)


def _together(one: Page, other: Page) -> Page:
    return replace(
        other,
        tickets=one.tickets + other.tickets,
        spoilt=one.spoilt + other.spoilt,
        gone=one.gone + other.gone,
        merged={**one.merged, **other.merged},
        moved={**one.moved, **other.moved},
        ids={**one.ids, **other.ids},
    )
