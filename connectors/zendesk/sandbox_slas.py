"""The sandbox's SLA policies as far as a ticket shows them: its metric events, and which targets it is measured by now."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.zendesk.sandbox_desk import Desk, stamp

METRICS = ("agent_work_time", "pausable_update_time", "periodic_update_time", "reply_time", "requester_wait_time", "resolution_time")
APPLIED = ("apply_sla", "apply_group_sla")


def keep(
    desk: Desk, number: int, metric: str, events: Iterable[tuple[str, datetime]], *, instance: int = 1, due: datetime | None = None
) -> None:
    """One measurement of a ticket under the account's policy: what happened when, and until when it lasts while it is under way."""
    slas = desk.slas.setdefault(number, {"metric_events": {}, "slas": {"policy_metrics": []}})
    rows = slas["metric_events"].setdefault(metric, [])
    for kind, at in events:
        row = {"id": desk.next_id(), "ticket_id": number, "metric": metric, "instance_id": instance, "type": kind, "time": stamp(at)}
        rows.append({**row, "deleted": False, **_more(kind)})
    if due is not None:
        called = metric if metric != "reply_time" else "first_reply_time" if instance == 1 else "next_reply_time"
        slas["slas"]["policy_metrics"].append({"breach_at": stamp(due), "stage": "active", "metric": called})


def _more(kind: str) -> dict[str, Any]:
    if kind not in APPLIED:
        return {}
    policy = {"id": 25, "title": "Silver Plan", "description": ""}
    return {kind.removeprefix("apply_"): {"target": 60, "target_in_seconds": 3600, "business_hours": False, "policy": policy}}


def beside(desk: Desk, number: int, asked: Iterable[str]) -> Mapping[str, Any]:
    """What stands in the ticket itself when `include` asks for it."""
    held = desk.slas.get(number, {"metric_events": {}, "slas": {"policy_metrics": []}})
    events = {metric: held["metric_events"].get(metric, []) for metric in {**dict.fromkeys(METRICS), **held["metric_events"]}}
    shown = {"metric_events": events, "slas": held["slas"]}
    return {name: shown[name] for name in shown if name in asked}
