"""The report on promises: how many were kept, by our clocks and by what the systems themselves say."""

from collections.abc import Iterator, Sequence

from gateway.reports.report import Asked, Cell, Column, Report
from gateway.reports.verdicts import differing
from rules.figures import share, spread
from rules.lives import Life, Verdict

NAMED = 20
"""So many tickets on which we differ are named."""
COLUMNS = (
    *(Column(name) for name in ("metric", "policy", "says")),
    *(Column(name, "count") for name in ("met", "breached")),
    Column("compliance", "share"),
    *(Column(name, "count") for name in ("still running", "of them late")),
    *(Column(f"margin {name}", "amount") for name in ("mean", "median", "p90")),
)


def sla(lives: Sequence[Life], asked: Asked) -> Report:
    """Compliance is met of met and breached, over clocks that have ended; those that run are listed apart."""
    opened = [life for life in lives if asked.within(life.opened_at)]
    rows = [row for name, part in asked.groups(opened).items() for row in _rows(name, part)]
    return Report(
        name="sla",
        title="Promises kept",
        clock="each clock's own; margin: from the deadline to the end, less than nothing when in time, in elapsed time",
        period=f"tickets opened {asked.named}",
        population="every clock of these tickets; compliance is met of met and breached",
        excluded=(
            ("uncovered: no policy applies to them", sum(life.uncovered for life in opened)),
            ("their history was never read, so that no clock of ours can be worked out", sum(not life.heard for life in opened)),
        ),
        columns=(Column(asked.by or "of"), *COLUMNS),
        rows=tuple(rows),
        drawn=("met", "breached"),
        remarks=tuple(_differences(opened)),
    )


def _differences(lives: Sequence[Life]) -> Iterator[str]:
    """Where we and a system that keeps clocks of its own say different things of one promise: never hidden."""
    found: dict[str, list[str]] = {}
    for life in lives:
        for metric in differing(life.verdicts):
            found.setdefault(metric, []).append(str(life.ticket.ref))
    for metric, refs in sorted(found.items()):
        more = f" and {len(refs) - NAMED:,} more" if len(refs) > NAMED else ""
        yield f"{metric}: we and its system differ on {len(refs):,} tickets: {', '.join(refs[:NAMED])}{more}"


def _rows(name: str, part: Sequence[Life]) -> Iterator[tuple[Cell, ...]]:
    promises: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in (verdict for life in part for verdict in life.verdicts):
        promises.setdefault((verdict.metric, verdict.policy, verdict.says), []).append(verdict)
    for promise, verdicts in sorted(promises.items()):
        ended, runs = [v for v in verdicts if v.ended], [v for v in verdicts if not v.ended]
        missed = sum(v.missed for v in ended)
        met = len(ended) - missed
        margin = spread(v.margin for v in ended if v.margin is not None)
        counts = (met, missed, share(met, len(ended)), len(runs), sum(v.missed for v in runs))
        yield (name, *promise, *counts, margin.mean, margin.median, margin.p90)
