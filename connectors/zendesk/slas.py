"""Zendesk's own SLAs: a ticket's metric events say what became of each measurement, its `slas` when those under way will be late."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.base import NativeSla
from connectors.mapping import Record, moment

METRICS: Mapping[str, str] = {
    "reply_time": "first_response",
    "periodic_update_time": "periodic_update",
    "pausable_update_time": "periodic_update",
    "requester_wait_time": "requester_wait",
    "agent_work_time": "agent_work",
    "resolution_time": "resolution",
    "group_ownership_time": "ownership",
}
"""Their metric: ours. Of the replies the first is a promise of its own, those behind it are another one."""
APPLIED = ("apply_sla", "apply_group_sla")
MOVES = ("activate", "pause", "fulfill")


def native_slas(ticket: Record) -> tuple[NativeSla, ...]:
    """One for each measurement that an SLA policy was applied to; without such a policy Zendesk measures and promises nothing."""
    due = {str(one["metric"]): one.get("breach_at") for one in (ticket.get("slas") or {}).get("policy_metrics") or ()}
    found = [
        _sla(metric, instance, events, due)
        for metric, some in (ticket.get("metric_events") or {}).items()
        for instance, events in _instances(some)
        if any(event["type"] in APPLIED for event in events)
    ]
    return tuple(sorted(found, key=lambda sla: (sla.started_at is None, sla.started_at, sla.name)))


def _instances(events: Sequence[Record]) -> Iterator[tuple[int, list[Record]]]:
    """The events of each measurement by time. Instance 0 stands for the metric as a whole."""
    ordered = sorted(events, key=lambda event: (moment(event["time"]), event["id"]))
    for instance in sorted({event["instance_id"] for event in ordered} - {0}):
        yield instance, [event for event in ordered if event["instance_id"] == instance]


def _sla(metric: str, instance: int, events: Sequence[Record], due: Mapping[str, Any]) -> NativeSla:
    """A breach event that is `deleted` was taken back. `breach_at` is given while a measurement runs; else the breach itself tells it."""
    first, last = (next((e for e in way if e["type"] in MOVES), None) for way in (events, events[::-1]))
    kind = last["type"] if last is not None else "activate"
    breach = next((e for e in events if e["type"] == "breach" and not e.get("deleted")), None)
    called = _called(metric, instance)
    due_at = due.get(called) if kind != "fulfill" else None
    at = due_at or (breach["time"] if breach is not None else None)
    return NativeSla(
        name=f"{_policy(events)}: {called}",
        metric="next_response" if called == "next_reply_time" else METRICS.get(metric),
        state={"activate": "running", "pause": "paused", "fulfill": "ended"}[kind],  # type: ignore[arg-type]
        breached=breach is not None,
        started_at=moment(first["time"]) if first is not None else None,
        due_at=moment(at) if at else None,
        stopped_at=moment(last["time"]) if last is not None and kind == "fulfill" else None,
    )


def _called(metric: str, instance: int) -> str:
    """As Zendesk's policies call it: its events know one kind of reply, its policies two."""
    return metric if metric != "reply_time" else "first_reply_time" if instance == 1 else "next_reply_time"


def _policy(events: Sequence[Record]) -> str:
    """The title of the policy applied last."""
    applied = [event for event in events if event["type"] in APPLIED][-1]
    return str((applied.get("sla") or applied.get("group_sla") or {}).get("policy", {}).get("title") or "SLA policy")
