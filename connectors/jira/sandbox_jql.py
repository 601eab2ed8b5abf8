"""As much JQL as the sandbox understands: clauses over a few fields, AND, OR, NOT, parentheses, and ORDER BY."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.jira.sandbox_issues import State, milliseconds

TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|(>=|<=|!=|[=<>~(),])|([^\s=<>~!(),"\']+))')
PERIOD = re.compile(r"(-?\d+)([mhdw])")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
MOST_ORDERS = 7
EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
KEYS = frozenset({"key", "issuekey", "issue", "id"})

Holds = Callable[[State], bool]


class JqlError(ValueError):
    """What Jira would answer with a 400."""


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    quoted: bool = False

    def says(self, *words: str) -> bool:
        return not self.quoted and self.text.upper() in words


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, and the earliest `updated` (in milliseconds) at which it can hold, where it says so."""

    holds: Holds
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    part: Part
    order: tuple[tuple[str, bool], ...]  # field, descending


TEXTS: Mapping[str, Callable[[State], Sequence[str | None]]] = {
    "project": lambda s: (s.project,),
    "key": lambda s: (s.key,),
    "issuekey": lambda s: (s.key,),
    "issue": lambda s: (s.key,),
    "id": lambda s: (s.id, s.key),
    "labels": lambda s: s.labels,
    "status": lambda s: (s.status,),
    "issuetype": lambda s: (s.type,),
    "priority": lambda s: (s.priority,),
    "resolution": lambda s: (s.resolution,),
    "assignee": lambda s: (s.assignee,),
    "reporter": lambda s: (s.reporter,),
}
DATES: Mapping[str, Callable[[State], datetime]] = {"updated": lambda s: s.updated, "created": lambda s: s.created}
ORDERS: Mapping[str, Callable[[State], Any]] = {
    "updated": lambda s: s.updated,
    "created": lambda s: s.created,
    "key": lambda s: (s.project, s.number),
    "id": lambda s: int(s.id),
    "priority": lambda s: s.priority or "",
}
COMPARED: Mapping[str, Callable[[datetime, datetime], bool]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}


def parse(
    jql: str, *, zone: ZoneInfo, now: datetime, projects: frozenset[str], step: timedelta = MILLISECOND, knows: Callable[[str], bool] = bool
) -> Query:
    """Quoted dates are read in `zone`, the account's; bare numbers are milliseconds since 1970 and absolute. Raises `JqlError`.

    Moments are compared by whole `step`s; a key that the site does not `know` makes the query an invalid one.
    """
    return _Parser(_tokens(jql), zone, now, projects, step, knows).query()


def _tokens(jql: str) -> list[Token]:
    found, at, jql = [], 0, jql.rstrip()
    while at < len(jql):
        hit = TOKEN.match(jql, at)
        if hit is None:
            raise JqlError(f"Error in the JQL Query: The character '{jql[at]}' is a reserved JQL character. (line 1, character {at + 1})")
        double, single, mark, word = hit.groups()
        quoted = double if double is not None else single
        found.append(Token(re.sub(r"\\(.)", r"\1", quoted), True) if quoted is not None else Token(mark or word))
        at = hit.end()
    return found


class _Parser:
    def __init__(
        self,
        tokens: list[Token],
        zone: ZoneInfo,
        now: datetime,
        projects: frozenset[str],
        step: timedelta,
        knows: Callable[[str], bool],
    ) -> None:
        self._tokens, self._at = tokens, 0
        self._zone, self._now, self._projects, self._step, self._knows = zone, now, projects, step, knows

    def query(self) -> Query:
        if not self._tokens or self._peek("ORDER"):
            raise JqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        part = self._or()
        order = self._order() if self._took("ORDER") else (("created", True),)
        if self._at < len(self._tokens):
            raise JqlError(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{self._tokens[self._at].text}'.")
        return Query(part, order)

    def _or(self) -> Part:
        parts = [self._and()]
        while self._took("OR", "||"):
            parts.append(self._and())
        since = [p.since for p in parts if p.since is not None]
        holds = [p.holds for p in parts]
        return parts[0] if len(parts) == 1 else Part(_any(holds), min(since) if len(since) == len(parts) else None)

    def _and(self) -> Part:
        parts = [self._not()]
        while self._took("AND", "&&"):
            parts.append(self._not())
        since = [p.since for p in parts if p.since is not None]
        return parts[0] if len(parts) == 1 else Part(_all([p.holds for p in parts]), max(since, default=None))

    def _not(self) -> Part:
        if self._took("NOT", "!"):
            inner = self._not().holds
            return Part(lambda s: not inner(s))
        if self._took("("):
            part = self._or()
            self._need(")")
            return part
        return self._clause()

    def _clause(self) -> Part:
        field = self._next().text
        name = field.casefold()
        negated = self._peek("NOT") and self._took("NOT")
        if self._took("IN"):
            values = self._list()
            return Part(self._among(name, field, values, negated=bool(negated)))
        if self._took("IS"):
            empty = not self._took("NOT")
            self._need("EMPTY", "NULL")
            read = self._texts(name, field)
            return Part(lambda s: (not any(read(s))) is empty)
        operator, value = self._next().text, self._next()
        if name in DATES:
            return self._dated(name, operator, value)
        if operator not in ("=", "!="):
            raise JqlError(f"The operator '{operator}' is not supported by the '{field}' field.")
        return Part(self._among(name, field, [value], negated=operator == "!="))

    def _among(self, name: str, field: str, values: list[Token], *, negated: bool) -> Holds:
        read = self._texts(name, field)
        wanted = {v.text.casefold() for v in values}
        strange = next((v.text for v in values if name == "project" and v.text.upper() not in self._projects), None)
        if strange is not None:
            raise JqlError(f"The value '{strange}' does not exist for the field 'project'.")
        lost = next((v.text for v in values if name in KEYS and not self._knows(v.text)), None)
        if lost is not None:
            raise JqlError(f"An issue with key '{lost}' does not exist for field '{field}'.")
        return lambda s: any(t is not None and t.casefold() in wanted for t in read(s)) is not negated

    def _texts(self, name: str, field: str) -> Callable[[State], Sequence[str | None]]:
        if name not in TEXTS:
            raise JqlError(f"Field '{field}' does not exist or you do not have permission to view it.")
        return TEXTS[name]

    def _dated(self, name: str, operator: str, value: Token) -> Part:
        if operator not in COMPARED:
            raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
        at, read, compare = self._whole(self._moment(name, value)), DATES[name], COMPARED[operator]
        since = milliseconds(at) if name == "updated" and operator in (">=", ">", "=") else None
        return Part(lambda s: compare(self._whole(read(s)), at), since)

    def _whole(self, at: datetime) -> datetime:
        return at if self._step == MILLISECOND else EPOCH + (at - EPOCH) // self._step * self._step

    def _moment(self, name: str, value: Token) -> datetime:
        if not value.quoted and value.text.isdigit():
            return EPOCH + timedelta(milliseconds=int(value.text))
        period = PERIOD.fullmatch(value.text)
        if period:
            return self._now + int(period[1]) * UNITS[period[2]]
        for form in FORMATS:
            try:
                return datetime.strptime(value.text, form).replace(tzinfo=self._zone)
            except ValueError:
                continue
        raise JqlError(
            f"Date value '{value.text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        )

    def _list(self) -> list[Token]:
        self._need("(")
        values = [self._next()]
        while self._took(","):
            values.append(self._next())
        self._need(")")
        return values

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._need("BY")
        found = [self._ordered()]
        while self._took(","):
            found.append(self._ordered())
        if len(found) > MOST_ORDERS:
            raise JqlError(f"The query has more than {MOST_ORDERS} fields to order by.")
        return tuple(found)

    def _ordered(self) -> tuple[str, bool]:
        field = self._next().text
        name = {"issuekey": "key"}.get(field.casefold(), field.casefold())
        if name not in ORDERS:
            raise JqlError(f"Not able to sort using field '{field}'.")
        if self._took("DESC"):
            return name, True
        self._took("ASC")
        return name, False

    def _peek(self, *words: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].says(*words)

    def _took(self, *words: str) -> bool:
        if self._peek(*words):
            self._at += 1
            return True
        return False

    def _need(self, *words: str) -> None:
        if not self._took(*words):
            got = self._tokens[self._at].text if self._at < len(self._tokens) else "end of query"
            raise JqlError(f"Error in the JQL Query: Expecting '{words[0]}' but got '{got}'.")

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise JqlError("Error in the JQL Query: The query ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]


def _all(holds: list[Holds]) -> Holds:
    return lambda s: all(h(s) for h in holds)


def _any(holds: list[Holds]) -> Holds:
    return lambda s: any(h(s) for h in holds)
