"""What customers wrote is shown as it is in a reply, whatever it holds."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.text import markdown, plain
from rules.literal import escaped, read_plain
from rules.templates import Template

PIECES = st.one_of(
    st.sampled_from(
        [*"\\`*_[]<>~|&!#+=-.)(: \n@/\"'", "ana", "Größe", "日本語", "12", "    ", "\n\n", "---", "```", "](http://x)", "&amp;"]
    ),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=3),
)
VALUES = st.lists(PIECES, max_size=14).map("".join).map(str.strip)


def rendered(text: str, **values: str) -> str:
    return Template.compile(text).render(values, markdown=True)


def seen(text: str) -> str:
    return _on_the_page(plain.write(markdown.read(text)))


def as_it_is(text: str) -> str:
    return _on_the_page(plain.write(plain.read(text)))


def _on_the_page(text: str) -> str:
    """Nobody sees the spaces at the end of a line, nor a second empty line."""
    return re.sub(r"\n{2,}", "\n\n", re.sub(r"(?m) +$", "", text)).strip()


@pytest.mark.parametrize("around", ["{{ v }}", "Hello {{ v }}, bye.", "Hello,\n\n{{ v }}\n\nBye.", "You wrote: {{ v }}\nBye."])
@given(value=VALUES)
@example(value="\\ \n\\")
@example(value="a | b\n--- | ---\nc | d")
@example(value="Title\n=====\n\n    indented\n1. one\n1) one\n- two\n+ three\n> four\n# five #\n~~~\nsix")
@example(value="[a]: http://evil.example\n[a](javascript:alert(1)) ![p](http://x/p.png) <http://x> <ana@example.com> &lt;b&gt;")
@settings(max_examples=150, deadline=None)
def test_a_reply_shows_exactly_what_the_customer_wrote(around: str, value: str):
    shown = seen(rendered(around, v=value))

    assert shown == as_it_is(around.replace("{{ v }}", value.replace("\t", "    ")))


@given(first=VALUES, second=VALUES)
@settings(max_examples=150, deadline=None)
def test_two_values_side_by_side_mean_nothing_together(first: str, second: str):
    assert seen(rendered("Hello {{ a }}{{ b }}.", a=first, b=second)) == as_it_is(f"Hello {first}{second}.")


@given(value=VALUES)
@settings(max_examples=100, deadline=None)
def test_a_value_alone_is_shown_and_read_back(value: str):
    assert seen(escaped(value)) == as_it_is(value)


@pytest.mark.parametrize(
    "value",
    [
        "snake_case",
        "2.5",
        "ana@example.com",
        "https://shop.example.com/a_b?c=d&e=f#g-h",
        "[EXT] Re: card declined (again) :)",
        "C:\\Users\\ana",
        "a < b, 2 * 3 = 6, A & B",
        "#4711 is late!",
        "~ 5 %",
    ],
)
def test_no_more_backslashes_than_are_needed(value: str):
    assert rendered("Hello {{ v }}, bye.", v=value) == f"Hello {value}, bye."


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("*x*", r"\*x\*"),
        ("[a](javascript:alert)", r"[a\](javascript:alert)"),
        ("# x", r"\# x"),
        ("1. x", r"1\. x"),
        ("- x", r"\- x"),
        ("> x", r"\> x"),
        ("a\n---", "a\n\\---"),
        ("<http://x.example>", r"\<http://x.example>"),
    ],
)
def test_what_means_something_gets_a_backslash(value: str, written: str):
    assert rendered("{{ v }}", v=value) == written
    assert read_plain(written) == value


def test_the_words_of_the_template_keep_their_markup():
    text = "**Hello** {{ v }}, see [our page](https://example.com):\n\n- {{ v }}\n- two"

    assert seen(rendered(text, v="*Ana*")) == seen("**Hello** \\*Ana\\*, see [our page](https://example.com):\n\n- \\*Ana\\*\n- two")


def test_a_value_stays_in_the_quote_the_item_and_the_cell_where_it_stands():
    quoted = rendered("> {{ v }}\n\nBye", v="one\n\ntwo")
    assert markdown.read(quoted) == markdown.read("> one\n>\n> two\n\nBye")
    listed = rendered("- {{ v }}\n- last", v="one\n- two\n\n# three")
    assert seen(listed).endswith("\n- last")
    assert len(markdown.read(listed)) == 1
    table = rendered("| who | what |\n| --- | --- |\n| {{ v }} | x |", v="a | b\nc")
    assert seen(table) == "who | what\na | b c | x"


def test_a_value_does_not_leave_the_code_or_the_address_where_it_stands():
    block = rendered("```\n{{ v }}\n```\nBye", v="a *b*\n```\n# c")
    assert seen(block) == "a *b*\n    ```\n# c\n\nBye"
    assert seen(rendered("Run `{{ v }}` now", v="a_*b*` **c**")) == "Run a_*b*' **c** now"
    link = rendered("[page]({{ v }})", v="https://x.example/a b) **c**")
    assert seen(link) == "page (https://x.example/a%20b%29%20**c**)"


def test_a_channel_and_a_field_get_the_text_as_it_is():
    assert Template.compile("{{ v }} *x*").render({"v": "*y*"}) == "*y* *x*"
