"""A small SOQL: text to a query, and a query over rows. Knows what our connector sends and the common things around it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str, ...]
Get: TypeAlias = Callable[[Row, Path], Any]
Kind: TypeAlias = Literal["text", "time", "number", "word"]

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<op><=|>=|!=|<>|[=<>(),]))",
    re.DOTALL,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
RESERVED = frozenset(
    {"select", "from", "where", "order", "by", "limit", "offset", "and", "or", "not", "in", "like", "asc", "desc", "nulls"}
)


class Malformed(ValueError):
    """A query that Salesforce refuses; `code` is its error code."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Literally:
    kind: Kind
    value: Any  # word: true, false or null, already as Python has it


@dataclass(frozen=True, slots=True)
class Test:
    path: Path
    op: str  # = != < > <= >= in not in like
    values: tuple[Literally, ...]


@dataclass(frozen=True, slots=True)
class Join:
    kind: Literal["and", "or", "not"]
    parts: tuple["Where", ...]


Where: TypeAlias = Test | Join


@dataclass(frozen=True, slots=True)
class Order:
    path: Path
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    table: str
    fields: tuple[Path, ...]
    children: tuple["Query", ...] = ()  # their `table` is the relationship's name
    where: Where | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    count: bool = False  # SELECT COUNT()


def parsed(text: str) -> Query:
    """The query that `text` says. Raises `Malformed`."""
    reader = _Reader(text)
    query = reader.query()
    reader.end()
    return query


class _Reader:
    """The tokens of one query, read once from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def query(self) -> Query:
        self._need("select")
        fields, children, count = self._selected()
        self._need("from")
        table = self._name()
        where = self._any() if self._took("where") else None
        order = self._order() if self._took("order") else ()
        limit = self._number() if self._took("limit") else None
        offset = self._number() if self._took("offset") else 0
        return Query(table=table, fields=fields, children=children, where=where, order=order, limit=limit, offset=offset or 0, count=count)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise Malformed(f"unexpected token: {self._tokens[self._at][1]}")

    def _selected(self) -> tuple[tuple[Path, ...], tuple[Query, ...], bool]:
        fields, children = [], []
        if self._took("count"):
            self._need("(")
            self._need(")")
            return (), (), True
        while True:
            if self._took("("):
                children.append(self.query())
                self._need(")")
            else:
                fields.append(self._path())
            if not self._took(","):
                return tuple(fields), tuple(children), False

    def _any(self) -> Where:
        first = self._term()
        for word in ("and", "or"):
            parts = [first]
            while self._took(word):
                parts.append(self._term())
            if len(parts) > 1:
                if self._peek() in ("and", "or"):
                    raise Malformed(f"unexpected token: {self._peek()}")  # SOQL wants parentheses where AND and OR meet
                return Join("and" if word == "and" else "or", tuple(parts))
        return first

    def _term(self) -> Where:
        if self._took("not"):
            return Join("not", (self._term(),))
        if self._took("("):
            inner = self._any()
            self._need(")")
            return inner
        path = self._path()
        return Test(path, self._operator(), self._values())

    def _operator(self) -> str:
        if self._took("not"):
            self._need("in")
            return "not in"
        op = self._next()[1]
        op = {"<>": "!="}.get(op, op.lower())
        if op not in ("=", "!=", "<", ">", "<=", ">=", "in", "like"):
            raise Malformed(f"unexpected token: {op}")
        return op

    def _values(self) -> tuple[Literally, ...]:
        if not self._took("("):
            return (self._literal(),)
        found = [self._literal()]
        while self._took(","):
            found.append(self._literal())
        self._need(")")
        return tuple(found)

    def _literal(self) -> Literally:
        kind, text = self._next()
        match kind:
            case "text":
                return Literally("text", _unescaped(text[1:-1]))
            case "time":
                return Literally("time", stamp(datetime.fromisoformat(text)))
            case "number":
                return Literally("number", float(text))
            case "word" if text.lower() in ("true", "false", "null"):
                return Literally("word", {"true": True, "false": False, "null": None}[text.lower()])
        raise Malformed(f"unexpected token: {text}")

    def _order(self) -> tuple[Order, ...]:
        self._need("by")
        found = [self._ordered()]
        while self._took(","):
            found.append(self._ordered())
        return tuple(found)

    def _ordered(self) -> Order:
        path = self._path()
        descending = self._took("desc") or (self._took("asc") and False)
        last = descending  # Salesforce: nulls first when ascending
        if self._took("nulls"):
            last = self._took("last") or not self._took("first")
        return Order(path, descending, last)

    def _path(self) -> Path:
        return tuple(self._name().split("."))

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "word" or text.lower() in RESERVED:
            raise Malformed(f"unexpected token: {text}")
        return text

    def _number(self) -> int:
        kind, text = self._next()
        if kind != "number":
            raise Malformed(f"unexpected token: {text}")
        return int(float(text))

    def _peek(self) -> str:
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else ""

    def _took(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True

    def _need(self, word: str) -> None:
        if not self._took(word):
            raise Malformed(f"expecting '{word}', found '{self._peek() or '<EOF>'}'")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise Malformed("unexpected token: <EOF>")
        self._at += 1
        return self._tokens[self._at - 1]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise Malformed(f"line 1:{at} no viable alternative at character '{text[at]}'")
        yield str(found.lastgroup), found[str(found.lastgroup)]
        at = found.end()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text)


def stamp(moment: datetime) -> str:
    """A moment as Salesforce writes it: UTC, whole seconds. Two stamps compare as text as their moments do."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def holds(where: Where, get: Get) -> Callable[[Row], bool]:
    """The condition as one function of a row."""
    if isinstance(where, Join):
        parts = [holds(p, get) for p in where.parts]
        if where.kind == "not":
            return lambda row: not parts[0](row)
        if where.kind == "or":
            return lambda row: any(p(row) for p in parts)
        return lambda row: all(p(row) for p in parts)
    path, compare = where.path, _comparison(where)
    return lambda row: compare(get(row, path))


def _comparison(test: Test) -> Callable[[Any], bool]:
    fold = _exactly if _is_id(test.path) else _folded
    values = [fold(v.value) for v in test.values]
    match test.op:
        case "in" | "not in":
            wanted = frozenset(values)
            return (lambda v: fold(v) in wanted) if test.op == "in" else (lambda v: fold(v) not in wanted)
        case "like":
            pattern = re.compile(".*".join(re.escape(p).replace("_", ".") for p in str(values[0]).split("%")), re.DOTALL)
            return lambda v: v is not None and pattern.fullmatch(str(fold(v))) is not None
        case "=":
            return lambda v: fold(v) == values[0]
        case "!=":
            return lambda v: fold(v) != values[0]
    return _ordering(test.op, values[0], fold)


def _ordering(op: str, limit: Any, fold: Callable[[Any], Any]) -> Callable[[Any], bool]:
    match op:
        case "<":
            return lambda v: v is not None and fold(v) < limit
        case ">":
            return lambda v: v is not None and fold(v) > limit
        case "<=":
            return lambda v: v is not None and fold(v) <= limit
    return lambda v: v is not None and fold(v) >= limit


def _is_id(path: Path) -> bool:
    return path[-1].endswith("Id")


def _exactly(value: Any) -> Any:
    return value


def _folded(value: Any) -> Any:
    """Text compares without regard to case, but for ids."""
    return value.casefold() if isinstance(value, str) else value


def pinned(where: Where | None, field: str) -> Any:
    """The one value that `field` must have for the condition to hold; None where it does not say."""
    if isinstance(where, Test):
        return where.values[0].value if where.path == (field,) and where.op == "=" else None
    if isinstance(where, Join) and where.kind == "and":
        return next((v for p in where.parts if (v := pinned(p, field)) is not None), None)
    return None


def narrowed(where: Where | None) -> frozenset[str]:
    """The fields of which the condition names all the values that they may have."""
    if isinstance(where, Test):
        return frozenset(where.path) if len(where.path) == 1 and where.op in ("=", "in") else frozenset()
    if isinstance(where, Join) and where.kind == "and":
        return frozenset().union(*(narrowed(part) for part in where.parts))
    return frozenset()


def at_least(where: Where | None, field: str) -> str | None:
    """The lowest value of `field` with which the condition could hold; None where it does not say."""
    if isinstance(where, Test):
        low = where.path == (field,) and where.op in (">", ">=", "=")
        return str(where.values[0].value) if low else None
    if isinstance(where, Join) and where.kind != "not":
        lows = [at_least(p, field) for p in where.parts]
        said = [low for low in lows if low is not None]
        if where.kind == "and":
            return max(said, default=None)
        return min(said) if len(said) == len(lows) else None
    return None


def paths(where: Where | None) -> Iterator[Test]:
    """Every test of a condition."""
    if isinstance(where, Test):
        yield where
    elif isinstance(where, Join):
        for part in where.parts:
            yield from paths(part)


def ordered(rows: list[Row], order: tuple[Order, ...], get: Get) -> list[Row]:
    """The rows in the order that was asked for; without one, as they are."""
    for one in reversed(order):
        rows = sorted(rows, key=lambda row, o=one: _rank(get(row, o.path), o), reverse=one.descending)  # type: ignore[misc]
    return rows


def _rank(value: Any, order: Order) -> tuple[int, Any]:
    empty = 1 if order.nulls_last != order.descending else -1
    return (empty, "") if value is None else (0, _folded(value) if not _is_id(order.path) else value)
