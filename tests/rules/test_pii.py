"""Personal data in a text: found by its check digits, never inside a longer number, in time that grows with the text alone."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban
from stdnum import luhn
from stdnum.de import idnr
from stdnum.nl import bsn
from stdnum.pl import pesel

from rules.engine import explain
from rules.observation import Kind
from rules.pii import COUNTRIES, KINDS, Wanted, found, holds_any, redacted
from rules.pii_ids import _KINDS, _module
from tests.builders import a_ticket, an_observation
from tests.costs import growth
from tests.rules.desks import a_bundle, a_desk

CARD, IBAN, ID, EMAIL, PHONE = (Wanted(frozenset({kind})) for kind in ("payment_card", "iban", "national_id", "email", "phone"))
ALL = Wanted(frozenset(KINDS))
fourteen = st.text("0123456789", min_size=14, max_size=14)


@st.composite
def card_numbers(draw):
    """Sixteen digits of a network, with their right check digit."""
    begin = draw(st.sampled_from("23456")) + draw(fourteen)
    return begin + luhn.calc_check_digit(begin)


@st.composite
def ibans(draw):
    account = draw(st.text("0123456789", min_size=18, max_size=18))
    return f"DE{stdnum_iban.calc_check_digits(f'DE00{account}')}{account}"


def grouped(number: str, joint: str) -> str:
    return joint.join(number[n : n + 4] for n in range(0, len(number), 4))


def other_digit(data, digit: str) -> str:
    return data.draw(st.sampled_from("0123456789".replace(digit, "")))


def said(text: str, wanted: Wanted) -> list[str]:
    return [text[one.start : one.end] for one in found(text, wanted)]


joints = st.sampled_from(["", " ", "-", "."])
around = st.sampled_from(["{}", "card {} please", "({})", "№{},", "卡号{}谢谢", "it is\n{}\nthanks", "order 12, {} and 7"])


@settings(deadline=None)
@given(card_numbers(), joints, around)
def test_a_payment_card_is_found_however_it_is_grouped(number, joint, place):
    assert said(place.format(grouped(number, joint)), CARD) == [grouped(number, joint)]


@settings(deadline=None)
@given(card_numbers(), joints, st.data())
def test_a_card_with_one_digit_changed_is_none(number, joint, data):
    at = data.draw(st.integers(1, len(number) - 1))
    assert not holds_any(grouped(number[:at] + other_digit(data, number[at]) + number[at + 1 :], joint), CARD)


@settings(deadline=None)
@given(card_numbers(), st.sampled_from(["9{}", "{}1", "x{}", "{}x", "_{}"]))
def test_a_number_inside_a_longer_run_does_not_count(number, place):
    text = place.format(number)
    assume(not text.isdigit() or not luhn.is_valid(text))
    assert not holds_any(text, CARD)


@settings(deadline=None)
@given(ibans(), joints, around, st.booleans())
def test_an_iban_is_found_however_it_is_grouped(number, joint, place, lower):
    written = grouped(number.lower() if lower else number, joint)
    assert said(place.format(written), IBAN) == [written]


@settings(deadline=None)
@given(ibans(), joints, st.data())
def test_an_iban_with_one_digit_changed_is_none(number, joint, data):
    at = data.draw(st.integers(2, len(number) - 1))
    assert not holds_any(grouped(number[:at] + other_digit(data, number[at]) + number[at + 1 :], joint), IBAN)


@settings(deadline=None)
@given(st.text("0123456789", min_size=8, max_size=8), st.data())
def test_a_national_id_is_found_and_with_one_digit_changed_is_not(eight, data):
    number = next((eight + str(n) for n in range(10) if bsn.is_valid(eight + str(n))), None)
    assume(number is not None)
    dutch = Wanted(frozenset({"national_id"}), frozenset({"nl"}))
    assert holds_any(f"my number is {number}.", dutch)
    assert holds_any(f"{number[:4]}.{number[4:6]}.{number[6:]}", dutch)
    at = data.draw(st.integers(0, 8))
    assert not holds_any(number[:at] + other_digit(data, number[at]) + number[at + 1 :], dutch)


def test_national_ids_count_in_the_countries_that_are_named():
    german, polish = "36574261809", "44051401359"
    assert (idnr.is_valid(german), pesel.is_valid(polish)) == (True, True)
    only_germany = Wanted(frozenset({"national_id"}), frozenset({"de"}))
    assert [holds_any(number, only_germany) for number in (german, polish)] == [True, False]
    assert [holds_any(number, ID) for number in (german, polish)] == [True, True]


AS_WRITTEN = (
    *("131052-308T", "12345678Z", "X-1234567-L", "850730-033.28", "390.533.447-05", "2 95 10 99 126 111 93"),
    *("RSSMRA85T10A562S", "811228-9874"),
)


@pytest.mark.parametrize("written", AS_WRITTEN)
def test_ids_as_their_countries_write_them(written):
    assert said(f"id {written}, thanks", ID) == [written]


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_every_country_has_its_arithmetic(country):
    assert all(callable(_module(module).is_valid) for module, _ in _KINDS[country])


NUMBERS = ("+49 171 1234567", "0049 171 1234567", "(030) 1234567", "0171-1234567", "02 12 34 56 78", "555-123-4567", "+1 (555) 123-4567")


@pytest.mark.parametrize("number", NUMBERS)
def test_telephone_numbers(number):
    assert said(f"call {number}!", PHONE) == [number]


ORDINARY = (
    *("2026-03-02 10:00:14", "01.02.2026 10:00", "order 1234567", "1772500000000", "4.15 and 3.99", "10 20 30 40 50 60 70"),
    *("v1.2.3-4", "#4711", "", "@home"),
)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_are_nobodys(text):
    assert found(text, ALL) == ()


def test_addresses_are_found_in_any_script():
    text = "Write to ana.lima+x@mail.example.com or 森@例え.テスト."
    assert said(text, EMAIL) == ["ana.lima+x@mail.example.com", "森@例え.テスト"]


def test_digits_of_another_script_are_digits():
    text = "карта ４１１１１１１１１１１１１１１１ и ٤١١١١١١١١١١١١١١١"
    assert redacted(text, CARD) == "карта [payment_card] и [payment_card]"


pieces = st.one_of(card_numbers(), ibans(), st.text(max_size=20), st.just("ana@example.com"), st.just("+49 171 1234567"))


@settings(deadline=None)
@given(st.lists(pieces, max_size=8))
def test_what_is_redacted_holds_none_of_it_and_redacting_twice_changes_nothing(parts):
    text = redacted(" / ".join(parts), ALL)
    assert not holds_any(text, ALL)
    assert redacted(text, ALL) == text


@settings(deadline=None, max_examples=300)
@given(st.text("0123456789 .-+()@aDE_x/", max_size=200))
def test_any_text_can_be_searched(text):
    for one in found(text, ALL):
        assert 0 <= one.start < one.end <= len(text)


REPEATED = ("4111 1111 1111 1112 ", "1 ", "12345678901 ", "DE89 ", "a", "0", "1-", "+1(", "words and words again 12 ")


@pytest.mark.parametrize("piece", REPEATED)
def test_the_time_grows_with_the_text_and_nothing_else(piece):
    def searched(length: int) -> None:
        found(piece * (length // len(piece)), ALL)

    assert growth(searched, 2_000) < 10, "a text four times as long takes four times as long; quadratic would be sixteen"


# --- in a condition --------------------------------------------------------------------------------------------------


def judged(condition: str, body: str, **desk):
    rules = f"rules:\n  - {{ id: r, when: created, if: {condition}, then: [{{ tag: {{ add: [x] }} }}] }}"
    return explain(an_observation(Kind.CREATED, ticket=a_ticket(body=body)), a_bundle(rules, desk=a_desk(**desk)))


def test_one_kind_may_stand_as_a_plain_value():
    assert judged("{ text: { contains_pii: iban } }", "to DE89 3704 0044 0532 0130 00 please").plan.actions
    assert not judged("{ text: { contains_pii: iban } }", "to DE88 3704 0044 0532 0130 00 please").plan.actions


def test_the_countries_are_the_desks():
    text = "{ text: { contains_pii: [national_id] } }"
    assert judged(text, "44051401359", pii=frozenset({"pl"})).plan.actions
    assert not judged(text, "44051401359", pii=frozenset({"de"})).plan.actions


def test_the_trace_names_the_kinds_and_never_the_text():
    body = "my card is 4111111111111111"
    told = judged("{ text: { contains_pii: [iban] } }", body)
    assert "none of it" in str(told.sets)
    told = judged("{ text: { contains_pii: [payment_card, iban] }, priority: urgent }", body)
    assert "payment_card" in str(told.sets)
    assert "4111111111111111" not in str(told.sets)
