"""Text that a system would refuse is made to fit, and says so."""

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.text import limits, markdown, plain
from connectors.text.limits import Limit, in_bytes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(text=TEXTS, longest=st.integers(40, 300), counted=st.sampled_from([len, in_bytes]))
@settings(max_examples=200, deadline=None)
def test_a_cut_text_fits_begins_as_it_was_and_says_how_much_is_missing(text: str, longest: int, counted):
    limit = Limit(longest, counted)

    cut = limits.cut(text, limit)

    assert counted(cut) <= longest
    kept, _, notice = cut.rpartition("\n[cut: ")
    assert (
        cut == text
        if counted(text) <= longest
        else text == kept + text[len(kept) :] and notice == f"{len(text) - len(kept)} more characters]"
    )


def test_little_more_than_needed_is_cut():
    assert len(limits.cut("a" * 40_000, Limit(32_767))) > 32_700
    assert in_bytes(limits.cut("漢" * 40_000, Limit(32_767, in_bytes))) > 32_600


def test_four_byte_letters_are_named_where_they_are_refused():
    assert limits.cleaned("Thanks 👍, 漢字", Limit(100, wide=False)) == "Thanks [thumbs up sign], 漢字"
    assert limits.cleaned("Thanks 👍", Limit(100)) == "Thanks 👍"


@given(text=TEXTS)
@settings(max_examples=200, deadline=None)
def test_nothing_wide_is_left_where_it_is_refused(text: str):
    assert all(len(letter.encode()) < 4 for letter in limits.cleaned(text, Limit(1, wide=False)))


def test_letters_that_no_system_takes_are_left_out():
    assert limits.cleaned("a\x00b\x0bc\nd\te", Limit(100)) == "abc\nd\te"


def test_a_document_keeps_its_marks_while_it_fits():
    document = markdown.read("**bold** " + "a " * 50)

    assert limits.written(document, markdown.write, str, Limit(1000)).startswith("**bold** a")
    short = limits.written(document, markdown.write, str, Limit(60))
    assert short.startswith("bold a")
    assert "more characters" in plain.write(markdown.read(short))
