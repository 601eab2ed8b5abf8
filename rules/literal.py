"""What customers and systems wrote, put into Markdown so that it is shown as it is: no value becomes bold, a link or a heading.

A template prints its values between two marks that no text holds; once the whole text stands, each value gets the backslashes that
its place calls for, and no others: `snake_case`, `2.5` and `ana@example.com` stay bare.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

OPEN, SHUT = "\ufdd0", "\ufdd1"
"""Noncharacters of Unicode, for use inside a program: they are taken out of every value."""
FIXED, FIRST = "\u00a0", "&nbsp;"
"""A space that Markdown neither drops nor reads as an indent; as the first letter of a line it is dropped, unless written by its name."""
MARKS = re.compile(f"[{OPEN}{SHUT}]")
VALUE = re.compile(f"{OPEN}([^{SHUT}]*){SHUT}")
CUT_VALUE = re.compile(f"{OPEN}[^{SHUT}]*{SHUT}?")
CONTAINER = re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*")
FENCE = re.compile(r"(`{3,}|~{3,})")
TARGET = re.compile(r"\]\([^\s)]*\Z|<[A-Za-z][A-Za-z0-9+.-]+:[^\s<>]*\Z")
TICKS = re.compile(r"(?<!\\)`+")
AUTOLINK = re.compile(r"<(?:[^\s<>]*[:@][^<>\s]*>|[^\s<>]*\Z)")
ENTITY = re.compile(r"&(?:#?\w+;|#?\w*\Z)")
STARTS = re.compile(rf"#{{1,6}}(?=\s|\Z|{OPEN})|>|[-+*](?=\s|\Z|{OPEN})|[:|\-=_*][\s:|\-=_*]*\Z")
NUMBERED = re.compile(rf"(\d{{1,9}})(?=[.)](?:\s|\Z|{OPEN}))")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
DIGIT = re.compile(r"&#(4[89]|5[0-7]);")


def marked(value: str) -> str:
    """A value as a template prints it."""
    return f"{OPEN}{MARKS.sub('', value)}{SHUT}"


def bare(text: str) -> str:
    """A printed text whose values stand as they are."""
    return MARKS.sub("", text) if OPEN in text else text


def placed(text: str) -> str:
    """A printed text as Markdown in which every value is shown as it is."""
    if OPEN not in text:
        return text
    page = _Page(references="]:" in VALUE.sub("", text))
    at = 0
    for found in VALUE.finditer(text):
        page.says(text[at : found.start()])
        page.holds(found[1], text[found.end() :].partition("\n")[0])
        at = found.end()
    page.says(text[at:])
    return "".join(page.said)


def escaped(value: str) -> str:
    """A text by itself as Markdown that shows it."""
    return placed(marked(value))


def read_plain(text: str) -> str:
    """Markdown of ours as people read it here: without the backslashes that only keep letters from meaning something."""
    digits = DIGIT.sub(lambda found: chr(int(found[1])), text)
    return ESCAPED.sub(r"\1", digits).replace(FIRST, " ").replace(FIXED, " ")


class _Page:
    """The text so far, and where it stands: its last line, and the fence of a code block that is open."""

    def __init__(self, *, references: bool) -> None:
        self.said: list[str] = []
        self._references, self._line, self._fence = references, "", ""
        self._bars = False  # the template itself has one in this line: a table's row

    def holds(self, value: str, rest: str) -> None:
        """A value of the template, with the rest of its line."""
        self._bars = self._bars or "|" in CUT_VALUE.sub("", rest)
        bars = self._bars
        self.says(self._shown(value, rest))
        self._bars = bars

    def says(self, text: str) -> None:
        self.said.append(text)
        self._bars = "|" in text.rpartition("\n")[2] or (self._bars and "\n" not in text)
        *whole, last = text.split("\n")
        for line in whole:
            self._ended(self._line + line)
            self._line = ""
        self._line += last

    def _ended(self, line: str) -> None:
        found = FENCE.match(CONTAINER.sub("", line, count=1))
        if found and not self._fence:
            self._fence = found[1]
        elif found and found[1].startswith(self._fence) and not line.strip(" >" + found[1][0]):
            self._fence = ""

    def _shown(self, value: str, rest: str) -> str:
        value = value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        if self._fence:
            return re.sub(rf"(?m)^(?= {{0,3}}{re.escape(self._fence)})", "    ", value)  # the block is not ended from within
        if len(TICKS.findall(self._line)) % 2 and "`" in rest:
            return value.replace("`", "'").replace("\n", " ")
        if TARGET.search(self._line) or (self._line.endswith("<") and rest.startswith(">") and ":" in value):
            return _address(value)
        return self._text(value, rest)

    def _text(self, value: str, rest: str) -> str:
        found = CONTAINER.match(self._line)
        container = found[0] if found else ""
        lines = [" ".join(value.split())] if self._bars or self._line[len(container) :].startswith("#") else value.split("\n")
        brackets = self._references or not _balanced(value)
        shown = []
        for n, line in enumerate(lines):
            last = n + 1 == len(lines)
            before = self._line[-1:] if n == 0 else ""
            kept = line if last and rest else line.rstrip(" ")  # nobody sees those, and a backslash must know that its line ends
            around = _Around(kept, before or "\n", rest if last else "", brackets, self._bars or len(lines) > 1)
            shown.append(around.shown(starts=n > 0 or self._line == container, own=n > 0))
        return ("\n" + re.sub(r"[^>\s]", " ", container)).join(shown)


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if depth < 0:
            return False
    return depth == 0


def _address(value: str) -> str:
    """Within an address there are no backslashes; what would end it is written by its number."""
    known = re.sub(r"&(?=#?\w+;)", "&amp;", value.strip())
    return re.sub(r"[\s()<>\\`]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), known)


@dataclass(frozen=True, slots=True)
class _Around:
    """One line of a value with what stands around it: the letter before it, and the rest of the line behind it."""

    line: str
    before: str
    rest: str
    brackets: bool  # every bracket may mean something
    bars: bool  # so may a bar

    def shown(self, *, starts: bool, own: bool) -> str:
        """`starts`: it stands at a line's start, `own`: of a line that it began itself."""
        text, first = self.line, self._first() if starts else -1
        said = "".join(f"\\{letter}" if n == first or self._means(n, letter) else letter for n, letter in enumerate(text))
        if own and first == len(text):  # the template's next letter would make it the number of a list's item
            said = f"&#{ord(text[0])};{text[1:]}"
        spaced = re.sub(r" +(?= )", lambda found: FIXED * len(found[0]), said)
        return re.sub(rf"\A[ {FIXED}]+", lambda found: FIRST + FIXED * (len(found[0]) - 1), spaced) if starts else spaced

    def _first(self) -> int:
        """The letter that would make the line more than a line of text; -1 for none."""
        found = STARTS.match(self.line + self.rest) or NUMBERED.match(self.line + self.rest)
        return (found.end(1) if found.re is NUMBERED else 0) if found else -1

    def _means(self, n: int, letter: str) -> bool:
        judge = LIVELY.get(letter)
        return judge is not None and judge(self, n)

    def near(self, n: int) -> str:
        """A letter by its place, of those around as well; a line's ends are line breaks."""
        if n < 0:
            return self.before
        return (self.line + self.rest + "\n")[n] if n <= len(self.line) else "\n"

    def run(self, n: int) -> tuple[str, str]:
        """The letters on both sides of a run of one letter."""
        letter, left, right = self.line[n], n, n
        while left > 0 and self.line[left - 1] == letter:
            left -= 1
        while right < len(self.line) and self.line[right] == letter:
            right += 1
        return self.near(left - 1), self.near(right)

    def star(self, n: int) -> bool:
        return not (self.near(n - 1) in " \t" and self.near(n + 1) in " \t")

    def underscore(self, n: int) -> bool:
        left, right = self.run(n)
        return not ((left.isalnum() and right.isalnum()) or (left in " \t" and right in " \t"))

    def tilde(self, n: int) -> bool:
        return bool({self.near(n - 1), self.near(n + 1)} & {"~", OPEN})

    def backslash(self, n: int) -> bool:
        after = self.near(n + 1)
        return not (after.isalnum() or after == " ")

    def shuts(self, n: int) -> bool:
        return self.brackets or self.near(n + 1) in ("(", "[", ":", OPEN)

    def angle(self, n: int) -> bool:
        return AUTOLINK.match(self.line, n) is not None

    def ampersand(self, n: int) -> bool:
        found = ENTITY.match(self.line, n)
        return found is not None and (found.end() < len(self.line) or found[0].endswith(";") or self.rest[:1] not in ("", " "))

    def exclamation(self, n: int) -> bool:
        return n + 1 == len(self.line) and self.rest[:1] in ("[", OPEN)

    def hash(self, n: int) -> bool:
        """At a heading's end it would be taken for its frame."""
        left, right = self.run(n)
        return left in " \t" and right == "\n"


LIVELY: Mapping[str, Callable[[_Around, int], bool]] = {
    "*": _Around.star,
    "_": _Around.underscore,
    "~": _Around.tilde,
    "`": lambda around, n: True,
    "\\": _Around.backslash,
    "[": lambda around, n: around.brackets,
    "]": _Around.shuts,
    "<": _Around.angle,
    "&": _Around.ampersand,
    "!": _Around.exclamation,
    "|": lambda around, n: around.bars,
    "#": _Around.hash,
}
