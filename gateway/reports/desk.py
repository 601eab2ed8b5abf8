"""The reports on how a desk works: first replies, resolutions, backlog, repeats and volume."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from gateway.reports.report import SPREAD, Asked, Cell, Column, Report, cells
from rules.figures import AGE_NAMES, ages, share, spread
from rules.lives import Life

Row: TypeAlias = tuple[Cell, ...]
Amount: TypeAlias = Callable[[Life], tuple[datetime, datetime] | None]
ACKNOWLEDGED = "acknowledged: opened until it left 'new', was assigned or answered, or its page acknowledged"
SHARED = (Column("figure"), Column("clock"), *SPREAD, Column("share", "share"), Column("of", "count"))


def response(lives: Sequence[Life], asked: Asked) -> Report:
    """How fast people answer: tickets opened in the period."""
    opened = [life for life in lives if asked.within(life.opened_at)]
    counted = [life for life in opened if life.heard and not life.by_agent]
    figures: tuple[tuple[str, Amount], ...] = (
        ("first reply: opened to the first public reply of an agent", lambda life: _from(life.opened_at, life.replied_at)),
        (ACKNOWLEDGED, lambda life: _from(life.opened_at, life.acknowledged_at)),
    )
    rows = [
        row
        for name, part in asked.groups(counted).items()
        for row in (*_amounts(name, part, figures, asked), *_answered(name, part), *_paged(name, part, asked))
    ]
    return Report(
        name="response",
        title="How fast tickets are answered",
        clock=asked.counted,
        period=f"tickets opened {asked.named}",
        population="tickets whose comments were read; those without an answer count in the shares alone",
        excluded=(
            ("their comments were never read", sum(not life.heard for life in opened)),
            ("opened by an agent's own words", sum(life.heard and life.by_agent for life in opened)),
        ),
        columns=_columns(asked, SHARED),
        rows=tuple(rows),
        drawn=("median", "p90"),
    )


def _answered(name: str, part: Sequence[Life]) -> Iterator[Row]:
    blank = (None,) * len(SPREAD)
    yield (name, "answered", "", *blank, share(sum(life.replied_at is not None for life in part), len(part)), len(part))
    yield (name, "acknowledged", "", *blank, share(sum(life.acknowledged_at is not None for life in part), len(part)), len(part))


def _paged(name: str, part: Sequence[Life], asked: Asked) -> Iterator[Row]:
    """How fast those called out say that they have it. Pages that nobody acknowledged are in the share alone; without pages no row."""
    all_of_them = [page for life in part for page in life.paged]
    taken = [(opened, at) for opened, at in all_of_them if at is not None]
    if all_of_them:
        for clock, counted in asked.clocks():
            amounts = spread(counted(*pair) for pair in taken)
            yield (name, "page: opened until somebody acknowledged it", clock, *cells(amounts), None, None)
        yield (name, "pages acknowledged", "", *((None,) * len(SPREAD)), share(len(taken), len(all_of_them)), len(all_of_them))


def resolution(lives: Sequence[Life], asked: Asked) -> Report:
    """How fast tickets are done with: those settled for good in the period."""
    settled = [life for life in lives if life.ticket.settled]
    done = [life for life in settled if asked.within(life.resolved_at)]
    figures: tuple[tuple[str, Amount], ...] = (
        ("resolution: opened to resolved for good", lambda life: _from(life.opened_at, life.resolved_at)),
        ("first resolution: opened to resolved for the first time", lambda life: _from(life.opened_at, life.first_solved_at)),
    )
    rows = [row for name, part in asked.groups(done).items() for row in (*_amounts(name, part, figures, asked), *_rates(name, part, asked))]
    return Report(
        name="resolution",
        title="How fast tickets are resolved, and how well",
        clock=asked.counted,
        period=f"tickets resolved {asked.named}",
        population="tickets that are settled and whose moment of resolution is known",
        excluded=(("settled, and nobody can tell when", sum(life.resolved_at is None for life in settled)),),
        columns=_columns(asked, SHARED),
        rows=tuple(rows),
        drawn=("median", "p90"),
    )


def _rates(name: str, part: Sequence[Life], asked: Asked) -> Iterator[Row]:
    """Reopened at least once, of those whose history is known; done with one public reply and not reopened for a while, of those heard."""
    blank = (None,) * len(SPREAD)
    told, heard = [life for life in part if life.told], [life for life in part if life.told and life.heard]
    ripe = [life for life in heard if life.first_solved_at is not None and life.first_solved_at + asked.one_touch <= asked.now]
    days = f"{asked.one_touch / timedelta(days=1):g}"
    yield (name, "reopened at least once", "", *blank, share(sum(bool(life.reopened) for life in told), len(told)), len(told))
    yield (
        name,
        f"one touch: one public reply, not reopened within {days} d",
        "",
        *blank,
        share(sum(_one_touch(life, asked.one_touch) for life in ripe), len(ripe)),
        len(ripe),
    )


def _one_touch(life: Life, within: timedelta) -> bool:
    first = life.first_solved_at
    return life.replies == 1 and first is not None and not any(first <= at < first + within for at in life.reopened)


def backlog(lives: Sequence[Life], asked: Asked) -> Report:
    """What is open at the end of the period, and how old it is."""
    moment = min(asked.until, asked.now)
    unsure = [life for life in lives if life.opened_at <= moment and not _tells(life, moment)]
    open_ = [life for life in lives if life.opened_at <= moment and _tells(life, moment) and _open_at(life, moment)]
    rows = [row for name, part in asked.groups(open_).items() for row in _ages(name, part, asked, moment)]
    return Report(
        name="backlog",
        title="What is open, and how old it is",
        clock=asked.counted,
        period=f"as of {moment:%Y-%m-%d %H:%M} UTC",
        population="tickets that were not settled then",
        excluded=(("settled later, and nobody can tell when", len(unsure)),),
        columns=_columns(asked, (Column("figure"), Column("clock"), *SPREAD, *(Column(name, "count") for name in AGE_NAMES))),
        rows=tuple(rows),
        drawn=AGE_NAMES,
    )


def _ages(name: str, part: Sequence[Life], asked: Asked, moment: datetime) -> Iterator[Row]:
    for clock, counted in asked.clocks():
        for what, begun in (
            ("age", [life.opened_at for life in part]),
            ("since its last update", [life.ticket.updated_at for life in part]),
        ):
            old = [counted(since, moment) for since in begun]
            yield (name, what, clock, *cells(spread(old)), *ages(old))


def _opened(life: Life) -> datetime:
    return life.opened_at


def _updated(life: Life) -> datetime:
    return life.ticket.updated_at


def _tells(life: Life, moment: datetime) -> bool:
    return not life.ticket.settled or bool(life.solved)


def _open_at(life: Life, moment: datetime) -> bool:
    """By the settlings and reopenings up to then; an open ticket whose history is not known was open all the time."""
    solved, reopened = [at for at in life.solved if at <= moment], [at for at in life.reopened if at <= moment]
    return not solved or (bool(reopened) and reopened[-1] >= solved[-1])


def repeat(lives: Sequence[Life], asked: Asked) -> Report:
    """How many tickets are about a thing that another was about shortly before."""
    known = [(life, asked.repeat_key(life)) for life in lives]
    opened = [(life, key) for life, key in known if asked.within(life.opened_at)]
    early = asked.since - asked.repeat_within
    again = _again([(life, key) for life, key in known if key and early <= life.opened_at < asked.until], asked)
    rows = []
    for name, part in asked.groups([life for life, key in opened if key]).items():
        hits = sum(str(life.ticket.ref) in again for life in part)
        rows.append((name, hits, len(part), share(hits, len(part))))
    return Report(
        name="repeat",
        title="What comes again",
        clock="calendar: elapsed time",
        period=f"tickets opened {asked.named}",
        population=f"with the same {asked.repeat_named} as another one at most {asked.repeat_within / timedelta(days=1):g} days before",
        excluded=((f"without {asked.repeat_named}", sum(key is None for _, key in opened)),),
        columns=_columns(asked, (Column("repeated", "count"), Column("tickets", "count"), Column("share", "share"))),
        rows=tuple(rows),
        drawn=("share",),
    )


def _again(known: Sequence[tuple[Life, tuple[str, ...] | None]], asked: Asked) -> frozenset[str]:
    """The tickets that have another of their key at most so long before them."""
    by_key: defaultdict[Hashable, list[Life]] = defaultdict(list)
    for life, key in known:
        by_key[key].append(life)
    found = set()
    for lives in by_key.values():
        lives.sort(key=lambda life: life.opened_at)
        for before, later in pairwise(lives):
            if later.opened_at - before.opened_at <= asked.repeat_within:
                found.add(str(later.ticket.ref))
    return frozenset(found)


def volume(lives: Sequence[Life], asked: Asked) -> Report:
    """What came and went on each day of the desk's own zone."""
    zone = ZoneInfo(asked.hours.timezone if asked.hours is not None else "UTC")
    rows: list[Row] = []
    for name, part in asked.groups(lives).items():
        opened = _days((life.opened_at for life in part), asked, zone)
        solved = _days((at for life in part for at in life.solved), asked, zone)
        reopened = _days((at for life in part for at in life.reopened), asked, zone)
        rows += [(name, str(day), opened[day], solved[day], reopened[day]) for day in sorted({*opened, *solved, *reopened})]
    return Report(
        name="volume",
        title="What comes and goes",
        clock=f"days in {zone.key}",
        period=asked.named,
        population="all tickets; days on which nothing happened are left out",
        excluded=(("settled, and nobody can tell when", sum(life.ticket.settled and not life.solved for life in lives)),),
        columns=_columns(asked, (Column("day"), *(Column(name, "count") for name in ("opened", "resolved", "reopened")))),
        rows=tuple(rows),
        drawn=("opened", "resolved", "reopened"),
    )


def _days(moments: Iterator[datetime], asked: Asked, zone: ZoneInfo) -> Counter[date]:
    return Counter(at.astimezone(zone).date() for at in moments if asked.within(at))


def _columns(asked: Asked, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return (Column(asked.by or "of"), *columns)


def _from(start: datetime, end: datetime | None) -> tuple[datetime, datetime] | None:
    return (start, max(start, end)) if end is not None else None


def _amounts(name: str, part: Sequence[Life], figures: Sequence[tuple[str, Amount]], asked: Asked) -> Iterator[Row]:
    for figure, between in figures:
        found = [pair for life in part if (pair := between(life)) is not None]
        for clock, counted in asked.clocks():
            yield (name, figure, clock, *cells(spread(counted(*pair) for pair in found)), None, None)
