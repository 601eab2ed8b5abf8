"""The system's own SLA clocks: rows of `task_sla`, one for each definition that was attached to a record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from connectors.base import NativeSla, metric_named
from connectors.servicenow.query import moment

TASK_SLA = "sys_id,sla.name,stage,has_breached,start_time,end_time,planned_end_time"
"""What is asked of a row. `percentage` is refreshed by jobs only and tells nothing that these do not."""
STAGES: Mapping[str, Literal["running", "paused", "ended", "cancelled"]] = {
    "in_progress": "running",
    "starting": "running",
    "breached": "running",  # the engine of 2010: late, and still counted
    "paused": "paused",
    "completed": "ended",
    "achieved": "ended",
    "cancelled": "cancelled",
}


def native_sla(row: Mapping[str, Any]) -> NativeSla:
    """A stage that is not known counts as ended when the row has an end."""
    name = str(row.get("sla.name") or "")
    stage = str(row.get("stage") or "").casefold().replace(" ", "_")
    stopped_at = _moment(row.get("end_time"))
    return NativeSla(
        name=name,
        metric=metric_named(name),
        state=STAGES.get(stage, "ended" if stopped_at else "running"),
        breached=row.get("has_breached") == "true",
        started_at=_moment(row.get("start_time")),
        due_at=_moment(row.get("planned_end_time")),
        stopped_at=stopped_at,
    )


def _moment(text: Any) -> datetime | None:
    try:
        return moment(str(text)) if text else None
    except ValueError:
        return None
