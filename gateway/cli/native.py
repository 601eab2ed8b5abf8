"""What a ticket's own system says of its SLAs, beside what our clocks say; where the two differ, both are told."""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.base import NativeSla
from gateway.reports.verdicts import differing, ours, theirs
from rules.sla import Standing


def native_lines(slas: Sequence[NativeSla], standing: Standing) -> Iterator[tuple[str, str | None]]:
    """For people: each clock of the system, and a word where it and ours differ."""
    differ = _differ(slas, standing)
    if slas:
        yield "", None
        yield "  Its system says:", None
    for sla in slas:
        due = f", due {sla.due_at:%Y-%m-%d %H:%M:%S}Z" if sla.due_at else ""
        known = f" (our {sla.metric})" if sla.metric else ""
        yield f"    {sla.name}{known}: {sla.state}, {'breached' if sla.breached else 'not breached'}{due}", None
        if sla.metric in differ:
            yield f"    ! we say otherwise: {_our_word(sla.metric, standing)}", "yellow"


def native_json(slas: Sequence[NativeSla], standing: Standing) -> Iterator[dict[str, Any]]:
    differ = _differ(slas, standing)
    for sla in slas:
        moments = {"started_at": sla.started_at, "due_at": sla.due_at, "stopped_at": sla.stopped_at}
        said = {"name": sla.name, "metric": sla.metric, "state": sla.state, "breached": sla.breached}
        yield {"type": "native_sla", **said, **moments, "differs": sla.metric in differ}


def _differ(slas: Sequence[NativeSla], standing: Standing) -> frozenset[str]:
    return differing((*ours(standing), *theirs(slas)))


def _our_word(metric: str | None, standing: Standing) -> str:
    clock = standing.clock(metric or "")
    if clock is None:
        return "no clock"
    due = f", due {clock.due_at:%Y-%m-%d %H:%M:%S}Z" if clock.due_at else ""
    return f"{clock.state}{due}"
