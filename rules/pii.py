"""Personal data in a text: payment cards, IBANs, national ids, addresses and telephone numbers; found for a test, cut out for a copy.

Everything is found in one walk over the words of a text, with a bounded look ahead from each: the time grows with the text and with
nothing else. A number is a run of whole groups, joined by one space, hyphen or dot: one inside a longer run of digits is none.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

import re2
from msgspec import Struct

from rules.pii_ids import COUNTRIES as COUNTRIES
from rules.pii_ids import LONGEST, is_national_id

KINDS = ("payment_card", "iban", "national_id", "email", "phone")

_WORD = re.compile("[0-9A-Za-z_]+")
_JOINTS = frozenset(" -.")
_CARD_BEGINS = frozenset("23456")  # the networks' first digits; 0, 1, 7, 8 and 9 are no cards, and many are stamps of time
_EMAIL = re2.compile(r"[\pL\pN._%+'-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+")
_DIALLED = re2.compile(r"\+?\(?[0-9]+(?:\)?[ ./-]?\(?[0-9]+)*")


class Wanted(Struct, frozen=True):
    """What to look for: kinds, and the countries whose national ids count."""

    kinds: frozenset[str]
    countries: frozenset[str] = COUNTRIES


class Found(Struct, frozen=True, order=True):
    start: int
    end: int
    kind: str


class _Group(Struct, frozen=True):
    """A word of the text; `joint` stands between it and the one before it, empty where that is more than one separator."""

    text: str
    start: int
    end: int
    joint: str

    @property
    def digits(self) -> bool:
        return self.text.isdigit()

    @property
    def of_an_id(self) -> bool:
        return len(self.text) == 1 or any(map(str.isdigit, self.text))


def holds_any(text: str, wanted: Wanted) -> bool:
    """Whether a text holds any of the kinds."""
    return next(_every(text, wanted), None) is not None


def found(text: str, wanted: Wanted) -> tuple[Found, ...]:
    """All of it by place; where two overlap, the one that begins first and reaches farther."""
    kept: list[Found] = []
    for one in sorted(_every(text, wanted), key=lambda f: (f.start, -f.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def redacted(text: str, wanted: Wanted) -> str:
    """The text with each of them replaced by its kind: `[payment_card]`. Doing it twice changes nothing."""
    for one in reversed(found(text, wanted)):
        text = f"{text[: one.start]}[{one.kind}]{text[one.end :]}"
    return text


def _every(text: str, wanted: Wanted) -> Iterator[Found]:
    plain = _plain(text)
    if "email" in wanted.kinds and "@" in plain:
        yield from (Found(match.start(), match.end(), "email") for match in _EMAIL.finditer(plain))
    if "phone" in wanted.kinds:
        yield from _phones(plain)
    numbers = [kind for kind in _AT if kind in wanted.kinds]
    if numbers and any(map(str.isdigit, plain)):
        for run in _runs(plain):
            for n in range(len(run)):
                for kind in numbers:
                    end = _AT[kind](run, n, wanted.countries)
                    if end is not None:
                        yield Found(run[n].start, run[end].end, kind)


# --- the text, and its groups ----------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """Character for character: digits of every script as 0 to 9, wide letters, spaces and dashes as the plain ones."""
    return text if text.isascii() else "".join(map(_plain_character, text))


@lru_cache(maxsize=4096)
def _plain_character(c: str) -> str:
    if c.isdecimal():
        return str(unicodedata.decimal(c))
    if unicodedata.category(c) == "Pd":
        return "-"
    wide = unicodedata.normalize("NFKC", c)
    return wide if len(wide) == 1 else c


def _runs(plain: str) -> Iterator[list[_Group]]:
    """The words of a text, those together that one separator joins."""
    run: list[_Group] = []
    for match in _WORD.finditer(plain):
        start, end = match.span()
        joint = plain[run[-1].end : start] if run and start - run[-1].end == 1 else ""
        if joint not in _JOINTS:
            if run:
                yield run
            run, joint = [], ""
        run.append(_Group(match[0], start, end, joint))
    if run:
        yield run


# --- payment cards, IBANs, national ids ------------------------------------------------------------------------------


def _card(run: list[_Group], start: int, _: frozenset[str]) -> int | None:
    """Where a card's number that begins here ends: 13 to 19 digits in groups of three or more but the last, or all that stand together."""
    if run[start].text[0] not in _CARD_BEGINS:
        return None
    number, last, small = "", None, start > 0 and run[start - 1].digits
    for n in range(start, len(run)):
        if not run[n].digits or len(number) + len(run[n].text) > 19:
            break
        number += run[n].text
        alone = n + 1 == len(run) or not run[n + 1].digits
        if len(number) >= 13 and (alone or not small or n == start) and _luhn(number):
            last = n
        if len(run[n].text) < 3:
            if start > 0 and run[start - 1].digits:
                break
            small = True
    return last


def _luhn(number: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(doubled) + sum(map(int, number[-1::-2]))) % 10 == 0


def _iban(run: list[_Group], start: int, _: frozenset[str]) -> int | None:
    if not (len(head := run[start].text) >= 4 and head[:2].isalpha() and head[2:4].isdigit()):
        return None
    number, last = "", None
    for n in range(start, len(run)):
        number += run[n].text.upper()
        if len(number) > 34 or "_" in number:
            break
        if len(number) >= 15 and _mod_97(number) and _is_iban(number):
            last = n
    return last


def _mod_97(number: str) -> bool:
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def _is_iban(number: str) -> bool:
    """Its country's length and make-up; only what has passed its check digits is asked for, so the tables are seldom needed."""
    from stdnum import iban

    return bool(iban.is_valid(number, check_country=False))


def _id(run: list[_Group], start: int, countries: frozenset[str]) -> int | None:
    """One group, or several in one manner (spaces, or hyphens and dots) that does not go on beyond; letters by one, or with digits."""
    number, inside, last = "", frozenset[str](), None
    for n in range(start, min(len(run), start + LONGEST)):
        number += run[n].text.upper()
        inside |= {run[n].joint} if n > start else set()
        if len(number) > LONGEST or not run[n].of_an_id or (" " in inside and len(inside) > 1):
            break
        before, after = run[start].joint, run[n + 1].joint if n + 1 < len(run) and run[n + 1].digits else ""
        goes_on = (before in inside and start > 0 and run[start - 1].digits) or after in inside
        if len(number) >= 8 and not goes_on and is_national_id(number, countries):
            last = n
    return last


_AT: Mapping[str, Callable[[list[_Group], int, frozenset[str]], int | None]] = {"payment_card": _card, "iban": _iban, "national_id": _id}


# --- telephone numbers -----------------------------------------------------------------------------------------------


def _phones(plain: str) -> Iterator[Found]:
    for match in _DIALLED.finditer(plain):
        start, end = match.span()
        if not (_touches(plain, start - 1) or _touches(plain, end)) and _is_phone(match.group()):
            yield Found(start, end, "phone")


def _touches(plain: str, at: int) -> bool:
    """Whether a letter, or what may be more of the number, stands there."""
    return 0 <= at < len(plain) and ((plain[at].isascii() and plain[at].isalnum()) or plain[at] in "_+@")


def _is_phone(said: str) -> bool:
    """International with + or 00; national with a leading 0 of an area code; or the 3-3-4 of North America."""
    groups = re.findall("[0-9]+", said)
    digits = "".join(groups)
    if said.startswith("+") or digits.startswith("00"):
        return 8 <= len(digits.removeprefix("00")) <= 15 and digits.lstrip("0") != ""
    sizes = [len(group) for group in groups]
    if digits.startswith("0"):
        pairs = sizes == [2] * 5
        return pairs or (9 <= len(digits) <= 12 and len(groups) <= 4 and sizes[0] >= 3)
    return sizes in ([3, 3, 4], [1, 3, 3, 4]) and all(a != " " or b != " " for a, b in pairwise(said))
