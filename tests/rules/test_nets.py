"""Many strings in one pass: what is found in a text, and that a page of texts is as many texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.nets import Keys, Net

CARD, DECLINED, MAIL, ANYWHERE = (1 << n for n in range(4))


def a_net() -> Net:
    keys = Keys()
    keys.word(" card ", CARD, None)
    keys.word(" card declined ", DECLINED, None)
    keys.piece("e-mail", MAIL, None)
    keys.piece("cat", ANYWHERE, None)
    keys.piece("try-me", 0, 7)
    return Net(keys)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Card", CARD),
        ("cards discard card_x", 0),
        ("CARD -- declined!", CARD | DECLINED),
        ("card not declined", CARD),
        ("card declinedly", CARD),
        ("my E-Mail", MAIL),
        ("my e mail", 0),
        ("concatenated", ANYWHERE),
        ("", 0),
    ],
)
def test_what_is_found_in_a_text(text: str, found: int):
    assert a_net().one(text.encode()) == (found, frozenset())


def test_a_piece_that_only_calls_for_a_trial_may_be_written_with_any_gap():
    assert a_net().one(b"try me") == (0, {7})


def test_nothing_is_found_across_two_texts_of_a_page():
    assert [found for found, _ in a_net().each([b"card", b"declined", b"", b"e-", b"mail"])] == [CARD, 0, 0, 0, 0]


@given(
    st.lists(st.lists(st.sampled_from(("card", "declined", "e-mail", "cat", "try-me", " ", "-", "é")), max_size=6).map("".join), max_size=6)
)
def test_a_page_is_as_many_texts(texts: list[str]):
    some = [text.encode() for text in texts]
    assert a_net().each(some) == [a_net().one(text) for text in some]
