"""National ids that have check digits, by country; the arithmetic is python-stdnum's, imported when the first such number is asked for."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

LONGEST = 18
_KINDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "at": (("at.vnr", r"[1-9]\d{9}"),),
    "au": (("au.tfn", r"\d{8,9}"),),
    "be": (("be.nn", r"\d{11}"),),
    "bg": (("bg.egn", r"\d{10}"),),
    "br": (("br.cpf", r"\d{11}"),),
    "ca": (("ca.sin", r"[1-9]\d{8}"),),
    "ch": (("ch.ssn", r"756\d{10}"),),
    "cl": (("cl.rut", r"\d{7,8}[0-9K]"),),
    "cn": (("cn.ric", r"\d{17}[0-9X]"),),
    "cz": (("cz.rc", r"\d{10}"),),
    "de": (("de.idnr", r"[1-9]\d{10}"),),
    "do": (("do.cedula", r"\d{11}"),),
    "ec": (("ec.ci", r"\d{10}"),),
    "ee": (("ee.ik", r"\d{11}"),),
    "es": (("es.dni", r"\d{8}[A-Z]"), ("es.nie", r"[XYZ]\d{7}[A-Z]")),
    "fi": (("fi.hetu", r"\d{9}[0-9A-Y]"),),
    "fr": (("fr.nir", r"[12]\d{4}[0-9AB]{2}\d{6}\d{2}"),),
    "gb": (("gb.nhs", r"\d{10}"),),
    "gr": (("gr.amka", r"\d{11}"),),
    "hr": (("hr.oib", r"\d{11}"),),
    "ie": (("ie.pps", r"\d{7}[A-W][A-IW]?"),),
    "il": (("il.idnr", r"\d{9}"),),
    "in": (("in_.aadhaar", r"[2-9]\d{11}"),),
    "is": (("is_.kennitala", r"\d{10}"),),
    "it": (("it.codicefiscale", r"[A-Z]{6}[0-9A-Z]{10}"),),
    "kr": (("kr.rrn", r"\d{13}"),),
    "lt": (("lt.asmens", r"\d{11}"),),
    "mx": (("mx.curp", r"[A-Z]{4}\d{6}[A-Z]{6}[0-9A-Z]\d"),),
    "nl": (("nl.bsn", r"\d{9}"),),
    "no": (("no.fodselsnummer", r"\d{11}"),),
    "pl": (("pl.pesel", r"\d{11}"),),
    "pt": (("pt.cc", r"\d{9}[0-9A-Z]{2}\d"),),
    "ro": (("ro.cnp", r"\d{13}"),),
    "se": (("se.personnummer", r"\d{10}|\d{12}"),),
    "si": (("si.emso", r"\d{13}"),),
    "sk": (("sk.rc", r"\d{10}"),),
    "th": (("th.pin", r"\d{13}"),),
    "tr": (("tr.tckimlik", r"[1-9]\d{10}"),),
    "ua": (("ua.rntrc", r"\d{10}"),),
    "za": (("za.idnr", r"\d{13}"),),
}
"""Country: the modules that know its ids, each with the shape of those that have a check digit. Ids without one (the social security
number of the United States, Danish ones since 2007) cannot be told from any other number, and are not here."""

COUNTRIES = frozenset(_KINDS)


def is_national_id(number: str, countries: frozenset[str]) -> bool:
    """Whether the number, without separators and in capitals, is one of these countries' with right check digits."""
    if not any(c.isdigit() for c in number):
        return False
    return any(_checks(module, number) for country, module in _of_shape(number) if country in countries)


def _of_shape(number: str) -> Iterator[tuple[str, str]]:
    for country, module, shape in _shapes():
        if shape.fullmatch(number):
            yield country, module


@cache
def _shapes() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((country, module, re.compile(shape, re.ASCII)) for country, kinds in _KINDS.items() for module, shape in kinds)


def _checks(module: str, number: str) -> bool:
    written = f"{number[:6]}-{number[6:]}" if module == "fi.hetu" else number  # whose sign tells the century
    return bool(_module(module).is_valid(written))


@cache
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")
