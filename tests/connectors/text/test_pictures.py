"""Pictures in a text that goes elsewhere: by name, and no address that lets in whoever has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.text.pictures import by_name

TOKEN = "https://acme.zendesk.com/attachments/token/Zq8fK3sEcReT"
CASES = [
    (f"See ![]({TOKEN}/?name=screen.png) please", "See [image: screen.png] please"),
    (f"![The error]({TOKEN}/?name=screen.png)", "[image: The error]"),
    ("![x](cid:part1)", "[image: x]"),
    (f"Log: {TOKEN}/?name=trace.log.", "Log: [file: trace.log.]"),
    (f"Log: {TOKEN}/?name=a%20b.jpeg then", "Log: [image: a b.jpeg] then"),
    ('[code]<img src="/sys_attachment.do?sys_id=0123" alt="Screen.png">[/code]', "[image: Screen.png]"),
    ('<IMG alt="" src="https://cdn.example.com/a/pic.png?sig=abc">', "[image: pic.png]"),
    ("https://files.example.com/r.pdf?X-Amz-Signature=abc&X-Amz-Date=1", "[file: r.pdf]"),
    ("https://acme.service-now.com/sys_attachment.do?sys_id=0123", "[file: without a name]"),
    ("![a](http://[broken)", "[image: a]"),
]
KEPT = [
    "An address: https://example.com/docs?page=2 (and more)",
    "Not a picture: ! [a](b), a[0](1), <imagine>",
    "",
]


@pytest.mark.parametrize(("text", "told"), CASES)
def test_a_picture_is_told_by_its_name(text: str, told: str) -> None:
    assert by_name(text) == told


@pytest.mark.parametrize("text", KEPT)
def test_all_else_stays_as_it_is(text: str) -> None:
    assert by_name(text) == text


@given(st.text(max_size=40), st.sampled_from([case for case, _ in CASES]), st.text(max_size=40))
def test_whatever_stands_around_no_secret_leaves_and_twice_is_once(before: str, text: str, after: str) -> None:
    told = by_name(f"{before} {text} {after}")
    assert "sEcReT" not in told
    assert "X-Amz-Signature=abc" not in told
    assert by_name(told) == told
