"""Personal data of a real ticket replaced, the same value always by the same stand-in, so that rules see what they saw.

Replaced are people's names and addresses, companies, telephone numbers, cards, IBANs and national ids (by others that pass the same
checks), internet addresses, links, and every number of five digits and more, or of seven in groups. What the desk's own rule files say
is no secret and stays.
A name that stands in a free text and in no field is not recognized: whoever keeps the file reads it first.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from rules.pii import KINDS, Wanted, found
from rules.pii_ids import is_national_id
from rules.ticket import Comment, Person, Ticket

_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_NUMBER = re.compile(r"\d{5,}|(?<![\d])\+?\d(?:[ ./()-]{0,2}\d){6,}")
_WANTED = Wanted(frozenset(KINDS))
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Disguise:
    """Made for one ticket. `known` are the texts of the desk's rule files."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = "\n".join(known).casefold()
        self._given: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}

    def meet(self, ticket: Ticket, comments: Iterable[Comment]) -> None:
        """Everybody whom a field names, so that their names are found in texts as well."""
        people = [ticket.requester, ticket.assignee, *(c.author for c in comments)]
        for person in filter(None, people):
            if person.name:
                self.name(person.name)
            if person.organization:
                self.company(person.organization)

    def person(self, person: Person | None) -> str | None:
        """How a field names somebody: by the address, else the name."""
        if person is None:
            return None
        return self.email(person.email) if person.email else self.name(person.name) if person.name else None

    def name(self, name: str) -> str:
        stand_in = self._stand_in("name", name, lambda n: f"Person {_letters(n)}")
        for part in (name, *re.split(r"[\s,]+", name)):
            if len(part) > 2:
                self._names.setdefault(part.casefold(), stand_in)
        return stand_in

    def company(self, name: str) -> str:
        """One that a rule or a list of the desk names stays: it decides, and is written there anyway."""
        if name.casefold() in self._known:
            return name
        stand_in = self._stand_in("company", name, lambda n: f"Company {_letters(n)}")
        self._names.setdefault(name.casefold(), stand_in)
        return stand_in

    def email(self, address: str) -> str:
        return self._stand_in("email", address, lambda n: f"person{n + 1}@example.com")

    def text(self, text: str) -> str:
        """A free text: what is longest first, so that a name within an address is the address."""
        text = _LINK.sub(lambda m: self._stand_in("link", m[0], lambda n: f"https://example.com/{n + 1}"), text)
        text = _IP.sub(lambda m: self._stand_in("ip", m[0], lambda n: f"192.0.2.{n % 254 + 1}"), text)
        pieces, last = [], 0
        for one in found(text, _WANTED):
            pieces += [self._plain(text[last : one.start]), self._piece(one.kind, text[one.start : one.end])]
            last = one.end
        return "".join([*pieces, self._plain(text[last:])])

    def _piece(self, kind: str, value: str) -> str:
        if value.casefold() in self._known:
            return value
        if kind == "email":
            return self.email(value)
        makers: dict[str, Callable[[int], str]] = {
            "payment_card": _card,
            "iban": _iban,
            "phone": lambda n: f"+1 202 555 {100 + n % 100:04d}",
            "national_id": lambda n: _national_id(value, n),
        }
        return self._stand_in(kind, value, makers[kind])

    def _plain(self, text: str) -> str:
        """Without addresses and checked numbers: names, and numbers that pass no check."""
        text = _NUMBER.sub(lambda m: self._number(m[0]), text)
        names = sorted(self._names, key=len, reverse=True)
        if not names:
            return text
        pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, names)) + r")(?!\w)", re.IGNORECASE)
        return pattern.sub(lambda m: self._names.get(m[0].casefold(), m[0]), text)

    def _number(self, digits: str) -> str:
        """In the shape that it has: what separates its groups stays."""
        if digits.casefold() in self._known or digits in self._given.values():
            return digits
        plain = "".join(filter(str.isdigit, digits))
        other = iter(self._stand_in("number", plain, lambda n: str(10 ** (len(plain) - 1) + n + 1)))
        return "".join(next(other) if c.isdigit() else c for c in digits)

    def _stand_in(self, kind: str, value: str, make: Callable[[int], str]) -> str:
        key = (kind, " ".join(value.casefold().split()))
        if key not in self._given:
            self._given[key] = make(sum(given == kind for given, _ in self._given))
        return self._given[key]


def _letters(n: int) -> str:
    return _LETTERS[n] if n < 26 else _letters(n // 26 - 1) + _LETTERS[n % 26]


def _card(n: int) -> str:
    """A number that the networks' check digit holds for and that no bank has given out."""
    body = f"411111{n:09d}"
    doubled = sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(body))
    return body + str(-doubled % 10)


def _iban(n: int) -> str:
    body = f"00000000{n:010d}"
    check = 98 - int(f"{body}131400") % 97
    return f"DE{check:02d}{body}"


def _national_id(value: str, n: int) -> str:
    """Another that has the same shape and passes a check of some country; digits alone when none is found soon."""
    return next(_passing(value, n), re.sub(r"\d", "0", value))


def _passing(value: str, n: int) -> Iterator[str]:
    digits = "".join(filter(str.isdigit, value))
    for step in range(n * 1000 + 1, (n + 1) * 1000):
        others = f"{(int(digits) + step * 61_803_398_875) % 10 ** len(digits):0{len(digits)}d}"
        shape = iter(others)
        candidate = "".join(next(shape) if c.isdigit() else c for c in value)
        if not _alike(digits, others) and is_national_id("".join(filter(str.isalnum, candidate)), _WANTED.countries):
            yield candidate


def _alike(one: str, other: str) -> bool:
    """Whether a piece of one could still be found by in the other."""
    return any(one[at : at + 5] in other for at in range(max(1, len(one) - 4)))
