"""Small pages put together: nothing is lost, doubled or turned round, and a cursor never runs ahead of its tickets."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Cursor, Page, Spoilt
from gateway.joined_pages import ENOUGH, SMALL, joined
from rules.ticket import Ticket
from tests.builders import a_ticket

SIZES = st.lists(st.sampled_from([0, 1, SMALL - 1, SMALL, 100, 260, ENOUGH]), max_size=9)
MANY = [a_ticket(f"desk:{n}") for n in range(9 * ENOUGH)]


def pages_of(sizes: Sequence[int], *, again: bool = False) -> list[Page]:
    """Pages of these sizes; `again`: each begins with the ticket that the one before it ended with."""
    made: list[Page] = []
    at = 0
    for n, size in enumerate(sizes):
        first = max(at - 1, 0) if again else at
        made.append(Page(tuple(MANY[first : at + size]), Cursor(str(n)), n == len(sizes) - 1, (Spoilt(str(n), "odd"),), (f"gone-{n}",)))
        at += size
    return made


def tickets(pages: Sequence[Page]) -> list[Ticket]:
    return [t for page in pages for t in page.tickets]


@settings(deadline=None)
@given(SIZES, st.booleans())
def test_all_that_came_is_there_in_its_order(sizes: list[int], again: bool) -> None:
    came = pages_of(sizes, again=again)

    made = list(joined(came))

    assert tickets(made) == tickets(came)
    assert [s for page in made for s in page.spoilt] == [s for page in came for s in page.spoilt]
    assert [key for page in made for key in page.gone] == [key for page in came for key in page.gone]
    assert [page.last for page in made] == ([False] * (len(made) - 1) + [True] if came else [])


@settings(deadline=None)
@given(SIZES)
def test_a_cursor_is_that_of_the_last_page_within(sizes: list[int]) -> None:
    came = pages_of(sizes)

    for page in joined(came):
        behind = [t for one in came[: int(page.cursor) + 1] for t in one.tickets]
        assert page.tickets == tuple(behind[len(behind) - len(page.tickets) :])


@settings(deadline=None)
@given(SIZES)
def test_no_ticket_is_twice_on_a_page(sizes: list[int]) -> None:
    for page in joined(pages_of(sizes, again=True)):
        assert len({t.ref for t in page.tickets}) == len(page.tickets)


def test_five_pages_of_a_hundred_are_one_and_short_pages_stay_alone() -> None:
    assert [len(page.tickets) for page in joined(pages_of([100] * 7))] == [500, 200]
    assert [len(page.tickets) for page in joined(pages_of([10, 10, 10]))] == [10, 10, 10]


def test_what_came_before_a_system_broke_off_is_handed_out_first() -> None:
    def breaking() -> Iterator[Page]:
        yield from pages_of([100, 100])[:1]
        raise ConnectionError("silent")

    made = joined(breaking())

    assert len(next(made).tickets) == 100
    with pytest.raises(ConnectionError):
        next(made)
