"""Folding and the search for words: sections 6.3 and 20 of the language page, case by case."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.text import Needle, composed, contains, fold, plainly, plainly_each, spoken, words


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Straße", "strasse"),
        ("ISTANBUL İstanbul", "istanbul istanbul"),
        ("naïve Café", "naive cafe"),
        ("  two \t\n  words\u00a0here ", "two words here"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﬀ", "ff"),
        ("Άλφα ΟΔΟΣ", "αλφα οδοσ"),
        ("Йод", "иод"),
        ("ı ø ł æ", "ı ø ł æ"),
        ("ｶﾞ", "ガ"),
        ("한국어", "한국어"),
        ("ที่นี่", "ที่นี่"),
        ("", ""),
    ],
)
def test_folding_ignores_case_accents_width_and_white_space(written, seen):
    assert fold(written) == seen


def test_kana_voicing_is_no_accent():
    assert fold("が") != fold("か")
    assert fold("か\u3099") == fold("が")


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def test_folding_is_settled_for_every_single_character():
    strange = [c for c in map(chr, range(0x110000)) if not 0xD800 <= ord(c) < 0xE000 and fold(fold(c)) != fold(c)]
    assert strange == []


@given(st.text())
def test_composed_and_decomposed_text_fold_alike(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "needle", "there"),
    [
        ("The cat sat", "cat", True),
        ("category", "cat", False),
        ("cat5", "cat", False),
        ("a big_cat", "cat", False),
        ("CAT!", "cat", True),
        ("my e-mail bounced", "e-mail", True),
        ("my E mail bounced", "e-mail", True),
        ("email", "e-mail", False),
        ("a stolen\n  card", "stolen card", True),
        ("a card was stolen", "stolen card", False),
        ("l'addition", "addition", True),
        ("réclamation déposée", "reclamation", True),
        ("支払いができません", "支払い", True),
        ("重要vip顧客です", "vip", True),
        ("重要vip顧客です", "vip顧客", True),
        ("重要vips顧客です", "vip", False),
        ("ไม่สามารถชำระเงินได้", "ชำระเงิน", True),
        ("환불이 필요해요", "환불", False),
        ("환불 필요", "환불", True),
        ("मुझे वापसी चाहिए", "वापसी", True),
        ("उसकी", "उसक", False),
        ("it is 🔥 here", "🔥", True),
        ("it is here", "🔥", False),
        ("", "cat", False),
    ],
)
def test_contains_finds_whole_words_and_phrases(text, needle, there):
    assert contains(fold(text), needle) is there


@pytest.mark.parametrize(
    ("text", "start", "there"),
    [
        ("Re: invoice", "re", True),
        ("Refund", "re", False),
        ("  Hello!", "hello", True),
        ("返金してください", "返金", True),
        ("say hello", "hello", False),
    ],
)
def test_starts_with_is_about_whole_words_at_the_trimmed_beginning(text, start, there):
    folded = fold(text)
    assert Needle.start(start).begins(folded, spoken(folded)) is there


@pytest.mark.parametrize(
    ("text", "end", "there"),
    [
        ("we want a refund.", "refund", True),
        ("prerefund", "refund", False),
        ("refund please", "refund", False),
        ("すぐに返金", "返金", True),
    ],
)
def test_ends_with_is_about_whole_words_at_the_trimmed_end(text, end, there):
    folded = fold(text)
    assert Needle.end(end).finishes(folded, spoken(folded)) is there


@given(st.text(), st.text(min_size=1), st.text())
def test_a_word_of_its_own_is_found_wherever_it_stands(before, word, after):
    if not spoken(fold(word)).strip():
        return
    assert contains(fold(f"{before} {word} {after}"), word)


def test_matches_sees_the_text_as_written_but_for_width_and_composition():
    assert composed("Ｅ１２ Cafe\u0301") == "E12 Café"


def test_many_different_signs_are_separators_too():
    signs = "".join(chr(c) for c in range(0x2500, 0x25A0))
    assert contains(fold(f"{signs}cat{signs}"), "cat")


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_the_words_of_a_text_are_those_of_its_folded_form(text: str):
    assert words(text) == spoken(fold(text)).split()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Größe", "Grosse"),
        ("refusée — déjà…", "refusee   deja "),
        ("ﬁle １２", "file 12"),
        ("TÜV", "TuV"),
        ("カ5", " カ 5"),
        ("新しいカード", " 新しいカード "),
        ("СЧЁТ", "счет"),
        ("øre", "øre"),
        ("cafe\u0301s", None),
        ("carte ½", None),
        ("a¨b", None),
        ("가", None),
    ],
)
def test_a_text_written_plainly(text: str, plain: str | None):
    assert plainly(text) == plain


@given(st.text(alphabet=st.sampled_from("aZ9_ -é߀Üİ—…\u00a0ﬁ™②\u0301\u0338ſK’ＡｶﾞカБй가ᄀ¨½ดู漢"), max_size=12) | st.text(max_size=8))
def test_written_plainly_it_has_the_same_words(text: str):
    plain = plainly(text)
    if plain is not None:
        assert re.findall("[a-z0-9_\x80-\U0010ffff]+", _small(plain)) == spoken(fold(text)).split()


@given(
    st.lists(
        st.text(alphabet=st.sampled_from("aZ9 -é߀Üİ—\u00a0ﬁ\u0301ſＡｶﾞカБ가ᄀดู漢Σσς\x1e\x1d\uffff"), max_size=9) | st.text(max_size=8),
        max_size=9,
    )
)
@example(["é\x1eカ", "カ", "", "e", "\u0301é"])
@example(["".join(map(chr, range(0x400 + 40 * n, 0x428 + 40 * n))) for n in range(10)])
def test_many_texts_written_plainly_are_each_as_by_itself(texts: list[str]):
    for text, plain in zip(texts, plainly_each(texts), strict=True):
        assert plain == plainly(text) or (len(set(text)) > 64 and plain is not None and spoken(fold(plain)) == spoken(fold(text)))


def _small(text: str) -> str:
    """With small ASCII letters."""
    return "".join(c.lower() if c.isascii() else c for c in text)
